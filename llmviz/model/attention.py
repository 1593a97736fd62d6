"""Attention: masks, scaled dot-product attention, positions, several heads, and the key–value cache (lesson 3).

Tensors are (batch, head, query, key) or (batch, head, position, d_head). Masks are boolean: True = may attend, as in
`torch.nn.functional.scaled_dot_product_attention`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from llmviz.model.config import ModelConfig
from llmviz.model.trace import _AttentionTrace

_SINUSOIDAL_BASE = 10_000.0
QUERY_GAIN = 2.5
"""Length of normalized queries, relative to normalized keys: without it no query could point sharply at one key among
a hundred, and copying from the context is learned late (measured: `data/README.md`)."""


def causal_mask(n_queries: int) -> Tensor:
    """Each token may attend to itself and earlier tokens: (query, key), bool.

    >>> causal_mask(3).int().tolist()
    [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    """
    if n_queries < 1:
        raise ValueError(f"a causal mask needs at least one query; given {n_queries}")
    return torch.ones(n_queries, n_queries, dtype=torch.bool).tril()


def sliding_window_mask(n_positions: int, window: int) -> Tensor:
    """Each token may attend to itself and the `window` - 1 tokens before it: (query, key), bool.

    Source: Beltagy et al. 2020, "Longformer", section 3.1 (there to both sides). Lesson 9.

    >>> sliding_window_mask(4, 2).int().tolist()
    [[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]
    """
    if n_positions < 1 or window < 1:
        raise ValueError(f"each token sees at least itself; given {n_positions} positions and a window of {window}")
    return causal_mask(n_positions).triu(1 - window)


def padding_mask(token_ids: Tensor, padding_id: int) -> Tensor:
    """Every token may attend to all tokens but the padding: (batch, 1, 1, key), bool.

    >>> padding_mask(torch.tensor([[7, 8, 0], [7, 8, 9]]), 0)[:, 0, 0].int().tolist()
    [[1, 1, 0], [1, 1, 1]]
    """
    return (token_ids != padding_id)[:, None, None]


class _AttentionResult(NamedTuple):
    """The steps of attention: scores before the softmax, weights after it, and the output."""

    scores: Tensor
    weights: Tensor
    output: Tensor


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> _AttentionResult:
    """Scaled dot-product attention: mix the values in proportion to query–key similarity.

    softmax(Q Kᵀ / √d_head) V, with −∞ in place of the scores that the mask forbids *before* the softmax.
    Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.2.1 (their d_k is our d_head). Lesson 3.

    Args:
        query: (..., query, d_head).
        key: (..., key, d_head).
        value: (..., key, d_head).
        mask: broadcastable to (..., query, key), bool, True = may attend; None allows everything.

    Returns:
        scores (..., query, key) before the mask, weights (..., query, key), output (..., query, d_head).

    Raises:
        ValueError: when the shapes do not fit, or a row of the mask forbids everything.
    """
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(
            f"a query is compared with keys of its own size; given d_head {query.shape[-1]} for the queries "
            f"and {key.shape[-1]} for the keys"
        )
    if key.shape[-2] != value.shape[-2]:
        raise ValueError(f"each key has one value; given {key.shape[-2]} keys and {value.shape[-2]} values")
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    _check_mask(mask, scores.shape)
    allowed_scores = scores if mask is None else scores.masked_fill(~mask, float("-inf"))
    weights = allowed_scores.softmax(dim=-1)
    return _AttentionResult(scores, weights, weights @ value)


def _check_mask(mask: Tensor | None, scores_shape: Sequence[int]) -> None:
    """Raise ValueError for a mask that does not fit scores of this shape (..., query, key)."""
    if mask is None:
        return
    if mask.dtype != torch.bool:
        raise ValueError(f"a mask is boolean, True = may attend; given {mask.dtype}: say mask.bool()")
    axes = zip(reversed(mask.shape), reversed(scores_shape), strict=False)
    if len(mask.shape) > len(scores_shape) or not all(size in (1, wanted) for size, wanted in axes):
        raise ValueError(f"the mask must fit the scores {tuple(scores_shape)}; given {tuple(mask.shape)}")
    if not mask.any(dim=-1).all():
        raise ValueError("a row of the mask forbids every key; each query must be allowed to see at least one")


def _sinusoidal_positions(n_positions: int, d_model: int) -> Tensor:
    """Sinusoidal positional encoding, to be added to the embeddings: (position, d_model).

    PE(p, 2i) = sin(p / 10,000^(2i / d_model)), PE(p, 2i + 1) = cos of the same.
    Source: Vaswani et al. 2017, section 3.5. Lesson 4.

    >>> _sinusoidal_positions(2, 4)
    tensor([[0.0000, 1.0000, 0.0000, 1.0000],
            [0.8415, 0.5403, 0.0100, 0.9999]])
    """
    if d_model % 2:
        raise ValueError(f"each frequency has a sine and a cosine, so d_model must be even; given {d_model}")
    frequencies = _SINUSOIDAL_BASE ** (-torch.arange(0, d_model, 2) / d_model)
    angles = torch.arange(n_positions)[:, None] * frequencies
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2)


def rotary_angles(n_positions: int, d_head: int, *, base: float = ModelConfig.rotary_base) -> Tensor:
    """Angles of rotary positions, θ_i = position / base^(2i / d_head): (position, d_head / 2), radians.

    Source: Su et al. 2021, "RoFormer", section 3.2.2.
    """
    if d_head % 2:
        raise ValueError(f"rotary positions turn pairs of numbers, so d_head must be even; given {d_head}")
    frequencies = base ** (-torch.arange(0, d_head, 2) / d_head)
    return torch.arange(n_positions)[:, None] * frequencies


class RotaryEmbedding(NamedTuple):
    """Cosines and sines of the rotary angles, both (position, d_head); the sines of the first half are negated."""

    cos: Tensor
    sin: Tensor

    @classmethod
    def of(cls, angles: Tensor) -> RotaryEmbedding:
        """From angles (position, d_head / 2)."""
        cos, sin = angles.cos(), angles.sin()
        return cls(torch.cat((cos, cos), dim=-1), torch.cat((-sin, sin), dim=-1))

    @property
    def matrix(self) -> Tensor:
        """The rotation of a single position as a matrix: `apply_rotary(x, rotary)` is `x @ rotary.matrix`."""
        return apply_rotary(torch.ones_like(self.cos[0]).diag(), self)


def apply_rotary(x: Tensor, rotary: RotaryEmbedding) -> Tensor:
    """Rotary position embedding: turn the pair (i, i + d_head / 2) of each vector by its position's angle.

    The dot product of two rotated vectors depends only on the distance between their positions.
    Source: Su et al. 2021, "RoFormer", section 3.4.2.

    x: (..., position, d_head). rotary: for the same positions.
    """
    halves_swapped = x.roll(x.shape[-1] // 2, dims=-1)
    return torch.addcmul(x * rotary.cos, halves_swapped, rotary.sin)


class _KVCache:
    """Keys and values of the tokens already read, so that generation need not compute them again (lesson 7)."""

    def __init__(self, context_length: int):
        self.context_length, self.length = context_length, 0
        self.keys: Tensor | None = None
        self.values: Tensor | None = None

    def extend(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Add new positions (batch, head, new, d_head); returns all keys and values up to them."""
        batch, n_heads, n_new, d_head = key.shape
        stop = self.length + n_new
        if stop > self.context_length:
            raise ValueError(f"the cache holds {self.context_length} positions; given {n_new} more after {self.length}")
        if self.keys is None:
            shape = (batch, n_heads, self.context_length, d_head)
            self.keys, self.values = key.new_empty(shape), value.new_empty(shape)
        self.keys.narrow(2, self.length, n_new).copy_(key)
        self.values.narrow(2, self.length, n_new).copy_(value)
        self.length = stop
        return self.keys.narrow(2, 0, stop), self.values.narrow(2, 0, stop)


class MultiHeadAttention(nn.Module):
    """Several attention heads side by side, each with its own queries, keys and values (lesson 3).

    Queries and keys may be normalized before they are compared (Henry et al. 2020, "Query-Key Normalization") and
    rotated by position. With fewer `n_key_value_heads` than heads, neighboring heads share keys and values
    (grouped-query attention: Ainslie et al. 2023, section 2.2). Source: Vaswani et al. 2017, section 3.2.2.
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.query_key_norm, self.d_head = config.query_key_norm, config.d_head
        self.n_heads, self.n_sharing = config.n_heads, config.n_heads // (config.n_key_value_heads or config.n_heads)
        width = config.n_heads * config.d_head
        self.query = nn.Linear(config.d_model, width, bias=config.biases)
        self.key = nn.Linear(config.d_model, config.key_value_width, bias=config.biases)
        self.value = nn.Linear(config.d_model, config.key_value_width, bias=config.biases)
        self.output = nn.Linear(width, config.d_model, bias=config.biases)

    def _merge_heads(self, x: Tensor) -> Tensor:
        """(batch, head, position, d_head) → (batch, position, head × d_head)."""
        return x.transpose(1, 2).flatten(-2)

    def _project(self, x: Tensor, rotary: RotaryEmbedding | None, source: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries of x, keys and values of the source, each (batch, head, position, d_head)."""
        projected = (self.query(x), self.key(source), self.value(source))
        query, key, value = (part.unflatten(-1, (-1, self.d_head)).transpose(1, 2) for part in projected)
        if self.query_key_norm:
            query = QUERY_GAIN * F.layer_norm(query, (self.d_head,))
            key = F.layer_norm(key, (self.d_head,))
        if rotary is not None:
            query, key = apply_rotary(query, rotary), apply_rotary(key, rotary)
        return query, key, value

    def trace(
        self,
        x: Tensor,
        mask: Tensor | None,
        rotary: RotaryEmbedding | None,
        head_overrides: Mapping[int, Tensor | float] | None = None,
        source: Tensor | None = None,
    ) -> _AttentionTrace:
        """Attention with every step returned.

        Args:
            x: (batch, position, d_model), from which the queries come.
            head_overrides: outputs to use in place of a head's own, 0 or (d_head,); see `DecoderOnly.trace`.
            source: (batch, memory, d_model), from which keys and values come; None: x (self-attention).
        """
        query, key, value = self._project(x, rotary, x if source is None else source)
        key, value = (part.repeat_interleave(self.n_sharing, dim=1) for part in (key, value))
        scores, weights, head_outputs = scaled_dot_product_attention(query, key, value, mask)
        for head, override in (head_overrides or {}).items():
            head_outputs[:, head] = override
        output = self.output(self._merge_heads(head_outputs))
        return _AttentionTrace(query, key, value, scores, weights, head_outputs, output)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None,
        rotary: RotaryEmbedding | None,
        cache: _KVCache | None = None,
        source: Tensor | None = None,
    ) -> Tensor:
        """The same output by torch's fused attention: (batch, position, d_model)."""
        query, key, value = self._project(x, rotary, x if source is None else source)
        if cache is not None:
            key, value = cache.extend(key, value)
        is_shared = self.n_sharing > 1
        head_outputs = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, enable_gqa=is_shared)
        return self.output(self._merge_heads(head_outputs))
