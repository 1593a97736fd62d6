"""The block: attention gathers, a feed-forward network thinks, and both only ever *add* to the stream (lesson 4).

GPT, BERT and the original Transformer stack this same block. What differs is the mask, which is data, and one more
sub-layer where two texts meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from llmviz.attention import KVCache, MultiHeadAttention, Rotation
from llmviz.trace import BlockTrace, CrossBlockTrace

CHOICES = {"positions": ("none", "sinusoidal", "learned", "rotary"), "norm": ("pre", "post")}


@dataclass(frozen=True)
class ModelConfig:
    """The sizes of a model, and three choices: everything needed to build it again, empty.

    Attributes:
        vocab_size: how many different tokens there are.
        context_length: how many tokens the model can see at once.
        d_model: the width of the residual stream.
        n_layers: how many blocks stand on top of one another.
        n_heads: how many attentions work side by side in a block; divides d_model, and d_model / n_heads is even.
        d_ff: the width of the feed-forward network's hidden layer.
        positions: how a token learns where it stands: "none", "sinusoidal" or "learned" (a vector is added to its
            embedding), or "rotary" (its queries and keys are turned).
        norm: "pre" normalises what a sub-layer reads, "post" the stream after it was added.
        query_key_norm: whether queries and keys are normalised before they are compared.
    """

    vocab_size: int
    context_length: int = 128
    d_model: int = 128
    n_layers: int = 2
    n_heads: int = 4
    d_ff: int = 512
    positions: str = "rotary"
    norm: str = "pre"
    query_key_norm: bool = True

    def __post_init__(self) -> None:
        for name in ("vocab_size", "context_length", "d_model", "n_layers", "n_heads", "d_ff"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1; given {value!r}")
        if self.d_model % self.n_heads or (self.d_model // self.n_heads) % 2:
            raise ValueError(
                f"d_model must split into n_heads parts of even size; "
                f"given d_model {self.d_model} and {self.n_heads} heads"
            )
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is one of {', '.join(map(repr, known))}; given {getattr(self, name)!r}")
        if not isinstance(self.query_key_norm, bool):
            raise ValueError(f"query_key_norm is True or False; given {self.query_key_norm!r}")

    @property
    def n_parameters(self) -> int:
        """How many numbers a GPT or a BERT of these sizes has: two or three tables, and in each block six matrices.

        >>> ModelConfig(vocab_size=10, d_model=4, n_layers=1, n_heads=1, d_ff=16).n_parameters
        272
        """
        n_rows = 2 * self.vocab_size + (self.context_length if self.positions == "learned" else 0)
        return n_rows * self.d_model + self.n_layers * (4 * self.d_model**2 + 2 * self.d_model * self.d_ff)


def normalise(x: Tensor) -> Tensor:
    """Bring each position's vector to mean 0 and variance 1 (layer normalisation without learned gains).

    Source: Ba, Kiros and Hinton 2016, "Layer Normalization", section 3.

    >>> import torch
    >>> normalise(torch.tensor([[1.0, 2.0, 3.0]]))
    tensor([[-1.2247,  0.0000,  1.2247]])
    """
    return F.layer_norm(x, x.shape[-1:])


class FeedForward(nn.Module):
    """Think about each position by itself: widen, cut off what is negative and square it, narrow again (lesson 4).

    ReLU² is from So et al. 2021, "Primer", section 3.2. The original has ReLU: Vaswani et al. 2017, section 3.3.
    """

    def __init__(self, d_model: int, d_ff: int):
        super().__init__()
        self.widen = nn.Linear(d_model, d_ff, bias=False)
        self.narrow = nn.Linear(d_ff, d_model, bias=False)

    def hidden(self, x: Tensor) -> Tensor:
        """The hidden layer after its activation: (batch, position, d_ff)."""
        return F.relu(self.widen(x)).square()

    def forward(self, x: Tensor) -> Tensor:
        """(batch, position, d_model) → (batch, position, d_model)."""
        return self.narrow(self.hidden(x))


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
    "pre": each sub-layer reads a normalised copy of the stream, which itself is only added to (Xiong et al. 2020,
    section 3.2). "post": the stream is normalised after each addition (Vaswani et al. 2017, section 3.1).
    """

    def __init__(self, config: ModelConfig, *, reads_memory: bool = False):
        super().__init__()
        attention = (config.d_model, config.n_heads, config.query_key_norm)
        self.attention = MultiHeadAttention(*attention)
        self.cross_attention = MultiHeadAttention(*attention) if reads_memory else None
        self.feed_forward = FeedForward(config.d_model, config.d_ff)
        self.before = normalise if config.norm == "pre" else _unchanged
        self.after = _unchanged if config.norm == "pre" else normalise

    def trace(
        self,
        x: Tensor,
        mask: Tensor | None,
        rotation: Rotation | None,
        instead: Mapping[int, Tensor | float] | None = None,
        memory: Memory | None = None,
    ) -> BlockTrace:
        """Run openly: return every step (shapes in `BlockTrace`); `instead` as in `MultiHeadAttention.trace`."""
        attention_input = self.before(x)
        attention = self.attention.trace(attention_input, mask, rotation, instead)
        stream = middle = self.after(x + attention.output)
        cross = None
        if self.cross_attention is not None:
            cross_input = self.before(middle)
            cross = self.cross_attention.trace(cross_input, memory.mask, None, source=memory.states)
            stream = self.after(middle + cross.output)
        thinks_about = self.before(stream)
        hidden = self.feed_forward.hidden(thinks_about)
        added = self.feed_forward.narrow(hidden)
        parts = (x, attention_input, attention, middle, thinks_about, hidden, added, self.after(stream + added))
        return BlockTrace(*parts) if cross is None else CrossBlockTrace(*parts, cross_input, cross, stream)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None,
        rotation: Rotation | None,
        cache: KVCache | None = None,
        memory: Memory | None = None,
    ) -> Tensor:
        """Run fast: the same stream as `trace(...).residual_after`; (batch, position, d_model)."""
        x = self.after(x + self.attention(self.before(x), mask, rotation, cache))
        if self.cross_attention is not None:
            x = self.after(x + self.cross_attention(self.before(x), memory.mask, None, source=memory.states))
        return self.after(x + self.feed_forward(self.before(x)))


def _unchanged(x: Tensor) -> Tensor:
    return x
