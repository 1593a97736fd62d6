"""Bias in word vectors, measured: which of two groups of words stands nearer to which of two others?"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from llmviz.embeddings.vectors import WordVectors, cosine

MOST_EXACT = 20_000


@dataclass(frozen=True)
class AssociationTest:
    """What `weat` measured.

    Attributes:
        effect_size: from −2 to 2; above 0: the first targets are nearer to the first attributes. A number like
            Cohen's d: .2 is called small, .5 medium, .8 large.
        p_value: the share of all ways to deal the targets into two equal groups that give at least this much.
        associations: of each target word: mean cosine with the first attributes minus with the second.
    """

    effect_size: float
    p_value: float
    associations: dict[str, float]


def association(vectors: WordVectors, word: str, first: Sequence[str], second: Sequence[str]) -> float:
    """How much nearer is a word to the first words than to the second? Mean cosine minus mean cosine. Lesson 2."""
    rows = vectors.directions
    here = rows[vectors.row(word)]
    first_mean, second_mean = (np.mean([rows[vectors.row(w)] @ here for w in group]) for group in (first, second))
    return float(first_mean - second_mean)


def weat(
    vectors: WordVectors,
    targets: tuple[Sequence[str], Sequence[str]],
    attributes: tuple[Sequence[str], Sequence[str]],
    *,
    seed: int = 0,
) -> AssociationTest:
    """The word embedding association test: are two groups of targets tied to two groups of attributes?

    Effect size (mean of the associations of the first targets − mean of those of the second) / their standard
    deviation; p by a permutation test, over all ways to deal where they are few, else over 20,000 random ones
    (Caliskan, Bryson and Narayanan 2017, "Semantics derived automatically from language corpora contain human-like
    biases", materials and methods). The two groups of targets must be equally large. Lesson 2.
    """
    first, second = (list(group) for group in targets)
    if len(first) != len(second) or len(first) < 2 or set(first) & set(second):
        raise ValueError(
            f"the two groups of targets must be equally large, at least 2 words each, and share none; given "
            f"{len(first)} and {len(second)} words, {len(set(first) & set(second))} in both."
        )
    if not all(len(group) for group in attributes):
        raise ValueError("each of the two groups of attributes needs at least one word.")
    values = np.array([association(vectors, word, *attributes) for word in first + second])
    n = len(first)
    gap = values[:n].mean() - values[n:].mean()
    spread = values.std(ddof=1)
    effect = float(gap / spread) if spread > 0 else 0.0
    named = dict(zip(first + second, values.tolist(), strict=True))
    return AssociationTest(effect, _p_value(values, n, seed), named)


def _p_value(values: np.ndarray, n: int, seed: int) -> float:
    """How often a random half of the values has at least the sum of the first n."""
    observed = values[:n].sum() - 1e-12
    if comb(2 * n, n) <= MOST_EXACT:
        sums = np.array([values[list(half)].sum() for half in combinations(range(2 * n), n)])
    else:
        rng = np.random.default_rng(seed)
        dealt = rng.permuted(np.tile(values, (MOST_EXACT, 1)), axis=1)
        sums = np.append(dealt[:, :n].sum(axis=1), values[:n].sum())  # the one that happened counts too
    return float((sums >= observed).mean())


def direction(vectors: WordVectors, pairs: Sequence[tuple[str, str]]) -> np.ndarray:
    """The direction that leads from the first to the second words of some pairs, on average: (d_model), of length 1.

    A plain relative of the gender direction of Bolukbasi and others 2016, section 5. Lesson 2.
    """
    if not pairs:
        raise ValueError("a direction needs at least one pair of words.")
    rows = vectors.directions
    steps = np.mean([rows[vectors.row(b)] - rows[vectors.row(a)] for a, b in pairs], axis=0)
    length = np.linalg.norm(steps)
    if not length > 1e-12:
        raise ValueError("these pairs lead nowhere on average: their steps cancel out.")
    return steps / length


def along(vectors: WordVectors, words: Sequence[str], where) -> dict[str, float]:
    """How far each word leans toward a direction (d_model): the cosine, from −1 to 1."""
    return {word: cosine(vectors[word], where) for word in words}
