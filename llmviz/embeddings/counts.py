"""Word vectors from counting: who stands near whom, how surprising that is, and the directions that say most of it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from llmviz.embeddings.vectors import WordVectors
from llmviz.tokenizers.words import words

SMOOTHING = 0.75
"""The power that makes rare neighbors less surprising (Levy, Goldberg and Dagan 2015, section 3.2)."""


def sentences(texts: Iterable[str]) -> list[list[str]]:
    """Cut each text into its words, in small letters and without marks: one list a text.

    >>> sentences(["Mia's kite, at last!"])
    [["mia's", 'kite', 'at', 'last']]
    """
    if isinstance(texts, str):
        raise ValueError("texts must be a list of texts, but is one string; write [text] for a single one.")
    return [[word.lower() for word in words(text) if word[0].isalnum()] for text in texts]


@dataclass(frozen=True)
class Vocabulary:
    """The words that get a vector, the most frequent first, and each text as the indices of its words.

    Attributes:
        words: (word), as texts.
        counts: (word), int, how often each occurs.
        texts: one int array a text; words that are too rare are left out of it, so that their neighbors move up.
    """

    words: tuple[str, ...]
    counts: np.ndarray
    texts: tuple[np.ndarray, ...]

    @property
    def n_words(self) -> int:
        """How many different words there are."""
        return len(self.words)


def vocabulary(texts: Iterable[str], *, min_count: int = 5) -> Vocabulary:
    """Find the words that occur at least `min_count` times. Lesson 2.

    Raises ValueError if fewer than two words are left.

    >>> vocabulary(["a b a", "a c b"], min_count=2).words
    ('a', 'b')
    """
    cut = sentences(texts)
    counted = Counter(word for sentence in cut for word in sentence)
    kept = sorted((word for word, n in counted.items() if n >= min_count), key=lambda word: (-counted[word], word))
    if len(kept) < 2:
        raise ValueError(
            f"only {len(kept)} of {len(counted)} different words occur at least {min_count} times; "
            "vectors need two words or more: give more text, or a smaller min_count."
        )
    index = {word: i for i, word in enumerate(kept)}
    as_ids = tuple(np.array([index[word] for word in sentence if word in index], dtype=np.int32) for sentence in cut)
    return Vocabulary(tuple(kept), np.array([counted[word] for word in kept]), as_ids)


def cooccurrences(vocabulary: Vocabulary, *, window: int = 5, by_distance: bool = False) -> np.ndarray:
    """Count how often each word stands at most `window` words away from each other one: (word, neighbor), float64.

    `by_distance=True` counts a neighbor d words away as 1/d (Pennington, Socher and Manning 2014, section 4.2).
    The matrix is symmetric. Raises ValueError for a window below 1. Lesson 2.

    >>> cooccurrences(vocabulary(["red kite red"], min_count=1), window=1)
    array([[0., 2.],
           [2., 0.]])
    """
    if window < 1:
        raise ValueError(f"window says how many words to either side count, at least 1; given {window!r}.")
    size = vocabulary.n_words
    places, weights = [], []
    for distance in range(1, window + 1):
        here, there = neighbors_at(vocabulary.texts, distance)
        places.append(here.astype(np.int64) * size + there)
        weights.append(np.full(len(here), 1 / distance if by_distance else 1.0))
    counts = np.bincount(np.concatenate(places), np.concatenate(weights), minlength=size * size)
    counts = counts.reshape(size, size)
    return counts + counts.T


def neighbors_at(texts: Sequence[np.ndarray], distance: int) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of words exactly `distance` apart within a text: two int arrays (pair), left word and right word."""
    left = [text[:-distance] for text in texts if len(text) > distance]
    right = [text[distance:] for text in texts if len(text) > distance]
    if not left:
        return np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32)
    return np.concatenate(left), np.concatenate(right)


def ppmi(counts: np.ndarray, *, smoothing: float = SMOOTHING) -> np.ndarray:
    """How much more often than by chance do two words meet? Positive pointwise mutual information: (word, neighbor).

    max(0, ln p(word, neighbor) − ln p(word) p(neighbor)) in nats, with p(neighbor) in proportion to its count to
    the power of `smoothing`; 0 where two words never meet (Levy, Goldberg and Dagan 2015, sections 2.1 and 3.2).
    Lesson 2.

    >>> ppmi(np.array([[0.0, 2.0], [2.0, 0.0]]), smoothing=1.0).round(2)
    array([[0.  , 0.69],
           [0.69, 0.  ]])
    """
    total = counts.sum()
    if not total > 0 or (counts < 0).any():
        raise ValueError("counts must be 0 or more, and not all of them 0.")
    p_word = counts.sum(axis=1) / total
    raised = counts.sum(axis=0) ** smoothing
    by_chance = np.outer(p_word, raised / raised.sum())
    information = np.zeros_like(counts, dtype=float)
    met = counts > 0
    information[met] = np.log(counts[met] / total / by_chance[met])
    return np.maximum(information, 0)


def svd_vectors(matrix: np.ndarray, d_model: int = 32) -> np.ndarray:
    """Keep the `d_model` directions in which the rows differ most: (word, d_model).

    U √S of the singular value decomposition M = U S Vᵀ (Levy, Goldberg and Dagan 2015, sections 2.2 and 3.3). The
    sign of each direction is chosen so that its largest number is positive. Lesson 2.
    """
    size = min(matrix.shape)
    if not 1 <= d_model <= size:
        raise ValueError(f"d_model must be from 1 to {size}, the size of the matrix; given {d_model!r}.")
    left, strengths, _ = np.linalg.svd(matrix, full_matrices=False)
    left = left[:, :d_model]
    signs = np.sign(left[np.abs(left).argmax(axis=0), np.arange(d_model)])
    return left * signs * np.sqrt(strengths[:d_model])


def count_vectors(texts: Iterable[str], *, d_model: int = 128, window: int = 3, min_count: int = 5) -> WordVectors:
    """Make word vectors by counting alone: co-occurrences → PPMI → SVD, in about a second. Lesson 2."""
    known = vocabulary(texts, min_count=min_count)
    matrix = ppmi(cooccurrences(known, window=window))
    return WordVectors(known.words, svd_vectors(matrix, min(d_model, known.n_words)))
