"""The flow through a block, the logit lens, the shuffle test, changes of a matrix."""

import numpy as np
import pytest

from llmviz import plots

TOKENS = ["Mia", " found", " a"]
WIDTHS = {"before": 8, "middle": 8, "after": 8, "attention weights": 3, "attention output": 8, "hidden": 20,
          "MLP output": 8}  # fmt: skip


def stages(n_tokens=3, **changed):
    generator = np.random.default_rng(0)
    made = {name: generator.normal(size=(n_tokens, width)) for name, width in WIDTHS.items()}
    made["attention weights"] = np.tri(n_tokens) / np.arange(1, n_tokens + 1)[:, None]
    return {**made, **changed}


def drawn(axes, number):
    return np.asarray(axes[number].images[0].get_array())


def test_seven_pictures_in_the_order_of_the_flow_of_which_three_are_the_stream():
    axes = plots.block_flow(stages(), TOKENS, title="Block 0")
    captions = [part.get_title() or part.get_xlabel() for part in axes]
    assert [caption.split("\n")[0] for caption in captions] == [
        "stream before", "attention weights", "attention output", "stream middle", "hidden layer", "MLP output",
        "stream after",
    ]  # fmt: skip
    rows = [part.get_subplotspec().rowspan.start for part in axes]
    assert rows == [1, 0, 0, 1, 0, 0, 1]
    assert [label.get_text() for label in axes[0].get_yticklabels()] == ["Mia", "·found", "·a"]
    assert len(axes[0].figure.artists) == 8  # six arrows of the branches, two of the stream


def test_each_row_has_its_own_scale_and_keeps_its_signs():
    giants = stages()
    giants["before"] = giants["before"] * np.array([[1.0], [1e4], [1e-4]])
    image = drawn(plots.block_flow(giants, TOKENS), 0)
    np.testing.assert_array_equal(np.sign(image), np.sign(giants["before"]))
    spans = np.abs(image).max(axis=1)
    assert (spans >= 1).all() and spans.max() < 3
    np.testing.assert_allclose(drawn(plots.block_flow(giants, TOKENS), 1), giants["attention weights"])


def test_the_sentence_tells_the_lengths():
    ones = {name: np.ones((3, width)) for name, width in WIDTHS.items()}
    sentence = plots.alt_text(plots.block_flow({**ones, "after": 2 * ones["after"]}, TOKENS))
    assert sentence == (
        "One block over 3 tokens: the residual stream runs through, 8 wide. Mean length of a token's vector: 3 before; "
        "attention adds 3; 3 in the middle; the feed-forward network (20 wide) adds 3; 6 after."
    )


READ = ["Noah", " lives"]


class TestLensTable:
    def test_has_the_embedding_at_the_bottom_and_the_words_in_their_cells(self):
        axes = plots.lens_table([[0.2, 0.4], [0.9, 1.0]], [["k", " x"], ["oah", " in"]], READ)
        words = {text.get_position(): text.get_text() for text in axes.texts}
        assert words == {(0.5, 0.5): "k", (1.5, 0.5): "·x", (0.5, 1.5): "oah", (1.5, 1.5): "·in"}
        assert [label.get_text() for label in axes.get_yticklabels()] == ["embedding", "after block 0"]
        assert axes.get_ylim()[0] < axes.get_ylim()[1]
        np.testing.assert_array_equal(axes.collections[0].get_array(), [[0.2, 0.4], [0.9, 1.0]])

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
