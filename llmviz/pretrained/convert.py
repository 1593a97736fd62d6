"""Three families of real models, told in the words of our own `ModelConfig`: GPT-2, Llama and BERT (lesson 10).

A family is two translations: of its configuration into ours, and of its names of tensors into ours. The names are
those of the files on the hubs: Radford et al. 2019 (GPT-2), Touvron et al. 2023 (Llama), Devlin et al. 2019 (BERT).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly, EncoderOnly, TransformerBase
from llmviz.pretrained import hub
from llmviz.pretrained.bert_tokenizer import BertTokenizer
from llmviz.pretrained.registry import KNOWN, installed
from llmviz.pretrained.tokenizer import TiktokenTokenizer, from_folder, from_gguf_fields
from llmviz.pretrained.weights import GGUFFile, SafetensorsFolder, Source
from llmviz.training.checkpoints import own_tensors

MOST_CONTEXT = 2048
"""How many tokens a loaded model sees at most, if nobody asks for more: the cache of keys takes memory for all."""

_ACTIVATIONS = {"gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh"}


@dataclass(frozen=True)
class TensorMapping:
    """Where one tensor of ours comes from.

    Attributes:
        ours: its name in our model.
        theirs: its name in the file; where files differ, all the names it may have.
        third: which third of its columns is taken, 0, 1 or 2; None: all. GPT-2 keeps queries, keys and values as one.
        turned: whether the file keeps the matrix as (in, out); ours are (out, in).
        n_rows: how many first rows are taken; None: all.
        plus_first_row_of: a table whose first row is added to each row.
    """

    ours: str
    theirs: tuple[str, ...]
    third: int | None = None
    turned: bool = False
    n_rows: int | None = None
    plus_first_row_of: str | None = None


@dataclass(frozen=True)
class ConversionPlan:
    """How a model of a file becomes one of ours.

    Attributes:
        family: "gpt2", "llama" or "bert".
        assembly: what it is: `DecoderOnly` or `EncoderOnly`.
        config: the sizes and choices.
        tensors: where every tensor of ours comes from.
        unused: ends of names of tensors that our model does not need, such as masks kept as tensors.
    """

    family: str
    assembly: type[TransformerBase]
    config: ModelConfig
    tensors: tuple[TensorMapping, ...]
    unused: tuple[str, ...]


def conversion_plan(
    card: Mapping[str, Any], names: Collection[str], context_length: int | None = None
) -> ConversionPlan:
    """Read a model's configuration, as its `config.json` has it, and say how its tensors become ours.

    Args:
        card: the configuration; its "model_type" is "gpt2", "llama" or "bert".
        names: of the tensors that are there.
        context_length: how many tokens the model is to see; None: as many as it can, but at most 2,048.

    Raises ValueError for another family, and for a choice that our block does not have; the sentence names it.
    """
    family = card.get("model_type")
    if family not in _PLANS:
        raise ValueError(
            f"a model of the family {family!r} cannot be read here; the families are {', '.join(map(repr, _PLANS))}"
        )
    try:
        return _PLANS[family](card, names, context_length)
    except KeyError as error:
        raise ValueError(f"the configuration of this {family} model says nothing about {error.args[0]!r}") from None


def _gpt2(card: Mapping[str, Any], names: Collection[str], wanted: int | None) -> ConversionPlan:
    for name, usual in {"scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False}.items():
        _demand(card, name, usual)
    d_model = card["n_embd"]
    config = ModelConfig(
        vocab_size=card["vocab_size"],
        context_length=_context_length(card["n_positions"], wanted),
        d_model=d_model, n_layers=card["n_layer"], n_heads=card["n_head"], d_ff=card.get("n_inner") or 4 * d_model,
        positions="learned", norm="pre", query_key_norm=False, normalization="layer",
        activation=_activation(card["activation_function"]), biases=True, embedding_norm=False,
        unembedding="tied" if card.get("tie_word_embeddings", True) else "untied",
        norm_epsilon=card.get("layer_norm_epsilon", 1e-5),
    )  # fmt: skip
    start = "transformer." if any(name.startswith("transformer.") for name in names) else ""
    tensors = [
        TensorMapping("embedding.weight", (f"{start}wte.weight",)),
        TensorMapping("position_embedding.weight", (f"{start}wpe.weight",), n_rows=config.context_length),
        *_norm("final_norm", f"{start}ln_f"),
        *_own_table(config, "lm_head.weight"),
    ]
    for layer in range(config.n_layers):
        ours, theirs = f"blocks.{layer}", f"{start}h.{layer}"
        tensors += [*_norm(f"{ours}.attention_norm", f"{theirs}.ln_1")]
        tensors += [*_norm(f"{ours}.feed_forward_norm", f"{theirs}.ln_2")]
        for name, their_name, third in (
            ("attention.query", "attn.c_attn", 0), ("attention.key", "attn.c_attn", 1),
            ("attention.value", "attn.c_attn", 2), ("attention.output", "attn.c_proj", None),
            ("feed_forward.up_proj", "mlp.c_fc", None), ("feed_forward.down_proj", "mlp.c_proj", None),
        ):  # fmt: skip
            weight, bias = (f"{theirs}.{their_name}.{kind}" for kind in ("weight", "bias"))
            tensors.append(TensorMapping(f"{ours}.{name}.weight", (weight,), third=third, turned=True))
            tensors.append(TensorMapping(f"{ours}.{name}.bias", (bias,), third=third))
    return ConversionPlan(
        "gpt2", DecoderOnly, config, tuple(tensors), (".attn.bias", ".attn.masked_bias", "lm_head.weight")
    )


def _llama(card: Mapping[str, Any], names: Collection[str], wanted: int | None) -> ConversionPlan:
    d_model, n_heads = card["hidden_size"], card["num_attention_heads"]
    rope = card.get("rope_parameters") or {"rope_theta": card.get("rope_theta", 10_000.0)} | (
        card.get("rope_scaling") or {}
    )
    for name, usual in {"hidden_act": "silu", "attention_bias": False, "mlp_bias": False}.items():
        _demand(card, name, usual)
    _demand(card, "head_dim", d_model // n_heads)
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind != "default":
        raise ValueError(f"this model stretches its rotary positions ({kind!r}), which our block does not")
    config = ModelConfig(
        vocab_size=card["vocab_size"],
        context_length=_context_length(card["max_position_embeddings"], wanted),
        d_model=d_model, n_layers=card["num_hidden_layers"], n_heads=n_heads, d_ff=card["intermediate_size"],
        positions="rotary", norm="pre", query_key_norm=False, normalization="rms", activation="swiglu",
        n_key_value_heads=card.get("num_key_value_heads") or n_heads, embedding_norm=False,
        unembedding="tied" if card.get("tie_word_embeddings", False) else "untied",
        rotary_base=rope["rope_theta"], norm_epsilon=card["rms_norm_eps"],
    )  # fmt: skip
    tensors = [
        TensorMapping("embedding.weight", ("model.embed_tokens.weight",)),
        TensorMapping("final_norm.weight", ("model.norm.weight",)),
        *_own_table(config, "lm_head.weight"),
    ]
    for layer in range(config.n_layers):
        for name, their_name in {
            "attention_norm.weight": "input_layernorm", "feed_forward_norm.weight": "post_attention_layernorm",
            "attention.query.weight": "self_attn.q_proj", "attention.key.weight": "self_attn.k_proj",
            "attention.value.weight": "self_attn.v_proj", "attention.output.weight": "self_attn.o_proj",
            "feed_forward.gate_proj.weight": "mlp.gate_proj", "feed_forward.up_proj.weight": "mlp.up_proj",
            "feed_forward.down_proj.weight": "mlp.down_proj",
        }.items():  # fmt: skip
            tensors.append(TensorMapping(f"blocks.{layer}.{name}", (f"model.layers.{layer}.{their_name}.weight",)))
    return ConversionPlan("llama", DecoderOnly, config, tuple(tensors), ("rotary_emb.inv_freq", "lm_head.weight"))


def _bert(card: Mapping[str, Any], names: Collection[str], wanted: int | None) -> ConversionPlan:
    _demand(card, "position_embedding_type", "absolute")
    _demand(card, "is_decoder", False)
    has_head = "cls.predictions.transform.dense.weight" in names
    config = ModelConfig(
        vocab_size=card["vocab_size"],
        context_length=_context_length(card["max_position_embeddings"], wanted),
        d_model=card["hidden_size"], n_layers=card["num_hidden_layers"], n_heads=card["num_attention_heads"],
        d_ff=card["intermediate_size"],
        positions="learned", norm="post", query_key_norm=False, normalization="layer",
        activation=_activation(card["hidden_act"]), biases=True, embedding_norm=True,
        unembedding="masked_lm" if has_head else "none", norm_epsilon=card["layer_norm_eps"],
    )  # fmt: skip
    start = "bert." if any(name.startswith("bert.") for name in names) else ""
    table = f"{start}embeddings"
    tensors = [
        TensorMapping("embedding.weight", (f"{table}.word_embeddings.weight",)),
        # Each position's vector, and that of "the first of two sentences": here there is only one.
        TensorMapping(
            "position_embedding.weight",
            (f"{table}.position_embeddings.weight",),
            n_rows=config.context_length,
            plus_first_row_of=f"{table}.token_type_embeddings.weight",
        ),
        *_norm("embedding_norm", f"{table}.LayerNorm"),
    ]
    for layer in range(config.n_layers):
        tensors += _bert_block(f"blocks.{layer}", f"{start}encoder.layer.{layer}")
    if has_head:
        tensors += _matrix("unembedding.dense", "cls.predictions.transform.dense")
        tensors += [*_norm("unembedding.norm", "cls.predictions.transform.LayerNorm")]
        tensors.append(TensorMapping("unembedding.bias", ("cls.predictions.bias", "cls.predictions.decoder.bias")))
    other_heads = ("pooler.dense", "cls.seq_relationship", "cls.predictions.decoder")
    unused = ("position_ids", *(f"{head}.{kind}" for head in other_heads for kind in ("weight", "bias")))
    return ConversionPlan("bert", EncoderOnly, config, tuple(tensors), unused)


def _bert_block(ours: str, theirs: str) -> Iterator[TensorMapping]:
    yield from _norm(f"{ours}.attention_norm", f"{theirs}.attention.output.LayerNorm")
    yield from _norm(f"{ours}.feed_forward_norm", f"{theirs}.output.LayerNorm")
    for name, their_name in {
        "attention.query": "attention.self.query", "attention.key": "attention.self.key",
        "attention.value": "attention.self.value", "attention.output": "attention.output.dense",
        "feed_forward.up_proj": "intermediate.dense", "feed_forward.down_proj": "output.dense",
    }.items():  # fmt: skip
        yield from _matrix(f"{ours}.{name}", f"{theirs}.{their_name}")


_PLANS = {"gpt2": _gpt2, "llama": _llama, "bert": _bert}


def _context_length(can: int, wanted: int | None) -> int:
    if wanted is None:
        return min(can, MOST_CONTEXT)
    if not 1 <= wanted <= can:
        raise ValueError(f"this model can see from 1 to {can:,} tokens at once; context_length is {wanted:,}")
    return wanted


def _activation(name: str) -> str:
    if name not in _ACTIVATIONS:
        raise ValueError(f"its activation is {name!r}; our block has {', '.join(map(repr, _ACTIVATIONS))}")
    return _ACTIVATIONS[name]


def _demand(card: Mapping[str, Any], name: str, usual: object) -> None:
    """Refuse what our block does not do."""
    if card.get(name, usual) not in (usual, None):
        raise ValueError(f"this model says {name} = {card[name]!r}; our block knows only {usual!r}")


def _matrix(ours: str, theirs: str) -> Iterator[TensorMapping]:
    yield TensorMapping(f"{ours}.weight", (f"{theirs}.weight",))
    yield TensorMapping(f"{ours}.bias", (f"{theirs}.bias",))


def _norm(ours: str, theirs: str) -> Iterator[TensorMapping]:
    """A normalization; old files call its weight gamma and its bias beta."""
    yield TensorMapping(f"{ours}.weight", (f"{theirs}.weight", f"{theirs}.gamma"))
    yield TensorMapping(f"{ours}.bias", (f"{theirs}.bias", f"{theirs}.beta"))


def _own_table(config: ModelConfig, theirs: str) -> Iterator[TensorMapping]:
    if config.unembedding == "untied":
        yield TensorMapping("unembedding.weight", (theirs,))


def open_source(path: str | Path) -> Source:
    """Open a folder with a `config.json` and safetensors, or a GGUF file."""
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"there is no model at {path}: give a folder with safetensors, or a .gguf file")
    return SafetensorsFolder(path) if path.is_dir() else GGUFFile(path)


@torch.no_grad()
def load_weights(
    source: Source, *, context_length: int | None = None, device: str | torch.device = "cpu"
) -> tuple[TransformerBase, ConversionPlan]:
    """Build the model that a source describes, and fill it, one tensor at a time.

    Args:
        source: see `open_source`.
        context_length: how many tokens the model is to see; None: as many as it can, at most 2,048.
        device: where the model is to stand.

    Returns:
        a `DecoderOnly` or an `EncoderOnly`, float32, ready to run; and the plan by which it was made.

    Raises ValueError where the source holds a model that our block is not, with what it holds.
    """
    made = conversion_plan(source.card, source.names, context_length)
    model = made.assembly(made.config, seed=None)
    own, taken = own_tensors(model), set()
    for origin in made.tensors:
        _fill(own[origin.ours], origin, source, taken)
    if missing := own.keys() - {origin.ours for origin in made.tensors}:
        raise ValueError(f"the file of this {made.family} model does not say what {min(missing)} is")
    left = [name for name in source.names if name not in taken and not name.endswith(made.unused)]
    if left:
        raise ValueError(
            f"this {made.family} model has {len(left)} tensors that our block has no place for, such as {min(left)}: "
            f"it is another architecture"
        )
    model.requires_grad_(False)
    return model.to(device), made


def _fill(ours: Tensor, origin: TensorMapping, source: Source, taken: set[str]) -> None:
    name = next((name for name in origin.theirs if name in source.names), None)
    if name is None:
        raise ValueError(f"the tensor {origin.theirs[0]} is missing; it should become {origin.ours}")
    taken.add(name)
    theirs = source.read(name)
    if origin.n_rows is not None:
        theirs = theirs[: origin.n_rows]
    if origin.plus_first_row_of is not None:
        taken.add(origin.plus_first_row_of)
        theirs = theirs + source.read(origin.plus_first_row_of)[0]
    if origin.third is not None:
        theirs = theirs.chunk(3, dim=-1)[origin.third]
    if origin.turned:
        theirs = theirs.T
    if theirs.shape != ours.shape:
        raise ValueError(
            f"the tensor {name} has the shape {tuple(theirs.shape)}, and by its configuration the model needs "
            f"{tuple(ours.shape)}"
        )
    ours.copy_(theirs)


@dataclass(frozen=True)
class Pretrained:
    """A real model, ready to look into.

    Attributes:
        name: what it was asked for by.
        family: "gpt2", "llama" or "bert".
        model: a `DecoderOnly` or an `EncoderOnly`, float32; its weights take no gradients until you ask for them.
        tokenizer: its own, with `encode`, `decode`, `tokens`, `vocab_size` and `end_of_text`.
    """

    name: str
    family: str
    model: TransformerBase
    tokenizer: TiktokenTokenizer | BertTokenizer


def load(
    source: str | Path, *, context_length: int | None = None, device: str | torch.device = "cpu"
) -> Pretrained:
    """Open a real model.

    Args:
        source: a name that `llmviz models` lists ("smollm2", "minilm"); a folder with `config.json`, safetensors
            and the tokenizer's files; a GGUF file; or "hub:owner/name@revision".
        context_length: how many tokens it is to see; None: as many as it can, but at most 2,048.
        device: where it is to stand.

    Raises FileNotFoundError where it is not here, with what to do; ValueError for what our block cannot be.
    """
    path = _find(source)
    opened = open_source(path)
    model, made = load_weights(opened, context_length=context_length, device=device)
    is_gguf = isinstance(opened, GGUFFile)
    tokenizer = from_gguf_fields(opened.fields) if is_gguf else from_folder(path)
    if tokenizer.vocab_size > made.config.vocab_size:
        raise ValueError(
            f"{path} does not fit together: its model knows {made.config.vocab_size:,} tokens, its tokenizer "
            f"{tokenizer.vocab_size:,}"
        )
    return Pretrained(str(source), made.family, model, tokenizer)


def _find(source: str | Path) -> Path:
    """The folder or the file of what was asked for."""
    if str(source).startswith(hub.START):
        return hub.fetch(str(source))
    if source in KNOWN:
        here = installed(str(source))
        if here is None:
            raise FileNotFoundError(
                f"{source} is not on this machine: llmviz models add {source} brings it "
                f"({KNOWN[str(source)].megabytes} MB), and needs a network once"
            )
        return here
    path = Path(source).expanduser()
    if not path.exists():
        raise FileNotFoundError(
            f"there is no model {str(source)!r}: it is neither a folder or file here, nor one of "
            f"{', '.join(map(repr, KNOWN))} that llmviz models lists, nor an address such as {hub.EXAMPLE}"
        )
    return path
