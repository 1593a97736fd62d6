"""Lesson 7: solutions, inputs and wrong answers of the exercises."""

from functools import partial

import numpy as np
import torch

from llmviz.course._schema import Checks, random_tensor, with_mistake
from llmviz.generation.beam import extend_beams
from llmviz.generation.sampling import apply_temperature, keep_top_p


def _drop_crossing_token(probabilities, top_p):
    ordered, order = probabilities.sort(descending=True, stable=True)
    return (ordered.cumsum(-1) <= top_p)[order.argsort()]


def _extend(
    beams, log_probabilities, n_best, *, combine=lambda score, nats, n: score + nats, best_of_each=False, sign=-1
):
    found = []
    for (ids, score), row in zip(beams, log_probabilities.tolist(), strict=True):
        children = [((*ids, token), combine(score, nats, len(ids) + 1)) for token, nats in enumerate(row)]
        found += sorted(children, key=lambda child: -child[1])[:1] if best_of_each else children
    return sorted(found, key=lambda child: sign * child[1])[:n_best]


CHECKS = {
    "apply_temperature": Checks(
        solution=apply_temperature,
        cases=[
            (torch.tensor([2.0, 1.0]), 1.0),
            (torch.tensor([2.0, 1.0, -1.0]), 2.0),
            (torch.tensor([2.0, 1.0, -1.0]), 0.5),
            (random_tensor(6, seed=1, scale=2.0), 1.5),
            (torch.tensor([1.0, 3.0, 2.0]), 0),
        ],
        wrong_functions={
            "multiplied": with_mistake(apply_temperature, "below_best / t", "below_best * t"),
            "ignored": with_mistake(apply_temperature, "below_best / temperature", "below_best"),
            "divided_after_softmax": with_mistake(
                apply_temperature,
                "(below_best / temperature).softmax(dim=-1)",
                "(below_best.softmax(dim=-1) / temperature)",
            ),
            "not_normalized": lambda logits, t: (logits / t).exp() if t else apply_temperature(logits, 0),
        },
        conditions={
            "zero_temperature": lambda result, logits, t: t == 0 and np.isnan(result).any(),
            "one_token": lambda result, logits, t: np.size(result) == 1,
        },
        exceptions={"zero_temperature": "ZeroDivisionError"},
    ),
    "keep_top_p": Checks(
        solution=keep_top_p,
        cases=[
            (torch.tensor([0.5, 0.3, 0.2]), 0.7),
            (torch.tensor([0.2, 0.5, 0.3]), 0.7),
            (torch.tensor([0.1, 0.2, 0.6, 0.1]), 0.5),
            (random_tensor(8, seed=3, scale=2.0).softmax(-1), 0.9),
        ],
        wrong_functions={
            "crossing_token_dropped": _drop_crossing_token,
            "each_above_top_p": lambda probabilities, top_p: probabilities >= top_p,
            "not_sorted": lambda probabilities, top_p: probabilities.cumsum(-1) - probabilities < top_p,
            "sorted_order": lambda probabilities, top_p: keep_top_p(probabilities.sort(descending=True).values, top_p),
        },
        conditions={"not_boolean": lambda result, *inputs: np.asarray(result).dtype.kind in "iuf"},
    ),
    "extend_beams": Checks(
        solution=extend_beams,
        cases=[
            ([((7,), -0.5)], torch.tensor([[-0.1, -2.4]]), 2),
            ([((7,), -0.7), ((8,), -1.2)], torch.tensor([[-0.1, -2.3], [-0.2, -1.6]]), 3),
            ([((1, 2), -3.0), ((3, 4), -0.1)], torch.tensor([[-0.1, -2.3], [-1.5, -0.4]]), 2),
            ([((1,), -0.2), ((2,), -3.0), ((3,), -4.0)], random_tensor(3, 5, seed=5, scale=2.0).log_softmax(-1), 3),
        ],
        wrong_functions={
            "no_earlier_score": partial(_extend, combine=lambda score, nats, n: nats),
            "multiplied": [
                partial(_extend, combine=lambda score, nats, n: score * nats, sign=sign) for sign in (-1, 1)
            ],
            "mean": partial(_extend, combine=lambda score, nats, n: (score + nats) / n),
            "best_child_of_each": partial(_extend, best_of_each=True),
            "worst_first": partial(_extend, sign=1),
            "probabilities": lambda *inputs: [(ids, float(np.exp(nats))) for ids, nats in _extend(*inputs)],
        },
        conditions={"too_many": lambda result, beams, log_probabilities, n_best: len(result) > n_best},
    ),
}
