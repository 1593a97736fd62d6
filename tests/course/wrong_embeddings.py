"""Wrong answers of lesson 2, written as learners write them."""

import numpy as np


def dot(a, b):
    return np.sum(a * b)


def product_only(a, b):
    return a * b / (np.linalg.norm(a) * np.linalg.norm(b))


def sum_below(a, b):
    return a.dot(b) / (np.sqrt((a**2).sum()) + np.sqrt((b**2).sum()))


def no_root(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True)) / (sum(a**2) * sum(b**2))


def one_norm(a, b):
    return np.dot(a, b) / np.sqrt(np.dot(a, a))


def how_far(a, b):
    return ((a - b) ** 2).sum() ** 0.5


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


def only_one(middle, context, is_true, rate):
    return middle + rate * (is_true - sigmoid(middle @ context)) * context


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


def sum_of_two(vectors, a, b, c):
    return max((w for w in vectors if w not in [a, b, c]), key=lambda w: vectors[w] @ (vectors[b] + vectors[c]))


def neighbor(vectors, a, b, c):
    return max((w for w in vectors if w not in [a, b, c]), key=lambda w: vectors[w] @ vectors[c])


def number(vectors, a, b, c):
    target = vectors[b] - vectors[a] + vectors[c]
    return max(vectors[w] @ target for w in vectors if w not in [a, b, c])


WRONG = {
    "cosine": [
        (dot, "forget to divide"),
        (product_only, "return a vector"),
        (sum_below, "it must be their product"),
        (no_root, "root is missing"),
        (one_norm, "one length only"),
        (how_far, "distance between the tips"),
    ],
    "count_neighbors": [
        (after_only, "only what comes after"),
        (with_itself, "its own neighbor"),
        (unequal_words, "skip neighbors that are the same word"),
        (short_range, "one word early"),
        (too_far, "over the end"),
    ],
    "nudge": [
        (guess_minus_truth, "wrong way"),
        (in_place, "*new* middle"),
        (only_true, "never asked"),
        (plain_score, "needs the σ"),
        (itself, "along the *other* one"),
        (only_one, "return both"),
    ],
    "solve_analogy": [
        (may_be_king, "leave out all three"),
        (other_way, "walk backwards"),
        (sum_of_two, "forget to subtract a"),
        (neighbor, "nearest word to c"),
        (number, "the answer is a word"),
    ],
}
