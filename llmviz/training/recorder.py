"""Recorded training runs: losses, samples, next-token probabilities, attention and embeddings at the saved steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from llmviz import artifacts, corpora, corpus_stats
from llmviz.corpora import Corpus
from llmviz.embeddings.vectors import directions
from llmviz.generation.sampling import sample_texts
from llmviz.model.transformer import DecoderOnly
from llmviz.tinyville.corpus import Text, Tinyville
from llmviz.tinyville.facts import PEOPLE, VALUES
from llmviz.tinyville.stories import COLORS, ENDINGS, OBJECTS, OPENINGS, PLACES
from llmviz.tinyville.token_distributions import next_tokens
from llmviz.tokenizers.base import Tokenizer
from llmviz.tokenizers.words import words as words_of
from llmviz.training import loop
from llmviz.training.loop import TrainingSettings

_DIGITS = 4
_FULL_WEIGHT, _FULL_COORDINATE = 255, 32_767  # attention weights are stored as uint8, points as int16
_SERIES = ("training_losses", "held_out_losses", "copied", "valid", "variance")
STEPS = 2_000
_FRAMES, _FIRST_SAVED = 22, 8
_TEMPERATURE = 0.8
_N_TOKENS = 8  # of which the probabilities are recorded
_MEASURED_TEXTS = 300
_KEPT_SAMPLES = 4
_FEW_TEXTS = 300
_FRESH_STORIES = 60
_HELD_OUT_SEED = 1_000_000
_TITLES = {"tinyville": "32,000 texts of Tinyville", "overfitted": "300 texts of Tinyville"}


@dataclass(frozen=True)
class Sample:
    """A text that the model wrote, its prompt included.

    Attributes:
        copied: (start, stop), the characters of the longest passage that the corpus holds word for word.
        wrong: (start, stop), the first word that is impossible in Tinyville; None if there is none.
    """

    text: str
    copied: tuple[int, int] = (0, 0)
    wrong: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class _NextTokenFrames:
    """Next-token probabilities after one prefix: (frame, token); Tinyville's exact ones: (token), or empty."""

    prefix: str
    tokens: tuple[str, ...]
    probabilities: np.ndarray
    exact: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class _AttentionFrames:
    """Attention weights of all heads in one sentence: (frame, layer, head, query, key)."""

    tokens: tuple[str, ...]
    weights: np.ndarray


@dataclass(frozen=True, eq=False)
class Recording:
    """A training run at its saved steps (frames). Losses are nats per token.

    Attributes:
        name: what it is a recording of.
        steps: (frame), from 0 on.
        training_losses, held_out_losses: (frame).
        baselines: reference losses by name.
        samples: (frame, prompt), always with the same prompts and seeds.
        copied: (frame), the share of a sample that is one passage of the corpus, 0 to 1.
        copied_by_chance: the same of new texts of Tinyville; None if unknown.
        valid: (frame), the share of samples that are possible in Tinyville, 0 to 1.
        next_tokens, attention: one entry a prefix and one a sentence.
        words, groups, points, variance: embeddings of some words, as points (frame, word, 2) of one plane for all
            frames, and the share of their variance that the plane shows (frame).
        record: settings, corpus, seconds, machine.
    """

    name: str
    steps: np.ndarray
    training_losses: np.ndarray
    held_out_losses: np.ndarray
    baselines: Mapping[str, float] = field(default_factory=dict)
    samples: Sequence[Sequence[Sample]] = ()
    copied: np.ndarray | None = None
    copied_by_chance: float | None = None
    valid: np.ndarray | None = None
    next_tokens: Sequence[_NextTokenFrames] = ()
    attention: Sequence[_AttentionFrames] = ()
    words: Sequence[str] = ()
    groups: Sequence[str] = ()
    points: np.ndarray | None = None
    variance: np.ndarray | None = None
    record: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.steps)
        if not n or (np.diff(self.steps) <= 0).any():
            raise ValueError(f"the saved steps of a recording rise, and there is at least one; given {self.steps}")
        frames = {name: getattr(self, name) for name in (*_SERIES, "samples", "points")}
        frames |= {f"the probabilities after {one.prefix!r}": one.probabilities for one in self.next_tokens}
        frames |= {f"the attention in sentence {number}": one.weights for number, one in enumerate(self.attention)}
        for name, values in frames.items():
            if values is not None and len(values) and len(values) != n:
                raise ValueError(f"{name} of a recording has one entry a saved step: {n}, but given {len(values)}")

    def __repr__(self) -> str:
        return f"Recording({self.name!r}, {len(self.steps)} saved steps, up to step {self.steps[-1]:,})"


