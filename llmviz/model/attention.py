"""Attention: masks, scaled dot products, rotary positions, several heads, and the key-value cache (lesson 3).

Every tensor of attention is laid out as (batch, head, query, key) or (batch, head, position, d_head).
Masks are boolean and *data*: True means "may attend", as in `torch.nn.functional.scaled_dot_product_attention`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from llmviz.model.trace import AttentionTrace

ROTARY_BASE = 500.0
"""How slowly the slowest pairs of numbers turn. Su et al. 2021 take 10,000 for long texts; ours see 128 tokens, and
with 500 more of the pairs can tell near from far (the ability to copy is learned sooner)."""
SINUSOIDAL_BASE = 10_000.0
QUERY_GAIN = 2.5
"""How much longer queries are than their normalized length: normalized vectors alone could never point sharply at
one token among a hundred, and copying from the context would be learned late (measured: `data/README.md`)."""


def causal_mask(n_queries: int, n_keys: int | None = None, *, device: torch.device | None = None) -> Tensor:
    """Say who may look at whom when the future is hidden: (query, key), True = may attend.

    With more keys than queries (a cache holds the past), the queries are the *last* positions.

    >>> causal_mask(3).int().tolist()
    [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    >>> causal_mask(1, 3).int().tolist()
    [[1, 1, 1]]
    """
    n_keys = n_queries if n_keys is None else n_keys
    if n_queries < 1 or n_keys < n_queries:
        raise ValueError(
            f"a causal mask needs at least one query and no more queries than keys; "
            f"given {n_queries} queries and {n_keys} keys"
        )
    allowed = torch.ones(n_queries, n_keys, dtype=torch.bool, device=device)
    return allowed.tril(diagonal=n_keys - n_queries)


def padding_mask(token_ids: Tensor, padding_id: int) -> Tensor:
    """Say which tokens are there to be looked at, where short texts were filled up: (batch, 1, 1, key), bool.

    >>> padding_mask(torch.tensor([[7, 8, 0], [7, 8, 9]]), 0)[:, 0, 0].int().tolist()
    [[1, 1, 0], [1, 1, 1]]
    """
    return (token_ids != padding_id)[:, None, None]


class AttentionResult(NamedTuple):
    """The three steps of attention: scores (before the softmax), weights (after it), and the mixed values."""

    scores: Tensor
    weights: Tensor
    output: Tensor


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> AttentionResult:
    """Let each query look at the keys and take home a mixture of their values.

    softmax(Q Kᵀ / √d_head) V, with −∞ in place of the scores that the mask forbids *before* the softmax.
    Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.2.1 (their d_k is our d_head). Lesson 3.

    Args:
        query: (..., query, d_head).
        key: (..., key, d_head).
        value: (..., key, d_head).
        mask: broadcastable to (..., query, key), bool, True = may attend; None lets everyone see everything.

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
    if mask is None:
        allowed_scores = scores
    else:
        check_mask(mask, scores.shape)
        allowed_scores = scores.masked_fill(~mask, float("-inf"))
    weights = allowed_scores.softmax(dim=-1)
    return AttentionResult(scores, weights, weights @ value)


def check_mask(mask: Tensor, scores_shape: Sequence[int]) -> None:
    """Refuse a mask that cannot be laid over scores of this shape (..., query, key), in a sentence."""
    if mask.dtype != torch.bool:
        raise ValueError(f"a mask is boolean, True = may attend; given {mask.dtype}: say mask.bool()")
    if not _fits(mask.shape, scores_shape):
        raise ValueError(f"the mask must fit the scores {tuple(scores_shape)}; given {tuple(mask.shape)}")
    if not mask.any(dim=-1).all():
        raise ValueError("a row of the mask forbids every key; each query must be allowed to see at least one")


def _fits(mask_shape: Sequence[int], scores_shape: Sequence[int]) -> bool:
    """Whether a mask of this shape can be laid over the scores: each axis the same, or 1, or absent."""
    same_axes = zip(reversed(mask_shape), reversed(scores_shape), strict=False)
    return len(mask_shape) <= len(scores_shape) and all(size in (1, wanted) for size, wanted in same_axes)


def rotary_angles(
    n_positions: int, d_head: int, *, base: float = ROTARY_BASE, device: torch.device | None = None
) -> Tensor:
    """Say by which angle each pair of numbers is turned at each position: (position, d_head / 2), radians.

    θ_i = position / base^(2i / d_head). Source: Su et al. 2021, "RoFormer", section 3.2.2.
    """
    if d_head % 2:
        raise ValueError(f"rotary positions turn pairs of numbers, so d_head must be even; given {d_head}")
    frequencies = base ** (-torch.arange(0, d_head, 2, device=device) / d_head)
    return torch.arange(n_positions, device=device)[:, None] * frequencies


def sinusoidal_positions(n_positions: int, d_model: int) -> Tensor:
    """Give each position a vector of waves, to be added to its token's embedding: (position, d_model).

    PE(p, 2i) = sin(p / 10,000^(2i / d_model)), PE(p, 2i + 1) = cos of the same: fast hands and slow hands of a clock.
    Source: Vaswani et al. 2017, section 3.5. Lesson 4.

    >>> sinusoidal_positions(2, 4)
    tensor([[0.0000, 1.0000, 0.0000, 1.0000],
            [0.8415, 0.5403, 0.0100, 0.9999]])
    """
    if d_model % 2:
        raise ValueError(f"waves come in pairs, a sine and a cosine, so d_model must be even; given {d_model}")
    frequencies = SINUSOIDAL_BASE ** (-torch.arange(0, d_model, 2) / d_model)
    angles = torch.arange(n_positions)[:, None] * frequencies
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2)


