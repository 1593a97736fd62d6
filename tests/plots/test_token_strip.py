from itertools import pairwise

import hostile
import pytest
from hypothesis import given, settings
from matplotlib.figure import Figure

from llmviz import plots

SENTENCE = ["Mia", " found", " a", " red", " kite", "\n"]


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_each_token_is_a_box_with_its_id_below():
    axes = plots.token_strip(SENTENCE, [31, 12, 5, 9, 40, 0], title="Tokens")
    assert [box.get_label() for box in axes.patches] == ["Mia", "·found", "·a", "·red", "·kite", "↵"]
    assert texts(axes) == ["Mia", "31", "·found", "12", "·a", "5", "·red", "9", "·kite", "40", "↵", "0"]
    assert axes.get_title() == "Tokens"
    for box, label, token_id in zip(axes.patches, axes.texts[::2], axes.texts[1::2], strict=True):
        middle = box.get_x() + box.get_width() / 2
        assert label.get_position()[0] == token_id.get_position()[0] == pytest.approx(middle)


def test_neighbors_differ_in_color_and_every_box_has_a_border():
    boxes = plots.token_strip(SENTENCE).patches
    assert all(one.get_facecolor() != other.get_facecolor() for one, other in pairwise(boxes))
    assert all(box.get_linewidth() > 0 and box.get_edgecolor() != box.get_facecolor() for box in boxes)


def test_labels_stay_inside_their_boxes_and_boxes_apart(overlaps):
    axes = plots.token_strip(SENTENCE * 10, range(60))
    assert not overlaps(axes.patches)
    width = axes.get_xlim()[1]
    assert all(box.get_x() >= 0 and box.get_x() + box.get_width() <= width for box in axes.patches)
    for box, label in zip(axes.patches, axes.texts[::2], strict=True):
        inside, around = label.get_window_extent(), box.get_window_extent()
        assert around.x0 <= inside.x0 and inside.x1 <= around.x1


def test_long_texts_wrap_and_say_how_much_is_left_out():
    axes = plots.token_strip(SENTENCE * 1000)
    lines = {box.get_y() for box in axes.patches}
    assert len(lines) == 12
    assert axes.texts[-1].get_text() == f"… and {6000 - len(axes.patches):,} more tokens"
    axes.figure.canvas.draw()
    assert axes.texts[-1].get_window_extent().x1 <= axes.get_window_extent().x1


def test_a_short_text_leaves_nothing_out():
    assert not any("more" in text for text in texts(plots.token_strip(SENTENCE)))


def test_in_the_learners_own_axes_it_fits_their_height(overlaps):
    axes = Figure(figsize=(4, 1)).add_subplot()
    assert plots.token_strip(SENTENCE * 20, ax=axes) is axes
    assert "more tokens" in axes.texts[-1].get_text()
    assert max(box.get_y() + box.get_height() for box in axes.patches) <= axes.get_ylim()[0]
    assert not overlaps(axes.patches)


@settings(max_examples=30, deadline=None)
@given(hostile.token_lists(30))
def test_any_tokens_can_be_drawn(tokens):
    axes = plots.token_strip(tokens, range(len(tokens)), title=tokens[0])
    assert len(axes.patches) == len(tokens) or "more token" in axes.texts[-1].get_text()
    assert plots.to_png(axes, 40)


@pytest.mark.parametrize(
    ("tokens", "token_ids", "message"),
    [
        ([], None, "no tokens"),
        ("Mia found", None, "list of strings, not one string"),
        ([1, 2], None, "number 0 is int"),
        (7, None, "list of strings"),
        (["a", "b"], [1], "token_ids has 1 entries, but tokens has 2"),
        (["a"], [0.5], "whole numbers"),
        (["a"], ["x"], "whole numbers"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(tokens, token_ids, message):
    with pytest.raises(ValueError, match=message):
        plots.token_strip(tokens, token_ids)


def test_ax_must_be_axes():
    with pytest.raises(ValueError, match="ax must be one matplotlib Axes, but is Figure"):
        plots.next_token_bars([1.0], ["a"], ax=Figure())


def test_alt_text_names_the_first_tokens_and_counts_the_rest():
    assert plots.alt_text(plots.token_strip([" a", "\n"], [5, 0])) == "Token strip: 2 tokens. “·a” (5), “↵” (0)."
    assert plots.alt_text(plots.token_strip(["x"] * 1500)).endswith(" and 1,488 more tokens.")


def test_several_strips_stand_below_each_other_each_with_all_its_tokens():
    axes = plots.token_strips({"words": SENTENCE, "letters": list("Mia found a red kite\n") * 5})
    assert [part.get_title() for part in axes] == ["words", "letters"]
    assert [len(part.patches) for part in axes] == [6, 105]
    above, below = (part.get_window_extent() for part in axes)
    assert above.y0 > below.y1
    assert plots.alt_text(axes).count("Token strip: ") == 2


def test_there_must_be_strips_and_tokens_in_them():
    with pytest.raises(ValueError, match="give at least one title"):
        plots.token_strips({})
    with pytest.raises(ValueError, match="the tokens of 'words'"):
        plots.token_strips({"words": []})
