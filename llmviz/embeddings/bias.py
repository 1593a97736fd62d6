"""Bias in word vectors: the word embedding association test (WEAT), and directions between words (lesson 2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from llmviz.embeddings.vectors import WordVectors, cosine

_MAX_EXACT = 20_000


@dataclass(frozen=True)
class _AssociationTest:
    """What `weat` measured.

    Attributes:
        effect_size: from −2 to 2; above 0: the first targets are nearer to the first attributes. As Cohen's d: 0.2 is
            called small, 0.5 medium, 0.8 large.
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
    vectors: WordVectors,
    targets: tuple[Sequence[str], Sequence[str]],
    attributes: tuple[Sequence[str], Sequence[str]],
) -> _AssociationTest:
    """The word embedding association test: are two groups of targets associated with two groups of attributes?

    Effect size: (mean association of the first targets − mean of the second) / their standard deviation. p: a
    permutation test, over all partitions where they are few, else over 20,000 random ones. The two groups of targets
    must be equally large. Source: Caliskan, Bryson and Narayanan 2017, "Semantics derived automatically from language
    corpora contain human-like biases", materials and methods. Lesson 2.
    """
    first, second = (list(group) for group in targets)
    if len(first) != len(second) or len(first) < 2 or set(first) & set(second):
        raise ValueError(
            f"the two groups of targets must be equally large, at least 2 words each, and share none; given "
            f"{len(first)} and {len(second)} words, {len(set(first) & set(second))} in both."
        )
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


def direction_cosines(vectors: WordVectors, words: Sequence[str], where: np.ndarray) -> dict[str, float]:
    """The cosine of each word with a direction (d_model), from −1 to 1."""
    return {word: cosine(vectors[word], where) for word in words}
