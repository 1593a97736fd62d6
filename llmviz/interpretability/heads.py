"""What a head does, as a number: how much of its attention goes to the token before, to the first, to what came next.

All scores are means over the queries that have such a token to look at, from 0 (never) to 1 (always).
They describe where a head looks, not whether the model needs it.
"""

from collections.abc import Sequence

import numpy as np


def previous_token_score(attention_weights) -> np.ndarray:
    """Say how much each head looks at the token just before: (…, query, key) to (…,). Lesson 3.

    >>> previous_token_score([[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0]]).item()
    0.75
    """
    weights = _weights(attention_weights)
    return np.diagonal(weights, offset=-1, axis1=-2, axis2=-1).mean(axis=-1)


def first_token_score(attention_weights) -> np.ndarray:
    """Say how much each head looks at the first token, where nothing is to be reported: (…, query, key) to (…,).

    The first query, which may look nowhere else, does not count. Lesson 3.

    >>> first_token_score([[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0]]).item()
    0.25
    """
    return _weights(attention_weights)[..., 1:, 0].mean(axis=-1)


def induction_score(attention_weights, tokens: Sequence) -> np.ndarray | None:
    """Say how much each head looks at what came *after* the last time the same token stood here.

    Source: Olsson et al. 2022, "In-context Learning and Induction Heads", section "Induction heads". Lesson 3.

    Args:
        attention_weights: (…, query, key).
        tokens: the tokens or their ids, one a position.

    Returns:
        (…,), the mean over the tokens that have stood before; None where no token has.

    >>> induction_score([[1, 0, 0], [0, 1, 0], [0, 1, 0]], ["a", "b", "a"]).item()
    1.0
    """
    weights, tokens = _weights(attention_weights), _one_each(attention_weights, tokens)
    places = [
        (query, before + 1)
        for query, token in enumerate(tokens)
        if (before := _last_place(token, tokens[:query])) is not None
    ]
    if not places:
        return None
    queries, keys = zip(*places, strict=True)
    return weights[..., list(queries), list(keys)].mean(axis=-1)


def copying_score(attention_weights, tokens: Sequence) -> np.ndarray | None:
    """Say how much each head looks at places where the token that comes *next* has stood: what it could copy from.

    Unlike `induction_score` it does not ask how the head finds the place. Lesson 3.

    Args:
        attention_weights: (…, query, key).
        tokens: the tokens or their ids, one a position.

    Returns:
        (…,), the mean over the queries whose next token has stood before; None where there is none.

    >>> copying_score([[1, 0, 0], [0.25, 0.75, 0], [0, 0, 1]], ["a", "b", "a"]).item()
    0.25
    """
    weights, tokens = _weights(attention_weights), _one_each(attention_weights, tokens)
    sums = [
        weights[..., query, [key for key in range(query + 1) if tokens[key] == coming]].sum(axis=-1)
        for query, coming in enumerate(tokens[1:])
        if coming in tokens[: query + 1]
    ]
    return np.mean(sums, axis=0) if sums else None


def head_scores(attention_weights, tokens: Sequence) -> dict[str, np.ndarray]:
    """Return all scores that this text allows: name to (…,). A single token allows none.

    >>> sorted(head_scores([[1, 0, 0], [0, 1, 0], [0, 1, 0]], ["a", "b", "a"]))
    ['first token', 'induction', 'previous token']
    """
    if len(tokens) < 2:
        return {}
    induction = induction_score(attention_weights, tokens)
    scores = {
        "previous token": previous_token_score(attention_weights),
        "first token": first_token_score(attention_weights),
    }
    return scores if induction is None else scores | {"induction": induction}


def _last_place(token, before: Sequence) -> int | None:
    places = [place for place, other in enumerate(before) if other == token]
    return places[-1] if places else None


def _one_each(attention_weights, tokens: Sequence) -> list:
    tokens, n_positions = list(tokens), np.shape(attention_weights)[-1]
    if len(tokens) != n_positions:
        raise ValueError(f"give one token for each position: {n_positions} positions, but {len(tokens)} tokens.")
    return tokens


def _weights(attention_weights) -> np.ndarray:
    weights = np.asarray(attention_weights, dtype=np.float64)
    if weights.ndim < 2 or weights.shape[-1] != weights.shape[-2] or weights.shape[-1] < 2:
        raise ValueError(
            f"attention_weights must be (…, query, key) with as many queries as keys, at least 2; "
            f"given shape {weights.shape}."
        )
    return weights
