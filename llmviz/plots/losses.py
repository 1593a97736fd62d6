"""The loss curve, with yardsticks: what a loss means is seen from the lines that it passes."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from llmviz import plots
from llmviz.plots.display import describe
from llmviz.plots.labels import listing, prose_label, spoken_prose
from llmviz.plots.style import (
    BLUE,
    FAINT_INK,
    INK,
    VERMILLION,
    axes_or_new,
    legend_above,
    put_title,
    settled_size,
    styled,
    tidy,
)

_MAX_YARDSTICKS = 12
_LABEL_SIZE, _LABEL_HEIGHT = 9, 12.5  # points
_DASHES = [(0, (6, 3)), (0, (2, 2)), (0, (6, 2, 1, 2)), (0, (1, 1))]
_SMOOTHING = 20  # the smoothed curve averages over one part in this many of the run
_CLOSE = 0.03  # nearer than this share of a yardstick counts as close to it
_SCALES = ("linear", "log")


@styled
def loss_curve(
    steps: Sequence[float],
    losses: Sequence[float],
    *,
    validation: tuple[Sequence[float], Sequence[float]] | None = None,
    yardsticks: Mapping[str, float] | None = None,
    unit: str = "nats per token",
    scale: str = "linear",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how the loss falls while a model trains, between lines that say what such a loss means.

    `steps` and `losses` (n) are the training; `validation` is a pair (steps, losses), drawn as dots.
    `yardsticks` names horizontal lines, such as {"ln V": 6.9, "bigram": 3.4, "exact entropy": 1.9}. `unit`
    belongs to all of them. `scale` of the steps: "linear" or "log". Raises ValueError for unequal lengths,
    NaN and steps that go back. Lesson 5.

    >>> axes = loss_curve([1, 2, 3], [4.0, 2.5, 2.0], yardsticks={"uniform": 4.2, "bigram": 2.4})
    >>> axes.llmviz_alt_text
    'Loss curve, in nats per token. The training loss falls, and ends below the lines uniform and bigram.'
    """
    steps, losses = _series(steps, losses, "steps", "losses")
    if validation is not None:
        validation = _validation(validation)
    yardsticks = _yardsticks(yardsticks)
    if scale not in _SCALES:
        raise ValueError(f"scale must be one of {_SCALES}, but is {scale!r}.")
    ax = axes_or_new(ax, 7.6 if yardsticks else 6.6, 4.2)
    smoothed = _smooth(losses)
    _draw_training(ax, steps, losses, smoothed)
    if validation is not None:
        ax.plot(*validation, "o", color=VERMILLION, markersize=5.5, label="validation", zorder=4)
    _set_axes(ax, [steps, *(validation[:1] if validation else [])], scale, unit)
    _set_height(ax, [losses, *(validation[1:] if validation else []), np.array([*yardsticks.values()])])
    legend_above(ax, ax.get_legend_handles_labels()[1])
    put_title(ax, title, over_legend=True)
    _draw_yardsticks(ax, yardsticks)
    describe(ax, _sentences(smoothed, validation, yardsticks, unit))
    return ax


def _series(steps, losses, steps_name: str, losses_name: str) -> tuple[np.ndarray, np.ndarray]:
    steps = plots.finite_numbers(steps, steps_name, 1)
    losses = plots.finite_numbers(losses, losses_name, 1)
    if len(steps) != len(losses):
        raise ValueError(f"{steps_name} has {len(steps):,} entries, but {losses_name} has {len(losses):,}.")
    if (np.diff(steps) < 0).any() or steps[0] < 0:
        raise ValueError(f"{steps_name} must go from 0 or more upwards, but {_backward(steps)}.")
    return steps, losses


def _backward(steps: np.ndarray) -> str:
    if steps[0] < 0:
        return f"the first is {steps[0]:g}"
    place = int(np.flatnonzero(np.diff(steps) < 0)[0])
    return f"{steps[place + 1]:g} follows {steps[place]:g}"


def _validation(validation) -> tuple[np.ndarray, np.ndarray]:
    try:
        steps, losses = validation
    except (TypeError, ValueError) as error:
        raise ValueError("validation must be a pair: (steps, losses).") from error
    return _series(steps, losses, "validation steps", "validation losses")


