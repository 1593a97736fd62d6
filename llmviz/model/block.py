"""The Transformer block: attention and an MLP, each added to the residual stream (lesson 4).

GPT, BERT and the original Transformer use this same block; they differ in the mask and in cross-attention.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from llmviz.model.attention import QUERY_GAIN, MultiHeadAttention, RotaryEmbedding, _KVCache
from llmviz.model.config import ModelConfig
from llmviz.model.trace import BlockTrace


def normalize(x: Tensor) -> Tensor:
    """Layer normalization without learned parameters: each vector gets mean 0 and variance 1.

    Source: Ba, Kiros and Hinton 2016, "Layer Normalization", section 3.

    >>> normalize(torch.tensor([[1.0, 2.0, 3.0]]))
    tensor([[-1.2247,  0.0000,  1.2247]])
    """
    return F.layer_norm(x, x.shape[-1:])


class _Norm(nn.Module):
    """Normalization of each vector, as the config says: `normalize`, the same with weight and bias, or RMSNorm.

    Source of RMSNorm: Zhang and Sennrich 2019, equation 4.
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


def _squared_relu(x: Tensor) -> Tensor:  # not a lambda: models can be pickled, as for a process of its own
    return F.relu(x).square()


_ACTIVATIONS = {
    "squared_relu": _squared_relu,
    "gelu": F.gelu,
    "gelu_tanh": partial(F.gelu, approximate="tanh"),
    "swiglu": F.silu,
}


class _FeedForward(nn.Module):
    """Position-wise MLP: up-projection, activation, down-projection (lesson 4).

    Sources: Vaswani et al. 2017, section 3.3 (with ReLU); So et al. 2021, "Primer" (squared ReLU); Hendrycks and Gimpel
    2016, section 2 (GELU, and the tanh approximation of GPT-2); Shazeer 2020, equation 6 (SwiGLU: the gate
    goes through SiLU and multiplies the up-projection).
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.activation = _ACTIVATIONS[config.activation]
        self.up_proj = nn.Linear(config.d_model, config.d_ff, bias=config.biases)
        self.down_proj = nn.Linear(config.d_ff, config.d_model, bias=config.biases)
        is_gated = config.activation == "swiglu"
        self.gate_proj = nn.Linear(config.d_model, config.d_ff, bias=config.biases) if is_gated else None

    def hidden(self, x: Tensor) -> Tensor:
        """The hidden layer after its activation: (batch, position, d_ff)."""
        if self.gate_proj is None:
            return self.activation(self.up_proj(x))
        return self.activation(self.gate_proj(x)) * self.up_proj(x)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, position, d_model) → (batch, position, d_model)."""
        return self.down_proj(self.hidden(x))


class Memory(NamedTuple):
    """An encoder's output, for cross-attention: states (batch, memory, d_model), and a mask broadcastable to
    (batch, head, query, memory), bool, True = may attend; None allows everything.
    """

    states: Tensor
    mask: Tensor | None = None


