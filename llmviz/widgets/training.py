"""TrainingExplorer: the saved steps of a training run, on one slider (lesson 5)."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from llmviz import plots
from llmviz.plots._labels import count, listing, spoken_prose, token_text
from llmviz.training.recording import Recording, Sample
from llmviz.widgets.base import JS, Explorer, Table, pack
from llmviz.widgets.embeddings import EmbeddingExplorer

_CODE = "recording.held_out_losses[{frame}]"

_MOST_CHARACTERS = 600
_OPTION_CHARACTERS = 100
_FULL_BAR, _FULL_WEIGHT = 65_535, 255
_MAX_GROUPS = 8


class TrainingExplorer(Explorer):
    """A training run over its saved steps: loss, samples, next-token bars, attention, embeddings, memorization.

    Args:
        recording: the run, as `training.load_recording` or `LiveTraining.recording` give it; what it does
            not hold is not shown.
        compare: a second run, beside the first; both must have the same saved steps.
        frame: which saved step is shown first, counted from 0.

    Raises ValueError for a frame that is not there and for two runs whose saved steps differ. Lesson 5.
    """

    module = JS / "training.js"
    title = "Training explorer"

    def __init__(self, recording: Recording, *, compare: Recording | None = None, frame: int = 0):
        self.recordings = [recording, *([] if compare is None else [compare])]
        if compare is not None and list(compare.steps) != list(recording.steps):
            raise ValueError(
                f"side by side, two recordings need the same saved steps; {recording.name!r} has "
                f"{len(recording.steps)} up to {recording.steps[-1]:,}, {compare.name!r} {len(compare.steps)} up to "
                f"{compare.steps[-1]:,}: record both with the same number of steps and frames."
            )
        n_frames = len(recording.steps)
        if not -n_frames <= frame < n_frames:
            raise ValueError(f"frame is one of the {n_frames} saved steps, 0 to {n_frames - 1}; given {frame}.")
        self.frame = frame % n_frames

    def traits(self) -> dict:
        runs = [_packed(recording) for recording in self.recordings]
        steps = self.recordings[0].steps
        payload = {"steps": [int(step) for step in steps], "runs": runs, "code": _CODE}
        return {"payload": payload, "frame": self.frame, "prefix": 0, "frames": 0, "head": 0, "word": None, "pins": [],
                "predict": False}  # fmt: skip

    def inputs(self) -> list:
        sizes = [[one.name, len(one.samples), len(one.next_tokens), len(one.attention), len(one.words)]
                 for one in self.recordings]  # fmt: skip
        return [sizes, [int(step) for step in self.recordings[0].steps], self.frame]

    def sentence(self) -> str:
        steps = self.recordings[0].steps
        said = f"A training run at {count(len(steps), 'saved step')}, from step {steps[0]:,} to step {steps[-1]:,}."
        return " ".join([said, *(_ending(recording) for recording in self.recordings)])

    def table(self) -> Table:
        columns, series = ["step"], []
        for recording in self.recordings:
            name = f"{spoken_prose(recording.name, 40)}: " if len(self.recordings) > 1 else ""
            columns += [f"{name}training loss", f"{name}loss on unseen texts"]
            series += [_decimals(recording.training_losses), _decimals(recording.held_out_losses)]
            for meter, values in (("copied", recording.copied), ("possible", recording.valid)):
                if values is not None:
                    columns.append(name + meter)
                    series.append([f"{value:.0%}" for value in values])
        rows = [list(row) for row in zip([f"{step:,}" for step in self.recordings[0].steps], *series, strict=True)]
        return Table("Every saved step, losses in nats per token", columns, rows)

    def picture(self) -> bytes:
        recording = self.recordings[0]
        axes = plots.loss_curve(
            recording.steps, recording.training_losses, validation=(recording.steps, recording.held_out_losses),
            baselines=recording.baselines, scale="log", title=spoken_prose(recording.name, 60),
        )  # fmt: skip
        return plots.to_png(axes)


def _decimals(values: np.ndarray) -> list[str]:
    return [f"{value:.2f}" for value in values]


def _ending(recording: Recording) -> str:
    """Where the losses end, in words that hold on every machine."""
    name = spoken_prose(recording.name, 60)
    held_out, lines = recording.held_out_losses, recording.baselines
    below = [spoken_prose(line, 24) for line, value in sorted(lines.items(), key=lambda one: -one[1])
             if held_out[-1] < value]  # fmt: skip
    ends = f"ends below {listing(below)}" if below else "ends below no baseline" if lines else "is drawn"
    risen = held_out[-1] > 1.1 * held_out.min()
    return f"{name}: the loss on unseen texts {ends}{', after it has risen again' if risen else ''}."


def _packed(recording: Recording) -> dict:
    """What the module knows of one run."""
    groups = list(dict.fromkeys(recording.groups))[:_MAX_GROUPS]
    return {
        "name": spoken_prose(recording.name, 60),
        "training": np.round(recording.training_losses.astype(float), 4).tolist(),
        "held_out": np.round(recording.held_out_losses.astype(float), 4).tolist(),
        "baselines": [[spoken_prose(name, 24), round(float(value), 4)] for name, value in recording.baselines.items()],
        "copied": _shares(recording.copied), "copied_by_chance": recording.copied_by_chance,
        "valid": _shares(recording.valid),
        "samples": [[_segments(sample) for sample in texts] for texts in recording.samples],
        "options": [spoken_prose(texts[0].text, _OPTION_CHARACTERS) for texts in recording.samples if texts],
        "bars": [
            {"prefix": spoken_prose(one.prefix, 200), "tokens": _labels(one.tokens),
             "frames": pack(np.rint(np.asarray(one.probabilities) * _FULL_BAR), "uint16"), "exact": list(one.exact)}
            for one in recording.next_tokens
        ],
        "attention": [_packed_attention(one) for one in recording.attention],
        "words": _labels(recording.words),
        "groups": [spoken_prose(group, 24) for group in groups],
        "group_of": [groups.index(group) if group in groups else _MAX_GROUPS - 1 for group in recording.groups],
        "points": None if recording.points is None else EmbeddingExplorer.pack_points(recording.points),
        "variance": _shares(recording.variance),
    }  # fmt: skip


def _shares(values: np.ndarray | None) -> list | None:
    return None if values is None else np.round(np.asarray(values, dtype=float), 3).tolist()


def _labels(tokens: Sequence[str]) -> list[str]:
    return [token_text(token) for token in tokens]


def _packed_attention(frames) -> dict:
    """Attention without the future, which a causal mask hides anyway."""
    weights = np.asarray(frames.weights)
    _, n_layers, n_heads, n, _ = weights.shape
    kept = weights[..., np.tril(np.ones((n, n), dtype=bool))]
    packed = pack(np.rint(kept.clip(0, 1) * _FULL_WEIGHT), "uint8")
    return {"labels": _labels(frames.tokens), "n_layers": n_layers, "n_heads": n_heads, "weights": packed}


def _segments(sample: Sample) -> list[list]:
    """A sample cut where a mark begins or ends: [text, is it copied?, is it impossible?]."""
    text = sample.text[:_MOST_CHARACTERS]
    wrong = sample.wrong or (0, 0)
    cuts = sorted({0, len(text), *(min(place, len(text)) for place in (*sample.copied, *wrong))})
    pieces = []
    for start, stop in pairwise(cuts):
        inside = [first <= start and stop <= last for first, last in (sample.copied, wrong)]
        pieces.append([_shown(text[start:stop]), *inside])
    return pieces or [["", False, False]]


def _shown(piece: str) -> str:
    """A piece of text, nothing invisible in it, the spaces at its ends kept."""
    inner = spoken_prose(piece, 2 * _MOST_CHARACTERS)
    before = " " if piece[:1].isspace() else ""
    return before + inner + (" " if inner and piece[-1:].isspace() else "")
