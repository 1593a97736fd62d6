"""Next-token bars, paired bars, the tree of texts, confidence marks."""

import pytest

from llmviz import plots

TOKENS = [" red", " blue", " green", " kite", "\n"]
PROBABILITIES = [0.2, 0.5, 0.15, 0.1, 0.05]


def labels(axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def lengths(axes) -> list[float]:
    return [bar.get_width() for bar in axes.containers[0]]


def values(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_bars_are_sorted_and_the_rest_is_one_hatched_bar():
    axes = plots.next_token_bars(PROBABILITIES, TOKENS, top=3)
    assert labels(axes) == ["·blue", "·red", "·green", "other (2 tokens)"]
    assert lengths(axes) == pytest.approx([0.5, 0.2, 0.15, 0.15])
    assert values(axes) == ["0.50", "0.20", "0.15", "0.15"]
    assert [bool(bar.get_hatch()) for bar in axes.containers[0]] == [False, False, False, True]
    assert axes.yaxis_inverted(), "the likeliest stands on top"


def test_a_selection_has_an_other_too():
    axes = plots.next_token_bars([0.5, 0.2], [" blue", " red"])
    assert labels(axes) == ["·blue", "·red", "other"]
    assert lengths(axes)[-1] == pytest.approx(0.3)


def test_nearly_equal_probabilities_keep_their_order_on_every_machine():
    assert labels(plots.next_token_bars([0.25 - 1e-9, 0.25, 0.25 + 1e-9, 0.25], list("abcd"))) == list("abcd")


def test_the_exact_probabilities_are_markers_with_a_legend():
    reference = [{" red": 0.5, " blue": 0.4, "\n": 0.1}.get(token, 0) for token in TOKENS]
    axes = plots.next_token_bars(PROBABILITIES, TOKENS, top=2, reference=reference)
    (markers,) = axes.lines
    assert markers.get_linestyle() == "None" and markers.get_marker() == "D"
    assert list(markers.get_xdata()) == pytest.approx([0.4, 0.5, 0.1])
    assert values(axes)[0] == "0.50 (exact 0.40)"
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == ["exact, from the rules of Tinyville", "the model"]


def test_what_the_world_knows_beyond_the_tokens_is_other():
    axes = plots.next_token_bars([0.6, 0.4], ["a", "b"], reference=[0.5, 0])
    assert labels(axes) == ["a", "b", "other"]
    assert list(axes.lines[0].get_xdata()) == pytest.approx([0.5, 0, 0.5])


def test_printed_values_do_not_overlap_and_stay_inside(overlaps):
    axes = plots.next_token_bars(PROBABILITIES, TOKENS, reference=[0.9, 0.1, 0, 0, 0])
    assert not overlaps([*axes.texts, *axes.get_yticklabels(), axes.get_legend()])
    right = axes.get_window_extent().x1
    assert all(text.get_window_extent().x1 <= right for text in axes.texts)


def test_alt_text_gives_the_top_three_and_the_rest():
    axes = plots.next_token_bars(PROBABILITIES, TOKENS, reference=[token == " red" for token in TOKENS])
    assert plots.alt_text(axes) == (
        "Next-token bars. Most likely: “·blue” 0.50, “·red” 0.20, “·green” 0.15. All others together: 0.15. "
        "Exact probabilities, from the rules of Tinyville: “·blue” 0.00, “·red” 1.00, “·green” 0.00."
    )


def test_bars_stand_in_groups_each_with_its_number():
    axes = plots.bars(["English", "Greek"], {"GPT-2": [8, 32], "GPT-4o": [8, 11.5]}, x_label="tokens")
    assert [bar.get_width() for bar in axes.patches] == [8, 32, 8, 11.5]
    middles = [bar.get_y() + bar.get_height() / 2 for bar in axes.patches]
    assert middles[0] < middles[2] < middles[1] < middles[3]  # the group of each label, from the top
    assert [text.get_text() for text in axes.texts] == ["8", "32", "8", "11.5"]


def test_each_answer_is_a_mark_at_its_confidence_in_the_row_of_its_group():
    axes = plots.confidence_marks([0.9, 0.2, 0.5], [True, False, False], ["known", "guest", "known"])
    holds, invented = axes.collections
    assert holds.get_offsets().tolist() == [[0.9, 0.0]]
    assert sorted(invented.get_offsets()[:, 0].tolist()) == [0.2, 0.5]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["known", "guest"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first group on top


def test_says_how_many_hold_and_how_sure_they_are():
    axes = plots.confidence_marks([0.9, 0.7, 0.2], [True, False, False], ["known", "known", "guest"], threshold=0.5)
    assert plots.alt_text(axes) == (
        "Confidence of 3 answers, by group. known: 2 answers, 50% true, median confidence 0.8; "
        "guest: 1 answer, 0% true, median confidence 0.2."
    )
    assert axes.lines[-1].get_xdata()[0] == 0.5
