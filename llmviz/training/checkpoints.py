"""Checkpoints: a model in a folder, with its tokenizer, the recipe of its text, and how it was trained.

    checkpoint.json           readable: sizes, tokenizer, corpus recipe, settings, losses, and the files' sha256
    weights-000400-5e1f09ab.safetensors
    optimizer-000400-77d3c204.safetensors   (only where the run can be resumed)

A file is named by its step and its content, so a new one never overwrites another. The JSON file is replaced last and
atomically, so a folder always holds one whole checkpoint. Nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import json
import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from llmviz import tokenizers
from llmviz.files import quoted, read_json, write_atomically
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly, EncoderDecoder, EncoderOnly, TransformerBase
from llmviz.training.loop import TrainingSettings, make_optimizers

CARD = "checkpoint.json"
MODEL_CLASSES = {kind.__name__: kind for kind in (DecoderOnly, EncoderOnly, EncoderDecoder)}
_FORMAT, _OLD_FORMAT = "llmviz checkpoint 2", "llmviz checkpoint 1"
_MAX_TOKENS_PER_STEP = 1_000_000
_OWN_FILE = re.compile(
    r"(weights|optimizer)-\d{6,}(-[0-9a-f]{8})?\.safetensors(\.unfinished)?|checkpoint\.json\.unfinished"
    r"|\.((weights|optimizer)-\d{6,}-[0-9a-f]{8}\.safetensors|checkpoint\.json)\.[0-9a-f]{8}\.part"
)
# Keys, choices and parts of tensor names in a checkpoint of format 1, and today's.
_OLD_KEYS = {"assembly": "model_class", "normalisation": "normalization"}
_OLD_CHOICES = {"own": "untied"}
_OLD_TENSORS = {
    ".widen.": ".up_proj.", ".narrow.": ".down_proj.", ".gate.": ".gate_proj.",
    "norm.gain": "norm.weight", "norm.shift": "norm.bias",
}  # fmt: skip


@dataclass(frozen=True)
class Checkpoint:
    """A model with its tokenizer, the recipe of its text (`corpora.from_recipe`), settings, the number of steps done,
    measurements (losses, seconds, the command, …), and the optimizers if the run can be resumed.
    """

    model: TransformerBase
    tokenizer: tokenizers.Tokenizer
    corpus: Mapping[str, Any]
    settings: TrainingSettings
    step: int
    record: Mapping[str, Any] = field(default_factory=dict)
    optimizers: Sequence[torch.optim.Optimizer] = ()


def save(folder: str | Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint into a folder; replaces one that is there atomically."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = {"weights": own_tensors(checkpoint.model)}
    if checkpoint.optimizers:
        files["optimizer"] = _optimizer_tensors(checkpoint.model, checkpoint.optimizers)
    card = {
        "format": _FORMAT,
        "step": checkpoint.step,
        "model_class": type(checkpoint.model).__name__,
        "model": asdict(checkpoint.model.config),
        "training": asdict(checkpoint.settings),
        "corpus": dict(checkpoint.corpus),
        "record": dict(checkpoint.record),
        "files": {
            role: _write_tensors(folder, f"{role}-{checkpoint.step:06d}", tensors) for role, tensors in files.items()
        },
        "tokenizer": checkpoint.tokenizer.to_dict(),
    }
    write_atomically(folder / CARD, (json.dumps(card, ensure_ascii=False, indent=1) + "\n").encode("utf-8"))
    kept = {entry["name"] for entry in card["files"].values()}
    for path in folder.iterdir():
        if _OWN_FILE.fullmatch(path.name) and path.name not in kept:
            path.unlink()


def load(folder: str | Path, model_class: type[TransformerBase] = DecoderOnly) -> Checkpoint:
    """Read a checkpoint whose model is of this class.

    Raises FileNotFoundError if no checkpoint is there or a file of it is missing, ValueError if the folder holds
    something else, or a file is damaged or belongs to another checkpoint.
    """
    folder = Path(folder)
    card = _read_card(folder)
    try:
        config, settings = _known(ModelConfig, card["model"]), _known(TrainingSettings, card["training"])
        tokenizer = tokenizers.from_dict(card["tokenizer"])
        corpus, record, step = dict(card["corpus"]), dict(card["record"]), operator.index(card["step"])
        files = {role: (folder / entry["name"], entry["sha256"]) for role, entry in card["files"].items()}
        weights_file = files["weights"]
        _check_numbers(config, settings, step, record)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{folder / CARD} is not a whole checkpoint of llmviz: {error}") from None
    kind = card.get("model_class", DecoderOnly.__name__)
    if kind not in list(MODEL_CLASSES):
        raise ValueError(f"{folder / CARD} holds a model of a kind that this version does not know: {kind!r:.60}")
    if kind != model_class.__name__:
        raise ValueError(f"{folder} holds the kind {kind}, not {model_class.__name__}: load(folder, {kind}) reads it")
    if config.vocab_size - tokenizer.vocab_size not in ((0, 1) if model_class is EncoderOnly else (0,)):
        raise ValueError(f"{folder}: a model of {config.vocab_size} tokens, a tokenizer of {tokenizer.vocab_size}")
    model = _load_model(model_class, config, *weights_file)
    optimizers: list[torch.optim.Optimizer] = []
    if "optimizer" in files:
        optimizers = make_optimizers(model, settings)
        _load_optimizers(model, optimizers, *files["optimizer"])
    return Checkpoint(model, tokenizer, corpus, settings, step, record, optimizers)


def _read_card(folder: Path) -> dict[str, Any]:
    if not folder.exists():
        raise FileNotFoundError(f"there is no folder {folder}; `llmviz train --out {quoted(folder)}` would make it")
    path = folder / CARD
    if not path.is_file():
        raise FileNotFoundError(f"{folder} holds no checkpoint: its {CARD} is missing")
    card = read_json(path)
    if not isinstance(card, dict) or card.get("format") not in (_FORMAT, _OLD_FORMAT):
        found = card.get("format") if isinstance(card, dict) else None
        raise ValueError(f'{path} is not a checkpoint of this llmviz: its format is {found!r}, not "{_FORMAT}"')
    if card["format"] == _OLD_FORMAT:
        for part in (card, card.get("model")):
            if isinstance(part, dict):
                part |= {new: part.pop(old) for old, new in _OLD_KEYS.items() if old in part}
                part |= {key: _OLD_CHOICES[choice] for key, choice in part.items() if choice in [*_OLD_CHOICES]}
    return card


def _check_numbers(config: ModelConfig, settings: TrainingSettings, step: int, record: Mapping[str, Any]) -> None:
    """Refuse what no run wrote, such as sizes that would fill the memory."""
    if not step >= 0 or not config.context_length * settings.batch_size <= _MAX_TOKENS_PER_STEP:
        raise ValueError(
            f"its step is {step}, its context_length {config.context_length:,}, its batch_size "
            f"{settings.batch_size:,}; a step is at least 0 and reads at most {_MAX_TOKENS_PER_STEP:,} tokens"
        )
    points = [*record.get("history", []), record.get("planned_at", (0, 0))]
    if not all(isinstance(step, int) and isinstance(value, int | float) for step, value in points):
        raise ValueError("its history is not a list of [step, loss]")
    for name in ("seconds", "validation_loss", "max_seconds", "until_loss"):
        if not isinstance(record.get(name), int | float | None):
            raise ValueError(f"its {name} is {record[name]!r:.60} and not a number")


def _known(kind: type, saved: Mapping[str, Any]) -> Any:
    """A configuration from the JSON file; a key of another version of llmviz is an error."""
    known = {one.name for one in fields(kind)}
    if unknown := sorted(set(saved) - known):
        raise ValueError(f"it says {unknown[0]!r} = {saved[unknown[0]]!r}, which this version does not know")
    return kind(**saved)


def _write_tensors(folder: Path, start: str, tensors: Mapping[str, Tensor]) -> dict[str, str]:
    content = safetensors.torch.save({key: tensor.cpu().contiguous() for key, tensor in tensors.items()})
    sha256 = hashlib.sha256(content).hexdigest()
    name = f"{start}-{sha256[:8]}.safetensors"
    write_atomically(folder / name, content)
    return {"name": name, "sha256": sha256}


def _read_tensors(path: Path, sha256: str) -> dict[str, Tensor]:
    if not path.is_file():
        raise FileNotFoundError(f"the checkpoint's file {path} is missing")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(f"{path} is damaged or belongs to another checkpoint (by its sha256): copy the folder again")
    try:
        tensors = safetensors.torch.load(content)
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} is not a safetensors file ({error})") from None
    for old, new in _OLD_TENSORS.items():
        tensors = {name.replace(old, new): tensor for name, tensor in tensors.items()}
    return tensors


def own_tensors(model: TransformerBase) -> dict[str, Tensor]:
    """The tensors of a model by name; a tied unembedding is left out."""
    tensors = model.state_dict()
    if model.config.unembedding == "tied":
        del tensors["unembedding.weight"]
    return tensors


def _first_misfit(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> str:
    """The first tensor by name that is missing, too many, or of another shape; "" if there is none.

    >>> _first_misfit({"a": torch.zeros(2, 3)}, {"a": torch.zeros(3, 2)})
    'a should be (2, 3), and is (3, 2)'
    """
    shapes = [{name: tuple(tensor.shape) for name, tensor in tensors.items()} for tensors in (expected, found)]
    different = {name for name, _ in set(shapes[0].items()) ^ set(shapes[1].items())}
    if not different:
        return ""
    name = min(different)
    wanted, given = (some.get(name, "absent") for some in shapes)
    return f"{name} should be {wanted}, and is {given}"


def _load_model(model_class: type[TransformerBase], config: ModelConfig, path: Path, sha256: str) -> TransformerBase:
    tensors = _read_tensors(path, sha256)
    n_stored, n_expected = sum(tensor.numel() for tensor in tensors.values()), model_class.count_parameters(config)
    if n_stored != n_expected:
        raise ValueError(f"{path} does not fit the sizes in {CARD}: {n_stored:,} numbers, and they make {n_expected:,}")
    model = model_class(config)
    own = own_tensors(model)
    if misfit := _first_misfit(own, tensors):
        raise ValueError(f"{path} does not fit the sizes in {CARD}: {misfit}")
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(tensors[name])
    return model


def _optimizer_tensors(model: TransformerBase, optimizers: Sequence[torch.optim.Optimizer]) -> dict[str, Tensor]:
    names = {parameter: name for name, parameter in model.named_parameters()}
    return {
        f"{index}/{names[parameter]}/{key}": value
        for index, optimizer in enumerate(optimizers)
        for parameter, state in optimizer.state.items()
        for key, value in state.items()
    }


def _load_optimizers(model: TransformerBase, optimizers: list[torch.optim.Optimizer], path: Path, sha256: str) -> None:
    parameters = dict(model.named_parameters())
    for address, value in _read_tensors(path, sha256).items():
        try:
            index, name, key = address.split("/")
            parameter = parameters[name]
            if value.shape not in (parameter.shape, ()):
                raise ValueError
            optimizers[int(index)].state[parameter][key] = value
        except (ValueError, KeyError, IndexError):
            raise ValueError(f"{path} does not belong to this model: it holds {address!r}") from None
