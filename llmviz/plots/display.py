"""From Axes to the page: PNG, HTML and alternative text."""

import base64
import html
import io
from contextlib import contextmanager

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from llmviz.plots._style import PIXELS_PER_INCH, plot_style

_PAGE_DPI = 150  # sharper than the page's 100, for dense screens


def alt_text(axes: Axes | np.ndarray | Figure) -> str:
    """Return the alternative text of a plot: Axes, an array of them, or a whole figure.

    >>> from llmviz import plots
    >>> plots.alt_text(plots.token_strip(["Mia", " found"], [7, 12]))
    'Token strip: 2 tokens. “Mia” (7), “·found” (12).'
    """
    parts = axes.get_axes() if isinstance(axes, Figure) else np.asarray(axes, dtype=object).ravel()
    sentences = [part.llmviz_alt_text for part in parts if hasattr(part, "llmviz_alt_text")]
    if not sentences:
        raise ValueError("This picture has no alt text: give what a function of llmviz.plots returned.")
    return " ".join(dict.fromkeys(sentences))


def _figure_of(axes: Axes | np.ndarray | Figure) -> Figure:
    alt_text(axes)
    return axes if isinstance(axes, Figure) else np.asarray(axes, dtype=object).flat[0].get_figure(root=True)


@contextmanager
def _settled(figure: Figure):
    """Lay the figure out once, at its own resolution, and hold it: every drawing of it is then the same."""
    engine = figure.get_layout_engine()
    if engine is None:
        yield
        return
    for _ in range(2):  # a color bar finds its place only on the second round
        engine.execute(figure)
    figure.set_layout_engine("none")
    try:
        yield
    finally:
        figure.set_layout_engine(engine)


def to_png(axes: Axes | np.ndarray | Figure, dpi: float = _PAGE_DPI) -> bytes:
    """Return the whole picture as PNG; the same data give the same bytes."""
    buffer = io.BytesIO()
    figure = _figure_of(axes)
    with plot_style(), _settled(figure):
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def to_html(axes: Axes | np.ndarray | Figure) -> str:
    """Return the whole picture as one `<img>` with its alt text, as `ipywidgets.HTML` takes it."""
    figure = _figure_of(axes)
    width = round(figure.get_size_inches()[0] * PIXELS_PER_INCH)
    picture = base64.b64encode(to_png(axes)).decode("ascii")
    return (
        f'<img alt="{html.escape(alt_text(figure))}" src="data:image/png;base64,{picture}" '
        f'style="width:{width}px;max-width:100%;height:auto;background:white">'
    )


class _Picture:
    def __init__(self, axes):
        self.axes = axes

    def __repr__(self) -> str:
        return alt_text(_figure_of(self.axes))

    def _repr_html_(self) -> str:
        return to_html(self.axes)


def show(axes: Axes | np.ndarray | Figure) -> None:
    """Put the picture into the page with its alt text; a terminal prints the alt text alone."""
    _figure_of(axes)
    from IPython.display import display

    display(_Picture(axes))
