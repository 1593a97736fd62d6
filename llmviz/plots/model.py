"""Inside a model: the flow through a block, the logit lens, the shuffle test, changes of a weight matrix."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import ConnectionPatch

from llmviz.plots import _style as style
from llmviz.plots import _validation as validation
from llmviz.plots._labels import count, prose_label, spoken_prose, spoken_token, token_label
from llmviz.plots._style import describe, new_axes, new_figure, styled, tidy

_STREAM = ("before", "middle", "after")
_PLACES = {"before": (1, 0), "attention weights": (0, 1), "attention output": (0, 2), "middle": (1, 3),
           "hidden": (0, 4), "MLP output": (0, 5), "after": (1, 6)}  # fmt: skip
_TITLES = {"before": "stream before", "middle": "stream middle", "after": "stream after", "hidden": "hidden layer"}
_ROUTES = (("before", "attention weights"), ("attention weights", "attention output"), ("attention output", "middle"),
           ("middle", "hidden"), ("hidden", "MLP output"), ("MLP output", "after"))  # fmt: skip
_LABEL_LENGTH = 12
_MAX_TOKENS = 24
_FULL_COLOR = 95  # percent of a row's numbers are paler than full color


@styled
def block_flow(stages: Mapping[str, object], tokens: Sequence[str], *, title: str | None = None) -> np.ndarray:
    """Draw one block's numbers on their way: the stream below, what is computed from it and added to it above.

    `stages`: "before", "middle" and "after" (position, d_model), the stream; "attention weights" (query, key), such as
    the mean over the heads; "attention output" and "MLP output" (position, d_model); "hidden" (position, d_ff).
    Each row is a token with a scale of its own: red is above 0, blue below; how long the rows are is said in numbers.
    Returns an array of Axes in the order of the flow. Raises ValueError for missing stages and other shapes. Lesson 4.
    """
    arrays = _checked(stages, tokens)
    labels = [token_label(token, _LABEL_LENGTH) for token in validation.text_list(tokens, "tokens")]
    figure = new_figure(style.MAX_WIDTH, 2.3 + 0.34 * len(labels) + (0.3 if title else 0))
    grid = figure.add_gridspec(2, 7)
    axes = {name: figure.add_subplot(grid[_PLACES[name]]) for name in _PLACES}
    for name, part in axes.items():
        _draw(part, name, arrays[name], labels if name == "before" else [])
    for start, stop in _ROUTES:
        _arrow(axes[start], axes[stop], is_stream=False)
    for start, stop in pairwise(_STREAM):
        _arrow(axes[start], axes[stop], is_stream=True)
    if title:
        figure.suptitle(prose_label(str(title)), size=11)
    sentences = _flow_text(arrays, len(labels))
    for part in axes.values():
        describe(part, sentences)
    return np.array(list(axes.values()), dtype=object)


def _checked(stages: Mapping[str, object], tokens: Sequence[str]) -> dict[str, np.ndarray]:
    if set(stages) != set(_PLACES):
        raise ValueError(f"a block has the stages {', '.join(_PLACES)}; given {', '.join(map(str, stages)) or 'none'}")
    arrays = {name: validation.finite_numbers(stages[name], f"stages[{name!r}]", 2) for name in _PLACES}
    n_tokens, d_model = arrays["before"].shape
    validation.text_list(tokens, "tokens", n_tokens, "the stream")
    if n_tokens > _MAX_TOKENS:
        raise ValueError(f"at most {_MAX_TOKENS} tokens fit into the picture of a block; given {n_tokens}")
    for name, array in arrays.items():
        width = {"attention weights": n_tokens, "hidden": array.shape[1]}.get(name, d_model)
        if array.shape != (n_tokens, width):
            raise ValueError(f"stages[{name!r}] must have the shape {(n_tokens, width)}, but has {array.shape}")
    return arrays


def _draw(ax: Axes, name: str, array: np.ndarray, labels: list[str]) -> None:
    if name == "attention weights":
        ax.imshow(array, cmap="viridis", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        size = "mean of\nthe heads"
    else:
        ax.imshow(_by_row(array), cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
        size = f"{array.shape[1]} wide\nlength {_length(array):.0f}"
    ax.set_xticks([])
    ax.set_yticks(range(len(labels)), labels, size=8)
    ax.tick_params(length=0, pad=2)
    color, width = (style.BLUE, 2.2) if name in _STREAM else (style.FAINT_INK, 0.8)
    ax.spines[:].set(visible=True, color=color, linewidth=width)
    if name in _STREAM:
        ax.set_xlabel(f"{_TITLES.get(name, name)}\n{size}", size=8)
    else:
        ax.set_title(f"{_TITLES.get(name, name)}\n{size}", size=8, pad=4)


def _by_row(array: np.ndarray) -> np.ndarray:
    """Each row against its own larger numbers: one token's giants would make all others look empty."""
    magnitudes = np.where(array == 0, np.nan, np.abs(array))
    filled = ~np.isnan(magnitudes).all(axis=1)
    scale = np.ones(len(array))
    scale[filled] = np.nanpercentile(magnitudes[filled], _FULL_COLOR, axis=1)
    return array / scale[:, None]


