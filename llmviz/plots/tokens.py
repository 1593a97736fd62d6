"""A text as its tokens: boxes with ids, and the loss at each token."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from llmviz.plots import _style as style
from llmviz.plots import _validation as validation
from llmviz.plots._labels import count, prose_label, spoken_prose, spoken_token, text_width, token_label
from llmviz.plots._style import describe, legend_above, new_axes, new_figure, put_title, styled, tidy

_TOKEN_SIZE, _ID_SIZE, _NOTE_SIZE = 12, 8, 9  # font sizes in points, as are all lengths below
_PADDING, _GAP, _NOTE_GAP, _MARGIN = 4, 2, 6, 8
_BOX_HEIGHT, _ID_HEIGHT, _LINE_GAP = 22, 13, 8
_TITLE_HEIGHT = 26
_BRANCH = 8
_WIDTH = style.MAX_WIDTH * 72 - 2 * _MARGIN
_LEAST_WIDTH = 210
_MAX_LINES = 12
_SPOKEN_TOKENS = 12

_Box = tuple[float, int, float, str]  # left edge, line, width, label


@styled
def token_strip(tokens: Sequence[str], token_ids: Sequence[int] | None = None) -> Axes:
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
    return _draw_strips([("", tokens, token_ids)])[0]


@styled
def token_strips(
    tokenizations: Mapping[str, Sequence[str]], token_ids: Mapping[str, Sequence[int]] | None = None,
    probabilities: Mapping[str, Sequence[float]] | None = None,
) -> np.ndarray:  # fmt: skip
    """Draw several tokenizations below each other, each as a token strip with its title.

    tokenizations: title to tokens; token_ids: title to their ids; probabilities: title to those of its tokens, drawn as
    color, from white at 0 to blue at 1. Returns the Axes (n_strips,). Raises ValueError for none, for one without
    tokens, and for ids that are not one per token. Lessons 1 and 7.

    >>> axes = token_strips({"words": ["Mia", " ran"], "letters": list("Mia ran")})
    >>> [part.get_title() for part in axes]
    ['words', 'letters']
    """
    if not tokenizations:
        raise ValueError("There is no tokenization to draw: give at least one title with its tokens.")
    lists = {title: validation.text_list(tokens, f"the tokens of {title!r}") for title, tokens in tokenizations.items()}
    ids = {title: validation.whole_numbers(given, f"the ids of {title!r}", len(lists.get(title, [])), "its tokens")
           for title, given in (token_ids or {}).items()}  # fmt: skip
    axes = _draw_strips([(title, tokens, ids.get(title)) for title, tokens in lists.items()])
    for title, part in zip(lists, axes, strict=True):
        for box, share in zip(part.patches, (probabilities or {}).get(title, ()), strict=False):
            box.set_facecolor(style.PROBABLE(float(share)))
    return axes


@styled
def token_tree(texts: Mapping[str, Sequence[str]], probabilities: Mapping[str, Sequence[float]]) -> Axes:
    """Draw texts that begin alike as a tree: tokens that they share stand once; at the end of each text is its name.

    texts: name to tokens; probabilities: name to those of its tokens, drawn as color, from white at 0 to blue at 1.
    Raises ValueError for no text, for one without tokens, and for probabilities that are not one per token. Lesson 7.

    >>> axes = token_tree({"a": ["the", " kite"], "b": ["the", " lake"]}, {"a": [0.5, 0.9], "b": [0.5, 0.1]})
    >>> [box.get_label() for box in axes.patches], axes.texts[-1].get_text().strip()
    (['the', '·kite', '·lake'], 'b')
    """
    named: dict[tuple[str, ...], list[str]] = {}
    for name, tokens in texts.items():
        named.setdefault(tuple(validation.text_list(tokens, f"the tokens of {name!r}")), []).append(name)
    if not named:
        raise ValueError("There is no text to draw: give at least one name with its tokens.")
    height, ends = _line_height(None), {path: f"  {', '.join(names)}" for path, names in sorted(named.items())}
    width = max(_LEAST_WIDTH, _WIDTH - max(text_width(end, _NOTE_SIZE) for end in ends.values()))
    size = (_WIDTH + 2 * _MARGIN, len(ends) * height + 2 * _MARGIN)
    ax = new_figure(size[0] / 72, size[1] / 72, layout=None).add_axes((0, 0, 1, 1))
    ax.set(xlim=(-_MARGIN, size[0] - _MARGIN), ylim=(size[1] - _MARGIN, -_MARGIN))
    ax.set_axis_off()
    placed = {(): (-_BRANCH, 0)}  # each beginning: where its last box ends, and in which line it is
    for line, (path, end) in enumerate(ends.items()):
        shares = validation.finite_numbers(probabilities[named[path][0]], "probabilities", 1, len(path), "the tokens")
        middle = line * height + _BOX_HEIGHT / 2
        for n, (token, share) in enumerate(zip(path, shares, strict=True), 1):
            x, above = placed[path[: n - 1]]
            label = token_label(token)
            right = x + _BRANCH + text_width(label, _TOKEN_SIZE) + 2 * _PADDING
            if right > width:
                end = f" …{end}"
                break
            if path[:n] not in placed:
                placed[path[:n]] = (right, line)
                _draw_boxes(ax, [(x + _BRANCH, line, right - x - _BRANCH, label)], None)
                ax.patches[-1].set_facecolor(style.PROBABLE(share))
                if n > 1:
                    y = above * height + _BOX_HEIGHT / 2
                    bend = [x, x + _BRANCH / 2, x + _BRANCH / 2, x + _BRANCH]
                    ax.plot(bend, [y, y, middle, middle], color=style.FAINT_INK, linewidth=0.7)
            x = right
        ax.text(x, middle, end, size=_NOTE_SIZE, va="center")
    beginnings = [f"{', '.join(names)}: {spoken_prose(''.join(path), 40)}" for path, names in sorted(named.items())]
    describe(ax, f"Tree of {count(len(texts), 'text')}. {'; '.join(beginnings)}.")
    return ax


def _draw_strips(strips: list[tuple[str, list[str], list[int] | None]]) -> np.ndarray:
    """Draw strips (title, tokens, ids) in a column."""
    placed = [_place(tokens, token_ids) for _, tokens, token_ids in strips]
    heights = [_height(boxes, ids) + 1 for (boxes, _), (_, _, ids) in zip(placed, strips, strict=True)]
    total = sum(heights) + sum(_TITLE_HEIGHT for title, _, _ in strips if title) + 2 * _MARGIN
    ends = [_WIDTH if boxes[-1][1] else boxes[-1][0] + boxes[-1][2] for boxes, _ in placed]  # several lines: all of it
    width = max(_LEAST_WIDTH, *ends)
    figure = new_figure((width + 2 * _MARGIN) / 72, total / 72, layout=None)
    side, top = _MARGIN / (width + 2 * _MARGIN), total - _MARGIN
    axes = np.empty(len(strips), dtype=object)
    for number, ((title, tokens, token_ids), height) in enumerate(zip(strips, heights, strict=True)):
        top -= (_TITLE_HEIGHT if title else 0) + height
        axes[number] = figure.add_axes((side, top / total, 1 - 2 * side, height / total))
        axes[number].set_xlim(0, width)
        _draw_strip(axes[number], tokens, token_ids, *placed[number])
        put_title(axes[number], title)
    return axes


def _height(boxes: list[_Box], token_ids: list[int] | None) -> float:
    return (boxes[-1][1] + 1) * _line_height(token_ids)


def _line_height(token_ids: list[int] | None) -> float:
    return _BOX_HEIGHT + _LINE_GAP + (_ID_HEIGHT if token_ids is not None else 0)


def _draw_strip(ax: Axes, tokens: list[str], token_ids: list[int] | None, boxes: list[_Box], n_left_out: int) -> None:
    ax.set(ylim=(_height(boxes, token_ids), 0), xticks=[], yticks=[])
    ax.set_axis_off()
    _draw_boxes(ax, boxes, token_ids)
    if n_left_out:
        x, line, width, _ = boxes[-1]
        place = (x + width + _NOTE_GAP, line * _line_height(token_ids) + _BOX_HEIGHT / 2)
        ax.text(*place, _left_out(n_left_out), size=_NOTE_SIZE, color=style.FAINT_INK, ha="left", va="center")
    named = [spoken_token(token) for token in tokens[:_SPOKEN_TOKENS]]
    if token_ids is not None:
        named = [f"{name} ({token_id})" for name, token_id in zip(named, token_ids, strict=False)]
    rest = f" and {count(len(tokens) - len(named), 'more token')}" if len(tokens) > len(named) else ""
    describe(ax, f"Token strip: {count(len(tokens), 'token')}. {', '.join(named)}{rest}.")


def _left_out(n_tokens: int) -> str:
    return f"… and {count(n_tokens, 'more token')}"


def _place(tokens: list[str], token_ids: list[int] | None) -> tuple[list[_Box], int]:
    """Return the boxes that fit, and the number of tokens that do not."""
    note_width = text_width(_left_out(len(tokens)), _NOTE_SIZE) + _NOTE_GAP
    boxes: list[_Box] = []
    x, line = 0.0, 0
    for position, token in enumerate(tokens):
        label = token_label(token)
        content = text_width(label, _TOKEN_SIZE)
        if token_ids is not None:
            content = max(content, text_width(str(token_ids[position]), _ID_SIZE))
        box_width = min(content + 2 * _PADDING, _WIDTH)
        if x > 0 and x + box_width > _WIDTH:
            x, line = 0.0, line + 1
        if line == _MAX_LINES:
            break
        boxes.append((x, line, box_width, label))
        x += box_width + _GAP
    else:
        return boxes, 0
    while len(boxes) > 1 and boxes[-1][0] + boxes[-1][2] + note_width > _WIDTH:
        boxes.pop()
    return boxes, len(tokens) - len(boxes)


def _draw_boxes(ax: Axes, boxes: list[_Box], token_ids: list[int] | None) -> None:
    centered = {"ha": "center", "va": "center"}
    for position, (x, line, width, label) in enumerate(boxes):
        y, middle = line * _line_height(token_ids), x + width / 2
        fill = style.TOKEN_FILLS[position % len(style.TOKEN_FILLS)]
        box = Rectangle((x, y), width, _BOX_HEIGHT, facecolor=fill, edgecolor=style.FAINT_INK, linewidth=0.7)
        box.set(label=label, clip_on=False)
        ax.add_patch(box)
        ax.text(middle, y + _BOX_HEIGHT / 2, label, size=_TOKEN_SIZE, **centered)
        if token_ids is not None:
            id_middle = y + _BOX_HEIGHT + _ID_HEIGHT / 2
            ax.text(middle, id_middle, str(token_ids[position]), size=_ID_SIZE, color=style.FAINT_INK, **centered)


_LABEL_LENGTH = 10
_MAX_NAMED = 64  # tokens named below; of more, every second, third …
_MAX_SERIES = 6


@styled
def token_losses(
    losses: Mapping[str, Sequence[float]] | Sequence[float], tokens: Sequence[str], *, rounds: Sequence[int] = (),
    chance: float | None = None,
) -> Axes:  # fmt: skip
    """Draw the loss at each token of a text, −ln p in nats; several named lines to compare.

    `losses` (n) or {name: (n)}, at most 6; `tokens` (n) are those that were predicted. `rounds` are the places at which
    the text begins anew; a line separates them. `chance` is the loss of random guessing, ln V. Raises ValueError
    for unequal lengths, negative losses, and places outside the text. Lesson 3.

    >>> axes = token_losses([7.0, 6.8, 0.1, 0.1], ["red", "kite", "red", "kite"], rounds=[2])
    >>> axes.llmviz_alt_text
    'Loss at each of 4 tokens, in nats. Mean of round 1: about 6.9; round 2: about 0.1.'
    """
    tokens = validation.text_list(tokens, "tokens")
    given = losses if isinstance(losses, Mapping) else {"loss": losses}
    series = validation.named_series(given, "losses", _MAX_SERIES, len(tokens), "tokens")
    if (least := min(values.min() for values in series.values())) < -1e-6:
        raise ValueError(f"a loss −ln p is never negative, but one of losses is {least:.3g}.")
    rounds = [int(place) for place in rounds]
    if any(not 0 < place < len(tokens) for place in rounds) or rounds != sorted(set(rounds)):
        raise ValueError(f"rounds must be rising places between 1 and {len(tokens) - 1}, but are {rounds}.")
    ax = new_axes(float(np.clip(0.34 * len(tokens) + 1.2, 5, style.MAX_WIDTH)), 3.4)
    for (name, values), color, marker in zip(series.items(), style.OKABE_ITO, style.MARKERS, strict=False):
        ax.plot(values, color=color, marker=marker, markersize=4, linewidth=1.6, label=prose_label(name, 40))
    for place in rounds:
        ax.axvline(place - 0.5, color=style.INK, linewidth=1, linestyle=(0, (2, 3)))
    if chance is not None:
        ax.axhline(chance, color=style.FAINT_INK, linewidth=1, linestyle=(0, (6, 3)))
        ax.annotate("random guessing", (1, chance), (-3, 3), ("axes fraction", "data"), "offset points",
                    ha="right", size=8.5, color=style.FAINT_INK,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})  # fmt: skip
    places = range(0, len(tokens), -(-len(tokens) // _MAX_NAMED))
    ax.set_xticks(places, [token_label(tokens[place], _LABEL_LENGTH) for place in places], rotation=90,
                  size=float(np.clip(300 / len(tokens), 6.5, 9)))  # fmt: skip
    ax.set(ylabel="loss, nats", ylim=(0, None), xlim=(-0.6, len(tokens) - 0.4))
    tidy(ax, grid="y")
    if len(series) > 1:
        legend_above(ax)
    describe(ax, _loss_text(series, len(tokens), rounds))
    return ax


def _loss_text(series: dict[str, np.ndarray], n_tokens: int, rounds: list[int]) -> str:
    text = f"Loss at each of {count(n_tokens, 'token')}, in nats."
    for name, values in series.items():
        parts = np.split(values, rounds)
        means = "; ".join(f"round {number}: about {part.mean():.1f}" for number, part in enumerate(parts, 1))
        what = f"Mean of {means}." if rounds else f"Mean: about {values.mean():.1f}."
        text += f" {spoken_prose(name)}: {what[0].lower() + what[1:]}" if len(series) > 1 else f" {what}"
    return text
