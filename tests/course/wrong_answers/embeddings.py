"""Wrong answers as learners write them, with the mistake that must be recognized."""

import numpy as np


def too_far(words, window):
    counts = {}
    for i in range(len(words)):
        for j in range(i - window, i + window + 1):
            if i != j:
                counts[words[i], words[j]] = counts.get((words[i], words[j]), 0) + 1
    return counts


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def number(vectors, a, b, c):
    target = vectors[b] - vectors[a] + vectors[c]
    return max(vectors[w] @ target for w in vectors if w not in [a, b, c])


WRONG_ANSWERS = {
    "cosine": [
        ("no_division", lambda a, b: np.sum(a * b)),
        ("vector", lambda a, b: a * b / (np.linalg.norm(a) * np.linalg.norm(b))),
        ("sum_of_lengths", lambda a, b: a.dot(b) / (np.sqrt((a**2).sum()) + np.sqrt((b**2).sum()))),
        ("squared_lengths", lambda a, b: sum(x * y for x, y in zip(a, b, strict=True)) / (sum(a**2) * sum(b**2))),
        ("one_length", lambda a, b: np.dot(a, b) / np.sqrt(np.dot(a, a))),
        ("distance", lambda a, b: ((a - b) ** 2).sum() ** 0.5),
    ],
    "count_neighbors": [
        ("past_the_end", too_far),
    ],
    "nudge": [
        (
            "changed_in_place",
            lambda middle, context, is_true, rate: middle + rate * (is_true - sigmoid(middle @ context)) * context,
        ),
    ],
    "solve_analogy": [
        (
            "no_difference",
            lambda vectors, a, b, c: max(
                (w for w in vectors if w not in [a, b, c]), key=lambda w: vectors[w] @ (vectors[b] + vectors[c])
            ),
        ),
        (
            "nearest_to_c",
            lambda vectors, a, b, c: max(
                (w for w in vectors if w not in [a, b, c]), key=lambda w: vectors[w] @ vectors[c]
            ),
        ),
        ("not_a_word", number),
    ],
}
