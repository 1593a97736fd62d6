"""Real models in our own classes: their tensors, read from safetensors or GGUF files (lesson 10)."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from math import isclose
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import Tensor
from tqdm import tqdm

from llmviz.model.transformer import TransformerBase
from llmviz.pretrained import registry
from llmviz.pretrained.architecture import build
from llmviz.pretrained.families import GGUF, MAX_CONTEXT, Family, family_of, read_config
from llmviz.pretrained.tokenizer import PretrainedTokenizer, read_object, tokenizer_from_folder, tokenizer_from_gguf
from llmviz.training.checkpoints import own_tensors

_ROWS_AT_ONCE = 2048
_INDEX = "model.safetensors.index.json"
_OLD_NAMES = {"weight": "gamma", "bias": "beta"}  # of a normalization
_VOCABULARY = ("embedding.weight", "unembedding.weight", "unembedding.bias")  # a row for each token
_TOKEN_TYPES = "embeddings.token_type_embeddings.weight"


@torch.no_grad()
def _load_weights(source: _SafetensorsFolder | _GGUFFile, known_ids: Collection[int] | None = None) -> TransformerBase:
    """Build the model that a source describes, and fill it, one tensor at a time: float32, without gradients.

    known_ids: the ids that have a token; None: all. Raises ValueError for another family, and where the source holds a
    model that our block is not, with what it holds.
    """
    family, name = family_of(source.card), source.card["model_type"]
    n_tokens = None if known_ids is None else max(known_ids) + 1
    missing = [] if known_ids is None else sorted(set(range(n_tokens)) - set(known_ids))
    unembedding = _unembedding(family, source)
    config = read_config(source.card, unembedding=unembedding, n_tokens=n_tokens, missing_tokens=missing)
    model = build(config, is_encoder=family.is_encoder)
    taken: set[str] = set()
    for ours, tensor in tqdm(own_tensors(model).items(), desc="Weights", unit=" tensors", leave=False, delay=1):
        if ours == "unembedding.bias" and "unembedding" not in family.tensors:
            continue  # not theirs: it keeps missing tokens out
        theirs = _read(ours, family, source, taken)
        if ours in _VOCABULARY and len(theirs) == source.card["vocab_size"]:
            theirs = theirs[: config.vocab_size]
        if theirs.shape != tensor.shape:
            raise ValueError(f"the tensor for {ours} should be {tuple(tensor.shape)}, and is {tuple(theirs.shape)}")
        tensor.copy_(theirs)
    left = [one for one in source.names if one not in taken and not one.endswith((*family.unused, family.head))]
    if left:
        raise ValueError(f"this {name} has {len(left)} tensors that our block has no place for, such as {min(left)}")
    return model.requires_grad_(False)


def _unembedding(family: Family, source: _SafetensorsFolder | _GGUFFile) -> str:
    """Whether the output matrix is the file's own, the embedding matrix, or is not needed."""
    if family.is_encoder and f"{family.tensors['unembedding.dense']}.weight" not in source.names:
        return "none"
    if family.head in source.names:
        embedding = _read("embedding.weight", family, source, set())
        return "tied" if torch.equal(embedding, source.read(family.head)) else "untied"
    if not family.reading(source.card)["tie_word_embeddings"]:
        raise ValueError(f"the tensor {family.head} is missing, and the configuration says that it is the model's own")
    return "tied"


def _read(ours: str, family: Family, source: _SafetensorsFolder | _GGUFFile, taken: set[str]) -> Tensor:
    """The tensor of a source that becomes `ours`, in our layout."""
    if ours == "unembedding.weight":
        return source.read(family.head)
    module, _, kind = ours.rpartition(".")
    start = ""
    if module.startswith("blocks."):
        _, layer, module = module.split(".", 2)
        start = family.layer.format(layer)
    theirs, _, third = family.tensors[module].partition("[")
    candidates = [
        f"{prefix}{start}{part}.{end}"
        for prefix, part, end in itertools.product((family.prefix, ""), theirs.split("|"), (kind, _OLD_NAMES[kind]))
    ]
    name = next((name for name in candidates if name in source.names), None)
    if name is None:
        raise ValueError(f"the tensor {candidates[0]} is missing; it should become {ours}")
    taken.add(name)
    tensor = source.read(name)
    if third:
        tensor = tensor.chunk(3, dim=-1)[int(third[0])]
    if kind == "weight" and theirs.startswith(("attn.c_", "mlp.c_")):  # GPT-2 keeps matrices as (in, out)
        tensor = tensor.T
    if kind == "weight" and module.endswith("norm"):
        tensor = tensor + family.norm_offset
    if ours == "position_embedding.weight":
        tensor = _positions(tensor, family, source, taken)
    return tensor