def _length(array: np.ndarray) -> float:
    return float(np.linalg.norm(array, axis=1).mean())


def _arrow(start: Axes, stop: Axes, *, is_stream: bool) -> None:
    """From one picture to another; the stream runs straight and thick."""
    same_row = start.get_subplotspec().rowspan == stop.get_subplotspec().rowspan
    goes_up = stop.get_subplotspec().rowspan.start < start.get_subplotspec().rowspan.start
    begin = (1.0, 0.5) if same_row else (0.8, 1.0) if goes_up else (0.5, 0.0)
    end = (0.0, 0.5) if same_row or goes_up else (0.1, 1.0)
    patch = ConnectionPatch(
        begin, end, "axes fraction", "axes fraction", axesA=start, axesB=stop, arrowstyle="-|>",
        color=style.BLUE if is_stream else style.VERMILLION, linewidth=2.4 if is_stream else 1.2, mutation_scale=11,
        shrinkA=2, shrinkB=2, connectionstyle="arc3" if same_row else "arc3,rad=-0.15", zorder=5,
    )  # fmt: skip
    patch.set_in_layout(False)
    start.get_figure(root=True).add_artist(patch)


def _flow_text(arrays: dict[str, np.ndarray], n_tokens: int) -> str:
    sizes = {name: _length(array) for name, array in arrays.items()}
    width = arrays["before"].shape[1]
    return (
        f"One block over {count(n_tokens, 'token')}: the residual stream runs through, {width} wide. Mean length of "
        f"a token's vector: {sizes['before']:.0f} before; attention adds {sizes['attention output']:.0f}; "
        f"{sizes['middle']:.0f} in the middle; the feed-forward network ({arrays['hidden'].shape[1]} wide) adds "
        f"{sizes['MLP output']:.0f}; {sizes['after']:.0f} after."
    )


_SAME = 1e-9
_CELL_LENGTH = 10
_SETTING_LENGTH = 36
_FILLS = ("#fdebc8", "#d9ebf7")  # changed, the same


@styled
def lens_table(probabilities, best: Sequence[Sequence[str]], tokens: Sequence[str]) -> Axes:
    """Draw the logit lens: in each row a layer, from the embedding up; in each column a token; in the cell, what the
    layer would say comes next.

    `probabilities` (layer, position), of the best token, from 0 to 1: the fuller the color, the surer; `best`, the
    best tokens, as many lists as layers; `tokens`, what was read. Layer 0 is the embedding. Raises ValueError for
    other shapes. Lesson 4.

    >>> axes = lens_table([[0.1], [0.9]], [[" a"], [" kite"]], [" red"])
    >>> [text.get_text() for text in axes.texts]
    ['·a', '·kite']
    """
    shares = validation.shares(probabilities, "probabilities", 2)
    n_layers, n_tokens = shares.shape
    tokens = validation.text_list(tokens, "tokens", n_tokens, "probabilities")
    validation.same_length(best, "best", n_layers, "probabilities (its layers)")
    rows = [validation.text_list(row, "best", n_tokens, "probabilities") for row in best]
    ax = new_axes(1.4 + 0.85 * n_tokens, 0.95 + 0.42 * n_layers)
    ax.pcolormesh(shares, cmap="Blues", vmin=0, vmax=1.6)
    names = ["embedding", *(f"after block {layer}" for layer in range(n_layers - 1))]
    _write_cells(ax, [[token_label(token, _CELL_LENGTH) for token in row] for row in rows], names, tokens)
    ax.set_xlabel("token read")
    last = [spoken_token(row[-1]) for row in rows]
    describe(ax, f"Logit lens over {count(n_tokens, 'token')}. After {spoken_token(tokens[-1])}: "
                 + "; ".join(f"{name}: {token}" for name, token in zip(names, last, strict=True)) + ".")  # fmt: skip
    return ax


