"""Recorded training runs: losses, samples, next-token probabilities, attention and embeddings at the saved steps.

`tools/record_training.py` makes those that ship.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from llmviz import artifacts
from llmviz.corpora import Corpus
from llmviz.tinyville.corpus import Text
from llmviz.tokenizers.base import Tokenizer

SERIES = ("training_losses", "held_out_losses", "copied", "valid", "variance")
FULL_WEIGHT, FULL_COORDINATE = 255, 32_767  # attention weights are stored as uint8, points as int16


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
        frames = {name: getattr(self, name) for name in (*SERIES, "samples", "points")}
        frames |= {f"the probabilities after {one.prefix!r}": one.probabilities for one in self.next_tokens}
        frames |= {f"the attention in sentence {number}": one.weights for number, one in enumerate(self.attention)}
        for name, values in frames.items():
            if values is not None and len(values) and len(values) != n:
                raise ValueError(f"{name} of a recording has one entry a saved step: {n}, but given {len(values)}")

    def __repr__(self) -> str:
        return f"Recording({self.name!r}, {len(self.steps)} saved steps, up to step {self.steps[-1]:,})"


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
            _AttentionFrames(tuple(tokens), arrays[f"attention/{number}"] / FULL_WEIGHT)
            for number, tokens in enumerate(data["attention"])
        ],
        words=data["words"],
        groups=data["groups"],
        points=arrays["points"] / FULL_COORDINATE * data["scale"] if "points" in arrays else None,
        record=data["record"],
        **{name: None if data[name] is None else np.array(data[name]) for name in SERIES},
    )


def baselines(corpus: Corpus, texts: Sequence[Text], tokenizer: Tokenizer) -> dict[str, float]:
    """Reference losses in nats per token: uniform, unigram and bigram predictions, and the exact entropy. Lesson 5.

    `texts` are of Tinyville, with their exact probabilities; counts on a small corpus underestimate the loss.
    Source: C. Shannon 1951, "Prediction and Entropy of Printed English", section 2 (F₁ and F₂, of tokens).
    """
    end = tokenizer.end_of_text
    pairs = Counter(pair for text in corpus.documents for pair in pairwise([end, *tokenizer.encode(text), end]))
    singles: Counter[int] = Counter()
    for (_, token_id), count in pairs.items():
        singles[token_id] += count
    n_tokens = sum(len(tokenizer.encode(text.text)) + 1 for text in texts)
    unigram = _entropy(singles.values())
    return {
        "ln V": float(np.log(tokenizer.vocab_size)),
        "unigram": unigram,
        "bigram": _entropy(pairs.values()) - unigram,
        "exact entropy": -sum(text.log_probability for text in texts) / n_tokens,
    }


def _entropy(counts: Iterable[int]) -> float:
    shares = np.array([*counts]) / sum(counts)
    return float(-(shares * np.log(shares)).sum())
