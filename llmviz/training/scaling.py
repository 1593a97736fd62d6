"""Scaling: train small models of several sizes, and let them say how well a larger one will do (lesson 5).

A power law, excess loss = factor · size^−exponent, is a straight line when both sides are written as logarithms.
Source: Kaplan et al. 2020, "Scaling Laws for Neural Language Models", section 1.2; Hoffmann et al. 2022, "Training
Compute-Optimal Large Language Models", section 3.3 (the loss that no model can go below is subtracted first).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly
from llmviz.tokenizers.base import Tokenizer
from llmviz.training import loop
from llmviz.training.loop import TrainingSettings

N_HEADS = 2
N_DRAWS = 20_000
FEWEST_TRIALS = 3


@dataclass(frozen=True)
class Trial:
    """A model of one size, trained for a while.

    Attributes:
        d_model: its width.
        n_parameters: how many numbers it learned, the two tables included.
        loss: on texts it never saw, nats per token.
        seconds: of training.
    """

    d_model: int
    n_parameters: int
    loss: float
    seconds: float


def config_of_width(d_model: int, vocab_size: int, context_length: int = 128) -> ModelConfig:
    """The sizes of a GPT of this width that is otherwise like all others: two layers, two heads, a wide middle."""
    return ModelConfig(vocab_size, context_length, d_model, n_layers=2, n_heads=N_HEADS, d_ff=4 * d_model)


def try_width(
    d_model: int,
    token_ids: Tensor,
    settings: TrainingSettings,
    *,
    tokenizer: Tokenizer,
    held_out: Sequence[str],
    starts: Tensor | None = None,
) -> Trial:
    """Train a model of one width, and measure it on texts it never saw.

    Args:
        token_ids, settings, starts: as `training.train_steps` takes them; the settings' seed draws the first weights.
        held_out: whole texts, each at most as long as the context.
    """
    model = DecoderOnly(config_of_width(d_model, tokenizer.vocab_size), seed=settings.seed)
    seconds = sum(step.seconds for step in loop.train_steps(model, token_ids, settings, starts=starts))
    loss = loop.evaluate_documents(model, tokenizer, held_out)
    return Trial(d_model, model.n_parameters, loss, seconds)


def power_law(sizes: Sequence[float], excess_losses: Sequence[float]) -> tuple[float, float]:
    """Fit excess loss = factor · size^−exponent, and return (factor, exponent).

    The straight line through the logarithms that has the smallest sum of squared errors.

    Args:
        sizes: (n), at least two different ones, all above 0.
        excess_losses: (n), how far each loss is above the lowest possible one; all above 0.

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
        raise ValueError(
            f"a line needs at least two different sizes, and one loss for each; given {sizes.size} sizes and "
            f"{excess.size} losses"
        )
    if not ((sizes > 0).all() and (excess > 0).all()):
        raise ValueError(
            "sizes and excess losses must be above 0 to have logarithms; is the floor higher than a loss? "
            f"Smallest size {sizes.min():g}, smallest excess {excess.min():g}"
        )
    return np.log(sizes), np.log(excess)


@dataclass(frozen=True, eq=False)
class Law:
    """A fitted power law with its uncertainty. Excess losses are losses minus the floor.

    Attributes:
        factor, exponent: of the best line.
        factors, exponents: (draw), of other lines, as probable as the trials leave them.
        noise: (draw), how far a single trial may be from such a line, standard deviation of the logarithm.
    """

    factor: float
    exponent: float
    factors: np.ndarray
    exponents: np.ndarray
    noise: np.ndarray

    def predict(self, size: float | Sequence[float]) -> np.ndarray:
        """The excess loss that the best line foretells."""
        return self.factor * np.asarray(size, dtype=float) ** -self.exponent

    def exponent_between(self, share: float = 0.9) -> tuple[float, float]:
        """The two ends of the interval in which the exponent lies with this probability."""
        low, high = np.quantile(self.exponents, _edges(share))
        return float(low), float(high)

    def between(self, size: float | Sequence[float], share: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Where the excess loss of a *new* trial of this size should lie with this probability: (low, high)."""
        x = np.log(np.atleast_1d(np.asarray(size, dtype=float)))
        wiggle = self.noise * np.random.default_rng(1).standard_normal(len(self.noise))
        drawn = np.log(self.factors) - np.multiply.outer(x, self.exponents) + wiggle
        low, high = np.exp(np.quantile(drawn, _edges(share), axis=-1))
        return (low, high) if np.ndim(size) else (low[0], high[0])


def fit_law(sizes: Sequence[float], excess_losses: Sequence[float], *, seed: int = 0) -> Law:
    """Fit a power law to at least three trials, and draw other lines that fit them nearly as well.

    The errors of the logarithms count as normal and alike; then the line and its errors have a known distribution
    (Gelman et al. 2013, "Bayesian Data Analysis", section 14.2), whose intervals are those of Student's t.

    Args:
        sizes, excess_losses: as in `power_law`, at least three trials: two points lie on a line, however wrong it is.
        seed: of the drawn lines.
    """
    factor, exponent = power_law(sizes, excess_losses)
    x, y = _logarithms(sizes, excess_losses)
    if len(x) < FEWEST_TRIALS:
        raise ValueError(
            f"from {len(x)} trials one cannot see how far a trial strays from the line; give {FEWEST_TRIALS}"
        )
    design = np.stack([np.ones_like(x), x], axis=1)
    left_over = len(x) - 2
    variance = ((y - design @ [np.log(factor), -exponent]) ** 2).sum() / left_over
    rng = np.random.default_rng(seed)
    noise = np.sqrt(left_over * variance / rng.chisquare(left_over, N_DRAWS))
    spread = np.linalg.cholesky(np.linalg.inv(design.T @ design))
    drawn = np.array([np.log(factor), -exponent]) + noise[:, None] * (rng.standard_normal((N_DRAWS, 2)) @ spread.T)
    return Law(factor, exponent, np.exp(drawn[:, 0]), -drawn[:, 1], noise)


def _edges(share: float) -> list[float]:
    if not 0 < share < 1:
        raise ValueError(f"share is a probability between 0 and 1; given {share}")
    return [(1 - share) / 2, (1 + share) / 2]
