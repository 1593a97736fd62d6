"""Which word comes from which: where a decoder looked in the source while it wrote, as a map."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from llmviz.plots import validation
from llmviz.plots.display import describe
from llmviz.plots.labels import count, spoken_token, token_label
from llmviz.plots.style import ORANGE, axes_or_new, put_title, styled

_LABEL_LENGTH = 16
_MOST_NUMBERED = 14  # words on a side up to which each cell that matters prints its number
_LEAST_PRINTED = 0.05
_MOST_SPOKEN = 6


@styled
def alignment_map(
    cross_attention,
    target: Sequence[str],
    source: Sequence[str],
    *,
    links: Sequence[Sequence[int]] | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw cross-attention: row by row, how much a target word, when it was written, looked at each source word.

    `cross_attention` (target, source), each row adding up to 1; `target` and `source`, one word a row and a column.
    `links` gives for each row the columns that it really comes from: they get a border. Raises ValueError for shapes
    that do not fit, negative weights and rows that do not add up to 1. Lesson 7.

    >>> axes = alignment_map([[0.9, 0.1], [0.2, 0.8]], ["la", "lampe"], ["the", "lamp"], links=[[0], [1]])
    >>> [text.get_text() for text in axes.texts]
    ['0.90', '0.10', '0.20', '0.80']
    """
    weights, target, source = _checked(cross_attention, target, source)
    ax = axes_or_new(ax, 0.52 * len(source) + 2.6, 0.36 * len(target) + 1.6 + (0.3 if title else 0))
    image = ax.imshow(weights, cmap="viridis", vmin=0, vmax=1, interpolation="nearest", aspect="auto")
    ax.spines[:].set_visible(False)
    columns, rows = ([token_label(one.strip(), _LABEL_LENGTH) for one in words] for words in (source, target))
    ax.set_xticks(range(len(source)), columns, rotation=45, ha="left")
    ax.set_yticks(range(len(target)), rows)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.tick_params(length=0, pad=3)
    ax.set(xlabel="source: looked at", ylabel="target: the word being written")
    if max(weights.shape) <= _MOST_NUMBERED:
        for row, column in np.argwhere(weights >= _LEAST_PRINTED):
            weight = weights[row, column]
            color = "black" if weight > 0.6 else "white"  # viridis is dark below
            ax.text(column, row, f"{weight:.2f}", ha="center", va="center", size=8, color=color)
    for row, column in _cells(links, weights.shape):
        corner = (column - 0.47, row - 0.46)
        ax.add_patch(Rectangle(corner, 0.94, 0.92, fill=False, edgecolor=ORANGE, linewidth=2.5, label="link"))
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.8, aspect=25, label="attention weight")
    bar.outline.set_visible(False)
    put_title(ax, title)
    describe(ax, _sentences(weights, target, source, links))
    return ax


def _checked(cross_attention, target, source) -> tuple[np.ndarray, list[str], list[str]]:
    weights = validation.finite_numbers(cross_attention, "cross_attention", 2)
    target = validation.text_list(target, "target", weights.shape[0], "cross_attention (its rows)")
    source = validation.text_list(source, "source", weights.shape[1], "cross_attention (its columns)")
    if weights.min() < 0:
        raise ValueError(f"cross_attention must not be negative, but holds {weights.min():.3g}: are these scores?")
    sums = weights.sum(axis=1)
    if (wrong := np.abs(sums - 1)).max() > validation.SUM_TOLERANCE:
        raise ValueError(
            f"each row of cross_attention (one target word) must add up to 1, but row {int(wrong.argmax())} adds up to "
            f"{sums[wrong.argmax()]:.4g}: rows are target words, columns are source words."
        )
    return weights, target, source


def _cells(links, shape: tuple[int, int]) -> list[tuple[int, int]]:
    if links is None:
        return []
    if len(links) != shape[0]:
        raise ValueError(f"links has {len(links)} entries, but there are {shape[0]} target words: give one for each.")
    cells = [(row, int(column)) for row, columns in enumerate(links) for column in columns]
    if wrong := [column for _, column in cells if not 0 <= column < shape[1]]:
        raise ValueError(f"links name source words from 0 to {shape[1] - 1}, but one is {wrong[0]}.")
    return cells


def _sentences(weights: np.ndarray, target: list[str], source: list[str], links) -> str:
    text = f"Cross-attention of {count(len(target), 'target word')} over {count(len(source), 'source word')}."
    looks = [f"{spoken_token(word.strip())} at {spoken_token(source[key].strip())}"
             for word, key in zip(target, weights.round(2).argmax(axis=1), strict=True)]  # fmt: skip
    more = ", …" if len(looks) > _MOST_SPOKEN else ""
    text += f" Each target word looks most: {', '.join(looks[:_MOST_SPOKEN])}{more}."
    return text + (" Borders mark the source words that it comes from." if links is not None else "")
