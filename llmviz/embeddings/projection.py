"""Projections of word vectors to the plane, PCA and t-SNE, and how many true neighbors they keep (lesson 2)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmviz.embeddings.vectors import directions

_PERPLEXITY = 15.0


@dataclass(frozen=True, eq=False)
class _Projection:
    """Points (word, 2), by "PCA" or "t-SNE", and the share of the variance (0 to 1) that the plane of PCA shows."""

    points: np.ndarray
    method: str
    variance_shown: float | None


def pca(vectors) -> _Projection:
    """Principal component analysis: the two directions of largest variance, (word, d_model) → (word, 2). Lesson 2.

    By the singular value decomposition of the centered vectors (Pearson 1901; Hotelling 1933). The sign of each
    direction is chosen so that its largest number is positive.
    """
    vectors = _checked(vectors)
    centered = vectors - vectors.mean(axis=0)
    left, strengths, _ = np.linalg.svd(centered, full_matrices=False)
    points = np.zeros((len(vectors), 2))
    kept = min(2, len(strengths))
    points[:, :kept] = left[:, :kept] * strengths[:kept]
    farthest = points[np.abs(points).argmax(axis=0), [0, 1]]
    total = (strengths**2).sum()
    shown = float((strengths[:kept] ** 2).sum() / total) if total > 0 else 1.0
    return _Projection(points * np.where(farthest < 0, -1, 1), "PCA", shown)


def tsne(vectors) -> _Projection:
    """t-SNE: near neighbors stay near, other distances mean nothing; (word, d_model) → (word, 2). Lesson 2.

    Of the vectors at length 1, by scikit-learn, started from the PCA (van der Maaten and Hinton 2008). Needs at least
    5 words; takes a second or two for 300 words.
    """
    from sklearn.manifold import TSNE

    vectors = _checked(vectors)
    if len(vectors) < 5:
        raise ValueError(f"t-SNE needs at least 5 vectors; given {len(vectors)}. PCA draws fewer.")
    perplexity = min(_PERPLEXITY, (len(vectors) - 1) / 3)
    start = pca(directions(vectors)).points
    start = start / max(start.std(), 1e-12) * 1e-4
    points = TSNE(perplexity=perplexity, init=start.astype(np.float32), random_state=0).fit_transform(
        directions(vectors).astype(np.float32)
    )
    return _Projection(points.astype(float), "t-SNE", None)


def _align(points: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Rotate, mirror and shift points (word, 2) to lie as near to a reference as possible: orthogonal Procrustes.

    Source: Schönemann 1966.
    """
    centered, wanted = points - points.mean(axis=0), reference - reference.mean(axis=0)
    left, _, right = np.linalg.svd(centered.T @ wanted)
    return centered @ (left @ right) + reference.mean(axis=0)


def align_frames(frames: Sequence[np.ndarray], reference: np.ndarray | None = None) -> np.ndarray:
    """Rotate each frame of an animation to fit the one after it, from the last backward: (frame, word, 2).

    Without it much of the motion is the whole picture turning. The last frame fits the reference, if there is one.
    """
    if not len(frames):
        raise ValueError("an animation needs at least one frame; given none.")
    aligned = [np.asarray(frames[-1], dtype=float) if reference is None else _align(frames[-1], reference)]
    for frame in reversed(frames[:-1]):
        aligned.append(_align(frame, aligned[-1]))
    return np.stack(aligned[::-1])


def nearest_rows(vectors, n: int) -> np.ndarray:
    """The n nearest other rows of each row by cosine, nearest first: (word, n), int."""
    rows = directions(vectors)
    return _nearest(rows @ rows.T, n)


def _nearest(nearness: np.ndarray, n: int) -> np.ndarray:
    if not 1 <= n < len(nearness):
        raise ValueError(f"n, the number of neighbors, must be from 1 to {len(nearness) - 1}; given {n!r}.")
    np.fill_diagonal(nearness, -np.inf)
    return np.argsort(-nearness, axis=1, kind="stable")[:, :n]


def neighbors_kept(vectors, points, *, n: int) -> np.ndarray:
    """The share of each word's n true neighbors that are among its n nearest in the plane: (word), 0 to 1. Lesson 2.

    True: by cosine among the vectors (word, d_model); in the plane: by distance among the points (word, 2). By chance
    it would be n / (words − 1).
    """
    points = np.asarray(points, dtype=float)
    if len(vectors) != len(points):
        raise ValueError(f"every vector needs one point; given {len(vectors)} vectors and {len(points)} points.")
    true, seen = nearest_rows(vectors, n), _nearest(2 * points @ points.T - (points**2).sum(axis=1)[None, :], n)
    is_seen = np.zeros((len(seen), len(seen)), dtype=bool)
    np.put_along_axis(is_seen, seen, True, axis=1)
    return np.take_along_axis(is_seen, true, axis=1).mean(axis=1)


def _checked(vectors) -> np.ndarray:
    vectors = np.asarray(vectors, dtype=float)
    if vectors.ndim != 2 or not len(vectors) or not np.isfinite(vectors).all():
        raise ValueError(f"vectors must be finite numbers of shape (word, d_model); given shape {vectors.shape}.")
    return vectors