def _positions(tensor: Tensor, family: Family, source: _SafetensorsFolder | _GGUFFile, taken: set[str]) -> Tensor:
    """The position vectors up to our longest context, with what BERT adds to all tokens of a first sentence."""
    for first in {family.prefix + _TOKEN_TYPES, _TOKEN_TYPES} & source.names:
        taken.add(first)
        tensor = tensor + source.read(first)[0]
    return tensor[family.n_reserved_positions(source.card) :][:MAX_CONTEXT]


class _SafetensorsFolder:
    """A folder as the hub has it: `config.json` (`card`), and the weights in one safetensors file or in several."""

    def __init__(self, folder: Path):
        self.folder = folder
        if not (self.folder / "config.json").is_file():
            raise FileNotFoundError(f"{folder} holds no model: the model's configuration, config.json, is missing")
        self.card = read_object(self.folder / "config.json")
        if (self.folder / _INDEX).is_file():
            places = read_object(self.folder / _INDEX).get("weight_map")
            if not isinstance(places, dict) or not all(isinstance(name, str) for name in places.values()):
                raise ValueError(f'{self.folder / _INDEX} should say under "weight_map" which file holds each tensor')
            if outside := [name for name in places.values() if Path(name).name != name]:
                raise ValueError(f"{self.folder / _INDEX} points out of its folder: {outside[0]!r}")
            files = {self.folder / name for name in places.values()}
        else:
            files = {self.folder / "model.safetensors"}
        self._file_of: dict[str, Any] = {}
        for path in sorted(files):
            if not path.is_file():
                raise FileNotFoundError(f"{folder} holds no weights: {path.name} is missing: only safetensors are read")
            try:
                opened = safetensors.safe_open(path, framework="pt")
            except safetensors.SafetensorError as error:
                raise ValueError(f"{path} is not a whole safetensors file ({error})") from None
            self._file_of |= dict.fromkeys(opened.keys(), opened)
        self.names = self._file_of.keys()

    def read(self, name: str) -> Tensor:
        return self._file_of[name].get_tensor(name).float()


