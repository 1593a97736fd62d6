"""Lesson 11: solutions, inputs and wrong answers of the exercises."""

import math

import torch

from llmviz.course._schema import Checks, random_tensor, with_mistake
from llmviz.model.attention import scaled_dot_product_attention
from llmviz.training.recipes import Recipe, train_recipe

_WEIGHT, _GRADIENT = random_tensor(3, 4, seed=0), random_tensor(3, 4, seed=1)
_MEAN, _SQUARE = random_tensor(3, 4, seed=2, scale=0.1), random_tensor(3, 4, seed=3).square() * 0.1
_GRADIENTS = [random_tensor(4, 3, seed=4), random_tensor(5, seed=5, scale=2.0)]


def adamw_step(weight, gradient, mean, square, step, learning_rate, weight_decay):
    """One update: (the new weight, mean and square); steps count from 1."""
    mean = 0.9 * mean + 0.1 * gradient
    square = 0.95 * square + 0.05 * gradient**2
    unbiased_mean = mean / (1 - 0.9**step)
    unbiased_square = square / (1 - 0.95**step)
    decayed = weight - learning_rate * weight_decay * weight
    return decayed - learning_rate * unbiased_mean / (unbiased_square**0.5 + 1e-8), mean, square


def clip_by_norm(gradients, max_norm):
    """Gradients as one long vector, at most max_norm long."""
    norm = sum((one**2).sum() for one in gradients) ** 0.5
    factor = min(1.0, max_norm / float(norm))
    return [factor * one for one in gradients]


def merge_tile(maximum, total, scores):
    """The running maximum, and the running sum of exp(score - maximum), after one more tile."""
    highest = max(maximum, float(scores.max()))
    old = total * math.exp(maximum - highest)
    new = float((scores - highest).exp().sum())
    return highest, old + new


_L2 = "gradient = gradient + weight_decay * weight\n    weight_decay = 0\n    mean = 0.9"


def _wrong(function, *changes):
    return {name: with_mistake(function, right, wrong) for name, right, wrong in changes}


CHECKS = {
    "adamw_step": Checks(
        solution=adamw_step,
        shown_with_solution=(Recipe.optimizers,),
        cases=[
            (torch.tensor([1.0, -2.0]), torch.tensor([0.5, 0.1]), torch.zeros(2), torch.zeros(2), 1, 0.1, 0.1),
            (_WEIGHT, _GRADIENT, _MEAN, _SQUARE, 7, 0.1, 0.2),
            (_WEIGHT, _GRADIENT, _MEAN, _SQUARE, 40, 0.05, 0.0),
        ],
        wrong_functions=_wrong(
            adamw_step,
            ("no_correction", "unbiased_mean / (unbiased_square**0.5 + 1e-8)", "mean / (square**0.5 + 1e-8)"),
            ("decay_in_gradient", "mean = 0.9", _L2),
            ("no_decay", "decayed - learning_rate *", "weight - learning_rate *"),
            ("decay_without_rate", "learning_rate * weight_decay * weight", "weight_decay * weight"),
            ("ascent", "decayed - learning_rate", "decayed + learning_rate"),
            ("no_root", "unbiased_square**0.5", "unbiased_square"),
            ("not_squared", "gradient**2", "gradient.abs()"),
            ("gradient_not_mean", "* unbiased_mean /", "* gradient /"),
            ("shares_swapped", "0.9 * mean + 0.1 * gradient", "0.1 * mean + 0.9 * gradient"),
            ("step_from_zero", "**step)", "**(step + 1))"),
        ),
        conditions={"only_the_weight": lambda result, weight, *rest: getattr(result, "shape", None) == weight.shape},
    ),
    "clip_by_norm": Checks(
        solution=clip_by_norm,
        shown_with_solution=(train_recipe,),
        cases=[
            ([torch.tensor([3.0, 4.0])], 1.0), ([torch.tensor([0.3, 0.4])], 1.0), (_GRADIENTS, 2.0), (_GRADIENTS, 50.0),
        ],
        wrong_functions={
            "each_alone": lambda gradients, max_norm: [clip_by_norm([one], max_norm)[0] for one in gradients],
            "values": lambda gradients, max_norm: [one.clamp(-max_norm, max_norm) for one in gradients],
            **_wrong(
                clip_by_norm,
                ("always_scaled", "min(1.0, max_norm / float(norm))", "max_norm / float(norm)"),
                ("no_root", " ** 0.5", ""),
                ("sum_of_values", "(one**2).sum() for one in gradients) ** 0.5", "one.norm(1) for one in gradients)"),
                ("sum_of_norms", "(one**2).sum() for one in gradients) ** 0.5", "one.norm() for one in gradients)"),
                ("thrown_away", "min(1.0, max_norm / float(norm))", "float(norm <= max_norm)"),
                ("upside_down", "min(1.0, max_norm / float(norm))", "max(1.0, max_norm / float(norm))"),
            ),
        },
    ),
    "merge_tile": Checks(
        solution=merge_tile,
        shown_with_solution=(scaled_dot_product_attention,),
        cases=[
            (0.0, 1.0, torch.tensor([1.0, 2.0])),
            (3.0, 2.0, torch.tensor([1.0, 2.0])),
            (-math.inf, 0.0, torch.tensor([-1.0, 0.5])),
            (1.5, 2.5, random_tensor(6, seed=6, scale=2.0)),
        ],
        wrong_functions=_wrong(
            merge_tile,
            ("old_not_scaled", "total * math.exp(maximum - highest)", "total"),
            ("scaled_the_wrong_way", "math.exp(maximum - highest)", "(math.exp(highest - maximum) if total else 1)"),
            ("maximum_of_the_tile", "max(maximum, float(scores.max()))", "float(scores.max())"),
            ("old_maximum", "(scores - highest)", "(scores - (maximum if total else highest))"),
            ("old_forgotten", "old + new", "new"),
            ("no_maximum", "(scores - highest)", "scores"),
            ("logarithm", "old + new", "math.log(old + new)"),
            ("maximum_not_moved", "return highest", "return maximum"),
        ),
    ),
}  # fmt: skip
