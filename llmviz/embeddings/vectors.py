"""Word vectors: cosine similarity, nearest neighbors, analogies and bias (lesson 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from itertools import combinations, permutations
from math import comb

import numpy as np

_MAX_EXACT = 20_000  # partitions that are all counted; of more a sample


def cosine(a, b) -> float:
    """Cosine similarity a·b / (|a| |b|) of two vectors (d_model), from −1 to 1. Lesson 2.

    Raises ValueError for other shapes and for a vector of zeros, which has no direction.

    >>> cosine([3, 4], [4, 3])
    0.96
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"cosine compares two vectors of the same length; given shapes {a.shape} and {b.shape}.")
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    if not lengths > 0:
        raise ValueError("a vector of zeros has no direction, so it has no cosine with anything.")
    return float(np.clip(a @ b / lengths, -1, 1))


def directions(vectors) -> np.ndarray:
    """Each row at length 1, so that dot products are cosines; a row of zeros stays: (…, d_model) → the same."""
    vectors = np.asarray(vectors, dtype=float)
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


@dataclass(frozen=True, eq=False, repr=False)
class WordVectors:
    """Words and their vectors. Lesson 2.

    Attributes:
        words: (word), all different.
        vectors: (word, d_model), one row a word.

    >>> toys = WordVectors(("kite", "ball", "Mia"), [[2, 1], [2, 0], [-1, 3]])
    >>> [word for word, cosine in toys.neighbors("kite")]
    ['ball', 'Mia']
    """

    words: tuple[str, ...]
    vectors: np.ndarray

    def __post_init__(self) -> None:
        vectors = np.asarray(self.vectors)
        if vectors.ndim != 2 or len(vectors) != len(self.words):
            raise ValueError(f"{len(self.words)} words need vectors (word, d_model); given {vectors.shape}.")
        if not np.isfinite(vectors).all():
            raise ValueError("vectors must be finite numbers, but some are infinite or not a number.")
        object.__setattr__(self, "words", tuple(self.words))
        object.__setattr__(self, "vectors", vectors)
        if len(self.row_of) != len(self.words):
            raise ValueError("each word may stand only once, but some stand twice.")

    def __repr__(self) -> str:
        return f"WordVectors({len(self.words):,} words, {self.d_model} numbers each)"

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.row_of

    def __getitem__(self, word: str) -> np.ndarray:
        """The vector of a word: (d_model); raises ValueError with similar words if it has none."""
        return self.vectors[self.row(word)]

    @property
    def d_model(self) -> int:
        """The length of a vector."""
        return self.vectors.shape[1]

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Word → row."""
        return {word: row for row, word in enumerate(self.words)}

    @cached_property
    def directions(self) -> np.ndarray:
        """The vectors at length 1: (word, d_model)."""
        return directions(self.vectors)

    def row(self, word: str) -> int:
        """The row of a word; raises ValueError with similar words if it has none."""
        if word not in self.row_of:
            near = get_close_matches(str(word)[:40], self.words[:20_000], n=3)
            hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else "."
            raise ValueError(f"{str(word)[:40]!r} is not among the {len(self.words):,} words of these vectors{hint}")
        return self.row_of[word]

    def subset(self, words: Sequence[str]) -> WordVectors:
        """The vectors of some words, in the order given."""
        return WordVectors(tuple(words), self.vectors[[self.row(word) for word in words]])

    def cosine(self, a: str, b: str) -> float:
        """The cosine similarity of two words."""
        return cosine(self[a], self[b])

    def nearest(self, vector, n: int = 5, *, exclude: Sequence[str] = ()) -> list[tuple[str, float]]:
        """The n words nearest to a vector (d_model) by cosine, best first: (word, cosine)."""
        vector = np.asarray(vector, dtype=float)
        if vector.shape != (self.d_model,):
            raise ValueError(f"a vector of these words has {self.d_model} numbers; given shape {vector.shape}.")
        likeness = self.directions @ directions(vector)
        likeness[[self.row_of[word] for word in exclude if word in self.row_of]] = -np.inf
        best = np.argsort(-likeness, kind="stable")[: max(0, n)]
        return [(self.words[row], float(likeness[row])) for row in best if np.isfinite(likeness[row])]

    def neighbors(self, word: str, n: int = 5) -> list[tuple[str, float]]:
        """The n nearest neighbors of a word by cosine, best first, without the word itself: (word, cosine)."""
        return self.nearest(self[word], n, exclude=[word])

    def analogy(self, a: str, b: str, c: str, n: int = 5, *, exclude_inputs: bool = True) -> list[tuple[str, float]]:
        """a is to b as c is to …? The n words nearest to b − a + c of the vectors at length 1: (word, cosine).

        `exclude_inputs=True` leaves out a, b and c, as most papers do (Linzen 2016). Source: Mikolov, Yih and Zweig
        2013, section 5; Levy and Goldberg 2014, section 3 ("3CosAdd"). Lesson 2.

        >>> people = ("man", "woman", "king", "queen")
        >>> space = WordVectors(people, [[1, 0.1, 0], [1, -0.1, 0], [1, 0.1, 3], [1, -1.2, 2]])
        >>> [space.analogy("man", "king", "woman", 1, exclude_inputs=e)[0][0] for e in (True, False)]
        ['queen', 'king']
        """
        rows = self.directions[[self.row(word) for word in (a, b, c)]]
        return self.nearest(rows[1] - rows[0] + rows[2], n, exclude=(a, b, c) if exclude_inputs else ())


def analogy_accuracy(
    vectors: WordVectors, questions: Sequence[tuple[str, str, str, str]], *, exclude_inputs: bool = True
) -> float:
    """The share of questions (a, b, c, wanted) whose first answer is the wanted one."""
    if not questions:
        raise ValueError("there are no questions; give at least one (a, b, c, wanted).")
    firsts = [vectors.analogy(*question[:3], 1, exclude_inputs=exclude_inputs)[0][0] for question in questions]
    return float(np.mean([first == question[3] for first, question in zip(firsts, questions, strict=True)]))


def analogy_questions(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str, str, str]]:
    """All analogy questions between two of some pairs, in both directions.

    >>> analogy_questions([("king", "queen"), ("actor", "actress")])[0]
    ('king', 'queen', 'actor', 'actress')
    """
    ordered = [pair for a, b in pairs for pair in ((a, b), (b, a))]
    places = permutations(range(len(ordered)), 2)
    return [(*ordered[i], *ordered[j]) for i, j in places if i % 2 == j % 2]


def solve_analogy(vectors: Mapping[str, np.ndarray], a: str, b: str, c: str) -> str:
    """The reference form of `WordVectors.analogy`: the best word but a, b and c. Lesson 2.

    `vectors` maps words to vectors (d_model) of length 1.
    """
    target = vectors[b] - vectors[a] + vectors[c]
    similarity = {word: vector @ target for word, vector in vectors.items() if word not in (a, b, c)}
    return max(similarity, key=similarity.get)


@dataclass(frozen=True)
class _AssociationTest:
    """What `weat` measured.

    Attributes:
        effect_size: from −2 to 2, as Cohen's d; above 0: the first targets are nearer to the first attributes.
        p_value: the share of all partitions of the targets into two equal groups that give at least this much.
        associations: of each target, mean cosine with the first attributes minus that with the second.
    """

    effect_size: float
    p_value: float
    associations: dict[str, float]


def _association(vectors: WordVectors, word: str, first: Sequence[str], second: Sequence[str]) -> float:
    """The mean cosine with the first words minus that with the second."""
    rows = vectors.directions
    here = rows[vectors.row(word)]
    first_mean, second_mean = (np.mean([rows[vectors.row(w)] @ here for w in group]) for group in (first, second))
    return float(first_mean - second_mean)


def weat(
    vectors: WordVectors, targets: tuple[Sequence[str], Sequence[str]], attributes: tuple[Sequence[str], Sequence[str]]
) -> _AssociationTest:
    """The word embedding association test: are two groups of targets associated with two groups of attributes?

    Effect size: (mean association of the first targets − mean of the second) / their standard deviation. p: a
    permutation test, over all partitions where they are few, else over 20,000 random ones. The two groups of targets
    must be equally large. Source: Caliskan, Bryson and Narayanan 2017, "Semantics derived automatically from language
    corpora contain human-like biases", materials and methods. Lesson 2.
    """
    first, second = (list(group) for group in targets)
    if len(first) != len(second) or len(first) < 2 or set(first) & set(second):
        raise ValueError(f"give equally large groups, at least 2 words each, that share none; given {first}, {second}")
    if not all(len(group) for group in attributes):
        raise ValueError("each of the two groups of attributes needs at least one word.")
    values = np.array([_association(vectors, word, *attributes) for word in first + second])
    n = len(first)
    gap = values[:n].mean() - values[n:].mean()
    spread = values.std(ddof=1)
    effect = float(gap / spread) if spread > 0 else 0.0
    named = dict(zip(first + second, values.tolist(), strict=True))
    return _AssociationTest(effect, _p_value(values, n), named)


def _p_value(values: np.ndarray, n: int) -> float:
    """The share of halves of the values that have at least the sum of the first n."""
    observed = values[:n].sum() - 1e-12
    if comb(2 * n, n) <= _MAX_EXACT:
        sums = np.array([values[list(half)].sum() for half in combinations(range(2 * n), n)])
    else:
        rng = np.random.default_rng(0)
        shuffled = rng.permuted(np.tile(values, (_MAX_EXACT, 1)), axis=1)
        sums = np.append(shuffled[:, :n].sum(axis=1), values[:n].sum())  # the observed one included
    return float((sums >= observed).mean())


def direction(vectors: WordVectors, pairs: Sequence[tuple[str, str]]) -> np.ndarray:
    """The mean direction from the first to the second words of some pairs: (d_model), of length 1. Lesson 2.

    A simple form of the gender direction of Bolukbasi et al. 2016, section 5.
    """
    if not pairs:
        raise ValueError("a direction needs at least one pair of words.")
    rows = vectors.directions
    steps = np.mean([rows[vectors.row(b)] - rows[vectors.row(a)] for a, b in pairs], axis=0)
    length = np.linalg.norm(steps)
    if not length > 1e-12:
        raise ValueError("the differences of these pairs cancel out: they have no mean direction.")
    return steps / length
