"""Lesson 5: solutions, inputs and wrong answers of the exercises."""

import math
from functools import partial

import numpy as np
import torch

from llmviz.course._schema import Checks, with_mistake
from llmviz.evaluation.text_overlap import longest_run
from llmviz.training.loop import cross_entropy
from llmviz.training.scaling import power_law

_LOGITS = 3 * torch.randn(5, 7, generator=torch.Generator().manual_seed(0))


def _probabilities(logits, token_ids):
    return logits.softmax(dim=-1)[range(len(token_ids)), token_ids]


def _longest_common_subsequence(words, corpus):
    row = [0] * (len(corpus) + 1)
    for word in words:
        before, row = row, [0]
        for place, other in enumerate(corpus):
            row.append(before[place] + 1 if word == other else max(row[-1], before[place + 1]))
    return row[-1]


def _longest_run_of_letters(words, corpus):
    runs = [words[i:j] for i in range(len(words)) for j in range(i + 1, len(words) + 1)]
    return max((len(run) for run in runs if " ".join(run) in " ".join(corpus)), default=0)


def _power_law(sizes, losses, *, undo=math.exp, x=np.log, y=np.log):
    slope, height = np.polyfit(x(np.array(sizes, float)), y(np.array(losses, float)), 1)
    return float(undo(height)), float(-slope)


CHECKS = {
    "cross_entropy": Checks(
        solution=cross_entropy,
        cases=[
            (torch.tensor([[0.0, 0.0]]), torch.tensor([1])),
            (torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), torch.tensor([0, 2])),
            (_LOGITS, torch.tensor([6, 0, 3, 3, 1])),
            (torch.tensor([[0.0, 200.0], [0.0, 0.0]]), torch.tensor([0, 1])),
        ],
        wrong_functions={
            "bits": lambda *inputs: cross_entropy(*inputs) / math.log(2),
            "wrong_sign": lambda *inputs: -cross_entropy(*inputs),
            "sum": lambda logits, ids: cross_entropy(logits, ids) * len(ids),
            "softmax_over_positions": lambda logits, ids: -logits.log_softmax(dim=0)[range(len(ids)), ids].mean(),
            "sigmoid": lambda logits, ids: -logits.sigmoid().log()[range(len(ids)), ids].mean(),
            "perplexity": lambda *inputs: cross_entropy(*inputs).exp(),
            "whole_vocabulary": lambda logits, ids: -logits.log_softmax(dim=-1).mean(),
            "no_softmax": [lambda rows, i, f=f: -f(rows[range(len(i)), i]).mean() for f in (torch.clone, torch.log)],
            "one_minus_probability": lambda logits, ids: (1 - _probabilities(logits, ids)).mean(),
            "log_of_mean": lambda logits, ids: -_probabilities(logits, ids).mean().log(),
        },
        conditions={
            "infinite": lambda result, *inputs: np.isinf(result).any(),
            "one_per_position": lambda result, *inputs: np.ndim(result) > 0,
        },
    ),
    "longest_run": Checks(
        solution=longest_run,
        cases=[
            (["a", "red", "kite"], ["found", "a", "red", "drum"]),
            (["x"], ["y"]),
            (["Mia", "found", "a", "red", "kite"], ["Mia", "saw", "a", "kite", "He", "found", "a", "red"]),
            (["a", "b", "a", "b", "a"], ["b", "a", "b", "a", "c", "a", "b"]),
            (["a"], []),
            (["a", "red", "at"], ["cat", "redder"]),
        ],
        wrong_functions={
            "shared_words": [
                lambda words, corpus: len(set(words) & set(corpus)),
                lambda words, corpus: sum(word in corpus for word in words),
            ],
            "gaps_allowed": _longest_common_subsequence,
            "equal_places_only": with_mistake(longest_run, "range(len(corpus))", "[start]"),
            "inside_words": _longest_run_of_letters,
            "from_the_first_word": with_mistake(longest_run, "range(len(words))", "[0]"),
            "letters": with_mistake(longest_run, "longest, n)", 'longest, len(" ".join(words[start : start + n])))'),
        },
        conditions={
            "true_or_false": lambda result, *inputs: isinstance(result, bool),
            "passage": lambda result, *inputs: isinstance(result, list | str),
        },
        exceptions={"past_the_end": "IndexError", "no_shared_word": r"ValueError: max\(\)"},
    ),
    "power_law": Checks(
        solution=power_law,
        cases=[
            ([1, 10, 100], [8.0, 4.0, 2.0]),
            ([1000, 2000, 4000, 8000], [3.0, 2.2, 1.7, 1.2]),
            ([18_000, 28_000, 39_000, 63_000, 90_000], [3.6, 3.0, 2.5, 1.9, 1.6]),
        ],
        wrong_functions={
            "negative_exponent": lambda sizes, losses: power_law(sizes, losses) * np.array([1, -1]),
            "log_of_factor": partial(_power_law, undo=float),
            "no_logarithms": partial(_power_law, x=np.asarray, y=np.asarray, undo=float),
            "log_of_losses_only": partial(_power_law, x=np.asarray),
            "log_of_sizes_only": partial(_power_law, y=np.asarray, undo=float),
            "swapped": lambda sizes, losses: power_law(sizes, losses)[::-1],
            "two_points": lambda sizes, losses: power_law(sizes[:: len(sizes) - 1], losses[:: len(losses) - 1]),
            "base_10": partial(_power_law, x=np.log10, y=np.log10),
        },
        exceptions={"lists": "TypeError: .*(list|real number)"},
    ),
}
