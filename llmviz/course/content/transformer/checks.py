"""Lesson 4: solutions, inputs and wrong answers of the exercises."""

from functools import partial

import numpy as np
import torch
from torch.nn import functional as F

from llmviz.course._schema import Checks, random_tensor
from llmviz.interpretability import logit_lens, parameters_by_part
from llmviz.model.block import normalize

_PARTS = {"embedding", "attention", "feed-forward", "unembedding"}


def _normalize(x, *, dim=-1, center=True, power=0.5, correction=0):
    centered = x - x.mean(dim=dim, keepdim=True) if center else x
    return centered / (x.var(dim=dim, keepdim=True, correction=correction) + 1e-5) ** power


def _parameters(change):
    return lambda vocab_size, *sizes: parameters_by_part(vocab_size, *sizes) | change(*sizes)


CHECKS = {
    "normalize": Checks(
        solution=normalize,
        cases=[
            torch.tensor([[1.0, 2.0, 3.0]]),
            torch.tensor([[1.0, 2.0, 3.0], [10.0, 20.0, 60.0]]),
            random_tensor(2, 3, 8, seed=0, scale=3.0),
            torch.tensor([[5.0, 5.0, 5.0]]),
        ],
        wrong_functions={
            "variance": partial(_normalize, power=1.0),
            "n_minus_1": partial(_normalize, correction=1),
            "mean_over_everything": partial(_normalize, dim=None),
            "over_tokens": partial(_normalize, dim=0),
            "no_mean": partial(_normalize, center=False),
            "rms_norm": lambda x: x / (x.square().mean(dim=-1, keepdim=True) + 1e-5).sqrt(),
            "unit_length": (F.normalize, lambda x: F.normalize(x, dim=-1), lambda x: F.normalize(normalize(x), dim=-1)),
        },
        conditions={"zero_by_zero": lambda result, x: np.isnan(result).any()},
        exceptions={"lost_axis": "Error: .*(size|shape|dim)"},
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
    "logit_lens": Checks(
        solution=logit_lens,
        cases=[
            (random_tensor(2, 4, seed=1), random_tensor(5, 4, seed=2)),
            (random_tensor(3, 2, 4, seed=3, scale=20.0), random_tensor(6, 4, seed=4)),
            (random_tensor(3, 2, 5, 4, seed=5, scale=0.1), random_tensor(7, 4, seed=6)),
        ],
        wrong_functions={
            "no_normalization": lambda residuals, unembedding: (residuals @ unembedding.T).softmax(dim=-1),
            "softmax_over_layers": lambda residuals, unembedding: (normalize(residuals) @ unembedding.T).softmax(dim=0),
            "no_softmax": lambda residuals, unembedding: normalize(residuals) @ unembedding.T,
            "logarithms": lambda residuals, unembedding: (normalize(residuals) @ unembedding.T).log_softmax(dim=-1),
        },
        conditions={"best_token": lambda result, residuals, unembedding: np.shape(result) == residuals.shape[:-1]},
        exceptions={"not_transposed": "Error: .*(mat|size|shape|dim)"},
    ),
}
