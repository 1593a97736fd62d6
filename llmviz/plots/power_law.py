"""A power law through a few trials, the band in which the next one should fall, and where it fell."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from llmviz.plots import validation
from llmviz.plots.display import describe
from llmviz.plots.labels import count, prose_label
from llmviz.plots.style import BLUE, FAINT_INK, SKY, VERMILLION, axes_or_new, legend_above, put_title, styled, tidy

_MAX_LINES = 300


@styled
def power_law(
    sizes: Sequence[float],
    losses: Sequence[float],
    *,
    at: Sequence[float],
    band: tuple[Sequence[float], Sequence[float], Sequence[float]],
    lines: Sequence[Sequence[float]] = (),
    tested: tuple[float, float] | None = None,
    size_label: str = "parameters",
    loss_label: str = "loss above the floor (nats per token)",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw trials (n), the law fitted to them with its uncertainty, and one trial that the law had not seen.

    `sizes` and `losses` (n) are the trials. `at` (m) are sizes; `band` says for each of them where the law puts the
    loss: (low, middle, high), each (m). `lines` (k, m) are other laws that fit nearly as well, at most 300.
    `tested` is the trial it had to predict, (size, loss). Both axes are logarithmic: a power law is a straight line.
    Raises ValueError for what is not above 0, and for unequal lengths. Lesson 5.

    >>> axes = power_law([1, 10], [1.0, 0.1], at=[1, 100], band=([0.9, 0.005], [1, 0.01], [1.1, 0.02]), tested=(100, 1))
    >>> axes.llmviz_alt_text
    'Power law through 2 trials: the loss falls as the size grows. The trial it had to predict is marked.'
    """
    sizes, losses = _positive(sizes, "sizes"), _positive(losses, "losses")
    at = _positive(at, "at")
    low, middle, high = (_positive(edge, name) for edge, name in zip(band, ("low", "middle", "high"), strict=True))
    if len(sizes) != len(losses) or not len(at) == len(low) == len(middle) == len(high):
        raise ValueError(
            f"one loss for each size, one band for each place: given {len(sizes)} sizes, {len(losses)} losses, "
            f"{len(at)} places and a band of {len(low)}, {len(middle)} and {len(high)}."
        )
    ax = axes_or_new(ax, 7.2, 4.4)
    for line in list(lines)[:_MAX_LINES]:
        ax.plot(at, _positive(line, "lines"), color=SKY, linewidth=0.5, alpha=0.1, zorder=1)
    ax.fill_between(at, low, high, color=SKY, alpha=0.35, linewidth=0)
    ax.plot(at, middle, color=BLUE, linewidth=1.8, label="the law; 9 of 10 in the band")
    ax.plot(sizes, losses, "o", color=BLUE, markersize=7, label="trials it was fitted to", zorder=4)
    names = ["trials it was fitted to", "the law; 9 of 10 in the band"]
    if tested is not None:
        names.append("the trial it had to predict")
        ax.plot(*tested, "D", color=VERMILLION, markersize=8, label=names[-1], zorder=5)
    ax.set(xscale="log", yscale="log", xlabel=f"{prose_label(size_label, 60)} (log scale)",
           ylabel=f"{prose_label(loss_label, 60)}, log scale")  # fmt: skip
    _name_ticks(ax)
    tidy(ax)
    ax.grid(which="minor", axis="y", color="#f0f0f0")
    legend_above(ax, names)
    put_title(ax, title, over_legend=True)
    describe(ax, _sentences(len(sizes), middle, tested is not None))
    return ax


def _positive(values, name: str) -> np.ndarray:
    values = validation.finite_numbers(values, name, 1)
    if values.min() <= 0:
        raise ValueError(f"{name} must be above 0 to stand on a logarithmic axis, but hold {values.min():.3g}.")
    return values


def _name_ticks(ax: Axes) -> None:
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda place, _: f"{place:,.10g}"))
        axis.set_minor_formatter(NullFormatter())
    ax.tick_params(colors=FAINT_INK, which="minor")


def _sentences(n_trials: int, middle: np.ndarray, is_tested: bool) -> str:
    """In words only: what is trained elsewhere ends at other digits."""
    course = "falls" if middle[-1] < middle[0] else "rises"
    text = f"Power law through {count(n_trials, 'trial')}: the loss {course} as the size grows."
    if not is_tested:
        return text
    return f"{text} The trial it had to predict is marked."
