"""Learning rates: a range test to find one, smoothing of a loss curve, and warm-up with cosine decay (lesson 5)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from llmviz.model.transformer import TransformerBase
from llmviz.training.loop import TrainingSettings, TrainingStep, train_steps

_SMOOTHING = 0.9
_DIVERGED = 1.0  # nats above the best so far


@dataclass(frozen=True)
class RangeTest(TrainingSettings):
    """A run in which the learning rate rises by the same factor each step, from `lowest` to `learning_rate`.

    Source: L. N. Smith 2017, "Cyclical Learning Rates for Training Neural Networks", section 3.3 (with equal steps).
    """

    lowest: float = 1e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.lowest < self.learning_rate:
            raise ValueError(
                f"the learning rate rises from lowest to learning_rate; given {self.lowest} and {self.learning_rate}"
            )

    def schedule(self, step: int) -> float:
        """Factor of the highest learning rate at a step, from 0.

        >>> [round(RangeTest(steps=3, learning_rate=1.0, lowest=0.01).schedule(step), 6) for step in (0, 1, 2)]
        [0.01, 0.1, 1.0]
        """
        return (self.lowest / self.learning_rate) ** (1 - step / max(1, self.steps - 1))


@dataclass(frozen=True)
class _RangeTestResult:
    """Learning rates and losses (step), the smoothed losses, the rate with the lowest one, and a third of it."""

    learning_rates: list[float]
    losses: list[float]
    smoothed: list[float]
    best: float
    chosen: float


def range_test(
    model: TransformerBase, token_ids: Tensor, settings: RangeTest, *, starts: Tensor | None = None
) -> _RangeTestResult:
    """Learning rate range test: raise the rate during a short run, and look where the loss stops falling.

    Stops early if the loss diverges. Best with the optimizer "adamw": Muon is insensitive to the learning rate.

    Args:
        model: modified in place; pass a throwaway copy.
        token_ids, starts: as `train_steps` takes them.
    """
    steps: list[TrainingStep] = []
    smoothed: list[float] = []
    try:
        for step in train_steps(model, token_ids, settings, starts=starts):
            steps.append(step)
            smoothed = smooth([one.loss for one in steps])
            if smoothed[-1] > min(smoothed) + _DIVERGED and smoothed[-1] > smoothed[0]:
                break
    except ArithmeticError:  # the loss is NaN: it diverged
        if not steps:
            raise ValueError("the loss is no number at the first step: start from a model that is whole") from None
    best = steps[int(np.argmin(smoothed))].learning_rate
    return _RangeTestResult(
        [step.learning_rate for step in steps], [step.loss for step in steps], smoothed, best, best / 3
    )


def smooth(losses: Sequence[float]) -> list[float]:
    """Exponential moving average with bias correction at the start.

    >>> smooth([2.0, 2.0, 2.0])
    [2.0, 2.0, 2.0]
    """
    mean, found = 0.0, []
    for number, loss in enumerate(losses, 1):
        mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss
        found.append(round(mean / (1 - _SMOOTHING**number), 12))
    return found


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
