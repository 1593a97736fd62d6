"""EmbeddingExplorer: vectors as points, with their true neighbors beside the picture (lesson 2)."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np

from llmviz import embeddings, plots
from llmviz.embeddings.vectors import directions
from llmviz.plots import _validation as validation
from llmviz.plots._labels import count, listing, spoken_prose, spoken_token
from llmviz.widgets.base import JS, Explorer, LiveExplorer, Table, pack

_MAX_WORDS, _MAX_FRAMES = 600, 120

_FINE_BYTES = 400_000  # up to here the vectors are sent as int16 (cosines exact to four digits), beyond as int8
_N_NAMED = 12
_LABEL_CHARACTERS = 32


class EmbeddingExplorer(Explorer):
    """A map of word vectors, and beside it the true neighbors in the original space.

    Args:
        vectors: `WordVectors`; or (word, d_model) with `labels`; or several of these, the frames of an animation, such
            as the steps of a training or the layers of a model: the same words in each.
        labels: one text a word, where the vectors bring none.
        groups: one text a word, or a mapping from word to group; at most 8 different ones.
        frame_names: one text a frame.
        n_neighbors: how many true neighbors are listed, and counted to rate the map.
        chosen: the word that is chosen first.
        analogy: (a, b, c), drawn as "a is to b as c is to …?".

    All cosines, arrows and maps are of the vectors at length 1. PCA frames are rotated to fit one another (Procrustes).
    Raises ValueError for shapes that do not fit, for more than 600 words, 120 frames or 8 groups. Lesson 2.

    >>> EmbeddingExplorer([[1, 0], [1, 0.2], [0, 1]], ["red", "blue", "Mia"], chosen="red")
    3 words, 2 numbers each: “red”, “blue” and “Mia”. Chosen: “red”.
    """

    module = JS / "embeddings.js"
    title = "Embedding explorer"

    def __init__(self, vectors, labels: Sequence[str] | None = None, *,
                 groups: Sequence[str] | Mapping[str, str] | None = None, frame_names: Sequence[str] | None = None,
                 n_neighbors: int = 10, chosen: str | None = None,
                 analogy: tuple[str, str, str] | None = None):  # fmt: skip
        self.words, self.vectors = _checked(vectors, labels)
        self.labels = [_label(word) for word in self.words]
        self.groups = _groups(groups, self.words)
        self.frame_names = _frame_names(frame_names, len(self.vectors))
        n_neighbors = validation.whole_number(n_neighbors, "n_neighbors", 1, _MAX_WORDS)
        self.n_neighbors = min(n_neighbors, len(self.words) - 1)
        self.chosen = None if chosen is None else self._index(chosen)
        if analogy is not None and (not isinstance(analogy, list | tuple) or len(analogy) != 3):
            raise ValueError(f"an analogy is three words: a is to b as c is to …?; given {analogy!r}.")
        self.analogy = None if analogy is None else [self._index(word) for word in analogy]
        self.fit_to: np.ndarray | None = None  # points of an earlier picture, to which the map is rotated

    def _index(self, word: str) -> int:
        if word not in self.words:
            raise ValueError(f"{spoken_token(str(word))} is not among the {count(len(self.words), 'word')} shown here.")
        return self.words.index(word)

    @cached_property
    def map(self) -> dict:
        """The points of each frame, the variance they show, and how many true neighbors are near in the map."""
        projections = [embeddings.pca(frame) for frame in self.vectors]
        points = embeddings.align_frames([projection.points for projection in projections], self.fit_to)
        n = self.n_neighbors
        kept = [embeddings.neighbors_kept(v, p, n=n).mean() for v, p in zip(self.vectors, points, strict=True)]
        return {"points": points, "variance": [one.variance_shown for one in projections], "kept": kept}

    def traits(self) -> dict:
        return {"payload": self._payload(), "frame": len(self.vectors) - 1, "chosen": self.chosen, "pins": [],
                "analogy": self.analogy, "exclude": True, "predict": False}  # fmt: skip

    def _payload(self) -> dict:
        names = list(dict.fromkeys(self.groups or []))
        scale, packed = _packed_vectors(self.vectors)
        return {
            "labels": self.labels, "code": [f"vectors.neighbors({label!r})" for label in self.labels],
            "groups": names, "group_of": [names.index(group) for group in self.groups or []],
            "frame_names": self.frame_names, "n_neighbors": self.n_neighbors,
            "scale": scale, "vectors": packed, "points": self.pack_points(self.map["points"]),
            "variance": [round(share, 4) for share in self.map["variance"]],
            "kept": [round(float(share), 4) for share in self.map["kept"]],
        }  # fmt: skip

    def sentence(self) -> str:
        words = f"{count(len(self.words), 'word')}, {count(self.vectors.shape[2], 'number')} each"
        if len(self.vectors) > 1:
            words += f", in {count(len(self.vectors), 'frame')}"
        if self.groups:
            names = dict.fromkeys(self.groups)
            words += f"; {count(len(names), 'group')}: {listing([spoken_prose(name) for name in names])}"
        elif len(self.words) <= _N_NAMED:
            words += f": {listing([spoken_token(word) for word in self.words])}"
        parts = [words + "."]
        if self.chosen is not None:
            parts.append(f"Chosen: {spoken_token(self.words[self.chosen])}.")
        if self.analogy:
            a, b, c = (spoken_token(self.words[index]) for index in self.analogy)
            parts.append(f"Asked: {a} is to {b} as {c} is to …?")
        return " ".join(parts)

    def table(self) -> Table:
        n = min(3, len(self.words) - 1)
        columns = ["word", "nearest", "then", "then"][: n + 1]
        caption = "Each word's true neighbors, in all dimensions, with their cosines"
        if not n:
            return Table(caption, columns, [[self.labels[0]]])
        nearest = embeddings.nearest_rows(self.vectors[-1], n)
        likeness = self.vectors[-1] @ self.vectors[-1].T
        rows = [[label, *(f"{self.labels[j]} {likeness[i, j]:.2f}" for j in nearest[i])]
                for i, label in enumerate(self.labels)]  # fmt: skip
        return Table(caption, columns, rows)

    def picture(self) -> bytes:
        groups = [spoken_prose(group) for group in self.groups] if self.groups else None
        points = self.map["points"][-1]
        arrows = []
        if self.analogy:
            a, b, c = points[self.analogy]
            arrows = [(a, b), (c, c + b - a)]
        axes = plots.embedding_scatter(points, self.labels, groups=groups, arrows=arrows)
        return plots.to_png(axes, dpi=90)

    @staticmethod
    def pack_points(points: np.ndarray) -> dict:
        """Return points (frame, word, 2) as 0 to 65535, in 1,024 steps: all in one square, one scale both ways."""
        low, high = points.min(axis=(0, 1)), points.max(axis=(0, 1))
        reach = max(float((high - low).max()), 1e-9)
        return pack(np.rint(1023 * (0.5 + (points - (low + high) / 2) / reach)).clip(0, 1023) * 64, "uint16")

    @staticmethod
    def live(steps: Iterable, words: Sequence[str], **settings) -> LiveExplorer:
        """Return the explorer of a training that is going on: display it, then call its `run()`.

        steps: what `train_word2vec_steps` yields; words: those to draw; settings as above.
        """
        return _LiveEmbeddingExplorer(steps, words, settings)


class _LiveEmbeddingExplorer(LiveExplorer):
    def __init__(self, steps: Iterable, words: Sequence[str], settings: Mapping[str, object]):
        self._steps, self._words, self._settings = iter(steps), list(words), dict(settings)
        self._frames: dict[str, embeddings.WordVectors] = {}
        self.last = None
        if not self._next():
            raise ValueError("steps yields nothing: give what train_word2vec_steps(texts) returns, each time anew.")
        super().__init__(self._film(self._frames))

    def _next(self) -> dict[str, embeddings.WordVectors]:
        """Train to the next step and return its frame with its name; nothing where training is over."""
        step = next(self._steps, None)
        if step is None:
            return {}
        self.last, name = step, f"step {step.step:,}"
        self._frames[name] = step.vectors.subset(self._words)
        return {name: self._frames[name]}

    def _film(self, frames: Mapping[str, embeddings.WordVectors]) -> EmbeddingExplorer:
        return EmbeddingExplorer(list(frames.values()), frame_names=list(frames), **self._settings)

    def _show(self, frames: Mapping[str, embeddings.WordVectors]) -> None:
        """Show some frames, rotated to fit the picture before."""
        shown = self._film(frames)
        shown.fit_to = self.explorer.map["points"][-1]
        self.answer(lambda: shown)
        self.frame = len(frames) - 1

    def run(self, progress=None):
        """Train to the end, showing each step, then all frames; `progress(step)` is called after each.

        Returns the last step; a second call does nothing more.
        """
        while frame := self._next():
            self._show(frame)
            if progress:
                progress(self.last)
        self._show(self._frames)
        return self.last


def _packed_vectors(vectors: np.ndarray) -> tuple[float, dict]:
    """Return (frame, word, d_model) as whole numbers of 16 bits, or 8 where there are many, and what 1 stands for."""
    dtype = "int16" if 2 * vectors.size <= _FINE_BYTES else "int8"
    most = np.iinfo(dtype).max
    scale = max(float(np.abs(vectors).max()), 1e-9) / most
    return scale, pack(np.rint(vectors / scale).clip(-most, most), dtype)


def _checked(vectors, labels) -> tuple[list[str], np.ndarray]:
    """The words, and their vectors at length 1: (frame, word, d_model)."""
    if isinstance(vectors, embeddings.WordVectors):
        vectors = [vectors]
    is_list = isinstance(vectors, list | tuple) and vectors
    if is_list and all(isinstance(frame, embeddings.WordVectors) for frame in vectors):
        if labels is not None:
            raise ValueError("these vectors bring their words along: leave labels out, or give plain arrays.")
        if any(frame.words != vectors[0].words for frame in vectors):
            raise ValueError("all frames must hold the same words in the same order: use frame.subset(words).")
        labels, vectors = vectors[0].words, [frame.vectors for frame in vectors]
    array = validation.as_array(vectors, "vectors")
    if array.ndim not in (2, 3):
        raise ValueError(f"vectors must be (word, d_model) or (frame, word, d_model), but have shape {array.shape}.")
    array = validation.finite_numbers(array if array.ndim == 3 else array[None], "vectors", 3)
    if labels is None:
        raise ValueError(f"vectors as plain numbers need labels: one text for each of the {array.shape[1]} words.")
    words = validation.text_list(labels, "labels", array.shape[1], "vectors")
    if len(words) < 2 or len(words) > _MAX_WORDS or len(array) > _MAX_FRAMES:
        raise ValueError(
            f"the explorer shows 2 to {_MAX_WORDS} words in up to {_MAX_FRAMES} frames; given {len(words):,} words in "
            f"{len(array):,} frames: choose those that matter, as by vectors.subset(words)."
        )
    return words, directions(array)


def _label(word: str) -> str:
    """A word on one line; a long one is cut in the middle, since sentences often differ at their ends only."""
    text = spoken_prose(word, 10 * _LABEL_CHARACTERS)
    half = _LABEL_CHARACTERS // 2
    return f"{text[: half - 1]}…{text[-half:]}" if len(text) > _LABEL_CHARACTERS else text or "∅"


def _groups(groups, words: Sequence[str]) -> list[str] | None:
    if groups is None:
        return None
    if isinstance(groups, Mapping):
        missing = [word for word in words if word not in groups]
        if missing:
            raise ValueError(f"groups has no entry for {spoken_token(missing[0])}: give each word a group.")
        groups = [groups[word] for word in words]
    return validation.group_list(groups, len(words), "vectors")


def _frame_names(names, n_frames: int) -> list[str]:
    if names is None:
        return [f"frame {number}" for number in range(1, n_frames + 1)] if n_frames > 1 else [""]
    return [spoken_prose(name) for name in validation.text_list(names, "frame_names", n_frames, "vectors")]
