"""The power law with its band, and the trial that it had to predict."""

import numpy as np
import pytest

from llmviz import plots

SIZES, LOSSES = [1e4, 3e4, 9e4], [3.0, 1.8, 1.0]
AT = [1e4, 1e5, 1e6]
BAND = ([2.5, 0.6, 0.1], [3.0, 1.0, 0.3], [3.6, 1.6, 0.9])


def draw(**options):
    return plots.power_law(SIZES, LOSSES, at=AT, band=BAND, **options)


def test_trials_law_band_and_test_are_drawn_on_logarithmic_axes():
    axes = draw(tested=(3e5, 0.5), title="Your law", lines=[[3, 1, 0.3], [3.1, 0.9, 0.28]])
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    drawn = {line.get_label(): line.get_xydata() for line in axes.lines}
    np.testing.assert_array_equal(drawn["trials it was fitted to"], np.stack([SIZES, LOSSES], axis=1))
    np.testing.assert_array_equal(drawn["the law; 9 of 10 in the band"], np.stack([AT, BAND[1]], axis=1))
    np.testing.assert_array_equal(drawn["the trial it had to predict"], [[3e5, 0.5]])
    assert len(axes.lines) == 2 + 3
    assert len(axes.collections) == 1
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["trials it was fitted to", "the law; 9 of 10 in the band", "the trial it had to predict"]


def test_the_alt_text_does_not_depend_on_digits():
    assert plots.alt_text(draw()) == "Power law through 3 trials: the loss falls as the size grows."
    assert plots.alt_text(draw(tested=(3e5, 0.5))).endswith("The trial it had to predict is marked.")


def test_title_and_legend_are_clear_of_one_another(overlaps):
    axes = draw(tested=(3e5, 0.5), title="Your law")
    assert not overlaps([axes.title, axes.get_legend()])
    assert plots.to_png(axes, 40)


@pytest.mark.parametrize("sizes, losses, options, sentence", [
    ([1.0, 0.0], [1.0, 2.0], {}, "sizes must be above 0"),
    ([1.0, 2.0], [1.0, -2.0], {}, "losses must be above 0"),
    ([1.0, 2.0], [1.0], {}, "2 sizes, 1 losses"),
    ([1.0], [1.0], {"band": ([1.0], [1.0], [1.0])}, "3 places and a band of 1, 1 and 1"),
])  # fmt: skip
def test_bad_input_gets_a_sentence(sizes, losses, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        plots.power_law(sizes, losses, **{"at": AT, "band": BAND, **options})
