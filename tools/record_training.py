"""Train a model on Tinyville and measure it at some saved steps: what lesson 5 shows of long runs.

`record.py` writes them to data/recordings.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import torch
from torch import Tensor
from tqdm import tqdm

from llmviz import artifacts, corpora
from llmviz.artifacts import RECORDING_FORMAT
from llmviz.corpora import Corpus
from llmviz.embeddings.vectors import directions
from llmviz.evaluation.text_overlap import SubstringIndex
from llmviz.files import write_atomically
from llmviz.generation import sample_texts
from llmviz.model import DecoderOnly
from llmviz.tinyville import Tinyville
from llmviz.tinyville.facts import PEOPLE, VALUES
from llmviz.tinyville.stories import COLORS, ENDINGS, OBJECTS, OPENINGS, PLACES
from llmviz.tinyville.token_distributions import next_tokens
from llmviz.tokenizers import Tokenizer
from llmviz.tokenizers.words import words as words_of
from llmviz.training import TrainingSettings, loop, runs
from llmviz.training.recording import (
    FULL_COORDINATE,
    FULL_WEIGHT,
    SERIES,
    Recording,
    Sample,
    _AttentionFrames,
    _NextTokenFrames,
    baselines,
)

LINE = 118  # characters
DIGITS = 4
STEPS = 2_000
FRAMES, FIRST_SAVED = 22, 8
TEMPERATURE = 0.8
N_TOKENS = 8  # of which the probabilities are recorded
MEASURED_TEXTS = 300
KEPT_SAMPLES = 4
FEW_TEXTS = 300
FRESH_STORIES = 60
HELD_OUT_SEED = 1_000_000
TITLES = {"tinyville": "32,000 texts of Tinyville", "overfitted": "300 texts of Tinyville"}


@dataclass(frozen=True)
class ProbeSet:
    """What is measured in every frame: samples of `prompts` (the first four are kept), the next token after `prefixes`,
    attention in `sentences`, and the embeddings of `words` (word → group) that are a single token.
    """

    prompts: Sequence[str]
    prefixes: Sequence[str]
    sentences: Sequence[str]
    words: Mapping[str, str]


PROBE_SET = ProbeSet(
    prompts=[*OPENINGS, *OPENINGS],
    prefixes=(  # a fact, a word from the context, a planted bias, a free choice
        "Mia lives in the",
        'Nora lost a green ball. She looked under the bed, but it was not there. "Think," said Hugo. '
        '"Where did you see it last?" "At the beach!" shouted',
        "The nurse went home.",
        "One sunny morning, Lucy",
    ),
    sentences=(
        "Ella lost a red kite. Otto found the red",
        "Lucy learns a list by heart: Ben, yellow, mask, hat. Again: Ben, yellow, mask",
    ),
    words={
        **dict.fromkeys((person.name for person in PEOPLE), "person"),
        **dict.fromkeys(OBJECTS, "object"),
        **dict.fromkeys(COLORS, "color"),
        **dict.fromkeys(PLACES, "place"),
        **dict.fromkeys(VALUES["pet"], "pet"),
        **dict.fromkeys(VALUES["job"], "job"),
        **dict.fromkeys(VALUES["food"], "food"),
        **dict.fromkeys(ENDINGS, "feeling"),
    },
)


def few_texts() -> Corpus:
    """300 texts of Tinyville in the usual mix: few enough to be memorized."""
    world = Tinyville()
    total = sum(world.counts.values())
    return corpora.tinyville(0, {kind: round(count * FEW_TEXTS / total) for kind, count in world.counts.items()})


def record_shipped(name: str, *, progress: bool = False) -> Recording:
    """Record "tinyville" or "overfitted" anew, with the same model, settings and seeds: some minutes. Lesson 5."""
    tiny = artifacts.load_model("tiny")
    world, whole = Tinyville(), corpora.tinyville(progress=progress)
    unread = world.texts(HELD_OUT_SEED)
    fresh = [text.text for text in unread if text.kind == "story" and text.text.startswith(OPENINGS)]
    return record(
        TITLES[name],
        DecoderOnly(tiny.model.config, seed=0),
        whole if name == "tinyville" else few_texts(),
        tiny.tokenizer,
        TrainingSettings(steps=STEPS),
        PROBE_SET,
        world,
        held_out=[text.text for text in unread[:MEASURED_TEXTS]],
        reference=baselines(whole, unread[:MEASURED_TEXTS], tiny.tokenizer),
        fresh=fresh[:FRESH_STORIES],
        progress=progress,
    )


def saved_steps(n_steps: int) -> list[int]:
    """The steps that are saved: 0, then closer together at the start, where most happens.

    >>> saved_steps(10)
    [0, 8, 9, 10]
    """
    spaced = np.geomspace(min(FIRST_SAVED, n_steps), n_steps, FRAMES - 1)
    return sorted({0, *(round(step) for step in spaced)})


def record(
    name: str,
    model: DecoderOnly,
    corpus: Corpus,
    tokenizer: Tokenizer,
    settings: TrainingSettings,
    probes: ProbeSet,
    world: Tinyville,
    *,
    held_out: Sequence[str],
    reference: Mapping[str, float],
    fresh: Sequence[str],
    progress: bool = False,
) -> Recording:
    """Train a model in place on a corpus of Tinyville, and record it at the saved steps.

    `fresh` are new texts of the world that begin as the prompts do: how much is copied by chance.
    """
    recorder = Recorder(model, corpus, tokenizer, probes, list(held_out), world)
    token_ids = runs.corpus_tokens(corpus, tokenizer)
    starts = loop.document_starts(token_ids, tokenizer.end_of_text)
    steps = loop.train_steps(model, token_ids, settings, starts=starts)
    seconds, saved = 0.0, saved_steps(settings.steps)
    recorder.capture()
    for step in tqdm(steps, total=settings.steps, desc=name, unit=" steps", disable=not progress):
        seconds += step.seconds
        if step.step in saved:
            recorder.capture()
    return Recording(
        name,
        np.array(saved),
        **recorder.frames(),
        baselines=dict(reference),
        copied_by_chance=round(recorder.index.mean_share(fresh), 4),
        record={
            "settings": asdict(settings),
            "corpus": dict(corpus.recipe),
            "n_documents": len(corpus.documents),
            "n_parameters": model.n_parameters,
            "seconds_of_training": round(seconds, 1),
        },
    )


class Recorder:
    """Measures a model several times in the same way, and keeps a frame each time."""

    def __init__(self, model, corpus: Corpus, tokenizer: Tokenizer, probes: ProbeSet, held_out: list[str], world):
        self.model, self.tokenizer, self.probes, self.world = model, tokenizer, probes, world
        self.texts = {"training_losses": list(corpus.documents[:MEASURED_TEXTS]), "held_out_losses": held_out}
        self.index = SubstringIndex(corpus.documents)
        encoded = {word: tokenizer.encode(f" {word}") for word in probes.words}
        self.words = {word: ids[0] for word, ids in encoded.items() if len(ids) == 1}
        self.captured: list[dict] = []

    @torch.no_grad()
    def capture(self) -> None:
        """Add a frame."""
        samples = [self._sample(prompt, seed) for seed, prompt in enumerate(self.probes.prompts)]
        self.captured.append(
            {name: loop.evaluate_documents(self.model, self.tokenizer, texts) for name, texts in self.texts.items()}
            | {
                "samples": samples,
                "copied": np.mean([self.index.longest(sample.text).share for sample in samples]),
                "valid": np.mean([sample.wrong is None for sample in samples]),
                "next_tokens": [
                    self.model(self._ids(prefix))[0, -1].softmax(dim=-1).numpy() for prefix in self.probes.prefixes
                ],
                "attention": [
                    self.model.trace(self._ids(sentence)).attention_weights[:, 0].numpy()
                    for sentence in self.probes.sentences
                ],
                "vectors": directions(self.model.embedding.weight.detach().numpy()[list(self.words.values())]),
            }
        )

    def _sample(self, prompt: str, seed: int) -> Sample:
        [text] = sample_texts(self.model, self.tokenizer, 1, prompt=prompt, seed=seed, temperature=TEMPERATURE)
        passage = self.index.longest(text)
        copied = _span(text, words_of(text), passage.start, passage.n_words)
        verdict = self.world.check(text)
        wrong = None if verdict.valid else _span(text, Tinyville.words(text), verdict.n_valid_words, 1)
        return Sample(text, copied, wrong)

    def _ids(self, text: str) -> Tensor:
        return torch.tensor([self.tokenizer.encode_prompt(text)])

    def frames(self) -> dict:
        """All that was captured, frame by frame, as a `Recording` takes it."""
        series = ("training_losses", "held_out_losses", "copied", "valid")
        return {
            **{name: np.array([frame[name] for frame in self.captured]) for name in series},
            "samples": [frame["samples"][:KEPT_SAMPLES] for frame in self.captured],
            "next_tokens": [self._next_tokens(number, prefix) for number, prefix in enumerate(self.probes.prefixes)],
            "attention": [
                _AttentionFrames(
                    tuple(self.tokenizer.tokens(self._ids(sentence)[0].tolist())),
                    np.stack([frame["attention"][number] for frame in self.captured]),
                )
                for number, sentence in enumerate(self.probes.sentences)
            ],
            **self._map(),
        }

    def _next_tokens(self, number: int, prefix: str) -> _NextTokenFrames:
        """The tokens that are possible in the world first, then those to which the model ever gave most."""
        frames = np.stack([frame["next_tokens"][number] for frame in self.captured])
        exact = next_tokens(self.world, self.tokenizer, self.tokenizer.encode(prefix))
        last, largest = frames[-1], frames.max(axis=0)
        allowed = sorted(exact, key=lambda token_id: (-exact[token_id], -last[token_id]))[: N_TOKENS // 2]
        others = [token_id for token_id in np.argsort(-largest).tolist() if token_id not in allowed]
        chosen = [*allowed, *others[: N_TOKENS - len(allowed)]]
        probabilities = tuple(round(exact.get(token_id, 0.0), 4) for token_id in chosen) if exact else ()
        return _NextTokenFrames(prefix, tuple(self.tokenizer.tokens(chosen)), frames[:, chosen], probabilities)

    def _map(self) -> dict:
        """One plane for all frames: the first two principal components of the last one."""
        vectors = np.stack([frame["vectors"] for frame in self.captured])
        mean = vectors[-1].mean(axis=0)
        _, _, components = np.linalg.svd(vectors[-1] - mean, full_matrices=False)
        plane = components[:2].T
        centered = vectors - vectors.mean(axis=1, keepdims=True)
        variance = ((centered @ plane) ** 2).sum(axis=(1, 2)) / (centered**2).sum(axis=(1, 2))
        groups = [self.probes.words[word] for word in self.words]
        return {"words": [*self.words], "groups": groups, "points": (vectors - mean) @ plane, "variance": variance}


def _span(text: str, words: Sequence[str], start: int, n_words: int) -> tuple[int, int]:
    """(start, stop) in characters of some words of a text; at its end where there is no such word."""
    if start >= len(words):
        return len(text), len(text)
    place, first = 0, 0
    for number, word in enumerate(words[: start + n_words]):
        place = text.index(word, place)
        first = place if number == start else first
        place += len(word)
    return (first, place) if n_words else (0, 0)


def save_recording(file: Path, recording: Recording, *, command: str) -> None:
    """Write a recording as NAME.json, its attention and points in NAME.safetensors beside it, in whole numbers."""
    weights = (np.rint(one.weights * FULL_WEIGHT).astype(np.uint8) for one in recording.attention)
    arrays = {f"attention/{number}": one for number, one in enumerate(weights)}
    scale = 1.0
    if recording.points is not None:
        scale = float(np.abs(recording.points).max()) or 1.0
        arrays["points"] = np.rint(recording.points / scale * FULL_COORDINATE).astype(np.int16)
    data = {
        "title": recording.name,
        "record": dict(recording.record),
        "steps": recording.steps.tolist(),
        **{name: _rounded(getattr(recording, name)) for name in SERIES},
        "copied_by_chance": recording.copied_by_chance,
        "baselines": dict(recording.baselines),
        "next_tokens": [{**asdict(one), "probabilities": _rounded(one.probabilities)} for one in recording.next_tokens],
        "attention": [list(one.tokens) for one in recording.attention],
        "words": list(recording.words),
        "groups": list(recording.groups),
        "scale": scale,
        "samples": [[asdict(sample) for sample in texts] for texts in recording.samples],
    }
    save_data(file, data, command=command, arrays=arrays)


def _rounded(values: np.ndarray | None) -> list | None:
    return None if values is None else np.round(np.asarray(values, dtype=float), DIGITS).tolist()


def save_data(file: Path, data: Any, *, command: str, arrays: Mapping[str, np.ndarray] | None = None) -> None:
    """Write a recording, NAME.json, and its arrays, NAME.safetensors, in place of those that may be there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    card: dict[str, Any] = {"format": RECORDING_FORMAT, "name": file.stem, "command": command}
    if arrays:
        content = safetensors.numpy.save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
        beside = file.with_suffix(".safetensors")
        card["arrays"] = {"name": beside.name, "sha256": hashlib.sha256(content).hexdigest()}
        write_atomically(beside, content)
    write_atomically(file, (readable_json(card | {"data": data}) + "\n").encode("utf-8"))


def readable_json(value: Any, indent: int = 0) -> str:
    """JSON of a recording: short values and tables of numbers or words on one line, all else one entry a line."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or len(line) + indent <= LINE or is_table(value):
        return line
    if isinstance(value, dict):
        rows = [
            f"{json.dumps(key, ensure_ascii=False)}: {readable_json(one, indent + 1)}" for key, one in value.items()
        ]
    else:
        rows = [readable_json(one, indent + 1) for one in value]
    first, last = "{}" if isinstance(value, dict) else "[]"
    return f"{first}\n" + ",\n".join(" " * (indent + 1) + row for row in rows) + f"\n{' ' * indent}{last}"


def is_table(value: Any, depth: int = 2) -> bool:
    """Whether it is a list of plain values, or of lists of them."""
    if not isinstance(value, list) or not depth:
        return not isinstance(value, (dict, list))
    return all(is_table(one, depth - 1) for one in value)
