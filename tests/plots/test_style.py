"""The look of all plots, and from Axes to the page: PNG, HTML, alternative text."""

import base64
import io
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from matplotlib import rc_context
from matplotlib.colors import to_rgb
from PIL import Image

from llmviz import plots
from llmviz.plots import _style, diagrams

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # of linear red, green and blue


def strip(*tokens: str):
    return plots.token_strip(tokens or ["Mia", " found"])


class Images(HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_html_is_one_image_with_its_alt_text():
    axes = strip("<img onerror='x'>", '"quoted" & more')
    look, (tag, attributes) = Images(plots.to_html(axes)).found
    assert look == ("style", {}) and (tag, attributes["class"]) == ("img", "llmviz-plot")
    assert attributes["alt"] == plots.alt_text(axes)
    assert "max-width:100%" in attributes["style"]
    kind, _, payload = attributes["src"].partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(payload) == plots.to_png(axes)


def test_the_picture_is_an_opaque_white_card_whatever_the_learners_style():
    with rc_context(
        {"figure.facecolor": "black", "savefig.facecolor": "black", "text.color": "white", "font.size": 30}
    ):
        axes = plots.loss_curve([1, 2, 3], [3, 2, 1], baselines={"bigram": 2})
        styled = plots.to_png(axes)
    assert styled == plots.to_png(plots.loss_curve([1, 2, 3], [3, 2, 1], baselines={"bigram": 2}))
    corner = Image.open(io.BytesIO(styled)).convert("RGBA").getpixel((0, 0))
    assert corner == (255, 255, 255, 255)


def in_a_dark_theme(color) -> np.ndarray:
    """What `filter: invert(.93) hue-rotate(180deg)` makes of a color (Filter Effects 1, sections 8.5 and 8.6)."""
    inverted = 0.93 - 0.86 * np.array(to_rgb(color))
    weights = np.array([0.213, 0.715, 0.072])  # of hue-rotate: twice the lightness, minus the color
    return np.clip(2 * weights @ inverted - inverted, 0, 1)


def luminance(color) -> float:
    return float(np.where((c := np.array(color)) <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ LUMINANCE)


def contrast(color, background) -> float:
    low, high = sorted((luminance(color), luminance(background)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("background", ["white", *_style.TOKEN_FILLS, "#f0f0f0", "#fafafa"])
def test_texts_can_be_read_in_both_themes(background):
    """WCAG 2 asks 4.5 : 1 of small text; and of lines that carry data, 3 : 1."""
    assert "invert(.93) hue-rotate(180deg)" in _style._DARK_THEME
    for ink in (_style.INK, diagrams._NOTE_INK, *([_style.FAINT_INK] if background == "white" else [])):
        assert contrast(to_rgb(ink), to_rgb(background)) >= 4.5
        assert contrast(in_a_dark_theme(ink), in_a_dark_theme(background)) >= 4.5


def test_a_picture_melts_into_a_dark_page():
    """White becomes the dark gray of JupyterLab (#111111) and of pages (#16181b), to a few steps of 255."""
    for page in ("#111111", "#16181b"):
        assert np.abs(in_a_dark_theme("white") - to_rgb(page)).max() * 255 <= 10


def test_the_same_data_give_the_same_bytes_without_a_date_or_a_version():
    one, other = plots.to_png(strip()), plots.to_png(strip())
    assert one == other
    assert not {"Software", "Creation Time", "date"} & Image.open(io.BytesIO(one)).info.keys()


def test_show_in_a_notebook_gives_the_image_and_the_alt_text_and_nothing_else():
    axes = strip()
    InteractiveShell.instance()
    try:
        with capture_output() as captured:
            assert plots.show(axes) is None
    finally:
        InteractiveShell.clear_instance()
    (output,) = captured.outputs
    assert output.data == {"text/html": plots.to_html(axes), "text/plain": plots.alt_text(axes)}


def test_a_mosaic_has_one_alt_text_for_all_its_parts():
    axes = plots.attention_heads(np.array([[np.eye(3)] * 3]), list("abc"))
    assert plots.alt_text(axes) == plots.alt_text(axes[0, 0]) == plots.alt_text(axes[0, 0].figure)
    assert plots.to_png(axes) == plots.to_png(axes[0, 2])


def test_a_dollar_is_a_dollar_outside_the_house_style_too():
    axes = plots.attention_heatmap([[1, 0], [0.5, 0.5]], ["$x^2$", "$\\frac{$"], title="$x$")
    axes.figure.canvas.draw()
    every = [*axes.get_xticklabels(), *axes.get_yticklabels(), axes.title, *axes.texts]
    assert not any(text.get_parse_math() for text in every)


def test_tensors_are_welcome_even_when_they_learn():
    torch = pytest.importorskip("torch")
    logits = torch.zeros(4, requires_grad=True)
    bars = plots.next_token_bars(torch.softmax(logits, 0), list("abcd"))
    assert [bar.get_width() for bar in bars.patches] == [0.25] * 4
    half = torch.eye(2, dtype=torch.bfloat16)
    mask = torch.tril(torch.ones(2, 2, dtype=torch.bool))
    assert plots.alt_text(plots.attention_heatmap(half, ["a", "b"], mask=mask))
    assert plots.token_strip(["a", "b"], torch.tensor([5, 6])).texts[1].get_text() == "5"


def test_drawing_leaves_no_trace_in_pyplot_or_the_settings():
    script = """
import sys, warnings
warnings.simplefilter("error")
warnings.simplefilter("ignore", DeprecationWarning)  # an old matplotlib with a new pyparsing
import matplotlib
before = dict(matplotlib.rcParams)
from llmviz import plots
for _ in range(25):
    axes = plots.token_strip(["Mia"])
plots.to_png(axes)
assert dict(matplotlib.rcParams) == before
heavy = {"torch", "matplotlib.pyplot", "ipywidgets", "IPython", "tkinter"} & sys.modules.keys()
assert not heavy, heavy
"""
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
