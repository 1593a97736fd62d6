import hostile
import numpy as np
import pytest
from hypothesis import given, settings
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
    axes = plots.attention_map(weights, TOKENS)
    (image,) = axes.images
    assert image.get_clim() == (0, 1) and image.cmap.name == "viridis"
    allowed = np.tri(5, dtype=bool)
    assert np.array_equal(image.get_array()[allowed], weights[allowed])
    assert names(axes.yaxis) == names(axes.xaxis) == ["Mia", "·found", "·a", "·red", "·kite"]
    assert axes.yaxis_inverted(), "the first query stands on top"
    assert "query" in axes.get_ylabel() and "key" in axes.get_xlabel()
    assert image.colorbar.ax.get_ylabel() == "attention weight"


def test_the_future_is_hatched_and_not_colored(causal_weights):
    axes = plots.attention_map(causal_weights(5, 5), TOKENS)
    assert masked_area(axes) == 10
    assert axes.images[0].get_array().mask.sum() == 10


def test_a_mask_decides_what_is_hatched():
    mask = np.array([[True, True, False], [False, True, True], [True, False, True]])
    axes = plots.attention_map(np.where(mask, 0.5, 0.0), TOKENS[:3], mask=mask)
    assert masked_area(axes) == 3
    assert np.array_equal(axes.images[0].get_array().mask, ~mask)


def test_attention_in_both_directions_has_no_hatch():
    axes = plots.attention_map(np.full((4, 4), 0.25), TOKENS[:4])
    assert not [patch for patch in axes.patches if patch.get_hatch()]


def test_a_query_that_may_look_nowhere_is_all_hatched():
    mask = np.array([[True, False], [False, False]])
    assert masked_area(plots.attention_map([[1, 0], [0, 0]], TOKENS[:2], mask=mask)) == 3


def test_numbers_stand_in_the_cells_of_small_maps_only(causal_weights):
    weights = causal_weights(10, 10)
    axes = plots.attention_map(weights, TOKENS * 2)
    assert [text.get_text() for text in axes.texts] == [f"{weight:.2f}" for weight in weights[np.tri(10, dtype=bool)]]
    assert not plots.attention_map(causal_weights(11, 11), [*TOKENS * 2, "x"]).texts


def luminance(color) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return float(np.dot((0.2126, 0.7152, 0.0722), linear))


def test_numbers_can_be_read_on_their_colors():
    """The contrast that WCAG 2 asks of large text, 3 : 1, at every weight."""
    weights = np.array([[weight, 1 - weight] for weight in np.linspace(0, 1, 21)])
    for pair in weights:
        axes = plots.attention_map([pair, pair[::-1]], ["a", "b"], mask=np.ones((2, 2), dtype=bool))
        cell = luminance(axes.images[0].cmap(axes.images[0].norm(pair[0])))
        text = luminance(axes.texts[0].get_color())
        assert (max(cell, text) + 0.05) / (min(cell, text) + 0.05) >= 3


@pytest.mark.parametrize(("n_tokens", "n_named"), [(64, 64), (65, 33), (200, 50)])
def test_labels_do_not_overlap(n_tokens, n_named, causal_weights, overlaps):
    axes = plots.attention_map(causal_weights(n_tokens, n_tokens), (TOKENS * 40)[:n_tokens])
    for axis in (axes.xaxis, axes.yaxis):
        assert len(names(axis)) == n_named
        heights = [label.get_fontsize() for label in axis.get_ticklabels()]
        assert min(heights) >= 6.5
    axes.figure.canvas.draw()
    assert axes.get_window_extent().height * 72 / axes.figure.dpi / n_named >= max(heights)


def test_a_mosaic_has_the_shape_of_its_heads(causal_weights):
    axes = plots.attention_heads(causal_weights(2, 3, 5, 5), TOKENS, mark=(1, 2), title="All heads")
    assert isinstance(axes, np.ndarray) and axes.shape == (2, 3)
    assert axes[0, 1].get_title() == "layer 0, head 1"
    assert axes[1, 2].get_title() == "▶ layer 1, head 2"
    assert [part.get_label() for part in axes[1, 2].patches] == ["masked", "marked"]
    assert axes[1, 2].patches[-1].get_linewidth() >= 3
    assert all(len(part.patches) == 1 and masked_area(part) == 10 for part in axes.flat[:-1])
    assert axes[0, 0].figure.get_suptitle() == "All heads"


