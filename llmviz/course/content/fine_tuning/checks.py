"""Lesson 6: solutions, inputs and wrong answers of the exercises."""

import numpy as np
from torch import tensor

from llmviz.course._schema import Checks, random_tensor
from llmviz.finetuning.loop import answer_labels
from llmviz.finetuning.lora import low_rank_change
from llmviz.finetuning.tasks import f1


def lora_forward(x, weight, a, b, alpha):
    """A linear layer with LoRA: x (token, in) → (token, out)."""
    return x @ weight.T + alpha / len(a) * (x @ a.T @ b.T)


def _lora_case(n_tokens, n_in, n_out, rank, alpha, seed):
    shapes = ((n_tokens, n_in), (n_out, n_in), (rank, n_in), (n_out, rank))
    return (*(random_tensor(*shape, seed=10 * seed + place) for place, shape in enumerate(shapes)), alpha)


def _precision(found, right, label):
    hits, n_found = ((found == label) & (right == label)).sum(), (found == label).sum()
    return float(hits / n_found) if n_found else 1.0


CHECKS = {
    "lora_forward": Checks(
        solution=lora_forward,
        cases=[
            (tensor([[1.0, 1.0]]), tensor([[1.0, 0.0], [0.0, 2.0]]), tensor([[1.0, 2.0]]), tensor([[3.0], [4.0]]), 1.0),
            _lora_case(2, n_in=5, n_out=3, rank=2, alpha=4.0, seed=1),
            _lora_case(1, n_in=4, n_out=6, rank=3, alpha=1.0, seed=2),
            _lora_case(3, n_in=4, n_out=4, rank=2, alpha=5.0, seed=3),
        ],
        wrong_functions={
            "only_the_change": lambda x, w, a, b, alpha: lora_forward(x, 0 * w, a, b, alpha),
            "only_the_frozen_path": lambda x, w, a, b, alpha: x @ w.T,
            "no_scaling": lambda x, w, a, b, alpha: lora_forward(x, w, a, b, len(a)),
            "not_divided_by_rank": lambda x, w, a, b, alpha: lora_forward(x, w, a, b, alpha * len(a)),
            "rank_always_4": lambda x, w, a, b, alpha: lora_forward(x, w, a, b, alpha * len(a) / 4),
            "multiplied_by_rank": lambda x, w, a, b, alpha: lora_forward(x, w, a, b, alpha * len(a) ** 2),
            "rounded_down": lambda x, w, a, b, alpha: lora_forward(x, w, a, b, alpha // len(a) * len(a)),
            "divided_by_width": lambda x, w, a, b, alpha: lora_forward(x, w, a, b, alpha * len(a) / a.shape[1]),
            "frozen_path_scaled": lambda x, w, a, b, alpha: alpha / len(a) * (x @ w.T + x @ a.T @ b.T),
            "transposed": lambda x, w, a, b, alpha: lora_forward(x, w, a, b, alpha).T,
        },
        conditions={
            "only_the_matrix": lambda result, x, w, a, b, alpha: np.shape(result) == np.shape(w) != (len(x), len(w)),
        },
        exceptions={"shapes_do_not_match": "Error: .*(mat|size|shape|dim)"},
        shown_with_solution=[low_rank_change],
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
            "recall": lambda found, right, label: _precision(right, found, label),
            "jaccard": lambda *inputs: f1(*inputs) / (2 - f1(*inputs)),
            "one_without_hits": lambda *inputs: f1(*inputs) or 1.0,
            "arithmetic_mean": lambda found, right, n: (_precision(found, right, n) + _precision(right, found, n)) / 2,
        },
        conditions={"zero_division": lambda result, *inputs: result != result},
        exceptions={"zero_division": "ZeroDivisionError"},
    ),
}