def recording_from_losses(
    name: str,
    training: Sequence[tuple[int, float]],
    held_out: Sequence[tuple[int, float]],
    baselines: Mapping[str, float],
    samples: Sequence[tuple[int, str]] = (),
) -> Recording:
    """Make a recording of (step, loss) pairs and (step, text) samples alone.

    Its frames are the steps with a held-out loss; the training loss there is the mean since the frame before.
    """
    if not held_out or not training:
        raise ValueError("nothing was measured yet: train at least to the first evaluation, with held-out texts")
    steps = np.array([step for step, _ in held_out])
    written = dict(samples)
    means = []
    for before, step in zip([-1, *steps[:-1]], steps, strict=True):
        inside = [loss for number, loss in training if before < number <= step]
        means.append(np.mean(inside) if inside else training[0][1])
    texts = [[Sample(written[step])] for step in steps.tolist() if step in written]
    complete = texts if len(texts) == len(steps) else ()
    losses = np.array([loss for _, loss in held_out])
    return Recording(name, steps, np.array(means), losses, dict(baselines), complete)


def save_recording(file: Path, recording: Recording, *, command: str) -> None:
    """Write a recording as NAME.json, its attention and points in NAME.safetensors beside it, in whole numbers."""
    weights = (np.rint(one.weights * _FULL_WEIGHT).astype(np.uint8) for one in recording.attention)
    arrays = {f"attention/{number}": one for number, one in enumerate(weights)}
    scale = 1.0
    if recording.points is not None:
        scale = float(np.abs(recording.points).max()) or 1.0
        arrays["points"] = np.rint(recording.points / scale * _FULL_COORDINATE).astype(np.int16)
    data = {
        "title": recording.name,
        "record": dict(recording.record),
        "steps": recording.steps.tolist(),
        **{name: _rounded(getattr(recording, name)) for name in _SERIES},
        "copied_by_chance": recording.copied_by_chance,
        "baselines": dict(recording.baselines),
        "next_tokens": [{**asdict(one), "probabilities": _rounded(one.probabilities)} for one in recording.next_tokens],
        "attention": [list(one.tokens) for one in recording.attention],
        "words": list(recording.words),
        "groups": list(recording.groups),
        "scale": scale,
        "samples": [[asdict(sample) for sample in texts] for texts in recording.samples],
    }
    artifacts.save_recording(file, data, command=command, arrays=arrays)


def _rounded(values: np.ndarray | None) -> list | None:
    return None if values is None else np.round(np.asarray(values, dtype=float), _DIGITS).tolist()


def load_recording(source: str | Path) -> Recording:
    """Load a recorded training run: one that ships ("tinyville", "overfitted"), or a file.

    Raises FileNotFoundError where there is none, ValueError where it is damaged or holds something else.
    """
    data = artifacts.load_recording(source)
    try:
        return _from(data)
    except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
        raise ValueError(f"{source} is not a whole recording of a training run: {error!s:.300}") from None


def _from(data: Mapping[str, Any]) -> Recording:
    arrays = data.get("arrays", {})
    return Recording(
        data["title"],
        np.array(data["steps"]),
        baselines=data["baselines"],
        samples=[
            [Sample(one["text"], tuple(one["copied"]), one["wrong"] and tuple(one["wrong"])) for one in texts]
            for texts in data["samples"]
        ],
        copied_by_chance=data["copied_by_chance"],
        next_tokens=[
            _NextTokenFrames(one["prefix"], tuple(one["tokens"]), np.array(one["probabilities"]), tuple(one["exact"]))
            for one in data["next_tokens"]
        ],
        attention=[
            _AttentionFrames(tuple(tokens), arrays[f"attention/{number}"] / _FULL_WEIGHT)
            for number, tokens in enumerate(data["attention"])
        ],
        words=data["words"],
        groups=data["groups"],
        points=arrays["points"] / _FULL_COORDINATE * data["scale"] if "points" in arrays else None,
        record=data["record"],
        **{name: None if data[name] is None else np.array(data[name]) for name in _SERIES},
    )