def test_a_mosaic_shows_each_head_in_its_place(causal_weights):
    weights = causal_weights(2, 2, 4, 4)
    axes = plots.attention_heads(weights, TOKENS[:4])
    allowed = np.tri(4, dtype=bool)
    for place in np.ndindex(2, 2):
        assert np.array_equal(axes[place].images[0].get_array()[allowed], weights[place][allowed])
    assert names(axes[0, 0].yaxis) == names(axes[1, 1].xaxis) == ["Mia", "·found", "·a", "·red"]
    assert not names(axes[0, 1].yaxis) and not names(axes[0, 1].xaxis)


def test_one_layer_wraps_into_rows(causal_weights):
    axes = plots.attention_heads(causal_weights(6, 3, 3), TOKENS[:3], mark=5)
    assert axes.shape == (6,)
    assert [part.get_subplotspec().rowspan.start for part in axes] == [0, 0, 0, 0, 1, 1]
    assert axes[5].get_title() == "▶ head 5"


def test_titles_of_a_large_mosaic_do_not_overlap(causal_weights, overlaps):
    axes = plots.attention_heads(causal_weights(2, 12, 4, 4), TOKENS[:4])
    assert axes[1, 11].get_title() == "L1 H11"
    assert not overlaps([part.title for part in axes.flat] + [part.images[0] for part in axes.flat])


@settings(max_examples=8, deadline=None)
@given(hostile.token_lists(6))
def test_any_tokens_can_be_drawn(tokens):
    weights = np.tri(len(tokens)) / np.arange(1, len(tokens) + 1)[:, None]
    assert plots.to_png(plots.attention_map(weights, tokens, title=tokens[0]), 40)
    assert plots.to_png(plots.attention_heads([weights, weights], tokens, title=tokens[0]), 40)


@pytest.mark.parametrize(
    ("weights", "options", "message"),
    [
        ([[1.0]], {}, "1 × 1 .*but there are 2 tokens"),
        ([[0.5, 0.3, 0.2]] * 2, {}, "2 × 3 .*but there are 2 tokens"),
        ([[1.0, 0], [0.5, 0.4]], {}, "row of query 1 adds up to 0.9"),
        ([[1.0, 0], [1.5, -0.5]], {}, "not be negative"),
        ([[1.0, 0], [np.nan, 1]], {}, r"finite, but number \(1, 0\) of it is nan"),
        ([[1.0, 0], [0.5]], {}, "unequal length"),
        ([1.0, 0], {}, r"2 dimensions, but has shape \(2,\)"),
        ([[1.0, 0], [0.5, 0.5]], {"mask": [[1, 0], [1, 1]]}, "boolean"),
        ([[1.0, 0], [0.5, 0.5]], {"mask": [[True, False]]}, r"shape \(1, 2\), but attention_weights are \(2, 2\)"),
        ([[1.0, 0], [0.5, 0.5]], {"mask": [[False, True], [False, False]]}, "upside down"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(weights, options, message):
    with pytest.raises(ValueError, match=message):
        plots.attention_map(weights, ["a", "b"], **options)


@pytest.mark.parametrize("mark", [2, -1, (0, 1), (0, 0, 0)])
def test_a_marked_head_must_exist(mark, causal_weights):
    with pytest.raises(ValueError, match="mark must be head below 2"):
        plots.attention_heads(causal_weights(2, 3, 3), TOKENS[:3], mark=mark)


def test_the_mosaic_says_which_dimensions_it_wants():
    with pytest.raises(ValueError, match=r"4 dimensions, but has shape \(2, 2\)"):
        plots.attention_heads(np.eye(2), ["a", "b"])


def test_alt_text_of_a_map():
    axes = plots.attention_map([[1, 0, 0], [0.5, 0.5, 0], [0.1, 0.72, 0.18]], TOKENS[:3])
    assert plots.alt_text(axes) == (
        "Attention map of 3 tokens: rows are queries, columns are keys. Masked cells are hatched. The strongest look "
        "at another token: “·a” (position 2) looks at “·found” (position 1), weight about 0.7."
    )


def test_alt_text_of_a_mosaic_finds_the_roles():
    before = np.eye(4, k=-1)
    before[0, 0] = 1
    first = np.zeros((4, 4))
    first[:, 0] = 1
    axes = plots.attention_heads([first, np.eye(4), before], TOKENS[:4], mark=2)
    assert plots.alt_text(axes) == (
        "Attention of 3 heads over 4 tokens: one small map for each head. Of all heads, the one that looks most at the "
        "token before: head 2; at itself: head 1; at the first token: head 0. Marked with a border: head 2."
    )
