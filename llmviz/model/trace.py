"""The page where every inner shape of the model is written down.

`model.trace(token_ids)` runs the model slowly and openly and *returns* everything a lesson draws.
The axis words are the same everywhere: batch, head, query, key, position, d_model, d_head, d_ff, vocab.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class AttentionTrace:
    """What one multi-head attention computed, step by step (lesson 3).

    Attributes:
        query: (batch, head, query, d_head), normalized and rotated by position.
        key: (batch, head, key, d_head), normalized and rotated by position.
        value: (batch, head, key, d_head).
        scores: (batch, head, query, key), q·k / √d_head *before* the mask and the softmax.
        weights: (batch, head, query, key); each row sums to 1, masked cells are exactly 0.
        head_outputs: (batch, head, query, d_head), the values mixed by the weights, or what was put in their
            place where a head is switched off.
        output: (batch, position, d_model), what is added to the residual stream.
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
    """What one block computed (lesson 4).

    Attributes:
        residual_before: (batch, position, d_model), the stream as it enters.
        attention_input: (batch, position, d_model), what attention reads: with pre-norm the stream, normalized.
        attention: the inside of the attention.
        residual_middle: (batch, position, d_model), the stream after attention was added.
        feed_forward_input: (batch, position, d_model), what the feed-forward network reads.
        feed_forward_hidden: (batch, position, d_ff), after the activation.
        feed_forward_output: (batch, position, d_model), what the feed-forward network adds.
        residual_after: (batch, position, d_model), the stream as it leaves.
    """

    residual_before: Tensor
    attention_input: Tensor
    attention: AttentionTrace
    residual_middle: Tensor
    feed_forward_input: Tensor
    feed_forward_hidden: Tensor
    feed_forward_output: Tensor
    residual_after: Tensor


@dataclass(frozen=True)
class CrossBlockTrace(BlockTrace):
    """What a block computed that also looks into a memory: of a decoder beside an encoder (lessons 4 and 7).

    Attributes beside those of `BlockTrace`:
        cross_attention_input: (batch, position, d_model), what asks the questions.
        cross_attention: the inside of the cross-attention; its keys are the positions of the memory.
        residual_after_cross: (batch, position, d_model), the stream after cross-attention was added.
    """

    cross_attention_input: Tensor
    cross_attention: AttentionTrace
    residual_after_cross: Tensor


@dataclass(frozen=True)
class StackTrace:
    """Everything a stack of blocks computed, from token ids to the stream that it hands on.

    Attributes:
        token_ids: (batch, position), what went in.
        embeddings: (batch, position, d_model), the vectors looked up for the token ids.
        mask: (position, position), bool, True = this query (row) may attend to this key (column). With padding:
            one for each text, broadcastable to (batch, head, query, key).
        blocks: one `BlockTrace` a layer.
        final: (batch, position, d_model), the stream as it is handed on; with pre-norm after a last normalization.
    """

    token_ids: Tensor
    embeddings: Tensor
    mask: Tensor
    blocks: tuple[BlockTrace, ...]
    final: Tensor

    @property
    def attention_weights(self) -> Tensor:
        """All attention weights at once: (layer, batch, head, query, key)."""
        return torch.stack([block.attention.weights for block in self.blocks])

    @property
    def residuals(self) -> Tensor:
        """The residual stream from the embeddings to the last block: (layer + 1, batch, position, d_model)."""
        return torch.stack([self.blocks[0].residual_before, *(block.residual_after for block in self.blocks)])


@dataclass(frozen=True)
class Trace(StackTrace):
    """Everything a model computed on its way from token ids to logits.

    Attributes:
        token_ids: (batch, position), what went in.
        embeddings: (batch, position, d_model), the vectors looked up for the token ids.
        mask: (position, position), bool, True = this query (row) may attend to this key (column).
        blocks: one `BlockTrace` a layer.
        final: (batch, position, d_model), the stream after the last normalization.
        logits: (batch, position, vocab), one score for each possible token: in a decoder for the next one, in an
            encoder for the one that stands here.
    """

    logits: Tensor

    @property
    def probabilities(self) -> Tensor:
        """The distribution that the logits stand for: (batch, position, vocab); each row sums to 1."""
        return self.logits.softmax(dim=-1)

    @property
    def losses(self) -> Tensor:
        """How surprising each token was to a decoder, from the second on, −ln p in nats: (batch, position - 1)."""
        return F.cross_entropy(self.logits[:, :-1].mT, self.token_ids[:, 1:].long(), reduction="none")


@dataclass(frozen=True)
class EncoderDecoderTrace:
    """Everything an encoder–decoder computed.

    Attributes:
        encoder: how the source was read; its `final` is the memory.
        decoder: how the target was written; its blocks are `CrossBlockTrace`s.
    """

    encoder: StackTrace
    decoder: Trace

    @property
    def cross_attention_weights(self) -> Tensor:
        """Where each target position looked in the source: (layer, batch, head, query, memory)."""
        return torch.stack([block.cross_attention.weights for block in self.decoder.blocks])
