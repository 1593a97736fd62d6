"""Word vectors from guessing: word2vec (skip-gram with negative sampling) and GloVe, from scratch, step by step.

Both have two tables: one row for a word in the middle, another for the same word as a neighbor. The derivatives are
written out by hand; the tests hold them against torch's.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from llmviz.embeddings.counts import Vocabulary, cooccurrences, neighbors_at, vocabulary
from llmviz.embeddings.vectors import WordVectors

BATCH_SIZE, SMALLEST_BATCH = 512, 16
LONGEST_MOVE = 10.0


@dataclass(frozen=True)
class EmbeddingStep:
    """Where training stands.

    Attributes:
        step, n_steps: how many batches are done, of about how many (exactly, at the end).
        loss: the mean loss of a pair since the step before (nats; for GloVe its weighted squared error).
        vectors: the vectors as they are now (a copy).
    """

    step: int
    n_steps: int
    loss: float
    vectors: WordVectors


def sigmoid(x: np.ndarray) -> np.ndarray:
    """From a score to a probability: 1 / (1 + e⁻ˣ), without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * x))


def negative_sampling(middle: np.ndarray, context: np.ndarray):
    """The loss of guessing true neighbors among made-up ones, and which way each vector should move.

    For each pair: −ln σ(m·c₀) − Σ ln σ(−m·cⱼ), with the true neighbor c₀ and negatives c₁ … (Mikolov, Sutskever and
    others 2013, section 2.2, equation 4).

    Args:
        middle: (pair, d_model).
        context: (pair, 1 + negative, d_model), the true neighbor first.

    Returns:
        loss (pair) in nats, its derivative by `middle` (pair, d_model) and by `context` (as `context`). Lesson 2.
    """
    scores = np.einsum("pd,pkd->pk", middle, context)
    sign = np.ones(context.shape[1], dtype=scores.dtype)
    sign[1:] = -1
    loss = np.logaddexp(0, -sign * scores).sum(axis=1)
    error = -sign * sigmoid(-sign * scores)  # guessed probability minus the truth, 1 or 0
    return loss, np.einsum("pk,pkd->pd", error, context), error[:, :, None] * middle[:, None, :]


def glove_loss(word, context, word_bias, context_bias, counts, *, x_max: float = 100.0, power: float = 0.75):
    """How far are the scores from the logarithms of the counts? And which way should each vector and bias move?

    f(x) (w·c + b + b′ − ln x)² with f(x) = min(1, x / x_max)^power (Pennington, Socher and Manning 2014, section 3,
    equations 8 and 9). Word and context are (pair, d_model), the biases and counts (pair).

    Returns:
        loss (pair), and the derivatives by word, context (pair, d_model) and by either bias (pair). Lesson 2.
    """
    weight = np.minimum(1, counts / x_max) ** power
    error = (word * context).sum(axis=1) + word_bias + context_bias - np.log(counts)
    slope = 2 * weight * error
    return weight * error**2, slope[:, None] * context, slope[:, None] * word, slope


def add_to_rows(table: np.ndarray, rows: np.ndarray, changes: np.ndarray, longest: float = np.inf) -> None:
    """Add each change to its row of the table, in place, also where a row occurs several times.

    No row moves further than `longest`: where there are few words, all changes of one add up, and too large a step
    overshoots more each time (clipping: Pascanu, Mikolov and Bengio 2013, section 3.2).
    """
    order = np.argsort(rows, kind="stable")
    rows = rows[order]
    firsts = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])
    moves = np.add.reduceat(changes[order], firsts, axis=0)
    lengths = np.maximum(np.linalg.norm(moves, axis=1, keepdims=True), 1e-12)
    table[rows[firsts]] += moves * np.minimum(1, longest / lengths)


