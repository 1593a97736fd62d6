"""Real models in our own classes: configurations and tensor names of GPT-2, Llama and BERT, translated (lesson 10).

The names are those of the files on the Hugging Face hub: Radford et al. 2019 (GPT-2), Touvron et al. 2023 (Llama),
Devlin et al. 2019 (BERT).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly, EncoderOnly, TransformerBase
from llmviz.pretrained import registry
from llmviz.pretrained.tokenizer import PretrainedTokenizer, tokenizer_from_folder, tokenizer_from_gguf
from llmviz.pretrained.weights import GGUFFile, _SafetensorsFolder, open_weights
from llmviz.training.checkpoints import own_tensors

_MAX_CONTEXT = 2048  # tokens; the key–value cache takes memory for all
_ACTIVATIONS = {"gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh"}

# Our module → theirs; "{}" is the layer. GPT-2 keeps query, key and value as one matrix: "[0]" is its first third.
_GPT2_MODULES = {
    "embedding": "wte", "position_embedding": "wpe", "final_norm": "ln_f", "unembedding": "lm_head",
    "blocks.{}.attention_norm": "h.{}.ln_1", "blocks.{}.feed_forward_norm": "h.{}.ln_2",
    "blocks.{}.attention.query": "h.{}.attn.c_attn[0]", "blocks.{}.attention.key": "h.{}.attn.c_attn[1]",
    "blocks.{}.attention.value": "h.{}.attn.c_attn[2]", "blocks.{}.attention.output": "h.{}.attn.c_proj",
    "blocks.{}.feed_forward.up_proj": "h.{}.mlp.c_fc", "blocks.{}.feed_forward.down_proj": "h.{}.mlp.c_proj",
}  # fmt: skip
_LLAMA_MODULES = {
    "embedding": "model.embed_tokens", "final_norm": "model.norm", "unembedding": "lm_head",
    "blocks.{}.attention_norm": "model.layers.{}.input_layernorm",
    "blocks.{}.feed_forward_norm": "model.layers.{}.post_attention_layernorm",
    "blocks.{}.attention.query": "model.layers.{}.self_attn.q_proj",
    "blocks.{}.attention.key": "model.layers.{}.self_attn.k_proj",
    "blocks.{}.attention.value": "model.layers.{}.self_attn.v_proj",
    "blocks.{}.attention.output": "model.layers.{}.self_attn.o_proj",
    "blocks.{}.feed_forward.gate_proj": "model.layers.{}.mlp.gate_proj",
    "blocks.{}.feed_forward.up_proj": "model.layers.{}.mlp.up_proj",
    "blocks.{}.feed_forward.down_proj": "model.layers.{}.mlp.down_proj",
}
_BERT_MODULES = {
    "embedding": "embeddings.word_embeddings", "position_embedding": "embeddings.position_embeddings",
    "embedding_norm": "embeddings.LayerNorm", "unembedding": "cls.predictions",
    "unembedding.dense": "cls.predictions.transform.dense", "unembedding.norm": "cls.predictions.transform.LayerNorm",
    "blocks.{}.attention_norm": "encoder.layer.{}.attention.output.LayerNorm",
    "blocks.{}.feed_forward_norm": "encoder.layer.{}.output.LayerNorm",
    "blocks.{}.attention.query": "encoder.layer.{}.attention.self.query",
    "blocks.{}.attention.key": "encoder.layer.{}.attention.self.key",
    "blocks.{}.attention.value": "encoder.layer.{}.attention.self.value",
    "blocks.{}.attention.output": "encoder.layer.{}.attention.output.dense",
    "blocks.{}.feed_forward.up_proj": "encoder.layer.{}.intermediate.dense",
    "blocks.{}.feed_forward.down_proj": "encoder.layer.{}.output.dense",
}  # fmt: skip
_OLD_NAMES = {"weight": "gamma", "bias": "beta"}  # of a normalization
_TOKEN_TYPES = "embeddings.token_type_embeddings.weight"


@dataclass(frozen=True)
class _Family:
    """How a family of models is read: its class here, its modules, what its names may begin with, and which ends of
    names our model does not need, such as masks kept as tensors."""

    model_class: type[TransformerBase]
    modules: Mapping[str, str]
    prefix: str
    unused: tuple[str, ...]


_OTHER_HEADS = ("pooler.dense", "cls.seq_relationship", "cls.predictions.decoder")
_FAMILIES = {
    "gpt2": _Family(
        DecoderOnly, _GPT2_MODULES, "transformer.", (".attn.bias", ".attn.masked_bias", "lm_head.weight")
    ),
    "llama": _Family(DecoderOnly, _LLAMA_MODULES, "", ("rotary_emb.inv_freq", "lm_head.weight")),
    "bert": _Family(
        EncoderOnly, _BERT_MODULES, "bert.",
        ("position_ids", *(f"{head}.{kind}" for head in _OTHER_HEADS for kind in ("weight", "bias"))),
    ),
}  # fmt: skip


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
        unembedding="masked_lm" if "cls.predictions.transform.dense.weight" in names else "none",
        norm_epsilon=card["layer_norm_eps"],
    )  # fmt: skip


_CONFIGS = {"gpt2": _gpt2_config, "llama": _llama_config, "bert": _bert_config}


def _activation(name: str) -> str:
    if name not in _ACTIVATIONS:
        raise ValueError(f"its activation is {name!r}; our block has {', '.join(map(repr, _ACTIVATIONS))}")
    return _ACTIVATIONS[name]


def _require(card: Mapping[str, Any], **usual: object) -> None:
    """Refuse what our block does not do."""
    for name, value in usual.items():
        if card.get(name, value) not in (value, None):
            raise ValueError(f"this model says {name} = {card[name]!r}; our block knows only {value!r}")


@torch.no_grad()
def load_weights(source: _SafetensorsFolder | GGUFFile) -> TransformerBase:
    """Build the model that a source describes (see `open_weights`), and fill it, one tensor at a time.

    Returns:
        a `DecoderOnly` or an `EncoderOnly`, float32, its weights without gradients; it sees at most 2,048 tokens.

    Raises ValueError for another family, and where the source holds a model that our block is not, with what it holds.
    """
    name = source.card.get("model_type")
    if name not in _FAMILIES:
        raise ValueError(
            f"a model of the family {name!r} cannot be read here; the families are {', '.join(map(repr, _FAMILIES))}"
        )
    family = _FAMILIES[name]
    try:
        config = _CONFIGS[name](source.card, source.names)
    except KeyError as error:
        raise ValueError(f"the configuration of this {name} model says nothing about {error.args[0]!r}") from None
    model = family.model_class(config, seed=None)
    taken: set[str] = set()
    for ours, tensor in own_tensors(model).items():
        theirs = _read(ours, family, source, taken)
        if theirs.shape != tensor.shape:
            raise ValueError(
                f"the tensor for {ours} has the shape {tuple(theirs.shape)}, and by its configuration the model needs "
                f"{tuple(tensor.shape)}"
            )
        tensor.copy_(theirs)
    left = [one for one in source.names if one not in taken and not one.endswith(family.unused)]
    if left:
        raise ValueError(
            f"this {name} model has {len(left)} tensors that our block has no place for, such as {min(left)}: "
            f"it is another architecture"
        )
    model.requires_grad_(False)
    return model


def _read(ours: str, family: _Family, source: _SafetensorsFolder | GGUFFile, taken: set[str]) -> Tensor:
    """The tensor of a source that becomes `ours`, in our layout."""
    module, _, kind = ours.rpartition(".")
    parts = module.split(".")
    layer = parts[1] if parts[0] == "blocks" else ""
    if layer:
        parts[1] = "{}"
    theirs, _, third = family.modules[".".join(parts)].format(layer).partition("[")
    candidates = [
        f"{prefix}{theirs}.{one}"
        for prefix, one in itertools.product((family.prefix, ""), (kind, _OLD_NAMES[kind], f"decoder.{kind}"))
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
        for first in (family.prefix + _TOKEN_TYPES, _TOKEN_TYPES):  # of BERT: here all tokens are of the first sentence
            if first in source.names and first not in taken:
                taken.add(first)
                tensor = tensor + source.read(first)[0]
    return tensor


@dataclass(frozen=True)
class Pretrained:
    """A real model.

    Attributes:
        name: what it was asked for by.
        family: "gpt2", "llama" or "bert".
        model: a `DecoderOnly` or an `EncoderOnly`, float32; its weights take no gradients until you ask for them.
        tokenizer: its own.
    """

    name: str
    family: str
    model: TransformerBase
    tokenizer: PretrainedTokenizer


def load(source: str | Path) -> Pretrained:
    """Open a real model.

    Args:
        source: a name that `llmviz models` lists ("smollm2", "minilm"); a folder with `config.json`, safetensors
            and the tokenizer's files; a GGUF file; or "hub:owner/name@revision".

    Raises FileNotFoundError where it is not here, with what to do; ValueError for what our block cannot be.
    """
    path = registry.find(source)
    opened = open_weights(path)
    model = load_weights(opened)
    is_gguf = isinstance(opened, GGUFFile)
    tokenizer = tokenizer_from_gguf(opened.fields) if is_gguf else tokenizer_from_folder(path)
    if tokenizer.vocab_size > model.config.vocab_size:
        raise ValueError(
            f"{path} does not fit together: its model knows {model.config.vocab_size:,} tokens, its tokenizer "
            f"{tokenizer.vocab_size:,}"
        )
    return Pretrained(str(source), opened.card["model_type"], model, tokenizer)
