"""The shell's pure functions in node: keys, pins, numbers with a sign, CSV, colors judged by matplotlib."""

import csv
import io

import matplotlib
import numpy as np
from counter import MODULE
from nodes import needs_node, node
from plots.hostile import NASTY

from llmviz.plots._style import OKABE_ITO
from llmviz.widgets.base import JS

COLORS = JS / "colors.js"
pytestmark = needs_node


def test_arrow_keys_walk_a_grid_and_stop_at_its_walls():
    keys = [["ArrowRight", 0], ["ArrowLeft", 0], ["ArrowDown", 0], ["ArrowUp", 5], ["ArrowDown", 5], ["Home", 4],
            ["End", 4], ["b", 4]]  # fmt: skip
    found = node(MODULE, "return given.map(([key, index]) => rovingStep(key, index, 7, 3))", keys)
    assert found == [1, 0, 3, 2, 5, 0, 6, None]


def test_two_pins_at_most_and_a_third_takes_the_place_of_the_second():
    program = "return given.reduce((pins, target) => pinned(pins, target), [])"
    assert node(MODULE, program, [[0, 1], [2, 3]]) == [[0, 1], [2, 3]]
    assert node(MODULE, program, [[0, 1], [2, 3], [4, 5]]) == [[0, 1], [4, 5]]
    assert node(MODULE, program, [[0, 1], [2, 3], [0, 1]]) == [[2, 3]]


def test_a_difference_has_its_sign_and_nothing_has_none():
    numbers = [0.5, -0.25, 0, -0.001, 0.001, 1, -12.345]
    assert node(MODULE, "return given.map((one) => signed(one))", numbers) == [
        "+0.50", "−0.25", "±0.00", "±0.00", "±0.00", "+1.00", "−12.35",
    ]  # fmt: skip


def test_csv_is_read_back_by_python_and_holds_no_formula():
    cells = [text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in NASTY] + ["-1.5", "a\r\nb"]
    risky = ["=1+1", "+1", "@cmd", "-x", "\tx", "\rx"]
    text = node(MODULE, "return csv({ columns: ['x', 'y'], rows: given.map((one) => [one, '1']) })", cells + risky)
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0] == ["x", "y"] and {row[1] for row in rows[1:]} == {"1"}
    assert [row[0] for row in rows[-6:]] == [f"'{one}" for one in risky]
    for given, (found, _) in zip(cells, rows[1:], strict=False):
        assert found == (f"'{given}" if given[:1] in tuple("=+@\t\r") and given else given)


def test_viridis_is_viridis():
    steps = np.linspace(0, 1, 33)
    judge = matplotlib.colormaps["viridis"](steps)[:, :3] * 255
    found = np.array(node(COLORS, "return given.map(viridis)", steps.tolist()))
    assert np.abs(found - judge).max() <= 6
    assert node(COLORS, "return [viridis(-1), viridis(2)]") == [[68, 1, 84], [253, 231, 37]]


def test_differences_are_white_at_zero_and_as_strong_to_both_sides():
    low, zero, high = (np.array(rgb) for rgb in node(COLORS, "return [-1, 0, 1].map(diverging)"))
    assert zero.min() > 240 and low[2] > low[0] and high[0] > high[2]
    luminance = np.array([0.299, 0.587, 0.114])
    assert abs(low @ luminance - high @ luminance) < 30


def test_the_groups_colors_are_those_of_the_figures_but_for_black():
    """Black, unseen on a dark page, is gray."""
    figures = {color.lower() for color in OKABE_ITO}
    assert set(node(COLORS, "return OKABE_ITO")) == figures - {"#000000"} | {"#999999"}


def test_ink_on_any_color_can_be_read():
    """Contrast by the WCAG's formula: at least 4.5 on every step of both scales."""
    program = """return [viridis, diverging].flatMap((scale) => Array.from({ length: 101 }, (_, i) => {
        const color = scale(scale === diverging ? i / 50 - 1 : i / 100); return [color, inkOn(color)]; }))"""
    for color, ink in node(COLORS, program):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in np.array(color) / 255]
        light = float(np.dot(linear, [0.2126, 0.7152, 0.0722]))
        contrast = (light + 0.05) / 0.05 if ink == "#000" else 1.05 / (light + 0.05)
        assert contrast >= 4.5, (color, ink, contrast)