def train_word2vec_steps(
    texts: Iterable[str],
    *,
    d_model: int = 32,
    window: int = 5,
    n_negatives: int = 5,
    epochs: int = 5,
    learning_rate: float = 0.1,
    subsample: float = 1e-3,
    min_count: int = 5,
    n_frames: int = 30,
    seed: int = 0,
) -> Iterator[EmbeddingStep]:
    """Learn word vectors by telling true neighbors from made-up ones; yield how it stands.

    The first step is the random start, then come `n_frames` more.
    Skip-gram with negative sampling: Mikolov, Chen and others 2013, section 3.2; Mikolov, Sutskever and others 2013,
    sections 2.2 (negatives, in proportion to count^¾) and 2.3 (frequent words are often skipped). Plain gradient
    descent with a learning rate that falls in a straight line. Lesson 2.

    Args:
        texts: short texts; neighbors never reach over the end of one.
        window: a word's neighbors are up to so many words away; how many is drawn anew each time, from 1 on.
        subsample: words more frequent than this share of the text are skipped now and then.
        min_count: rarer words get no vector.
    """
    words = _checked(texts, min_count, d_model=d_model, window=window, n_negatives=n_negatives, epochs=epochs,
                     n_frames=n_frames)  # fmt: skip
    rng = np.random.default_rng(seed)
    middle = ((rng.random((words.n_words, d_model)) - 0.5) / d_model).astype(np.float32)
    context = np.zeros_like(middle)
    negatives = np.cumsum(words.counts**0.75 / np.sum(words.counts**0.75))
    yield EmbeddingStep(0, 0, float("nan"), WordVectors(words.words, middle.copy()))
    done, batch_size = _Frames(n_frames), _batch_size(words.n_words)
    for epoch in range(epochs):
        pairs = _skip_gram_pairs(words, window, subsample, rng)
        starts = range(0, len(pairs), batch_size)
        for number, start in enumerate(starts):
            batch = pairs[start : start + batch_size]
            drawn = np.searchsorted(negatives, rng.random((len(batch), n_negatives)))
            others = np.concatenate([batch[:, 1:], np.minimum(drawn, words.n_words - 1)], axis=1)
            loss, by_middle, by_context = negative_sampling(middle[batch[:, 0]], context[others])
            progress = (epoch + number / len(starts)) / epochs
            rate = np.float32(learning_rate * max(1 - progress, 1e-3))
            add_to_rows(middle, batch[:, 0], -rate * by_middle, LONGEST_MOVE)
            add_to_rows(context, others.ravel(), -rate * by_context.reshape(-1, d_model), LONGEST_MOVE)
            if done.is_due(float(loss.mean()), (epoch * len(starts) + number + 1) / (epochs * len(starts))):
                yield done.step(WordVectors(words.words, middle.copy()))


def _batch_size(n_words: int) -> int:
    """Fewer pairs at once where there are few words: all changes of a word add up, and too large a step runs away."""
    return min(BATCH_SIZE, max(SMALLEST_BATCH, n_words))


def _skip_gram_pairs(words: Vocabulary, window: int, subsample: float, rng: np.random.Generator) -> np.ndarray:
    """All (middle word, neighbor) pairs of one reading, in random order: (pair, 2)."""
    share = words.counts / words.counts.sum()
    keep = np.minimum(1, np.sqrt(subsample / share) + subsample / share)
    texts = [text[rng.random(len(text)) < keep[text]] for text in words.texts]
    found = []
    for distance in range(1, window + 1):
        left, right = neighbors_at(texts, distance)
        for one, other in ((left, right), (right, left)):
            reached = rng.random(len(one)) < 1 - (distance - 1) / window
            found.append(np.stack([one[reached], other[reached]], axis=1))
    pairs = np.concatenate(found)
    return rng.permutation(pairs, axis=0)


