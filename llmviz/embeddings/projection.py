"""From many dimensions to two, and how much of the truth survives the journey."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmviz.embeddings.vectors import directions

N_TRUE = 10


@dataclass(frozen=True, eq=False)
class Projection:
    """Points of the plane that stand for vectors.

    Attributes:
        points: (word, 2).
        method: "PCA" or "t-SNE".
        variance_shown: the share of the vectors' spread that the plane shows (0 to 1); None for t-SNE, whose plane
            is no shadow of the space but a new drawing.
    """

    points: np.ndarray
    method: str
    variance_shown: float | None


def pca(vectors) -> Projection:
    """Turn the cloud until two directions show as much of its spread as two can: (word, d_model) → (word, 2).

    Principal component analysis by the singular value decomposition of the centerd vectors (Pearson 1901; Hotelling
    1933). The sign of each direction is chosen so that its largest number is positive. Lesson 2.
    """
    vectors = _checked(vectors)
    centerd = vectors - vectors.mean(axis=0)
    left, strengths, _ = np.linalg.svd(centerd, full_matrices=False)
    points = np.zeros((len(vectors), 2))
    kept = min(2, len(strengths))
    points[:, :kept] = left[:, :kept] * strengths[:kept]
    farthest = points[np.abs(points).argmax(axis=0), [0, 1]]
    total = (strengths**2).sum()
    shown = float((strengths[:kept] ** 2).sum() / total) if total > 0 else 1.0
    return Projection(points * np.where(farthest < 0, -1, 1), "PCA", shown)


def tsne(vectors, *, perplexity: float = 15.0, seed: int = 0) -> Projection:
    """Draw a new map in which near neighbors stay near, whatever becomes of the rest: (word, d_model) → (word, 2).

    t-SNE of the vectors at length 1 (van der Maaten and Hinton 2008), by scikit-learn, begun from the PCA. Distances
    between its islands and the sizes of them mean nothing. Needs at least 5 words. A second or two for 300 words.
    Lesson 2.
    """
    from sklearn.manifold import TSNE

    vectors = _checked(vectors)
    if len(vectors) < 5:
        raise ValueError(f"t-SNE needs at least 5 vectors; given {len(vectors)}. PCA draws fewer.")
    if not perplexity > 0:
        raise ValueError(f"perplexity, roughly how many neighbors count, is above 0; given {perplexity}.")
    perplexity = min(perplexity, (len(vectors) - 1) / 3)
    start = pca(directions(vectors)).points
    start = start / max(start.std(), 1e-12) * 1e-4
    points = TSNE(perplexity=perplexity, init=start.astype(np.float32), random_state=seed).fit_transform(
        directions(vectors).astype(np.float32)
    )
    return Projection(points.astype(float), "t-SNE", None)


def align(points, reference) -> np.ndarray:
    """Turn and mirror points, and move their middle, so that they lie as near to a reference as possible: (word, d).

    Distances between points stay as they are. Orthogonal Procrustes (Schönemann 1966). Lesson 2.
    """
    points, reference = np.asarray(points, dtype=float), np.asarray(reference, dtype=float)
    if points.shape != reference.shape or points.ndim != 2:
        raise ValueError(f"points and reference must both be (word, d); given {points.shape}, {reference.shape}.")
    centerd, wanted = points - points.mean(axis=0), reference - reference.mean(axis=0)
    left, _, right = np.linalg.svd(centerd.T @ wanted)
    return centerd @ (left @ right) + reference.mean(axis=0)


def align_frames(frames: Sequence[np.ndarray]) -> np.ndarray:
    """Turn each frame of an animation to fit the one after it, from the last backwards: (frame, word, 2).

    Without it, half of what moves is the whole picture turning. The last frame stays as it is.
    """
    if not len(frames):
        raise ValueError("an animation needs at least one frame; given none.")
    aligned = [np.asarray(frames[-1], dtype=float)]
    for frame in reversed(list(frames[:-1])):
        aligned.append(align(frame, aligned[-1]))
    return np.stack(aligned[::-1])


def nearest_rows(vectors, n: int, *, by: str = "cosine") -> np.ndarray:
    """The n nearest others of each row, nearest first: (word, n), int. by: "cosine" or "distance"."""
    vectors = np.asarray(vectors, dtype=float)
    if not 1 <= n < len(vectors):
        raise ValueError(f"n, the number of neighbors, must be from 1 to {len(vectors) - 1}; given {n!r}.")
    if by not in ("cosine", "distance"):
        raise ValueError(f'by must be "cosine" or "distance"; given {by!r}.')
    rows = directions(vectors) if by == "cosine" else vectors
    nearness = rows @ rows.T
    if by == "distance":
        nearness = 2 * nearness - (rows**2).sum(axis=1)[None, :]
    np.fill_diagonal(nearness, -np.inf)
    return np.argsort(-nearness, axis=1, kind="stable")[:, :n]


def neighbors_kept(vectors, points, *, n: int = N_TRUE) -> np.ndarray:
    """The honesty meter: which share of each word's n true neighbors is among its n nearest in the picture?

    True: by cosine among the vectors (word, d_model); in the picture: by distance among the points (word, 2).
    Returns (word), each from 0 to 1. By chance alone it would be n / (words − 1). Lesson 2.
    """
    true, seen = nearest_rows(vectors, n), nearest_rows(points, n, by="distance")
    if len(true) != len(seen):
        raise ValueError(f"every vector needs one point; given {len(true)} vectors and {len(seen)} points.")
    is_seen = np.zeros((len(seen), len(seen)), dtype=bool)
    np.put_along_axis(is_seen, seen, True, axis=1)
    return np.take_along_axis(is_seen, true, axis=1).mean(axis=1)


def _checked(vectors) -> np.ndarray:
    vectors = np.asarray(vectors, dtype=float)
    if vectors.ndim != 2 or not len(vectors) or not np.isfinite(vectors).all():
        raise ValueError(f"vectors must be finite numbers of shape (word, d_model); given shape {vectors.shape}.")
    return vectors
