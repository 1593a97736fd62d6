"""The embedding scatter."""

import numpy as np
import pytest
from matplotlib.text import Text

from llmviz import plots

GROUPS = [f"group {number}" for number in range(8)]


def cloud(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 2))


def named(axes):
    return [text for text in axes.texts if "hidden" not in text.get_text()]


def test_points_stand_where_they_are_on_one_scale():
    points = cloud(6) * (100, 1)
    axes = plots.embedding_scatter(points, list("abcdef"), title="Words")
    assert np.allclose(axes.collections[0].get_offsets(), points)
    axes.figure.canvas.draw()
    ends = axes.transData.transform([(0, 0), (1, 0), (0, 1)])
    assert np.linalg.norm(ends[1] - ends[0]) == pytest.approx(np.linalg.norm(ends[2] - ends[0]))
    assert axes.get_title() == "Words"


def test_labels_keep_off_the_arrows():
    axes = plots.embedding_scatter([[0, 0], [1, 0], [0, 1]], ["to the right", "b", "c"], arrows=[((0, 0), (1, 0))])
    axes.figure.canvas.draw()
    places = axes.transData.transform([(x, 0) for x in np.linspace(0, 1, 50)])
    labels = [text for text in named(axes) if text.get_text()]  # an arrow is an empty text
    assert [label.get_text() for label in labels] == ["to the right", "b", "c"]
    assert not any(Text.get_window_extent(label).contains(*place) for label in labels for place in places)


def test_each_group_has_a_color_a_marker_and_a_place_in_the_legend():
    axes = plots.embedding_scatter(cloud(16), ["w"] * 16, groups=GROUPS * 2)
    assert len({tuple(part.get_facecolor()[0]) for part in axes.collections}) == 8
    assert len({part.get_paths()[0].vertices.tobytes() for part in axes.collections}) == 8
    assert [text.get_text() for text in axes.get_legend().get_texts()] == GROUPS
    assert all(len(part.get_offsets()) == 2 for part in axes.collections)


def test_a_group_may_have_a_name_that_matplotlib_would_hide():
    axes = plots.embedding_scatter(cloud(2), ["a", "b"], groups=["_hidden", "$x$"])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["hidden", "$x$"]


@pytest.mark.parametrize("n", [5, 60, 400])
def test_names_cover_neither_one_another_nor_the_edge(n, overlaps):
    axes = plots.embedding_scatter(cloud(n), [f"word{number}" for number in range(n)])
    assert not overlaps(axes.texts)
    around = axes.get_window_extent()
    for text in named(axes):
        inside = text.get_window_extent()
        assert around.x0 <= inside.x0 and inside.x1 <= around.x1 and around.y0 <= inside.y0 and inside.y1 <= around.y1


def test_what_has_no_room_is_counted():
    axes = plots.embedding_scatter(cloud(400), ["a rather long word"] * 400)
    n_hidden = 400 - len(named(axes))
    assert axes.texts[-1].get_text() == f"{n_hidden} labels hidden (no space)"
    assert 0 < n_hidden < 400


@pytest.mark.parametrize(
    ("distance", "words"), [(20, "close together"), (3, "somewhat together"), (0, "scattered among the others")]
)
def test_alt_text_says_whether_groups_lie_together(distance, words):
    points = cloud(200)
    points[100:, 0] += distance
    axes = plots.embedding_scatter(points, ["w"] * 200, groups=["name"] * 100 + ["color"] * 100)
    assert plots.alt_text(axes) == (
        "Scatter of 200 points in the plane. 2 groups: name (100, circles) and color (100, squares). "
        f"Points of one group lie {words}."
    )
