"""Head scores: how much of a head's attention goes to the previous token, the first one, or by induction (lesson 3).

All scores are means over the queries that have such a key, from 0 (never) to 1 (always). They describe where a head
attends, not whether the model needs it.
"""

from collections.abc import Sequence

import numpy as np


def induction_score(attention_weights, tokens: Sequence) -> np.ndarray | None:
    """How much each head attends to what came *after* the previous occurrence of the same token.

    Source: Olsson et al. 2022, "In-context Learning and Induction Heads", section "Induction heads".

    Args:
        attention_weights: (…, query, key).
        tokens: the tokens or their ids, one a position.

    Returns:
        (…,), the mean over the tokens that occurred before; None where no token did.

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


def head_scores(attention_weights, tokens: Sequence) -> dict[str, np.ndarray]:
    """All scores that this text allows: name to (…,). A single token allows none.

    The first query, which can attend to itself only, does not count.

    >>> sorted(head_scores([[1, 0, 0], [0, 1, 0], [0, 1, 0]], ["a", "b", "a"]))
    ['first token', 'induction', 'previous token']
    """
    if len(tokens) < 2:
        return {}
    weights, induction = _weights(attention_weights), induction_score(attention_weights, tokens)
    scores = {
        "previous token": np.diagonal(weights, offset=-1, axis1=-2, axis2=-1).mean(axis=-1),
        "first token": weights[..., 1:, 0].mean(axis=-1),
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
