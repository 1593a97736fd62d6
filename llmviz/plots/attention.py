"""Where each token looks: one attention head as a map, or all heads of all layers as a mosaic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from llmviz.plots import validation
from llmviz.plots.display import describe
from llmviz.plots.labels import count, prose_label, spoken_token, token_label
from llmviz.plots.style import HATCH, HATCH_INK, MAX_WIDTH, VERMILLION, axes_or_new, new_figure, put_title, styled

_LABEL_LENGTH = 12
_MAX_NAMED = 64  # tokens named along a side; of more, every second, third …
_MAX_NUMBERED = 10  # tokens up to which each cell prints its number
_MAX_NAMED_IN_MOSAIC = 12
_MAX_COLUMNS = 4  # of a mosaic of one layer
_MAX_WORDED = 6  # columns up to which titles have words
_SIDES = (2.6, 6.5)  # smallest and largest map, in inches


@styled
def attention_map(
    attention_weights,
    tokens: Sequence[str],
    *,
    mask=None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw one head's attention: row by row, how much each token (query) looks at each other token (key).

    `attention_weights` (query, key), each row adding up to 1; `tokens`, one per row. `mask` (query, key),
    True = may attend: masked cells are hatched. Without a mask, the future is taken as masked where all of
    it is exactly 0. Raises ValueError for other shapes, negative weights and rows that do not add up to 1.
    Lesson 3.

    >>> axes = attention_map([[1, 0], [0.25, 0.75]], ["Mia", " ran"])
    >>> [text.get_text() for text in axes.texts]
    ['1.00', '0.25', '0.75']
    """
    weights, tokens, mask = validation.attention(attention_weights, tokens, mask, 2)
    n_tokens = len(tokens)
    side = float(np.clip(0.38 * n_tokens, *_SIDES))
    ax = axes_or_new(ax, side + 2.0, side + 0.9 + (0.3 if title else 0))
    image = _draw_map(ax, weights, mask)
    _name_tokens(ax, tokens, size=float(np.clip(0.8 * side * 72 / n_tokens, 6.5, 10)))
    if n_tokens <= _MAX_NUMBERED:
        _print_numbers(ax, weights, mask)
    ax.set(xlabel="key: looked at", ylabel="query: looks")
    _color_bar(image, ax)
    put_title(ax, title)
    describe(ax, _map_sentences(weights, tokens, mask))
    return ax


