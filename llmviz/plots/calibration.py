"""Confidence against truth: each answer a mark, by who was asked about and by whether it holds (lesson 8)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from llmviz.plots import validation
from llmviz.plots.display import describe
from llmviz.plots.labels import count, prose_label, spoken_prose
from llmviz.plots.style import BLUE, FAINT_INK, VERMILLION, axes_or_new, legend_above, put_title, styled, tidy

_LANES = 5  # marks that would lie on one another are put side by side, at most so many deep
_STEP = 0.14


@styled
def confidence_marks(
    confidence, right, groups: Sequence[str], *, threshold: float | None = None, title: str | None = None,
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw each answer at its confidence, in a row for each group: a blue circle where it holds, a red cross where not.

    `confidence` (answer), from 0 to 1; `right` (answer), true or false; `groups`, one name an answer. `threshold`
    draws a line: what lies left of it would not be said. Raises ValueError for other shapes. Lesson 8.

    >>> axes = confidence_marks([0.9, 0.8], [True, False], ["known", "guest"])
    >>> axes.llmviz_alt_text.split(". ")[0]
    'Confidence of 2 answers, by group'
    """
    shares = validation.finite_numbers(confidence, "confidence", 1)
    if shares.min() < 0 or shares.max() > 1 + validation.SUM_TOLERANCE:
        raise ValueError(f"confidence lies between 0 and 1; given {shares.min():.3g} to {shares.max():.3g}")
    holds = validation.finite_numbers(right, "right", 1).astype(bool)
    if len(holds) != len(shares):
        raise ValueError(f"right has {len(holds)} entries, but confidence has {len(shares)}: give one for each")
    groups = validation.text_list(groups, "groups", len(shares), "confidence")
    names = list(dict.fromkeys(groups))
    rows = np.array([names.index(group) for group in groups], dtype=float)
    ax = axes_or_new(ax, 7.2, 1.1 + 0.75 * len(names))
    heights = rows + _side_by_side(shares, rows)
    for kind, marker, color, name in ((True, "o", BLUE, "holds"), (False, "x", VERMILLION, "is invented")):
        some = holds == kind
        ax.scatter(shares[some], heights[some], marker=marker, color=color, s=20, linewidths=1.2, label=name)
    if threshold is not None:
        ax.axvline(threshold, color=FAINT_INK, linestyle="--")
    ax.set_yticks(range(len(names)), [prose_label(name, 24) for name in names])
    ax.set(xlabel="confidence in the answer", xlim=(-0.02, 1.03), ylim=(len(names) - 0.4, -0.6))
    tidy(ax, grid="x")
    legend_above(ax, ["holds", "is invented"])
    put_title(ax, title, over_legend=True)
    describe(ax, _sentences(shares, holds, rows, names))
    return ax


def _side_by_side(shares: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """A small shift up or down for marks that fall on the same place."""
    shifts, seen = np.zeros(len(shares)), {}
    for number, place in enumerate(zip(rows, np.round(shares * 60), strict=True)):
        lane = seen.get(place, 0)
        seen[place] = lane + 1
        shifts[number] = _STEP * ((lane % _LANES + 1) // 2) * (1 if lane % 2 else -1)
    return shifts


def _sentences(shares: np.ndarray, holds: np.ndarray, rows: np.ndarray, names: list[str]) -> str:
    parts = []
    for number, name in enumerate(names):
        some = rows == number
        parts.append(f"{spoken_prose(name, 24)}: {count(int(some.sum()), 'answer')}, {holds[some].mean():.0%} hold, "
                     f"median confidence {np.median(shares[some]):.1f}")  # fmt: skip
    return f"Confidence of {count(len(shares), 'answer')}, by group. " + "; ".join(parts) + "."
