"""The block: attention gathers, a feed-forward network thinks, and both only ever *add* to the stream (lesson 4).

GPT, BERT and the original Transformer stack this same block. What differs is the mask, which is data, and one more
sub-layer where two texts meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from llmviz.model.attention import KVCache, MultiHeadAttention, RotaryEmbedding
from llmviz.model.config import ModelConfig
from llmviz.model.trace import BlockTrace, CrossBlockTrace

__all__ = ["Block", "FeedForward", "Memory", "ModelConfig", "Norm", "normalize"]


def normalize(x: Tensor) -> Tensor:
    """Bring each position's vector to mean 0 and variance 1 (layer normalization without learned gains).

    Source: Ba, Kiros and Hinton 2016, "Layer Normalization", section 3.

    >>> import torch
    >>> normalize(torch.tensor([[1.0, 2.0, 3.0]]))
    tensor([[-1.2247,  0.0000,  1.2247]])
    """
    return F.layer_norm(x, x.shape[-1:])


class Norm(nn.Module):
    """Normalize each position's vector, as the config says: plainly, or with what training learned (lesson 10).

    "plain" and "layer" subtract the mean and divide by the spread; "layer" then stretches and shifts each number by
    a learned `weight` and `bias`. "rms" only divides by the root of the mean square, and stretches.
    Sources: Ba, Kiros and Hinton 2016, section 3; Zhang and Sennrich 2019, "Root Mean Square Layer Normalization",
    section 4.
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.kind, self.epsilon = config.normalization, config.norm_epsilon
        weight = None if self.kind == "plain" else nn.Parameter(torch.ones(config.d_model))
        bias = nn.Parameter(torch.zeros(config.d_model)) if self.kind == "layer" else None
        self.register_parameter("weight", weight)
        self.register_parameter("bias", bias)

    def forward(self, x: Tensor) -> Tensor:
        """(..., d_model) → (..., d_model)."""
        if self.kind == "rms":
            return F.rms_norm(x, x.shape[-1:], self.weight, self.epsilon)
        return F.layer_norm(x, x.shape[-1:], self.weight, self.bias, self.epsilon)


class FeedForward(nn.Module):
    """Position-wise MLP: up-projection, activation, down-projection (lesson 4).

    What bends, the activation, cuts off what is negative and squares the rest, unless the config says otherwise
    (lesson 10): ReLU² is from So et al. 2021, "Primer"; GELU from Hendrycks and Gimpel 2016, section 2,
    and GPT-2 has its approximation by tanh; in SwiGLU a second matrix, `gate_proj`, weights each hidden unit:
    Shazeer 2020, "GLU Variants Improve Transformer", section 2. The original has ReLU: Vaswani et al. 2017,
    section 3.3.
    """

    def __init__(self, d_model: int, d_ff: int, *, activation: str = "squared_relu", biases: bool = False):
        super().__init__()
        self.activation = activation
        self.up_proj = nn.Linear(d_model, d_ff, bias=biases)
        self.down_proj = nn.Linear(d_ff, d_model, bias=biases)
        if activation == "swiglu":
            self.gate_proj = nn.Linear(d_model, d_ff, bias=biases)

    def hidden(self, x: Tensor) -> Tensor:
        """The hidden layer after its activation: (batch, position, d_ff)."""
        widened = self.up_proj(x)
        match self.activation:
            case "squared_relu":
                return F.relu(widened).square()
            case "swiglu":
                return F.silu(self.gate_proj(x)) * widened
            case "gelu_tanh":
                return F.gelu(widened, approximate="tanh")
            case _:
                return F.gelu(widened)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, position, d_model) → (batch, position, d_model)."""
        return self.down_proj(self.hidden(x))


class Memory(NamedTuple):
    """What an encoder made of the source, for a decoder to look up.

    Attributes:
        states: (batch, memory, d_model).
        mask: broadcastable to (batch, head, query, memory), bool, True = may attend; None: everything.
    """

    states: Tensor
    mask: Tensor | None = None


class Block(nn.Module):
    """One layer: attention adds what it gathered, then the feed-forward network adds what it thought (lesson 4).

    With `reads_memory` a second attention stands between them, whose keys and values come from another text.
    "pre": each sub-layer reads a normalized copy of the stream, which itself is only added to (Xiong et al. 2020,
    section 3.2). "post": the stream is normalized after each addition (Vaswani et al. 2017, section 3.1).
    """

    def __init__(self, config: ModelConfig, *, reads_memory: bool = False):
        super().__init__()
        self.attention = _attention(config)
        self.cross_attention = _attention(config) if reads_memory else None
        choices = {"activation": config.activation, "biases": config.biases}
        self.feed_forward = FeedForward(config.d_model, config.d_ff, **choices)
        self.attention_norm, self.feed_forward_norm = Norm(config), Norm(config)
        self.cross_attention_norm = Norm(config) if reads_memory else None
        self.config, self.is_pre_norm = config, config.norm == "pre"

    def before(self, norm: Norm, stream: Tensor) -> Tensor:
        """What a sub-layer reads: with pre-norm the stream normalized, with post-norm the stream as it is."""
        return norm(stream) if self.is_pre_norm else stream

    def after(self, norm: Norm, stream: Tensor) -> Tensor:
        """The stream after a sub-layer was added to it: with post-norm it is now normalized."""
        return stream if self.is_pre_norm else norm(stream)

    def trace(
        self,
        x: Tensor,
        mask: Tensor | None,
        rotation: RotaryEmbedding | None,
        head_overrides: Mapping[int, Tensor | float] | None = None,
        memory: Memory | None = None,
    ) -> BlockTrace:
        """Run openly: return every step (shapes in `BlockTrace`); `head_overrides` as in `MultiHeadAttention.trace`."""
        attention_input = self.before(self.attention_norm, x)
        attention = self.attention.trace(attention_input, mask, rotation, head_overrides)
        stream = middle = self.after(self.attention_norm, x + attention.output)
        cross = None
        if self.cross_attention is not None:
            cross_input = self.before(self.cross_attention_norm, middle)
            cross = self.cross_attention.trace(cross_input, memory.mask, None, source=memory.states)
            stream = self.after(self.cross_attention_norm, middle + cross.output)
        thinks_about = self.before(self.feed_forward_norm, stream)
        hidden = self.feed_forward.hidden(thinks_about)
        added = self.feed_forward.down_proj(hidden)
        leaves = self.after(self.feed_forward_norm, stream + added)
        parts = (x, attention_input, attention, middle, thinks_about, hidden, added, leaves)
        return BlockTrace(*parts) if cross is None else CrossBlockTrace(*parts, cross_input, cross, stream)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None,
        rotation: RotaryEmbedding | None,
        cache: KVCache | None = None,
        memory: Memory | None = None,
    ) -> Tensor:
        """Run fast: the same stream as `trace(...).residual_after`; (batch, position, d_model)."""
        norm = self.attention_norm
        x = self.after(norm, x + self.attention(self.before(norm, x), mask, rotation, cache))
        if self.cross_attention is not None:
            norm = self.cross_attention_norm
            looked_up = self.cross_attention(self.before(norm, x), memory.mask, None, source=memory.states)
            x = self.after(norm, x + looked_up)
        norm = self.feed_forward_norm
        return self.after(norm, x + self.feed_forward(self.before(norm, x)))


def _attention(config: ModelConfig) -> MultiHeadAttention:
    return MultiHeadAttention(
        config.d_model, config.n_heads, config.query_key_norm,
        n_key_value_heads=config.n_key_value_heads, biases=config.biases,
    )  # fmt: skip
