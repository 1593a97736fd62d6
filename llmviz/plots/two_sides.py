"""Two distributions over the same words, back to back: from the left alone, and from both sides."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from llmviz.plots import validation
from llmviz.plots.display import describe
from llmviz.plots.labels import spoken_token, token_label
from llmviz.plots.style import BLUE, ORANGE, VERMILLION, axes_or_new, styled, tidy

NAMES = ("from both sides", "from the left alone")
_ROW = 0.32


@styled
def two_sides(probabilities, words: Sequence[str], *, exact=None, ax: Axes | None = None) -> Axes:
    """Draw for each word two bars back to back: to the right from both sides, to the left from the left alone.

    `probabilities` (word, 2) go with `words`; the first column is the bar to the right. `exact` holds the true ones
    in the same form; they are drawn as diamonds. Raises ValueError for numbers outside 0 to 1 and unequal lengths.
    Lesson 5.

    >>> axes = two_sides([[0.9, 0.1], [0.1, 0.2]], ["She", "He"])
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['She', 'He']
    """
    numbers = _checked(probabilities, words, "probabilities")
    marks = None if exact is None else _checked(exact, words, "exact")
    ax = axes_or_new(ax, 6.5, 1.1 + _ROW * len(words))
    rows = np.arange(len(words))
    for column, (name, color, sign) in enumerate(zip(NAMES, (BLUE, ORANGE), (1, -1), strict=True)):
        ax.barh(rows, sign * numbers[:, column], height=0.7, color=color, label=name)
        if marks is not None:
            shown = marks[:, column] > 0
            ax.plot(sign * marks[shown, column], rows[shown], "D", markersize=6, markerfacecolor="white",
                    markeredgecolor=VERMILLION, markeredgewidth=1.5, linestyle="none", clip_on=False,
                    label="exact, for what each can know" if column == 0 else None)  # fmt: skip
        for row, number in enumerate(numbers[:, column]):
            edge = max(number, marks[row, column] if marks is not None else 0)
            ax.annotate(f"{number:.2f}", (sign * edge, row), (sign * 8, 0), textcoords="offset points", va="center",
                        ha="left" if sign > 0 else "right", size=9)  # fmt: skip
    ax.axvline(0, color="black", linewidth=0.8)
    ax.set_yticks(rows, [token_label(word) for word in words])
    ax.set(xlim=(-1.2, 1.2), ylim=(len(words) - 0.5, -0.5))
    ax.set_xticks([-1, -0.5, 0, 0.5, 1], ["1", "0.5", "0", "0.5", "1"])
    ax.set_xlabel("probability of the word")
    ax.tick_params(axis="y", length=0, pad=7)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2)
    tidy(ax, grid="x")
    describe(ax, _sentence(numbers, words))
    return ax


def _checked(values, words: Sequence[str], name: str) -> np.ndarray:
    numbers = validation.finite_numbers(values, name, 2)
    if numbers.shape != (len(words), 2):
        raise ValueError(f"{name} must be ({len(words)} words, 2), but has shape {numbers.shape}.")
    if ((numbers < 0) | (numbers > 1 + validation.SUM_TOLERANCE)).any():
        raise ValueError(f"{name} must hold numbers from 0 to 1; they go from {numbers.min():g} to {numbers.max():g}.")
    return numbers


def _sentence(numbers: np.ndarray, words: Sequence[str]) -> str:
    said = [
        f"{name} most likely {spoken_token(words[best])} {numbers[best, column]:.2f}"
        for column, (name, best) in enumerate(zip(NAMES, numbers.argmax(axis=0), strict=True))
    ]
    return f"Bars back to back of {len(words)} words: {'; '.join(said)}."
