"""What ships with llmviz: trained models and recordings, each opened by its name.

    artifacts.load_model("tiny")                a checkpoint: model, tokenizer, settings, measurements
    artifacts.load_recording("capabilities")    measurements of long runs, so that a lesson need not wait for them

A recording is one JSON file, readable, with a header; large arrays are in a safetensors file beside it:

    {"format": "llmviz recording 2", "name": …, "command": …, "arrays": {"name": …, "sha256": …}, "data": …}
"""

from __future__ import annotations

import hashlib
import tomllib
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


_TABLE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
ARTIFACTS = {name: _Artifact(name, **about) for name, about in _TABLE.items()}
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
