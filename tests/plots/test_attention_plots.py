"""Attention maps, all heads of a model, cross-attention."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from llmviz import plots

TOKENS = ["Mia", " found", " a", " red", " kite"]


def masked_area(axes) -> float:
    """Count the hatched cells: the area of the rectangles in the one hatched patch."""
    (patch,) = [patch for patch in axes.patches if patch.get_hatch()]
    corners = patch.get_path().vertices.reshape(-1, 5, 2)
    return float(np.prod(corners.max(axis=1) - corners.min(axis=1), axis=1).sum())


def names(axis) -> list[str]:
    return [label.get_text() for label in axis.get_ticklabels()]


def test_rows_are_queries_on_a_scale_from_0_to_1(causal_weights):
    weights = causal_weights(5, 5)
    axes = plots.attention_heatmap(weights, TOKENS)
    (image,) = axes.images
    assert image.get_clim() == (0, 1) and image.cmap.name == "YlGnBu"
    allowed = np.tri(5, dtype=bool)
    assert np.array_equal(image.get_array()[allowed], weights[allowed])
    assert names(axes.yaxis) == names(axes.xaxis) == ["Mia", "·found", "·a", "·red", "·kite"]
    assert axes.yaxis_inverted(), "the first query stands on top"
    assert "query" in axes.get_ylabel() and "key" in axes.get_xlabel()
    assert image.colorbar.ax.get_ylabel() == "attention weight"


def test_a_mask_decides_what_is_hatched():
    mask = np.array([[True, True, False], [False, True, True], [True, False, True]])
    axes = plots.attention_heatmap(np.where(mask, 0.5, 0.0), TOKENS[:3], mask=mask)
    assert masked_area(axes) == 3
    assert np.array_equal(axes.images[0].get_array().mask, ~mask)


def test_a_query_that_may_look_nowhere_is_all_hatched():
    mask = np.array([[True, False], [False, False]])
    assert masked_area(plots.attention_heatmap([[1, 0], [0, 0]], TOKENS[:2], mask=mask)) == 3


def test_numbers_stand_in_the_cells_of_small_maps_only(causal_weights):
    weights = causal_weights(10, 10)
    axes = plots.attention_heatmap(weights, TOKENS * 2)
    assert [text.get_text() for text in axes.texts] == [f"{weight:.2f}" for weight in weights[np.tri(10, dtype=bool)]]
    assert not plots.attention_heatmap(causal_weights(11, 11), [*TOKENS * 2, "x"]).texts


def test_an_arc_leads_from_the_query_to_each_token_that_it_looks_at():
    axes = plots.attention_arcs([0.6, 0.04, 0.3, 0.06, 0.0], TOKENS, 3)
    arcs = [patch for patch in axes.patches if patch.get_label() == "arc"]
    words = {text.get_text(): text.get_position()[0] for text in axes.texts}
    ends = [(arc.get_path().vertices[0, 0], arc.get_path().vertices[-1, 0]) for arc in arcs]
    assert ends == [(words["·red"], words["Mia"]), (words["·red"], words["·a"])]
    assert [arc.get_linewidth() for arc in arcs] == pytest.approx([9 * 0.6, 9 * 0.3])
    assert [text for text in words if text[0].isdigit()] == ["0.60", "0.30", "0.06"]
    assert plots.alt_text(axes) == "Where “·red” looks: “Mia” 0.60, “·a” 0.30, “·red” 0.06."


def luminance(color) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return float(np.dot((0.2126, 0.7152, 0.0722), linear))


def test_numbers_can_be_read_on_their_colors():
    """The contrast that WCAG 2 asks of large text, 3 : 1, at every weight."""
    weights = np.array([[weight, 1 - weight] for weight in np.linspace(0, 1, 21)])
    for pair in weights:
        axes = plots.attention_heatmap([pair, pair[::-1]], ["a", "b"], mask=np.ones((2, 2), dtype=bool))
        cell = luminance(axes.images[0].cmap(axes.images[0].norm(pair[0])))
        text = luminance(axes.texts[0].get_color())
        assert (max(cell, text) + 0.05) / (min(cell, text) + 0.05) >= 3


@pytest.mark.parametrize(("n_tokens", "n_named"), [(64, 64), (65, 33), (200, 50)])
def test_labels_do_not_overlap(n_tokens, n_named, causal_weights, overlaps):
    axes = plots.attention_heatmap(causal_weights(n_tokens, n_tokens), (TOKENS * 40)[:n_tokens])
    for axis in (axes.xaxis, axes.yaxis):
        assert len(names(axis)) == n_named
        heights = [label.get_fontsize() for label in axis.get_ticklabels()]
        assert min(heights) >= 6.5
    axes.figure.canvas.draw()
    assert axes.get_window_extent().height * 72 / axes.figure.dpi / n_named >= max(heights)


def test_a_mosaic_shows_each_head_in_its_place(causal_weights):
    weights = causal_weights(2, 2, 4, 4)
    axes = plots.attention_heads(weights, TOKENS[:4])
    allowed = np.tri(4, dtype=bool)
    for place in np.ndindex(2, 2):
        assert np.array_equal(axes[place].images[0].get_array()[allowed], weights[place][allowed])
    assert [part.get_title() for part in axes[1]] == ["layer 1, head 0", "layer 1, head 1"]
    assert names(axes[0, 0].yaxis) == names(axes[1, 1].xaxis) == ["Mia", "·found", "·a", "·red"]
    assert not names(axes[0, 1].yaxis) and not names(axes[0, 1].xaxis)


def test_alt_text_of_a_map():
    axes = plots.attention_heatmap([[1, 0, 0], [0.5, 0.5, 0], [0.1, 0.72, 0.18]], TOKENS[:3])
    assert plots.alt_text(axes) == (
        "Attention heatmap of 3 tokens: rows are queries, columns are keys. Masked cells are hatched. The strongest "
        "look at another token: “·a” (position 2) looks at “·found” (position 1), weight about 0.7."
    )


def test_alt_text_of_a_mosaic_finds_the_roles():
    before = np.eye(4, k=-1)
    before[0, 0] = 1
    first = np.zeros((4, 4))
    first[:, 0] = 1
    axes = plots.attention_heads([[first, np.eye(4), before]], TOKENS[:4])
    assert plots.alt_text(axes) == (
        "Attention of 1 layer × 3 heads over 4 tokens: one small map for each head. Of all heads, the one that looks "
        "most at the token before: layer 0, head 2; at itself: layer 0, head 1; at the first token: layer 0, head 0."
    )


WEIGHTS = [[0.9, 0.1, 0.0], [0.1, 0.1, 0.8], [0.0, 1.0, 0.0], [0.0, 0.5, 0.5]]
FRENCH, ENGLISH = [" La", " lampe", " rouge", "."], [" The", " red", " lamp"]


def test_rows_are_the_target_and_columns_the_source(overlaps):
    axes = plots.alignment_map(WEIGHTS, FRENCH, ENGLISH)
    assert axes.images[0].get_array().shape == (4, 3)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["La", "lampe", "rouge", "."]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["The", "red", "lamp"]
    assert axes.images[0].get_clim() == (0, 1)
    assert "“lampe” at “lamp”, “rouge” at “red”" in plots.alt_text(axes)
    assert not overlaps([*axes.get_yticklabels(), axes.yaxis.label])
