"""The families of real models as data: what their `config.json` says, and how their tensors are called (lesson 10).

The names are those of the files on the Hugging Face hub. A field that is not known here is refused: it may change every
number.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from llmviz.model.config import ModelConfig
from llmviz.pretrained.architecture import LayerOptions, RealConfig, RopeScaling

MAX_CONTEXT = 2048  # tokens; the key–value cache takes memory for all

# Fields that change no number of a forward pass.
_HARMLESS = """
    model_type architectures transformers_version _name_or_path name_or_path torch_dtype dtype use_cache
    initializer_range attention_dropout hidden_dropout_prob attention_probs_dropout_prob resid_pdrop embd_pdrop
    attn_pdrop dropout qa_dropout seq_classif_dropout classifier_dropout hidden_dropout summary_type summary_use_proj
    summary_activation summary_proj_to_labels summary_first_dropout bos_token_id eos_token_id pad_token_id sep_token_id
    cls_token_id mask_token_id unk_token_id decoder_start_token_id id2label label2id num_labels problem_type
    output_hidden_states output_attentions return_dict use_return_dict finetuning_task task_specific_params
    gradient_checkpointing pretraining_tp chunk_size_feed_forward n_ctx reorder_and_upcast_attn type_vocab_size prefix
    tokenizer_class attn_implementation _attn_implementation _attn_implementation_autoset cache_implementation
    is_llama_config transformers.js_config unsloth_fixed unsloth_version torchscript tie_encoder_decoder
    cross_attention_hidden_size _commit_hash max_length min_length do_sample early_stopping num_beams
    num_beam_groups diversity_penalty temperature top_k top_p typical_p repetition_penalty length_penalty
    no_repeat_ngram_size encoder_no_repeat_ngram_size bad_words_ids num_return_sequences output_scores
    return_dict_in_generate forced_bos_token_id forced_eos_token_id remove_invalid_values suppress_tokens
    exponential_decay_length_penalty begin_suppress_tokens sinusoidal_pos_embds _sliding_window_pattern