def _yardsticks(yardsticks: Mapping[str, float] | None) -> dict[str, float]:
    if not yardsticks:
        return {}
    if not isinstance(yardsticks, Mapping):
        raise ValueError(f"yardsticks must be a dict from a name to a loss, but is {type(yardsticks).__name__}.")
    if len(yardsticks) > _MAX_YARDSTICKS:
        raise ValueError(f"yardsticks has {len(yardsticks)} lines; at most {_MAX_YARDSTICKS} can be told apart.")
    names = plots.text_list(yardsticks, "yardsticks")
    values = plots.finite_numbers(list(yardsticks.values()), "yardsticks", 1)
    return dict(zip(names, map(float, values), strict=True))


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
        ax.plot(
            steps,
            losses,
            color=BLUE,
            linewidth=1.8,
            marker="o" if len(losses) == 1 else None,
            label="training",
        )
        return
    ax.plot(steps, losses, color=BLUE, linewidth=0.8, alpha=0.3, label="training, each step")
    ax.plot(steps, smoothed, color=BLUE, linewidth=1.8, label="training, smoothed")


def _set_axes(ax: Axes, all_steps: list[np.ndarray], scale: str, unit: str) -> None:
    first, last = min(steps[0] for steps in all_steps), max(steps[-1] for steps in all_steps)
    if scale == "log" and first < 1:
        ax.set_xscale("symlog", linthresh=1, linscale=0.3)  # has a place for step 0
    elif scale == "log":
        ax.set_xscale("log")
    else:
        ax.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
    if first == last:
        ax.set(xlim=(first / 2, 1.5 * first + 1), xticks=[first])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("step" + (" (log scale)" if scale == "log" else ""))
    ax.set_ylabel(f"loss ({prose_label(unit, 40)})")
    tidy(ax)


def _set_height(ax: Axes, all_losses: list[np.ndarray]) -> None:
    values = np.concatenate(all_losses)
    spread, size = values.max() - values.min(), max(1.0, np.abs(values).max())
    margin = 0.06 * spread if spread > 1e-6 * size else 0.5 * size
    ax.set_ylim(values.min() - margin, values.max() + margin)


def _draw_yardsticks(ax: Axes, yardsticks: dict[str, float]) -> None:
    """Draw a dashed line for each yardstick; its name stands to the right, clear of the others."""
    names = []
    for number, (name, value) in enumerate(yardsticks.items()):
        label = f"{prose_label(name, 24)}  {value:.2f}"
        ax.axhline(
            value,
            color=INK,
            linewidth=1,
            linestyle=_DASHES[number % len(_DASHES)],
            label=f"_{name}",
            zorder=3,
        )
        names.append(
            ax.annotate(
                label, (1, value), (16, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
                va="center", size=_LABEL_SIZE, annotation_clip=False,
                arrowprops={"arrowstyle": "-", "color": FAINT_INK, "linewidth": 0.7,
                    "relpos": (0, 0.5), "shrinkA": 2, "shrinkB": 0},
            )
        )  # fmt: skip
    if not names:
        return
    _, height = settled_size(ax)
    bottom, top = ax.get_ylim()
    wanted = (np.array([*yardsticks.values()]) - bottom) / (top - bottom) * height
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


def _sentences(smoothed: np.ndarray, validation, yardsticks: dict[str, float], unit: str) -> str:
    """Compare in words only: a model that is trained elsewhere ends at other digits."""
    text = f"Loss curve, in {spoken_prose(unit)}. The training loss {_course(smoothed)}"
    if validation is not None:
        text += f"; the validation loss {_course(validation[1])}"
        if _rises_again(validation[1]):
            text += ", then rises again"
    if yardsticks:
        final = validation[1][-1] if validation is not None else smoothed[-1]
        text += f", and ends {_comparisons(final, yardsticks)}"
    return text + "."


def _course(losses: np.ndarray) -> str:
    if len(losses) == 1:
        return "is one point"
    if losses.min() < 0.98 * losses[0]:
        return "falls"
    return "rises" if losses[-1] > 1.02 * losses[0] else "stays level"


def _rises_again(losses: np.ndarray) -> bool:
    return losses.min() < 0.95 * losses[0] and losses[-1] > 1.05 * losses.min()


def _comparisons(final: float, yardsticks: dict[str, float]) -> str:
    sides: dict[str, list[str]] = {"below": [], "close to": [], "above": []}
    for name, value in sorted(yardsticks.items(), key=lambda item: -item[1]):
        is_close = abs(final - value) <= _CLOSE * abs(value)
        sides["close to" if is_close else "below" if final < value else "above"].append(spoken_prose(name))
    phrases = [
        f"{side} the line{'s' if len(names) > 1 else ''} {listing(names)}" for side, names in sides.items() if names
    ]
    return listing(phrases)
