"""The plain moves of word vectors, one thing at a time, as lesson 2 builds them by hand.

Slow and short; the tests hold the fast forms (`cooccurrences`, `negative_sampling`, `WordVectors.analogy`) to them.
"""

from collections.abc import Mapping, Sequence

import numpy as np


def count_neighbors(words: Sequence[str], window: int) -> dict[tuple[str, str], int]:
    """Count who stands at most `window` words away from whom: {(word, neighbor): how often}. Lesson 2.

    >>> count_neighbors(["red", "kite", "red"], 1)
    {('red', 'kite'): 2, ('kite', 'red'): 2}
    """
    counts: dict[tuple[str, str], int] = {}
    for here, word in enumerate(words):
        for there in range(max(0, here - window), min(len(words), here + window + 1)):
            if there != here:
                pair = (word, words[there])
                counts[pair] = counts.get(pair, 0) + 1
    return counts


def nudge(middle, context, is_true: bool, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """One step of word2vec: pull two vectors together if they are true neighbors, push them apart if not. Lesson 2.

    The guess is σ(middle · context), the truth 1 or 0; each vector moves by rate · (truth − guess) · the other one.
    Both vectors are (d_model); new ones are returned.
    """
    middle, context = np.asarray(middle, dtype=float), np.asarray(context, dtype=float)
    guess = 1 / (1 + np.exp(-(middle @ context)))
    step = rate * (float(is_true) - guess)
    return middle + step * context, context + step * middle


def solve_analogy(vectors: Mapping[str, np.ndarray], a: str, b: str, c: str) -> str:
    """a is to b as c is to …? The word that points most nearly where b − a + c does, a, b and c left out. Lesson 2.

    `vectors` maps words to vectors (d_model) of length 1.
    """
    target = vectors[b] - vectors[a] + vectors[c]
    likeness = {word: vector @ target for word, vector in vectors.items() if word not in (a, b, c)}
    return max(likeness, key=likeness.get)
