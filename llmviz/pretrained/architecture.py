"""What real models have beyond the core's blocks, on top of the same classes (lesson 10).

Each option is one field of `RealConfig`; docs/pretrained_models.md says which family has which.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from llmviz.model.attention import RotaryEmbedding, rotary_angles
from llmviz.model.block import Block
from llmviz.model.config import ModelConfig
from llmviz.model.trace import BlockTrace
from llmviz.model.transformer import DecoderOnly, EncoderOnly

GELU = {"gelu": F.gelu, "gelu_tanh": partial(F.gelu, approximate="tanh")}
_NEVER = -1e9  # the logit of an id without a token: its probability is exactly 0


class RopeScaling(NamedTuple):
    """Rotary frequencies, and how they are slowed down so that a model reads longer texts than at first.

    Linear (Chen et al. 2023): all frequencies are divided by the factor. With an `original_context` (Llama 3.1,
    Grattafiori et al. 2024): those that turn less than `low` times within it; above `high` times they stay as they are.
    """

    base: float
    factor: float = 1.0
    original_context: int | None = None
    low: float = 1.0
    high: float = 4.0

    def angles(self, n_positions: int, d_head: int) -> Tensor:
        """Like `rotary_angles`: (position, d_head / 2), radians."""
        frequencies = rotary_angles(2, d_head, base=self.base)[1]
        kept = torch.zeros_like(frequencies)
        if self.original_context is not None:
            turns = self.original_context * frequencies / (2 * math.pi)
            kept = ((turns - self.low) / (self.high - self.low)).clamp(0, 1)
        return torch.arange(n_positions)[:, None] * (frequencies * (kept + (1 - kept) / self.factor))


class LayerOptions(NamedTuple):
    """What may differ from layer to layer: how many tokens a token sees (None: all), and its rotary positions (None:
    it has none).
    """

    window: int | None
    rope: RopeScaling | None


@dataclass(frozen=True)
class RealConfig(ModelConfig):
    """The configuration of a real model: the core's fields, and options that only real models have.

    Attributes:
        layers: of a decoder, one `LayerOptions` a layer. Sliding windows make long texts cheap (Mistral, Gemma 3),
            their rotary base is lower (Gemma 3); layers without positions serve longer texts (SmolLM3).
        head_width: of a head, where it is not d_model / n_heads: more room to compare (Qwen3, Gemma 3).
        biased: linear layers with a bias, by name (Qwen2.5: query, key and value).
        query_key_rms: learned RMSNorm of queries and keys, "head" by "head" (Qwen3, Gemma 3) or "all" heads at once
            (OLMo 2): scores cannot explode in training.
        input_norms, output_norms: whether the input and the output of attention and MLP are normalized. Gemma 3 does
            both, OLMo 2 only the second: the residual stream grows evenly.
        embedding_scale: factor of the embeddings (Gemma 3: √d_model, because the same matrix also makes the logits).
        query_scale: factor of the queries, where scores are not divided by √d_head (Gemma 3).
        gate: activation of the MLP's gate, "silu" (SwiGLU) or "gelu_tanh" (GeGLU, Gemma 3).
        masked_lm: activation of the layer before the output matrix of BERT, DistilBERT and RoBERTa; "": no such layer.
        missing_tokens: ids without a token, which padding of the vocabulary leaves; they get probability 0.
    """

    layers: tuple[LayerOptions, ...] = ()
    head_width: int | None = None
    biased: tuple[str, ...] = ()
    query_key_rms: str = ""
    input_norms: bool = True
    output_norms: bool = False
    embedding_scale: float = 1.0
    query_scale: float = 1.0
    gate: str = "silu"
    masked_lm: str = ""
    missing_tokens: tuple[int, ...] = ()

    @property
    def d_head(self) -> int:
        """Width of one head."""
        return self.head_width or super().d_head

    @property
    def n_parameters(self) -> int:
        """Parameters of the model, counted on one without memory."""
        with torch.device("meta"):
            return build(self).n_parameters


class _Linear(nn.Linear):
    """A linear layer whose output is normalized (RMSNorm) in parts of `norm_width`, then scaled."""

    def __init__(self, plain: nn.Linear, bias: bool, norm_width: int | None, epsilon: float, scale: float):
        super().__init__(plain.in_features, plain.out_features, bias=bias)
        self.norm = None if norm_width is None else nn.RMSNorm(norm_width, eps=epsilon)
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) → (..., out)."""
        x = super().forward(x)
        if self.norm is not None:
            x = self.norm(x.unflatten(-1, (-1, *self.norm.normalized_shape))).flatten(-2)
        return x * self.scale


