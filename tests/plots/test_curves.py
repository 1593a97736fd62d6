"""Curves with names, and the range test."""

import hostile
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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

    def test_title_and_legend_are_clear_of_one_another(self, overlaps):
        axes = self.draw(title="Growing up")
        assert not overlaps([axes.title, axes.get_legend()])

    @pytest.mark.parametrize("line, course", [
        ([0, 1, 2], "rises"), ([2, 1, 0], "falls"), ([1, 1.01, 1], "stays level"), ([2, 0, 2], "falls, then rises"),
        ([0, 2, 0.5], "rises, then falls"),
    ])  # fmt: skip
    def test_the_alt_text_says_what_a_curve_does(self, line, course):
        axes = plots.curves(X, {"it": line, "other": [0, 2, 0]}, x_label="step", y_label="share")
        assert plots.alt_text(axes).startswith(f"Over the step: share. it {course};")

    @pytest.mark.parametrize("x, values, options, sentence", [
        ([0, 1], {"a": [1.0]}, {}, "'a' has 1 values, but x has 2"),
        ([1, 0], {"a": [1, 2]}, {}, "must not go back"),
        ([0, 1], {}, {}, "from 1 to 8 of them; given 0"),
        ([0, 1], [1, 2], {}, "given list"),
        ([0, 1], {"a": [1, np.nan]}, {}, "must be finite"),
        ([0, 1], {"a": [1, 2]}, {"x_scale": "cubic"}, "'cubic'"),
    ])  # fmt: skip
    def test_bad_input_gets_a_sentence(self, x, values, options, sentence):
        with pytest.raises(ValueError, match=sentence):
            plots.curves(x, values, x_label="x", y_label="y", **options)

    @settings(max_examples=10)
    @given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), hostile.tokens)
    def test_anything_can_be_drawn(self, line, name):
        axes = plots.curves(X, {name: line}, x_label=name, y_label=name, x_scale="log", title=name)
        assert plots.to_png(axes, 40) and plots.alt_text(axes).encode("utf-8")


class TestRateFinder:
    RATES, LOSSES = np.geomspace(1e-4, 10, 30), np.array([*np.linspace(7, 3, 20), *np.linspace(3.4, 9, 10)])

    def test_marks_the_chosen_rate_and_what_is_too_fast(self):
        axes = plots.rate_finder(self.RATES, self.LOSSES, smoothed=self.LOSSES, chosen=0.05)
        assert axes.get_xscale() == "log"
        labels = [text.get_text() for text in axes.get_legend().get_texts()]
        assert labels == ["each step", "smoothed", "too fast"]
        assert [text.get_text() for text in axes.texts] == ["chosen: 0.05"]
        assert axes.patches[0].get_x() == pytest.approx(self.RATES[19])
        assert plots.alt_text(axes) == (
            "Range test: while the learning rate rises, the loss falls, then rises. "
            "The chosen rate is marked before the rise."
        )

    @pytest.mark.parametrize("rates, losses, sentence", [
        ([0.0, 1.0], [1.0, 2.0], "above 0 and rise"),
        ([1.0, 1.0], [1.0, 2.0], "above 0 and rise"),
        ([1.0, 2.0], [1.0], "given 2 rates, 1 and 1 losses"),
    ])  # fmt: skip
    def test_bad_input_gets_a_sentence(self, rates, losses, sentence):
        with pytest.raises(ValueError, match=sentence):
            plots.rate_finder(rates, losses, smoothed=losses)
