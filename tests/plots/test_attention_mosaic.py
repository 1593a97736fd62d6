"""Very many heads as tiles of one image: places, sizes, masked cells, words."""

import numpy as np
import pytest

from llmviz import plots


def heads(n_layers: int, n_heads: int, n_tokens: int) -> np.ndarray:
    """Head h of layer l looks only at key (l + h), where the past has it; else at the first."""
    weights = np.zeros((n_layers, n_heads, n_tokens, n_tokens))
    for layer, head, query in np.ndindex(weights.shape[:3]):
        weights[layer, head, query, layer + head if layer + head <= query else 0] = 1
    return weights


def image_of(axes) -> np.ma.MaskedArray:
    return axes.images[0].get_array()


def test_each_head_has_its_tile():
    axes = plots.attention_mosaic(heads(2, 3, 5), list("abcde"))
    image = image_of(axes)
    assert image.shape == (2 * 7 - 2, 3 * 7 - 2)
    last_row_of_layer_1 = image[7 + 4]
    assert np.flatnonzero(last_row_of_layer_1.filled(0)).tolist() == [1, 7 + 2, 14 + 3]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0", "1", "2"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["0", "1"]


def test_masked_cells_have_no_color_of_the_scale():
    image = image_of(plots.attention_mosaic(heads(1, 1, 4), list("abcd")))
    assert np.array_equal(np.ma.getmaskarray(image), np.triu(np.ones((4, 4), dtype=bool), k=1))


def test_many_tokens_become_blocks_that_show_their_largest_weight():
    image = image_of(plots.attention_mosaic(heads(20, 10, 64), ["x"] * 64))
    assert image.size < 40_000
    assert image.max() == 1


def test_the_sentence_says_how_many():
    axes = plots.attention_mosaic(heads(2, 3, 5), list("abcde"))
    assert plots.alt_text(axes) == "Attention of 2 layers × 3 heads over 5 tokens: one small tile for each head."
    with pytest.raises(ValueError, match="but there are 4 tokens"):
        plots.attention_mosaic(heads(2, 3, 5), list("abcd"))
