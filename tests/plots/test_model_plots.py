"""The flow through a block, the logit lens, the shuffle test, changes of a matrix."""

import numpy as np
import pytest

from llmviz import plots

STAGES = {"stream": np.arange(16.0), "+ MLP": np.full(16, -2.0), "= stream": np.arange(16.0) - 2}


class TestBlockFlow:
    def test_writes_the_first_numbers_and_colors_them_by_one_scale(self):
        axes = plots.block_flow(STAGES, title="Block 0")
        image = axes.collections[0]
        np.testing.assert_array_equal(image.get_array(), np.stack([*STAGES.values()])[:, :6])
        assert (image.norm.vmin, image.norm.vmax) == (-5, 5)
        assert [text.get_text() for text in axes.texts[-6:]] == ["-2.0", "-1.0", "0.0", "1.0", "2.0", "3.0"]
        assert axes.get_xlabel() == "the first 6 of 16 numbers"

    def test_the_sentence_tells_the_lengths_of_the_whole_vectors(self):
        assert plots.alt_text(plots.block_flow(STAGES)) == (
            "One token on its way through a block, 16 numbers. Length of the vector: stream: 35; + MLP: 8; "
            "= stream: 29."
        )


READ = ["Noah", " lives"]


class TestLensTable:
    def test_has_the_embedding_at_the_left_and_the_words_in_their_cells(self):
        axes = plots.lens_table([[0.2, 0.4], [0.9, 1.0]], [["k", "<|endoftext|>"], ["oah", " in"]], READ)
        words = {text.get_position(): text.get_text() for text in axes.texts}
        assert words == {(0.5, 0.5): "k", (0.5, 1.5): "<|endoftext|>", (1.5, 0.5): "oah", (1.5, 1.5): "·in"}
        assert [label.get_text() for label in axes.get_xticklabels()] == ["embedding", "after block 0"]
        assert axes.get_ylim()[0] > axes.get_ylim()[1]
        np.testing.assert_array_equal(axes.collections[0].get_array(), [[0.2, 0.9], [0.4, 1.0]])
        assert axes.figure.axes[-1].get_ylabel() == "probability"

    def test_says_what_each_layer_puts_after_the_last_token(self):
        axes = plots.lens_table([[0.2, 0.4], [0.9, 1.0]], [["k", " x"], ["oah", " in"]], READ)
        assert plots.alt_text(axes) == (
            "Logit lens over 2 tokens. After “·lives”: embedding: “·x”; after block 0: “·in”."
        )


class TestShuffleTable:
    def test_tells_the_same_from_the_changed(self):
        axes = plots.shuffle_table([[0, 1e-15], [1e-12, 0.3]], ["open", "causal"], READ)
        assert [text.get_text() for text in axes.texts] == ["same", "same", "same", "changed"]
        np.testing.assert_array_equal(axes.collections[0].get_array(), [[1, 1], [1, 0]])
        assert [label.get_text() for label in axes.get_yticklabels()] == ["open", "causal"]

    def test_says_for_each_setting_who_stays(self):
        axes = plots.shuffle_table([[0, 0], [1, 0], [1, 1]], ["a", "b", "c"], READ)
        assert plots.alt_text(axes) == (
            "Shuffle test over 2 tokens; answers that stay the same: a: all; b: “·lives”; c: none."
        )


def of_rank(rank, shape=(40, 36), seed=0):
    draws = np.random.default_rng(seed)
    return draws.normal(size=(shape[0], rank)) @ draws.normal(size=(rank, shape[1]))


@pytest.mark.parametrize(("rank", "seed"), [(1, 0), (4, 1), (9, 2)])
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


def test_no_change_at_all_has_rank_0():
    assert "rank 0 of 4" in plots.alt_text(plots.weight_changes({"none": np.zeros((4, 5))}))
