"""What a head is worth: silence it, and see how the loss changes. Where it looks does not tell (lesson 3)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from llmviz.model.transformer import DecoderOnly

Head = tuple[int, int]
"""(layer, head), both counted from 0."""


@torch.inference_mode()
def token_losses(
    model: DecoderOnly, token_ids: Tensor, *, ablate_heads: Collection[Head] | Mapping[Head, Tensor] = ()
) -> Tensor:
    """Say how surprised the model is by each token, with some heads silenced.

    Args:
        token_ids: (position,), or (batch, position), over which the mean is taken; at least two positions.
        ablate_heads: as in `DecoderOnly.trace`.

    Returns:
        (position - 1,), −ln p of each token from the second on, in nats.
    """
    if isinstance(token_ids, Tensor) and token_ids.shape[-1:] == (1,):
        raise ValueError("the first token is not predicted by anything; give at least two")
    return model.trace(token_ids, ablate_heads=ablate_heads).losses.mean(dim=0)


def head_effects(
    model: DecoderOnly,
    token_ids: Tensor,
    *,
    positions: slice = slice(None),
    replacements: Mapping[Head, Tensor] | None = None,
) -> Tensor:
    """Switch off one head at a time and say by how much the loss grows: (layer, head), nats per token.

    A head near 0 is not needed *as long as all others work*: where several do the same, none is missed alone.

    Args:
        token_ids: (position,) or (batch, position).
        positions: of the losses, those that count; index i is the surprise at token i + 1.
        replacements: what each head hands on instead of 0 (see `mean_outputs`).
    """
    before = token_losses(model, token_ids)[positions].mean()
    effects = torch.zeros(model.config.n_layers, model.config.n_heads)
    for layer, head in all_heads(model):
        off = [(layer, head)] if replacements is None else {(layer, head): replacements[layer, head]}
        effects[layer, head] = token_losses(model, token_ids, ablate_heads=off)[positions].mean() - before
    return effects


@torch.inference_mode()
def mean_outputs(model: DecoderOnly, token_ids: Tensor) -> dict[Head, Tensor]:
    """Say what each head hands on in the mean over these texts: (layer, head) to (d_head,).

    Put in a head's place ("mean ablation"), it takes away what the head says about *this* text, and leaves what it
    says about every text; zero takes both. Compare the two before you believe either.
    """
    blocks = model.trace(token_ids).blocks
    return {(layer, head): blocks[layer].attention.head_outputs[:, head].mean(dim=(0, 1))
            for layer, head in all_heads(model)}  # fmt: skip


def all_heads(model: DecoderOnly) -> list[Head]:
    """Name all heads of a model, layer by layer."""
    return [(layer, head) for layer in range(model.config.n_layers) for head in range(model.config.n_heads)]
