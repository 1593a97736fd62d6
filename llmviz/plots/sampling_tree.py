"""The branching tree: texts that begin alike share their trunk, colored by how probable each token is (lesson 7)."""

from collections.abc import Mapping, Sequence

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from llmviz.plots import validation
from llmviz.plots.display import describe
from llmviz.plots.labels import count, prose_label, spoken_prose, token_label
from llmviz.plots.style import BLUE, FAINT_INK, MAX_WIDTH, VERMILLION, axes_or_new, put_title, styled

_LABEL_LENGTH = 9
_LIGHT = 0.55  # from here on a color is light enough for black letters
_FRAMES = {"greedy": (VERMILLION, "solid"), "beam": (BLUE, "dashed")}
Path = tuple[str, ...]


@styled
def sampling_tree(
    tokens: Mapping[str, Sequence[str]], probabilities: Mapping[str, Sequence[float]], *, title: str | None = None,
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw several texts as one tree, from left to right: what they share is drawn once.

    `tokens` maps the name of each text to its labels, `probabilities` to one number from 0 to 1 for each of them, the
    fuller the color the more probable. The texts "greedy" and "beam", where they are given, are framed. Raises
    ValueError for other names or lengths, and for numbers that are no probabilities. Lesson 7.

    >>> axes = text_tree({"1": ["the", " red"], "2": ["the", " kite"]}, {"1": [0.5, 1], "2": [0.5, 0.2]})
    >>> [text.get_text() for text in axes.texts]
    ['the', '·red', '1', '·kite', '2']
    """  # fmt: skip
    if not tokens or tokens.keys() != probabilities.keys():
        raise ValueError(f"each text needs its probabilities; given {list(tokens)} and {list(probabilities)}")
    ways, shares = {}, {}
    for name, labels in tokens.items():
        way = tuple(validation.text_list(labels, name))
        numbers = validation.finite_numbers(probabilities[name], name, 1)
        if len(numbers) != len(way) or numbers.min() < 0 or numbers.max() > 1 + validation.SUM_TOLERANCE:
            raise ValueError(f"{name} needs a number from 0 to 1 for each of its {len(way)} tokens")
        ways[name] = way
        shares |= {way[: stop + 1]: share for stop, share in enumerate(numbers)}
    rows = _rows(ways)
    depth, n_rows = max(map(len, ways.values())), len(set(ways.values()))
    ax = axes_or_new(ax, MAX_WIDTH, 0.5 + 0.34 * n_rows + (0.3 if title else 0))
    _draw(ax, ways, shares, rows)
    ax.set(xlim=(-0.05, depth + 0.9), ylim=(n_rows - 0.4, -0.6))
    ax.axis("off")
    put_title(ax, title)
    said = "; ".join(f"{spoken_prose(name, 20)}: “{spoken_prose(''.join(way), 80)}”" for name, way in ways.items())
    describe(ax, f"Tree of {count(len(ways), 'text')}. {said}.")
    return ax


def _rows(ways: Mapping[str, Path]) -> dict[Path, float]:
    """The height of each token: ends stand one below the other, a fork in the middle of what it leads to."""
    places: dict[Path, tuple[int, ...]] = {}  # of each beginning: in which order its steps were first taken
    for number, way in enumerate(ways.values()):
        for stop in range(1, len(way) + 1):
            places.setdefault(way[:stop], (*places.get(way[: stop - 1], ()), number))
    ends = sorted(set(ways.values()), key=places.__getitem__)
    rows = {}
    for path in places:
        below = [row for row, end in enumerate(ends) if end[: len(path)] == path]
        rows[path] = sum(below) / len(below)
    return rows


def _draw(ax: Axes, ways: Mapping[str, Path], shares: Mapping[Path, float], rows: Mapping[Path, float]) -> None:
    colors = colormaps["viridis"]
    for path, row in rows.items():
        color = colors(min(1.0, float(shares[path])))
        ax.add_patch(Rectangle((len(path) - 1, row - 0.33), 0.86, 0.66, color=color, linewidth=0, zorder=2))
        ink = "black" if shares[path] > _LIGHT else "white"
        label = token_label(path[-1], _LABEL_LENGTH)
        ax.text(len(path) - 0.57, row, label, ha="center", va="center", size=7, color=ink, zorder=3)
        if path[:-1]:
            ax.plot([len(path) - 1.14, len(path) - 1], [rows[path[:-1]], row], color=FAINT_INK, linewidth=1, zorder=1)
        if names := [prose_label(name, 12) for name, way in ways.items() if way == path]:
            ax.text(len(path), row, ", ".join(names), va="center", size=8)
    for name, (color, style) in _FRAMES.items():
        way = ways.get(name, ())
        for stop in range(1, len(way) + 1):
            corner = (stop - 1, rows[way[:stop]] - 0.33)
            look = {"fill": False, "edgecolor": color, "linestyle": style, "linewidth": 1.8, "zorder": 4}
            ax.add_patch(Rectangle(corner, 0.86, 0.66, **look))
