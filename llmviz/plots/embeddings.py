"""The embedding scatter: vectors projected to the plane, with as many labels as fit without overlap."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from llmviz.plots import _style as style
from llmviz.plots import _validation as validation
from llmviz.plots._labels import count, listing, prose_label, spoken_prose, spoken_token, text_width
from llmviz.plots._style import describe, new_axes, put_title, settled_size, styled, tidy
from llmviz.plots.lines import _legend_name

_LABEL_SIZE, _LINE_HEIGHT = 9, 11  # points, as are all lengths below
_MARKER_RADIUS, _GAP = 3.5, 6.5
_NOTE_SIZE = 8
_MARGIN = 0.08  # of the Axes, on each side of the points
_SPOKEN_NAMES = 12
_LABEL_CHARACTERS = 32
_ARROW_SAMPLES = 60
_MAX_MEASURED = 600  # labels that are tried; of larger clouds the first ones
_SIDES = np.array([(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)])  # where a name may stand
_FAR = 2.5  # times as far, with a line to the point


@styled
def embedding_scatter(points, labels: Sequence[str], *, groups: Sequence[str] | None = None,
                      arrows: Sequence[tuple] = (), title: str | None = None) -> Axes:  # fmt: skip
    """Draw vectors that were projected to the plane, each with its name where it fits.

    `points` (n, 2) and `labels` (n strings); `groups` (n strings, at most 8 different ones) gives each
    group a color and a marker; `arrows` are pairs of places, (2,) each, all but the first dashed. Both directions have
    one scale, so that distances can be compared, and no ticks: positions alone mean nothing. Labels that would overlap
    are hidden, and counted in the picture. Raises ValueError for other shapes and for more groups. Lesson 2.

    >>> groups = ["color", "color", "name"]
    >>> axes = embedding_scatter([[0, 0], [0.1, 0], [3, 1]], ["red", "blue", "Mia"], groups=groups)
    >>> [cloud.get_label() for cloud in axes.collections], axes.get_aspect()
    (['color', 'name'], 1.0)
    """
    points, labels, groups, names = _checked(points, labels, groups)
    ax = new_axes(7.2 if groups else 6.2, 5.4)
    _draw_points(ax, points, groups, names)
    tidy(ax)
    ax.set(xticks=[], yticks=[])
    put_title(ax, title)
    _set_one_scale(ax, points)
    for number, (start, end) in enumerate(arrows):
        look = {"shrinkA": 6, "shrinkB": 6, "linewidth": 1.2, "linestyle": "dashed" if number else "solid"}
        ax.annotate("", end, start, arrowprops={"arrowstyle": "->"} | look)
    if n_hidden := _name_points(ax, points, labels, arrows):
        offset = {"xycoords": "axes fraction", "textcoords": "offset points"}
        ax.annotate(_hidden_text(n_hidden), (0, 0), (3, 3), size=_NOTE_SIZE, color=style.FAINT_INK, **offset)
    describe(ax, _sentences(points, labels, groups, names))
    return ax


def _checked(points, labels, groups) -> tuple[np.ndarray, list[str], list[str] | None, list[str]]:
    """Return points, labels and groups in agreement, and the different groups in the order of their coming."""
    points = validation.finite_numbers(points, "points", 2)
    if points.shape[1] != 2:
        raise ValueError(f"points must have shape (n, 2), but have {points.shape}: project them first, as by PCA.")
    labels = validation.text_list(labels, "labels", len(points), "points")
    groups = groups if groups is None else validation.group_list(groups, len(points), "points")
    return points, labels, groups, list(dict.fromkeys(groups or []))


def _draw_points(ax: Axes, points: np.ndarray, groups: list[str] | None, names: list[str]) -> None:
    shared = {"s": (2 * _MARKER_RADIUS) ** 2, "edgecolors": "black", "linewidths": 0.5}
    if groups is None:
        ax.scatter(*points.T, color=style.OKABE_ITO[0], **shared)
        return
    for name, color, marker in zip(names, style.OKABE_ITO, style.MARKERS, strict=False):
        members = np.array([group == name for group in groups])
        ax.scatter(*points[members].T, color=color, marker=marker, label=_legend_name(name, 24), **shared)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1))


def _set_one_scale(ax: Axes, points: np.ndarray) -> None:
    """Give both directions one scale, with limits that fill the Axes."""
    lowest, highest = points.min(axis=0), points.max(axis=0)
    smallest = max(1e-6 * np.abs(points).max(), 1e-9)  # less than that is one place
    span = np.where(highest - lowest > smallest, highest - lowest, 0)
    span = span if span.any() else np.full(2, max(1.0, smallest))
    size = np.array(settled_size(ax))
    reach = (0.5 + _MARGIN) * (span / size).max() * size
    xlim, ylim = np.stack([(lowest + highest) / 2 - reach, (lowest + highest) / 2 + reach], axis=1)
    ax.set(xlim=xlim, ylim=ylim)
    ax.set_aspect("equal", adjustable="box")


def _name_points(ax: Axes, points: np.ndarray, labels: list[str], arrows: Sequence[tuple]) -> int:
    """Write each name at the first free side of its point; return how many found none."""
    size = np.array(settled_size(ax))
    along = [np.linspace(start, end, _ARROW_SAMPLES) for start, end in arrows]
    dots = ax.transAxes.inverted().transform(ax.transData.transform(np.concatenate([points, *along]))) * size
    places = dots[: len(points)]
    taken = np.empty((len(dots) + len(points) + 1, 4))  # left, bottom, right, top of all that must stay visible
    taken[: len(dots)] = np.concatenate([dots - _MARKER_RADIUS, dots + _MARKER_RADIUS], axis=1)
    taken[len(dots)] = (0, 0, text_width(_hidden_text(len(labels)), _NOTE_SIZE) + 6, _LINE_HEIGHT + 3)
    n_taken = first_free = len(dots) + 1
    for point, place, label in list(zip(points, places, labels, strict=True))[:_MAX_MEASURED]:
        label = prose_label(label, _LABEL_CHARACTERS) or "∅"
        label_size = np.array([text_width(label, _LABEL_SIZE) + 1, _LINE_HEIGHT])
        for side in (*_SIDES, *_FAR * _SIDES):
            corner = place + side * _GAP - label_size * (1 - np.sign(side)) / 2
            box = np.concatenate([corner, corner + label_size])
            if _is_free(box, taken[:n_taken], size):
                taken[n_taken] = box
                n_taken += 1
                _write_name(ax, point, label, side)
                break
    return len(labels) - (n_taken - first_free)


def _hidden_text(n_labels: int) -> str:
    return f"{count(n_labels, 'label')} hidden (no space)"


def _is_free(box: np.ndarray, taken: np.ndarray, size: np.ndarray) -> bool:
    left, bottom, right, top = box
    if min(left, bottom) < 0 or right > size[0] or top > size[1]:
        return False
    return bool(((taken[:, 0] >= right) | (taken[:, 2] <= left) | (taken[:, 1] >= top) | (taken[:, 3] <= bottom)).all())


def _write_name(ax: Axes, point: np.ndarray, label: str, side: np.ndarray) -> None:
    horizontal = {1: "left", 0: "center", -1: "right"}[int(np.sign(side[0]))]
    vertical = {1: "bottom", 0: "center", -1: "top"}[int(np.sign(side[1]))]
    look = {"textcoords": "offset points", "ha": horizontal, "va": vertical, "size": _LABEL_SIZE}
    if np.abs(side).max() > 1:
        look["arrowprops"] = {"arrowstyle": "-", "color": style.FAINT_INK, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3}
    ax.annotate(label, point, side * _GAP, **look).set_in_layout(False)


def _sentences(points: np.ndarray, labels: list[str], groups: list[str] | None, names: list[str]) -> str:
    text = f"Scatter of {count(len(points), 'point')} in the plane."
    if len(points) <= _SPOKEN_NAMES:
        text = f"{text[:-1]}: {listing([spoken_token(label) for label in labels])}."
    if groups is None:
        return text
    parts = [f"{spoken_prose(name)} ({groups.count(name)}, {marker})"
             for name, marker in zip(names, style.MARKER_NAMES, strict=False)]  # fmt: skip
    text += f" {count(len(names), 'group')}: {listing(parts)}."
    if 1 < len(names) < len(points) and len(points) > 2:
        text += f" Points of one group lie {_togetherness(points, groups, names)}."
    return text


def _togetherness(points: np.ndarray, groups: list[str], names: list[str]) -> str:
    """Say how much of the spread is between the groups, and whether most nearest points are of the same group."""
    centered = points - points.mean(axis=0)
    members = [np.array([group == name for group in groups]) for name in names]
    between = sum(member.sum() * (centered[member].mean(axis=0) ** 2).sum() for member in members)
    r2, some = between / max((centered**2).sum(), 1e-300), points[:_MAX_MEASURED]
    far = np.linalg.norm(some[:, None] - some, axis=-1) + np.diag([np.inf] * len(some))
    own = np.mean([groups[near] == group for near, group in zip(far.argmin(axis=1), groups, strict=False)])
    return "close together" if r2 > 0.7 < own else "somewhat together" if r2 > 0.35 else "scattered among the others"