@dataclass(frozen=True)
class _ProbeSet:
    """What is measured in every frame: samples of `prompts` (the first four are kept), the next token after `prefixes`,
    attention in `sentences`, and the embeddings of `words` (word → group) that are a single token.
    """

    prompts: Sequence[str]
    prefixes: Sequence[str]
    sentences: Sequence[str]
    words: Mapping[str, str]


_PROBE_SET = _ProbeSet(
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


def _few_texts() -> Corpus:
    """300 texts of Tinyville in the usual mix: few enough to be memorized."""
    world = Tinyville()
    total = sum(world.counts.values())
    return corpora.tinyville(0, {kind: round(count * _FEW_TEXTS / total) for kind, count in world.counts.items()})


def record_shipped(name: str, *, progress: bool = False) -> Recording:
    """Record "tinyville" or "overfitted" anew, with the same model, settings and seeds: some minutes. Lesson 5."""
    tiny = artifacts.load_model("tiny")
    world, whole = Tinyville(), corpora.tinyville(progress=progress)
    unread = world.texts(_HELD_OUT_SEED)
    fresh = [text.text for text in unread if text.kind == "story" and text.text.startswith(OPENINGS)]
    return _record(
        _TITLES[name],
        DecoderOnly(tiny.model.config, seed=0),
        whole if name == "tinyville" else _few_texts(),
        tiny.tokenizer,
        TrainingSettings(steps=STEPS),
        _PROBE_SET,
        world,
        held_out=[text.text for text in unread[:_MEASURED_TEXTS]],
        reference=baselines(whole, unread[:_MEASURED_TEXTS], tiny.tokenizer),
        fresh=fresh[:_FRESH_STORIES],
        progress=progress,
    )


def _saved_steps(n_steps: int) -> list[int]:
    """The steps that are saved: 0, then closer together at the start, where most happens.

    >>> _saved_steps(10)
    [0, 8, 9, 10]
    """
    spaced = np.geomspace(min(_FIRST_SAVED, n_steps), n_steps, _FRAMES - 1)
    return sorted({0, *(round(step) for step in spaced)})


def baselines(corpus: Corpus, texts: Sequence[Text], tokenizer: Tokenizer) -> dict[str, float]:
    """Reference losses in nats per token: uniform, unigram and bigram predictions, and the exact entropy. Lesson 5.

    `texts` are of Tinyville, with their exact probabilities; counts on a small corpus underestimate the loss.
    """
    counted = corpus_stats.corpus_stats(corpus, tokenizer).tokens
    n_tokens = sum(len(tokenizer.encode(text.text)) + 1 for text in texts)
    return {
        "ln V": float(np.log(tokenizer.vocab_size)),
        "unigram": counted.unigram_entropy,
        "bigram": counted.bigram_entropy,
        "exact entropy": -sum(text.log_probability for text in texts) / n_tokens,
    }


def _record(
    name: str,
    model: DecoderOnly,
    corpus: Corpus,
    tokenizer: Tokenizer,
    settings: TrainingSettings,
    probes: _ProbeSet,
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
    from llmviz.training import runs  # which needs evaluation

    recorder = _Recorder(model, corpus, tokenizer, probes, list(held_out), world)
    token_ids = runs.corpus_tokens(corpus, tokenizer)
    starts = loop.document_starts(token_ids, tokenizer.end_of_text)
    steps = loop.train_steps(model, token_ids, settings, starts=starts)
    seconds, saved = 0.0, _saved_steps(settings.steps)
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


class _Recorder:
    """Measures a model several times in the same way, and keeps a frame each time."""

    def __init__(self, model, corpus: Corpus, tokenizer: Tokenizer, probes: _ProbeSet, held_out: list[str], world):
        self.model, self.tokenizer, self.probes, self.world = model, tokenizer, probes, world
        self.texts = {"training_losses": list(corpus.documents[:_MEASURED_TEXTS]), "held_out_losses": held_out}
        from llmviz.evaluation.text_overlap import SubstringIndex  # evaluation needs this package

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
        [text] = sample_texts(self.model, self.tokenizer, 1, prompt=prompt, seed=seed, temperature=_TEMPERATURE)
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
            "samples": [frame["samples"][:_KEPT_SAMPLES] for frame in self.captured],
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
        allowed = sorted(exact, key=lambda token_id: (-exact[token_id], -last[token_id]))[: _N_TOKENS // 2]
        others = [token_id for token_id in np.argsort(-largest).tolist() if token_id not in allowed]
        chosen = [*allowed, *others[: _N_TOKENS - len(allowed)]]
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
