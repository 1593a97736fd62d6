"""Ablation: switch off attention heads and measure how the loss changes (lesson 3)."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor

from llmviz.model.transformer import DecoderOnly

Head = tuple[int, int]
"""(layer, head), both counted from 0."""


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
