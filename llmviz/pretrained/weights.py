"""The files of a real model: a folder of safetensors, or one GGUF file (lesson 10).

Both give the configuration as a `config.json` has it (`card`), the names of the tensors, and one tensor at a time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import Tensor

from llmviz.files import read_json

_ROWS_AT_ONCE = 2048
CARD = "config.json"
_INDEX, _WEIGHTS = "model.safetensors.index.json", "model.safetensors"


class _SafetensorsFolder:
    """A folder as the hub has it: `config.json`, and the weights in one safetensors file or in several.

    Raises FileNotFoundError where a file is missing, ValueError where one is damaged.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise FileNotFoundError(f"there is no folder {self.folder}")
        self.card = _read_json(self.folder / CARD, "the model's configuration")
        if (self.folder / _INDEX).is_file():
            places = _read_json(self.folder / _INDEX, "the list of its weights' files").get("weight_map", {})
            files = {self._inside(name) for name in places.values()}
        else:
            files = {self.folder / _WEIGHTS}
        self._file_of: dict[str, Any] = {}
        for path in sorted(files):
            opened = _open_safetensors(path)
            self._file_of |= dict.fromkeys(opened.keys(), opened)
        self.names = self._file_of.keys()

    def _inside(self, name: str) -> Path:
        """A file named by the index; none outside of the folder."""
        if Path(name).name != name:
            raise ValueError(f"{self.folder / _INDEX} points out of its folder: {name!r}")
        return self.folder / name

    def read(self, name: str) -> Tensor:
        """Give one tensor, float32."""
        return self._file_of[name].get_tensor(name).float()


class GGUFFile:
    """One GGUF file with a model of the Llama family, its weights perhaps in 4 or 8 bits: read to 32 bits.

    The package `gguf` reads and unpacks it. Raises FileNotFoundError, or ValueError for what is no such file.
    """

    def __init__(self, path: str | Path):
        import gguf

        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(f"there is no file {self.path}")
        try:
            reader = gguf.GGUFReader(self.path)
        except (ValueError, IndexError, KeyError, OSError, UnicodeDecodeError, OverflowError) as error:
            raise ValueError(f"{self.path} is not a whole GGUF file ({error})") from None
        self.fields = {name: field.contents() for name, field in reader.fields.items()}
        family = self.fields.get("general.architecture")
        if family != "llama":
            raise ValueError(f"{self.path} holds a model of the family {family!r}; of GGUF files we read 'llama'")
        self._unpack = gguf.dequantize
        self._tensors = {_hub_name(tensor.name): tensor for tensor in reader.tensors}
        self.names = self._tensors.keys()
        self.card = self._card()

    def _card(self) -> dict[str, Any]:
        said = {name.removeprefix("llama."): value for name, value in self.fields.items()}
        try:
            card = {
                "model_type": "llama",
                "vocab_size": len(self.fields["tokenizer.ggml.tokens"]),
                "hidden_size": said["embedding_length"],
                "num_hidden_layers": said["block_count"],
                "num_attention_heads": said["attention.head_count"],
                "num_key_value_heads": said.get("attention.head_count_kv", said["attention.head_count"]),
                "intermediate_size": said["feed_forward_length"],
                "max_position_embeddings": said["context_length"],
                "rms_norm_eps": said["attention.layer_norm_rms_epsilon"],
                "rope_theta": said.get("rope.freq_base", 10_000.0),
                "tie_word_embeddings": "lm_head.weight" not in self.names,
            }
        except KeyError as error:
            raise ValueError(f"{self.path} says nothing about {error.args[0]!r}") from None
        if said.get("rope.scaling.type", "none") != "none":
            card["rope_scaling"] = {"rope_type": said["rope.scaling.type"]}
        return card

    def read(self, name: str) -> Tensor:
        """Give one tensor, float32."""
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
    """Order the rows of queries or keys as our rotary positions need them.

    They rotate pairs of numbers. A GGUF file has the two of a pair side by side, (0, 1), (2, 3), …; ours, like the
    hub's files, pair number i with number i + d_head / 2.

    >>> _in_halves(torch.arange(4.0)[:, None], 1)[:, 0].tolist()
    [0.0, 2.0, 1.0, 3.0]
    """
    pairs = weight.reshape(n_heads, -1, 2, weight.shape[1])  # (head, pair, which of the two, d_model)
    return pairs.transpose(1, 2).reshape(weight.shape)


_GGUF_NAMES = {
    "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}  # fmt: skip


def _hub_name(name: str) -> str:
    """A tensor's name in a GGUF file, as in the hub's files.

    >>> _hub_name("blk.3.ffn_up.weight")
    'model.layers.3.mlp.up_proj.weight'
    """
    match name.split("."):
        case ["blk", layer, part, "weight"] if part in _GGUF_NAMES:
            return f"model.layers.{layer}.{_GGUF_NAMES[part]}.weight"
    alone = {
        "token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight",
        "output.weight": "lm_head.weight",
    }  # fmt: skip
    return alone.get(name, name)


def _read_json(path: Path, what: str) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"{path.parent} holds no model: {what}, {path.name}, is missing")
    found = read_json(path)
    if not isinstance(found, dict):
        raise ValueError(f"{path} should hold a JSON object, and holds a {type(found).__name__}")
    return found


def _open_safetensors(path: Path) -> Any:
    if not path.is_file():
        raise FileNotFoundError(
            f"{path.parent} holds no weights: {path.name} is missing (only safetensors are read, nothing pickled)"
        )
    try:
        return safetensors.safe_open(path, framework="pt")
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} is not a whole safetensors file ({error})") from None


def open_weights(path: Path) -> _SafetensorsFolder | GGUFFile:
    """Open a folder with a `config.json` and safetensors, or a GGUF file."""
    if not path.exists():
        raise FileNotFoundError(f"there is no model at {path}: give a folder with safetensors, or a .gguf file")
    return _SafetensorsFolder(path) if path.is_dir() else GGUFFile(path)
