"""Projections: PCA, alignment and neighbors kept, against scikit-learn and scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from llmviz.embeddings import projection

CLOUD = np.random.default_rng(5).normal(size=(40, 6)) * [5, 3, 1, 1, 1, 1]


def turned(points, seed):
    """The points turned, perhaps mirrored, and moved."""
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(points.shape[1],) * 2))
    return points @ turn + rng.normal(size=points.shape[1])


def test_pca_agrees_with_scikit_learn():
    ours, judge = projection.pca(CLOUD), PCA(2).fit(CLOUD)
    assert np.abs(ours.points) == pytest.approx(np.abs(judge.transform(CLOUD)))
    assert ours.variance_shown == pytest.approx(judge.explained_variance_ratio_.sum())
    assert (ours.points[np.abs(ours.points).argmax(axis=0), [0, 1]] > 0).all()


@pytest.mark.parametrize("vectors", [[[1.0]], [[1.0], [2.0]], np.zeros((4, 3)), [[1, 2, 3]]])
def test_pca_of_next_to_nothing_is_still_points(vectors):
    found = projection.pca(vectors)
    assert found.points.shape == (len(vectors), 2)
    assert found.variance_shown == pytest.approx(1)


@given(st.integers(0, 99), st.integers(2, 12))
def test_align_agrees_with_scipy_and_keeps_distances(seed, n):
    rng = np.random.default_rng(seed)
    points, reference = rng.normal(size=(2, n, 2))
    [found] = projection.align_frames([points], reference)
    centered, wanted = points - points.mean(axis=0), reference - reference.mean(axis=0)
    rotation, _ = orthogonal_procrustes(centered, wanted)
    assert found == pytest.approx(centered @ rotation + reference.mean(axis=0), abs=1e-9)
    assert np.linalg.norm(found[0] - found[1]) == pytest.approx(np.linalg.norm(points[0] - points[1]))


@given(st.integers(0, 99))
def test_what_was_only_turned_is_turned_back(seed):
    points = CLOUD[:, :2]
    frames = [turned(points, seed + i) for i in range(4)]
    aligned = projection.align_frames(frames)
    assert np.array_equal(aligned[-1], frames[-1])
    assert np.abs(np.diff(aligned, axis=0)).max() < 1e-9


def test_nearest_rows_agree_with_scikit_learn():
    judge = NearestNeighbors(n_neighbors=5, metric="cosine").fit(CLOUD)
    assert np.array_equal(projection.nearest_rows(CLOUD, 5), judge.kneighbors(return_distance=False))


def test_neighbors_kept_by_hand():
    vectors = [[1, 0, 0], [0.9, 0.1, 0], [0, 1, 0], [0, 0.9, 0.1]]
    kept, lost = [[0, 0], [1, 0], [9, 9], [9, 8]], [[0, 0], [9, 9], [1, 0], [9, 8]]
    assert projection.neighbors_kept(vectors, kept, n=1).tolist() == [1, 1, 1, 1]
    assert projection.neighbors_kept(vectors, lost, n=1).tolist() == [0, 0, 0, 0]
    assert projection.neighbors_kept(vectors, lost, n=3).tolist() == [1, 1, 1, 1]


def test_tsne_keeps_more_neighbors_than_pca():
    rng = np.random.default_rng(2)
    centers = rng.normal(size=(12, 10))
    vectors = np.repeat(centers, 8, axis=0) + 0.15 * rng.normal(size=(96, 10))
    flat, drawn = projection.pca(vectors), projection.tsne(vectors)
    kept = [projection.neighbors_kept(vectors, p.points, n=5).mean() for p in (flat, drawn)]
    assert kept[1] > kept[0] + 0.1
    assert (drawn.variance_shown, drawn.method) == (None, "t-SNE")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: projection.pca([1, 2]), r"shape \(word, d_model\); given shape \(2,\)"),
        (lambda: projection.pca([[np.inf, 1]]), "finite"),
        (lambda: projection.tsne(CLOUD[:4]), "at least 5 vectors; given 4"),
        (lambda: projection.align_frames([]), "at least one frame"),
        (lambda: projection.nearest_rows(CLOUD, 40), "from 1 to 39; given 40"),
        (lambda: projection.neighbors_kept(CLOUD, CLOUD[:30, :2], n=5), "every vector needs one point"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
