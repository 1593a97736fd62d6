"""Lesson 2: solutions, inputs and wrong answers of the exercises."""

from collections import Counter
from functools import partial

import numpy as np
from numpy.linalg import norm

from llmviz.course._schema import Checks
from llmviz.embeddings import count_neighbors, nudge, solve_analogy
from llmviz.embeddings.vectors import cosine

_A, _B = np.array([3.0, 4.0]), np.array([4.0, 3.0])
_AXES = {
    "man": [1.0, 0, 0, 0], "woman": [0.8, 0.6, 0, 0], "king": [0.6, 0, 0.8, 0], "queen": [0.48, 0.36, 0.8, 0],
    "prince": [0.6, 0, 0.64, 0.48], "kite": [0, 0, 0, 1.0], "ball": [0, -0.28, 0, 0.96],
}  # fmt: skip
_VECTORS = {word: np.array(vector) for word, vector in _AXES.items()}
_NUDGES = [
    ([0.0, 0.0], [1.0, 2.0], True, 0.1), ([1.0, 0.0], [0.0, 1.0], True, 0.5), ([1.0, 0.0], [0.0, 1.0], False, 0.5),
    ([2.0, 1.0], [1.0, 1.0], True, 1.0), ([2.0, 1.0], [1.0, 1.0], False, 1.0), ([-1.0, 3.0], [2.0, 0.5], False, 0.1),
]  # fmt: skip


def _count(words, window, *, first=-1, shorter=0, skip=lambda here, there, words: here == there, wrap=False):
    counts = {}
    for here, word in enumerate(words):
        places = range(here + first if first > 0 else here - window, here + window + 1 - shorter)
        for there in places:
            inside = (-len(words) if wrap else 0) <= there < len(words)
            if inside and not skip(here, there, words):
                counts[word, words[there]] = counts.get((word, words[there]), 0) + 1
    return counts


def _count_sorted_pairs(words, window):
    counts = Counter()
    for pair, n in _count(words, window, first=1).items():
        counts[tuple(sorted(pair))] += n
    return counts


def _step(middle, context, is_true, rate, *, guess=lambda score: 1 / (1 + np.exp(-score)), new=False):
    """One step of word2vec; with `new`, the second move uses the moved vector."""
    step = rate * (is_true - guess(middle @ context))
    moved = middle + step * context
    return moved, context + step * (moved if new else middle)


def _along_itself(middle, context, is_true, rate):
    step = rate * (is_true - 1 / (1 + np.exp(-middle @ context)))
    return middle + step * middle, context + step * context


def _nearest(target, without=()):
    return max((word for word in _VECTORS if word not in without), key=lambda word: _VECTORS[word] @ target)


_TOO_FEW = ["", "a", "b", "c", "ab", "ac", "bc"]


def _analogy(v, a, b, c, *, left_out="abc"):
    return _nearest(v[b] - v[a] + v[c], [word for name, word in zip("abc", (a, b, c), strict=True) if name in left_out])


def _three_cos_mul(v, a, b, c):
    score = {
        word: (1 + x @ v[b]) * (1 + x @ v[c]) / (1.001 + x @ v[a]) for word, x in v.items() if word not in (a, b, c)
    }
    return max(score, key=score.get)


CHECKS = {
    "cosine": Checks(
        solution=cosine,
        cases=[
            (_A, _A),
            (_A, _B),
            (_A, np.array([-4.0, 3])),
            (_A, 10 * _B),
            (_A, -_A),
            (np.array([1.0, 2, 2]), np.array([2.0, 1, 2])),
        ],
        wrong_functions={
            "no_division": lambda a, b: a @ b,
            "sum_of_lengths": lambda a, b: (a @ b) / (norm(a) + norm(b)),
            "squared_lengths": lambda a, b: (a @ b) / ((a @ a) * (b @ b)),
            "distance": lambda a, b: norm(a - b),
            "cosine_distance": lambda a, b: 1 - cosine(a, b),
            "angle": (lambda a, b: np.degrees(np.arccos(cosine(a, b))), lambda a, b: np.arccos(cosine(a, b))),
            "missing_brackets": lambda a, b: a @ b / norm(a) * norm(b),
            "one_length": lambda a, b: (a @ b) / norm(a),
        },
        conditions={"vector": lambda result, a, b: np.ndim(result) > 0},
    ),
    "count_neighbors": Checks(
        solution=count_neighbors,
        cases=[
            (["red", "kite"], 1),
            (["red", "kite", "red"], 1),
            (["a", "b", "c", "d"], 2),
            (["a", "b", "c"], 9),
            (["a", "a", "a"], 1),
            (["a"], 2),
            ([], 1),
        ],
        wrong_functions={
            "only_to_the_right": partial(_count, first=1),
            "itself_too": partial(_count, skip=lambda here, there, words: False),
            "never_the_same_word": partial(_count, skip=lambda here, there, words: words[here] == words[there]),
            "always_one": lambda words, window: dict.fromkeys(_count(words, window), 1),
            "one_order_only": _count_sorted_pairs,
            "window_too_short": partial(_count, shorter=1),
            "negative_index": partial(_count, wrap=True),
        },
        exceptions={"past_the_end": "IndexError"},
    ),
    "nudge": Checks(
        solution=nudge,
        cases=[(np.array(middle), np.array(context), is_true, rate) for middle, context, is_true, rate in _NUDGES],
        wrong_functions={
            "wrong_direction": lambda middle, context, is_true, rate: nudge(middle, context, is_true, -rate),
            "new_middle": partial(_step, new=True),
            "always_pulls": lambda middle, context, is_true, rate: nudge(middle, context, True, rate),
            "no_sigmoid": partial(_step, guess=lambda score: score),
            "along_itself": _along_itself,
        },
        conditions={"changed_in_place": lambda result, *inputs: isinstance(result, np.ndarray) and result.ndim < 2},
    ),
    "solve_analogy": Checks(
        solution=solve_analogy,
        cases=[
            (_VECTORS, "man", "king", "woman"),
            (_VECTORS, "man", "woman", "king"),
            (_VECTORS, "king", "man", "queen"),
            (_VECTORS, "kite", "ball", "man"),
            (_VECTORS, "woman", "man", "queen"),
            (_VECTORS, "king", "queen", "prince"),
        ],
        wrong_functions={
            "question_words_allowed": [partial(_analogy, left_out=left_out) for left_out in _TOO_FEW],
            "multiplied": _three_cos_mul,
            "backwards": lambda v, a, b, c: _analogy(v, b, a, c),
            "no_difference": lambda v, a, b, c: _nearest(v[b] + v[c], (a, b, c)),
            "nearest_to_c": lambda v, a, b, c: _nearest(v[c], (a, b, c)),
        },
        conditions={"not_a_word": lambda result, *inputs: not isinstance(result, str)},
    ),
}
