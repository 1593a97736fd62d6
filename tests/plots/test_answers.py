"""The logit lens and the shuffle test as tables of words."""

import numpy as np
import pytest
from hostile import NASTY

from llmviz import plots

TOKENS = ["Noah", " lives"]


class TestLensTable:
    def test_has_the_embedding_at_the_bottom_and_the_words_in_their_cells(self):
        axes = plots.lens_table([[0.2, 0.4], [0.9, 1.0]], [["k", " x"], ["oah", " in"]], TOKENS)
        words = {text.get_position(): text.get_text() for text in axes.texts}
        assert words == {(0, 0): "k", (1, 0): "·x", (0, 1): "oah", (1, 1): "·in"}
        assert [label.get_text() for label in axes.get_yticklabels()] == ["embedding", "after block 0"]
        assert axes.get_ylim()[0] < axes.get_ylim()[1]
        np.testing.assert_array_equal(axes.images[0].get_array(), [[0.2, 0.4], [0.9, 1.0]])

    def test_says_what_each_layer_puts_after_the_last_token(self):
        axes = plots.lens_table([[0.2, 0.4], [0.9, 1.0]], [["k", " x"], ["oah", " in"]], TOKENS, title="Lens")
        assert plots.alt_text(axes) == (
            "Logit lens over 2 tokens. After “·lives”: embedding: “·x”; after block 0: “·in”."
        )
        assert axes.get_title() == "Lens"

    @pytest.mark.parametrize(("shares", "best", "sentence"), [
        ([[0.2, 1.4]], [["a", "b"]], "between 0 and 1; given 0.2 to 1.4"),
        ([[-0.2, 0.4]], [["a", "b"]], "between 0 and 1; given -0.2"),
        ([[0.2, 0.4]], [["a"]], "best has 1 entries, but probabilities has 2"),
        ([[0.2, 0.4]], [], "best has 0 rows, but probabilities have 1 layers"),
        ([[0.2]], [["a"]], "tokens has 2 entries, but probabilities has 1"),
        ([0.2, 0.4], [["a", "b"]], "must have 2 dimensions"),
    ])  # fmt: skip
    def test_what_does_not_fit_gets_a_sentence(self, shares, best, sentence):
        with pytest.raises(ValueError, match=sentence):
            plots.lens_table(shares, best, TOKENS)

    def test_any_token_can_be_named(self):
        assert plots.to_png(plots.lens_table(np.ones((1, len(NASTY))), [NASTY], NASTY, title="$ <b>"))


class TestShuffleTable:
    def test_tells_the_same_from_the_changed(self):
        axes = plots.shuffle_table([[0, 1e-15], [1e-12, 0.3]], ["open", "causal"], TOKENS)
        assert [text.get_text() for text in axes.texts] == ["same", "same", "same", "changed"]
        np.testing.assert_array_equal(axes.collections[0].get_array(), [[1, 1], [1, 0]])
        assert [label.get_text() for label in axes.get_yticklabels()] == ["open", "causal"]

    def test_says_for_each_setting_who_stays(self):
        axes = plots.shuffle_table([[0, 0], [1, 0], [1, 1]], ["a", "b", "c"], TOKENS)
        assert plots.alt_text(axes) == (
            "Shuffle test over 2 tokens; answers that stay the same: a: all; b: “·lives”; c: none."
        )

    @pytest.mark.parametrize(("gaps", "settings", "sentence"), [
        ([[0, -1]], ["a"], "never negative; given -1"),
        ([[0, 1]], ["a", "b"], "settings has 2 entries, but gaps has 1"),
        ([[0, 1, 2]], ["a"], "tokens has 2 entries, but gaps has 3"),
        ([[0, np.inf]], ["a"], "must be finite"),
    ])  # fmt: skip
    def test_what_does_not_fit_gets_a_sentence(self, gaps, settings, sentence):
        with pytest.raises(ValueError, match=sentence):
            plots.shuffle_table(gaps, settings, TOKENS)

    def test_any_token_can_be_named(self):
        gaps = np.ones((len(NASTY), len(NASTY)))
        assert plots.to_png(plots.shuffle_table(gaps, NASTY, NASTY, title="$ <b>"))
