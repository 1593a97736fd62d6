"""Looking at a whole model: where its parameters are, what each layer would say, what a shuffle changes (lesson 4)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from llmviz.model.block import normalize
from llmviz.model.transformer import TransformerBase


def parameters_by_part(vocab_size: int, d_model: int, n_layers: int, d_ff: int) -> dict[str, int]:
    """Say how many numbers each part of a GPT learns, all layers together, without biases and gains.

    Heads do not appear: they share the width out among themselves.

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
    """Read the residual stream early: which token would each layer say, if it were the last?

    Source: nostalgebraist 2020, "interpreting GPT: the logit lens".

    Args:
        residuals: (layer, ..., d_model), the stream after each layer, such as `trace.residuals`.
        unembedding: (vocab, d_model), the weight of the model's last table.

    Returns:
        (layer, ..., vocab), probabilities; each row sums to 1.
    """
    logits = normalize(residuals) @ unembedding.T
    return logits.softmax(dim=-1)


@torch.inference_mode()
def shuffle_gaps(model: TransformerBase, token_ids: Tensor, order: Sequence[int]) -> Tensor:
    """Say how far the answer at each token changes when the tokens are put into another order.

    Each token is compared with *itself*, at its old and its new place; the model should be in float64
    (`model.double()`), or rounding looks like a change.

    Args:
        model: a `DecoderOnly` or an `EncoderOnly`.
        token_ids: (position,).
        order: which token stands at each new place, such as (1, 0, 2).

    Returns:
        (position,), the largest difference among a token's scores, in the new order.
    """
    order = torch.tensor(order)
    if token_ids.dim() != 1 or order.sort().values.tolist() != list(range(len(token_ids))):
        raise ValueError(
            f"order names each of the tokens' places once, from 0 to {len(token_ids) - 1}; given {order.tolist()}"
        )
    before, after = model(token_ids[None])[0], model(token_ids[order][None])[0]
    return (after - before[order]).abs().amax(dim=-1)
