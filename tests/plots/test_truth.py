"""Confidence against truth: marks where the numbers say, and a sentence for those who do not see them."""

import pytest
from hostile import NASTY

from llmviz import plots


def test_each_answer_is_a_mark_at_its_confidence_in_the_row_of_its_group():
    axes = plots.confidence_marks([0.9, 0.2, 0.5], [True, False, False], ["known", "guest", "known"])
    holds, invented = axes.collections
    assert holds.get_offsets().tolist() == [[0.9, 0.0]]
    assert sorted(invented.get_offsets()[:, 0].tolist()) == [0.2, 0.5]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["known", "guest"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first group on top


def test_marks_on_one_place_lie_side_by_side():
    axes = plots.confidence_marks([1.0] * 3, [True] * 3, ["known"] * 3)
    heights = axes.collections[0].get_offsets()[:, 1].tolist()
    assert len(set(heights)) == 3 and max(map(abs, heights)) < 0.5


def test_says_how_many_hold_and_how_sure_they_are():
    axes = plots.confidence_marks([0.9, 0.7, 0.2], [True, False, False], ["known", "known", "guest"], threshold=0.5)
    assert plots.alt_text(axes) == (
        "Confidence of 3 answers, by group. known: 2 answers, 50% hold, median confidence 0.8; "
        "guest: 1 answer, 0% hold, median confidence 0.2."
    )
    assert axes.lines[-1].get_xdata()[0] == 0.5


@pytest.mark.parametrize(("confidence", "right", "groups", "sentence"), [
    ([1.2], [True], ["a"], "between 0 and 1; given 1.2"),
    ([0.2, 0.3], [True], ["a", "b"], "right has 1 entries, but confidence has 2"),
    ([0.2], [True], ["a", "b"], "groups has 2 entries, but confidence has 1"),
])  # fmt: skip
def test_what_does_not_fit_gets_a_sentence(confidence, right, groups, sentence):
    with pytest.raises(ValueError, match=sentence):
        plots.confidence_marks(confidence, right, groups)


def test_any_group_can_be_named():
    n = len(NASTY)
    assert plots.to_png(plots.confidence_marks([0.5] * n, [False] * n, NASTY, title="$ <b>"))
