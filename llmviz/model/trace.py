"""Dataclasses for intermediate activations, with their shapes: what `model.trace(token_ids)` returns.

Axes have the same names everywhere: batch, head, query, key, position, d_model, d_head, d_ff, vocab.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class _AttentionTrace:
    """The steps of one multi-head attention (lesson 3).

    Attributes:
        query: (batch, head, query, d_head), normalized and rotated.
        key: (batch, head, key, d_head), normalized and rotated.
        value: (batch, head, key, d_head).
        scores: (batch, head, query, key), q·k / √d_head *before* the mask and the softmax.
        weights: (batch, head, query, key); each row sums to 1, masked cells are exactly 0.
        head_outputs: (batch, head, query, d_head), the values mixed by the weights, or their override.
        output: (batch, position, d_model), added to the residual stream.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    scores: Tensor
    weights: Tensor
    head_outputs: Tensor
    output: Tensor


@dataclass(frozen=True)
class BlockTrace:
    """The steps of one block (lesson 4); those of cross-attention are None without it (lesson 7).

    Attributes:
        residual_before: (batch, position, d_model), the residual stream that enters.
        attention_input: (batch, position, d_model), with pre-norm the normalized stream.
        attention: its steps.
        residual_middle: (batch, position, d_model), the stream after attention.
        feed_forward_input: (batch, position, d_model).
        feed_forward_hidden: (batch, position, d_ff), after the activation.
        feed_forward_output: (batch, position, d_model), added to the residual stream.
        residual_after: (batch, position, d_model), the stream that leaves.
        cross_attention_input: (batch, position, d_model), from which its queries come.
        cross_attention: its steps; its keys are the positions of the memory.
        residual_after_cross: (batch, position, d_model), the stream after cross-attention.
    """

    residual_before: Tensor
    attention_input: Tensor
    attention: _AttentionTrace
    residual_middle: Tensor
    feed_forward_input: Tensor
    feed_forward_hidden: Tensor
    feed_forward_output: Tensor
    residual_after: Tensor
    cross_attention_input: Tensor | None = None
    cross_attention: _AttentionTrace | None = None
    residual_after_cross: Tensor | None = None


@dataclass(frozen=True)
class Trace:
    """The steps of a model, from token ids to logits.

    Attributes:
        token_ids: (batch, position).
        embeddings: (batch, position, d_model), the rows of the embedding matrix.
        mask: (position, position), bool, True = this query (row) may attend to this key (column); with padding
            broadcastable to (batch, head, query, key).
        blocks: one `BlockTrace` a layer.
        final: (batch, position, d_model), the output of the last block, with pre-norm normalized once more.
        logits: (batch, position, vocab), for the next token in a decoder, for this token in an encoder; None without
            an unembedding.
    """

    token_ids: Tensor
    embeddings: Tensor
    mask: Tensor
    blocks: tuple[BlockTrace, ...]
    final: Tensor
    logits: Tensor | None = None

    @property
    def attention_weights(self) -> Tensor:
        """All attention weights: (layer, batch, head, query, key)."""
        return torch.stack([block.attention.weights for block in self.blocks])

    @property
    def residuals(self) -> Tensor:
        """The residual stream from the embeddings to the last block: (layer + 1, batch, position, d_model)."""
        return torch.stack([self.blocks[0].residual_before, *(block.residual_after for block in self.blocks)])

    @property
    def probabilities(self) -> Tensor:
        """softmax of the logits: (batch, position, vocab)."""
        return self.logits.softmax(dim=-1)

    @property
    def losses(self) -> Tensor:
        """−ln p of each token of a decoder's input, from the second on, in nats: (batch, position - 1)."""
        return F.cross_entropy(self.logits[:, :-1].mT, self.token_ids[:, 1:].long(), reduction="none")


@dataclass(frozen=True)
class _EncoderDecoderTrace:
    """The steps of an encoder–decoder; `encoder.final` is the memory."""

    encoder: Trace
    decoder: Trace

    @property
    def cross_attention_weights(self) -> Tensor:
        """Attention of each target position to the source: (layer, batch, head, query, memory)."""
        return torch.stack([block.cross_attention.weights for block in self.decoder.blocks])
