"""Token strips and the loss at each token."""

import numpy as np
import pytest

from llmviz import plots

SENTENCE = ["Mia", " found", " a", " red", " kite", "\n"]


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_each_token_is_a_box_with_its_id_below():
    axes = plots.token_strip(SENTENCE, [31, 12, 5, 9, 40, 0])
    assert [box.get_label() for box in axes.patches] == ["Mia", "·found", "·a", "·red", "·kite", "↵"]
    assert texts(axes) == ["Mia", "31", "·found", "12", "·a", "5", "·red", "9", "·kite", "40", "↵", "0"]
    for box, label, token_id in zip(axes.patches, axes.texts[::2], axes.texts[1::2], strict=True):
        middle = box.get_x() + box.get_width() / 2
        assert label.get_position()[0] == token_id.get_position()[0] == pytest.approx(middle)


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
    with_ids, without = plots.token_strips({"some": ["a", "b"], "others": ["c"]}, {"some": [7, 9]})
    assert (texts(with_ids), texts(without)) == (["a", "7", "b", "9"], ["c"])
    (colored,) = plots.token_strips({"some": ["a", "b", "c"]}, probabilities={"some": [0, 0.5, 1]})
    blue = [box.get_facecolor()[0] for box in colored.patches]
    assert 1 == blue[0] > blue[1] > blue[2]  # the more probable, the less red is left
    with pytest.raises(ValueError, match="the ids of 'some' has 1 entry, but its tokens has 2"):
        plots.token_strips({"some": ["a", "b"]}, {"some": [7]})


TOKENS = ["red", " kite", "red", " kite"]


def test_draws_each_loss_over_its_token():
    axes = plots.token_losses([7.0, 6.8, 0.1, 0.2], TOKENS)
    [line] = axes.lines
    np.testing.assert_array_equal(line.get_ydata(), [7.0, 6.8, 0.1, 0.2])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["red", "·kite", "red", "·kite"]
    assert axes.get_ylabel() == "loss, nats" and axes.get_ylim()[0] == 0
    assert axes.get_legend() is None


def test_several_lines_differ_in_color_and_marker_and_are_named():
    axes = plots.token_losses({"all heads": [3, 2, 0, 0], "one off": [3, 2, 4, 4]}, TOKENS, rounds=[2], chance=6.9)
    named = axes.lines[:2]
    assert len({line.get_color() for line in named}) == len({line.get_marker() for line in named}) == 2
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["all heads", "one off"]
    assert axes.lines[2].get_xdata() == [1.5, 1.5]
    assert list(axes.lines[3].get_ydata()) == [6.9, 6.9]
    assert axes.texts[0].get_text() == "random guessing"


def test_the_sentence_tells_the_mean_of_each_round_and_line():
    axes = plots.token_losses({"all": [3, 2, 0, 0], "one off": [3, 2, 4, 4]}, TOKENS, rounds=[2])
    assert plots.alt_text(axes) == (
        "Loss at each of 4 tokens, in nats. all: mean of round 1: about 2.5; round 2: about 0.0. "
        "one off: mean of round 1: about 2.5; round 2: about 4.0."
    )
    assert plots.alt_text(plots.token_losses([1, 2], ["a", "b"])).endswith("Mean: about 1.5.")


TREE = {"one": ["a", " red", " kite"], "two": ["a", " red", " tent"], "same": ["a", " red", " kite"], "far": ["x"]}
SHARES = {"one": [0.5, 0.1, 0.9], "two": [0.5, 0.1, 0.2], "same": [0.5, 0.1, 0.9], "far": [1.0]}


class TestTree:
    def test_what_texts_share_stands_once(self, overlaps):
        axes = plots.token_tree(TREE, SHARES)
        assert [box.get_label() for box in axes.patches] == ["a", "·red", "·kite", "·tent", "x"]
        assert not overlaps(axes.patches)
        names = {text.get_text().strip(): text.get_position()[1] for text in axes.texts if text.get_size() < 10}
        assert list(names) == ["one, same", "two", "far"] and len(set(names.values())) == 3
        assert plots.alt_text(axes) == "Tree of 4 texts. one, same: a red kite; two: a red tent; far: x."
        forks = [line.get_xydata() for line in axes.lines]
        assert [fork[0, 1] == fork[-1, 1] for fork in forks] == [True, True, False]  # only the tent branches off

    def test_the_more_probable_the_bluer(self):
        red = [box.get_facecolor()[0] for box in plots.token_tree(TREE, SHARES).patches]
        assert red[4] < red[2] < red[0] < red[1] < 1

    def test_what_is_too_wide_is_cut_and_marked(self):
        axes = plots.token_tree({"long": ["word"] * 100}, {"long": [0.5] * 100})
        assert 5 < len(axes.patches) < 30 and axes.texts[-1].get_text() == " …  long"
        axes.figure.canvas.draw()
        assert axes.texts[-1].get_window_extent().x1 <= axes.get_window_extent().x1

    def test_refuses_what_it_cannot_draw(self):
        with pytest.raises(ValueError, match="There is no text to draw"):
            plots.token_tree({}, {})
        with pytest.raises(ValueError, match="probabilities has 1 entry, but the tokens has 2"):
            plots.token_tree({"a": ["b", "c"]}, {"a": [0.5]})
        with pytest.raises(ValueError, match="token_tree cannot use an argument"):
            plots.token_tree({"a": ["b"]}, {})
