"""Curves with names: what goes up and what goes down while something else is turned or counted."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from llmviz.plots import validation
from llmviz.plots.display import describe
from llmviz.plots.labels import prose_label, spoken_prose
from llmviz.plots.style import (
    FAINT_INK,
    GREEN,
    INK,
    MARKERS,
    OKABE_ITO,
    VERMILLION,
    axes_or_new,
    legend_above,
    put_title,
    styled,
    tidy,
)

_MAX_CURVES = 8
_MARKED = 40  # points; a curve with fewer has a marker at each
_LEVEL = 0.05  # a change smaller than this share of what the picture shows counts as none
_SCALES = ("linear", "log")


@styled
def curves(
    x: Sequence[float],
    values: Mapping[str, Sequence[float]],
    *,
    x_label: str,
    y_label: str,
    x_scale: str = "linear",
    y_range: tuple[float, float] | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw several curves over the same x (n), each with its name: {name: (n)}, at most 8.

    `x_scale` is "linear" or "log" (then 0 keeps a place at the left). `y_range` fixes the height, such as (0, 1) for
    shares. Raises ValueError for unequal lengths, x that goes back, and more curves. Lesson 5.

    >>> axes = curves([0, 1, 2], {"facts": [0, 0.5, 1], "lists": [0, 0, 0]}, x_label="step", y_label="right")
    >>> axes.llmviz_alt_text
    'Over the step: right. facts rises; lists stays level.'
    """
    x = validation.finite_numbers(x, "x", 1)
    if (np.diff(x) < 0).any():
        raise ValueError("x must not go back; sort the points by x first.")
    if x_scale not in _SCALES:
        raise ValueError(f"x_scale must be one of {_SCALES}, but is {x_scale!r}.")
    series = _series(x, values)
    ax = axes_or_new(ax, 7.2, 3.8)
    for number, (name, line) in enumerate(series.items()):
        marker = MARKERS[number] if len(x) < _MARKED else None
        ax.plot(x, line, color=OKABE_ITO[number], marker=marker, markersize=4.5, linewidth=1.8, label=name)
    if x_scale == "log":
        ax.set_xscale(*(("symlog",) if x.min() < 1 else ("log",)), **({"linthresh": 1} if x.min() < 1 else {}))
    else:
        ax.xaxis.set_major_locator(MaxNLocator(nbins=8))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda place, _: f"{place:,.10g}"))
    ax.set(xlabel=prose_label(x_label, 60), ylabel=prose_label(y_label, 40))
    if y_range is not None:
        low, high = y_range
        ax.set_ylim(low - 0.03 * (high - low), high + 0.03 * (high - low))
    tidy(ax)
    legend_above(ax, list(series))
    put_title(ax, title, over_legend=True)
    describe(ax, _sentences(series, x_label, y_label))
    return ax


def _series(x: np.ndarray, values: Mapping[str, Sequence[float]]) -> dict[str, np.ndarray]:
    if not isinstance(values, Mapping) or not 1 <= len(values) <= _MAX_CURVES:
        given = len(values) if isinstance(values, Mapping) else type(values).__name__
        raise ValueError(f"curves are a dict from a name to its values, from 1 to {_MAX_CURVES} of them; given {given}")
    series = {_legend_name(name): validation.finite_numbers(line, f"the curve {name!r}", 1)
              for name, line in values.items()}  # fmt: skip
    for name, line in series.items():
        if len(line) != len(x):
            raise ValueError(f"the curve {name!r} has {len(line):,} values, but x has {len(x):,}: give one for each.")
    return series


def _legend_name(name: str) -> str:
    """A name as a legend takes it: matplotlib leaves out what is empty or begins with an underscore."""
    return prose_label(str(name), 40).lstrip("_") or "∅"


def _sentences(series: dict[str, np.ndarray], x_label: str, y_label: str) -> str:
    """What each curve does, in words only: what is trained elsewhere ends at other digits."""
    everything = np.concatenate(list(series.values()))
    slack = _LEVEL * max(float(np.ptp(everything)), 1e-12)
    courses = "; ".join(f"{spoken_prose(name)} {_course(line, slack)}" for name, line in series.items())
    return f"Over the {spoken_prose(x_label)}: {spoken_prose(y_label)}. {courses}."


def _course(line: np.ndarray, slack: float) -> str:
    first, last, low, high = line[0], line[-1], line.min(), line.max()
    if low < min(first, last) - slack:
        return "falls, then rises"
    if high > max(first, last) + slack:
        return "rises, then falls"
    if abs(last - first) <= slack:
        return "stays level"
    return "rises" if last > first else "falls"


@styled
def rate_finder(
    learning_rates: Sequence[float],
    losses: Sequence[float],
    *,
    smoothed: Sequence[float],
    chosen: float | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a range test: the loss of one run whose learning rate rises from far too small to far too large.

    `learning_rates` (n), rising and above 0, on a log axis; `losses` (n) of each step and `smoothed` (n), in nats per
    token. `chosen` is marked. Raises ValueError for unequal lengths and rates that do not rise. Lesson 5.

    >>> axes = rate_finder([0.001, 0.01, 0.1], [3.0, 1.0, 9.0], smoothed=[3.0, 1.0, 9.0], chosen=0.01)
    >>> axes.llmviz_alt_text
    'Range test: while the learning rate rises, the loss falls, then rises. The chosen rate is marked before the rise.'
    """
    rates = validation.finite_numbers(learning_rates, "learning_rates", 1)
    losses, smoothed = (validation.finite_numbers(line, name, 1) for line, name in
                        ((losses, "losses"), (smoothed, "smoothed")))  # fmt: skip
    if rates.min() <= 0 or (np.diff(rates) <= 0).any():
        raise ValueError("learning_rates must be above 0 and rise from step to step.")
    if not len(rates) == len(losses) == len(smoothed):
        raise ValueError(f"one loss for each rate: given {len(rates)} rates, {len(losses)} and {len(smoothed)} losses.")
    ax = axes_or_new(ax, 7.2, 3.6)
    ax.plot(rates, losses, color=FAINT_INK, linewidth=0.8, alpha=0.6, label="each step")
    ax.plot(rates, smoothed, color=OKABE_ITO[0], linewidth=2, label="smoothed")
    lowest = int(np.argmin(smoothed))
    ax.axvspan(rates[lowest], rates[-1], color=VERMILLION, alpha=0.08, linewidth=0, label="too fast")
    if chosen is not None:
        ax.axvline(chosen, color=GREEN, linewidth=1.8, linestyle=(0, (5, 3)))
        ax.annotate(f"chosen: {chosen:.2g}", (chosen, 1), (-4, -4), ("data", "axes fraction"), "offset points",
                    ha="right", va="top", color=INK, size=9)  # fmt: skip
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda place, _: f"{place:g}"))
    low, high = smoothed.min(), max(smoothed[0], np.median(smoothed))
    ax.set(xlabel="learning rate (log scale)", ylabel="loss (nats per token)", xlim=(rates[0], rates[-1]))
    ax.set_ylim(low - 0.15 * (high - low + 1e-6), high + 0.6 * (high - low + 1e-6))
    tidy(ax)
    legend_above(ax, ["each step", "smoothed", "too fast"])
    put_title(ax, title, over_legend=True)
    where = "before" if chosen is not None and chosen <= rates[lowest] else "in"
    marked = "" if chosen is None else f" The chosen rate is marked {where} the rise."
    course = _course(smoothed, _LEVEL * max(float(np.ptp(smoothed)), 1e-12))
    describe(ax, f"Range test: while the learning rate rises, the loss {course}.{marked}")
    return ax
