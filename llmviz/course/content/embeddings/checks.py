"""Lesson 2: solutions, inputs and wrong answers of the exercises."""

from collections import Counter

import numpy as np
from numpy.linalg import norm

from llmviz.course._schema import Checks, with_mistake
from llmviz.embeddings import count_neighbors, nudge, solve_analogy
from llmviz.embeddings.vectors import cosine

_A, _B, _C = np.array([3.0, 4.0]), np.array([4.0, 3.0]), np.array([-4.0, 3.0])
_AXES = {
    "man": [1.0, 0, 0, 0], "woman": [0.8, 0.6, 0, 0], "king": [0.6, 0, 0.8, 0], "queen": [0.48, 0.36, 0.8, 0],
    "prince": [0.6, 0, 0.64, 0.48], "kite": [0, 0, 0, 1.0], "ball": [0, -0.28, 0, 0.96],
}  # fmt: skip
_VECTORS = {word: np.array(vector) for word, vector in _AXES.items()}
_NUDGES = [
    ([0.0, 0.0], [1.0, 2.0], True, 0.1), ([1.0, 0.0], [0.0, 1.0], True, 0.5), ([1.0, 0.0], [0.0, 1.0], False, 0.5),
    ([2.0, 1.0], [1.0, 1.0], True, 1.0), ([2.0, 1.0], [1.0, 1.0], False, 1.0), ([-1.0, 3.0], [2.0, 0.5], False, 0.1),
]  # fmt: skip


_to_the_right = with_mistake(count_neighbors, "max(0, here - window)", "here + 1")


_QUESTIONS = (
    "man king woman", "man woman king", "king man queen", "kite ball man", "woman man queen", "king queen prince",
)  # fmt: skip
_TOO_FEW = ["", "a,", "b,", "c,", "a, b", "a, c", "b, c"]


def _three_cos_mul(v, a, b, c):
    score = {
        word: (1 + x @ v[b]) * (1 + x @ v[c]) / (1.001 + x @ v[a]) for word, x in v.items() if word not in (a, b, c)
    }
    return max(score, key=score.get)


CHECKS = {
    "cosine": Checks(
        solution=cosine,
        cases=[*((_A, other) for other in (_A, _B, _C, 10 * _B, -_A)), (np.array([1.0, 2, 2]), np.array([2.0, 1, 2]))],
        wrong_functions={
            "no_division": lambda a, b: a @ b,
            "sum_of_lengths": lambda a, b: (a @ b) / (norm(a) + norm(b)),
            "squared_lengths": lambda a, b: (a @ b) / ((a @ a) * (b @ b)),
            "distance": lambda a, b: norm(a - b),
            "cosine_distance": lambda a, b: 1 - cosine(a, b),
            "angle": (lambda a, b: np.degrees(np.arccos(cosine(a, b))), lambda a, b: np.arccos(cosine(a, b))),
            "missing_brackets": lambda a, b: a @ b / norm(a) * norm(b),
            "one_length": lambda a, b: (a @ b) / norm(a),
            "length_is_count": lambda a, b: (a @ b) / (len(a) * len(b)),
            "only_two_entries": lambda a, b: cosine(a[:2], b[:2]),
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
            "only_to_the_right": _to_the_right,
            "itself_too": with_mistake(count_neighbors, "if there != here", "if True"),
            "never_the_same_word": with_mistake(count_neighbors, "there != here", "words[there] != word"),
            "always_one": lambda words, window: dict.fromkeys(count_neighbors(words, window), 1),
            "one_order_only": lambda words, window: Counter(
                tuple(sorted(pair)) for pair in Counter(_to_the_right(words, window)).elements()
            ),
            "window_too_short": with_mistake(count_neighbors, "here + window + 1", "here + window"),
            "negative_index": with_mistake(count_neighbors, "max(0, here - window)", "max(-len(words), here - window)"),
        },
        exceptions={"past_the_end": "IndexError"},
    ),
    "nudge": Checks(
        solution=nudge,
        cases=[(np.array(middle), np.array(context), is_true, rate) for middle, context, is_true, rate in _NUDGES],
        wrong_functions={
            "wrong_direction": lambda middle, context, is_true, rate: nudge(middle, context, is_true, -rate),
            "new_middle": with_mistake(nudge, "context + step * middle", "context + step * (middle + step * context)"),
            "always_pulls": lambda middle, context, is_true, rate: nudge(middle, context, True, rate),
            "no_sigmoid": with_mistake(nudge, "1 / (1 + np.exp(-(middle @ context)))", "middle @ context"),
            "along_itself": with_mistake(nudge, "context, context + step * middle", "middle, context + step * context"),
        },
        conditions={"changed_in_place": lambda result, *inputs: isinstance(result, np.ndarray) and result.ndim < 2},
    ),
    "solve_analogy": Checks(
        solution=solve_analogy,
        cases=[(_VECTORS, *question.split()) for question in _QUESTIONS],
        wrong_functions={
            "question_words_allowed": [with_mistake(solve_analogy, "(a, b, c)", f"({words})") for words in _TOO_FEW],
            "multiplied": _three_cos_mul,
            "backwards": lambda v, a, b, c: solve_analogy(v, b, a, c),
            "no_difference": with_mistake(solve_analogy, "- vectors[a] ", ""),
            "nearest_to_c": with_mistake(solve_analogy, "vectors[b] - vectors[a] + ", ""),
        },
        conditions={"not_a_word": lambda result, *inputs: not isinstance(result, str)},
    ),
}
