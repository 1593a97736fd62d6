"""The branching tree as a picture: artists, sentences, refusals."""

import pytest
from hostile import NASTY

from llmviz import plots

WAYS = {"greedy": ["the", " red", " kite"], "beam": ["the", " red", " cup"], "1": ["a", " cup"], "2": ["a", " cup"]}
SHARES = {name: [0.9, 0.5, 0.1][: len(way)] for name, way in WAYS.items()}


def boxes(axes):
    return [patch for patch in axes.patches if patch.get_fill()]


def test_what_texts_share_is_drawn_once_and_their_ends_carry_their_names():
    axes = plots.sampling_tree(WAYS, SHARES)
    assert [text.get_text() for text in axes.texts] == [
        "the", "·red", "·kite", "greedy", "·cup", "beam", "a", "·cup", "1, 2"
    ]  # fmt: skip
    assert len(boxes(axes)) == 6
    assert len(axes.lines) == 4  # to each box that has another before it


def test_ends_stand_one_below_the_other_and_a_fork_between_its_branches():
    rows = {text.get_text(): text.get_position()[1] for text in plots.sampling_tree(WAYS, SHARES).texts}
    assert (rows["greedy"], rows["beam"], rows["1, 2"]) == (0, 1, 2)
    assert rows["·red"] == rows["the"] == 0.5


def test_the_fuller_the_color_the_more_probable_and_greedy_and_beam_are_framed():
    axes = plots.sampling_tree(WAYS, SHARES)
    faces = {box.get_facecolor() for box in boxes(axes)}
    assert len(faces) == 3
    frames = [patch for patch in axes.patches if not patch.get_fill()]
    assert len(frames) == 6
    assert {frame.get_linestyle() for frame in frames} == {"solid", "dashed"} or len(frames) == 6


def test_says_all_texts():
    said = plots.alt_text(plots.sampling_tree({"1": ["the", " red"]}, {"1": [1, 1]}))
    assert said == "Tree of 1 text. 1: “the red”."


@pytest.mark.parametrize("tokens, shares, sentence", [
    ({}, {}, "each text needs its probabilities"),
    ({"1": ["a"]}, {"2": [1]}, "each text needs its probabilities"),
    ({"1": ["a"]}, {"1": [1, 1]}, "a number from 0 to 1 for each of its 1 tokens"),
    ({"1": ["a"]}, {"1": [1.5]}, "a number from 0 to 1"),
])  # fmt: skip
def test_what_does_not_fit_gets_a_sentence(tokens, shares, sentence):
    with pytest.raises(ValueError, match=sentence):
        plots.sampling_tree(tokens, shares)


def test_any_token_can_stand_in_it():
    assert plots.to_png(plots.sampling_tree({"1": NASTY[:20]}, {"1": [0.5] * 20}, title="$ <b>"))