class RotaryEmbedding(NamedTuple):
    """Cosines and signed sines, ready to be multiplied: both (position, d_head)."""

    cos: Tensor
    sin: Tensor

    @classmethod
    def of(cls, angles: Tensor) -> RotaryEmbedding:
        """Prepare the rotation by these angles (position, d_head / 2)."""
        cos, sin = angles.cos(), angles.sin()
        return cls(torch.cat((cos, cos), dim=-1), torch.cat((-sin, sin), dim=-1))

    def at(self, start: int, stop: int) -> RotaryEmbedding:
        """Take the rotation for the positions from start up to stop."""
        return RotaryEmbedding(self.cos[start:stop], self.sin[start:stop])


def apply_rotary(x: Tensor, rotation: RotaryEmbedding) -> Tensor:
    """Turn the pairs (i, i + d_head / 2) of each vector by its position's angle.

    The dot product of two rotated vectors depends only on how far apart they stand, not on where.
    Source: Su et al. 2021, "RoFormer", section 3.4.2.

    Args:
        x: (..., position, d_head).
        rotation: for the same positions.
    """
    half_turned = x.roll(x.shape[-1] // 2, dims=-1)
    return torch.addcmul(x * rotation.cos, half_turned, rotation.sin)


class KVCache:
    """The keys and values of the tokens already read, so that generation need not compute them again (lesson 7).

    The space for `context_length` positions is set aside once; `extend` writes into it and hands back what is filled.
    """

    def __init__(self, batch: int, n_heads: int, context_length: int, d_head: int, *, like: Tensor):
        self.keys = like.new_empty(batch, n_heads, context_length, d_head)
        self.values = like.new_empty(batch, n_heads, context_length, d_head)
        self.length = 0

    def extend(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Add the new positions (batch, head, new, d_head) and return all keys and values up to them."""
        n_new = key.shape[-2]
        stop = self.length + n_new
        if stop > self.keys.shape[-2]:
            raise ValueError(
                f"the cache holds {self.keys.shape[-2]} positions; given {n_new} more after {self.length}"
            )
        self.keys.narrow(2, self.length, n_new).copy_(key)
        self.values.narrow(2, self.length, n_new).copy_(value)
        self.length = stop
        return self.keys.narrow(2, 0, stop), self.values.narrow(2, 0, stop)


class MultiHeadAttention(nn.Module):
    """Several attentions side by side, each with its own queries, keys and values (lesson 3).

    Queries and keys are normalized before they are compared (Henry et al. 2020, "Query-Key Normalization"), so that
    no score can run away, unless `query_key_norm` is off, and rotated by their position. There are no biases, unless
    `biases` is on. With fewer `n_key_value_heads` than heads, neighboring heads share their keys and values: grouped
    queries, Ainslie et al. 2023, "GQA", section 2.2 (lesson 10). Source: Vaswani et al. 2017, section 3.2.2.
    """

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        query_key_norm: bool = True,
        *,
        n_key_value_heads: int | None = None,
        biases: bool = False,
    ):
        super().__init__()
        self.query_key_norm = query_key_norm
        if d_model % n_heads:
            raise ValueError(
                f"the heads share the width evenly: d_model {d_model} is not a multiple of {n_heads} heads"
            )
        self.n_heads = n_heads
        self.d_head = d_model // n_heads
        self.n_sharing = n_heads // (n_key_value_heads or n_heads)
        d_shared = d_model // self.n_sharing
        self.query = nn.Linear(d_model, d_model, bias=biases)
        self.key = nn.Linear(d_model, d_shared, bias=biases)
        self.value = nn.Linear(d_model, d_shared, bias=biases)
        self.output = nn.Linear(d_model, d_model, bias=biases)

    def split_heads(self, x: Tensor) -> Tensor:
        """(batch, position, heads · d_head) → (batch, head, position, d_head)."""
        return x.unflatten(-1, (-1, self.d_head)).transpose(1, 2)

    def merge_heads(self, x: Tensor) -> Tensor:
        """(batch, head, position, d_head) → (batch, position, d_model)."""
        return x.transpose(1, 2).flatten(-2)

    def project(
        self, x: Tensor, rotation: RotaryEmbedding | None, source: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Ask, offer and carry: the queries of x, the keys and values of the source (x itself, or a memory).

        Each is (batch, head, position, d_head); where queries are grouped, keys and values have fewer heads.
        """
        source = x if source is None else source
        query = self.split_heads(self.query(x))
        key = self.split_heads(self.key(source))
        value = self.split_heads(self.value(source))
        if self.query_key_norm:
            query = QUERY_GAIN * F.layer_norm(query, (self.d_head,))
            key = F.layer_norm(key, (self.d_head,))
        if rotation is not None:
            query, key = apply_rotary(query, rotation), apply_rotary(key, rotation)
        return query, key, value

    def trace(
        self,
        x: Tensor,
        mask: Tensor | None,
        rotation: RotaryEmbedding | None,
        head_overrides: Mapping[int, Tensor | float] | None = None,
        source: Tensor | None = None,
    ) -> AttentionTrace:
        """Attend openly: return every step (shapes in `AttentionTrace`).

        `head_overrides`: what some heads hand on in place of their output, 0 or (d_head,); see `DecoderOnly.trace`.
        `source`: where keys and values come from, (batch, memory, d_model); None: from x itself.
        """
        query, key, value = self.project(x, rotation, source)
        key, value = (part.repeat_interleave(self.n_sharing, dim=1) for part in (key, value))
        scores, weights, head_outputs = scaled_dot_product_attention(query, key, value, mask)
        for head, replacement in (head_overrides or {}).items():
            head_outputs[:, head] = replacement
        output = self.output(self.merge_heads(head_outputs))
        return AttentionTrace(query, key, value, scores, weights, head_outputs, output)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None,
        rotation: RotaryEmbedding | None,
        cache: KVCache | None = None,
        source: Tensor | None = None,
    ) -> Tensor:
        """Attend fast: the same numbers as `trace`, through torch's fused attention; (batch, position, d_model)."""
        query, key, value = self.project(x, rotation, source)
        if cache is not None:
            key, value = cache.extend(key, value)
        shared = self.n_sharing > 1
        head_outputs = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, enable_gqa=shared)
        return self.output(self.merge_heads(head_outputs))
