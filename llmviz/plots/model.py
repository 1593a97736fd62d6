"""Inside a model: the flow through a block, the logit lens, the shuffle test, changes of a weight matrix."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from llmviz.plots import _style as style
from llmviz.plots import _validation as validation
from llmviz.plots._labels import count, prose_label, spoken_prose, spoken_token, token_label
from llmviz.plots._style import describe, new_axes, new_figure, styled, tidy

_SHOWN_NUMBERS, _MAX_STAGES = 6, 12
_STAGE_LENGTH = 24


@styled
def block_flow(stages: Mapping[str, object], *, title: str | None = None) -> Axes:
    """Draw some numbers of one token on their way through a block: a row for each stage, a column for each number.

    `stages`: name → vector (d_model), in the order of the flow, such as {"stream": …, "+ attention": …, "= stream": …},
    at most 12. The first 6 numbers are written into cells of one color scale: red above 0, blue below. Each row
    names the length of its whole vector. Raises ValueError for vectors of unequal length. Lesson 4.

    >>> axes = block_flow({"stream": [3, 4], "+ attention": [0, 1], "= stream": [3, 5]})
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['stream', '+ attention', '= stream']
    """
    vectors = validation.named_series(stages, "stages", _MAX_STAGES)
    d_model = len(next(iter(vectors.values())))
    for name, vector in vectors.items():
        validation.same_length(vector, f"stages[{name!r}]", d_model, "the first stage")
    shown = np.stack([vector[:_SHOWN_NUMBERS] for vector in vectors.values()])
    n_rows, n_columns = shown.shape
    names = [prose_label(name, _STAGE_LENGTH) for name in vectors]
    lengths = [float(np.linalg.norm(vector)) for vector in vectors.values()]
    ax = new_axes(2.2 + 0.75 * n_columns, 1.5 + 0.42 * n_rows)
    largest = np.abs(shown).max() or 1.0
    image = ax.pcolormesh(shown, cmap="RdBu_r", vmin=-largest, vmax=largest, edgecolors="white", linewidth=2)
    for (row, column), number in np.ndenumerate(shown):
        color = "white" if abs(number) > 0.6 * largest else style.INK
        ax.text(column + 0.5, row + 0.5, f"{number:.1f}", ha="center", va="center", size=11, color=color)
    ax.set_yticks(np.arange(n_rows) + 0.5, names, size=11)
    ax.set_xticks(np.arange(n_columns) + 0.5, range(n_columns), size=10)
    right = ax.secondary_yaxis("right")
    right.set_yticks(np.arange(n_rows) + 0.5, [f"{length:,.0f}" for length in lengths], size=11)
    right.set_ylabel("length of the vector", size=10)
    for part in (ax, right):
        part.tick_params(length=0, pad=3)
        part.spines[:].set_visible(False)
    ax.set_xlabel(f"the first {n_columns} of {count(d_model, 'number')}")
    ax.invert_yaxis()
    ax.figure.colorbar(image, ax=ax, orientation="horizontal", aspect=40, fraction=0.05).outline.set_visible(False)
    if title:
        ax.set_title(prose_label(str(title)), size=11)
    said = [f"{spoken_prose(name)}: {length:,.0f}" for name, length in zip(vectors, lengths, strict=True)]
    describe(ax, f"One token on its way through a block, {d_model} numbers. Length of the vector: {'; '.join(said)}.")
    return ax


_SAME = 1e-9
_CELL_LENGTH = 16
_SETTING_LENGTH = 36
_FILLS = ("#fdebc8", "#d9ebf7")  # changed, the same


@styled
def lens_table(probabilities, best: Sequence[Sequence[str]], tokens: Sequence[str]) -> Axes:
    """Draw the logit lens: a row for each token read, a column for each layer, from the embedding to the last block;
    in the cell, the token that the layer would predict next, on the color of its probability.

    `probabilities` (layer, position), of the best token, from 0 to 1; `best`, the best tokens, as many lists as
    layers; `tokens`, what was read. Layer 0 is the embedding. Raises ValueError for other shapes. Lesson 4.

    >>> axes = lens_table([[0.1], [0.9]], [[" a"], [" kite"]], [" red"])
    >>> [text.get_text() for text in axes.texts]
    ['·a', '·kite']
    """
    shares = validation.shares(probabilities, "probabilities", 2)
    n_layers, n_tokens = shares.shape
    tokens = validation.text_list(tokens, "tokens", n_tokens, "probabilities")
    validation.same_length(best, "best", n_layers, "probabilities (its layers)")
    columns = [validation.text_list(column, "best", n_tokens, "probabilities") for column in best]
    names = ["embedding", *(f"after block {layer}" for layer in range(n_layers - 1))]
    ax = new_axes(2.3 + 1.25 * n_layers, 1.0 + 0.36 * n_tokens)
    image = ax.pcolormesh(shares.T, cmap=style.PROBABLE, vmin=0, vmax=1, edgecolors="white", linewidth=2)
    cells = [[token_label(token, _CELL_LENGTH) for token in row] for row in zip(*columns, strict=True)]
    _write_cells(ax, cells, [token_label(token, _CELL_LENGTH) for token in tokens], names)
    ax.set_ylabel("token read")
    ax.set_xlabel("what the stream would predict next")
    ax.invert_yaxis()
    ax.figure.colorbar(image, ax=ax, aspect=25, label="probability").outline.set_visible(False)
    last = [spoken_token(column[-1]) for column in columns]
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
    _write_cells(ax, np.where(same, "same", "changed"), names, [token_label(token, _CELL_LENGTH) for token in tokens])
    ax.set_xlabel("token, in the new order")
    ax.invert_yaxis()
    said = [f"{name}: {_which(row, tokens)}" for name, row in zip(names, same, strict=True)]
    describe(ax, f"Shuffle test over {count(n_tokens, 'token')}; answers that stay the same: " + "; ".join(said) + ".")
    return ax


def _which(same: np.ndarray, tokens: list[str]) -> str:
    if same.all() or not same.any():
        return "all" if same.all() else "none"
    return ", ".join(spoken_token(token) for token, is_same in zip(tokens, same, strict=True) if is_same)


def _write_cells(ax: Axes, cells: Sequence[Sequence[str]], rows: list[str], columns: list[str]) -> None:
    """Write a word into each cell, and name the rows and the columns."""
    for row, column in np.ndindex(len(rows), len(columns)):
        ax.text(column + 0.5, row + 0.5, cells[row][column], ha="center", va="center", size=9.5)
    ax.set_yticks(np.arange(len(rows)) + 0.5, rows, size=9.5)
    ax.set_xticks(np.arange(len(columns)) + 0.5, columns, size=9.5)
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
        _draw_matrix(above, matrix, f"{prose_label(name, 24)}: rank {n_directions} of {min(matrix.shape)}")
        _draw_strengths(below, strengths, n_directions)
        sentences.append(f"{spoken_prose(name)}: {rows} × {columns} numbers, {rank}.")
    grid[1, 0].set_ylabel("singular value")
    if title is not None:
        figure.suptitle(prose_label(title), fontsize=11)
    for below in grid[1]:
        below.set_ylim(0, max(one.get_ylim()[1] for one in grid[1]))
    describe(grid[0, 0], "Changes of a matrix. " + " ".join(sentences))
    return grid


def _spoken_rank(n_directions: int, most: int) -> str:
    """The rank where it is low; of a change that goes everywhere the count is a matter of rounding."""
    countable = max(1, most // 4)
    return f"rank {n_directions} of {most}" if n_directions <= countable else f"rank above {countable} of {most}"


def _draw_matrix(ax: Axes, matrix: np.ndarray, heading: str) -> None:
    largest = np.abs(matrix).max() or 1.0
    ax.imshow(matrix, cmap="RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest", aspect="auto")
    ax.set(xticks=[], yticks=[], title=heading, xlabel=f"colors from −{largest:.2g} to {largest:.2g}")


def _draw_strengths(ax: Axes, strengths: np.ndarray, n_directions: int) -> None:
    shown = strengths[:_SHOWN]
    colors = [style.BLUE if place < n_directions else style.VERMILLION for place in range(len(shown))]
    ax.bar(np.arange(1, len(shown) + 1), shown, color=colors)
    ax.set_xticks([1, *range(5, len(shown) + 1, 5)])
    ax.set_xlabel(f"direction (the first {len(shown)} of {len(strengths)})")
    tidy(ax, "y")
