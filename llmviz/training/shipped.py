"""The two recordings that ship: the tiny GPT on the whole of Tinyville, and the same model on a hundredth of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from llmviz import corpora
from llmviz.model.transformer import DecoderOnly
from llmviz.tinyville.corpus import Tinyville
from llmviz.tinyville.people import PEOPLE, VALUES
from llmviz.tinyville.stories import COLORS, ENDINGS, OBJECTS, OPENINGS, PLACES
from llmviz.training import checkpoints
from llmviz.training.loop import TrainingSettings
from llmviz.training.recorder import MEASURED_TEXTS, ProbeSet, baselines, record
from llmviz.training.recording import FOLDER, NAMES, Recording, save_recording

__all__ = ["FOLDER", "few_texts", "make", "make_all"]

STEPS = 2_000
FEW_TEXTS = 300
FRESH_STORIES = 60
NAMES_SHOWN = {"tinyville": "32,000 texts of Tinyville", "overfitted": "300 texts of Tinyville"}
HELD_OUT_SEED = 1_000_000

PROBE_SET = ProbeSet(
    prompts=[*OPENINGS, *OPENINGS],
    prefixes=(
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
        **{person.name: "person" for person in PEOPLE},
        **dict.fromkeys(OBJECTS, "object"),
        **dict.fromkeys(COLORS, "color"),
        **dict.fromkeys(PLACES, "place"),
        **dict.fromkeys(VALUES["pet"], "pet"),
        **dict.fromkeys(VALUES["job"], "job"),
        **dict.fromkeys(VALUES["food"], "food"),
        **dict.fromkeys(ENDINGS, "feeling"),
    },
)
"""Openings of stories; a fact, a word from the context, a planted share, a free choice; two sentences; eight groups."""


def few_texts() -> corpora.Corpus:
    """A corpus of Tinyville with few texts, in the usual mix."""
    world = Tinyville()
    total = sum(world.counts.values())
    return corpora.tinyville(0, {kind: round(count * FEW_TEXTS / total) for kind, count in world.counts.items()})


def make(name: str, *, progress: bool = False) -> Recording:
    """Make one of the recordings anew: "tinyville" or "overfitted". Minutes; the same model, settings and dice."""
    tokenizer = checkpoints.load_tiny().tokenizer
    world = Tinyville()
    whole = corpora.tinyville(progress=progress)
    unread = world.texts(HELD_OUT_SEED)
    held_out = unread[:MEASURED_TEXTS]
    fresh = [text.text for text in unread if text.kind == "story" and text.text.startswith(OPENINGS)]
    return record(
        NAMES_SHOWN[name],
        DecoderOnly(checkpoints.load_tiny().model.config, seed=0),
        whole if name == "tinyville" else few_texts(),
        tokenizer,
        TrainingSettings(steps=STEPS),
        PROBE_SET,
        held_out=[text.text for text in held_out],
        lines=baselines(whole, held_out, tokenizer),
        world=world,
        fresh=fresh[:FRESH_STORIES],
        progress=progress,
    )


def make_all(folder: Path, record: Mapping[str, Any]) -> None:
    """Make both anew, and put each into its folder; `record` says by which command and on which machine."""
    for name in NAMES:
        recording = make(name, progress=True)
        save_recording(folder / name, replace(recording, record={**record, **recording.record}))