@styled
def shuffle_table(gaps, settings: Sequence[str], tokens: Sequence[str]) -> Axes:
    """Draw which answers a shuffle leaves as they are: a row for each setting, a column for each token.

    `gaps` (setting, position): how far each token's answer moved, from 0; below 1e-9 counts as "same". Raises
    ValueError for other shapes and negative gaps. Lesson 4.

    >>> axes = shuffle_table([[1e-16, 0.5]], ["no mask"], ["a", "b"])
    >>> [text.get_text() for text in axes.texts]
    ['same', 'changed']
    """
    distances = validation.finite_numbers(gaps, "gaps", 2)
    if distances.min() < 0:
        raise ValueError(f"gaps are distances, never negative; given {distances.min():.3g}")
    n_settings, n_tokens = distances.shape
    settings = validation.text_list(settings, "settings", n_settings, "gaps")
    names = [prose_label(name, _SETTING_LENGTH) for name in settings]
    tokens = validation.text_list(tokens, "tokens", n_tokens, "gaps")
    ax = new_axes(2.4 + 0.85 * n_tokens, 0.95 + 0.34 * n_settings)
    same = distances < _SAME
    ax.pcolormesh(same.astype(float), cmap=ListedColormap(_FILLS), vmin=0, vmax=1, edgecolors="white", linewidth=2)
    _write_cells(ax, np.where(same, "same", "changed"), names, tokens)
    ax.set_xlabel("token, in the new order")
    ax.invert_yaxis()
    said = [f"{name}: {_which(row, tokens)}" for name, row in zip(names, same, strict=True)]
    describe(ax, f"Shuffle test over {count(n_tokens, 'token')}; answers that stay the same: " + "; ".join(said) + ".")
    return ax


def _which(same: np.ndarray, tokens: list[str]) -> str:
    if same.all() or not same.any():
        return "all" if same.all() else "none"
    return ", ".join(spoken_token(token) for token, is_same in zip(tokens, same, strict=True) if is_same)


def _write_cells(ax: Axes, cells: Sequence[Sequence[str]], rows: list[str], tokens: list[str]) -> None:
    """Write a word into each cell, and name the rows and the columns."""
    for row, column in np.ndindex(len(rows), len(tokens)):
        ax.text(column + 0.5, row + 0.5, cells[row][column], ha="center", va="center", size=8.5)
    ax.set_yticks(np.arange(len(rows)) + 0.5, rows, size=8.5)
    ax.set_xticks(np.arange(len(tokens)) + 0.5, [token_label(token, _CELL_LENGTH) for token in tokens], size=8.5)
    ax.tick_params(length=0, pad=3)
    ax.spines[:].set_visible(False)


_MAX_MATRICES = 3
_SHOWN = 24
_SMALL = 1e-3  # a singular value below this share of the largest counts as none: rounding makes such


@styled
def weight_changes(changes: Mapping[str, object], *, title: str | None = None) -> np.ndarray:
    """Draw changes of a matrix side by side, {name: (rows, columns)}, and below each its singular values.

    Red above 0, blue below, each on its own scale. As many singular values are above 0 as the rank says, which
    stands in the heading. At most 3. Returns the Axes, (2, change). Raises ValueError for what is no matrix.
    Lesson 6.

    >>> axes = weight_changes({"rank 1": [[1, 2], [2, 4]]})
    >>> axes[0, 0].llmviz_alt_text
    'Changes of a matrix. rank 1: 2 × 2 numbers, rank 1 of 2.'
    """
    matrices = validation.named_series(changes, "changes", _MAX_MATRICES, n_dims=2)
    figure = new_figure(2.8 * len(matrices) + 0.4, 5.0)
    grid = figure.subplots(2, len(matrices), squeeze=False, gridspec_kw={"height_ratios": [3, 2]})
    sentences = []
    for (name, matrix), (above, below) in zip(matrices.items(), grid.T, strict=True):
        strengths = np.linalg.svd(matrix, compute_uv=False)
        n_directions = int((strengths > _SMALL * max(strengths[0], 1e-12)).sum())
        rank, (rows, columns) = _spoken_rank(n_directions, min(matrix.shape)), matrix.shape
        _draw_matrix(above, matrix, f"{prose_label(name, 24)}: {rank}")
        _draw_strengths(below, strengths, n_directions)
        sentences.append(f"{spoken_prose(name)}: {rows} × {columns} numbers, {rank}.")
    grid[1, 0].set_ylabel("singular value")
    if title is not None:
        figure.suptitle(prose_label(title), fontsize=11)
    describe(grid[0, 0], "Changes of a matrix. " + " ".join(sentences))
    return grid


def _spoken_rank(n_directions: int, most: int) -> str:
    """The rank where it is low; of a change that goes everywhere the count is a matter of rounding."""
    countable = max(1, most // 4)
    return f"rank {n_directions} of {most}" if n_directions <= countable else f"rank above {countable} of {most}"


def _draw_matrix(ax: Axes, matrix: np.ndarray, heading: str) -> None:
    largest = np.abs(matrix).max() or 1.0
    ax.imshow(matrix, cmap="RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest", aspect="auto")
    ax.set(xticks=[], yticks=[])
    ax.set_title(heading)
    ax.set_xlabel(f"largest change ±{largest:.2g}")


def _draw_strengths(ax: Axes, strengths: np.ndarray, n_directions: int) -> None:
    shown = strengths[:_SHOWN]
    colors = [style.BLUE if place < n_directions else style.VERMILLION for place in range(len(shown))]
    ax.bar(np.arange(1, len(shown) + 1), shown, color=colors)
    ax.set_xlabel(f"direction (the first {len(shown)} of {len(strengths)})")
    tidy(ax, "y")
