"""Lesson 9: solutions, inputs and wrong answers of the exercises."""

import numpy as np
import torch

from llmviz import training
from llmviz.course._schema import Checks
from llmviz.interpretability import parameters_by_part
from llmviz.model.attention import causal_mask, sliding_window_mask

_PARTS = {"embedding", "attention", "feed-forward", "unembedding"}
_TEXT = torch.tensor([7, 3, 9, 4, 8, 1, 6, 2, 5, 0])


def _windows(token_ids, starts, length):
    return token_ids[starts[:, None] + torch.arange(length)]


def _parameters(change):
    return lambda vocab_size, *sizes: parameters_by_part(vocab_size, *sizes) | change(*sizes)


CHECKS = {
    "shifted_windows": Checks(
        solution=training.shifted_windows,
        cases=[(_TEXT, torch.tensor([0, 2]), 3), (_TEXT, torch.tensor([1, 5, 0]), 4), (_TEXT, torch.tensor([6]), 3)],
        wrong_functions={
            "same_token": lambda text, starts, n: (_windows(text, starts, n), _windows(text, starts, n)),
            "previous_token": lambda text, starts, n: (_windows(text, starts + 1, n), _windows(text, starts, n)),
            "rolled": [lambda *i, dims=d: (_windows(*i), _windows(*i).roll(-1, dims)) for d in (None, 1)],
            "one_token_short": lambda *inputs: (_windows(*inputs)[:, :-1], _windows(*inputs)[:, 1:]),
        },
        conditions={
            "not_two_tensors": lambda result, *inputs: np.ndim(result) != 3,
            "shifted_by_a_piece": lambda r, ids, starts, n: np.array_equal(r[1][:1], _windows(ids, starts[:1] + n, n)),
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
            "not_itself": [lambda n, window, more=k: sliding_window_mask(n, window + more).tril(-1) for k in (0, 1)],
            "inverted": lambda n, window: ~sliding_window_mask(n, window),
            "transposed": lambda n, window: sliding_window_mask(n, window).T,
        },
        conditions={"not_boolean": lambda result, *inputs: np.asarray(result).dtype.kind in "iuf"},
    ),
    "parameters_by_part": Checks(
        solution=parameters_by_part,
        cases=[(10, 4, 1, 16), (10, 4, 3, 16), (1024, 128, 2, 512), (7, 6, 2, 5)],
        wrong_functions={
            "one_layer": lambda v, d, n, ff: parameters_by_part(v, d, 1, ff),
            "three_attention_matrices": _parameters(lambda d, n, ff: {"attention": 3 * n * d * d}),
            "one_feed_forward_matrix": _parameters(lambda d, n, ff: {"feed-forward": n * d * ff}),
            "no_unembedding": _parameters(lambda d, n, ff: {"unembedding": 0}),
            "biases": _parameters(
                lambda d, n, ff: {"attention": 4 * n * (d * d + d), "feed-forward": n * (2 * d * ff + ff + d)}
            ),
        },
        conditions={"not_a_dict": lambda result, *sizes: not hasattr(result, "keys") or {*result} != _PARTS},
    ),
}