class _RealBlock(Block):
    """The core's block with the options of `RealConfig`; `layer` are those of this layer."""

    layer: LayerOptions

    def __init__(self, config: RealConfig, *, reads_memory: bool = False):
        super().__init__(config, reads_memory=reads_memory)
        widths = {"attention.output": config.d_model, "feed_forward.down_proj": config.d_model}
        widths = widths if config.output_norms else {}
        if config.query_key_rms:
            is_by_head = config.query_key_rms == "head"
            widths["attention.query"] = config.d_head * (1 if is_by_head else config.n_heads)
            widths["attention.key"] = config.d_head if is_by_head else config.key_value_width
        for name in [name for name, part in self.named_modules() if isinstance(part, nn.Linear)]:
            scale = config.query_scale if name == "attention.query" else 1.0
            has_bias = config.biases or name in config.biased
            part = _Linear(self.get_submodule(name), has_bias, widths.get(name), config.norm_epsilon, scale)
            self.set_submodule(name, part)
        if not config.input_norms:
            self.attention_norm = self.feed_forward_norm = nn.Identity()
        if config.gate in GELU:
            self.feed_forward.activation = GELU[config.gate]

    def _windowed(self, mask: Tensor | None, n_queries: int, start: int = 0) -> Tensor | None:
        """The mask (query, key), with only the last `window` keys of each query."""
        window, stop = self.layer.window, start + n_queries
        if window is None or stop <= window:
            return mask
        places = torch.arange(stop)
        near = places > places[start:, None] - window
        return near if mask is None else mask & near

    def trace(self, x, mask, rotary: Mapping, head_overrides=None, memory=None) -> BlockTrace:
        """The block with every step returned; `rotary` holds the positions of each kind of layer."""
        own = rotary[self.layer.rope]
        return super().trace(x, self._windowed(mask, x.shape[1]), own, head_overrides, memory)

    def forward(self, x, mask, rotary: Mapping, cache=None, memory=None) -> Tensor:
        """The same stream, faster."""
        start = 0 if cache is None else cache.length
        return super().forward(x, self._windowed(mask, x.shape[1], start), rotary[self.layer.rope], cache, memory)


class _RealDecoder(DecoderOnly):
    """A GPT with the options of `RealConfig`."""

    block_class = _RealBlock

    def __init__(self, config: RealConfig, *, seed: int | None = None):
        super().__init__(config, seed=seed)
        for block, options in zip(self.blocks, config.layers, strict=True):
            block.layer = options
        self._ropes = [rope for rope in dict.fromkeys(one.rope for one in config.layers) if rope is not None]
        for number, rope in enumerate(self._ropes):
            tables = RotaryEmbedding.of(rope.angles(config.context_length, config.d_head))
            self.register_buffer(f"cos_{number}", tables.cos, persistent=False)
            self.register_buffer(f"sin_{number}", tables.sin, persistent=False)

    def _new_unembedding(self) -> nn.Module:
        unembedding = super()._new_unembedding()
        if self.config.missing_tokens:
            bias = torch.zeros(self.config.vocab_size)
            bias[list(self.config.missing_tokens)] = _NEVER
            unembedding.bias = nn.Parameter(bias, requires_grad=False)
        return unembedding

    def embed(self, token_ids: Tensor, start: int = 0) -> Tensor:
        """The residual stream that enters the first block."""
        return super().embed(token_ids, start) * self.config.embedding_scale

    def rotary(self, start: int, stop: int) -> dict[RopeScaling | None, RotaryEmbedding | None]:
        """Rotary embedding of these positions for each kind of layer."""
        tables = ((getattr(self, f"cos_{i}"), getattr(self, f"sin_{i}")) for i in range(len(self._ropes)))
        parts = (RotaryEmbedding(cos[start:stop], sin[start:stop]) for cos, sin in tables)
        return {None: None, **dict(zip(self._ropes, parts, strict=True))}


class _MaskedLMHead(nn.Module):
    """The output of BERT: a linear layer, an activation, a normalization, and an output matrix with a bias.

    Source: Devlin et al. 2019, "BERT", section 3.1 and its published code.
    """

    def __init__(self, config: RealConfig, embedding: nn.Embedding):
        super().__init__()
        self.dense = nn.Linear(config.d_model, config.d_model)
        self.activation = GELU[config.masked_lm]
        self.norm = nn.LayerNorm(config.d_model, eps=config.norm_epsilon)
        is_tied = config.unembedding == "tied"
        self.weight = embedding.weight if is_tied else nn.Parameter(torch.empty_like(embedding.weight))
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))
        self.missing = list(config.missing_tokens)

    def forward(self, stream: Tensor) -> Tensor:
        """(..., d_model) → (..., vocab)."""
        logits = F.linear(self.norm(self.activation(self.dense(stream))), self.weight, self.bias)
        if self.missing:
            logits[..., self.missing] = _NEVER
        return logits


class _RealEncoder(EncoderOnly):
    """A BERT with a masked-LM head."""

    def _new_unembedding(self) -> nn.Module:
        return _MaskedLMHead(self.config, self.embedding)


def build(config: ModelConfig, *, is_encoder: bool = False) -> DecoderOnly | EncoderOnly:
    """The model of a configuration, its weights uninitialized: the core's own class where it has no options."""
    if not isinstance(config, RealConfig):
        return (EncoderOnly if is_encoder else DecoderOnly)(config, seed=None)
    return (_RealDecoder if config.layers else _RealEncoder)(config, seed=None)
