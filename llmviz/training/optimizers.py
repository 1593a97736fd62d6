"""Muon: an optimizer that makes every direction of a weight matrix learn at the same speed (lesson 5).

`torch.optim.Muon` computes in bf16, which laptops emulate hundreds of times slower; this one computes in fp32.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor, nn

_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
_NEWTON_SCHULZ_STEPS = 5
_MOMENTUM = 0.95


def _orthogonalize(matrices: Tensor) -> Tensor:
    """Bring all singular values of each matrix near 1 (0.7 to 1.2) and keep its singular vectors.

    Newton–Schulz iteration of (batch, rows, columns) with the quintic of Jordan et al. 2024, "Muon"
    (X ← aX + bXXᵀX + c(XXᵀ)²X).
    """
    is_tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if is_tall else matrices
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp_min(1e-7)
    a, b, c = _NEWTON_SCHULZ
    for _ in range(_NEWTON_SCHULZ_STEPS):
        gram = x @ x.mT
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        x = torch.baddbmm(x, polynomial, x, beta=a)
    return x.mT if is_tall else x


class Muon(torch.optim.Optimizer):
    """Update each weight matrix along its orthogonalized Nesterov momentum.

    Matrices of the same shape are stacked, which makes it fast on a laptop.
    Source: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks".

    Args:
        parameters: weight matrices (rows, columns); embeddings and vectors need AdamW.
        learning_rate: times √(rows / columns) for a matrix with more rows than columns.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], *, learning_rate: float = 0.02):
        parameters = list(parameters)
        for parameter in parameters:
            if parameter.dim() != 2:
                raise ValueError(f"Muon steps matrices (rows, columns); given a tensor {tuple(parameter.shape)}")
        super().__init__(parameters, {"lr": learning_rate})

    @torch.no_grad()
    def step(self) -> None:
        """Update every weight matrix that has a gradient."""
        for group in self.param_groups:
            same_shape = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    same_shape[parameter.shape].append(parameter)
            for parameters in same_shape.values():
                self._step_together(parameters, group["lr"])

    def _step_together(self, parameters: list[nn.Parameter], learning_rate: float) -> None:
        for parameter in parameters:
            if not self.state[parameter]:
                self.state[parameter]["momentum"] = torch.zeros_like(parameter)
        averages = [self.state[parameter]["momentum"] for parameter in parameters]
        gradients = [parameter.grad for parameter in parameters]
        torch._foreach_lerp_(averages, gradients, 1 - _MOMENTUM)
        directions = torch._foreach_lerp(gradients, averages, _MOMENTUM)
        rows, columns = parameters[0].shape
        steps = _orthogonalize(torch.stack(directions)).unbind()
        torch._foreach_add_(parameters, list(steps), alpha=-learning_rate * max(1.0, rows / columns) ** 0.5)


def warm_up_and_cosine(n_steps: int, warm_up: int) -> list[float]:
    """Linear warm-up, then cosine decay to zero, as most large models use it: factors of the learning rate, (n_steps).

    Source: Loshchilov and Hutter 2017, "SGDR", equation 5; Radford et al. 2018, section 4.1 (the warm-up).

    >>> [round(factor, 2) for factor in warm_up_and_cosine(6, warm_up=2)]
    [0.5, 1.0, 1.0, 0.85, 0.5, 0.15]
    """
    if not 0 <= warm_up < n_steps:
        raise ValueError(f"the warm-up is a part of the run, from 0 to {n_steps - 1} steps; given {warm_up}")
    falling = n_steps - warm_up
    rise = [(step + 1) / warm_up for step in range(warm_up)]
    return rise + [(1 + math.cos(math.pi * step / falling)) / 2 for step in range(falling)]
