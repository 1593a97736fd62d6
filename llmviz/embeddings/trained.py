"""Trained word vectors: word2vec (skip-gram with negative sampling) and GloVe, from scratch, step by step (lesson 2).

Both have two tables: one for a word in the middle, one for the same word as a neighbor. The gradients are written out
by hand; a test compares them with torch's. GloVe's dot products are the logarithms of co-occurrence counts.
Source of GloVe: Pennington, Socher and Manning 2014, "GloVe: Global Vectors for Word Representation", sections 3, 4.2.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

import numpy as np

from llmviz.embeddings.counts import _neighbors_at, _Vocabulary, cooccurrences, vocabulary
from llmviz.embeddings.vectors import WordVectors
from llmviz.files import REPAIR, data_path

_D_MODEL, _WINDOW, _EPOCHS = 32, 5, 5
_N_NEGATIVES, _LEARNING_RATE, _SUBSAMPLE = 5, 0.1, 1e-3  # of word2vec
_BATCH_SIZE, _MIN_BATCH_SIZE = 512, 16
_MAX_MOVE = 10.0
_GLOVE_FILE = "glove-6B-50d-top50k-int8.npz"
_GLOVE_SHA256 = "3983863c91b64a8cc38556e89d0c2ad396022eaceef697e6cc12c9c83718a90b"


@dataclass(frozen=True)
class _EmbeddingStep:
    """One step of training that is shown.

    Attributes:
        step, n_steps: batches done, and about how many there are (exactly, at the end).
        loss: the mean loss of a pair since the step before, in nats.
        vectors: a copy of the vectors.
    """

    step: int
    n_steps: int
    loss: float
    vectors: WordVectors


def _negative_sampling(middle: np.ndarray, context: np.ndarray):
    """The loss of negative sampling and its gradients.

    For each pair: −ln σ(m·c₀) − Σ ln σ(−m·cⱼ), with the true neighbor c₀ and negatives c₁ … Source: Mikolov, Sutskever
    et al. 2013, section 2.2, equation 4.

    Args:
        middle: (pair, d_model).
        context: (pair, 1 + negative, d_model), the true neighbor first.

    Returns:
        loss (pair) in nats, its gradients with respect to `middle` and `context`.
    """
    scores = np.einsum("pd,pkd->pk", middle, context)
    sign = np.ones(context.shape[1], dtype=scores.dtype)
    sign[1:] = -1
    loss = np.logaddexp(0, -sign * scores).sum(axis=1)
    probability = 0.5 * (1 + np.tanh(-0.5 * sign * scores))  # σ(−sign · score), without overflow
    error = -sign * probability  # predicted probability minus the label
    return loss, np.einsum("pk,pkd->pd", error, context), error[:, :, None] * middle[:, None, :]


def _add_to_rows(table: np.ndarray, rows: np.ndarray, changes: np.ndarray, longest: float = np.inf) -> None:
    """Add each change to its row of the table, in place; a row may occur several times.

    No row moves further than `longest`: with few words all changes of one add up, and training diverges. Source of
    clipping: Pascanu, Mikolov and Bengio 2013, section 3.2.
    """
    order = np.argsort(rows, kind="stable")
    rows = rows[order]
    firsts = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])
    moves = np.add.reduceat(changes[order], firsts, axis=0)
    lengths = np.maximum(np.linalg.norm(moves, axis=1, keepdims=True), 1e-12)
    table[rows[firsts]] += moves * np.minimum(1, longest / lengths)


def train_word2vec_steps(texts: Iterable[str], *, n_frames: int = 30, seed: int = 0) -> Iterator[_EmbeddingStep]:
    """Train word vectors by telling true neighbors from random words; yield the start and `n_frames` steps. Lesson 2.

    Skip-gram with negative sampling, a window of up to 5 words, 5 negatives, a learning rate that falls linearly from
    0.1. Source: Mikolov, Chen et al. 2013, section 3.2; Mikolov, Sutskever et al. 2013, sections 2.2 (negatives in
    proportion to count^¾) and 2.3 (frequent words are often skipped). Words that occur less than 5 times get no vector.

    Args:
        texts: short texts; neighbors never reach over the end of one.
    """
    words = _training_vocabulary(texts)
    rng = np.random.default_rng(seed)
    middle = ((rng.random((len(words.words), _D_MODEL)) - 0.5) / _D_MODEL).astype(np.float32)
    context = np.zeros_like(middle)
    negatives = np.cumsum(words.counts**0.75 / np.sum(words.counts**0.75))
    yield _EmbeddingStep(0, 0, float("nan"), WordVectors(words.words, middle.copy()))
    batch_size = min(_BATCH_SIZE, max(_MIN_BATCH_SIZE, len(words.words)))  # all changes of a word add up
    n_done, n_shown, losses = 0, 0, []
    for epoch in range(_EPOCHS):
        pairs = _skip_gram_pairs(words, rng)
        starts = range(0, len(pairs), batch_size)
        for number, start in enumerate(starts):
            batch = pairs[start : start + batch_size]
            drawn = np.searchsorted(negatives, rng.random((len(batch), _N_NEGATIVES)))
            others = np.concatenate([batch[:, 1:], np.minimum(drawn, len(words.words) - 1)], axis=1)
            loss, by_middle, by_context = _negative_sampling(middle[batch[:, 0]], context[others])
            progress = (epoch + number / len(starts)) / _EPOCHS
            rate = np.float32(_LEARNING_RATE * max(1 - progress, 1e-3))
            _add_to_rows(middle, batch[:, 0], -rate * by_middle, _MAX_MOVE)
            _add_to_rows(context, others.ravel(), -rate * by_context.reshape(-1, _D_MODEL), _MAX_MOVE)
            n_done += 1
            losses.append(float(loss.mean()))
            share_done = (epoch * len(starts) + number + 1) / (_EPOCHS * len(starts))
            if share_done * n_frames >= n_shown + 1 - 1e-9:
                vectors = WordVectors(words.words, middle.copy())
                yield _EmbeddingStep(n_done, round(n_done / share_done), float(np.mean(losses)), vectors)
                n_shown, losses = n_shown + 1, []


def _skip_gram_pairs(words: _Vocabulary, rng: np.random.Generator) -> np.ndarray:
    """All (middle word, neighbor) pairs of one epoch, in random order: (pair, 2)."""
    share = words.counts / words.counts.sum()
    keep = np.minimum(1, np.sqrt(_SUBSAMPLE / share) + _SUBSAMPLE / share)
    texts = [text[rng.random(len(text)) < keep[text]] for text in words.texts]
    found = []
    for distance in range(1, _WINDOW + 1):
        left, right = _neighbors_at(texts, distance)
        for one, other in ((left, right), (right, left)):
            reached = rng.random(len(one)) < 1 - (distance - 1) / _WINDOW
            found.append(np.stack([one[reached], other[reached]], axis=1))
    pairs = np.concatenate(found)
    return rng.permutation(pairs, axis=0)


def _training_vocabulary(texts: Iterable[str]) -> _Vocabulary:
    """The words to train; raises ValueError for texts without neighbors."""
    words = vocabulary(texts)
    if not any(len(text) > 1 for text in words.texts):
        raise ValueError("no two words stand in one text, so there are no neighbors to learn from.")
    return words


def nudge(middle, context, is_true: bool, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """The reference form of one step of word2vec: both vectors (d_model) after it. Lesson 2.

    The prediction is σ(middle · context), the label 1 or 0; each moves by rate · (label − prediction) · the other.
    """
    middle, context = np.asarray(middle, dtype=float), np.asarray(context, dtype=float)
    prediction = 1 / (1 + np.exp(-(middle @ context)))
    step = rate * (float(is_true) - prediction)
    return middle + step * context, context + step * middle


def glove_loss(word, context, word_bias, context_bias, counts, x_max: float):
    """GloVe's weighted squared error and its gradients.

    f(x) (w·c + b + b′ − ln x)² with f(x) = min(1, x / x_max)^0.75. Word and context are (pair, d_model), the biases and
    counts (pair). Source: Pennington, Socher and Manning 2014, section 3, equations 8 and 9. Lesson 2.

    Returns:
        loss (pair), its gradients with respect to word, context (pair, d_model) and either bias (pair).
    """
    weight = np.minimum(1, counts / x_max) ** 0.75
    error = (word * context).sum(axis=1) + word_bias + context_bias - np.log(counts)
    slope = 2 * weight * error
    return weight * error**2, slope[:, None] * context, slope[:, None] * word, slope


def train_glove(texts: Iterable[str], *, epochs: int = 30, learning_rate: float = 0.05, x_max: float = 100.0,
                unseen_as: float = 0.0, seed: int = 0) -> WordVectors:  # fmt: skip
    """Train word vectors whose dot products are the logarithms of counts: GloVe with AdaGrad. Lesson 2.

    A word's vector is the sum of its two rows.

    Args:
        x_max: counts from here on have the full weight.
        unseen_as: the count of pairs that never met; 0, as in the paper, leaves them out.
    """
    words = _training_vocabulary(texts)
    if not unseen_as >= 0:
        raise ValueError(f"unseen_as is a count, 0 or more; given {unseen_as!r}.")
    counts = cooccurrences(words, window=_WINDOW, by_distance=True) + unseen_as
    rows, columns = np.nonzero(counts)
    rng = np.random.default_rng(seed)
    tables = [(rng.random((len(words.words), size)) - 0.5) / _D_MODEL for size in (_D_MODEL, _D_MODEL, 1, 1)]
    squares = [np.ones_like(table) for table in tables]
    for _ in range(epochs):
        order = rng.permutation(len(rows))
        for start in range(0, len(rows), _BATCH_SIZE):
            batch = order[start : start + _BATCH_SIZE]
            places = (rows[batch], columns[batch], rows[batch], columns[batch])
            word, neighbor, bias, other_bias = (t[p] for t, p in zip(tables, places, strict=True))
            _, by_word, by_context, by_bias = glove_loss(
                word, neighbor, bias[:, 0], other_bias[:, 0], counts[rows[batch], columns[batch]], x_max
            )
            slopes = (by_word, by_context, by_bias[:, None], by_bias[:, None])
            for table, square, place, slope in zip(tables, squares, places, slopes, strict=True):
                _adagrad(table, square, place, slope, learning_rate)
    return WordVectors(words.words, tables[0] + tables[1])


def _adagrad(table: np.ndarray, squares: np.ndarray, rows: np.ndarray, slope: np.ndarray, rate: float) -> None:
    """One step of AdaGrad (Duchi, Hazan and Singer 2011)."""
    _add_to_rows(table, rows, -rate * slope / np.sqrt(squares[rows]))
    _add_to_rows(squares, rows, slope**2)


@lru_cache(maxsize=1)
def load_glove() -> WordVectors:
    """GloVe vectors (d_model 50) of the 50,000 most frequent words of Wikipedia 2014 and Gigaword 5. Lesson 2.

    In lower case; rounded to 8 bits (source and license: `data/README.md`). Cached. Raises FileNotFoundError if the
    file is missing, ValueError if it is damaged.
    """
    path = data_path(_GLOVE_FILE)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != _GLOVE_SHA256:
        raise ValueError(f"{path} is not the file that belongs here. Bring it back: {REPAIR}")
    with np.load(BytesIO(content), allow_pickle=False) as file:
        words = file["words"].tobytes().decode("utf-8").split("\n")
        vectors = file["vectors"] * file["scale"][:, None].astype(np.float32)
    return WordVectors(tuple(words), vectors)
