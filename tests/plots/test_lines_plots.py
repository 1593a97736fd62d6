"""Curves, the loss with its baselines, the range test, power laws."""

import numpy as np
import pytest
from matplotlib.text import Text

from llmviz import plots

X = [0, 10, 100]
SHARES = {"knows facts": [0.0, 0.9, 1.0], "copies": [0.0, 0.1, 1.0]}


class TestCurves:
    def draw(self, **options):
        return plots.curves(X, SHARES, **{"x_label": "step", "y_label": "share", **options})

    def test_each_curve_has_its_name_its_values_and_its_own_marker(self):
        axes = self.draw(title="Growing up", y_range=(0, 1))
        assert [line.get_label() for line in axes.lines] == list(SHARES)
        for line in axes.lines:
            np.testing.assert_array_equal(line.get_xydata(), np.stack([X, SHARES[line.get_label()]], axis=1))
        assert len({line.get_marker() for line in axes.lines}) == len({line.get_color() for line in axes.lines}) == 2
        assert [text.get_text() for text in axes.get_legend().get_texts()] == list(SHARES)
        assert axes.get_ylim()[0] < 0 and axes.get_ylim()[1] > 1
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "share")

    def test_a_log_axis_keeps_a_place_for_0(self):
        assert self.draw(x_scale="log").get_xscale() == "symlog"
        shares = {name: line[1:] for name, line in SHARES.items()}
        assert plots.curves(X[1:], shares, x_label="x", y_label="y", x_scale="log").get_xscale() == "log"

    @pytest.mark.parametrize("line, course", [
        ([0, 1, 2], "rises"), ([2, 1, 0], "falls"), ([1, 1.01, 1], "stays level"), ([2, 0, 2], "falls, then rises"),
        ([0, 2, 0.5], "rises, then falls"),
    ])  # fmt: skip
    def test_the_alt_text_says_what_a_curve_does(self, line, course):
        axes = plots.curves(X, {"it": line, "other": [0, 2, 0]}, x_label="step", y_label="share")
        assert plots.alt_text(axes).startswith(f"Over the step: share. it {course};")


class TestRateFinder:
    RATES, LOSSES = np.geomspace(1e-4, 10, 30), np.array([*np.linspace(7, 3, 20), *np.linspace(3.4, 9, 10)])

    def test_marks_the_chosen_rate_and_what_is_too_fast(self):
        axes = plots.rate_finder(self.RATES, self.LOSSES, smoothed=self.LOSSES, chosen=0.05)
        assert axes.get_xscale() == "log"
        labels = [text.get_text() for text in axes.get_legend().get_texts()]
        assert labels == ["each step", "smoothed", "too fast"]
        assert [text.get_text() for text in axes.texts] == ["chosen: 0.05"]
        left = np.ravel(axes.patches[0].get_xy())[0]  # of a Rectangle; matplotlib 3.8 draws a Polygon
        assert left == pytest.approx(self.RATES[19])
        assert plots.alt_text(axes) == (
            "Range test: while the learning rate rises, the loss falls, then rises. "
            "The chosen rate is marked before the rise."
        )


STEPS = np.arange(1, 401)
LOSSES = 1.2 + 5 * np.exp(-STEPS / 60) + np.random.default_rng(0).normal(size=400) * 0.05
VALIDATION = ([0, 200, 400], [6.2, 1.5, 1.3])
BASELINES = {"ln V": 6.93, "unigram": 4.8, "bigram": 2.3, "exact entropy": 1.2}


def lines(axes) -> dict:
    return {line.get_label(): line for line in axes.lines}


def test_training_is_faint_and_smoothed_and_validation_is_dots():
    axes = plots.loss_curve(STEPS, LOSSES, validation=VALIDATION, title="Learning")
    drawn = lines(axes)
    assert list(drawn) == ["training", "training, smoothed", "validation"]
    assert np.array_equal(drawn["training"].get_xydata(), np.stack([STEPS, LOSSES], axis=1))
    assert drawn["training"].get_alpha() < 0.5
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


def test_baselines_are_labeled_lines_at_their_values():
    axes = plots.loss_curve(STEPS, LOSSES, baselines=BASELINES)
    drawn = lines(axes)
    assert {name: drawn[f"_{name}"].get_ydata()[0] for name in BASELINES} == BASELINES
    assert [text.get_text() for text in axes.texts] == [f"{name}  {value:.2f}" for name, value in BASELINES.items()]
    assert axes.get_ylabel() == "loss (nats per token)"
    bottom, top = axes.get_ylim()
    assert bottom < min(LOSSES.min(), 1.2) and top > 6.93


@pytest.mark.parametrize(
    "values", [(2.3, 2.29, 2.28, 2.31), (1, 1, 1, 1), (9, 8.99, 1, 1.01), tuple(np.linspace(1, 1.01, 12))]
)
def test_names_of_close_baselines_do_not_overlap(values, overlaps):
    baselines = {f"baseline {number}": value for number, value in enumerate(values)}
    axes = plots.loss_curve(STEPS, LOSSES, baselines=baselines)
    assert not overlaps(axes.texts)
    heights = [Text.get_window_extent(text).y0 for text in axes.texts]
    order = np.argsort(values, kind="stable")
    assert np.all(np.diff(np.array(heights)[order]) > 0), "names stand in the order of their lines"
    assert all(text.get_window_extent().x1 <= axes.figure.bbox.x1 for text in axes.texts)


@pytest.mark.parametrize(("first", "scale"), [(1, "log"), (0, "symlog")])
def test_log_steps_have_a_place_for_step_0(first, scale):
    axes = plots.loss_curve(STEPS - 1 + first, LOSSES, scale="log")
    assert axes.get_xscale() == scale
    assert axes.get_xlabel() == "step (log scale)"
    axes.figure.canvas.draw()
    assert {"1", "100"} <= {label.get_text() for label in axes.get_xticklabels()}


def test_alt_text_compares_in_words_and_has_no_measured_digits():
    axes = plots.loss_curve(STEPS, LOSSES, validation=VALIDATION, baselines=BASELINES)
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
        ([3], "stays level, and ends above the line bigram."),
    ],
)
def test_alt_text_follows_the_curve(losses, words):
    axes = plots.loss_curve(range(len(losses)), losses, baselines={"bigram": 2.0})
    assert plots.alt_text(axes).endswith(f"The training loss {words}")


SIZES, ABOVE_FLOOR = [1e4, 3e4, 9e4], [3.0, 1.8, 1.0]
AT = [1e4, 1e5, 1e6]
BAND = ([2.5, 0.6, 0.1], [3.0, 1.0, 0.3], [3.6, 1.6, 0.9])


def draw(**options):
    return plots.power_law(SIZES, ABOVE_FLOOR, at=AT, band=BAND, **options)


def test_trials_law_band_and_test_are_drawn_on_logarithmic_axes():
    axes = draw(tested=(3e5, 0.5), lines=[[3, 1, 0.3], [3.1, 0.9, 0.28]])
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    drawn = {line.get_label(): line.get_xydata() for line in axes.lines}
    np.testing.assert_array_equal(drawn["trials it was fitted to"], np.stack([SIZES, ABOVE_FLOOR], axis=1))
    np.testing.assert_array_equal(drawn["the law; 9 of 10 in the band"], np.stack([AT, BAND[1]], axis=1))
    np.testing.assert_array_equal(drawn["the trial it had to predict"], [[3e5, 0.5]])
    assert len(axes.lines) == 2 + 3
    assert len(axes.collections) == 1
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["trials it was fitted to", "the law; 9 of 10 in the band", "the trial it had to predict"]
