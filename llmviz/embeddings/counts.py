"""Word vectors from counts: co-occurrences, positive pointwise mutual information (PPMI), truncated SVD (lesson 2)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from llmviz.embeddings.vectors import WordVectors
from llmviz.tokenizers.words import words

_SMOOTHING = 0.75  # of the neighbors' counts: Levy, Goldberg and Dagan 2015, section 3.2
_D_MODEL, _WINDOW, _MIN_COUNT = 128, 3, 5


@dataclass(frozen=True)
class _Vocabulary:
    """The words that get a vector, the most frequent first, their counts (word), and the texts as indices of them.

    Rare words are left out of the texts, so that their neighbors move together.
    """

    words: tuple[str, ...]
    counts: np.ndarray
    texts: tuple[np.ndarray, ...]


def vocabulary(texts: Iterable[str]) -> _Vocabulary:
    """The words that occur at least five times; raises ValueError if there are fewer than two. Lesson 2.

    >>> vocabulary(["a b a", "a c b"] * 3).words
    ('a', 'b')
    """
    if isinstance(texts, str):
        raise ValueError("texts must be a list of texts, but is one string; write [text] for a single one.")
    cut = [[word.lower() for word in words(text) if word[0].isalnum()] for text in texts]
    counted = Counter(word for sentence in cut for word in sentence)
    kept = sorted((word for word, n in counted.items() if n >= _MIN_COUNT), key=lambda word: (-counted[word], word))
    if len(kept) < 2:
        raise ValueError(f"only {len(kept)} of {len(counted)} different words occur at least {_MIN_COUNT} times")
    index = {word: i for i, word in enumerate(kept)}
    as_ids = tuple(np.array([index[word] for word in sentence if word in index], dtype=np.int32) for sentence in cut)
    return _Vocabulary(tuple(kept), np.array([counted[word] for word in kept]), as_ids)


def cooccurrences(vocabulary: _Vocabulary, *, window: int = 5, by_distance: bool = False) -> np.ndarray:
    """Co-occurrence counts of words at most `window` apart: (word, neighbor), float64, symmetric.

    `by_distance=True` counts a neighbor d words away as 1/d (Pennington, Socher and Manning 2014, section 4.2).
    Raises ValueError for a window below 1. Lesson 2.

    >>> cooccurrences(vocabulary(["red kite red"] * 5), window=1)
    array([[ 0., 10.],
           [10.,  0.]])
    """
    if window < 1:
        raise ValueError(f"window, the number of words on either side, is at least 1; given {window!r}.")
    size = len(vocabulary.words)
    places, weights = [], []
    for distance in range(1, window + 1):
        here, there = _neighbors_at(vocabulary.texts, distance)
        places.append(here.astype(np.int64) * size + there)
        weights.append(np.full(len(here), 1 / distance if by_distance else 1.0))
    counts = np.bincount(np.concatenate(places), np.concatenate(weights), minlength=size * size)
    counts = counts.reshape(size, size)
    return counts + counts.T


def _neighbors_at(texts: Sequence[np.ndarray], distance: int) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of words exactly `distance` apart within a text: two int arrays (pair), left and right word."""
    left = [text[:-distance] for text in texts if len(text) > distance]
    right = [text[distance:] for text in texts if len(text) > distance]
    if not left:
        return np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32)
    return np.concatenate(left), np.concatenate(right)


def _ppmi(counts: np.ndarray) -> np.ndarray:
    """Positive pointwise mutual information: (word, neighbor) → the same, in nats.

    max(0, ln p(word, neighbor) − ln p(word) p(neighbor)), with p(neighbor) in proportion to its count to the power
    of 0.75; 0 where two words never meet. Source: Levy, Goldberg and Dagan 2015, sections 2.1 and 3.2.
    """
    total = counts.sum()
    if not total > 0:
        raise ValueError("no two words stand in one text, so there are no neighbors to count.")
    p_word = counts.sum(axis=1) / total
    raised = counts.sum(axis=0) ** _SMOOTHING
    by_chance = np.outer(p_word, raised / raised.sum())
    information = np.zeros_like(counts, dtype=float)
    met = counts > 0
    information[met] = np.log(counts[met] / total / by_chance[met])
    return np.maximum(information, 0)


def _svd_vectors(matrix: np.ndarray, d_model: int) -> np.ndarray:
    """The first `d_model` left singular vectors times the roots of the singular values: (word, d_model).

    The sign is chosen so that each column's largest number is positive. Source: Levy, Goldberg and Dagan 2015,
    section 3.3 (eigenvalue weighting 0.5).
    """
    left, strengths, _ = np.linalg.svd(matrix, full_matrices=False)
    left = left[:, :d_model]
    signs = np.sign(left[np.abs(left).argmax(axis=0), np.arange(d_model)])
    return left * signs * np.sqrt(strengths[:d_model])


def count_vectors(texts: Iterable[str]) -> WordVectors:
    """Word vectors from counts alone: co-occurrences → PPMI → SVD, in about a second. Lesson 2."""
    known = vocabulary(texts)
    matrix = _ppmi(cooccurrences(known, window=_WINDOW))
    return WordVectors(known.words, _svd_vectors(matrix, min(_D_MODEL, len(known.words))))


def count_neighbors(words: Sequence[str], window: int) -> dict[tuple[str, str], int]:
    """The reference form of `cooccurrences`, in plain loops: {(word, neighbor): count}. Lesson 2.

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
