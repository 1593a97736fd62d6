"""Inside a whole model: parameters by part, the logit lens, and what shuffling tokens changes (lesson 4)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from llmviz.model.block import normalize
from llmviz.model.transformer import TransformerBase


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


@torch.inference_mode()
def shuffle_gaps(model: TransformerBase, token_ids: Tensor, order: Sequence[int]) -> Tensor:
    """How far the output at each token changes when the tokens are put into another order.

    Each token is compared with *itself*, at its old and its new place; the model should be in float64
    (`model.double()`), or rounding looks like a change.

    Args:
        model: a `DecoderOnly` or an `EncoderOnly`.
        token_ids: (position,).
        order: which token is at each new position, such as (1, 0, 2).

    Returns:
        (position,), the largest difference among a token's logits, in the new order.
    """
    order = torch.tensor(order)
    if token_ids.dim() != 1 or order.sort().values.tolist() != list(range(len(token_ids))):
        raise ValueError(
            f"order names each position once, from 0 to {len(token_ids) - 1}; given {order.tolist()}"
        )
    before, after = model(token_ids[None])[0], model(token_ids[order][None])[0]
    return (after - before[order]).abs().amax(dim=-1)
