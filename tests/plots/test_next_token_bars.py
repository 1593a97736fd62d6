import hostile
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def test_all_tokens_shown_leave_no_other():
    assert labels(plots.next_token_bars(PROBABILITIES, TOKENS)) == ["·blue", "·red", "·green", "·kite", "↵"]


def test_a_selection_has_an_other_too():
    axes = plots.next_token_bars([0.5, 0.2], [" blue", " red"])
    assert labels(axes) == ["·blue", "·red", "other"]
    assert lengths(axes)[-1] == pytest.approx(0.3)


def test_impossible_tokens_are_left_out():
    assert labels(plots.next_token_bars([0.6, 0.0, 0.4], ["a", "b", "c"])) == ["a", "c"]


def test_nearly_equal_probabilities_keep_their_order_on_every_machine():
    assert labels(plots.next_token_bars([0.25 - 1e-9, 0.25, 0.25 + 1e-9, 0.25], list("abcd"))) == list("abcd")


@pytest.mark.parametrize("kind", ["dict", "array"])
def test_the_exact_probabilities_are_markers_with_a_legend(kind):
    exact = {" red": 0.5, " blue": 0.4, "\n": 0.1}
    reference = exact if kind == "dict" else [exact.get(token, 0) for token in TOKENS]
    axes = plots.next_token_bars(PROBABILITIES, TOKENS, top=2, reference=reference)
    (markers,) = axes.lines
    assert markers.get_linestyle() == "None" and markers.get_marker() == "D"
    assert list(markers.get_xdata()) == pytest.approx([0.4, 0.5, 0.1])
    assert values(axes)[0] == "0.50 (exact 0.40)"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["the model", "exact, from the world"]


def test_what_the_world_knows_beyond_the_tokens_is_other():
    axes = plots.next_token_bars([0.6, 0.4], ["a", "b"], reference={"a": 0.5, "c": 0.5})
    assert labels(axes) == ["a", "b", "other"]
    assert list(axes.lines[0].get_xdata()) == pytest.approx([0.5, 0, 0.5])


def test_printed_values_do_not_overlap_and_stay_inside(overlaps):
    axes = plots.next_token_bars(PROBABILITIES, TOKENS, reference=[0.9, 0.1, 0, 0, 0], title="After “Mia found a”")
    assert not overlaps([*axes.texts, *axes.get_yticklabels(), axes.title, axes.get_legend()])
    right = axes.get_window_extent().x1
    assert all(text.get_window_extent().x1 <= right for text in axes.texts)


@settings(max_examples=20, deadline=None)
@given(hostile.token_lists(), st.booleans(), st.data())
def test_any_tokens_and_probabilities_can_be_drawn(tokens, with_reference, data):
    sizes = st.lists(st.floats(0, 1), min_size=len(tokens), max_size=len(tokens))
    probabilities = np.array(data.draw(sizes))
    probabilities /= max(1.0, probabilities.sum())
    reference = probabilities[::-1] if with_reference else None
    axes = plots.next_token_bars(probabilities, tokens, reference=reference, top=5)
    assert len(labels(axes)) <= 6
    assert sum(lengths(axes)) == pytest.approx(1, abs=2e-3)
    assert plots.to_png(axes, 40)


@pytest.mark.parametrize(
    ("probabilities", "options", "message"),
    [
        ([0.5, 0.5], {}, "tokens has 3 entries, but probabilities has 2"),
        ([0.5, -0.1, 0.2], {}, "negative, but number 1 is -0.1: are these logits"),
        ([0.5, 0.6, 0.2], {}, "adds up to 1.3"),
        ([0.5, np.nan, 0.2], {}, "finite, but number 1 of it is nan"),
        ([[0.5, 0.2, 0.3]], {}, r"1 dimension, but has shape \(1, 3\)"),
        ([], {}, "empty"),
        (["x", "y", "z"], {}, "real numbers"),
        ([0.5, 0.2, 0.3], {"top": 0}, "top must be a whole number"),
        ([0.5, 0.2, 0.3], {"top": 2.5}, "top must be a whole number"),
        ([0.5, 0.2, 0.3], {"reference": [1.0]}, "reference has 1 entries, but there are 3 tokens"),
        ([0.5, 0.2, 0.3], {"reference": {"red": 1.0}}, "'red'.*'a'.*spelled alike"),
        ([0.5, 0.2, 0.3], {"reference": {"a": 2.0}}, "reference must add up to at most 1"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(probabilities, options, message):
    with pytest.raises(ValueError, match=message):
        plots.next_token_bars(probabilities, ["a", "b", "c"], **options)


def test_alt_text_gives_the_top_three_and_the_rest():
    axes = plots.next_token_bars(PROBABILITIES, TOKENS, reference={" red": 1.0})
    assert plots.alt_text(axes) == (
        "Next-token bars. Most likely: “·blue” 0.50, “·red” 0.20, “·green” 0.15. All others together: 0.15. "
        "Exact probabilities, from the world: “·blue” 0.00, “·red” 1.00, “·green” 0.00."
    )