def train_glove_steps(
    texts: Iterable[str],
    *,
    d_model: int = 32,
    window: int = 5,
    epochs: int = 30,
    learning_rate: float = 0.05,
    x_max: float = 100.0,
    unseen_as: float = 0.0,
    min_count: int = 5,
    n_frames: int = 30,
    seed: int = 0,
) -> Iterator[EmbeddingStep]:
    """Learn word vectors whose dot products are the logarithms of counts; yield how it stands.

    The first step is the random start, then come `n_frames` more.
    GloVe: Pennington, Socher and Manning 2014, sections 3 and 4.2, with AdaGrad; a word's vector is the sum of its two
    rows. Lesson 2.

    Args:
        unseen_as: count words that never met as so many meetings; 0, as in the paper, leaves them out.
        The others are as in `train_word2vec_steps`.
    """
    words = _checked(texts, min_count, d_model=d_model, window=window, epochs=epochs, n_frames=n_frames)
    if not unseen_as >= 0:
        raise ValueError(f"unseen_as is a number of meetings, 0 or more; given {unseen_as!r}.")
    counts = cooccurrences(words, window=window, by_distance=True) + unseen_as
    rows, columns = np.nonzero(counts)
    rng = np.random.default_rng(seed)
    tables = [((rng.random((words.n_words, size)) - 0.5) / d_model) for size in (d_model, d_model, 1, 1)]
    squares = [np.ones_like(table) for table in tables]
    yield EmbeddingStep(0, 0, float("nan"), WordVectors(words.words, tables[0] + tables[1]))
    done = _Frames(n_frames)
    n_batches = -(-len(rows) // BATCH_SIZE)
    for epoch in range(epochs):
        order = rng.permutation(len(rows))
        for number in range(n_batches):
            batch = order[number * BATCH_SIZE : (number + 1) * BATCH_SIZE]
            places = (rows[batch], columns[batch], rows[batch], columns[batch])
            word, neighbor, bias, other_bias = (t[p] for t, p in zip(tables, places, strict=True))
            loss, by_word, by_context, by_bias = glove_loss(
                word, neighbor, bias[:, 0], other_bias[:, 0], counts[rows[batch], columns[batch]], x_max=x_max
            )
            slopes = (by_word, by_context, by_bias[:, None], by_bias[:, None])
            for table, square, place, slope in zip(tables, squares, places, slopes, strict=True):
                _adagrad(table, square, place, slope, learning_rate)
            if done.is_due(float(loss.mean()), (epoch * n_batches + number + 1) / (epochs * n_batches)):
                yield done.step(WordVectors(words.words, tables[0] + tables[1]))


def _adagrad(table: np.ndarray, squares: np.ndarray, rows: np.ndarray, slope: np.ndarray, rate: float) -> None:
    """Go down the slope, with smaller steps where it was steep before (Duchi, Hazan and Singer 2011)."""
    add_to_rows(table, rows, -rate * slope / np.sqrt(squares[rows]))
    add_to_rows(squares, rows, slope**2)


class _Frames:
    """When to show how it stands: at `n` evenly spaced places."""

    def __init__(self, n: int):
        self.n, self.shown, self.steps, self.losses, self.share_done = n, 0, 0, [], 0.0

    def is_due(self, loss: float, share_done: float) -> bool:
        self.steps += 1
        self.losses.append(loss)
        self.share_done = share_done
        return share_done * self.n >= self.shown + 1 - 1e-9

    def step(self, vectors: WordVectors) -> EmbeddingStep:
        loss = float(np.mean(self.losses))
        self.shown += 1
        self.losses = []
        return EmbeddingStep(self.steps, round(self.steps / self.share_done), loss, vectors)


def _checked(texts: Iterable[str], min_count: int, **sizes: int) -> Vocabulary:
    """The vocabulary, after all sizes were found to be whole numbers of at least 1."""
    for name, size in sizes.items():
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise ValueError(f"{name} must be a whole number of at least 1; given {size!r}.")
    words = vocabulary(texts, min_count=min_count)
    if not any(len(text) > 1 for text in words.texts):
        raise ValueError("no two words stand in one text, so there are no neighbors to learn from.")
    return words


def train_word2vec(texts: Iterable[str], **settings) -> WordVectors:
    """Word vectors by word2vec: the last of `train_word2vec_steps`, which has the settings."""
    *_, last = train_word2vec_steps(texts, **settings, n_frames=1)
    return last.vectors


def train_glove(texts: Iterable[str], **settings) -> WordVectors:
    """Word vectors by GloVe: the last of `train_glove_steps`, which has the settings."""
    *_, last = train_glove_steps(texts, **settings, n_frames=1)
    return last.vectors
