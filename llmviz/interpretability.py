"""Inside a trained model: head scores, ablation, induction heads, the logit lens, parameters by part (lessons 3 and 4).

A head's score is a mean over the queries that have such a key, from 0 (never) to 1 (always). It describes where a head
attends, not whether the model needs it; ablation, switching heads off, shows that.
Induction: Olsson et al. 2022, "In-context Learning and Induction Heads" (they measure with repeated random tokens:
nothing but the sequence itself determines its repetition, so predicting it requires attention to earlier tokens).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import torch
from torch import Tensor

from llmviz.model.block import normalize
from llmviz.model.transformer import DecoderOnly

Head = tuple[int, int]
"""(layer, head), both counted from 0."""
CONTEXT_LENGTH = 64  # of the model that is trained on repeated sequences
_RANK_SHIFT = 10  # token number r is drawn in proportion to 1 / (r + _RANK_SHIFT)


def induction_score(attention_weights, tokens: Sequence) -> np.ndarray | None:
    """How much each head attends to what came *after* the previous occurrence of the same token.

    Args:
        attention_weights: (…, query, key).
        tokens: the tokens or their ids, one a position.

    Returns:
        (…,), the mean over the tokens that occurred before; None where no token did.

    >>> induction_score([[1, 0, 0], [0, 1, 0], [0, 1, 0]], ["a", "b", "a"]).item()
    1.0
    """
    weights, tokens = _weights(attention_weights), _one_each(attention_weights, tokens)
    before = {query: _last_place(token, tokens[:query]) for query, token in enumerate(tokens)}
    keys = {query: place + 1 for query, place in before.items() if place is not None}
    return weights[..., [*keys], [*keys.values()]].mean(axis=-1) if keys else None


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
        raise ValueError(f"attention_weights must be (…, query, key), as many queries as keys; given {weights.shape}.")
    return weights


@torch.inference_mode()
def token_losses(model: DecoderOnly, token_ids: Tensor, *, ablate_heads: Collection[Head] = ()) -> Tensor:
    """The loss at each token, with some heads switched off.

    Args:
        token_ids: (position,), or (batch, position), over which the mean is taken; at least two positions.
        ablate_heads: as in `DecoderOnly.trace`.

    Returns:
        (position - 1,), −ln p of each token from the second on, in nats.
    """
    if isinstance(token_ids, Tensor) and token_ids.shape[-1:] == (1,):
        raise ValueError("the first token is not predicted by anything; give at least two")
    return model.trace(token_ids, ablate_heads=ablate_heads).losses.mean(dim=0)


def head_effects(model: DecoderOnly, token_ids: Tensor, *, positions: slice = slice(None)) -> Tensor:
    """The increase of the loss when one head at a time is switched off: (layer, head), nats per token.

    A head near 0 is not needed *as long as all others work*: where several do the same, none is missed alone.

    Args:
        token_ids: (position,) or (batch, position).
        positions: which losses count; index i is the loss at token i + 1.
    """
    before = token_losses(model, token_ids)[positions].mean()
    effects = torch.zeros(model.config.n_layers, model.config.n_heads)
    for head in all_heads(model):
        effects[head] = token_losses(model, token_ids, ablate_heads=[head])[positions].mean() - before
    return effects


def all_heads(model: DecoderOnly) -> list[Head]:
    """The (layer, head) of all heads of a model, layer by layer."""
    return [(layer, head) for layer in range(model.config.n_layers) for head in range(model.config.n_heads)]


def zipf_sequences(vocab_size: int, n_texts: int, length: int, generator: torch.Generator) -> Tensor:
    """Sequences of different tokens, (text, length), drawn by Zipf's law; the last token (end of text) never occurs."""
    shares = 1 / (torch.arange(vocab_size - 1) + float(_RANK_SHIFT))
    return torch.multinomial(shares.expand(n_texts, -1), length, generator=generator)


def repeated_sequences(vocab_size: int, length: int, *, seed: int = 0) -> Tensor:
    """32 sequences of different tokens, all equally probable, each repeated once: (text, 1 + 2 · length)."""
    generator = torch.Generator().manual_seed(seed)
    sequences = [torch.randperm(vocab_size - 1, generator=generator)[:length] for _ in range(32)]
    return torch.stack([repeat_tokens(one.tolist(), start=vocab_size - 1) for one in sequences])


def repeat_tokens(token_ids: Sequence[int], *, start: int) -> Tensor:
    """The same tokens twice, after a token with which texts start: (1 + 2 · length,).

    >>> repeat_tokens([7, 8, 9], start=50).tolist()
    [50, 7, 8, 9, 7, 8, 9]
    """
    token_ids = list(token_ids)
    if not token_ids:
        raise ValueError("there is nothing to repeat: 0 tokens")
    if 1 + 2 * len(token_ids) > CONTEXT_LENGTH:
        raise ValueError(f"{len(token_ids)} tokens twice exceed the context; take at most {(CONTEXT_LENGTH - 1) // 2}")
    return torch.tensor([start, *(token_ids * 2)])


def parameters_by_part(vocab_size: int, d_model: int, n_layers: int, d_ff: int) -> dict[str, int]:
    """How many parameters each part of a GPT has, all layers together, without biases and gains.

    Heads do not appear: they share the width among themselves.

    >>> parameters_by_part(vocab_size=10, d_model=4, n_layers=2, d_ff=16)
    {'embedding': 40, 'attention': 128, 'feed-forward': 256, 'unembedding': 40}
    """
    return {
        "embedding": vocab_size * d_model,
        "attention": n_layers * 4 * d_model * d_model,  # query, key, value, output
        "feed-forward": n_layers * 2 * d_model * d_ff,  # up_proj, down_proj
        "unembedding": vocab_size * d_model,
    }


def logit_lens(residuals: Tensor, unembedding: Tensor) -> Tensor:
    """The logit lens: unembed the residual stream after each layer, as if it were the last one.

    Source: nostalgebraist 2020, "interpreting GPT: the logit lens".

    Args:
        residuals: (layer, ..., d_model), the stream after each layer, such as `trace.residuals`.
        unembedding: (vocab, d_model), the weight of the unembedding.

    Returns:
        (layer, ..., vocab), probabilities; each row sums to 1.
    """
    logits = normalize(residuals) @ unembedding.T
    return logits.softmax(dim=-1)
