"""Lesson 8: solutions, inputs and wrong answers of the exercises."""

from functools import partial

import numpy as np
import torch

from llmviz.course._schema import Checks, with_mistake
from llmviz.evaluation.hallucination import coverage_and_accuracy, hallucination_rate
from llmviz.evaluation.text_overlap import exact_match
from llmviz.finetuning.dpo import dpo_loss

_CONFIDENCE = torch.tensor([0.95, 0.9, 0.8, 0.6, 0.4, 0.3])
_RIGHT = torch.tensor([True, True, False, True, False, False])
_PAIRS = tuple(torch.tensor(row) for row in ([-1.0, -2.0], [-3.0, -1.0], [-2.0, -2.5], [-2.0, -2.0]))


def _rate_where(answers, truths, keep):
    pairs = [pair for pair in zip(answers, truths, strict=True) if keep(*pair)]
    return hallucination_rate(*zip(*pairs, strict=True)) if pairs else 0.0


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
            "silence_counted": lambda answers, truths: hallucination_rate([one or "" for one in answers], truths),
            "divided_by_answers": partial(_rate_where, keep=lambda answer, truth: answer is not None),
            "accuracy": exact_match,
            "percent": lambda *inputs: 100 * hallucination_rate(*inputs),
            "sets": lambda answers, truths: len({*answers} - {*truths, None}) / len(answers),
            "unanswerable_only": partial(_rate_where, keep=lambda answer, truth: truth is None),
            "known_questions_only": partial(_rate_where, keep=lambda answer, truth: truth is not None),
        },
        conditions={"count": lambda result, *inputs: isinstance(result, int | float) and result > 1},
    ),
    "coverage_and_accuracy": Checks(
        solution=coverage_and_accuracy,
        cases=[(_CONFIDENCE, _RIGHT, threshold) for threshold in (0.5, 0.8, 0.0, 0.99)],
        wrong_functions={
            "strictly_above": with_mistake(coverage_and_accuracy, ">=", ">"),
            "divided_by_all": with_mistake(coverage_and_accuracy, "/ n_answered if", "/ len(confidence) if"),
            "swapped": lambda *inputs: coverage_and_accuracy(*inputs)[::-1],
            "zero_for_nothing": with_mistake(coverage_and_accuracy, "else 1.0", "else 0.0"),
            "low_confidence": with_mistake(coverage_and_accuracy, ">=", "<"),
        },
        conditions={"zero_division": lambda result, *inputs: np.isnan(result[1])},
        exceptions={"zero_division": "ZeroDivisionError"},
    ),
    "dpo_loss": Checks(
        solution=dpo_loss,
        cases=[(*_PAIRS, 0.1), (*_PAIRS, 1.0), (_PAIRS[1], _PAIRS[0], _PAIRS[3], _PAIRS[2], 0.5)],
        wrong_functions={
            "no_reference": lambda c, r, old_c, old_r, beta: dpo_loss(c, r, 0 * c, 0 * r, beta),
            "wrong_sign": lambda c, r, old_c, old_r, beta: dpo_loss(r, c, old_r, old_c, beta),
            "beta_outside": lambda *inputs: inputs[4] * dpo_loss(*inputs[:4], 1.0),
            "no_beta": lambda *inputs: dpo_loss(*inputs[:4], 1.0),
            "sum": lambda *inputs: dpo_loss(*inputs) * len(inputs[0]),
            "mean_inside": lambda *inputs: dpo_loss(*(one.mean() for one in inputs[:4]), inputs[4]),
            "no_logarithm": lambda c, r, old_c, old_r, beta: -torch.sigmoid(beta * (c - r - (old_c - old_r))).mean(),
        },
        conditions={"one_loss_per_pair": lambda r, *i: np.ndim(r) > 0, "negative": lambda r, *i: r < 0},
    ),
}
