"""The look of all plots, and their way into the page: figures, colors, legends, PNG, HTML and alternative text."""

import base64
import functools
import html
import io
import textwrap
from collections.abc import Callable
from contextlib import contextmanager

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from PIL import Image

from llmviz.plots._labels import font_families, prose_label
from llmviz.plots._validation import named_errors

MAX_WIDTH = 8.5  # inches; 850 pixels in a page
PIXELS_PER_INCH = 100
_PAGE_DPI = 150  # sharper than the page's 100, for dense screens

INK = "#222222"
FAINT_INK = "#6b6b6b"
GRID = "#e4e4e4"
HATCH_INK = "#b5b5b5"
BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, BLACK, YELLOW = OKABE_ITO = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#F0E442",
)  # fmt: skip
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
MARKER_NAMES = ("circles", "squares", "triangles", "diamonds", "downward triangles", "plus signs", "crosses", "stars")
TOKEN_FILLS = ("#d9ebf7", "#fdebc8")  # pale sky blue and pale orange
PROBABLE = LinearSegmentedColormap.from_list("probable", ("#ffffff", "#86bfe8"))  # black text can be read on all of it
HATCH = "////"
SEQUENTIAL = "YlGnBu"  # near white at 0: in a dark theme, where lightness is inverted, near black
# Dark themes of JupyterLab, of exported pages and of VS Code invert a picture's lightness and keep its hues.
_DARK_THEME = (
    '<style>@media screen{[data-jp-theme-light="false"] .llmviz-plot,.vscode-dark .llmviz-plot'
    "{filter:invert(.93) hue-rotate(180deg);mix-blend-mode:lighten}}</style>"
)

_SETTINGS = {
    "axes.edgecolor": FAINT_INK, "axes.axisbelow": True, "axes.spines.right": False, "axes.spines.top": False,
    "axes.labelcolor": INK, "axes.labelsize": 10, "axes.titlecolor": INK, "axes.titlesize": 11,
    "axes.facecolor": "white", "figure.facecolor": "white", "savefig.facecolor": "white",
    "figure.constrained_layout.h_pad": 0.08, "figure.constrained_layout.w_pad": 0.08,
    "font.size": 10, "text.color": INK, "text.parse_math": False,  # a `$` in a token is a dollar sign
    "grid.color": GRID, "hatch.linewidth": 0.8, "legend.fontsize": 9, "legend.frameon": False,
    "xtick.color": INK, "ytick.color": INK, "xtick.labelsize": 9, "ytick.labelsize": 9,
}  # fmt: skip


def plot_style():
    """Return the context in which plots are drawn, whatever style the notebook's own plots have."""
    return style.context(["default", _SETTINGS | {"font.family": list(font_families())}])


def styled(plot: Callable) -> Callable:
    """Draw a plot in this style."""

    @named_errors(plot.__name__)
    @functools.wraps(plot)
    def in_style(*arguments, **options):
        with plot_style():
            return plot(*arguments, **options)

    return in_style


def new_figure(width: float, height: float, layout: str | None = "constrained") -> Figure:
    """Return a figure (inches) outside pyplot, so that none piles up or is shown twice."""
    figure = Figure(figsize=(min(width, MAX_WIDTH), height), layout=layout)
    FigureCanvasAgg(figure)
    return figure


def new_axes(width: float, height: float) -> Axes:
    """Return the Axes of a new figure of this size in inches."""
    return new_figure(width, height).add_subplot()


def describe(axes: Axes, text: str) -> None:
    """Keep the alternative text with the Axes that it describes."""
    axes.llmviz_alt_text = text


def tidy(axes: Axes, grid: str = "both") -> None:
    """Give the Axes a faint grid behind the data."""
    axes.grid(axis=grid, color=GRID)


def legend_above(axes: Axes) -> None:
    """Put the legend between the title and the data."""
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2)


def put_title(axes: Axes, title: str | None, *, over_legend: bool = False) -> None:
    """Write the title, broken into lines that fit the figure."""
    if title:
        inches = axes.figure.figure.get_size_inches()[0] * axes.get_position().width
        axes.set_title(textwrap.fill(prose_label(str(title)), max(12, int(inches * 11))), pad=26 if over_legend else 6)


def settled_size(axes: Axes) -> tuple[float, float]:
    """Lay the figure out and return the size of the Axes in points."""
    figure = axes.figure.figure  # of a subfigure the whole one; matplotlib before 3.10 has no get_figure(root=True)
    figure.draw_without_rendering()
    extent = axes.get_window_extent()
    return extent.width * 72 / figure.dpi, extent.height * 72 / figure.dpi


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
    return axes if isinstance(axes, Figure) else np.asarray(axes, dtype=object).flat[0].figure.figure


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
    """Return the whole picture as PNG with a palette; the same data give the same bytes."""
    buffer, figure = io.BytesIO(), _figure_of(axes)
    with plot_style(), _settled(figure):
        figure.savefig(buffer, format="png", dpi=dpi, pil_kwargs={"compress_level": 0})
    return with_few_colors(buffer.getvalue())


def with_few_colors(png: bytes) -> bytes:
    """Return a PNG with few colors: areas stay within 8 of 255, the edges of lines and letters within 32."""
    picture, buffer = Image.open(io.BytesIO(png)).convert("RGB"), io.BytesIO()
    chosen = np.empty((0, 3), int)
    for n_pixels, color in sorted(picture.getcolors(picture.width * picture.height), reverse=True):
        if len(chosen) < 256 and (np.abs(chosen - color).max(axis=1) > (32 if n_pixels < 100 else 8)).all():
            chosen = np.vstack([chosen, color])
    palette = Image.new("P", (1, 1))
    palette.putpalette(chosen.ravel().tolist())
    picture.quantize(palette=palette, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def to_html(axes: Axes | np.ndarray | Figure) -> str:
    """Return the whole picture as one `<img>` with its alt text, as `ipywidgets.HTML` takes it."""
    figure = _figure_of(axes)
    width = round(figure.get_size_inches()[0] * PIXELS_PER_INCH)
    picture = base64.b64encode(to_png(axes)).decode("ascii")
    return (
        f'{_DARK_THEME}<img class="llmviz-plot" alt="{html.escape(alt_text(figure))}" '
        f'src="data:image/png;base64,{picture}" style="width:{width}px;max-width:100%;height:auto;background:white">'
    )


def show(axes: Axes | np.ndarray | Figure) -> None:
    """Put the picture into the page with its alt text; a terminal prints the alt text alone."""
    from IPython.display import display

    display({"text/plain": alt_text(_figure_of(axes)), "text/html": to_html(axes)}, raw=True)
