"""Curves: named series, the training loss with its baselines, the learning-rate range test, power laws."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from llmviz.plots import _style as style
from llmviz.plots import _validation as validation
from llmviz.plots._labels import count, listing, prose_label, spoken_prose
from llmviz.plots._style import describe, legend_above, new_axes, put_title, settled_size, styled, tidy
from llmviz.plots._validation import named_baselines

_MAX_CURVES = 8
_MARKED = 40  # points; a curve with fewer has a marker at each
_LEVEL = 0.05  # a change smaller than this share of what the picture shows counts as none
_SCALES = ("linear", "log")


@styled
def curves(
    x: Sequence[float], values: Mapping[str, Sequence[float]], *, x_label: str, y_label: str, x_scale: str = "linear",
    y_range: tuple[float, float] | None = None, title: str | None = None,
) -> Axes:  # fmt: skip
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
    given = validation.named_series(values, "the curve", _MAX_CURVES, len(x), "x")
    series = {_legend_name(name): line for name, line in given.items()}
    ax = new_axes(7.2, 3.8)
    for number, (name, line) in enumerate(series.items()):
        marker = style.MARKERS[number] if len(x) < _MARKED else None
        ax.plot(x, line, color=style.OKABE_ITO[number], marker=marker, markersize=4.5, linewidth=1.8, label=name)
    _set_scale(ax, "x_scale", x_scale, x.min())
    ax.set(xlabel=prose_label(x_label, 60), ylabel=prose_label(y_label, 40))
    if y_range is not None:
        low, high = y_range
        ax.set_ylim(low - 0.03 * (high - low), high + 0.03 * (high - low))
    tidy(ax)
    legend_above(ax)
    put_title(ax, title, over_legend=True)
    describe(ax, _curves_text(series, x_label, y_label))
    return ax


def _set_scale(ax: Axes, name: str, scale: str, first: float, integer: bool = False) -> None:
    """Make the x axis linear or logarithmic; `name` is that of the option."""
    if scale not in _SCALES:
        raise ValueError(f"{name} must be one of {_SCALES}, but is {scale!r}.")
    if scale == "linear":
        ax.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10], integer=integer))
    elif first < 1:
        ax.set_xscale("symlog", linthresh=1, linscale=0.3)  # has a place for 0
    else:
        ax.set_xscale("log")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda place, _: f"{place:,.10g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())


def _legend_name(name: str, width: int = 40) -> str:
    """A name as a legend takes it: matplotlib leaves out what is empty or begins with an underscore."""
    return prose_label(name, width).lstrip("_") or "∅"


def _curves_text(series: dict[str, np.ndarray], x_label: str, y_label: str) -> str:
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
    learning_rates: Sequence[float], losses: Sequence[float], *, smoothed: Sequence[float], chosen: float | None = None
) -> Axes:
    """Draw a range test: the loss of one run whose learning rate rises from far too small to far too large.

    `learning_rates` (n), rising and above 0, on a log axis; `losses` (n) of each step and `smoothed` (n), in nats per
    token. `chosen` is marked. Raises ValueError for unequal lengths and rates that do not rise. Lesson 5.

    >>> axes = rate_finder([0.001, 0.01, 0.1], [3.0, 1.0, 9.0], smoothed=[3.0, 1.0, 9.0], chosen=0.01)
    >>> axes.llmviz_alt_text
    'Range test: while the learning rate rises, the loss falls, then rises. The chosen rate is marked before the rise.'
    """
    rates = _positive(learning_rates, "learning_rates")
    if (np.diff(rates) <= 0).any():
        raise ValueError("learning_rates must rise from step to step.")
    losses = validation.finite_numbers(losses, "losses", 1, len(rates), "learning_rates")
    smoothed = validation.finite_numbers(smoothed, "smoothed", 1, len(rates), "learning_rates")
    ax = new_axes(7.2, 3.6)
    ax.plot(rates, losses, color=style.FAINT_INK, linewidth=0.8, alpha=0.6, label="each step")
    ax.plot(rates, smoothed, color=style.OKABE_ITO[0], linewidth=2, label="smoothed")
    lowest = int(np.argmin(smoothed))
    ax.axvspan(rates[lowest], rates[-1], color=style.VERMILLION, alpha=0.08, linewidth=0, label="too fast")
    if chosen is not None:
        ax.axvline(chosen, color=style.GREEN, linewidth=1.8, linestyle=(0, (5, 3)))
        ax.annotate(f"chosen: {chosen:.2g}", (chosen, 1), (-4, -4), ("data", "axes fraction"), "offset points",
                    ha="right", va="top", color=style.INK, size=9)  # fmt: skip
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda place, _: f"{place:g}"))
    low, high = smoothed.min(), max(smoothed[0], np.median(smoothed))
    ax.set(xlabel="learning rate (log scale)", ylabel="loss (nats per token)", xlim=(rates[0], rates[-1]))
    ax.set_ylim(low - 0.15 * (high - low + 1e-6), high + 0.6 * (high - low + 1e-6))
    tidy(ax)
    legend_above(ax)
    where = "before" if chosen is not None and chosen <= rates[lowest] else "in"
    marked = "" if chosen is None else f" The chosen rate is marked {where} the rise."
    course = _course(smoothed, _LEVEL * max(float(np.ptp(smoothed)), 1e-12))
    describe(ax, f"Range test: while the learning rate rises, the loss {course}.{marked}")
    return ax


_LABEL_SIZE, _LABEL_HEIGHT = 9, 12.5  # points
_DASHES = [(0, (6, 3)), (0, (2, 2)), (0, (6, 2, 1, 2)), (0, (1, 1))]
_SMOOTHING = 20  # the smoothed curve averages over one part in this many of the run
_NOISE = 0.02  # a change smaller than this share of the first loss counts as none
_CLOSE = 0.03  # nearer than this share of a baseline counts as close to it


@styled
def loss_curve(
    steps: Sequence[float], losses: Sequence[float], *,
    validation: tuple[Sequence[float], Sequence[float]] | None = None, baselines: Mapping[str, float] | None = None,
    scale: str = "linear", title: str | None = None,
) -> Axes:  # fmt: skip
    """Draw how the loss falls while a model trains, between lines that say what such a loss means.

    `steps` and `losses` (n) are the training; `validation` is a pair (steps, losses), drawn as dots.
    `baselines` names horizontal lines, such as {"ln V": 6.9, "bigram": 3.4, "exact entropy": 1.9}. `scale`
    of the steps: "linear" or "log". Raises ValueError for unequal lengths,
    NaN and steps that go back. Lesson 5.

    >>> axes = loss_curve([1, 2, 3], [4.0, 2.5, 2.0], baselines={"uniform": 4.2, "bigram": 2.4})
    >>> axes.llmviz_alt_text
    'Loss curve, in nats per token. The training loss falls, and ends below the lines uniform and bigram.'
    """
    steps, losses = _step_series(steps, losses, "steps", "losses")
    if validation is not None:
        if not isinstance(validation, tuple | list) or len(validation) != 2:
            raise ValueError("validation must be a pair: (steps, losses).")
        validation = _step_series(*validation, "validation steps", "validation losses")
    baselines = named_baselines(baselines)
    ax = new_axes(7.6 if baselines else 6.6, 4.2)
    smoothed = _smooth(losses)
    _draw_training(ax, steps, losses, smoothed)
    if validation is not None:
        ax.plot(*validation, "o", color=style.VERMILLION, markersize=5.5, label="validation", zorder=4)
    _set_axes(ax, [steps, *(validation[:1] if validation else [])], scale)
    _set_height(ax, [losses, *(validation[1:] if validation else []), np.array([*baselines.values()])])
    legend_above(ax)
    put_title(ax, title, over_legend=True)
    _draw_baselines(ax, baselines)
    describe(ax, _loss_text(smoothed, validation, baselines))
    return ax


def _step_series(steps, losses, steps_name: str, losses_name: str) -> tuple[np.ndarray, np.ndarray]:
    losses = validation.finite_numbers(losses, losses_name, 1)
    steps = validation.finite_numbers(steps, steps_name, 1, len(losses), losses_name)
    if (back := np.flatnonzero(np.diff(steps, prepend=0) < 0)).size:
        raise ValueError(f"{steps_name} must go from 0 or more upwards, but number {back[0]} is {steps[back[0]]:g}.")
    return steps, losses


def _smooth(losses: np.ndarray) -> np.ndarray:
    """Average each loss with its neighbors, fewer of them at the steep start and at the end."""
    reach = len(losses) // (2 * _SMOOTHING)
    places = np.arange(len(losses))
    start = places - np.minimum(reach, places)
    stop = places + np.minimum(np.minimum(reach, places), len(losses) - 1 - places) + 1
    sums = np.concatenate([[0.0], np.cumsum(losses)])
    return (sums[stop] - sums[start]) / (stop - start)


def _draw_training(ax: Axes, steps: np.ndarray, losses: np.ndarray, smoothed: np.ndarray) -> None:
    if len(losses) < 2 * _SMOOTHING:
        marker = "o" if len(losses) == 1 else None
        ax.plot(steps, losses, color=style.BLUE, linewidth=1.8, marker=marker, label="training")
        return
    ax.plot(steps, losses, color=style.BLUE, linewidth=0.8, alpha=0.3, label="training")
    ax.plot(steps, smoothed, color=style.BLUE, linewidth=1.8, label="training, smoothed")


def _set_axes(ax: Axes, all_steps: list[np.ndarray], scale: str) -> None:
    first, last = min(steps[0] for steps in all_steps), max(steps[-1] for steps in all_steps)
    _set_scale(ax, "scale", scale, first, integer=True)
    if first == last:
        ax.set(xlim=(first / 2, 1.5 * first + 1), xticks=[first])
    ax.set_xlabel("step" + (" (log scale)" if scale == "log" else ""))
    ax.set_ylabel("loss (nats per token)")
    tidy(ax)


def _set_height(ax: Axes, all_losses: list[np.ndarray]) -> None:
    values = np.concatenate(all_losses)
    spread, size = values.max() - values.min(), max(1.0, np.abs(values).max())
    margin = 0.06 * spread if spread > 1e-6 * size else 0.5 * size
    ax.set_ylim(values.min() - margin, values.max() + margin)


def _draw_baselines(ax: Axes, baselines: dict[str, float]) -> None:
    """Draw a dashed line for each baseline; its name stands to the right, clear of the others."""
    names = []
    for number, (name, value) in enumerate(baselines.items()):
        dashes, label = _DASHES[number % len(_DASHES)], f"{prose_label(name, 24)}  {value:.2f}"
        ax.axhline(value, color=style.INK, linewidth=1, linestyle=dashes, label=f"_{name}", zorder=3)
        names.append(ax.annotate(
            label, (1, value), (16, 0), ("axes fraction", "data"), "offset points", va="center", size=_LABEL_SIZE,
            annotation_clip=False, arrowprops={"arrowstyle": "-", "color": style.FAINT_INK, "linewidth": 0.7,
                                               "relpos": (0, 0.5), "shrinkA": 2, "shrinkB": 0},
        ))  # fmt: skip
    if not names:
        return
    _, height = settled_size(ax)
    bottom, top = ax.get_ylim()
    wanted = (np.array([*baselines.values()]) - bottom) / (top - bottom) * height
    for name, shift in zip(names, _spread(wanted, height) - wanted, strict=True):
        name.set_position((16, shift))


def _spread(wanted: np.ndarray, height: float) -> np.ndarray:
    """Return heights near the wanted ones, in the same order, one line apart, and inside where they fit."""
    order = np.argsort(wanted, kind="stable")
    places = wanted[order].copy()
    for index in range(1, len(places)):
        places[index] = max(places[index], places[index - 1] + _LABEL_HEIGHT)
    places[-1] = min(places[-1], max(height, wanted.max()))
    for index in range(len(places) - 2, -1, -1):
        places[index] = min(places[index], places[index + 1] - _LABEL_HEIGHT)
    spread = np.empty_like(places)
    spread[order] = places
    return spread


def _loss_text(smoothed: np.ndarray, validation, baselines: dict[str, float]) -> str:
    """Compare in words only: a model that is trained elsewhere ends at other digits."""
    text = f"Loss curve, in nats per token. The training loss {_course(smoothed, _NOISE * smoothed[0])}"
    if validation is not None:
        text += f"; the validation loss {_course(validation[1], _NOISE * validation[1][0])}"
    if baselines:
        final = validation[1][-1] if validation is not None else smoothed[-1]
        text += f", and ends {_comparisons(final, baselines)}"
    return text + "."


def _comparisons(final: float, baselines: dict[str, float]) -> str:
    sides: dict[str, list[str]] = {"below": [], "close to": [], "above": []}
    for name, value in sorted(baselines.items(), key=lambda item: -item[1]):
        is_close = abs(final - value) <= _CLOSE * abs(value)
        sides["close to" if is_close else "below" if final < value else "above"].append(spoken_prose(name))
    return listing([f"{side} the line{'s' if len(names) > 1 else ''} {listing(names)}"
                    for side, names in sides.items() if names])  # fmt: skip


_MAX_LINES = 300


@styled
def power_law(
    sizes: Sequence[float], losses: Sequence[float], *, at: Sequence[float],
    band: tuple[Sequence[float], Sequence[float], Sequence[float]], lines: Sequence[Sequence[float]] = (),
    tested: tuple[float, float] | None = None,
) -> Axes:  # fmt: skip
    """Draw trials (n), the law fitted to them with its uncertainty, and one trial that the law had not seen.

    `sizes` and `losses` (n) are the trials. `at` (m) are sizes; `band` says for each of them where the law puts the
    loss: (low, middle, high), each (m). `lines` (k, m) are other laws, drawn from their posterior, at most 300.
    `tested` is the trial it had to predict, (size, loss). Both axes are logarithmic: a power law is a straight line.
    Raises ValueError for what is not above 0, and for unequal lengths. Lesson 5.

    >>> axes = power_law([1, 10], [1.0, 0.1], at=[1, 100], band=([0.9, 0.005], [1, 0.01], [1.1, 0.02]), tested=(100, 1))
    >>> axes.llmviz_alt_text
    'Power law through 2 trials: the loss falls as the size grows. The trial it had to predict is marked.'
    """
    sizes, at = _positive(sizes, "sizes"), _positive(at, "at")
    losses = _positive(losses, "losses", len(sizes), "sizes")
    low, middle, high = (_positive(edge, "the band", len(at), "at") for edge in band)
    ax = new_axes(7.2, 4.4)
    for line in list(lines)[:_MAX_LINES]:
        ax.plot(at, _positive(line, "lines"), color=style.SKY, linewidth=0.5, alpha=0.1, zorder=1)
    ax.fill_between(at, low, high, color=style.SKY, alpha=0.35, linewidth=0)
    ax.plot(sizes, losses, "o", color=style.BLUE, markersize=7, label="trials it was fitted to", zorder=4)
    ax.plot(at, middle, color=style.BLUE, linewidth=1.8, label="the law; 9 of 10 in the band")
    if tested is not None:
        ax.plot(*tested, "D", color=style.VERMILLION, markersize=8, label="the trial it had to predict", zorder=5)
    ax.set(xscale="log", yscale="log", xlabel="parameters (log scale)",
           ylabel="loss above the floor (nats per token), log scale")  # fmt: skip
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda place, _: f"{place:,.10g}"))
        axis.set_minor_formatter(NullFormatter())
    ax.tick_params(colors=style.FAINT_INK, which="minor")
    tidy(ax)
    ax.grid(which="minor", axis="y", color="#f0f0f0")
    legend_above(ax)
    course = "falls" if middle[-1] < middle[0] else "rises"  # no digits: they differ between processors
    marked = "" if tested is None else " The trial it had to predict is marked."
    describe(ax, f"Power law through {count(len(sizes), 'trial')}: the loss {course} as the size grows.{marked}")
    return ax


def _positive(values, name: str, n_expected: int | None = None, expected_by: str = "") -> np.ndarray:
    values = validation.finite_numbers(values, name, 1, n_expected, expected_by)
    if values.min() <= 0:
        raise ValueError(f"{name} must be above 0 to stand on a logarithmic axis, but hold {values.min():.3g}.")
    return values
