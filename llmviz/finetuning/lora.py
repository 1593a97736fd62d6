"""LoRA: a frozen weight matrix W plus a trained low-rank product, W + (α / r) B A (lesson 6).

A (r, in) is random and B (out, r) zero at first, so that nothing is added before training. Here α = 2 r.
Source: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", section 4.1.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from llmviz.model.transformer import TransformerBase

MATRICES = ("query", "key", "value", "output", "up_proj", "down_proj")
"""The matrices of a block, all of which are adapted; Hu et al. adapt query and value alone (section 4.2)."""


def low_rank_change(a: Tensor, b: Tensor, alpha: float) -> Tensor:
    """What LoRA adds to a matrix: (α / r) B A, (out, in), of rank r at most.

    Args:
        a: A, (rank, in).
        b: B, (out, rank).
        alpha: α; with the scale α / r the learning rate need not change with the rank.
    """
    return alpha / a.shape[0] * (b @ a)


class LoRALinear(nn.Module):
    """The low-rank change of a linear layer with a weight of this shape (out, in), as a parametrization of it.

    It adds nothing while `is_on` is False.
    """

    def __init__(self, shape: Sequence[int], rank: int, alpha: float, generator: torch.Generator):
        super().__init__()
        n_out, n_in = shape
        self.a = nn.Parameter(torch.randn(rank, n_in, generator=generator) / math.sqrt(n_in))
        self.b = nn.Parameter(torch.zeros(n_out, rank))
        self.alpha = alpha
        self.is_on = True

    def forward(self, weight: Tensor) -> Tensor:
        """(out, in) → (out, in): the matrix that the model computes with."""
        return weight + low_rank_change(self.a, self.b, self.alpha) if self.is_on else weight


def add_lora(model: TransformerBase, *, rank: int, seed: int = 0) -> TransformerBase:
    """A copy of a model with a low-rank change on each matrix of its blocks; only the changes are trained.

    seed: of A. B is zero, so that the copy computes exactly what the model computes.
    """
    if not isinstance(rank, int) or not 1 <= rank <= model.config.d_model:
        raise ValueError(f"the rank is a whole number from 1 to d_model, here {model.config.d_model}; given {rank!r}")
    if lora_layers(model):
        raise ValueError("this model has LoRA already: merge it first (finetuning.merge_lora), or begin with another")
    adapted = copy.deepcopy(model).requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for name, module in list(adapted.named_modules()):
        if isinstance(module, nn.Linear) and name.rpartition(".")[2] in MATRICES:
            change = LoRALinear(module.weight.shape, rank, 2.0 * rank, generator)
            parametrize.register_parametrization(module, "weight", change.to(module.weight.device))
    return adapted


def lora_layers(model: nn.Module) -> dict[str, LoRALinear]:
    """The LoRA layers of a model, by the name of their matrix, such as "blocks.0.attention.query"."""
    return {
        name.partition(".parametrizations.")[0]: module
        for name, module in model.named_modules()
        if isinstance(module, LoRALinear)
    }


@contextmanager
def disable_lora(model: nn.Module) -> Iterator[None]:
    """A context in which the model computes without its low-rank changes: exactly as before training."""
    layers = lora_layers(model).values()
    for layer in layers:
        layer.is_on = False
    try:
        yield
    finally:
        for layer in layers:
            layer.is_on = True


def merge_lora(model: TransformerBase) -> TransformerBase:
    """A copy in which each change is added to its matrix: an ordinary model of the old size (Hu et al., section 4.1).

    It computes the same but for rounding, and inference costs nothing more.
    """
    merged = copy.deepcopy(model)
    for name in lora_layers(model):
        weight = model.get_submodule(name).weight.detach().clone()
        parent, _, own_name = name.rpartition(".")
        linear = nn.Linear(*reversed(weight.shape), bias=False, device=weight.device)
        linear.weight = nn.Parameter(weight)
        setattr(merged.get_submodule(parent), own_name, linear)
    return merged.requires_grad_(True)
