"""The transformer: one block, assembled into a GPT (lesson 4).

GPT, BERT and the original Transformer use the same `Block`: what differs is the mask, which is data.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from llmviz.attention import KVCache, MultiHeadAttention, Rotation, causal_mask, rotary_angles
from llmviz.decoding import BlockCache, rotation_matrix
from llmviz.trace import BlockTrace, Trace


@dataclass(frozen=True)
class ModelConfig:
    """The sizes of a model: everything needed to build it again, empty.

    Attributes:
        vocab_size: how many different tokens there are.
        context_length: how many tokens the model can see at once.
        d_model: the width of the residual stream.
        n_layers: how many blocks stand on top of one another.
        n_heads: how many attentions work side by side in a block; divides d_model, and d_model / n_heads is even.
        d_ff: the width of the feed-forward network's hidden layer.
    """

    vocab_size: int
    context_length: int = 128
    d_model: int = 128
    n_layers: int = 2
    n_heads: int = 4
    d_ff: int = 512

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1; given {value!r}")
        if self.d_model % self.n_heads or (self.d_model // self.n_heads) % 2:
            raise ValueError(
                f"d_model must split into n_heads parts of even size; "
                f"given d_model {self.d_model} and {self.n_heads} heads"
            )

    @property
    def n_parameters(self) -> int:
        """How many numbers a model of these sizes has: two tables, and in each block six matrices.

        >>> ModelConfig(vocab_size=10, d_model=4, n_layers=1, n_heads=1, d_ff=16).n_parameters
        272
        """
        tables = 2 * self.vocab_size * self.d_model
        return tables + self.n_layers * (4 * self.d_model**2 + 2 * self.d_model * self.d_ff)


def normalise(x: Tensor) -> Tensor:
    """Bring each position's vector to mean 0 and variance 1 (layer normalisation without learned gains).

    Source: Ba, Kiros and Hinton 2016, "Layer Normalization", section 3.

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


