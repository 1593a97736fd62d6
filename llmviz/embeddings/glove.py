"""GloVe: vectors whose dot products are the logarithms of co-occurrence counts, trained or loaded (lesson 2).

Source: Pennington, Socher and Manning 2014, "GloVe: Global Vectors for Word Representation", sections 3 and 4.2.
"""

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from io import BytesIO

import numpy as np

from llmviz.embeddings.counts import cooccurrences
from llmviz.embeddings.vectors import WordVectors
from llmviz.embeddings.word2vec import _BATCH_SIZE, _D_MODEL, _WINDOW, _add_to_rows, _training_vocabulary
from llmviz.files import data_path

_FILE = "glove-6B-50d-top50k-int8.npz"
_SHA256 = "3983863c91b64a8cc38556e89d0c2ad396022eaceef697e6cc12c9c83718a90b"


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


def train_glove(
    texts: Iterable[str],
    *,
    epochs: int = 30,
    learning_rate: float = 0.05,
    x_max: float = 100.0,
    unseen_as: float = 0.0,
    seed: int = 0,
) -> WordVectors:
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
    path = data_path(_FILE)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != _SHA256:
        raise ValueError(f"{path} is not the file that belongs here: bring it back with: git checkout -- data")
    with np.load(BytesIO(content), allow_pickle=False) as file:
        words = file["words"].tobytes().decode("utf-8").split("\n")
        vectors = file["vectors"] * file["scale"][:, None].astype(np.float32)
    return WordVectors(tuple(words), vectors)
