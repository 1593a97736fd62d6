"""Answers in a grid of words: what each layer would say, and which answers a shuffle changes (lesson 4)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from llmviz.plots import validation
from llmviz.plots.display import describe
from llmviz.plots.labels import count, prose_label, spoken_token, token_label
from llmviz.plots.style import axes_or_new, put_title, styled

SAME = 1e-9
_LABEL_LENGTH = 10
_SETTING_LENGTH = 36
_FILLS = ("#fdebc8", "#d9ebf7")  # changed, the same


@styled
def lens_table(
    probabilities, best: Sequence[Sequence[str]], tokens: Sequence[str], *, title: str | None = None,
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw the logit lens: in each row a layer, from the embedding up; in each column a token; in the cell, what the
    layer would say comes next.

    `probabilities` (layer, position), of the best token, from 0 to 1: the fuller the color, the surer; `best`, the
    best tokens, as many lists as layers; `tokens`, what was read. Layer 0 is the embedding. Raises ValueError for
    other shapes. Lesson 4.

    >>> axes = lens_table([[0.1], [0.9]], [[" a"], [" kite"]], [" red"])
    >>> [text.get_text() for text in axes.texts]
    ['·a', '·kite']
    """  # fmt: skip
    shares = validation.finite_numbers(probabilities, "probabilities", 2)
    if shares.min() < 0 or shares.max() > 1 + validation.SUM_TOLERANCE:
        raise ValueError(f"probabilities lie between 0 and 1; given {shares.min():.3g} to {shares.max():.3g}")
    n_layers, n_tokens = shares.shape
    tokens = validation.text_list(tokens, "tokens", n_tokens, "probabilities")
    if len(best) != n_layers:
        raise ValueError(f"best has {len(best)} rows, but probabilities have {n_layers} layers: give one row for each")
    rows = [validation.text_list(row, "best", n_tokens, "probabilities") for row in best]
    ax = axes_or_new(ax, 1.4 + 0.85 * n_tokens, 0.95 + 0.42 * n_layers + (0.3 if title else 0))
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1.6, aspect="auto", origin="lower")
    for layer, position in np.ndindex(n_layers, n_tokens):
        ax.text(position, layer, token_label(rows[layer][position], _LABEL_LENGTH), ha="center", va="center", size=8.5)
    names = ["embedding", *(f"after block {layer}" for layer in range(n_layers - 1))]
    _name(ax, names, tokens, "token read")
    put_title(ax, title)
    last = [spoken_token(row[-1]) for row in rows]
    describe(ax, f"Logit lens over {count(n_tokens, 'token')}. After {spoken_token(tokens[-1])}: "
                 + "; ".join(f"{name}: {token}" for name, token in zip(names, last, strict=True)) + ".")  # fmt: skip
    return ax


@styled
def shuffle_table(
    gaps, settings: Sequence[str], tokens: Sequence[str], *, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw which answers a shuffle leaves as they are: a row for each setting, a column for each token.

    `gaps` (setting, position): how far each token's answer moved, from 0; below 1e-9 counts as "same". Raises
    ValueError for other shapes and negative gaps. Lesson 4.

    >>> axes = shuffle_table([[1e-16, 0.5]], ["no mask"], ["a", "b"])
    >>> [text.get_text() for text in axes.texts]
    ['same', 'changed']
    """
    distances = validation.finite_numbers(gaps, "gaps", 2)
    if distances.min() < 0:
        raise ValueError(f"gaps are distances, never negative; given {distances.min():.3g}")
    n_settings, n_tokens = distances.shape
    names = [
        prose_label(name, _SETTING_LENGTH) for name in validation.text_list(settings, "settings", n_settings, "gaps")
    ]
    tokens = validation.text_list(tokens, "tokens", n_tokens, "gaps")
    ax = axes_or_new(ax, 2.4 + 0.85 * n_tokens, 0.95 + 0.34 * n_settings + (0.3 if title else 0))
    same = distances < SAME
    ax.pcolormesh(same.astype(float), cmap=_two_colors(), vmin=0, vmax=1, edgecolors="white", linewidth=2)
    for row, column in np.ndindex(same.shape):
        word = "same" if same[row, column] else "changed"
        ax.text(column + 0.5, row + 0.5, word, ha="center", va="center", size=8.5)
    ax.invert_yaxis()
    _name(ax, names, tokens, "token, in the new order", shift=0.5)
    put_title(ax, title)
    said = [f"{name}: {_which(row, tokens)}" for name, row in zip(names, same, strict=True)]
    describe(ax, f"Shuffle test over {count(n_tokens, 'token')}; answers that stay the same: " + "; ".join(said) + ".")
    return ax


def _two_colors():
    from matplotlib.colors import ListedColormap

    return ListedColormap(_FILLS)


def _which(same: np.ndarray, tokens: list[str]) -> str:
    if same.all() or not same.any():
        return "all" if same.all() else "none"
    return ", ".join(spoken_token(token) for token, is_same in zip(tokens, same, strict=True) if is_same)


def _name(ax: Axes, rows: list[str], tokens: list[str], xlabel: str, shift: float = 0.0) -> None:
    ax.set_yticks([place + shift for place in range(len(rows))], rows, size=8.5)
    labels = [token_label(token, _LABEL_LENGTH) for token in tokens]
    ax.set_xticks([place + shift for place in range(len(labels))], labels, size=8.5)
    ax.tick_params(length=0, pad=3)
    ax.spines[:].set_visible(False)
    ax.set_xlabel(xlabel)