"""
# Fields that every family may carry, and the one value that our blocks know.
_USUAL = {"is_encoder_decoder": False, "add_cross_attention": False, "pruned_heads": {}, "partial_rotary_factor": 1.0}
_ACTIVATIONS = {"gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh"}
# Kinds of rotary positions, and the fields that belong to them.
_ROPE_FIELDS: dict[str, set[str]] = {
    "default": set(), "linear": {"factor"},
    "llama3": {"factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"},
}  # fmt: skip


@dataclass(frozen=True)
class Family:
    """A family of models.

    Attributes:
        sizes: our field of `ModelConfig` or `RealConfig` → theirs in `config.json`.
        choices: our fields that are the same in all its models.
        defaults: fields of `config.json` that may be missing, and what that means.
        required: fields of `config.json` of which our blocks know one value only.
        tensors: our module → theirs; "a|b": a, else b. Those of a layer follow after `layer` ("{}": its number).
        prefix: with which the names of the base model may begin.
        head: their name of the output matrix. unused: ends of names that our model does not need.
        biases: a field of `config.json` → the linear layers that have a bias if it is true.
        is_local: of a card and a layer, whether that layer has a sliding window.
        is_encoder: whether it reads in both directions. norm_offset: what is added to the weights of normalizations.
        activation: the field of `config.json` that names the activation of the MLP, and of the masked-LM head unless
            `masked_lm` does. reserved_positions: of a card, positions that no text uses.
    """

    sizes: Mapping[str, str]
    choices: Mapping[str, Any]
    tensors: Mapping[str, str]
    layer: str
    prefix: str
    head: str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    required: Mapping[str, Any] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    biases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_local: Callable[[Mapping[str, Any], int], bool] | None = None
    is_encoder: bool = False
    norm_offset: float = 0.0
    activation: str = ""
    masked_lm: str = ""
    reserved_positions: Callable[[Mapping[str, Any]], int] = lambda card: 0


_QUERY_KEY_VALUE = ("attention.query", "attention.key", "attention.value")
_ATTENTION = (*_QUERY_KEY_VALUE, "attention.output")
_MLP = ("feed_forward.gate_proj", "feed_forward.up_proj", "feed_forward.down_proj")
_SIZES = {
    "vocab_size": "vocab_size", "context_length": "max_position_embeddings", "d_model": "hidden_size",
    "n_layers": "num_hidden_layers", "n_heads": "num_attention_heads", "d_ff": "intermediate_size",
}  # fmt: skip
_DECODER_SIZES = _SIZES | {
    "n_key_value_heads": "num_key_value_heads", "norm_epsilon": "rms_norm_eps", "head_width": "head_dim",
}  # fmt: skip
_DECODER = {"positions": "rotary", "norm": "pre", "query_key_norm": False, "normalization": "rms",
            "activation": "swiglu", "embedding_norm": False}  # fmt: skip
_TENSORS = {
    "embedding": "embed_tokens", "final_norm": "norm",
    "attention_norm": "input_layernorm", "attention.query": "self_attn.q_proj", "attention.key": "self_attn.k_proj",
    "attention.value": "self_attn.v_proj", "attention.output": "self_attn.o_proj",
    "feed_forward_norm": "post_attention_layernorm", "feed_forward.gate_proj": "mlp.gate_proj",
    "feed_forward.up_proj": "mlp.up_proj", "feed_forward.down_proj": "mlp.down_proj",
}  # fmt: skip
_QUERY_KEY_TENSORS = {"attention.query.norm": "self_attn.q_norm", "attention.key.norm": "self_attn.k_norm"}
_OUTPUT_TENSORS = {"attention.output.norm": "post_attention_layernorm",
                   "feed_forward.down_proj.norm": "post_feedforward_layernorm"}  # fmt: skip
_DECODER_DEFAULTS = {
    "num_key_value_heads": None, "rms_norm_eps": 1e-6, "rope_theta": 10_000.0, "tie_word_embeddings": False,
    "head_dim": None,
}  # fmt: skip
_ACT = {"hidden_act": "silu"}
_WINDOW = {"sliding_window": 4096, "use_sliding_window": False, "layer_types": None}


def _decoder(
    *, defaults: Mapping = {}, choices: Mapping = {}, tensors: Mapping = {}, required: Mapping = _ACT, **more
) -> Family:
    """A family that differs from Llama by so much."""
    biases = {"attention_bias": _ATTENTION, "mlp_bias": _MLP}
    family = {
        "sizes": _DECODER_SIZES, "choices": _DECODER | choices,
        "defaults": _DECODER_DEFAULTS | dict.fromkeys(biases, False) | defaults, "required": required,
        "tensors": _TENSORS | tensors, "layer": "layers.{}.", "prefix": "model.", "head": "lm_head.weight",
        "unused": ("rotary_emb.inv_freq",), "biases": biases,
    }  # fmt: skip
    return Family(**family | more)


def _encoder(prefix: str, layer: str, tensors: Mapping[str, str], head: str, unused=(), **more) -> Family:
    """A family that differs from BERT by so much."""
    choices = {"positions": "learned", "norm": "post", "query_key_norm": False, "normalization": "layer",
               "biases": True, "embedding_norm": True}  # fmt: skip
    embeddings = {"embedding": "embeddings.word_embeddings", "position_embedding": "embeddings.position_embeddings",
                  "embedding_norm": "embeddings.LayerNorm"}  # fmt: skip
    activation = more.setdefault("activation", "hidden_act")
    defaults = {"tie_word_embeddings": True, "layer_norm_eps": 1e-12, activation: "gelu"} | more.pop("defaults", {})
    required = {"position_embedding_type": "absolute", "is_decoder": False} | more.pop("required", {})
    unused = ("position_ids", "pooler.dense.weight", "pooler.dense.bias", *unused)
    sizes = _SIZES | {"norm_epsilon": "layer_norm_eps"} | more.pop("sizes", {})
    return Family(sizes, choices, embeddings | tensors, layer, prefix, head, defaults, required, unused,
                  is_encoder=True, **more)  # fmt: skip


_BERT_LAYER = {
    "attention_norm": "attention.output.LayerNorm", "attention.query": "attention.self.query",
    "attention.key": "attention.self.key", "attention.value": "attention.self.value",
    "attention.output": "attention.output.dense", "feed_forward_norm": "output.LayerNorm",
    "feed_forward.up_proj": "intermediate.dense", "feed_forward.down_proj": "output.dense",
}  # fmt: skip
FAMILIES = {
    "gpt2": Family(
        sizes={"vocab_size": "vocab_size", "context_length": "n_positions", "d_model": "n_embd", "n_layers": "n_layer",
               "n_heads": "n_head", "d_ff": "n_inner", "norm_epsilon": "layer_norm_epsilon"},
        choices={"positions": "learned", "norm": "pre", "query_key_norm": False, "normalization": "layer",
                 "biases": True, "embedding_norm": False},
        defaults={"n_inner": None, "layer_norm_epsilon": 1e-5, "tie_word_embeddings": True,
                  "activation_function": "gelu_new"},
        required={"scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False},
        # Query, key and value are one matrix: "[0]" is its first third.
        tensors={
            "embedding": "wte", "position_embedding": "wpe", "final_norm": "ln_f", "attention_norm": "ln_1",
            "attention.query": "attn.c_attn[0]", "attention.key": "attn.c_attn[1]",
            "attention.value": "attn.c_attn[2]", "attention.output": "attn.c_proj", "feed_forward_norm": "ln_2",
            "feed_forward.up_proj": "mlp.c_fc", "feed_forward.down_proj": "mlp.c_proj",
        },
        layer="h.{}.", prefix="transformer.", head="lm_head.weight",
        activation="activation_function", unused=(".attn.bias", ".attn.masked_bias"),
    ),
    "llama": _decoder(required=_ACT | {"rope_interleaved": False}),
    "mistral": _decoder(defaults={"sliding_window": 4096}, biases={}, is_local=lambda card, layer: True),
    "qwen2": _decoder(
        defaults=_WINDOW | {"max_window_layers": 28}, choices={"biased": _QUERY_KEY_VALUE}, biases={},
        is_local=lambda card, layer: layer >= card["max_window_layers"],
    ),
    "qwen3": _decoder(
        defaults=_WINDOW | {"max_window_layers": 28, "head_dim": 128}, choices={"query_key_rms": "head"},
        tensors=_QUERY_KEY_TENSORS, biases={"attention_bias": _ATTENTION},
        is_local=lambda card, layer: layer >= card["max_window_layers"],
    ),
    "olmo2": _decoder(
        defaults={"rms_norm_eps": 1e-5}, biases={"attention_bias": _ATTENTION},
        choices={"query_key_rms": "all", "input_norms": False, "output_norms": True},
        tensors=_QUERY_KEY_TENSORS | _OUTPUT_TENSORS,
    ),
    "smollm3": _decoder(
        defaults=_WINDOW | {"sliding_window": None, "no_rope_layers": None, "no_rope_layer_interval": 4,
                            "rope_theta": 2_000_000.0, "tie_word_embeddings": True, "max_window_layers": None},
        is_local=lambda card, layer: not card["no_rope_layers"][layer],
    ),
    "gemma3_text": _decoder(
        defaults={"head_dim": 256, "sliding_window": 4096, "layer_types": None, "sliding_window_pattern": 6,
                  "query_pre_attn_scalar": 256, "rope_theta": 1_000_000.0,
                  "rope_local_base_freq": 10_000.0, "tie_word_embeddings": True},
        choices={"query_key_rms": "head", "output_norms": True, "gate": "gelu_tanh"},
        required={"hidden_activation": "gelu_pytorch_tanh", "final_logit_softcapping": None,
                  "attn_logit_softcapping": None, "use_bidirectional_attention": False},
        tensors=_QUERY_KEY_TENSORS | _OUTPUT_TENSORS | {"feed_forward_norm": "pre_feedforward_layernorm"},
        biases={"attention_bias": _ATTENTION}, norm_offset=1.0,
        is_local=lambda card, layer: (layer + 1) % card["sliding_window_pattern"] != 0,
    ),
    "bert": _encoder(
        "bert.", "encoder.layer.{}.",
        _BERT_LAYER | {"unembedding.dense": "cls.predictions.transform.dense",
                       "unembedding.norm": "cls.predictions.transform.LayerNorm",
                       "unembedding": "cls.predictions.decoder|cls.predictions"},
        "cls.predictions.decoder.weight",
        ("cls.seq_relationship.weight", "cls.seq_relationship.bias", "cls.predictions.bias"),
    ),
    "roberta": _encoder(
        "roberta.", "encoder.layer.{}.",
        _BERT_LAYER | {"unembedding.dense": "lm_head.dense", "unembedding.norm": "lm_head.layer_norm",
                       "unembedding": "lm_head.decoder|lm_head"},
        "lm_head.decoder.weight", ("lm_head.bias",), masked_lm="gelu", defaults={"pad_token_id": 1},
        reserved_positions=lambda card: card["pad_token_id"] + 1,
    ),
    "distilbert": _encoder(
        "distilbert.", "transformer.layer.{}.",
        {"attention_norm": "sa_layer_norm", "attention.query": "attention.q_lin", "attention.key": "attention.k_lin",
         "attention.value": "attention.v_lin", "attention.output": "attention.out_lin",
         "feed_forward_norm": "output_layer_norm", "feed_forward.up_proj": "ffn.lin1",
         "feed_forward.down_proj": "ffn.lin2", "unembedding.dense": "vocab_transform",
         "unembedding.norm": "vocab_layer_norm", "unembedding": "vocab_projector"},
        "vocab_projector.weight",
        sizes={"d_model": "dim", "n_layers": "n_layers", "n_heads": "n_heads", "d_ff": "hidden_dim"},
        required={"layer_norm_eps": 1e-12}, activation="activation",
    ),
}  # fmt: skip


def family_of(card: Mapping[str, Any]) -> Family:
    """The family that a `config.json` names; raises ValueError for others, and for fields that are not understood."""
    name = card.get("model_type")
    if name not in FAMILIES:
        raise ValueError(
            f"a model of the family {name!r} cannot be read here; the families are {', '.join(map(repr, FAMILIES))}"
        )
    family = FAMILIES[name]
    fixed = _USUAL | family.required
    rope = {"rope_theta", "rope_scaling", "rope_parameters"} if family.choices["positions"] == "rotary" else set()
    known = {*_HARMLESS.split(), *fixed, *family.defaults, *family.sizes.values(), *rope}
    if unknown := sorted(key for key, value in card.items() if key not in known and value is not None):
        raise ValueError(
            f"the configuration of this {name} model says {unknown[0]} = {card[unknown[0]]!r:.60}, which is not known "
            f"here: its numbers may depend on it"
        )
    for key, value in fixed.items():
        if card.get(key, value) not in (value, None):
            raise ValueError(f"this {name} model says {key} = {card[key]!r:.60}; our block knows only {value!r}")
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
    said = {**family.defaults, **card}
    try:
        values = {**family.choices, **{ours: said[theirs] for ours, theirs in family.sizes.items()}}
        values |= {"unembedding": unembedding, "missing_tokens": tuple(missing_tokens)}
        values["context_length"] = min(values["context_length"] - family.reserved_positions(said), MAX_CONTEXT)
        values["vocab_size"] = min(values["vocab_size"], n_tokens or values["vocab_size"])
        values["d_ff"] = values["d_ff"] or 4 * values["d_model"]
        if family.activation:
            values["activation"] = _activation(said[family.activation])
        if family.is_encoder:
            values["masked_lm"] = "" if unembedding == "none" else family.masked_lm or values["activation"]
        else:
            values |= _decoder_options(said, family)
        return _without_options(RealConfig(**values))
    except KeyError as error:
        raise ValueError(f"the configuration of this {name} model says nothing about {error.args[0]!r}") from None
    except (TypeError, AttributeError, IndexError, ZeroDivisionError) as error:
        raise ValueError(f"the configuration of this {name} model is damaged ({error})") from None


def _activation(name: str) -> str:
    if name not in _ACTIVATIONS:
        raise ValueError(f"its activation is {name!r}; our block has {', '.join(map(repr, _ACTIVATIONS))}")
    return _ACTIVATIONS[name]


def _decoder_options(card: Mapping[str, Any], family: Family) -> dict[str, Any]:
    """The fields of a decoder that more than one field of its `config.json` decides."""
    if family.choices["positions"] != "rotary":
        return {"layers": (LayerOptions(None, None),) * card[family.sizes["n_layers"]]}
    d_model, d_head = card["hidden_size"], card["head_dim"] or card["hidden_size"] // card["num_attention_heads"]
    options: dict[str, Any] = {"layers": _layers(card, family), "head_width": d_head}
    options["biased"] = family.choices.get("biased", ()) + tuple(
        name for key, names in family.biases.items() if card[key] for name in names
    )
    if family.norm_offset:  # Gemma
        options["embedding_scale"] = d_model**0.5
        options["query_scale"] = (d_head / card["query_pre_attn_scalar"]) ** 0.5
    return options


def _layers(card: Mapping[str, Any], family: Family) -> tuple[LayerOptions, ...]:
    n_layers = card["num_hidden_layers"]
    window = card.get("sliding_window") if card.get("use_sliding_window", True) else None
    interval = card.get("no_rope_layer_interval") or n_layers + 1
    has_rope = card.get("no_rope_layers") or [(layer + 1) % interval != 0 for layer in range(n_layers)]
    card = {**card, "no_rope_layers": has_rope}
    kinds = card.get("layer_types") or [
        "sliding_attention" if window and family.is_local(card, layer) else "full_attention"
        for layer in range(n_layers)
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
    said, old, base = card.get("rope_parameters") or {}, card.get("rope_scaling") or {}, card["rope_theta"]
    if "rope_local_base_freq" not in card:
        said = dict(old or said)
    elif kind == "full_attention":
        said = {**(said.get(kind) or {}), **old}
    else:
        said, base = dict(said.get(kind) or {}), card["rope_local_base_freq"]
    base = said.pop("rope_theta", None) or base
    scaling = said.pop("rope_type", said.pop("type", "default"))
    said = {key: value for key, value in said.items() if key != "type" and (key, value) != ("partial_rotary_factor", 1)}
    if scaling not in _ROPE_FIELDS or said.keys() - _ROPE_FIELDS[scaling]:
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
