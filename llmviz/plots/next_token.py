"""The bars of the next token: what a model finds likely, beside what is exactly true."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from llmviz.plots import validation
from llmviz.plots.display import describe
from llmviz.plots.labels import count, spoken_token, token_label
from llmviz.plots.style import (
    BLUE,
    GRID,
    HATCH,
    HATCH_INK,
    VERMILLION,
    axes_or_new,
    legend_above,
    put_title,
    styled,
    tidy,
)

_MODEL = "the model"
_REFERENCE = "exact, from the world"
_SPOKEN_TOKENS = 3
_NEARLY_EQUAL = 6  # decimals; nearer probabilities are listed in the order of their ids on every machine


@styled
def next_token_bars(
    probabilities,
    tokens: Sequence[str],
    *,
    top: int = 10,
    reference=None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the most likely next tokens as bars, with everything else together as "other".

    `probabilities` (vocab,) go with `tokens` (vocab strings); a selection of both does too: what it lacks
    to 1 is "other". `reference` holds the exact probabilities, as an array like `probabilities` or a dict
    from token to probability (as `world.next_words(prefix)` returns); they are drawn as diamonds. Raises
    ValueError for negative probabilities, a sum above 1, and unequal lengths. Lessons 0, 5 and 6.

    >>> axes = next_token_bars([0.2, 0.7, 0.1], [" red", " blue", " green"], top=2)
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['·blue', '·red', 'other (1 token)']
    """
    probabilities = validation.probability_vector(probabilities, "probabilities")
    tokens = validation.text_list(tokens, "tokens", len(probabilities), "probabilities")
    if not isinstance(top, int | np.integer) or top < 1:
        raise ValueError(f"top must be a whole number of at least 1, but is {top!r}.")
    exact = _reference_vector(reference, tokens)
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
    ax = axes_or_new(ax, 6.5, 1.0 + 0.3 * len(labels) + 0.3 * (marks is not None) + 0.3 * bool(title))
    _draw(ax, labels, bars, marks, has_other)
    put_title(ax, title, over_legend=marks is not None)
    describe(ax, _sentences([tokens[index] for index in chosen], bars, marks, has_other))
    return ax


def _reference_vector(reference, tokens: list[str]) -> np.ndarray | None:
    """Return the exact probabilities in the order of the tokens; those of unlisted tokens are "other"."""
    if reference is None:
        return None
    if not isinstance(reference, Mapping):
        vector = validation.probability_vector(reference, "reference")
        if len(vector) != len(tokens):
            raise ValueError(f"reference has {len(vector):,} entries, but there are {len(tokens):,} tokens.")
        return vector
    validation.probability_vector(list(reference.values()), "reference")
    places = {token: place for place, token in reversed(list(enumerate(tokens)))}
    if not places.keys() & reference.keys():
        raise ValueError(
            f"none of the reference's tokens (such as {next(iter(reference))!r}) is among the {len(tokens):,} "
            f"tokens (such as {tokens[0]!r}): they must be spelled alike, spaces too."
        )
    vector = np.zeros(len(tokens))
    for token, probability in reference.items():
        if token in places:
            vector[places[token]] = probability
    return vector


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
    drawn = ax.barh(rows, bars, height=0.7, color=BLUE, label=_MODEL)
    if has_other:
        drawn[-1].set(facecolor=GRID, edgecolor=HATCH_INK, hatch=HATCH, linewidth=0.7)
    ends = list(bars)
    if marks is not None:
        ax.plot(marks, rows, "D", markersize=6.5, markerfacecolor="white", markeredgecolor=VERMILLION,
                markeredgewidth=1.6, linestyle="none", label=_REFERENCE, clip_on=False)  # fmt: skip
        ends = [max(pair) for pair in zip(bars, marks, strict=True)]
        legend_above(ax, [_MODEL, _REFERENCE])
    for row, end in enumerate(ends):
        value = _printed(bars[row]) + (f" (exact {_printed(marks[row])})" if marks is not None else "")
        ax.annotate(value, (end, row), (9, 0), textcoords="offset points", va="center", size=9)
    ax.set_yticks(rows, labels)
    ax.set(xlim=(0, max(ends) * (1.4 if marks is not None else 1.15)), ylim=(len(labels) - 0.5, -0.5))
    ax.set_xlabel("probability of the next token")
    ax.tick_params(axis="y", length=0, pad=7)
    tidy(ax, grid="x")


def _sentences(tokens: list[str], bars: list[float], marks: list[float] | None, has_other: bool) -> str:
    pairs = list(zip(tokens, bars, strict=False))[:_SPOKEN_TOKENS]
    text = "Next-token bars. Most likely: "
    text += ", ".join(f"{spoken_token(token)} {_spoken(value)}" for token, value in pairs) + "."
    if has_other or len(tokens) > len(pairs):
        rest = max(0.0, 1 - sum(value for _, value in pairs))
        text += f" All others together: {_spoken(rest)}."
    if marks is not None:
        exact = ", ".join(f"{spoken_token(pair[0])} {_spoken(mark)}" for pair, mark in zip(pairs, marks, strict=False))
        text += f" Exact probabilities, from the world: {exact}."
    return text


def _spoken(probability: float) -> str:
    return "less than 0.01" if 0 < probability < 0.005 else f"{probability:.2f}"
