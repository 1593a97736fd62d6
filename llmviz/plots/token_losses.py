"""How surprised a model is by each token of a text: where it knows what comes, and where it does not."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from llmviz.plots import validation
from llmviz.plots.display import describe
from llmviz.plots.labels import count, prose_label, spoken_prose, token_label
from llmviz.plots.style import (
    FAINT_INK,
    INK,
    MARKERS,
    MAX_WIDTH,
    OKABE_ITO,
    axes_or_new,
    legend_above,
    put_title,
    styled,
    tidy,
)

_LABEL_LENGTH = 10
_MAX_NAMED = 64  # tokens named below; of more, every second, third …
_MAX_SERIES = 6


@styled
def token_losses(
    losses: Mapping[str, Sequence[float]] | Sequence[float],
    tokens: Sequence[str],
    *,
    rounds: Sequence[int] = (),
    chance: float | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the surprise at each token of a text, −ln p in nats; several lines to compare, each with its name.

    `losses` (n) or {name: (n)}, at most 6; `tokens` (n) are those that were predicted. `rounds` are the places at which
    the text begins anew; a line separates them. `chance` is the surprise of blind guessing, ln V. Raises ValueError
    for unequal lengths, negative losses, and places outside the text. Lesson 3.

    >>> axes = token_losses([7.0, 6.8, 0.1, 0.1], ["red", "kite", "red", "kite"], rounds=[2])
    >>> axes.llmviz_alt_text
    'Surprise at each of 4 tokens, in nats. Mean of round 1: about 6.9; round 2: about 0.1.'
    """
    series = _series(losses)
    tokens = validation.text_list(tokens, "tokens", len(next(iter(series.values()))), "losses")
    rounds = _rounds(rounds, len(tokens))
    ax = axes_or_new(ax, float(np.clip(0.34 * len(tokens) + 1.2, 5, MAX_WIDTH)), 3.4)
    for (name, values), color, marker in zip(series.items(), OKABE_ITO, MARKERS, strict=False):
        ax.plot(values, color=color, marker=marker, markersize=4, linewidth=1.6, label=prose_label(name, 40))
    for place in rounds:
        ax.axvline(place - 0.5, color=INK, linewidth=1, linestyle=(0, (2, 3)))
    if chance is not None:
        ax.axhline(chance, color=FAINT_INK, linewidth=1, linestyle=(0, (6, 3)))
        ax.annotate("blind guessing", (1, chance), (-3, 3), ("axes fraction", "data"), "offset points",
                    ha="right", size=8.5, color=FAINT_INK,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})  # fmt: skip
    places = range(0, len(tokens), -(-len(tokens) // _MAX_NAMED))
    ax.set_xticks(places, [token_label(tokens[place], _LABEL_LENGTH) for place in places], rotation=90,
                  size=float(np.clip(300 / len(tokens), 6.5, 9)))  # fmt: skip
    ax.set(ylabel="surprise, nats", ylim=(0, None), xlim=(-0.6, len(tokens) - 0.4))
    tidy(ax, grid="y")
    if len(series) > 1:
        legend_above(ax, [prose_label(name, 40) for name in series])
    put_title(ax, title, over_legend=len(series) > 1)
    describe(ax, _sentences(series, len(tokens), rounds))
    return ax


def _series(losses) -> dict[str, np.ndarray]:
    given = dict(losses) if isinstance(losses, Mapping) else {"surprise": losses}
    if not 1 <= len(given) <= _MAX_SERIES:
        raise ValueError(f"from 1 to {_MAX_SERIES} lines can be told apart; given {len(given)}.")
    series = {str(name): validation.finite_numbers(values, f"losses {name!r}", 1) for name, values in given.items()}
    lengths = {name: len(values) for name, values in series.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"all lines need one loss for each token, but their lengths are {lengths}.")
    for name, values in series.items():
        if values.min() < -1e-6:
            raise ValueError(f"a surprise −ln p is never negative, but losses {name!r} hold {values.min():.3g}.")
    return series


def _rounds(rounds: Sequence[int], n_tokens: int) -> list[int]:
    rounds = [int(place) for place in rounds]
    if any(not 0 < place < n_tokens for place in rounds) or rounds != sorted(set(rounds)):
        raise ValueError(f"rounds must be rising places between 1 and {n_tokens - 1}, but are {rounds}.")
    return rounds


def _sentences(series: dict[str, np.ndarray], n_tokens: int, rounds: list[int]) -> str:
    text = f"Surprise at each of {count(n_tokens, 'token')}, in nats."
    for name, values in series.items():
        parts = np.split(values, rounds)
        means = "; ".join(f"round {number}: about {part.mean():.1f}" for number, part in enumerate(parts, 1))
        what = f"Mean of {means}." if rounds else f"Mean: about {values.mean():.1f}."
        text += f" {spoken_prose(name)}: {what[0].lower() + what[1:]}" if len(series) > 1 else f" {what}"
    return text
