"""Cross-attention as a map: rows and columns of different number, links as borders, refusals."""

import numpy as np
import pytest

from llmviz import plots

WEIGHTS = [[0.9, 0.1, 0.0], [0.1, 0.1, 0.8], [0.0, 1.0, 0.0], [0.0, 0.5, 0.5]]
FRENCH, ENGLISH = [" La", " lampe", " rouge", "."], [" The", " red", " lamp"]


def test_rows_are_the_target_and_columns_the_source(overlaps):
    axes = plots.alignment_map(WEIGHTS, FRENCH, ENGLISH, title="Where it looks")
    assert axes.images[0].get_array().shape == (4, 3)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["La", "lampe", "rouge", "."]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["The", "red", "lamp"]
    assert axes.images[0].get_clim() == (0, 1)
    assert "“lampe” at “lamp”, “rouge” at “red”" in plots.alt_text(axes)
    assert not overlaps([*axes.get_yticklabels(), axes.yaxis.label])


def test_links_are_bordered_where_they_are():
    axes = plots.alignment_map(WEIGHTS, FRENCH, ENGLISH, links=[(0,), (2,), (1,), ()])
    centers = [
        (patch.get_y() + patch.get_height() / 2, patch.get_x() + patch.get_width() / 2) for patch in axes.patches
    ]
    np.testing.assert_allclose(centers, [(0, 0), (1, 2), (2, 1)], atol=1e-9)
    assert "Borders mark" in plots.alt_text(axes)


def test_small_weights_print_no_number_and_large_maps_none():
    assert [text.get_text() for text in plots.alignment_map([[0.98, 0.02]], ["a"], ["b", "c"]).texts] == ["0.98"]
    large = plots.alignment_map(np.full((20, 4), 0.25), ["a"] * 20, list("bcde"))
    assert not large.texts


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((np.transpose(WEIGHTS), FRENCH, ENGLISH), "target has 4 entries, but cross_attention .its rows. has 3"),
        ((WEIGHTS, FRENCH, ENGLISH[:2]), "source has 2 entries"),
        (([[2.0, -1.0]], ["a"], ["b", "c"]), "must not be negative"),
        (([[0.5, 0.4]], ["a"], ["b", "c"]), "adds up to 0.9: rows are target words"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        plots.alignment_map(*arguments)


@pytest.mark.parametrize("links", [[(0,)], [(0,), (3,), (1,), ()]])
def test_links_that_do_not_fit_are_refused(links):
    with pytest.raises(ValueError, match="links"):
        plots.alignment_map(WEIGHTS, FRENCH, ENGLISH, links=links)
