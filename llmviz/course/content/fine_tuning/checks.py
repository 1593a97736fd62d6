"""Lesson 6: solutions, inputs and wrong answers of the exercises."""

import numpy as np
import torch
from torch import tensor

from llmviz.course._schema import Checks, random_tensor
from llmviz.finetuning.loop import answer_labels
from llmviz.finetuning.lora import low_rank_change
from llmviz.finetuning.tasks import f1


def _precision(found, right, label):
    hits, n_found = ((found == label) & (right == label)).sum(), (found == label).sum()
    return float(hits / n_found) if n_found else 1.0


def _recall(found, right, label):
    return _precision(right, found, label)


def _jaccard(found, right, label):
    union = int(((found == label) | (right == label)).sum())
    return int(((found == label) & (right == label)).sum()) / union if union else 1.0


CHECKS = {
    "low_rank_change": Checks(
        solution=low_rank_change,
        cases=[
            (tensor([[1.0, 2.0]]), tensor([[3.0], [4.0]]), 1.0),
            (random_tensor(2, 5, seed=1), random_tensor(3, 2, seed=2), 4.0),
            (random_tensor(4, 6, seed=3), torch.zeros(6, 4), 8.0),
            (random_tensor(3, 4, seed=4), random_tensor(4, 3, seed=5), 0.5),
        ],
        wrong_functions={
            "no_scaling": lambda a, b, alpha: b @ a,
            "not_divided_by_rank": lambda a, b, alpha: alpha * b @ a,
            "multiplied_by_rank": lambda a, b, alpha: alpha * len(a) * b @ a,
            "rounded_down": lambda a, b, alpha: alpha // len(a) * b @ a,
            "transposed": lambda a, b, alpha: (alpha / len(a) * b @ a).T,
            "divided_by_width": lambda a, b, alpha: alpha / a.shape[1] * b @ a,
        },
        conditions={"wrong_order": lambda result, a, b, alpha: np.shape(result) == (len(a), len(a))},
        exceptions={"shapes_do_not_match": "Error: .*(mat|size|shape|dim)"},
    ),
    "answer_labels": Checks(
        solution=answer_labels,
        cases=[([5, 6, 7], [8, 9], 0), ([5], [8], 0), ([1, 2, 3, 4], [7], 9), ([3, 3], [3, 3, 3], 1)],
        wrong_functions={
            "not_shifted": lambda prompt, answer, end: [-100] * len(prompt) + [*answer],
            "prompt_learned": lambda prompt, answer, end: [*prompt[1:], *answer, end],
            "zero_instead_of_ignore": [
                lambda prompt, answer, end, none=none: [none] * (len(prompt) - 1) + [*answer, end] for none in (0, None)
            ],
            "no_end": lambda prompt, answer, end: [-100] * (len(prompt) - 1) + [*answer, -100],
        },
        conditions={"wrong_length": lambda result, prompt, answer, end: np.size(result) != len(prompt) + len(answer)},
        exceptions={"not_a_list": "TypeError: .*'int' and 'list'"},
    ),
    "f1": Checks(
        solution=f1,
        cases=[
            (tensor([1, 1, 0]), tensor([1, 0, 0]), 1),
            (tensor([0, 0, 0, 0, 0]), tensor([0, 0, 1, 0, 0]), 1),
            (tensor([1, 2, 0, 1, 0, 2]), tensor([1, 2, 1, 0, 0, 0]), 1),
            (tensor([1, 2, 0, 1, 0, 2]), tensor([1, 2, 1, 0, 1, 0]), 2),
            (tensor([0, 1]), tensor([0, 1]), 2),
        ],
        wrong_functions={
            "accuracy": lambda found, right, label: float((found == right).float().mean()),
            "precision": _precision,
            "recall": _recall,
            "jaccard": _jaccard,
            "one_without_hits": lambda *inputs: f1(*inputs) or 1.0,
            "arithmetic_mean": lambda *inputs: (_precision(*inputs) + _recall(*inputs)) / 2,
        },
        conditions={"zero_division": lambda result, *inputs: result != result},
        exceptions={"zero_division": "ZeroDivisionError"},
    ),
}
