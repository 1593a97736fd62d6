"""Bars back to back: where they end, what the diamonds say, the sentence, and bad input."""

import pytest

from llmviz import plots

NUMBERS, EXACT = [[0.9, 0.25], [0.05, 0.5]], [[1.0, 0.3], [0.0, 0.7]]


def test_bars_go_to_the_right_from_both_sides_and_to_the_left_from_the_left():
    axes = plots.two_sides(NUMBERS, ["She", " He"])
    assert sorted(round(bar.get_width(), 2) for bar in axes.patches) == [-0.5, -0.25, 0.05, 0.9]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["She", "·He"]
    assert [text.get_text() for text in axes.texts] == ["0.90", "0.05", "0.25", "0.50"]


def test_diamonds_stand_where_the_exact_numbers_are_and_nowhere_for_0():
    axes = plots.two_sides(NUMBERS, ["She", "He"], exact=EXACT)
    marks = [line.get_xdata().tolist() for line in axes.lines if line.get_marker() == "D"]
    assert marks == [[1.0], [-0.3, -0.7]]


def test_the_alt_text_names_both_favorites():
    said = plots.alt_text(plots.two_sides(NUMBERS, ["She", "He"]))
    assert "from both sides most likely “She” 0.90; from the left alone most likely “He” 0.50" in said


@pytest.mark.parametrize(("numbers", "sentence"), [
    ([[0.5, 0.5]], r"must be \(2 words, 2\), but has shape \(1, 2\)"),
    ([[0.5, 0.5], [1.5, 0]], "from 0 to 1; they go from 0 to 1.5"),
])  # fmt: skip
def test_bad_input_is_refused_in_a_sentence(numbers, sentence):
    with pytest.raises(ValueError, match=sentence):
        plots.two_sides(numbers, ["She", "He"])
