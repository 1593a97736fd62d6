"""Lesson 3: solutions, inputs and wrong answers of the exercises."""

from functools import partial

import numpy as np
import torch

from llmviz.course._schema import Checks, random_tensor, with_mistake
from llmviz.interpretability import _last_place, induction_score
from llmviz.model.attention import scaled_dot_product_attention, sliding_window_mask

_MASK = torch.ones(3, 3).tril().bool()
_STRIPE = torch.eye(6)[[0, 0, 0, 1, 2, 3]]  # a perfect induction head on a b c a b c
_UNEVEN = torch.tensor(
    [[1, 0, 0, 0, 0], [0.5, 0.5, 0, 0, 0], [0.1, 0.7, 0.2, 0, 0], [0.1, 0.2, 0.3, 0.4, 0], [0.1, 0.1, 0.2, 0.5, 0.1]]
)


def causal_window_mask(n_tokens, window):
    """What a learner would write."""
    mask = torch.ones(n_tokens, n_tokens, dtype=torch.bool).tril().triu(1 - window)
    mask[:, 0] = True
    return mask


_with_mistake = partial(with_mistake, scaled_dot_product_attention)
_mask_with_mistake = partial(with_mistake, causal_window_mask)


def _attention_in_order(*inputs, order):
    return [scaled_dot_product_attention(*inputs)[place] for place in order]


def _induction_score(weights, tokens, *, places=lambda query, before: before[-1] + 1, reduce=np.mean, count_all=False):
    found = []
    for query, token in enumerate(tokens):
        before = [place for place in range(query) if tokens[place] == token]
        if before:
            found.append(float(weights[query, places(query, before)].mean()))
        elif count_all:
            found.append(0.0)
    return reduce(found)


CHECKS = {
    "causal_window_mask": Checks(
        solution=causal_window_mask,
        cases=[(5, 2), (6, 3), (4, 1), (3, 9)],
        wrong_functions={
            "no_first_token": _mask_with_mistake("    mask[:, 0] = True\n", ""),
            "no_window": _mask_with_mistake(".triu(1 - window)", ""),
            "window_too_long": _mask_with_mistake("1 - window", "-window"),
            "window_too_short": _mask_with_mistake("1 - window", "2 - window"),
            "not_itself": [_mask_with_mistake("tril().triu(1", f"tril(-1).triu({low}") for low in (0, 1)],
            "future_visible": [_mask_with_mistake("tril()", f"tril({high})") for high in ("window - 1", "n_tokens")],
            "inverted": _mask_with_mistake("return mask", "return ~mask"),
            "transposed": _mask_with_mistake("return mask", "return mask.T"),
        },
        conditions={"numbers": lambda result, *inputs: np.asarray(result).dtype.kind in "iuf"},
        shown_with_solution=(sliding_window_mask,),
    ),
    "scaled_dot_product_attention": Checks(
        solution=scaled_dot_product_attention,
        cases=[
            (torch.tensor([[2.0, 0]]), torch.tensor([[2.0, 0], [0, 2]]), torch.tensor([[7.0], [70]]), _MASK[2:, :2]),
            (random_tensor(3, 4, seed=0), random_tensor(3, 4, seed=1), random_tensor(3, 2, seed=2), _MASK),
            (random_tensor(2, 3, 8, seed=3), random_tensor(2, 3, 8, seed=4), random_tensor(2, 3, 8, seed=5), _MASK),
        ],
        wrong_functions={
            "no_scaling": _with_mistake(" / math.sqrt(query.shape[-1])", ""),
            "divided_by_a_constant": [
                _with_mistake("math.sqrt(query.shape[-1])", f"math.sqrt({size})") for size in (32, 4, 64)
            ],
            "divided_by_root_of_keys": _with_mistake("query.shape[-1])\n", "key.shape[-2])\n"),
            "keys_mixed": lambda query, key, value, mask: scaled_dot_product_attention(query, key, key, mask),
            "other_order": [partial(_attention_in_order, order=order) for order in ((2, 1, 0), (1, 0, 2), (2, 0, 1))],
            "divided_by_d": _with_mistake("math.sqrt(query.shape[-1])", "query.shape[-1]"),
            "softmax_over_queries": _with_mistake("softmax(dim=-1)", "softmax(dim=-2)"),
            "mask_after_softmax": _with_mistake("allowed_scores.softmax(dim=-1)", "scores.softmax(dim=-1) * mask"),
            "zero_instead_of_minus_infinity": _with_mistake('float("-inf")', "0.0"),
            "mask_ignored": _with_mistake("allowed_scores.softmax", "scores.softmax"),
            "inverted_mask": _with_mistake("~mask", "mask"),
            "softmax_over_all": _with_mistake(
                "allowed_scores.softmax(dim=-1)", "allowed_scores.exp() / allowed_scores.exp().sum()"
            ),
            "divided_by_root_of_queries": [
                _with_mistake("query.shape[-1])\n", f"query.shape[{axis}])\n") for axis in (0, -2)
            ],
        },
        conditions={
            "output_only": lambda result, *inputs: isinstance(result, np.ndarray) and len(result) != 3,
            "masked_scores": lambda result, *inputs: np.isinf(result[0]).any(),
        },
        exceptions={"all_axes_turned": r"x\.T` on tensors|tensor a \(2\) must match .* b \([38]\) at .* dimension 0"},
    ),
    "induction_score": Checks(
        solution=induction_score,
        cases=[(_STRIPE, list("abcabc")), (_UNEVEN, list("abaab")), (_UNEVEN, list("aabca"))],
        wrong_functions={
            "token_itself": partial(_induction_score, places=lambda query, before: before[-1]),
            "first_occurrence": partial(_induction_score, places=lambda query, before: before[0] + 1),
            "looks_at_itself": partial(_induction_score, places=lambda query, before: query),
            "every_occurrence": partial(_induction_score, places=lambda query, before: [place + 1 for place in before]),
            "sum": partial(_induction_score, reduce=sum),
            "divided_by_all_tokens": partial(_induction_score, count_all=True),
            "token_before": partial(_induction_score, places=lambda query, before: before[-1] - 1),
            "transposed": lambda weights, tokens: _induction_score(weights.T, tokens),
        },
        conditions={"list_of_weights": lambda result, *inputs: np.ndim(result) > 0},
        shown_with_solution=(_last_place,),
    ),
}
