"""Diagrams of how a language model works: boxes and arrows, and a text that names them in order.

Blue with round ends is data, orange with corners holds learned weights, gray is an operation. All are narrow
enough for a phone. What is in each stands in diagrams.toml.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.path import Path
from matplotlib.text import Text

from llmviz.plots import _style as style
from llmviz.plots._labels import text_width
from llmviz.plots._style import describe, new_figure, styled

_WIDTH, _COLUMN, _ROW = 5.0, 1.6, 0.62  # inches, as are all lengths below; three columns
_MARGIN, _BOX_HEIGHT, _COLUMN_GAP, _PADDING, _CORNER, _ARROW_GAP = 0.1, 0.4, 0.16, 0.15, 0.12, 0.03
_LABEL_SIZE, _NOTE_SIZE, _SMALL_SIZE = 12.5, 11.5, 10.5  # points
_NOTE_INK = "#4d4d4d"
# The name in the legend, the color of the box and of its border, how round it is, and the dashes of its border.
_KINDS = {
    "data": ("data", "#d9ebf7", style.BLUE, 0.2, "solid"),
    "learned": ("learned", "#fdebc8", style.ORANGE, 0.0, "solid"),
    "frozen": ("frozen", "#fffaf0", style.ORANGE, 0.0, "dashed"),
    "operation": ("operation", "#f0f0f0", style.FAINT_INK, 0.08, "solid"),
}


@dataclass(frozen=True)
class _Box:
    """A box at a row and a column (of its middle), so many columns wide.

    `label` is shown instead of the name; `note` stands to the right in it.
    """

    name: str
    kind: str
    row: float
    column: float = 1
    width: float = 3
    label: str = ""
    note: str = ""

    @property
    def said(self) -> str:
        return self.label or self.name

    @property
    def middle(self) -> tuple[float, float]:
        return _MARGIN + (self.column + 0.5) * _COLUMN, _MARGIN + self.row * _ROW + _BOX_HEIGHT / 2

    @property
    def half(self) -> float:
        return (self.width * _COLUMN - _COLUMN_GAP) / 2


@dataclass(frozen=True)
class _Arrow:
    """An arrow between two boxes: straight, round one corner, or along a lane (a column) beside them."""

    start: str
    stop: str
    label: str
    lane: float | None


_Point = tuple[float, float]
_DIAGRAMS = tomllib.loads(files(__package__).joinpath("diagrams.toml").read_text("utf-8"))


@styled
def pipeline() -> Axes:
    """Draw the whole way from a text to its next token, on a text of the tiny GPT. Lesson 0."""
    return _draw(**_DIAGRAMS["pipeline"])


@styled
def self_attention() -> Axes:
    """Draw scaled dot-product self-attention with its four projections. Lesson 3."""
    return _draw(**_DIAGRAMS["self_attention"])


@styled
def decoder_block(*, llama: bool = False) -> Axes:
    """Draw the decoder block of GPT-2 or Llama: each sublayer reads the residual stream and adds its output to it.
    Lessons 4 and 10.
    """
    return _draw(**_DIAGRAMS["llama_block" if llama else "decoder_block"])


@styled
def encoder_decoder() -> Axes:
    """Draw an encoder–decoder Transformer, without its residual connections and LayerNorm. Lesson 4."""
    return _draw(**_DIAGRAMS["encoder_decoder"])


@styled
def lora() -> Axes:
    """Draw low-rank adaptation: beside the frozen matrix W, two narrow ones learn the change B A. Lesson 6."""
    return _draw(**_DIAGRAMS["lora"])


@styled
def retrieval() -> Axes:
    """Draw retrieval-augmented generation (RAG). Lesson 8."""
    return _draw(**_DIAGRAMS["retrieval"])


@styled
def training_script() -> Axes:
    """Draw the steps of a script that trains a language model and samples from it. Lesson 9."""
    return _draw(**_DIAGRAMS["training_script"])


def _draw(title: str, boxes: list[dict], arrows: list[dict], frames: Sequence[dict[str, str]] = ()) -> Axes:
    """Draw boxes, arrows, frames, and a legend below."""
    boxes = {box["name"]: _Box(**box) for box in boxes}
    arrows = [
        _Arrow(*pair, arrow.get("label", ""), arrow.get("lane")) for arrow in arrows for pair in pairwise(arrow["way"])
    ]
    height = (max(box.row for box in boxes.values()) + 1) * _ROW + 2 * _MARGIN + 0.2
    ax = new_figure(_WIDTH, height, layout=None).add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, _WIDTH), ylim=(height, 0))
    ax.set_axis_off()
    for frame in frames:
        _draw_frame(ax, frame["heading"], boxes[frame["first"]], boxes[frame["last"]])
    for arrow in arrows:
        _draw_arrow(ax, _route(boxes[arrow.start], boxes[arrow.stop], arrow.lane), arrow)
    for box in boxes.values():
        _draw_box(ax, box)
    _draw_legend(ax, [kind for kind in _KINDS if any(box.kind == kind for box in boxes.values())], height - 0.2)
    describe(ax, _text(title, boxes, arrows, frames))
    return ax


def _rectangle(ax: Axes, kind: str, x: float, y: float, width: float, height: float) -> FancyBboxPatch:
    """Add the shape of a kind of box; as wide as high, an operation is a circle."""
    _, fill, edge, rounding, dashes = _KINDS[kind]
    shape = f"round,pad=0,rounding_size={min(rounding, height / 2)}" if rounding else "square,pad=0"
    if rounding and width < 1.2 * height:
        shape = "circle,pad=0"
    look = {"facecolor": fill, "edgecolor": edge, "linestyle": dashes, "linewidth": 1.5, "zorder": 2}
    return ax.add_patch(FancyBboxPatch((x, y), width, height, boxstyle=shape, **look))


def _write(ax: Axes, x: float, y: float, text: str, size: float, **look) -> Text:
    """Write a text; `W_Q` gets a subscript."""
    formula = re.sub(r"\bW_(\w)\b", r"$W_\1$", text)
    look = {"size": size, "va": "center_baseline", "zorder": 3} | look
    return ax.text(x, y, formula, parse_math=formula != text, **look)


def _draw_box(ax: Axes, box: _Box) -> None:
    (x, y), label = box.middle, box.said
    _rectangle(ax, box.kind, x - box.half, y - _BOX_HEIGHT / 2, 2 * box.half, _BOX_HEIGHT).set_label(label)
    if box.note:
        _write(ax, x - box.half + _PADDING, y, label, _LABEL_SIZE)
        _write(ax, x + box.half - _PADDING, y, box.note, _NOTE_SIZE, ha="right", color=_NOTE_INK)
    else:
        _write(ax, x, y, label, _LABEL_SIZE, ha="center")


def _draw_frame(ax: Axes, heading: str, first: _Box, last: _Box) -> None:
    x, top, bottom = first.middle[0] - first.half, first.middle[1], last.middle[1]
    corner, width = (x - 0.07, top - _BOX_HEIGHT / 2 - 0.3), 2 * first.half + 0.14
    look = {"facecolor": "#fafafa", "edgecolor": style.HATCH_INK, "linestyle": "dashed", "zorder": 0}
    ax.add_patch(Rectangle(corner, width, bottom - top + _BOX_HEIGHT + 0.37, **look))
    _write(ax, x, corner[1] + 0.15, heading, _SMALL_SIZE, color=_NOTE_INK)


def _draw_legend(ax: Axes, kinds: list[str], y: float) -> None:
    x = _MARGIN + _COLUMN_GAP / 2
    for kind in kinds:
        _rectangle(ax, kind, x, y - 0.09, 0.28, 0.18)
        name = _KINDS[kind][0]
        _write(ax, x + 0.36, y, name, _SMALL_SIZE)
        x += 0.56 + text_width(name, _SMALL_SIZE) / 72


def _draw_arrow(ax: Axes, points: list[_Point], arrow: _Arrow) -> None:
    """Draw an arrow with round corners; its label stands at the middle of it."""
    vertices, codes = [points[0]], [Path.MOVETO]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        vertices += [_toward(corner, before), corner, _toward(corner, after)]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    path = Path([*vertices, points[-1]], [*codes, Path.LINETO])
    look = {"arrowstyle": "-|>", "mutation_scale": 13, "linewidth": 1.5, "color": style.INK, "zorder": 1}
    ax.add_patch(FancyArrowPatch(path=path, **look))
    (x, y1), (x2, y2) = points[len(points) // 2 - 1 : len(points) // 2 + 1]
    if arrow.lane is not None:
        side = 0.14 if arrow.lane > 1 else -0.14
        _write(ax, x + side, (y1 + y2) / 2, arrow.label, _SMALL_SIZE, rotation=90, ha="center", va="center")
    elif y1 == y2:
        _write(ax, (x + x2) / 2, y1 - 0.14, arrow.label, _SMALL_SIZE, ha="center")
    else:
        _write(ax, x + 0.12, (y1 + y2) / 2, arrow.label, _SMALL_SIZE)


def _toward(corner: _Point, other: _Point) -> _Point:
    """The point on the way to another one at which the line begins to bend."""
    distance = max(abs(other[0] - corner[0]), abs(other[1] - corner[1]))
    share = min(0.5, _CORNER / distance)
    return corner[0] + share * (other[0] - corner[0]), corner[1] + share * (other[1] - corner[1])


def _route(start: _Box, stop: _Box, lane: float | None) -> list[_Point]:
    """The corners of an arrow, from border to border."""
    (x1, y1), (x2, y2) = start.middle, stop.middle
    side = 1 if (x2 if lane is None else lane) > (x1 if lane is None else start.column) else -1
    from_start, to_stop = side * (start.half + _ARROW_GAP), side * (stop.half + _ARROW_GAP)
    down = _BOX_HEIGHT / 2 + _ARROW_GAP
    if lane is not None:
        x = _MARGIN + (lane + 0.5) * _COLUMN
        return [(x1 + from_start, y1), (x, y1), (x, y2), (x2 + to_stop, y2)]
    if y1 == y2:
        return [(x1 + from_start, y1), (x2 - to_stop, y2)]
    if abs(x2 - x1) < max(start.half, stop.half):
        x = x2 if start.half >= stop.half else x1
        return [(x, y1 + down), (x, y2 - down)]
    return [(x1, y1 + down), (x1, y2), (x2 - to_stop, y2)]


def _text(title: str, boxes: Mapping[str, _Box], arrows: Sequence[_Arrow], frames: Sequence[dict[str, str]]) -> str:
    """The parts in order, and what leads where; arrows that follow one another are one way."""
    parts = [f"{box.said} ({_KINDS[box.kind][0]}{': ' * bool(box.note)}{box.note})" for box in boxes.values()]
    ways, last = [], None
    for arrow in arrows:
        step = f" → {boxes[arrow.stop].said}" + (f" ({arrow.label})".replace("\n", " ") if arrow.label else "")
        if arrow.start == last:
            ways[-1] += step
        else:
            ways.append(boxes[arrow.start].said + step)
        last = arrow.stop
    inside = [
        f" {frame['heading']}: from {boxes[frame['first']].said} to {boxes[frame['last']].said}." for frame in frames
    ]
    return f"Diagram: {title}. Parts: {', '.join(parts)}. Arrows: {'; '.join(ways)}.{''.join(inside)}"
