"""Changes of a matrix: drawn with their rank, whatever they are called."""

import numpy as np
import pytest
from hostile import NASTY
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz import plots


def of_rank(rank, shape=(40, 36), seed=0):
    draws = np.random.default_rng(seed)
    return draws.normal(size=(shape[0], rank)) @ draws.normal(size=(rank, shape[1]))


@given(st.integers(1, 9), st.integers(0, 50))
@settings(max_examples=8)
def test_says_the_rank_that_the_matrix_has(rank, seed):
    axes = plots.weight_changes({"LoRA": of_rank(rank, seed=seed)})
    assert axes[0, 0].get_title() == f"LoRA: rank {rank} of 36"
    assert f"40 × 36 numbers, rank {rank} of 36" in plots.alt_text(axes)
    bars = [bar.get_height() for bar in axes[1, 0].patches]
    assert sum(height > 1e-6 * bars[0] for height in bars) == rank


def test_the_bars_are_the_singular_values_and_the_picture_is_the_matrix():
    matrix = of_rank(3)
    above, below = plots.weight_changes({"change": matrix})[:, 0]
    heights = [bar.get_height() for bar in below.patches]
    np.testing.assert_allclose(heights, np.linalg.svd(matrix)[1][: len(heights)], atol=1e-9)
    np.testing.assert_allclose(above.images[0].get_array(), matrix)
    assert above.images[0].norm.vmin == -above.images[0].norm.vmax  # 0 is white


def test_a_change_in_all_directions_is_not_counted():
    assert "rank above 9 of 36" in plots.alt_text(plots.weight_changes({"full": of_rank(36)}))


def test_no_change_at_all_has_rank_0():
    assert "rank 0 of 4" in plots.alt_text(plots.weight_changes({"none": np.zeros((4, 5))}))


def test_draws_whatever_it_is_called():
    for name in NASTY[::5]:
        assert plots.to_png(plots.weight_changes({name: of_rank(1)}, title=name))[:4] == b"\x89PNG"


@pytest.mark.parametrize(("changes", "words"), [
    ({}, "1 to 3 of them; given 0"), ([1], "given list"), ({"a": [1, 2]}, "must have 2 dimensions"),
    ({"a": [[np.nan]]}, "must be finite"), ({str(i): [[1]] for i in range(4)}, "given 4"),
])  # fmt: skip
def test_refuses_what_is_no_change(changes, words):
    with pytest.raises(ValueError, match=words):
        plots.weight_changes(changes)
