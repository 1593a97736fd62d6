"""The block as a picture: a stream that runs straight through, and two branches that add to it (lesson 4)."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import ConnectionPatch

from llmviz.plots import validation
from llmviz.plots.display import describe
from llmviz.plots.labels import count, prose_label, token_label
from llmviz.plots.style import BLUE, FAINT_INK, MAX_WIDTH, VERMILLION, new_figure, styled

STREAM = ("before", "middle", "after")
BRANCHES = ("attention weights", "attention adds", "hidden", "feed-forward adds")
_PLACES = {"before": (1, 0), "attention weights": (0, 1), "attention adds": (0, 2), "middle": (1, 3), "hidden": (0, 4),
           "feed-forward adds": (0, 5), "after": (1, 6)}  # fmt: skip
_TITLES = {"before": "stream before", "middle": "stream middle", "after": "stream after",
           "attention weights": "who looks at whom", "attention adds": "attention adds",
           "hidden": "hidden layer", "feed-forward adds": "feed-forward adds"}  # fmt: skip
_ROUTES = (("before", "attention weights"), ("attention weights", "attention adds"), ("attention adds", "middle"),
           ("middle", "hidden"), ("hidden", "feed-forward adds"), ("feed-forward adds", "after"))  # fmt: skip
_LABEL_LENGTH = 12
_MAX_TOKENS = 24
_FULL_COLOR = 95  # percent of a row's numbers are paler than full color


@styled
def block_flow(stages: Mapping[str, object], tokens: Sequence[str], *, title: str | None = None) -> np.ndarray:
    """Draw one block's numbers on their way: the stream below, what is computed from it and added to it above.

    `stages`: "before", "middle" and "after" (position, d_model), the stream; "attention weights" (query, key), such as
    the mean over the heads; "attention adds" and "feed-forward adds" (position, d_model); "hidden" (position, d_ff).
    Each row is a token with a scale of its own: red is above 0, blue below; how long the rows are is said in numbers.
    Returns an array of Axes in the order of the flow. Raises ValueError for missing stages and other shapes. Lesson 4.
    """
    arrays = _checked(stages, tokens)
    labels = [token_label(token, _LABEL_LENGTH) for token in validation.text_list(tokens, "tokens")]
    figure = new_figure(MAX_WIDTH, 2.3 + 0.34 * len(labels) + (0.3 if title else 0))
    grid = figure.add_gridspec(2, 7)
    axes = {name: figure.add_subplot(grid[_PLACES[name]]) for name in _PLACES}
    for name, part in axes.items():
        _draw(part, name, arrays[name], labels if name == "before" else [])
    for start, stop in _ROUTES:
        _arrow(axes[start], axes[stop], is_stream=False)
    for start, stop in pairwise(STREAM):
        _arrow(axes[start], axes[stop], is_stream=True)
    if title:
        figure.suptitle(prose_label(str(title)), size=11)
    sentences = _sentences(arrays, len(labels))
    for part in axes.values():
        describe(part, sentences)
    return np.array(list(axes.values()), dtype=object)


def _checked(stages: Mapping[str, object], tokens: Sequence[str]) -> dict[str, np.ndarray]:
    if set(stages) != set(_PLACES):
        raise ValueError(f"a block has the stages {', '.join(_PLACES)}; given {', '.join(map(str, stages)) or 'none'}")
    arrays = {name: validation.finite_numbers(stages[name], f"stages[{name!r}]", 2) for name in _PLACES}
    n_tokens, d_model = arrays["before"].shape
    validation.text_list(tokens, "tokens", n_tokens, "the stream")
    if n_tokens > _MAX_TOKENS:
        raise ValueError(f"at most {_MAX_TOKENS} tokens fit into the picture of a block; given {n_tokens}")
    for name, array in arrays.items():
        width = {"attention weights": n_tokens, "hidden": array.shape[1]}.get(name, d_model)
        if array.shape != (n_tokens, width):
            raise ValueError(f"stages[{name!r}] must have the shape {(n_tokens, width)}, but has {array.shape}")
    return arrays


def _draw(ax: Axes, name: str, array: np.ndarray, labels: list[str]) -> None:
    if name == "attention weights":
        ax.imshow(array, cmap="viridis", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        size = "mean of\nthe heads"
    else:
        ax.imshow(_by_row(array), cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
        size = f"{array.shape[1]} wide\nlength {_length(array):.0f}"
    ax.set_xticks([])
    ax.set_yticks(range(len(labels)), labels, size=8)
    ax.tick_params(length=0, pad=2)
    for spine in ax.spines.values():
        spine.set(visible=True, color=BLUE if name in STREAM else FAINT_INK, linewidth=2.2 if name in STREAM else 0.8)
    if name in STREAM:
        ax.set_xlabel(f"{_TITLES[name]}\n{size}", size=8)
    else:
        ax.set_title(f"{_TITLES[name]}\n{size}", size=8, pad=4)


def _by_row(array: np.ndarray) -> np.ndarray:
    """Each row against its own larger numbers: one token's giants would make all others look empty."""
    magnitudes = np.where(array == 0, np.nan, np.abs(array))
    filled = ~np.isnan(magnitudes).all(axis=1)
    scale = np.ones(len(array))
    scale[filled] = np.nanpercentile(magnitudes[filled], _FULL_COLOR, axis=1)
    return array / scale[:, None]


def _length(array: np.ndarray) -> float:
    return float(np.linalg.norm(array, axis=1).mean())


def _arrow(start: Axes, stop: Axes, *, is_stream: bool) -> None:
    """From one picture to another; the stream runs straight and thick."""
    same_row = start.get_subplotspec().rowspan == stop.get_subplotspec().rowspan
    goes_up = stop.get_subplotspec().rowspan.start < start.get_subplotspec().rowspan.start
    begin = (1.0, 0.5) if same_row else (0.8, 1.0) if goes_up else (0.5, 0.0)
    end = (0.0, 0.5) if same_row or goes_up else (0.1, 1.0)
    patch = ConnectionPatch(
        begin, end, "axes fraction", "axes fraction", axesA=start, axesB=stop, arrowstyle="-|>",
        color=BLUE if is_stream else VERMILLION, linewidth=2.4 if is_stream else 1.2, mutation_scale=11,
        shrinkA=2, shrinkB=2, connectionstyle="arc3" if same_row else "arc3,rad=-0.15", zorder=5,
    )  # fmt: skip
    patch.set_in_layout(False)
    start.get_figure(root=True).add_artist(patch)


def _sentences(arrays: dict[str, np.ndarray], n_tokens: int) -> str:
    sizes = {name: _length(array) for name, array in arrays.items()}
    width = arrays["before"].shape[1]
    return (
        f"One block over {count(n_tokens, 'token')}: the residual stream runs through, {width} wide. Mean length of "
        f"a token's vector: {sizes['before']:.0f} before; attention adds {sizes['attention adds']:.0f}; "
        f"{sizes['middle']:.0f} in the middle; the feed-forward network ({arrays['hidden'].shape[1]} wide) adds "
        f"{sizes['feed-forward adds']:.0f}; {sizes['after']:.0f} after."
    )