class Block(nn.Module):
    """One layer: attention, then an MLP, each added to the residual stream (lesson 4).

    With `reads_memory` a cross-attention stands between them. With "pre" norm each sub-layer reads a normalized copy of
    the stream (Xiong et al. 2020, section 3.2); with "post" norm the stream is normalized after each addition (Vaswani
    et al. 2017, section 3.1).
    """

    def __init__(self, config: ModelConfig, *, reads_memory: bool = False):
        super().__init__()
        self.attention = MultiHeadAttention(config)
        self.cross_attention = MultiHeadAttention(config) if reads_memory else None
        self.feed_forward = _FeedForward(config)
        self.attention_norm, self.feed_forward_norm = _Norm(config), _Norm(config)
        self.cross_attention_norm = _Norm(config) if reads_memory else None
        self.config, self._is_pre_norm = config, config.norm == "pre"

    def _before(self, norm: _Norm, stream: Tensor) -> Tensor:
        """The input of a sub-layer."""
        return norm(stream) if self._is_pre_norm else stream

    def _after(self, norm: _Norm, stream: Tensor) -> Tensor:
        """The stream after a sub-layer was added to it."""
        return stream if self._is_pre_norm else norm(stream)

    def trace(
        self,
        x: Tensor,
        mask: Tensor | None,
        rotary: RotaryEmbedding | None,
        head_overrides: Mapping[int, Tensor | float] | None = None,
        memory: Memory | None = None,
    ) -> BlockTrace:
        """The block with every step returned; `head_overrides` as in `MultiHeadAttention.trace`."""
        attention_input = self._before(self.attention_norm, x)
        attention = self.attention.trace(attention_input, mask, rotary, head_overrides)
        stream = middle = self._after(self.attention_norm, x + attention.output)
        cross = {}
        if self.cross_attention is not None:
            cross_input = self._before(self.cross_attention_norm, middle)
            found = self.cross_attention.trace(cross_input, memory.mask, None, source=memory.states)
            stream = self._after(self.cross_attention_norm, middle + found.output)
            cross = {"cross_attention_input": cross_input, "cross_attention": found, "residual_after_cross": stream}
        feed_forward_input = self._before(self.feed_forward_norm, stream)
        hidden = self.feed_forward.hidden(feed_forward_input)
        output = self.feed_forward.down_proj(hidden)
        after = self._after(self.feed_forward_norm, stream + output)
        return BlockTrace(x, attention_input, attention, middle, feed_forward_input, hidden, output, after, **cross)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None,
        rotary: RotaryEmbedding | None,
        cache: _KVCache | None = None,
        memory: Memory | None = None,
    ) -> Tensor:
        """The same stream as `trace(...).residual_after`, faster: (batch, position, d_model)."""
        norm = self.attention_norm
        x = self._after(norm, x + self.attention(self._before(norm, x), mask, rotary, cache))
        if self.cross_attention is not None:
            norm = self.cross_attention_norm
            found = self.cross_attention(self._before(norm, x), memory.mask, None, source=memory.states)
            x = self._after(norm, x + found)
        norm = self.feed_forward_norm
        return self._after(norm, x + self.feed_forward(self._before(norm, x)))


class _BlockCache(_KVCache):
    """The fast path of generation: one block of the default architecture on one new token (lesson 7).

    For a single token most of the time goes into calling torch, so this path makes few calls: queries, keys and values
    are one product, and rotation is a product with a small matrix. Tests hold it equal to `Block`. The weights are
    those at its creation: a cache does not outlive a training step, and no gradient flows through it.
    """

    def __init__(self, block: Block, context_length: int):
        super().__init__(context_length)
        attention, feed_forward = block.attention, block.feed_forward
        # A Linear stores its weight as (out, in); x @ weight needs (in, out).
        projections = (attention.query, attention.key, attention.value)
        self.query_key_value = torch.cat([part.weight.detach() for part in projections]).t()
        self.output = attention.output.weight.detach().t()
        self.up_proj = feed_forward.up_proj.weight.detach().t()
        self.down_proj = feed_forward.down_proj.weight.detach().t()
        self.n_heads, self.d_head = attention.n_heads, attention.d_head

    def read(self, x: Tensor, rotation: Tensor) -> Tensor:
        """Run the block on one new position and keep its key and value.

        Args:
            x: the residual stream at that position, (batch, d_model).
            rotation: the position's `RotaryEmbedding.matrix`.

        Returns:
            the stream after the block, (batch, d_model).
        """
        n_heads, d_model, d_head = self.n_heads, x.shape[-1:], (self.d_head,)
        heads = torch.mm(torch.layer_norm(x, d_model), self.query_key_value).view(-1, 3 * n_heads, 1, self.d_head)
        query_key = torch.layer_norm(heads[:, : 2 * n_heads], d_head) @ rotation
        keys, values = self.extend(query_key[:, n_heads:], heads[:, 2 * n_heads :])
        scale = QUERY_GAIN / math.sqrt(self.d_head)
        mixed = F.scaled_dot_product_attention(query_key[:, :n_heads], keys, values, scale=scale)
        x = torch.addmm(x, mixed.flatten(1), self.output)
        hidden = torch.mm(torch.layer_norm(x, d_model), self.up_proj).relu_().square_()
        return torch.addmm(x, hidden, self.down_proj)
