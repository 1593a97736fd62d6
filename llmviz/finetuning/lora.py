"""LoRA: leave a weight matrix W as it is, and learn a thin product B A that is added to it (lesson 6).

W + (α / r) B A, with A (r, in) random and B (out, r) zero, so that at first nothing is added.
Source: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", section 4.1.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from llmviz.model.transformer import TransformerBase
from llmviz.training.checkpoints import first_misfit

MATRICES = ("query", "key", "value", "output", "up_proj", "down_proj")
"""The matrices of a block, by their names: all of them are adapted unless a call says otherwise."""


def low_rank_change(a: Tensor, b: Tensor, alpha: float) -> Tensor:
    """What LoRA adds to a matrix: (α / r) B A, of rank r at most.

    Args:
        a: A, (rank, in).
        b: B, (out, rank).
        alpha: α; the change is scaled by α / r, so that another rank does not ask for another learning rate.

    Returns:
        (out, in).
    """
    return alpha / a.shape[0] * (b @ a)


class LowRankChange(nn.Module):
    """The low-rank change of one matrix, as a part of the model; it adds nothing while `is_on` is False.

    Args:
        shape: of the matrix, (out, in).
        rank: r, the number of rows of A and of columns of B.
        alpha: α, see `low_rank_change`.
        generator: draws A.
    """

    def __init__(self, shape: Sequence[int], rank: int, alpha: float, generator: torch.Generator):
        super().__init__()
        n_out, n_in = shape
        self.a = nn.Parameter(torch.randn(rank, n_in, generator=generator) / math.sqrt(n_in))
        self.b = nn.Parameter(torch.zeros(n_out, rank))
        self.alpha = alpha
        self.is_on = True

    def change(self) -> Tensor:
        """(out, in): what is added, (α / r) B A."""
        return low_rank_change(self.a, self.b, self.alpha)

    def forward(self, weight: Tensor) -> Tensor:
        """(out, in) → (out, in): the matrix that the model works with."""
        return weight + self.change() if self.is_on else weight


def add_lora(
    model: TransformerBase, *, rank: int, alpha: float | None = None, matrices: Sequence[str] = MATRICES, seed: int = 0
) -> TransformerBase:
    """Make a copy of a model with a low-rank change on each matrix of its blocks; only the changes can learn.

    Args:
        model: stays as it is.
        rank: 1 or more; more than a matrix has rows or columns would be no saving.
        alpha: the strength of the change; None takes 2 · rank.
        matrices: which of `MATRICES`; Hu et al. adapt "query" and "value" alone (section 4.2).
        seed: of A. B is zero, so that the copy computes exactly what the model computes.
    """
    if unknown := set(matrices) - set(MATRICES):
        raise ValueError(f"a block has the matrices {', '.join(MATRICES)}; given {', '.join(sorted(unknown))}")
    if not isinstance(rank, int) or not 1 <= rank <= model.config.d_model:
        raise ValueError(f"the rank is a whole number from 1 to d_model, here {model.config.d_model}; given {rank!r}")
    if changes_of(model):
        raise ValueError("this model has LoRA already: merge it first (fine_tuning.merged), or begin with another")
    adapted = copy.deepcopy(model).requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for name, module in list(adapted.named_modules()):
        if isinstance(module, nn.Linear) and name.rpartition(".")[2] in matrices:
            change = LowRankChange(module.weight.shape, rank, 2.0 * rank if alpha is None else alpha, generator)
            parametrize.register_parametrization(module, "weight", change.to(module.weight.device))
    return adapted


def changes_of(model: nn.Module) -> dict[str, LowRankChange]:
    """The low-rank changes of a model, by the name of their matrix, such as "blocks.0.attention.query"."""
    return {
        name.partition(".parametrizations.")[0]: module
        for name, module in model.named_modules()
        if isinstance(module, LowRankChange)
    }


@contextmanager
def switched_off(model: nn.Module) -> Iterator[None]:
    """Within the block, the model works without its low-rank changes: it is exactly the old one."""
    changes = changes_of(model).values()
    before = [change.is_on for change in changes]
    for change in changes:
        change.is_on = False
    try:
        yield
    finally:
        for change, was_on in zip(changes, before, strict=True):
            change.is_on = was_on


def merged(model: TransformerBase) -> TransformerBase:
    """Make a copy in which each change is added to its matrix for good: an ordinary model of the old size.

    What it computes is the same but for rounding; LoRA costs nothing when the model runs (Hu et al. 2021, section 4.1).
    """
    plain = copy.deepcopy(model)
    for name in changes_of(model):
        weight = model.get_submodule(name).weight.detach().clone()
        above, _, own_name = name.rpartition(".")
        linear = nn.Linear(*reversed(weight.shape), bias=False, device=weight.device)
        linear.weight = nn.Parameter(weight)
        setattr(plain.get_submodule(above), own_name, linear)
    return plain.requires_grad_(True)


def save_lora(model: nn.Module, path: str | Path) -> int:
    """Write only what LoRA has learned into one safetensors file, and return its size in bytes."""
    changes = changes_of(model)
    if not changes:
        raise ValueError("this model has no LoRA to save; fine_tuning.add_lora adds it")
    tensors = {f"{name}.{part}": tensor.contiguous() for name, tensor, part in _parts(changes)}
    strengths = {name: repr(float(change.alpha)) for name, change in changes.items()}
    safetensors.torch.save_file(tensors, str(path), metadata=strengths)
    return Path(path).stat().st_size


def load_lora(model: TransformerBase, path: str | Path) -> TransformerBase:
    """Put a saved LoRA onto (a copy of) the model that it was learned on."""
    with safetensors.safe_open(str(path), framework="pt") as file:
        strengths = file.metadata() or {}
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
    names = sorted(strengths)
    ranks = {tensors[f"{name}.a"].shape[0] for name in names if f"{name}.a" in tensors}
    if not names or len(ranks) != 1:
        raise ValueError(f"{path} holds no LoRA; fine_tuning.save_lora writes one")
    adapted = add_lora(model, rank=ranks.pop(), matrices=tuple({name.rpartition(".")[2] for name in names}))
    changes = changes_of(adapted)
    _check_fit(changes, tensors, path)
    with torch.no_grad():
        for name, change in changes.items():
            change.a.copy_(tensors[f"{name}.a"])
            change.b.copy_(tensors[f"{name}.b"])
            change.alpha = float(strengths[name])
    return adapted


def _parts(changes: Mapping[str, LowRankChange]) -> Iterator[tuple[str, Tensor, str]]:
    for name, change in changes.items():
        yield name, change.a.detach(), "a"
        yield name, change.b.detach(), "b"


def _check_fit(changes: Mapping[str, LowRankChange], tensors: Mapping[str, Tensor], path: str | Path) -> None:
    expected = {f"{name}.{part}": tensor for name, tensor, part in _parts(changes)}
    if misfit := first_misfit(expected, tensors):
        raise ValueError(f"{path} belongs to another model: {misfit}")


def weight_change(before: nn.Module, after: nn.Module, name: str) -> Tensor:
    """What fine-tuning did to one matrix, (out, in): its weight after minus before.

    Args:
        name: of the matrix, such as "blocks.0.attention.query".
    """
    return (after.get_submodule(name).weight - before.get_submodule(name).weight).detach()


def singular_values(matrix: Tensor) -> Tensor:
    """How strongly a matrix works in each of its directions, largest first: (min(out, in),), 0 or more.

    As many are above 0 as its rank says: B A with r columns and rows has at most r.

    >>> singular_values(torch.tensor([[3.0, 0.0], [0.0, 0.0]])).tolist()
    [3.0, 0.0]
    """
    return torch.linalg.svdvals(matrix.double()).float()
