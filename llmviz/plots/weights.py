"""What was added to a matrix: the change itself, and how strongly it works in each of its directions."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from llmviz.plots import validation
from llmviz.plots.display import describe
from llmviz.plots.labels import prose_label, spoken_prose
from llmviz.plots.style import BLUE, VERMILLION, new_figure, styled, tidy

_MAX_MATRICES = 3
_SHOWN = 24
_SMALL = 1e-3
"""A singular value below this share of the largest counts as none: rounding makes such."""


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
    if not isinstance(changes, Mapping) or not 1 <= len(changes) <= _MAX_MATRICES:
        given = len(changes) if isinstance(changes, Mapping) else type(changes).__name__
        raise ValueError(f"changes are a dict from a name to a matrix, 1 to {_MAX_MATRICES} of them; given {given}")
    matrices = {str(name): validation.finite_numbers(matrix, f"the change {name!r}", 2)
                for name, matrix in changes.items()}  # fmt: skip
    figure = new_figure(2.8 * len(matrices) + 0.4, 5.0)
    grid = figure.subplots(2, len(matrices), squeeze=False, gridspec_kw={"height_ratios": [3, 2]})
    sentences = []
    for (name, matrix), (above, below) in zip(matrices.items(), grid.T, strict=True):
        strengths = np.linalg.svd(matrix, compute_uv=False)
        n_directions = int((strengths > _SMALL * max(strengths[0], 1e-12)).sum())
        _draw_matrix(above, matrix, f"{prose_label(name, 24)}: {_spoken_rank(n_directions, min(matrix.shape))}")
        _draw_strengths(below, strengths, n_directions)
        rows, columns = matrix.shape
        rank = _spoken_rank(n_directions, min(matrix.shape))
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
    colors = [BLUE if place < n_directions else VERMILLION for place in range(len(shown))]
    ax.bar(np.arange(1, len(shown) + 1), shown, color=colors)
    ax.set_xlabel(f"direction (the first {len(shown)} of {len(strengths)})")
    tidy(ax, "y")
