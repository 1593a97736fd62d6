"""Wrong answers as learners write them, with the mistake that must be recognized."""

import numpy as np


def after_only(words, window):
    counts = {}
    for i, word in enumerate(words):
        for other in words[i + 1 : i + 1 + window]:
            counts[(word, other)] = counts.get((word, other), 0) + 1
    return counts


def with_itself(words, window):
    counts = {}
    for i in range(len(words)):
        for j in range(max(0, i - window), min(len(words), i + window + 1)):
            counts[words[i], words[j]] = counts.get((words[i], words[j]), 0) + 1
    return counts


def unequal_words(words, window):
    counts = {}
    for i in range(len(words)):
        for j in range(len(words)):
            if abs(i - j) <= window and words[i] != words[j]:
                counts[words[i], words[j]] = counts.get((words[i], words[j]), 0) + 1
    return counts


def short_range(words, window):
    counts = {}
    for i in range(len(words)):
        for j in range(max(0, i - window), min(len(words), i + window)):
            if i != j:
                counts[words[i], words[j]] = counts.get((words[i], words[j]), 0) + 1
    return counts


def too_far(words, window):
    counts = {}
    for i in range(len(words)):
        for j in range(i - window, i + window + 1):
            if i != j:
                counts[words[i], words[j]] = counts.get((words[i], words[j]), 0) + 1
    return counts


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def guess_minus_truth(middle, context, is_true, rate):
    error = sigmoid(middle @ context) - int(is_true)
    return middle + rate * error * context, context + rate * error * middle


def in_place(middle, context, is_true, rate):
    error = int(is_true) - sigmoid(middle @ context)
    middle = middle + rate * error * context
    context = context + rate * error * middle
    return middle, context


def only_true(middle, context, is_true, rate):
    error = 1 - sigmoid(np.dot(middle, context))
    return middle + rate * error * context, context + rate * error * middle


def plain_score(middle, context, is_true, rate):
    error = int(is_true) - np.dot(middle, context)
    return middle + rate * error * context, context + rate * error * middle


def itself(middle, context, is_true, rate):
    error = int(is_true) - sigmoid(middle @ context)
    return middle * (1 + rate * error), context * (1 + rate * error)


def may_be_king(vectors, a, b, c):
    target = vectors[b] - vectors[a] + vectors[c]
    best = None
    for word in vectors:
        if best is None or vectors[word] @ target > vectors[best] @ target:
            best = word
    return best


def other_way(vectors, a, b, c):
    target = vectors[a] - vectors[b] + vectors[c]
    return max((w for w in vectors if w not in [a, b, c]), key=lambda w: vectors[w] @ target)


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
        ("only_to_the_right", after_only),
        ("itself_too", with_itself),
        ("never_the_same_word", unequal_words),
        ("window_too_short", short_range),
        ("past_the_end", too_far),
    ],
    "nudge": [
        ("wrong_direction", guess_minus_truth),
        ("new_middle", in_place),
        ("always_pulls", only_true),
        ("no_sigmoid", plain_score),
        ("along_itself", itself),
        (
            "changed_in_place",
            lambda middle, context, is_true, rate: middle + rate * (is_true - sigmoid(middle @ context)) * context,
        ),
    ],
    "solve_analogy": [
        ("question_words_allowed", may_be_king),
        ("backwards", other_way),
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
