"""The families of real models as data: what their `config.json` says, and how their tensors are called (lesson 10).

The names are those of the files on the Hugging Face hub. A field that is not known here is refused: it may change every
number.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from llmviz.model.config import ModelConfig
from llmviz.pretrained.architecture import LayerOptions, RealConfig, RopeScaling

MAX_CONTEXT = 2048  # tokens; the key–value cache takes memory for all
_ACTIVATIONS = {"gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh"}
_DATA = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_HARMLESS, GGUF, _BIASES, _ROPES = (_DATA.pop(name) for name in ("harmless", "gguf", "biases", "ropes"))


@dataclass(frozen=True)
class Family:
    """A family of models, as `families.toml` describes it.

    Attributes:
        prefix, layer: with which the names of the base model's tensors begin (perhaps), then those of a layer ("{}").
        head: their name of the output matrix. unused: ends of names that our model does not need.
        sizes: our field of `ModelConfig` or `RealConfig` → theirs in `config.json`.
        choices: our fields that are the same in all its models.
        tensors: our module → theirs.
        required: fields of `config.json` of which our blocks know one value only.
        defaults: fields of `config.json` that may be missing, and what that means. optional: fields that may be null.
        biases: fields of `config.json` that say which linear layers have a bias.
        local_layers: which layers have a sliding window, where `layer_types` does not say it.
        is_encoder: whether it reads in both directions. norm_offset: what is added to the weights of normalizations.
        activation: the field of `config.json` with the activation of the MLP. masked_lm: that of the masked-LM head;
            "": the same. first_position: "after padding" (RoBERTa) or that of the file.
    """

    prefix: str
    layer: str
    head: str
    sizes: Mapping[str, str]
    choices: Mapping[str, Any]
    tensors: Mapping[str, str]
    required: Mapping[str, Any]
    defaults: Mapping[str, Any]
    unused: list[str]
    optional: list[str] = field(default_factory=list)
    biases: list[str] = field(default_factory=list)
    local_layers: str = ""
    is_encoder: bool = False
    norm_offset: float = 0.0
    activation: str = ""
    masked_lm: str = ""
    first_position: str = ""

    def reading(self, card: Mapping[str, Any]) -> dict[str, Any]:
        """A `config.json` with what its missing fields mean."""
        return dict.fromkeys([*self.optional, *self.biases]) | self.defaults | card

    def n_reserved_positions(self, card: Mapping[str, Any]) -> int:
        """Position vectors at the beginning that no text uses."""
        return self.reading(card)["pad_token_id"] + 1 if self.first_position == "after padding" else 0


def _families() -> dict[str, Family]:
    whole: dict[str, dict[str, Any]] = {}
    for name, own in _DATA.items():
        parent = whole.get(own.pop("like", ""), {})
        merged = {key: parent[key] | value for key, value in own.items() if isinstance(value, dict) and key in parent}
        merged["optional"] = [*parent.get("optional", []), *own.get("optional", [])]
        whole[name] = parent | own | merged
    bases = ("every", "decoder", "encoder")
    return {name: Family(**values) for name, values in whole.items() if name not in bases}


FAMILIES = _families()


def family_of(card: Mapping[str, Any]) -> Family:
    """The family that a `config.json` names; raises ValueError for others, and for fields that are not understood."""
    name = card.get("model_type")
    if name not in FAMILIES:
        raise ValueError(f"the family {name!r} cannot be read here; the families are {', '.join(map(repr, FAMILIES))}")
    family = FAMILIES[name]
    known = {*_HARMLESS.split(), *family.reading({}), *family.sizes.values()}
    for key, value in card.items():
        usual = family.required.get(key, value if key in known else None)
        if value not in (usual, None):
            only = f"our block knows only {usual!r}" if key in family.required else "it is not known here"
            raise ValueError(f"this {name} model says {key} = {value!r:.60}, which may change its numbers: {only}")
    return family


def read_config(
    card: Mapping[str, Any], *, unembedding: str, n_tokens: int | None = None, missing_tokens: Collection[int] = ()
) -> ModelConfig:
    """The configuration of the model that a `config.json` describes: a `RealConfig` where it has options of its own.

    Args:
        unembedding: as in `ModelConfig`; "none" for an encoder without a masked-LM head.
        n_tokens: how many rows of the embedding matrix have a token; None: all. missing_tokens: those that have none.

    Raises ValueError with the field that is missing or not understood.
    """
    family, name = family_of(card), card["model_type"]
    said = family.reading(card)
    try:
        values = {**family.choices, **{ours: said[theirs] for ours, theirs in family.sizes.items()}}
        values |= {"unembedding": unembedding, "missing_tokens": tuple(missing_tokens)}
        values["context_length"] = min(values["context_length"] - family.n_reserved_positions(card), MAX_CONTEXT)
        values["vocab_size"] = min(values["vocab_size"], n_tokens or values["vocab_size"])
        values["d_ff"] = values["d_ff"] or 4 * values["d_model"]
        if family.activation:
            if (given := said[family.activation]) not in _ACTIVATIONS:
                raise ValueError(f"its activation is {given!r}; our block has {', '.join(map(repr, _ACTIVATIONS))}")
            values["activation"] = _ACTIVATIONS[given]
        if family.is_encoder:
            values["masked_lm"] = "" if unembedding == "none" else family.masked_lm or values["activation"]
        else:
            values |= _decoder_options(said, family)
        return _without_options(RealConfig(**values))
    except KeyError as error:
        raise ValueError(f"the configuration of this {name} model says nothing about {error.args[0]!r}") from None
    except (TypeError, AttributeError, IndexError, ZeroDivisionError) as error:
        raise ValueError(f"the configuration of this {name} model is damaged ({error})") from None


def _decoder_options(card: Mapping[str, Any], family: Family) -> dict[str, Any]:
    """The fields of a decoder that more than one field of its `config.json` decides."""
    if family.choices["positions"] != "rotary":
        return {"layers": (LayerOptions(None, None),) * card[family.sizes["n_layers"]]}
    d_model, d_head = card["hidden_size"], card["head_dim"] or card["hidden_size"] // card["num_attention_heads"]
    options: dict[str, Any] = {"layers": _layers(card, family), "head_width": d_head}
    by_field = [name for key in family.biases if card[key] for name in _BIASES[key]]
    options["biased"] = (*family.choices.get("biased", ()), *by_field)
    if family.norm_offset:  # Gemma
        options["embedding_scale"] = d_model**0.5
        options["query_scale"] = (d_head / card["query_pre_attn_scalar"]) ** 0.5
    return options


def _layers(card: Mapping[str, Any], family: Family) -> tuple[LayerOptions, ...]:
    n_layers = card["num_hidden_layers"]
    window = card.get("sliding_window") if card.get("use_sliding_window", True) else None
    interval = card.get("no_rope_layer_interval") or n_layers + 1
    has_rope = card.get("no_rope_layers") or [(layer + 1) % interval != 0 for layer in range(n_layers)]
    is_local = {
        "": lambda layer: False,
        "all": lambda layer: True,
        "from max_window_layers": lambda layer: layer >= card["max_window_layers"],
        "but each sliding_window_pattern": lambda layer: (layer + 1) % card["sliding_window_pattern"] != 0,
        "without positions": lambda layer: not has_rope[layer],
    }[family.local_layers]
    kinds = card.get("layer_types") or [
        "sliding_attention" if window and is_local(layer) else "full_attention" for layer in range(n_layers)
    ]
    if len(kinds) != n_layers or len(has_rope) < n_layers or not {*kinds} <= {"full_attention", "sliding_attention"}:
        raise ValueError(f"its layer_types are {kinds!r:.80}; our block knows full_attention and sliding_attention")
    if "sliding_attention" in kinds and not window:
        raise ValueError("its layer_types say sliding_attention, but it has no sliding_window")
    ropes = {kind: _rope(card, kind) for kind in kinds}
    return tuple(
        LayerOptions(window if kind == "sliding_attention" else None, ropes[kind] if has else None)
        for kind, has in zip(kinds, has_rope, strict=False)
    )


def _rope(card: Mapping[str, Any], kind: str) -> RopeScaling:
    """The rotary positions of the layers of a kind, from the new fields or the old ones."""
    said, old, base = card["rope_parameters"] or {}, card["rope_scaling"] or {}, card["rope_theta"]
    if "rope_local_base_freq" not in card:
        said = dict(old or said)
    elif kind == "full_attention":
        said = {**(said.get(kind) or {}), **old}
    else:
        said, base = dict(said.get(kind) or {}), card["rope_local_base_freq"]
    base = said.pop("rope_theta", None) or base
    scaling = said.pop("rope_type", said.pop("type", "default"))
    said = {key: value for key, value in said.items() if key != "type" and (key, value) != ("partial_rotary_factor", 1)}
    if scaling not in _ROPES or said.keys() - {*_ROPES[scaling]}:
        raise ValueError(f"it stretches its rotary positions in a way that our block cannot: {scaling!r} {said!r:.90}")
    if scaling == "default":
        return RopeScaling(float(base))
    if scaling == "linear":
        return RopeScaling(float(base), float(said["factor"]))
    context = said.get("original_max_position_embeddings") or card["max_position_embeddings"]
    return RopeScaling(float(base), said["factor"], context, said["low_freq_factor"], said["high_freq_factor"])


def _without_options(real: RealConfig) -> ModelConfig:
    """The core's configuration, if the model has no options of its own."""
    if real.head_width == real.d_model // real.n_heads:
        real = replace(real, head_width=None)
    rope = real.layers[0].rope if real.layers else None
    base = real.rotary_base if rope is None else rope.base
    core = {one.name: getattr(real, one.name) for one in fields(ModelConfig)} | {"rotary_base": base}
    is_rotary = real.positions == "rotary"
    is_plain = {*real.layers} <= {LayerOptions(None, RopeScaling(base) if is_rotary else None)}
    if is_plain and replace(real, layers=(), rotary_base=base) == RealConfig(**core):
        return ModelConfig(**core)
    return real
