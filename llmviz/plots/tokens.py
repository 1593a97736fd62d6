"""The token strip: a text as the row of boxes that a model reads."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from llmviz.plots import validation
from llmviz.plots.display import describe
from llmviz.plots.labels import count, spoken_token, text_width, token_label
from llmviz.plots.style import FAINT_INK, MAX_WIDTH, TOKEN_FILLS, new_figure, put_title, settled_size, styled

_TOKEN_SIZE, _ID_SIZE, _NOTE_SIZE = 12, 8, 9  # font sizes in points, as are all lengths below
_PADDING, _GAP, _NOTE_GAP, _MARGIN = 4, 2, 6, 8
_BOX_HEIGHT, _ID_HEIGHT, _LINE_GAP = 22, 13, 8
_TITLE_HEIGHT = 36
_MAX_LINES = 12
_SPOKEN_TOKENS = 12

_Box = tuple[float, int, float, str]  # left edge, line, width, label


@styled
def token_strip(
    tokens: Sequence[str],
    token_ids: Sequence[int] | None = None,
    *,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a text as its tokens, each in a box, with its id below.

    A space shows as ``·``, a line end as ``↵``. Long strips wrap into lines; what does not fit is counted
    in words. Raises ValueError for an empty list and for ids that are not one per token. Lesson 1.

    >>> axes = token_strip(["Mia", " found", " a", " kite"], [31, 12, 5, 40])
    >>> [box.get_label() for box in axes.patches]
    ['Mia', '·found', '·a', '·kite']
    """
    tokens = validation.text_list(tokens, "tokens")
    if token_ids is not None:
        token_ids = validation.whole_numbers(token_ids, "token_ids", len(tokens), "tokens")
    line_height = _BOX_HEIGHT + _LINE_GAP + (_ID_HEIGHT if token_ids is not None else 0)
    if ax is None:
        width, max_lines = MAX_WIDTH * 72 - 2 * _MARGIN, _MAX_LINES
    else:
        width, height = settled_size(ax)
        max_lines = max(1, int(height / line_height))
    boxes, n_left_out = _place(tokens, token_ids, width, max_lines)
    n_lines = boxes[-1][1] + 1
    if ax is None:
        ax, height = _new_axes(n_lines * line_height, title)
    ax.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])
    ax.set_axis_off()
    put_title(ax, title)
    _draw_boxes(ax, boxes, token_ids, line_height)
    if n_left_out:
        _note_at_end(ax, boxes[-1], line_height, _left_out(n_left_out))
    describe(ax, _sentences(tokens, token_ids))
    return ax


@styled
def token_strips(tokenizations: Mapping[str, Sequence[str]]) -> np.ndarray:
    """Draw several ways to cut a text below each other, each as a token strip with its title.

    tokenizations: title to tokens. Returns the Axes (n_strips,). Raises ValueError for none, and for one without
    tokens. Lesson 1.

    >>> axes = token_strips({"words": ["Mia", " ran"], "letters": list("Mia ran")})
    >>> [part.get_title() for part in axes]
    ['words', 'letters']
    """
    if not tokenizations:
        raise ValueError("There is no tokenization to draw: give at least one title with its tokens.")
    lists = {title: validation.text_list(tokens, f"the tokens of {title!r}") for title, tokens in tokenizations.items()}
    width, line_height = MAX_WIDTH * 72 - 2 * _MARGIN, _BOX_HEIGHT + _LINE_GAP
    n_lines = [_place(tokens, None, width, _MAX_LINES)[0][-1][1] + 1 for tokens in lists.values()]
    heights = [lines * line_height + 1 for lines in n_lines]
    total = sum(heights) + len(heights) * _TITLE_HEIGHT + 2 * _MARGIN
    figure = new_figure(MAX_WIDTH, total / 72, layout=None)
    side, top = _MARGIN / (MAX_WIDTH * 72), total - _MARGIN
    axes = np.empty(len(lists), dtype=object)
    for number, ((title, tokens), height) in enumerate(zip(lists.items(), heights, strict=True)):
        top -= _TITLE_HEIGHT + height
        part = figure.add_axes((side, top / total, 1 - 2 * side, height / total))
        axes[number] = token_strip(tokens, title=title, ax=part)
    return axes


def _new_axes(height: float, title: str | None) -> tuple[Axes, float]:
    title_height = _TITLE_HEIGHT if title else 0
    total = height + 2 * _MARGIN + title_height
    margin = _MARGIN / (MAX_WIDTH * 72)
    figure = new_figure(MAX_WIDTH, total / 72, layout=None)
    return figure.add_axes((margin, _MARGIN / total, 1 - 2 * margin, height / total)), height


def _left_out(n_tokens: int) -> str:
    return f"… and {count(n_tokens, 'more token')}"


def _place(tokens, token_ids, width: float, max_lines: int) -> tuple[list[_Box], int]:
    """Return the boxes that fit, and the number of tokens that do not."""
    note_width = text_width(_left_out(len(tokens)), _NOTE_SIZE) + _NOTE_GAP
    boxes: list[_Box] = []
    x, line = 0.0, 0
    for position, token in enumerate(tokens):
        label = token_label(token)
        content = text_width(label, _TOKEN_SIZE)
        if token_ids is not None:
            content = max(content, text_width(str(token_ids[position]), _ID_SIZE))
        box_width = min(content + 2 * _PADDING, width)
        if x > 0 and x + box_width > width:
            x, line = 0.0, line + 1
        if line == max_lines:
            break
        boxes.append((x, line, box_width, label))
        x += box_width + _GAP
    else:
        return boxes, 0
    while len(boxes) > 1 and boxes[-1][0] + boxes[-1][2] + note_width > width:
        boxes.pop()
    return boxes, len(tokens) - len(boxes)


def _draw_boxes(ax: Axes, boxes: list[_Box], token_ids: list[int] | None, line_height: float) -> None:
    centerd = {"ha": "center", "va": "center"}
    for position, (x, line, width, label) in enumerate(boxes):
        y, middle = line * line_height, x + width / 2
        fill = TOKEN_FILLS[position % len(TOKEN_FILLS)]
        box = Rectangle((x, y), width, _BOX_HEIGHT, facecolor=fill, edgecolor=FAINT_INK, linewidth=0.7)
        box.set(label=label, clip_on=False)
        ax.add_patch(box)
        ax.text(middle, y + _BOX_HEIGHT / 2, label, size=_TOKEN_SIZE, **centerd)
        if token_ids is not None:
            id_middle = y + _BOX_HEIGHT + _ID_HEIGHT / 2
            ax.text(middle, id_middle, str(token_ids[position]), size=_ID_SIZE, color=FAINT_INK, **centerd)


def _note_at_end(ax: Axes, last_box: _Box, line_height: float, note: str) -> None:
    x, line, width, _ = last_box
    place = (x + width + _NOTE_GAP, line * line_height + _BOX_HEIGHT / 2)
    ax.text(*place, note, size=_NOTE_SIZE, color=FAINT_INK, ha="left", va="center")


def _sentences(tokens: list[str], token_ids: list[int] | None) -> str:
    named = [spoken_token(token) for token in tokens[:_SPOKEN_TOKENS]]
    if token_ids is not None:
        named = [f"{name} ({token_id})" for name, token_id in zip(named, token_ids, strict=False)]
    rest = f" and {count(len(tokens) - len(named), 'more token')}" if len(tokens) > len(named) else ""
    return f"Token strip: {count(len(tokens), 'token')}. {', '.join(named)}{rest}."
