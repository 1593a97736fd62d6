"""Lesson 8: solutions, inputs and wrong answers of the exercises."""

from functools import partial

import numpy as np
import torch
from torch.nn import functional as F

from llmviz.course._schema import Checks
from llmviz.evaluation.hallucination import coverage_and_accuracy, hallucination_rate
from llmviz.finetuning.dpo import dpo_loss

_CONFIDENCE = torch.tensor([0.95, 0.9, 0.8, 0.6, 0.4, 0.3])
_RIGHT = torch.tensor([True, True, False, True, False, False])
_PAIRS = tuple(torch.tensor(row) for row in ([-1.0, -2.0], [-3.0, -1.0], [-2.0, -2.5], [-2.0, -2.0]))


def _rate(answers, truths, *, count_silence=False, divide_by_answers=False, known_only=False):
    pairs = [pair for pair in zip(answers, truths, strict=True) if not (known_only and pair[1] is None)]
    invented = [answer != truth and (count_silence or answer is not None) for answer, truth in pairs]
    n = sum(answer is not None for answer, _ in pairs) if divide_by_answers else len(pairs)
    return sum(invented) / max(1, n)


def _rate_of_unanswerable(answers, truths, *, share):
    answered = [answer is not None for answer, truth in zip(answers, truths, strict=True) if truth is None]
    return sum(answered) / max(1, len(answered) if share else len(answers))


def _accuracy(answers, truths):
    return sum(answer == truth for answer, truth in zip(answers, truths, strict=True)) / len(answers)


def _coverage(confidence, right, threshold, *, answers=torch.ge, divide_by_all=False, empty=1.0):
    answered = answers(confidence, threshold)
    n = int(answered.sum())
    n_right = int((right & answered).sum())
    return n / len(confidence), n_right / (len(confidence) if divide_by_all else n) if n else empty


def _dpo_loss(chosen, rejected, before_chosen, before_rejected, beta, *, sign=1, reference=True, outside=False):
    gained = chosen - rejected - (before_chosen - before_rejected if reference else 0)
    inside = sign * gained * (1 if outside else beta)
    return -F.logsigmoid(inside).mean() * (beta if outside else 1)


CHECKS = {
    "hallucination_rate": Checks(
        solution=hallucination_rate,
        cases=[
            (["mill", "tower", None, "soup"], ["mill", "castle", "cat", None]),
            ([None, "hen", "cat", "jam"], [None, None, "dog", "jam"]),
            (["cat", "cat"], ["cat", "cat"]),
            ([None, None, "rice"], ["soup", None, "rice"]),
            (["dog", "cat", "cat", "cat"], ["cat", "dog", "cat", None]),
        ],
        wrong_functions={
            "silence_counted": partial(_rate, count_silence=True),
            "divided_by_answers": partial(_rate, divide_by_answers=True),
            "accuracy": _accuracy,
            "percent": lambda answers, truths: 100 * _rate(answers, truths),
            "sets": lambda answers, truths: len({*answers} - {*truths, None}) / len(answers),
            "unanswerable_only": [partial(_rate_of_unanswerable, share=share) for share in (True, False)],
            "known_questions_only": partial(_rate, known_only=True),
        },
        conditions={"count": lambda result, *inputs: isinstance(result, int | float) and result > 1},
    ),
    "coverage_and_accuracy": Checks(
        solution=coverage_and_accuracy,
        cases=[(_CONFIDENCE, _RIGHT, threshold) for threshold in (0.5, 0.8, 0.0, 0.99)],
        wrong_functions={
            "strictly_above": partial(_coverage, answers=torch.gt),
            "divided_by_all": partial(_coverage, divide_by_all=True),
            "swapped": lambda *inputs: _coverage(*inputs)[::-1],
            "zero_for_nothing": partial(_coverage, empty=0.0),
            "low_confidence": partial(_coverage, answers=torch.lt),
        },
        conditions={"zero_division": lambda result, *inputs: np.isnan(result[1])},
        exceptions={"zero_division": "ZeroDivisionError"},
    ),
    "dpo_loss": Checks(
        solution=dpo_loss,
        cases=[(*_PAIRS, 0.1), (*_PAIRS, 1.0), (_PAIRS[1], _PAIRS[0], _PAIRS[3], _PAIRS[2], 0.5)],
        wrong_functions={
            "no_reference": partial(_dpo_loss, reference=False),
            "wrong_sign": partial(_dpo_loss, sign=-1),
            "beta_outside": partial(_dpo_loss, outside=True),
            "no_beta": lambda *inputs: _dpo_loss(*inputs[:4], 1.0),
            "sum": lambda *inputs: _dpo_loss(*inputs) * len(inputs[0]),
            "no_logarithm": lambda c, r, old_c, old_r, beta: -torch.sigmoid(beta * (c - r - (old_c - old_r))).mean(),
        },
        conditions={
            "one_loss_per_pair": lambda result, *inputs: np.ndim(result) > 0,
            "negative": lambda result, *inputs: result < 0,
        },
    ),
}
