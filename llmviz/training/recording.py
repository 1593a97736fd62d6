"""What a recording holds, and how it lies in a folder.

    recording.json       readable: steps, losses, yardsticks, samples, bars, origin, the other file's sha256
    films.safetensors    attention weights and points of the embeddings, in whole numbers
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from llmviz.files import data_path

FORMAT = "llmviz recording 1"
CARD, FILMS = "recording.json", "films.safetensors"
FOLDER = "recordings"
NAMES = ("tinyville", "overfitted")
_DIGITS = 4
_FULL_WEIGHT, _FULL_PLACE = 255, 32_767


@dataclass(frozen=True)
class Sample:
    """A text that the model wrote.

    Attributes:
        text: the whole, its prompt included.
        copied: (start, stop), the characters of the longest passage that the corpus holds word for word.
        wrong: (start, stop), the first word that is impossible in this world; None where there is none, or no world.
    """

    text: str
    copied: tuple[int, int] = (0, 0)
    wrong: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class Bars:
    """What the model expects after one beginning of a text, at every saved step.

    Attributes:
        prefix: how the text begins.
        tokens: the tokens that have a bar, one text each.
        probabilities: (frame, token), 0 to 1.
        exact: (token), the world's own; empty where there is no world.
    """

    prefix: str
    tokens: tuple[str, ...]
    probabilities: np.ndarray
    exact: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class AttentionFrames:
    """Where all heads look in one sentence, at every saved step.

    Attributes:
        tokens: one text a position.
        weights: (frame, layer, head, query, key), 0 to 1.
    """

    tokens: tuple[str, ...]
    weights: np.ndarray


@dataclass(frozen=True, eq=False)
class Recording:
    """A training run at its saved steps (frames). Losses are nats per token.

    Attributes:
        name: what it is a recording of, in a few words.
        steps: (frame), from 0 on.
        training_losses, held_out_losses: (frame); on texts it learns from, and on texts it never does.
        yardsticks: losses with a name.
        samples: for each frame the texts that it wrote, always with the same prompts and dice.
        copied: (frame), the memorization meter: the share of a sample that is one passage of the corpus, 0 to 1.
        copied_by_the_world: the same of texts that the world makes afresh, which copy nothing; None if unknown.
        valid: (frame), the share of samples that the world could have said, 0 to 1.
        bars, attention: films of next-token probabilities and of attention.
        words, groups, points, variance: the embeddings of some words, as points (frame, word, 2) of one plane for all
            frames, and which share of their spread the plane shows (frame).
        record: where it comes from: command, seconds, settings, corpus, machine.
    """

    name: str
    steps: np.ndarray
    training_losses: np.ndarray
    held_out_losses: np.ndarray
    yardsticks: Mapping[str, float] = field(default_factory=dict)
    samples: Sequence[Sequence[Sample]] = ()
    copied: np.ndarray | None = None
    copied_by_the_world: float | None = None
    valid: np.ndarray | None = None
    bars: Sequence[Bars] = ()
    attention: Sequence[AttentionFrames] = ()
    words: Sequence[str] = ()
    groups: Sequence[str] = ()
    points: np.ndarray | None = None
    variance: np.ndarray | None = None
    record: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.steps)
        if not n or (np.diff(self.steps) <= 0).any():
            raise ValueError(f"the saved steps of a recording rise, and there is at least one; given {self.steps}")
        films = {
            "training_losses": self.training_losses, "held_out_losses": self.held_out_losses, "samples": self.samples,
            "copied": self.copied, "valid": self.valid, "points": self.points, "variance": self.variance,
            **{f"the bars after {one.prefix!r}": one.probabilities for one in self.bars},
            **{f"the attention film {number}": one.weights for number, one in enumerate(self.attention)},
        }  # fmt: skip
        for name, film in films.items():
            if film is not None and len(film) and len(film) != n:
                raise ValueError(f"{name} of a recording has one entry a saved step: {n}, but given {len(film)}")

    def __repr__(self) -> str:
        return f"Recording({self.name!r}, {len(self.steps)} saved steps, up to step {self.steps[-1]:,})"


def of_losses(
    name: str,
    training: Sequence[tuple[int, float]],
    held_out: Sequence[tuple[int, float]],
    yardsticks: Mapping[str, float] | None = None,
    samples: Sequence[tuple[int, str]] = (),
) -> Recording:
    """Make a recording of (step, loss) pairs and (step, text) samples alone.

    Its frames are the steps with a held-out loss; the training loss there is the mean of the steps before, back to
    the frame before. Raises ValueError where nothing was measured yet.
    """
    if not held_out or not training:
        raise ValueError("nothing was measured yet: train at least to the first look, with held-out texts")
    steps = np.array([step for step, _ in held_out])
    written = dict(samples)
    means = []
    for before, step in zip([-1, *steps[:-1]], steps, strict=True):
        inside = [loss for number, loss in training if before < number <= step]
        means.append(np.mean(inside) if inside else training[0][1])
    texts = [[Sample(written[step])] for step in steps.tolist() if step in written]
    return Recording(
        name, steps, np.array(means), np.array([loss for _, loss in held_out]), dict(yardsticks or {}),
        texts if len(texts) == len(steps) else (),
    )  # fmt: skip


def save_recording(folder: str | Path, recording: Recording) -> None:
    """Write a recording into a folder, in place of the one that may be there."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    films = {
        f"attention/{number}": _whole(film.weights, _FULL_WEIGHT, np.uint8)
        for number, film in enumerate(recording.attention)
    }
    reach = 1.0
    if recording.points is not None:
        reach = float(np.abs(recording.points).max()) or 1.0
        films["points"] = _whole(recording.points / reach, _FULL_PLACE, np.int16)
    content = safetensors.numpy.save(films)
    card = {
        "format": FORMAT,
        "name": recording.name,
        "record": dict(recording.record),
        "films": {"name": FILMS, "sha256": hashlib.sha256(content).hexdigest()},
        "steps": recording.steps.tolist(),
        **{name: _rounded(getattr(recording, name)) for name in _SERIES},
        "copied_by_the_world": recording.copied_by_the_world,
        "yardsticks": dict(recording.yardsticks),
        "bars": [{**asdict(one), "probabilities": _rounded(one.probabilities)} for one in recording.bars],
        "attention": [list(film.tokens) for film in recording.attention],
        "words": list(recording.words),
        "groups": list(recording.groups),
        "reach": reach,
        "samples": [[asdict(sample) for sample in texts] for texts in recording.samples],
    }
    lines = [f"{json.dumps(key)}: {_lines(key, value)}" for key, value in card.items()]
    (folder / FILMS).write_bytes(content)
    (folder / CARD).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


