"""Lesson 9: solutions, inputs and wrong answers of the exercises."""

from functools import partial

import numpy as np
import torch

from llmviz import finetuning, training
from llmviz.course._schema import Checks
from llmviz.model.attention import causal_mask, sliding_window_mask

_TEXT = torch.tensor([7, 3, 9, 4, 8, 1, 6, 2, 5, 0])


def _windows(token_ids, starts, length):
    return token_ids[starts[:, None] + torch.arange(length)]


def _rolled_windows(token_ids, starts, length, *, dims):
    windows = _windows(token_ids, starts, length)
    return windows, windows.roll(-1, dims)


def answer_targets(question, answer, end):
    """One target for each token of question + answer: the token after it, or -100 where nothing is asked."""
    return [-100] * (len(question) - 1) + [*answer, end]


CHECKS = {
    "shifted_windows": Checks(
        solution=training.shifted_windows,
        cases=[(_TEXT, torch.tensor([0, 2]), 3), (_TEXT, torch.tensor([1, 5, 0]), 4), (_TEXT, torch.tensor([6]), 3)],
        wrong_functions={
            "same_token": lambda text, starts, n: (_windows(text, starts, n), _windows(text, starts, n)),
            "previous_token": lambda text, starts, n: (_windows(text, starts + 1, n), _windows(text, starts, n)),
            "rolled": [partial(_rolled_windows, dims=dims) for dims in (None, 1)],
            "one_token_short": lambda *inputs: (_windows(*inputs)[:, :-1], _windows(*inputs)[:, 1:]),
        },
        conditions={
            "not_two_tensors": lambda result, *inputs: np.ndim(result) != 3,
            "shifted_by_a_piece": lambda result, *inputs: np.array_equal(
                result[1][:1], _windows(inputs[0], inputs[1][:1] + inputs[2], inputs[2])
            ),
        },
        exceptions={"past_the_end": "IndexError"},
    ),
    "sliding_window_mask": Checks(
        solution=sliding_window_mask,
        cases=[(4, 2), (5, 3), (6, 2), (3, 1), (4, 9)],
        wrong_functions={
            "no_window": lambda n, window: causal_mask(n),
            "future_visible": lambda n, window: sliding_window_mask(n, window) | sliding_window_mask(n, window).T,
            "window_too_long": lambda n, window: sliding_window_mask(n, window + 1),
            "not_itself": [
                lambda n, window, more=more: sliding_window_mask(n, window + more).tril(-1) for more in (0, 1)
            ],
            "inverted": lambda n, window: ~sliding_window_mask(n, window),
            "transposed": lambda n, window: sliding_window_mask(n, window).T,
        },
        conditions={"not_boolean": lambda result, *inputs: np.asarray(result).dtype.kind in "iuf"},
    ),
    "answer_targets": Checks(
        solution=answer_targets,
        shown_with_solution=(finetuning.answer_labels,),
        cases=[([11, 12, 13], [21, 22], 99), ([11, 12], [21], 99), ([11, 12, 13, 14, 15], [21, 22, 23], 0)],
        wrong_functions={
            "question_learned": lambda question, answer, end: [*question[1:], *answer, end],
            "not_shifted": lambda question, answer, end: [-100] * len(question) + [*answer],
            "shifted_too_late": lambda question, answer, end: [-100] * len(question) + [*answer, end],
            "no_end": lambda question, answer, end: [-100] * (len(question) - 1) + [*answer],
            "zero_instead_of_ignore": lambda question, answer, end: [0] * (len(question) - 1) + [*answer, end],
        },
        conditions={
            "wrong_length": lambda result, question, answer, end: (
                not hasattr(result, "__len__") or len(result) != len(question) + len(answer)
            )
        },
    ),
}
