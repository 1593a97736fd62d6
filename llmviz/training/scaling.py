"""Small runs before a large one: learning rate range test, scaling laws that predict a loss (lessons 5 and 11).

A power law, excess loss = factor · size^−exponent, is a straight line in logarithms.
Sources: Kaplan et al. 2020, "Scaling Laws for Neural Language Models", section 1.2; Hoffmann et al. 2022, "Training
Compute-Optimal Large Language Models", section 3.3 (the irreducible loss is subtracted first).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from torch import Tensor

from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly, TransformerBase
from llmviz.tokenizers.base import Tokenizer
from llmviz.training import loop
from llmviz.training.loop import TrainingSettings, TrainingStep

_SMOOTHING = 0.9
_DIVERGED = 1.0  # nats above the best so far
_N_DRAWS = 20_000
_FEWEST_TRIALS = 3
_EXPONENTS = np.arange(0.1, 1.51, 0.05)


@dataclass(frozen=True)
class RangeTest(TrainingSettings):
    """A run in which the learning rate rises by the same factor each step, from `lowest` to `learning_rate`.

    Source: L. N. Smith 2017, "Cyclical Learning Rates for Training Neural Networks", section 3.3 (with equal steps).
    """

    lowest: float = 1e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.lowest < self.learning_rate:
            raise ValueError(f"the rate rises from lowest to learning_rate; given {self.lowest}, {self.learning_rate}")

    def schedule(self, step: int) -> float:
        """Factor of the highest learning rate at a step, from 0.

        >>> [round(RangeTest(steps=3, learning_rate=1.0, lowest=0.01).schedule(step), 6) for step in (0, 1, 2)]
        [0.01, 0.1, 1.0]
        """
        return (self.lowest / self.learning_rate) ** (1 - step / max(1, self.steps - 1))


class _RangeTestResult(NamedTuple):
    """Learning rates and losses (step), the smoothed losses, and a third of the rate with the lowest one."""

    learning_rates: list[float]
    losses: list[float]
    smoothed: list[float]
    chosen: float


def range_test(
    model: TransformerBase, token_ids: Tensor, settings: RangeTest, *, starts: Tensor | None = None
) -> _RangeTestResult:
    """Learning rate range test: raise the rate during a short run, and look where the loss stops falling.

    Stops early if the loss diverges. Best with the optimizer "adamw": Muon is insensitive to the learning rate.

    model: modified in place; pass a throwaway copy. token_ids, starts: as `train_steps` takes them.
    """
    steps: list[TrainingStep] = []
    smoothed: list[float] = []
    try:
        for step in loop.train_steps(model, token_ids, settings, starts=starts):
            steps.append(step)
            smoothed = _smooth([one.loss for one in steps])
            if smoothed[-1] > min(smoothed) + _DIVERGED and smoothed[-1] > smoothed[0]:
                break
    except ArithmeticError:  # the loss is NaN: it diverged
        if not steps:
            raise ValueError("the loss is no number at the first step: start from a model that is whole") from None
    rates = [step.learning_rate for step in steps]
    best = rates[int(np.argmin(smoothed))]
    return _RangeTestResult(rates, [step.loss for step in steps], smoothed, best / 3)


def _smooth(losses: Sequence[float]) -> list[float]:
    """Exponential moving average with bias correction at the start.

    >>> _smooth([2.0, 2.0, 2.0])
    [2.0, 2.0, 2.0]
    """
    mean, found = 0.0, []
    for number, loss in enumerate(losses, 1):
        mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss
        found.append(round(mean / (1 - _SMOOTHING**number), 12))
    return found


class _Trial(NamedTuple):
    """A trained model of one width: its number of parameters, held-out loss (nats per token), and training time."""

    d_model: int
    n_parameters: int
    loss: float
    seconds: float


def config_of_width(d_model: int, vocab_size: int) -> ModelConfig:
    """A GPT of this width: two layers, two heads, d_ff = 4 d_model."""
    return ModelConfig(vocab_size, d_model=d_model, n_layers=2, n_heads=2, d_ff=4 * d_model)


def try_width(d_model: int, token_ids: Tensor, settings: TrainingSettings, *, tokenizer: Tokenizer,
              held_out: Sequence[str], starts: Tensor | None = None) -> _Trial:  # fmt: skip
    """Train a model of one width (see `train_steps`), and evaluate it on held-out documents."""
    model = DecoderOnly(config_of_width(d_model, tokenizer.vocab_size), seed=settings.seed)
    seconds = sum(step.seconds for step in loop.train_steps(model, token_ids, settings, starts=starts))
    return _Trial(d_model, model.n_parameters, loop.evaluate_documents(model, tokenizer, held_out), seconds)


def power_law(sizes: Sequence[float], excess_losses: Sequence[float]) -> tuple[float, float]:
    """Fit excess loss = factor · size^−exponent by least squares in logarithms: (factor, exponent).

    Args:
        sizes: (n), at least two different ones, above 0.
        excess_losses: (n), losses above the lowest possible one; above 0.

    >>> factor, exponent = power_law([1, 10, 100], [8, 4, 2])
    >>> round(factor, 3), round(exponent, 3)
    (8.0, 0.301)
    """
    x, y = _logarithms(sizes, excess_losses)
    slope = ((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum()
    return float(np.exp(y.mean() - slope * x.mean())), float(-slope)


def _logarithms(sizes: Sequence[float], excess_losses: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    sizes, excess = np.asarray(sizes, dtype=float), np.asarray(excess_losses, dtype=float)
    if sizes.shape != excess.shape or sizes.ndim != 1 or len(np.unique(sizes)) < 2:
        raise ValueError(f"a line needs two different sizes and a loss for each; given {sizes.size} and {excess.size}")
    if not ((sizes > 0).all() and (excess > 0).all()):
        least = f"{sizes.min():g} and {excess.min():g}"
        raise ValueError(f"sizes and excess losses are above 0; given {least}: is the floor higher than a loss?")
    return np.log(sizes), np.log(excess)


@dataclass(frozen=True, eq=False)
class _Law:
    """A fitted power law of the excess loss; lines drawn from the posterior (draw), and the standard deviation of the
    logarithm of a single trial's excess loss (draw).
    """

    factor: float
    exponent: float
    factors: np.ndarray
    exponents: np.ndarray
    noise: np.ndarray

    def predict(self, size: float | Sequence[float]) -> np.ndarray:
        """Excess loss predicted by the fitted law."""
        return self.factor * np.asarray(size, dtype=float) ** -self.exponent

    def exponent_between(self) -> tuple[float, float]:
        """The 90 % interval of the exponent."""
        low, high = np.quantile(self.exponents, (0.05, 0.95))
        return float(low), float(high)

    def between(self, size: float | Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
        """The 90 % prediction interval of the excess loss of a *new* trial of this size: (low, high)."""
        x = np.log(np.atleast_1d(np.asarray(size, dtype=float)))
        errors = self.noise * np.random.default_rng(1).standard_normal(len(self.noise))
        drawn = np.log(self.factors) - np.multiply.outer(x, self.exponents) + errors
        low, high = np.exp(np.quantile(drawn, (0.05, 0.95), axis=-1))
        return (low, high) if np.ndim(size) else (low[0], high[0])


def fit_law(sizes: Sequence[float], excess_losses: Sequence[float]) -> _Law:
    """Fit a power law to at least three trials, with the posterior of Bayesian linear regression in logarithms.

    Source: Gelman et al. 2013, "Bayesian Data Analysis", section 14.2. Sizes and losses are as in `power_law`.
    """
    factor, exponent = power_law(sizes, excess_losses)
    x, y = _logarithms(sizes, excess_losses)
    if len(x) < _FEWEST_TRIALS:
        raise ValueError(f"from {len(x)} trials one cannot see how far one strays from the line; give {_FEWEST_TRIALS}")
    design = np.stack([np.ones_like(x), x], axis=1)
    degrees = len(x) - 2
    variance = ((y - design @ [np.log(factor), -exponent]) ** 2).sum() / degrees
    rng = np.random.default_rng(0)
    noise = np.sqrt(degrees * variance / rng.chisquare(degrees, _N_DRAWS))
    spread = np.linalg.cholesky(np.linalg.inv(design.T @ design))
    drawn = np.array([np.log(factor), -exponent]) + noise[:, None] * (rng.standard_normal((_N_DRAWS, 2)) @ spread.T)
    return _Law(factor, exponent, np.exp(drawn[:, 0]), -drawn[:, 1], noise)


OPERATIONS = 6
"""Floating-point operations for each parameter and token of training: 2 forward, 4 backward (Kaplan et al. 2020,
section 2.1)."""


class LossLaw(NamedTuple):
    """Loss of a model of n parameters trained on d tokens: floor + a / n^alpha + b / d^beta, in nats per token.

    Source: Hoffmann et al. 2022, section 3.3 and equation 2.
    """

    floor: float
    a: float
    alpha: float
    b: float
    beta: float

    def loss(self, n_parameters: float, n_tokens: float) -> float:
        """The loss that the law predicts."""
        return self.floor + self.a * n_parameters**-self.alpha + self.b * n_tokens**-self.beta

    def best_size(self, compute: float) -> float:
        """Parameters of the model with the lowest loss for so many operations (Hoffmann et al. 2022, equation 4).

        >>> round(PUBLISHED_LAWS[0].best_size(1e21) / 1e9, 1)
        2.8
        """
        factor = (self.alpha * self.a / (self.beta * self.b)) ** (1 / (self.alpha + self.beta))
        return factor * (compute / OPERATIONS) ** (self.beta / (self.alpha + self.beta))


PUBLISHED_LAWS = (LossLaw(1.8172, 482.01, 0.3478, 2085.43, 0.3658), LossLaw(1.69, 406.4, 0.34, 410.7, 0.28))
"""Two fits of the same models: Besiroglu et al. 2024, "Chinchilla Scaling: A Replication Attempt", section 3; Hoffmann
et al. 2022, equation 10, which the former correct."""


def fit_loss_law(
    n_parameters: Sequence[float], n_tokens: Sequence[float], losses: Sequence[float], *, floor: float
) -> LossLaw:
    """Fit a law to trained models, all (model): least squares of relative errors.

    For each pair of exponents, a and b follow linearly; they may not be negative.

    Args:
        floor: the lowest possible loss, such as the exact entropy of the text.
    """
    n, d, y = (np.asarray(one, dtype=float) for one in (n_parameters, n_tokens, losses))
    found, least = None, np.inf
    for alpha in _EXPONENTS:
        for beta in _EXPONENTS:
            columns = np.stack([n**-alpha, d**-beta], axis=1) / y[:, None]
            scale, excess = columns.max(axis=0), 1 - floor / y
            weights = np.linalg.lstsq(columns / scale, excess, rcond=None)[0] / scale
            error = ((columns @ weights - excess) ** 2).sum()
            if error < least and (weights >= 0).all():
                found, least = (weights, alpha, beta), error
    if found is None:
        raise ValueError(f"no law with positive numbers fits {len(y)} losses; is the floor, {floor:g}, above them?")
    (a, b), alpha, beta = found
    return LossLaw(*map(float, (floor, a, alpha, b, beta)))
