import hostile
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.text import Text

from llmviz import plots

STEPS = np.arange(1, 401)
LOSSES = 1.2 + 5 * np.exp(-STEPS / 60) + np.random.default_rng(0).normal(size=400) * 0.05
VALIDATION = ([0, 200, 400], [6.2, 1.5, 1.3])
YARDSTICKS = {"ln V": 6.93, "unigram": 4.8, "bigram": 2.3, "exact entropy": 1.2}


def lines(axes) -> dict:
    return {line.get_label(): line for line in axes.lines}


def test_training_is_faint_and_smoothed_and_validation_is_dots():
    axes = plots.loss_curve(STEPS, LOSSES, validation=VALIDATION, title="Learning")
    drawn = lines(axes)
    assert list(drawn) == ["training, each step", "training, smoothed", "validation"]
    assert np.array_equal(drawn["training, each step"].get_xydata(), np.stack([STEPS, LOSSES], axis=1))
    assert drawn["training, each step"].get_alpha() < 0.5
    assert drawn["validation"].get_linestyle() == "None" and drawn["validation"].get_marker() == "o"
    assert np.array_equal(drawn["validation"].get_xydata(), np.transpose(VALIDATION))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(drawn)
    assert axes.get_ylabel() == "loss (nats per token)" and axes.get_xlabel() == "step"


def test_smoothing_is_a_running_mean():
    smoothed = lines(plots.loss_curve(STEPS, LOSSES))["training, smoothed"].get_ydata()
    assert len(smoothed) == len(LOSSES)
    assert np.allclose(smoothed[10:-10], np.convolve(LOSSES, np.full(21, 1 / 21), mode="valid"))
    assert smoothed[0] == pytest.approx(LOSSES[0]), "the steep start is not flattened"
    assert smoothed[-1] == pytest.approx(LOSSES[-11:].mean())


def test_short_runs_are_not_smoothed():
    assert list(lines(plots.loss_curve([1, 2, 3], [3, 2, 1]))) == ["training"]


def test_yardsticks_are_labeled_lines_at_their_values():
    axes = plots.loss_curve(STEPS, LOSSES, yardsticks=YARDSTICKS, unit="bits per byte")
    drawn = lines(axes)
    assert {name: drawn[f"_{name}"].get_ydata()[0] for name in YARDSTICKS} == YARDSTICKS
    assert [text.get_text() for text in axes.texts] == [
        "ln V  6.93",
        "unigram  4.80",
        "bigram  2.30",
        "exact entropy  1.20",
    ]
    assert axes.get_ylabel() == "loss (bits per byte)"
    bottom, top = axes.get_ylim()
    assert bottom < min(LOSSES.min(), 1.2) and top > 6.93


@pytest.mark.parametrize(
    "values", [(2.3, 2.29, 2.28, 2.31), (1, 1, 1, 1), (9, 8.99, 1, 1.01), tuple(np.linspace(1, 1.01, 12))]
)
def test_names_of_close_yardsticks_do_not_overlap(values, overlaps):
    yardsticks = {f"yardstick {number}": value for number, value in enumerate(values)}
    axes = plots.loss_curve(STEPS, LOSSES, yardsticks=yardsticks)
    assert not overlaps(axes.texts)
    heights = [Text.get_window_extent(text).y0 for text in axes.texts]
    order = np.argsort(values, kind="stable")
    assert np.all(np.diff(np.array(heights)[order]) > 0), "names stand in the order of their lines"
    assert all(text.get_window_extent().x1 <= axes.figure.bbox.x1 for text in axes.texts)


def test_title_legend_and_labels_are_clear_of_one_another(overlaps):
    axes = plots.loss_curve(STEPS, LOSSES, validation=VALIDATION, yardsticks=YARDSTICKS, title="The tiny GPT learns")
    assert not overlaps([axes.title, axes.get_legend(), *axes.texts])


@pytest.mark.parametrize(("first", "scale"), [(1, "log"), (0, "symlog")])
def test_log_steps_have_a_place_for_step_0(first, scale):
    axes = plots.loss_curve(STEPS - 1 + first, LOSSES, scale="log")
    assert axes.get_xscale() == scale
    assert axes.get_xlabel() == "step (log scale)"
    axes.figure.canvas.draw()
    assert {"1", "100"} <= {label.get_text() for label in axes.get_xticklabels()}


@pytest.mark.parametrize("step", [0, 1, 500])
def test_a_single_step_has_a_readable_axis(step):
    axes = plots.loss_curve([step], [3.0])
    axes.figure.canvas.draw()
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert names == [str(step)]


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.floats(0, 1e4), min_size=1, max_size=60),
    st.dictionaries(hostile.tokens, st.floats(-100, 100), max_size=5),
    st.sampled_from(["linear", "log"]),
    hostile.tokens,
)
def test_any_losses_and_names_can_be_drawn(losses, yardsticks, scale, unit):
    axes = plots.loss_curve(range(len(losses)), losses, yardsticks=yardsticks, scale=scale, unit=unit, title=unit)
    assert plots.to_png(axes, 40)
    assert plots.alt_text(axes).encode("utf-8")


@pytest.mark.parametrize(
    ("steps", "losses", "options", "message"),
    [
        ([1, 2], [3.0], {}, "steps has 2 entries, but losses has 1"),
        ([1, 2], [3.0, np.nan], {}, "losses must be finite, but number 1 of it is nan"),
        ([2, 1], [3.0, 2.0], {}, "1 follows 2"),
        ([-1, 1], [3.0, 2.0], {}, "the first is -1"),
        ([], [], {}, "steps is empty"),
        ([1], [2.0], {"scale": "cubic"}, "'linear', 'log'.*'cubic'"),
        ([1], [2.0], {"validation": [1, 2, 3]}, r"a pair: \(steps, losses\)"),
        ([1], [2.0], {"validation": ([1, 2], [2.0])}, "validation steps has 2 entries, but validation losses has 1"),
        ([1], [2.0], {"yardsticks": [1.0]}, "dict from a name"),
        ([1], [2.0], {"yardsticks": {"a": np.inf}}, "yardsticks must be finite"),
        ([1], [2.0], {"yardsticks": {str(n): n for n in range(13)}}, "13 lines; at most 12"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(steps, losses, options, message):
    with pytest.raises(ValueError, match=message):
        plots.loss_curve(steps, losses, **options)


def test_alt_text_compares_in_words_and_has_no_measured_digits():
    axes = plots.loss_curve(STEPS, LOSSES, validation=VALIDATION, yardsticks=YARDSTICKS)
    assert plots.alt_text(axes) == (
        "Loss curve, in nats per token. The training loss falls; the validation loss falls, and ends below the lines "
        "ln V, unigram and bigram and above the line exact entropy."
    )


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        ([3, 2, 1], "falls, and ends below the line bigram."),
        ([1, 2, 3], "rises, and ends above the line bigram."),
        ([3, 2.5, 2.05], "falls, and ends close to the line bigram."),
        ([3, 3, 3.01], "stays level, and ends above the line bigram."),
        ([3], "is one point, and ends above the line bigram."),
    ],
)
def test_alt_text_follows_the_curve(losses, words):
    axes = plots.loss_curve(range(len(losses)), losses, yardsticks={"bigram": 2.0})
    assert plots.alt_text(axes).endswith(f"The training loss {words}")


def test_alt_text_notices_overfitting():
    axes = plots.loss_curve(STEPS, LOSSES, validation=([1, 2, 3], [3.0, 2.0, 2.5]))
    assert plots.alt_text(axes).endswith("the validation loss falls, then rises again.")
