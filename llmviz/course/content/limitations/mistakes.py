"""Lesson 8's three functions with one thing done otherwise: what typical mistakes compute."""

import torch


def rate(answers, truths, *, silence_counts=False, over_answered=False, accuracy=False, known_only=False):
    """The rate with one thing done otherwise."""
    pairs = [pair for pair in zip(answers, truths, strict=True) if not (known_only and pair[1] is None)]
    invented = [answer != truth and (silence_counts or answer is not None) for answer, truth in pairs]
    if accuracy:
        return sum(answer == truth for answer, truth in pairs) / len(pairs)
    n = sum(answer is not None for answer, _ in pairs) if over_answered else len(pairs)
    return sum(invented) / max(1, n)


def coverage_by_mistake(confidence, right, threshold, *, strict=False, over_all=False, swapped=False, below=False):
    """Coverage and accuracy with one thing done otherwise."""
    answered = confidence > threshold if strict else confidence < threshold if below else confidence >= threshold
    n = int(answered.sum())
    whole = len(confidence) if over_all else max(1, n)
    coverage, accuracy = n / len(confidence), int((right & answered).sum()) / whole
    return (accuracy, coverage) if swapped else (coverage, accuracy if n else 1.0)


def preference(chosen, rejected, before_chosen, before_rejected, beta=0.1, *, sign=1, held=True, outside=False):
    """The loss with one thing done otherwise."""
    gained = chosen - rejected - (before_chosen - before_rejected if held else 0)
    inside = sign * gained * (1 if outside else beta)
    return -torch.nn.functional.logsigmoid(inside).mean() * (beta if outside else 1)
