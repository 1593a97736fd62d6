"""Bars, probabilities of next tokens, confidence and truth."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from llmviz.plots import _style as style
from llmviz.plots import _validation as validation
from llmviz.plots._labels import count, prose_label, spoken_prose, spoken_token, token_label
from llmviz.plots._style import describe, legend_above, new_axes, put_title, styled, tidy
from llmviz.plots.lines import _legend_name

_MODEL = "the model"
_REFERENCE = "exact, from the rules of Tinyville"
_DIAMONDS = {"marker": "D", "markersize": 6.5, "markerfacecolor": "white", "markeredgecolor": style.VERMILLION,
             "markeredgewidth": 1.6, "linestyle": "none", "clip_on": False}  # fmt: skip
_SPOKEN_TOKENS, _MAX_TOP = 3, 100
_NEARLY_EQUAL = 6  # decimals; nearer probabilities are listed in the order of their ids on every machine


@styled
def next_token_bars(probabilities, tokens: Sequence[str], *, top: int = 10, reference=None) -> Axes:
    """Draw the most likely next tokens as bars, with everything else together as "other".

    `probabilities` (vocab,) go with `tokens` (vocab strings); a selection of both does too: what it lacks
    to 1 is "other". `reference` (vocab,) holds the exact probabilities; they are drawn as diamonds. Raises
    ValueError for negative probabilities, a sum above 1, and unequal lengths. Lessons 0, 5 and 6.

    >>> axes = next_token_bars([0.2, 0.7, 0.1], [" red", " blue", " green"], top=2)
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['·blue', '·red', 'other (1 token)']
    """
    probabilities = validation.probability_vector(probabilities, "probabilities")
    tokens = validation.text_list(tokens, "tokens", len(probabilities), "probabilities")
    top = validation.whole_number(top, "top", 1, _MAX_TOP)
    exact = None
    if reference is not None:
        exact = validation.probability_vector(reference, "reference")
        validation.same_length(exact, "reference", len(tokens), "tokens")
    chosen = _choose(probabilities, exact, top)
    bars = [*probabilities[chosen], max(0.0, 1 - probabilities[chosen].sum())]
    marks = None if exact is None else [*exact[chosen], max(0.0, 1 - exact[chosen].sum())]
    n_other = len(tokens) - len(chosen)
    has_other = max(bars[-1], marks[-1] if marks else 0) > validation.SUM_TOLERANCE / 10
    labels = [token_label(tokens[index]) for index in chosen]
    if has_other:
        labels.append(f"other ({count(n_other, 'token')})" if n_other else "other")
    else:
        bars, marks = bars[:-1], marks and marks[:-1]
    ax = new_axes(6.5, 1.0 + 0.3 * len(labels) + 0.3 * (marks is not None))
    _draw(ax, labels, bars, marks, has_other)
    describe(ax, _bars_text([tokens[index] for index in chosen], bars, marks, has_other))
    return ax


def _choose(probabilities: np.ndarray, exact: np.ndarray | None, top: int) -> np.ndarray:
    """Return the indices of the `top` most likely tokens, leaving out those that neither side allows."""
    second = np.zeros_like(probabilities) if exact is None else exact
    ranked = np.lexsort((-second, -probabilities.round(_NEARLY_EQUAL)))[:top]
    possible = ranked[(probabilities[ranked] > 0) | (second[ranked] > 0)]
    return possible if len(possible) else ranked[:1]


def _printed(probability: float) -> str:
    """Return a probability as a bar prints it.

    >>> _printed(0.314), _printed(0.0042), _printed(0.00001), _printed(0)
    ('0.31', '0.004', '<0.001', '0')
    """
    if probability == 0:
        return "0"
    if probability < 0.0005:
        return "<0.001"
    return f"{probability:.3f}" if probability < 0.01 else f"{probability:.2f}"


def _draw(ax: Axes, labels: list[str], bars: list[float], marks: list[float] | None, has_other: bool) -> None:
    rows = range(len(labels))
    drawn = ax.barh(rows, bars, height=0.7, color=style.BLUE, label=_MODEL)
    if has_other:
        drawn[-1].set(facecolor=style.GRID, edgecolor=style.HATCH_INK, hatch=style.HATCH, linewidth=0.7)
    ends = list(bars)
    if marks is not None:
        ax.plot(marks, rows, label=_REFERENCE, **_DIAMONDS)
        ends = [max(pair) for pair in zip(bars, marks, strict=True)]
        legend_above(ax)
    for row, end in enumerate(ends):
        value = _printed(bars[row]) + (f" (exact {_printed(marks[row])})" if marks is not None else "")
        ax.annotate(value, (end, row), (9, 0), textcoords="offset points", va="center", size=9)
    ax.set_yticks(rows, labels)
    ax.set(xlim=(0, max(ends) * (1.4 if marks is not None else 1.15)), ylim=(len(labels) - 0.5, -0.5))
    ax.set_xticks([tick for tick in ax.get_xticks() if tick < 1.01])  # the axis is longer, for the numbers
    ax.set_xlabel("probability of the next token")
    ax.tick_params(axis="y", length=0, pad=7)
    tidy(ax, grid="x")


def _bars_text(tokens: list[str], bars: list[float], marks: list[float] | None, has_other: bool) -> str:
    pairs = list(zip(tokens, bars, strict=False))[:_SPOKEN_TOKENS]
    text = "Next-token bars. Most likely: "
    text += ", ".join(f"{spoken_token(token)} {_spoken(value)}" for token, value in pairs) + "."
    if has_other or len(tokens) > len(pairs):
        rest = max(0.0, 1 - sum(value for _, value in pairs))
        text += f" All others together: {_spoken(rest)}."
    if marks is not None:
        exact = ", ".join(f"{spoken_token(pair[0])} {_spoken(mark)}" for pair, mark in zip(pairs, marks, strict=False))
        text += f" Exact probabilities, from the rules of Tinyville: {exact}."
    return text


def _spoken(probability: float) -> str:
    return "less than 0.01" if 0 < probability < 0.005 else f"{probability:.2f}"


_MAX_BAR_GROUPS, _MAX_BARS = 40, 4


@styled
def bars(
    labels: Sequence[str], values: Mapping[str, Sequence[float]], *, x_label: str,
    intervals: Mapping[str, Sequence[float]] | None = None,
) -> Axes:  # fmt: skip
    """Draw named numbers as horizontal bars: one group for each label, in it one bar for each name in `values`.

    `labels` (n), at most 40; `values` {name: (n)}, at most 4 names; `intervals` {name: (n)}, drawn to both sides of
    the ends of the bars. Raises ValueError for unequal lengths. Lessons 1 and 10.

    >>> axes = bars(["English", "Greek"], {"GPT-2": [8, 32], "GPT-4o": [8, 11]}, x_label="tokens")
    >>> axes.llmviz_alt_text
    'Bars: tokens. English: GPT-2 8, GPT-4o 8; Greek: GPT-2 32, GPT-4o 11.'
    """
    labels = validation.text_list(labels, "labels")
    series = validation.named_series(values, "values", _MAX_BARS, len(labels), "labels")
    if len(labels) > _MAX_BAR_GROUPS:
        raise ValueError(f"labels has {len(labels)} entries; at most {_MAX_BAR_GROUPS} groups of bars fit.")
    reach = validation.named_series(intervals, "intervals", _MAX_BARS, len(labels), "labels") if intervals else {}
    height = 0.8 / len(series)
    ax = new_axes(7.6, 1.1 + len(labels) * (0.14 + 0.13 * len(series)))
    for number, (name, numbers) in enumerate(series.items()):
        places = np.arange(len(labels)) - 0.4 + height * (number + 0.5)
        color, label = style.OKABE_ITO[number], _legend_name(name)
        caps = {"xerr": reach.get(name), "error_kw": {"capsize": 4, "ecolor": style.INK}}
        drawn = ax.barh(places, numbers, height=0.92 * height, color=color, label=label, **caps)
        ax.bar_label(drawn, [f"{value:,.4g}" for value in numbers], padding=3, size=8)
    ax.set_yticks(range(len(labels)), [prose_label(label, 30) for label in labels])
    ax.set(xlabel=prose_label(x_label, 60), ylim=(len(labels) - 0.4, -0.6))
    ax.axvline(0, color=style.INK, linewidth=0.8)
    ax.margins(x=0.08)
    ax.tick_params(axis="y", length=0)
    tidy(ax, grid="x")
    if len(series) > 1:
        legend_above(ax)
    groups = [
        f"{spoken_prose(label)}: " + ", ".join(f"{spoken_prose(name)} {line[row]:.4g}" for name, line in series.items())
        for row, label in enumerate(labels)
    ]
    describe(ax, f"Bars: {spoken_prose(x_label)}. {'; '.join(groups)}.")
    return ax


_N_LANES = 9  # marks that would lie on one another are put side by side, at most so many deep
_LANE_STEP = 0.09
_TICKS = (0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999)
_NEAREST = 1e-5  # the axis ends so near to 1, and at 0.01


@styled
def confidence_marks(
    confidence, right, groups: Sequence[str], *, threshold: float | None = None, title: str | None = None,
) -> Axes:  # fmt: skip
    """Draw each answer at its confidence, in a row for each group: a blue circle if it is true, a red cross if not.

    The axis is stretched near 0 and 1, so that 0.99 and 0.999 lie apart; what is nearer than its ends is drawn there.
    `confidence` (answer), from 0 to 1; `right` (answer), true or false; `groups`, one name an answer. `threshold`
    draws a line: what lies left of it would not be said. Raises ValueError for other shapes. Lesson 8.

    >>> axes = confidence_marks([0.9, 0.8], [True, False], ["known", "guest"])
    >>> axes.llmviz_alt_text.split(". ")[0]
    'Confidence of 2 answers, by group'
    """
    shares = validation.shares(confidence, "confidence", 1)
    holds = validation.finite_numbers(right, "right", 1, len(shares), "confidence").astype(bool)
    groups = validation.text_list(groups, "groups", len(shares), "confidence")
    names = list(dict.fromkeys(groups))
    rows = np.array([names.index(group) for group in groups], dtype=float)
    ax = new_axes(7.2, 1.1 + 0.75 * len(names))
    drawn = np.clip(shares, _TICKS[0], 1 - _NEAREST)
    heights = rows + _side_by_side(np.log(drawn / (1 - drawn)), rows)
    for kind, marker, color, name in ((True, "o", style.BLUE, "true"), (False, "x", style.VERMILLION, "not true")):
        some = holds == kind
        ax.scatter(drawn[some], heights[some], marker=marker, color=color, s=20, linewidths=1.2, label=name)
    if threshold is not None:
        ax.axvline(np.clip(threshold, _TICKS[0], 1 - _NEAREST), color=style.FAINT_INK, linestyle="--")
    ax.set_yticks(range(len(names)), [prose_label(name, 24) for name in names])
    ax.set(xlabel="confidence in the answer (stretched near 0 and 1)", xscale="logit", xlim=(0.009, 1 - 0.7 * _NEAREST),
           ylim=(len(names) - 0.4, -0.6))  # fmt: skip
    ax.set_xticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
    ax.set_xticks([], minor=True)
    tidy(ax, grid="x")
    legend_above(ax)
    put_title(ax, title, over_legend=True)
    describe(ax, _confidence_text(shares, holds, rows, names))
    return ax


def _side_by_side(places: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """A small shift up or down for marks that fall on the same place."""
    shifts, seen = np.zeros(len(places)), {}
    for number, place in enumerate(zip(rows, np.round(places * 5.5), strict=True)):
        lane = seen.get(place, 0)
        seen[place] = lane + 1
        shifts[number] = _LANE_STEP * ((lane % _N_LANES + 1) // 2) * (1 if lane % 2 else -1)
    return shifts


def _confidence_text(shares: np.ndarray, holds: np.ndarray, rows: np.ndarray, names: list[str]) -> str:
    parts = []
    for number, name in enumerate(names):
        some = rows == number
        parts.append(f"{spoken_prose(name, 24)}: {count(int(some.sum()), 'answer')}, {holds[some].mean():.0%} true, "
                     f"median confidence {np.median(shares[some]):.1f}")  # fmt: skip
    return f"Confidence of {count(len(shares), 'answer')}, by group. " + "; ".join(parts) + "."