_SERIES = ("training_losses", "held_out_losses", "copied", "valid", "variance")


def _whole(values: np.ndarray, most: int, dtype) -> np.ndarray:
    return np.rint(np.asarray(values) * most).astype(dtype)


def _rounded(values: np.ndarray | None) -> list | None:
    return None if values is None else np.round(np.asarray(values, dtype=float), _DIGITS).tolist()


def _lines(key: str, value: object) -> str:
    """One line for each entry of what is long, so that people can read it and git can compare it."""
    if key in ("samples", "bars") and value:
        return "[\n" + ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in value) + "\n]"
    return json.dumps(value, ensure_ascii=False)


def load_recording(name: str | Path) -> Recording:
    """Read a recording: one that ships, by its name ("tinyville", "overfitted"), or one of yours, by its folder.

    Raises FileNotFoundError where there is none, ValueError where it is damaged.
    """
    folder = data_path(f"{FOLDER}/{name}") if name in NAMES else Path(name)
    if not (folder / CARD).is_file():
        raise FileNotFoundError(
            f"{folder} holds no recording ({CARD} is missing); those that ship are: {', '.join(NAMES)}"
        )
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        if card["format"] != FORMAT:
            raise ValueError(f"its format is {card['format']!r}, not {FORMAT!r}")
        return _from(card, _films(folder / FILMS, card["films"]["sha256"]))
    except (KeyError, TypeError, IndexError, ValueError, OSError) as error:
        raise ValueError(f"{folder / CARD} is not a whole recording of this llmviz: {error!s:.300}") from None


def _films(path: Path, sha256: str) -> dict[str, np.ndarray]:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(f"{path.name} is damaged or belongs to another recording")
    try:
        return safetensors.numpy.load(content)
    except SafetensorError as error:
        raise ValueError(f"{path.name} is not a safetensors file ({error})") from None


def _from(card: Mapping[str, Any], films: Mapping[str, np.ndarray]) -> Recording:
    series = {name: None if card[name] is None else np.array(card[name]) for name in _SERIES}
    bars = [
        Bars(one["prefix"], tuple(one["tokens"]), np.array(one["probabilities"]), tuple(one["exact"]))
        for one in card["bars"]
    ]
    attention = [
        AttentionFrames(tuple(tokens), films[f"attention/{number}"] / _FULL_WEIGHT)
        for number, tokens in enumerate(card["attention"])
    ]
    samples = [
        [Sample(one["text"], tuple(one["copied"]), one["wrong"] and tuple(one["wrong"])) for one in texts]
        for texts in card["samples"]
    ]
    return Recording(
        card["name"], np.array(card["steps"]), yardsticks=card["yardsticks"], samples=samples, bars=bars,
        attention=attention, words=card["words"], groups=card["groups"], record=card["record"],
        points=films["points"] / _FULL_PLACE * card["reach"] if "points" in films else None,
        copied_by_the_world=card["copied_by_the_world"], **series,
    )  # fmt: skip
