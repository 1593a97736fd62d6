"""Wrong answers to the exercises of lesson 2, as functions: an answer that gives the same names its mistake."""

import numpy as np

from llmviz.embeddings.reference import count_neighbors


def only_the_dot_product(a, b):
    """Do not divide."""
    return a @ b


def sum_of_lengths(a, b):
    """Divide by the sum."""
    return (a @ b) / (np.linalg.norm(a) + np.linalg.norm(b))


def squared_lengths(a, b):
    """Forget the root."""
    return (a @ b) / ((a @ a) * (b @ b))


def one_length(a, b):
    """Divide by the first length only."""
    return (a @ b) / np.linalg.norm(a)


def distance(a, b):
    """Measure from tip to tip."""
    return np.linalg.norm(a - b)


def _counted(words, window, first, last, leave_out):
    """Count from `first` to `last`, both relative to each word."""
    counts = {}
    for here, word in enumerate(words):
        for there in range(max(0, here + first(window)), min(len(words), here + last(window) + 1)):
            if not leave_out(here, there, words):
                counts[word, words[there]] = counts.get((word, words[there]), 0) + 1
    return counts


def _same_place(here, there, words):
    return here == there


def only_to_the_right(words, window):
    """Count what comes after."""
    return _counted(words, window, lambda n: 1, lambda n: n, _same_place)


def itself_too(words, window):
    """Count the word itself."""
    return _counted(words, window, lambda n: -n, lambda n: n, lambda here, there, words: False)


def never_the_same_word(words, window):
    """Leave out equal words, not equal places."""
    return _counted(words, window, lambda n: -n, lambda n: n, lambda here, there, words: words[here] == words[there])


def one_too_few(words, window):
    """Forget that a range leaves out its end."""
    return _counted(words, window, lambda n: -n, lambda n: n - 1, _same_place)


def around_the_corner(words, window):
    """Look at place -1."""
    counts = count_neighbors(words, window)
    for here, word in enumerate(words):
        for there in range(here - window, 0):
            if -there <= len(words):
                counts[word, words[there]] = counts.get((word, words[there]), 0) + 1
    return counts


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def wrong_way(middle, context, is_true, rate):
    """Push what belongs together."""
    step = rate * (_sigmoid(middle @ context) - is_true)
    return middle + step * context, context + step * middle


def new_middle(middle, context, is_true, rate):
    """Use the moved vector for the second move."""
    step = rate * (is_true - _sigmoid(middle @ context))
    moved = middle + step * context
    return moved, context + step * moved


def always_pull(middle, context, is_true, rate):
    """Never ask for the truth."""
    step = rate * (1 - _sigmoid(middle @ context))
    return middle + step * context, context + step * middle


def no_sigmoid(middle, context, is_true, rate):
    """Take the score for a probability."""
    step = rate * (is_true - middle @ context)
    return middle + step * context, context + step * middle


def along_itself(middle, context, is_true, rate):
    """Move each along itself."""
    step = rate * (is_true - _sigmoid(middle @ context))
    return middle + step * middle, context + step * context


def _nearest(vectors, target, without=()):
    return max((word for word in vectors if word not in without), key=lambda word: vectors[word] @ target)


def inputs_allowed(vectors, a, b, c):
    """Strike nothing."""
    return _nearest(vectors, vectors[b] - vectors[a] + vectors[c])


def backwards(vectors, a, b, c):
    """Walk from b to a."""
    return _nearest(vectors, vectors[a] - vectors[b] + vectors[c], (a, b, c))


def no_difference(vectors, a, b, c):
    """Forget a."""
    return _nearest(vectors, vectors[b] + vectors[c], (a, b, c))


def nearest_to_c(vectors, a, b, c):
    """Ignore the walk."""
    return _nearest(vectors, vectors[c], (a, b, c))