class Block(nn.Module):
    """One layer: attention adds what it gathered, then the feed-forward network adds what it thought (lesson 4).

    Each reads a normalised copy of the residual stream ("pre-norm": Xiong et al. 2020, section 3.2).
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.attention = MultiHeadAttention(config.d_model, config.n_heads)
        self.feed_forward = FeedForward(config.d_model, config.d_ff)

    def trace(
        self, x: Tensor, mask: Tensor, rotation: Rotation, instead: Mapping[int, Tensor | float] | None = None
    ) -> BlockTrace:
        """Run openly: return every step (shapes in `BlockTrace`); `instead` as in `MultiHeadAttention.trace`."""
        attention = self.attention.trace(normalise(x), mask, rotation, instead)
        middle = x + attention.output
        hidden = self.feed_forward.hidden(normalise(middle))
        added = self.feed_forward.narrow(hidden)
        return BlockTrace(x, attention, middle, hidden, added, middle + added)

    def forward(self, x: Tensor, mask: Tensor | None, rotation: Rotation, cache: KVCache | None = None) -> Tensor:
        """Run fast: the same stream as `trace(...).residual_after`; (batch, position, d_model)."""
        x = x + self.attention(normalise(x), mask, rotation, cache)
        return x + self.feed_forward(normalise(x))


class DecoderOnly(nn.Module):
    """A GPT: embeddings, blocks that cannot see the future, and one score for each possible next token.

    Source: Radford et al. 2018/2019 (GPT, GPT-2) in outline; positions are rotary, the embedding and the
    unembedding are two tables. Lesson 4.

    Args:
        config: the sizes.
        seed: decides the random weights to begin with; the same seed gives the same weights.
    """

    def __init__(self, config: ModelConfig, *, seed: int = 0):
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self.unembedding = nn.Linear(config.d_model, config.vocab_size, bias=False)
        angles = rotary_angles(config.context_length, config.d_model // config.n_heads)
        rotation = Rotation.of(angles)
        self.register_buffer("cosine", rotation.cosine, persistent=False)
        self.register_buffer("signed_sine", rotation.signed_sine, persistent=False)
        mask = causal_mask(config.context_length)
        self.register_buffer("mask", mask, persistent=False)
        self.initialise(seed)

    @torch.no_grad()
    def initialise(self, seed: int) -> None:
        """Draw the first weights: small and random, but zero for what writes to the stream: layers begin silent."""
        generator = torch.Generator().manual_seed(seed)
        for name, weight in self.named_parameters():
            if name.endswith(("output.weight", "narrow.weight", "unembedding.weight")):
                weight.zero_()
            else:
                scale = 1.0 if name == "embedding.weight" else weight.shape[-1] ** -0.5
                weight.copy_(torch.randn(weight.shape, generator=generator) * scale)

    @property
    def n_parameters(self) -> int:
        """How many numbers training may change."""
        return sum(parameter.numel() for parameter in self.parameters())

    def check_token_ids(self, token_ids: Tensor, n_cached: int = 0) -> None:
        """Refuse what the model cannot read, in a sentence."""
        kind = token_ids.dtype if isinstance(token_ids, Tensor) else type(token_ids).__name__
        if kind not in (torch.int64, torch.int32):
            raise ValueError(f"the model reads a tensor of whole numbers, torch.tensor([[…]]); given {kind}")
        if token_ids.dim() != 2 or not token_ids.numel():
            raise ValueError(
                f"the model reads token ids of shape (batch, position), at least one; given {tuple(token_ids.shape)}"
            )
        if token_ids.shape[1] + n_cached > self.config.context_length:
            raise ValueError(
                f"this model sees {self.config.context_length} tokens at once (its context_length); "
                f"given {token_ids.shape[1] + n_cached}. Keep only the last {self.config.context_length}."
            )
        edges = token_ids.aminmax() if token_ids.numel() > 1 else (token_ids, token_ids)
        low, high = (int(edge) for edge in edges)
        if low < 0 or high >= self.config.vocab_size:
            raise ValueError(
                f"token ids go from 0 to {self.config.vocab_size - 1}; given {low if low < 0 else high}. "
                f"Is this the tokenizer that the model was trained with?"
            )

    def new_cache(self, batch: int = 1) -> list[BlockCache]:
        """Make an empty cache, one a layer, for generation with the weights as they are now."""
        return [BlockCache(block, batch, self.config.context_length) for block in self.blocks]

    def check_heads(self, heads: Collection[tuple[int, int]]) -> None:
        """Refuse heads that this model does not have, in a sentence."""
        for place in heads:
            match place:
                case (int(layer), int(head)) if 0 <= layer < len(self.blocks) and 0 <= head < self.config.n_heads:
                    continue
            raise ValueError(
                f"a head is named (layer, head), with layers from 0 to {len(self.blocks) - 1} and heads from 0 to "
                f"{self.config.n_heads - 1}; given {place!r}"
            )

    def trace(
        self, token_ids: Tensor, *, heads_off: Collection[tuple[int, int]] | Mapping[tuple[int, int], Tensor] = ()
    ) -> Trace:
        """Run openly and return everything a lesson draws.

        Args:
            token_ids: (position,) or (batch, position).
            heads_off: heads to silence, as (layer, head): what they would hand on to the output projection becomes 0.
                Or a mapping from such heads to what they hand on instead, (d_head,), for example what they hand on
                in the mean ("mean ablation": `ablation.mean_outputs`). Lesson 3.

        Returns:
            a `Trace`; its logits equal `model(token_ids)` when no head is off (a test holds them together).
        """
        self.check_heads(heads_off)
        replacements = heads_off if isinstance(heads_off, Mapping) else dict.fromkeys(heads_off, 0.0)
        if isinstance(token_ids, Tensor) and token_ids.dim() == 1:
            token_ids = token_ids[None]
        self.check_token_ids(token_ids)
        n_positions = token_ids.shape[1]
        mask = self.mask[:n_positions, :n_positions]
        rotation = Rotation(self.cosine, self.signed_sine).at(0, n_positions)
        embeddings = self.embedding(token_ids)
        stream, blocks = normalise(embeddings), []
        for layer, block in enumerate(self.blocks):
            instead = {head: output for (in_layer, head), output in replacements.items() if in_layer == layer}
            blocks.append(block.trace(stream, mask, rotation, instead))
            stream = blocks[-1].residual_after
        final = normalise(stream)
        return Trace(token_ids, embeddings, mask, tuple(blocks), final, self.unembedding(final))

    def forward(self, token_ids: Tensor, cache: list[BlockCache] | None = None) -> Tensor:
        """Give each position's scores for the next token, fast: (batch, position) → (batch, position, vocab).

        With a cache, `token_ids` are only the new positions, and the cache is extended by them.
        """
        start = cache[0].length if cache else 0
        self.check_token_ids(token_ids, start)
        stop = start + token_ids.shape[1]
        rotation = Rotation(self.cosine, self.signed_sine).at(start, stop)
        stream = normalise(self.embedding(token_ids))
        if cache and stop - start == 1:
            return self._read_one(stream[:, 0], rotation, cache)[:, None]
        mask = self.mask[start:stop, :stop]
        for index, block in enumerate(self.blocks):
            stream = block(stream, mask, rotation, cache[index] if cache else None)
        return self.unembedding(normalise(stream))

    def _read_one(self, stream: Tensor, rotation: Rotation, cache: list[BlockCache]) -> Tensor:
        """The scores after one new position: (batch, d_model) → (batch, vocab). It may see everything: no mask."""
        turn = rotation_matrix(rotation)
        for block in cache:
            stream = block.read(stream, turn)
        return self.unembedding(normalise(stream))