class _GGUFFile:
    """One GGUF file with a model of the Llama family, its weights perhaps in 4 or 8 bits: read to 32 bits."""

    def __init__(self, path: Path):
        import gguf

        self.path = path
        try:
            reader = gguf.GGUFReader(self.path)
            self.fields = {name: field.contents() for name, field in reader.fields.items()}
        except (ValueError, IndexError, KeyError, OSError, OverflowError, TypeError, MemoryError) as error:
            raise ValueError(f"{self.path} is not a whole GGUF file ({error})") from None
        if (family := self.fields.get("general.architecture")) != "llama":
            raise ValueError(f"{self.path} holds a model of the family {family!r}; of GGUF files we read 'llama'")
        self._unpack = gguf.dequantize
        self._tensors = {_hub_name(tensor.name): tensor for tensor in reader.tensors}
        self.names = self._tensors.keys()
        self.card = self._card()

    def _card(self) -> dict[str, Any]:
        """What the file says, as a config.json would; raises ValueError for what is missing or not understood."""
        said = {name.removeprefix("llama."): value for name, value in self.fields.items() if name.startswith("llama.")}
        if missing := [name for name in GGUF["fields"] if name not in said and name not in GGUF["optional"]]:
            raise ValueError(f"{self.path} says nothing about {missing[0]!r}")
        if wrong := [name for name in GGUF["fields"] if not isinstance(said.get(name, 1), int | float)]:
            raise ValueError(f"{self.path} says {wrong[0]} = {said[wrong[0]]!r:.60}; our block knows only one number")
        if "model.embed_tokens.weight" not in self.names:
            raise ValueError(f"{self.path} holds no tensor token_embd.weight")
        heads = said["attention.head_count"]
        d_head = said.get("attention.key_length") or (said["embedding_length"] // heads if heads else 0)
        usual = GGUF["required"] | dict.fromkeys(("rope.dimension_count", "attention.value_length"), d_head)
        usual |= {"attention.scale": d_head**-0.5, "vocab_size": said.get("vocab_size")}
        for name, value in said.items():
            if name in GGUF["fields"] or name in GGUF["rope"] or usual.get(name) == value:
                continue
            if not (name in usual and isclose(value, usual[name], rel_tol=1e-6)):
                raise ValueError(f"{self.path} says {name} = {value!r:.60}, which our block does not do")
        card = {theirs: said[name] for name, theirs in GGUF["fields"].items() if name in said}
        rope = {theirs: said[name] for name, theirs in GGUF["rope"].items() if name in said}
        if rope.get("rope_type", "none") != "none":
            card["rope_scaling"] = rope
        elif rope.get("factor", 1.0) != 1.0:
            raise ValueError(f"{self.path} says rope.scaling.factor without rope.scaling.type")
        n_rows = self._tensors["model.embed_tokens.weight"].shape[-1]
        family = "mistral" if "sliding_window" in card else "llama"
        return card | {"model_type": family, "vocab_size": int(n_rows), "tie_word_embeddings": True}

    def read(self, name: str) -> Tensor:
        stored = self._tensors[name]
        tensor = torch.empty([int(size) for size in reversed(stored.shape)])
        for start in range(0, len(tensor), _ROWS_AT_ONCE):  # unpacking needs several times the memory of the result
            rows = slice(start, start + _ROWS_AT_ONCE)
            tensor[rows] = torch.from_numpy(self._unpack(stored.data[rows], stored.tensor_type).copy())
        n_heads = {"q_proj.weight": "num_attention_heads", "k_proj.weight": "num_key_value_heads"}
        for end, heads in n_heads.items():
            if name.endswith(end):
                return _in_halves(tensor, self.card[heads])
        return tensor


def _in_halves(weight: Tensor, n_heads: int) -> Tensor:
    """The rows of queries or keys as our rotary positions, like the hub's files, pair them: i with i + d_head / 2.

    A GGUF file has the two of a pair side by side: (0, 1), (2, 3), …

    >>> _in_halves(torch.arange(4.0)[:, None], 1)[:, 0].tolist()
    [0.0, 2.0, 1.0, 3.0]
    """
    pairs = weight.reshape(n_heads, -1, 2, weight.shape[1])  # (head, pair, which of the two, d_model)
    return pairs.transpose(1, 2).reshape(weight.shape)


def _hub_name(name: str) -> str:
    """A tensor's name in a GGUF file, as in the hub's files.

    >>> _hub_name("blk.3.ffn_up.weight")
    'model.layers.3.mlp.up_proj.weight'
    """
    place, _, kind = name.rpartition(".")
    layer, _, part = place.rpartition(".")
    start = f"model.layers.{layer.removeprefix('blk.')}." if layer else ""
    return f"{start}{GGUF['tensors'].get(part, part)}.{kind}"


def _open_weights(path: Path) -> _SafetensorsFolder | _GGUFFile:
    """Open a folder with a `config.json` and safetensors, or a GGUF file."""
    if not path.exists():
        raise FileNotFoundError(f"there is no model at {path}: give a folder with safetensors, or a .gguf file")
    return _SafetensorsFolder(path) if path.is_dir() else _GGUFFile(path)


@dataclass(frozen=True)
class Pretrained:
    """A real model and its own tokenizer; family: a key of `FAMILIES`, such as "llama".

    The model is a `DecoderOnly` or an `EncoderOnly`, float32; its weights take no gradients until you ask for them.
    """

    name: str
    family: str
    model: TransformerBase
    tokenizer: PretrainedTokenizer


def load(source: str | Path) -> Pretrained:
    """Open a real model: a name that `llmviz models` lists ("smollm2", "minilm"), a folder with `config.json`,
    safetensors and the tokenizer's files, a GGUF file, or "hub:owner/name@revision".

    Raises FileNotFoundError where it is not here, with what to do; ValueError for what our block cannot be.
    """
    path = registry.find(source)
    opened = _open_weights(path)
    is_gguf = isinstance(opened, _GGUFFile)
    family_of(opened.card)
    tokenizer = tokenizer_from_gguf(opened.fields) if is_gguf else tokenizer_from_folder(path)
    n_rows = opened.card.get("vocab_size")
    if not isinstance(n_rows, int) or tokenizer.vocab_size > n_rows:
        raise ValueError(f"{path}: its model knows {n_rows!r} tokens, its tokenizer {tokenizer.vocab_size:,}")
    if len(tokenizer.known_ids) < n_rows:
        n_missing = n_rows - len(tokenizer.known_ids)
        warnings.warn(
            f"{source}: {n_missing:,} of its {n_rows:,} ids have no token (its vocabulary is padded); they are left "
            f"out, and the probabilities of all others add up to 1",
            stacklevel=2,
        )
    return Pretrained(str(source), opened.card["model_type"], _load_weights(opened, tokenizer.known_ids), tokenizer)