@styled
def attention_heads(
    attention_weights,
    tokens: Sequence[str],
    *,
    mask=None,
    mark: int | tuple[int, int] | None = None,
    title: str | None = None,
) -> np.ndarray:
    """Draw the attention of all heads as a mosaic of small maps, a row for each layer.

    `attention_weights` (head, query, key) or (layer, head, query, key); `mask` (query, key) as in
    `attention_map`. `mark` puts a border round one head: its number, or (layer, head). Numbers count from
    0, as indices do. Returns an array of Axes, (head,) or (layer, head). Raises ValueError like
    `attention_map`. Lesson 3.

    >>> axes = attention_heads([[[1, 0], [0.5, 0.5]], [[1, 0], [0, 1]]], ["Mia", " ran"], mark=1)
    >>> [part.get_title() for part in axes]
    ['head 0', '▶ head 1']
    """
    n_dims = validation.as_array(attention_weights, "attention_weights").ndim
    weights, tokens, mask = validation.attention(attention_weights, tokens, mask, 3 if n_dims == 3 else 4)
    shape = weights.shape[:-2]
    marked = _marked_head(mark, shape)
    grid = shape if len(shape) == 2 else (-(-shape[0] // _MAX_COLUMNS), min(shape[0], _MAX_COLUMNS))
    parts = _mosaic(grid, int(np.prod(shape)), len(tokens), title)
    for place, part in zip(np.ndindex(shape), parts, strict=True):
        image = _draw_map(part, weights[place], mask)
        part.set(xticks=[], yticks=[])
        name, size = (_head_name(place), 9) if grid[1] <= _MAX_WORDED else ("L{} H{}".format(*place), 7.5)
        part.set_title(("▶ " if place == marked else "") + name, size=size, pad=5)
        if place == marked:
            part.add_patch(_border(part))
    if len(tokens) <= _MAX_NAMED_IN_MOSAIC and grid[1] <= _MAX_COLUMNS:
        for part in parts:
            _name_tokens(part, tokens, 7.5, part.get_subplotspec().is_first_col(), _is_lowest(part, parts))
    _color_bar(image, parts)
    sentences = _mosaic_sentences(weights, tokens, marked)
    for part in parts:
        describe(part, sentences)
    return np.array(parts, dtype=object).reshape(shape)


def _color_bar(image: AxesImage, axes: Axes | list[Axes]) -> None:
    bar = image.axes.figure.colorbar(image, ax=axes, shrink=0.8, aspect=25, label="attention weight")
    bar.outline.set_visible(False)


def _draw_map(ax: Axes, weights: np.ndarray, mask: np.ndarray) -> AxesImage:
    image = ax.imshow(np.ma.array(weights, mask=~mask), cmap="viridis", vmin=0, vmax=1, interpolation="nearest")
    ax.spines[:].set_visible(False)
    runs = [
        _box(start - 0.5, query - 0.5, stop - start)
        for query, row in enumerate(~mask)
        for start, stop in np.flatnonzero(np.diff(np.r_[False, row, False])).reshape(-1, 2)
    ]
    if runs:
        masked = Path.make_compound_path(*runs)
        ax.add_patch(
            PathPatch(masked, facecolor="white", edgecolor=HATCH_INK, hatch=HATCH, linewidth=0, label="masked")
        )
    return image


def _box(x: float, y: float, width: float) -> Path:
    return Path([(x, y), (x + width, y), (x + width, y + 1), (x, y + 1), (x, y)], closed=True)


def _name_tokens(ax: Axes, tokens: list[str], size: float, rows: bool = True, columns: bool = True) -> None:
    places = range(0, len(tokens), -(-len(tokens) // _MAX_NAMED))
    labels = [token_label(tokens[place], _LABEL_LENGTH) for place in places]
    if rows:
        ax.set_yticks(places, labels, size=size)
    if columns:
        ax.set_xticks(places, labels, size=size, rotation=90)
    ax.tick_params(length=0, pad=3)


def _print_numbers(ax: Axes, weights: np.ndarray, mask: np.ndarray) -> None:
    for query, key in np.argwhere(mask):
        weight = weights[query, key]
        color = "black" if weight > 0.6 else "white"  # viridis is dark below
        ax.text(key, query, f"{weight:.2f}", ha="center", va="center", size=8.5, color=color)


def _marked_head(mark, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    if mark is None:
        return None
    place = tuple(int(number) for number in np.atleast_1d(mark))
    if len(place) != len(shape) or not all(0 <= number < size for number, size in zip(place, shape, strict=True)):
        axes = "(layer, head)" if len(shape) == 2 else "head"
        raise ValueError(f"mark must be {axes} below {shape if len(shape) == 2 else shape[0]}, but is {mark!r}.")
    return place


def _mosaic(grid: tuple[int, int], n_parts: int, n_tokens: int, title: str | None) -> list[Axes]:
    n_rows, n_columns = grid
    side = min(1.9 if n_tokens <= 32 else 2.4, (MAX_WIDTH - 1.6) / n_columns)
    figure = new_figure(side * n_columns + 1.7, (side + 0.25) * n_rows + 0.7 + (0.3 if title else 0))
    parts = [figure.add_subplot(n_rows, n_columns, number + 1) for number in range(n_parts)]
    if title:
        figure.suptitle(prose_label(str(title), int(figure.get_size_inches()[0] * 11)), size=11)
    return parts


def _is_lowest(part: Axes, parts: list[Axes]) -> bool:
    columns = [other.get_subplotspec().colspan.start for other in parts]
    place = parts.index(part)
    return columns[place] not in columns[place + 1 :]


def _border(ax: Axes) -> Rectangle:
    return Rectangle((0, 0), 1, 1, transform=ax.transAxes, fill=False, edgecolor=VERMILLION, linewidth=4,
                     clip_on=False, label="marked")  # fmt: skip


def _head_name(place: tuple[int, ...]) -> str:
    return f"head {place[0]}" if len(place) == 1 else f"layer {place[0]}, head {place[1]}"


def _map_sentences(weights: np.ndarray, tokens: list[str], mask: np.ndarray) -> str:
    text = f"Attention map of {count(len(tokens), 'token')}: rows are queries, columns are keys."
    if not mask.all():
        text += " Masked cells are hatched."
    others = weights * ~np.eye(len(tokens), dtype=bool)
    others[0] = 0  # the first token of a causal model has no choice
    query, key = np.unravel_index(others.round(4).argmax(), others.shape)
    if others[query, key] > 0:
        text += (
            f" The strongest look at another token: {spoken_token(tokens[query])} (position {query}) "
            f"looks at {spoken_token(tokens[key])} (position {key}), weight about {others[query, key]:.1f}."
        )
    return text


def _mosaic_sentences(weights: np.ndarray, tokens: list[str], marked: tuple[int, ...] | None) -> str:
    shape = weights.shape[:-2]
    size = count(shape[-1], "head") if len(shape) == 1 else f"{count(shape[0], 'layer')} × {count(shape[1], 'head')}"
    text = f"Attention of {size} over {count(len(tokens), 'token')}: one small map for each head."
    if len(tokens) > 2 and np.prod(shape) > 1:
        looks = {
            "the token before": np.diagonal(weights, offset=-1, axis1=-2, axis2=-1).mean(axis=-1),
            "itself": np.diagonal(weights, axis1=-2, axis2=-1)[..., 1:].mean(axis=-1),
            "the first token": weights[..., 1:, 0].mean(axis=-1),
        }
        places = {target: np.unravel_index(look.round(4).argmax(), shape) for target, look in looks.items()}
        found = [f"at {target}: {_head_name(place)}" for target, place in places.items()]
        text += f" Of all heads, the one that looks most {'; '.join(found)}."
    return text + (f" Marked with a border: {_head_name(marked)}." if marked is not None else "")


_MAX_CELLS = 30_000  # of all tiles together; of more tokens, each cell shows the largest weight of its block
_TILE = (6, 24)  # fewest and most cells along the side of a tile
_GAP = 2
_ATTENTION_MOSAIC_MAX_NAMED = 32


@styled
def attention_mosaic(attention_weights, tokens, *, mask=None, ax: Axes | None = None) -> Axes:
    """Draw the attention of very many heads as small tiles of one image: a row of tiles for each layer.

    Where `attention_heads` draws each head with care, this one is quick and small for hundreds of them.
    `attention_weights` (layer, head, query, key); `tokens`, one per position; `mask` (query, key) as in
    `attention_map`: masked cells are gray. Raises ValueError like `attention_map`. Lesson 3.

    >>> axes = attention_mosaic([[[[1, 0], [0.5, 0.5]]] * 3] * 2, ["Mia", " ran"])
    >>> axes.get_xlabel(), axes.get_ylabel()
    ('head', 'layer')
    """
    weights, tokens, mask = validation.attention(attention_weights, tokens, mask, 4)
    n_layers, n_heads = weights.shape[:2]
    image, step = _tiles(np.where(mask, weights, np.nan))
    ax = axes_or_new(ax, MAX_WIDTH, MAX_WIDTH * image.shape[0] / image.shape[1] + 0.8)
    colors = colormaps["viridis"].with_extremes(bad=HATCH_INK)
    ax.imshow(np.ma.masked_invalid(image), cmap=colors, vmin=0, vmax=1, interpolation="nearest")
    ax.spines[:].set_visible(False)
    middle = (step - _GAP) / 2
    for axis, size in ((ax.xaxis, n_heads), (ax.yaxis, n_layers)):
        named = range(0, size, -(-size // _ATTENTION_MOSAIC_MAX_NAMED))
        axis.set_ticks([number * step + middle for number in named], [str(number) for number in named], size=8)
    ax.tick_params(length=0)
    ax.set(xlabel="head", ylabel="layer")
    heads = f"{count(n_layers, 'layer')} × {count(n_heads, 'head')}"
    describe(ax, f"Attention of {heads} over {count(len(tokens), 'token')}: one small tile for each head.")
    return ax


def _tiles(weights: np.ndarray) -> tuple[np.ndarray, int]:
    """All heads side by side, white between them; and how far it is from one tile to the next."""
    n_layers, n_heads, n_tokens = weights.shape[:3]
    block = -(-n_tokens // int(np.clip((_MAX_CELLS / (n_layers * n_heads)) ** 0.5, *_TILE)))
    size = -(-n_tokens // block)
    padded = np.full((n_layers, n_heads, size * block, size * block), -1.0)
    padded[..., :n_tokens, :n_tokens] = np.nan_to_num(weights, nan=-1.0)
    tiles = padded.reshape(n_layers, n_heads, size, block, size, block).max(axis=(3, 5))
    step = size + _GAP
    image = np.full((n_layers, step, n_heads, step), -1.0)
    image[:, :size, :, :size] = tiles.transpose(0, 2, 1, 3)
    image = image.reshape(n_layers * step, n_heads * step)[:-_GAP, :-_GAP]
    return np.where(image < 0, np.nan, image), step
