"""How often does it invent, and does it know when? Rates, reliability and coverage (lesson 8)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def hallucination_rate(answers: Sequence[str | None], truths: Sequence[str | None]) -> float:
    """The share of all questions that got an invented answer: one that is not true. Lesson 8.

    Args:
        answers: what was said; None where the model kept silent, which is never an invention.
        truths: the right answers; None where there is none, so that every answer is an invention.

    >>> hallucination_rate(["mill", "tower", None, "soup"], ["mill", "castle", "cat", None])
    0.5
    """
    invented = [
        answer is not None and answer != truth for answer, truth in zip(answers, truths, strict=True)
    ]
    return sum(invented) / len(invented)


def coverage_and_accuracy(confidence: Tensor, right: Tensor, threshold: float) -> tuple[float, float]:
    """Answer only where the confidence is at least the threshold: (share answered, share right of the answered).

    Where nothing is answered, nothing is wrong: accuracy 1. Source: Geifman and El-Yaniv 2017, section 2 (their
    coverage, and 1 − their selective risk). Lesson 8.

    >>> coverage_and_accuracy(torch.tensor([0.9, 0.6, 0.8, 0.3]), torch.tensor([True, False, True, True]), 0.5)
    (0.75, 0.6666666666666666)
    """
    answered = confidence >= threshold
    n_answered = int(answered.sum())
    return n_answered / len(confidence), int((right & answered).sum()) / n_answered if n_answered else 1.0


def coverage_curve(confidence: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """The most confident answers first: after each one, the share answered and the share right, both (question,)."""
    order = confidence.argsort(descending=True, stable=True)
    n_answered = torch.arange(1, len(order) + 1)
    return n_answered / len(order), right[order].cumsum(dim=0) / n_answered


def reliability(confidence: Tensor, right: Tensor, n_bins: int = 5) -> list[tuple[float, float, int]]:
    """Confidence against truth: in each of equally wide bins (mean confidence, share right, how many answers).

    A calibrated model is right as often as it says. Empty bins are left out. Source: Guo et al. 2017, section 2.
    """
    place = (confidence * n_bins).long().clamp(max=n_bins - 1)
    bins = [place == number for number in range(n_bins)]
    return [
        (confidence[inside].mean().item(), right[inside].float().mean().item(), int(inside.sum()))
        for inside in bins
        if inside.any()
    ]
