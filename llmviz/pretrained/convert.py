"""Real models in our own classes: configurations and tensor names of GPT-2, Llama and BERT, translated (lesson 10).

The names are those of the files on the Hugging Face hub: Radford et al. 2019 (GPT-2), Touvron et al. 2023 (Llama),
Devlin et al. 2019 (BERT).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import Tensor
from tqdm import tqdm

from llmviz.files import read_json
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly, EncoderOnly, TransformerBase
from llmviz.pretrained import registry
from llmviz.pretrained.architecture import RealConfig, RealEncoder
from llmviz.pretrained.tokenizer import PretrainedTokenizer, tokenizer_from_folder, tokenizer_from_gguf
from llmviz.training.checkpoints import own_tensors

_ROWS_AT_ONCE = 2048
_INDEX = "model.safetensors.index.json"
_MAX_CONTEXT = 2048  # tokens; the key–value cache takes memory for all
_ACTIVATIONS = {"gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh"}

# Of each family: how the names of a layer begin ("{}" is its number), and our module → theirs, those of a layer last.
# GPT-2 keeps query, key and value as one matrix: "[0]" is its first third.
_MODULES = {
    "gpt2": ("h.{}.", {
        "embedding": "wte", "position_embedding": "wpe", "final_norm": "ln_f", "unembedding": "lm_head",
        "attention_norm": "ln_1", "attention.query": "attn.c_attn[0]", "attention.key": "attn.c_attn[1]",
        "attention.value": "attn.c_attn[2]", "attention.output": "attn.c_proj", "feed_forward_norm": "ln_2",
        "feed_forward.up_proj": "mlp.c_fc", "feed_forward.down_proj": "mlp.c_proj",
    }),
    "llama": ("model.layers.{}.", {
        "embedding": "model.embed_tokens", "final_norm": "model.norm", "unembedding": "lm_head",
        "attention_norm": "input_layernorm", "attention.query": "self_attn.q_proj", "attention.key": "self_attn.k_proj",
        "attention.value": "self_attn.v_proj", "attention.output": "self_attn.o_proj",
        "feed_forward_norm": "post_attention_layernorm", "feed_forward.gate_proj": "mlp.gate_proj",
        "feed_forward.up_proj": "mlp.up_proj", "feed_forward.down_proj": "mlp.down_proj",
    }),
    "bert": ("encoder.layer.{}.", {
        "embedding": "embeddings.word_embeddings", "position_embedding": "embeddings.position_embeddings",
        "embedding_norm": "embeddings.LayerNorm", "unembedding": "cls.predictions",
        "unembedding.dense": "cls.predictions.transform.dense",
        "unembedding.norm": "cls.predictions.transform.LayerNorm",
        "attention_norm": "attention.output.LayerNorm", "attention.query": "attention.self.query",
        "attention.key": "attention.self.key", "attention.value": "attention.self.value",
        "attention.output": "attention.output.dense", "feed_forward_norm": "output.LayerNorm",
        "feed_forward.up_proj": "intermediate.dense", "feed_forward.down_proj": "output.dense",
    }),
}  # fmt: skip
_PREFIXES = {"gpt2": "transformer.", "llama": "", "bert": "bert."}  # with which names may begin
_OTHER_HEADS = ("pooler.dense", "cls.seq_relationship", "cls.predictions.decoder")
# Ends of names that our model does not need, such as masks kept as tensors.
_UNUSED = {
    "gpt2": (".attn.bias", ".attn.masked_bias", "lm_head.weight"),
    "llama": ("rotary_emb.inv_freq", "lm_head.weight"),
    "bert": ("position_ids", *(f"{head}.{kind}" for head in _OTHER_HEADS for kind in ("weight", "bias"))),
}
_OLD_NAMES = {"weight": "gamma", "bias": "beta"}  # of a normalization
_TOKEN_TYPES = "embeddings.token_type_embeddings.weight"


def _gpt2_config(card: Mapping[str, Any], _: object) -> ModelConfig:
    _require(card, scale_attn_weights=True, scale_attn_by_inverse_layer_idx=False)
    d_model = card["n_embd"]
    return ModelConfig(
        card["vocab_size"], min(card["n_positions"], _MAX_CONTEXT), d_model, card["n_layer"], card["n_head"],
        card.get("n_inner") or 4 * d_model, positions="learned", norm="pre", query_key_norm=False,
        normalization="layer", activation=_activation(card["activation_function"]), biases=True, embedding_norm=False,
        unembedding="tied" if card.get("tie_word_embeddings", True) else "untied",
        norm_epsilon=card.get("layer_norm_epsilon", 1e-5),
    )  # fmt: skip


def _llama_config(card: Mapping[str, Any], _: object) -> ModelConfig:
    d_model, n_heads = card["hidden_size"], card["num_attention_heads"]
    rope = card.get("rope_parameters") or (
        {"rope_theta": card.get("rope_theta", 10_000.0)} | (card.get("rope_scaling") or {})
    )
    _require(card, hidden_act="silu", attention_bias=False, mlp_bias=False, head_dim=d_model // n_heads)
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind != "default":
        raise ValueError(f"this model stretches its rotary positions ({kind!r}), which our block does not")
    return ModelConfig(
        card["vocab_size"], min(card["max_position_embeddings"], _MAX_CONTEXT), d_model, card["num_hidden_layers"],
        n_heads, card["intermediate_size"], positions="rotary", norm="pre", query_key_norm=False, normalization="rms",
        activation="swiglu", n_key_value_heads=card.get("num_key_value_heads") or n_heads, embedding_norm=False,
        unembedding="tied" if card.get("tie_word_embeddings", False) else "untied",
        rotary_base=rope["rope_theta"], norm_epsilon=card["rms_norm_eps"],
    )  # fmt: skip


def _bert_config(card: Mapping[str, Any], names) -> ModelConfig:
    _require(card, position_embedding_type="absolute", is_decoder=False)
    return ModelConfig(
        card["vocab_size"], min(card["max_position_embeddings"], _MAX_CONTEXT), card["hidden_size"],
        card["num_hidden_layers"], card["num_attention_heads"], card["intermediate_size"], positions="learned",
        norm="post", query_key_norm=False, normalization="layer", activation=_activation(card["hidden_act"]),
        biases=True, embedding_norm=True,
        unembedding="tied" if "cls.predictions.transform.dense.weight" in names else "none",
        norm_epsilon=card["layer_norm_eps"],
    )  # fmt: skip


_CONFIGS = {"gpt2": _gpt2_config, "llama": _llama_config, "bert": _bert_config}


def _activation(name: str) -> str:
    if name not in _ACTIVATIONS:
        raise ValueError(f"its activation is {name!r}; our block has {', '.join(map(repr, _ACTIVATIONS))}")
    return _ACTIVATIONS[name]


def _require(card: Mapping[str, Any], **usual: object) -> None:
    for name, value in usual.items():
        if card.get(name, value) not in (value, None):
            raise ValueError(f"this model says {name} = {card[name]!r}; our block knows only {value!r}")


@torch.no_grad()
def _load_weights(source: _SafetensorsFolder | _GGUFFile) -> TransformerBase:
    """Build the model that a source describes, and fill it, one tensor at a time: float32, without gradients.

    Raises ValueError for another family, and where the source holds a model that our block is not, with what it holds.
    """
    family = source.card.get("model_type")
    if family not in _MODULES:
        raise ValueError(
            f"a model of the family {family!r} cannot be read here; the families are {', '.join(map(repr, _MODULES))}"
        )
    try:
        config = _CONFIGS[family](source.card, source.names)
    except KeyError as error:
        raise ValueError(f"the configuration of this {family} model says nothing about {error.args[0]!r}") from None
    if family == "bert" and config.unembedding == "tied":
        model = RealEncoder(RealConfig(**asdict(config), masked_lm=True), seed=None)
    else:
        model = (EncoderOnly if family == "bert" else DecoderOnly)(config, seed=None)
    taken: set[str] = set()
    for ours, tensor in tqdm(own_tensors(model).items(), desc="Weights", unit=" tensors", leave=False, delay=1):
        theirs = _read(ours, family, source, taken)
        if theirs.shape != tensor.shape:
            raise ValueError(
                f"the tensor for {ours} has the shape {tuple(theirs.shape)}, and by its configuration the model needs "
                f"{tuple(tensor.shape)}"
            )
        tensor.copy_(theirs)
    left = [one for one in source.names if one not in taken and not one.endswith(_UNUSED[family])]
    if left:
        raise ValueError(
            f"this {family} model has {len(left)} tensors that our block has no place for, such as {min(left)}: "
            f"it is another architecture"
        )
    return model.requires_grad_(False)


def _read(ours: str, family: str, source: _SafetensorsFolder | _GGUFFile, taken: set[str]) -> Tensor:
    """The tensor of a source that becomes `ours`, in our layout."""
    module, _, kind = ours.rpartition(".")
    (layer_prefix, modules), prefix = _MODULES[family], _PREFIXES[family]
    if module.startswith("blocks."):
        _, layer, module = module.split(".", 2)
        theirs = layer_prefix.format(layer) + modules[module]
    else:
        theirs = modules[module]
    theirs, _, third = theirs.partition("[")
    candidates = [
        f"{start}{theirs}.{end}"
        for start, end in itertools.product((prefix, ""), (kind, _OLD_NAMES[kind], f"decoder.{kind}"))
    ]
    name = next((name for name in candidates if name in source.names), None)
    if name is None:
        raise ValueError(f"the tensor {candidates[0]} is missing; it should become {ours}")
    taken.add(name)
    tensor = source.read(name)
    if third:
        tensor = tensor.chunk(3, dim=-1)[int(third[0])]
    if kind == "weight" and theirs.rpartition(".")[2].startswith("c_"):  # GPT-2 keeps matrices as (in, out)
        tensor = tensor.T
    if ours == "position_embedding.weight":
        tensor = tensor[:_MAX_CONTEXT]
        for first in {prefix + _TOKEN_TYPES, _TOKEN_TYPES} & source.names:  # BERT: all tokens are of the first sentence
            taken.add(first)
            tensor = tensor + source.read(first)[0]
    return tensor


class _SafetensorsFolder:
    """A folder as the hub has it: `config.json` (`card`), and the weights in one safetensors file or in several."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.card = _read_json(self.folder / "config.json", "the model's configuration")
        if (self.folder / _INDEX).is_file():
            places = _read_json(self.folder / _INDEX, "the list of its weights' files").get("weight_map", {})
            if outside := [name for name in places.values() if Path(name).name != name]:
                raise ValueError(f"{self.folder / _INDEX} points out of its folder: {outside[0]!r}")
            files = {self.folder / name for name in places.values()}
        else:
            files = {self.folder / "model.safetensors"}
        self._file_of: dict[str, Any] = {}
        for path in sorted(files):
            if not path.is_file():
                raise FileNotFoundError(
                    f"{folder} holds no weights: {path.name} is missing (only safetensors are read, nothing pickled)"
                )
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
        except (ValueError, IndexError, KeyError, OSError, UnicodeDecodeError, OverflowError) as error:
            raise ValueError(f"{self.path} is not a whole GGUF file ({error})") from None
        self.fields = {name: field.contents() for name, field in reader.fields.items()}
        if (family := self.fields.get("general.architecture")) != "llama":
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


def _open_weights(path: Path) -> _SafetensorsFolder | _GGUFFile:
    """Open a folder with a `config.json` and safetensors, or a GGUF file."""
    if not path.exists():
        raise FileNotFoundError(f"there is no model at {path}: give a folder with safetensors, or a .gguf file")
    return _SafetensorsFolder(path) if path.is_dir() else _GGUFFile(path)


@dataclass(frozen=True)
class Pretrained:
    """A real model and its own tokenizer; family: "gpt2", "llama" or "bert".

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
    model = _load_weights(opened)
    is_gguf = isinstance(opened, _GGUFFile)
    tokenizer = tokenizer_from_gguf(opened.fields) if is_gguf else tokenizer_from_folder(path)
    if tokenizer.vocab_size > model.config.vocab_size:
        raise ValueError(
            f"{path} does not fit together: its model knows {model.config.vocab_size:,} tokens, its tokenizer "
            f"{tokenizer.vocab_size:,}"
        )
    return Pretrained(str(source), opened.card["model_type"], model, tokenizer)
