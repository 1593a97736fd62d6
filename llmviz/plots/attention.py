"""Attention: one token's arcs; heatmaps of one head, of all heads of all layers, and of cross-attention (alignment)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from llmviz.plots import _style as style
from llmviz.plots import _validation as validation
from llmviz.plots._labels import count, spoken_token, text_width, token_label
from llmviz.plots._style import describe, new_axes, new_figure, put_title, styled

_LABEL_LENGTH, _WORD_LENGTH = 12, 16
_MAX_NAMED = 64  # tokens named along a side; of more, every second, third …
_MAX_NUMBERED = 10  # tokens up to which each cell prints its number
_SIDES = (2.6, 6.5)  # smallest and largest map, in inches
MAX_MAPS = 16
_MAX_NAMED_IN_MAPS, _MAX_NAMED_COLUMNS, _MAX_WORDED_COLUMNS = 12, 4, 6
_MAX_NUMBERED_WORDS, _MIN_PRINTED = 14, 0.05
_MAX_SPOKEN = 6
_ARC_SIZE, _NUMBER_SIZE = 12, 10.5  # font sizes in points, as are the lengths of arcs below
_WORD_GAP, _BOX_BOTTOM, _BOX_TOP, _ARC_WIDTH = 5, -6, 15, 9


@styled
def attention_heatmap(attention_weights, tokens: Sequence[str], *, mask=None, title: str | None = None) -> Axes:
    """Draw one head's attention as a heatmap: a row for each query, a column for each key.

    `attention_weights` (query, key), each row adding up to 1; `tokens`, one per row. `mask` (query, key),
    True = may attend: masked cells are hatched. Without a mask, the future is taken as masked where all of
    it is exactly 0. Raises ValueError for other shapes, negative weights and rows that do not add up to 1.
    Lesson 3.

    >>> axes = attention_heatmap([[1, 0], [0.25, 0.75]], ["Mia", " ran"])
    >>> [text.get_text() for text in axes.texts]
    ['1.00', '0.25', '0.75']
    """
    weights, tokens, mask = validation.attention(attention_weights, tokens, mask, 2)
    n_tokens = len(tokens)
    side = float(np.clip(0.38 * n_tokens, *_SIDES))
    ax = new_axes(side + 2.0, side + 0.9 + (0.3 if title else 0))
    image = _draw_map(ax, weights, mask)
    _name_tokens(ax, tokens, size=float(np.clip(0.8 * side * 72 / n_tokens, 6.5, 10)))
    if n_tokens <= _MAX_NUMBERED:
        _print_numbers(ax, weights, np.argwhere(mask), 8.5)
    ax.set(xlabel="key: looked at", ylabel="query: looks")
    _color_bar(image, ax)
    put_title(ax, title)
    describe(ax, _map_text(weights, tokens, mask))
    return ax


@styled
def attention_arcs(attention_weights, tokens: Sequence[str], query: int, *, title: str | None = None) -> Axes:
    """Draw where one token looks: an arc from it to each token, as wide as the attention weight is large.

    `attention_weights` (key), between 0 and 1, of the token at position `query`; they may leave out some keys. Weights
    below 0.05 get no arc and no number. Raises ValueError for other shapes and weights. Lesson 3.

    >>> axes = attention_arcs([0.9, 0.02, 0.08], ["Mia", " said", " she"], 2)
    >>> [text.get_text() for text in axes.texts]
    ['Mia', '0.90', '·said', '·she', '0.08']
    """
    weights = validation.shares(attention_weights, "attention_weights", 1)
    tokens = validation.text_list(tokens, "tokens", len(weights), "attention_weights")
    query = validation.whole_number(query, "query", 0, len(tokens) - 1)
    labels = [token_label(token, _LABEL_LENGTH) for token in tokens]
    widths = np.array([text_width(label, _ARC_SIZE) + _WORD_GAP for label in labels])
    middles = np.cumsum(widths + _WORD_GAP) - widths / 2
    if (inches := (middles[-1] + widths[-1]) / 72) > style.MAX_WIDTH:
        raise ValueError(f"{count(len(tokens), 'token')} do not fit into one line: leave some out at the ends.")
    heights = _BOX_TOP + 20 + 0.3 * np.abs(middles - middles[query])
    top = 0.75 * heights.max() + _ARC_WIDTH
    ax = new_axes(inches, (top + 40) / 72 + (0.3 if title else 0))
    ax.set(xlim=(0, middles[-1] + widths[-1] / 2 + _WORD_GAP), ylim=(-24, top), xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    for key, (label, weight, x, width) in enumerate(zip(labels, weights, middles, widths, strict=True)):
        color, alpha = (style.ORANGE, 0.4) if key == query else (style.BLUE, 0.6 * weight)
        box = _box(x - width / 2, _BOX_BOTTOM, width, _BOX_TOP - _BOX_BOTTOM)
        ax.add_patch(PathPatch(box, facecolor=color, alpha=alpha, linewidth=0))
        ax.text(x, 0, label, size=_ARC_SIZE, ha="center")
        if weight >= _MIN_PRINTED:
            ax.text(x, -20, f"{weight:.2f}", size=_NUMBER_SIZE, ha="center")
    for key in np.flatnonzero((weights >= _MIN_PRINTED) & (np.arange(len(weights)) != query)):
        start, stop, height = middles[query], middles[key], heights[key]
        arc = Path([(start, _BOX_TOP), (start, height), (stop, height), (stop, _BOX_TOP)], [1, 4, 4, 4])
        look = {"edgecolor": style.BLUE, "alpha": 0.75, "linewidth": _ARC_WIDTH * weights[key], "label": "arc"}
        ax.add_patch(PathPatch(arc, fill=False, **look))
    put_title(ax, title)
    order = np.argsort(-weights, kind="stable")[:3]
    looks = [f"{spoken_token(tokens[key])} {weights[key]:.2f}" for key in order if weights[key] >= _MIN_PRINTED]
    seen = ", ".join(looks) or "at no token more than a little"
    describe(ax, f"Where {spoken_token(tokens[query])} looks: {seen}.")
    return ax


@styled
def attention_heads(attention_weights, tokens: Sequence[str], *, mask=None) -> np.ndarray:
    """Draw the attention of all heads as small maps, a row for each layer.

    `attention_weights` (layer, head, query, key), at most 16 heads; `mask` (query, key) as in `attention_heatmap`.
    Returns an array of Axes (layer, head). Raises ValueError like `attention_heatmap`, and for more heads. Lesson 3.

    >>> axes = attention_heads([[[[1, 0], [0.5, 0.5]], [[1, 0], [0, 1]]]], ["Mia", " ran"])
    >>> [part.get_title() for part in axes[0]]
    ['layer 0, head 0', 'layer 0, head 1']
    """
    weights, tokens, mask = validation.attention(attention_weights, tokens, mask, 4)
    n_layers, n_heads = weights.shape[:2]
    if n_layers * n_heads > MAX_MAPS:
        raise ValueError(f"at most {MAX_MAPS} heads fit into one picture; given {n_layers} layers × {n_heads} heads")
    side = min(1.9 if len(tokens) <= 32 else 2.4, (style.MAX_WIDTH - 1.6) / n_heads)
    figure = new_figure(side * n_heads + 1.7, (side + 0.25) * n_layers + 0.7)
    axes = np.empty((n_layers, n_heads), dtype=object)
    is_named = len(tokens) <= _MAX_NAMED_IN_MAPS and n_heads <= _MAX_NAMED_COLUMNS
    for number, (layer, head) in enumerate(np.ndindex(axes.shape)):
        part = axes[layer, head] = figure.add_subplot(n_layers, n_heads, number + 1)
        image = _draw_map(part, weights[layer, head], mask)
        part.set(xticks=[], yticks=[])
        title, size = (
            (f"layer {layer}, head {head}", 9) if n_heads <= _MAX_WORDED_COLUMNS else (f"L{layer} H{head}", 7.5)
        )
        part.set_title(title, size=size, pad=5)
        if is_named:
            _name_tokens(part, tokens, 7.5, rows=head == 0, columns=layer == n_layers - 1)
    _color_bar(image, list(axes.flat))
    text = _heads_text(weights, tokens)
    for part in axes.flat:
        describe(part, text)
    return axes


@styled
def alignment_map(cross_attention, target: Sequence[str], source: Sequence[str]) -> Axes:
    """Draw cross-attention: a row for each target word, a column for each source word.

    `cross_attention` (target, source), each row adding up to 1. Raises ValueError for shapes that do not fit,
    negative weights and rows that do not add up to 1. Lesson 7.

    >>> axes = alignment_map([[0.9, 0.1], [0.2, 0.8]], ["la", "lampe"], ["the", "lamp"])
    >>> [text.get_text() for text in axes.texts]
    ['0.90', '0.10', '0.20', '0.80']
    """
    weights, target, source = validation.cross_attention(cross_attention, target, source)
    ax = new_axes(0.52 * len(source) + 2.6, 0.36 * len(target) + 1.6)
    image = ax.imshow(weights, cmap=style.SEQUENTIAL, vmin=0, vmax=1, interpolation="nearest", aspect="auto")
    ax.spines[:].set_visible(False)
    columns, rows = ([token_label(one.strip(), _WORD_LENGTH) for one in words] for words in (source, target))
    ax.set_xticks(range(len(source)), columns, rotation=45, ha="left")
    ax.set_yticks(range(len(target)), rows)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.tick_params(length=0, pad=3)
    ax.set(xlabel="source: looked at", ylabel="target: the word being written")
    if max(weights.shape) <= _MAX_NUMBERED_WORDS:
        _print_numbers(ax, weights, np.argwhere(weights >= _MIN_PRINTED), 8)
    _color_bar(image, ax)
    describe(ax, _alignment_text(weights, target, source))
    return ax


def _draw_map(ax: Axes, weights: np.ndarray, mask: np.ndarray) -> AxesImage:
    image = ax.imshow(np.ma.array(weights, mask=~mask), cmap=style.SEQUENTIAL, vmin=0, vmax=1, interpolation="nearest")
    ax.spines[:].set_visible(False)
    runs = [
        _box(start - 0.5, query - 0.5, stop - start)
        for query, row in enumerate(~mask)
        for start, stop in np.flatnonzero(np.diff(np.r_[False, row, False])).reshape(-1, 2)
    ]
    if runs:
        look = {"facecolor": "white", "edgecolor": style.HATCH_INK, "hatch": style.HATCH, "linewidth": 0}
        ax.add_patch(PathPatch(Path.make_compound_path(*runs), label="masked", **look))
    return image


def _box(x: float, y: float, width: float, height: float = 1) -> Path:
    return Path([(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)], closed=True)


def _color_bar(image: AxesImage, axes: Axes | list[Axes]) -> None:
    bar = image.axes.figure.colorbar(image, ax=axes, shrink=0.8, aspect=25, label="attention weight")
    bar.outline.set_visible(False)


def _name_tokens(ax: Axes, tokens: list[str], size: float, rows: bool = True, columns: bool = True) -> None:
    places = range(0, len(tokens), -(-len(tokens) // _MAX_NAMED))
    labels = [token_label(tokens[place], _LABEL_LENGTH) for place in places]
    if rows:
        ax.set_yticks(places, labels, size=size)
    if columns:
        ax.set_xticks(places, labels, size=size, rotation=90)
    ax.tick_params(length=0, pad=3)


def _print_numbers(ax: Axes, weights: np.ndarray, cells: np.ndarray, size: float) -> None:
    for query, key in cells:
        weight = weights[query, key]
        color = "white" if weight > 0.6 else "black"  # the color scale is dark above
        ax.text(key, query, f"{weight:.2f}", ha="center", va="center", size=size, color=color)


def _map_text(weights: np.ndarray, tokens: list[str], mask: np.ndarray) -> str:
    text = f"Attention heatmap of {count(len(tokens), 'token')}: rows are queries, columns are keys."
    if not mask.all():
        text += " Masked cells are hatched."
    others = weights * ~np.eye(len(tokens), dtype=bool)
    others[0] = 0  # the first token of a causal model can only attend to itself
    query, key = np.unravel_index(others.round(4).argmax(), others.shape)
    if others[query, key] > 0:
        text += (
            f" The strongest look at another token: {spoken_token(tokens[query])} (position {query}) "
            f"looks at {spoken_token(tokens[key])} (position {key}), weight about {others[query, key]:.1f}."
        )
    return text


def _heads_text(weights: np.ndarray, tokens: list[str]) -> str:
    shape = weights.shape[:2]
    size = f"{count(shape[0], 'layer')} × {count(shape[1], 'head')}"
    text = f"Attention of {size} over {count(len(tokens), 'token')}: one small map for each head."
    if len(tokens) > 2 and np.prod(shape) > 1:
        means = {
            "the token before": np.diagonal(weights, offset=-1, axis1=-2, axis2=-1).mean(axis=-1),
            "itself": np.diagonal(weights, axis1=-2, axis2=-1)[..., 1:].mean(axis=-1),
            "the first token": weights[..., 1:, 0].mean(axis=-1),
        }
        places = {target: np.unravel_index(mean.round(4).argmax(), shape) for target, mean in means.items()}
        found = [f"at {target}: layer {layer}, head {head}" for target, (layer, head) in places.items()]
        text += f" Of all heads, the one that looks most {'; '.join(found)}."
    return text


def _alignment_text(weights: np.ndarray, target: list[str], source: list[str]) -> str:
    text = f"Cross-attention of {count(len(target), 'target word')} over {count(len(source), 'source word')}."
    looks = [f"{spoken_token(word.strip())} at {spoken_token(source[key].strip())}"
             for word, key in zip(target, weights.round(2).argmax(axis=1), strict=True)]  # fmt: skip
    more = ", …" if len(looks) > _MAX_SPOKEN else ""
    return f"{text} Each target word looks most: {', '.join(looks[:_MAX_SPOKEN])}{more}."
