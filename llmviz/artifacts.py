"""What ships with llmviz: trained models and recordings, each opened by its name.

    artifacts.load_model("tiny")                a checkpoint: model, tokenizer, settings, measurements
    artifacts.load_recording("capabilities")    measurements of long runs, so that a lesson need not wait for them

A recording is one JSON file, readable, with a header; large arrays are in a safetensors file beside it:

    {"format": "llmviz recording 2", "name": …, "command": …, "arrays": {"name": …, "sha256": …}, "data": …}
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from llmviz.files import data_path, read_json

if TYPE_CHECKING:
    from llmviz.training.checkpoints import Checkpoint

RECORDING_FORMAT = "llmviz recording 2"


@dataclass(frozen=True)
class _Artifact:
    """One model or recording that ships: its name, its kind ("model" or "recording"), what it is and who uses it."""

    name: str
    kind: str
    about: str
    model_class: str = "DecoderOnly"

    @property
    def command(self) -> str:
        """Makes it anew, run in the checkout."""
        return f"python tools/{'train_models' if self.kind == 'model' else 'record'}.py {self.name}"

    @property
    def file(self) -> str:
        """Inside `data/`: the folder of a model, the JSON file of a recording."""
        return f"models/{self.name}" if self.kind == "model" else f"recordings/{self.name}.json"


_ALL = (
    _Artifact("tiny", "model", "the tiny GPT of all lessons, trained on Tinyville"),
    _Artifact("induction", "model", "attention only, trained on random lists that repeat (lesson 3)"),
    _Artifact("masked", "model", "a BERT of the tiny GPT's sizes, 1,200 steps (lesson 6)", "EncoderOnly"),
    _Artifact("masked_long", "model", "the same, trained as long as the tiny GPT (lessons 2, 5)", "EncoderOnly"),
    _Artifact("sentiment", "model", "the tiny GPT, trained further on sentiment: the base of fine-tuning (lesson 6)"),
    _Artifact("headlines", "model", "the tiny GPT, fine-tuned to write headlines (lesson 7)"),
    _Artifact("translator", "model", "an encoder–decoder from English to French (lesson 7)", "EncoderDecoder"),
    _Artifact("library_names", "model", "a small GPT, trained on names of Python's library (lesson 8)"),
    _Artifact("tinyville", "recording", "training on 32,000 texts, step by step (lesson 5)"),
    _Artifact("overfitted", "recording", "training on 300 texts, step by step (lesson 5)"),
    _Artifact("capabilities", "recording", "what three models can do during training (lesson 5)"),
    _Artifact("comparison", "recording", "linear head, LoRA and full fine-tuning, 5 to 300 labels (lesson 6)"),
    _Artifact("limitations", "recording", "the bias dial at every setting, and preference tuning (lesson 8)"),
    _Artifact("architectures", "recording", "from GPT-2 to Llama, one change at a time (lesson 10)"),
    _Artifact("smollm2", "recording", "what SmolLM2 answers (lesson 10)"),
    _Artifact("smollm2_limits", "recording", "capitals and pronouns: SmolLM2's rates (lesson 8)"),
    _Artifact("minilm", "recording", "what MiniLM answers (lesson 10)"),
    _Artifact("long_range", "recording", "how long a list attention and a recurrent network repeat (lesson 3)"),
    _Artifact("coreference", "recording", "which word *it* attends to, in MiniLM and SmolLM2 (lesson 3)"),
    _Artifact("reviews", "recording", "real product reviews, and MiniLM's vectors of them (lesson 6)"),
)
ARTIFACTS = {artifact.name: artifact for artifact in _ALL}
"""Everything that ships, by name."""


def load_model(name: str) -> Checkpoint:
    """Load a model that ships; each call gives a new one.

    Raises ValueError for an unknown name and for damaged files, FileNotFoundError for missing ones.
    """
    from llmviz.training import checkpoints

    artifact = _find(name, "model")
    return checkpoints.load(data_path(artifact.file), checkpoints.MODEL_CLASSES[artifact.model_class])


def load_recording(source: str | Path) -> Any:
    """Load a recording: one that ships, by its name, or a file, by its path.

    Returns the recorded data. Where arrays belong to it, the data is a dict, and `data["arrays"]` maps their names to
    numpy arrays.

    Raises ValueError for an unknown name and for damaged files, FileNotFoundError for missing ones.
    """
    file = source if isinstance(source, Path) else data_path(_find(source, "recording").file)
    if not file.is_file():
        raise FileNotFoundError(f"there is no recording {file}; those that ship are {_names('recording')}")
    card = read_json(file)
    if not isinstance(card, dict) or card.get("format") != RECORDING_FORMAT:
        found = card.get("format") if isinstance(card, dict) else None
        raise ValueError(f'{file} is not a recording of this llmviz: its format is {found!r}, not "{RECORDING_FORMAT}"')
    if "data" not in card:
        raise ValueError(f'{file} is not a whole recording: it has no "data"')
    if "arrays" not in card:
        return card["data"]
    return card["data"] | {"arrays": _read_arrays(file, card["arrays"])}


def _read_arrays(file: Path, entry: Mapping[str, str]) -> dict[str, np.ndarray]:
    beside = file.with_suffix(".safetensors")
    if not beside.is_file():
        raise FileNotFoundError(f"{file} is not whole: its arrays, {beside.name}, are missing")
    content = beside.read_bytes()
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise ValueError(f"{beside} is damaged or belongs to another recording")
    try:
        return safetensors.numpy.load(content)
    except SafetensorError as error:
        raise ValueError(f"{beside} is not a safetensors file ({error})") from None


def _find(name: str, kind: str) -> _Artifact:
    if name not in ARTIFACTS or ARTIFACTS[name].kind != kind:
        raise ValueError(f"no {kind} called {name!r} ships; there are {_names(kind)}")
    return ARTIFACTS[name]


def _names(kind: str) -> str:
    return ", ".join(name for name, artifact in ARTIFACTS.items() if artifact.kind == kind)
