"""The surprise at each token: artists, sentences, refusals."""

import numpy as np
import pytest
from hostile import NASTY

from llmviz import plots

TOKENS = ["red", " kite", "red", " kite"]


def test_draws_each_loss_over_its_token():
    axes = plots.token_losses([7.0, 6.8, 0.1, 0.2], TOKENS)
    [line] = axes.lines
    np.testing.assert_array_equal(line.get_ydata(), [7.0, 6.8, 0.1, 0.2])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["red", "·kite", "red", "·kite"]
    assert axes.get_ylabel() == "surprise, nats" and axes.get_ylim()[0] == 0
    assert axes.get_legend() is None


def test_several_lines_differ_in_color_and_marker_and_are_named():
    axes = plots.token_losses({"all heads": [3, 2, 0, 0], "one off": [3, 2, 4, 4]}, TOKENS, rounds=[2], chance=6.9)
    named = axes.lines[:2]
    assert len({line.get_color() for line in named}) == len({line.get_marker() for line in named}) == 2
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["all heads", "one off"]
    assert axes.lines[2].get_xdata() == [1.5, 1.5]
    assert list(axes.lines[3].get_ydata()) == [6.9, 6.9]
    assert axes.texts[0].get_text() == "blind guessing"


def test_the_sentence_tells_the_mean_of_each_round_and_line():
    axes = plots.token_losses({"all": [3, 2, 0, 0], "one off": [3, 2, 4, 4]}, TOKENS, rounds=[2])
    assert plots.alt_text(axes) == (
        "Surprise at each of 4 tokens, in nats. all: mean of round 1: about 2.5; round 2: about 0.0. "
        "one off: mean of round 1: about 2.5; round 2: about 4.0."
    )
    assert plots.alt_text(plots.token_losses([1, 2], ["a", "b"])).endswith("Mean: about 1.5.")


@pytest.mark.parametrize(
    ("losses", "tokens", "options", "sentence"),
    [
        ([1, 2], ["a"], {}, "tokens has 1 entries, but losses has 2"),
        ({"a": [1], "b": [1, 2]}, ["a"], {}, "lengths are {'a': 1, 'b': 2}"),
        ([-1.0], ["a"], {}, "never negative.* hold -1"),
        ([float("nan")], ["a"], {}, "finite"),
        ({}, ["a"], {}, "from 1 to 6 lines can be told apart; given 0"),
        ([1, 2], ["a", "b"], {"rounds": [2]}, r"between 1 and 1, but are \[2\]"),
        ([1, 2, 3], ["a", "b", "c"], {"rounds": [2, 1]}, "rising"),
    ],
)
def test_what_does_not_fit_gets_a_sentence(losses, tokens, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        plots.token_losses(losses, tokens, **options)


def test_any_token_can_be_named():
    assert plots.to_png(plots.token_losses(np.ones(len(NASTY)), NASTY, title="$ <b>"))


def test_many_tokens_are_named_sparsely():
    axes = plots.token_losses(np.ones(200), ["a"] * 200)
    assert len(axes.get_xticklabels()) <= 64
