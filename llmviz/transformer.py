"""The transformer: one block, assembled into a GPT, or into a BERT: the same machine, another mask (lesson 4).

`encoder_decoder.py` has the third assembly, that of the original paper.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from llmviz.attention import KVCache, Rotation, causal_mask, check_mask, rotary_angles, sinusoidal_positions
from llmviz.block import Block, Memory, ModelConfig, normalise
from llmviz.decoding import BlockCache, rotation_matrix
from llmviz.trace import StackTrace, Trace

HeadsOff = Collection[tuple[int, int]] | Mapping[tuple[int, int], Tensor]


class Assembly(nn.Module):
    """What all assemblies have: a table of embeddings, stacks of blocks, and a table that gives the scores.

    Args:
        config: the sizes and choices.
        stacks: the name of each stack of blocks, and whether its blocks read a memory.
        seed: decides the random weights to begin with; the same seed gives the same weights.
    """

    def __init__(self, config: ModelConfig, stacks: Mapping[str, bool], *, seed: int = 0):
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.d_model)
        if config.positions == "learned":
            self.position_embedding = nn.Embedding(config.context_length, config.d_model)
        for name, reads_memory in stacks.items():
            blocks = (Block(config, reads_memory=reads_memory) for _ in range(config.n_layers))
            self.add_module(name, nn.ModuleList(blocks))
        self.unembedding = nn.Linear(config.d_model, config.vocab_size, bias=False)
        if config.positions == "sinusoidal":
            waves = sinusoidal_positions(config.context_length, config.d_model)
            self.register_buffer("waves", waves, persistent=False)
        if config.positions == "rotary":
            rotation = Rotation.of(rotary_angles(config.context_length, config.d_model // config.n_heads))
            self.register_buffer("cosine", rotation.cosine, persistent=False)
            self.register_buffer("signed_sine", rotation.signed_sine, persistent=False)
        self.register_buffer("mask", causal_mask(config.context_length), persistent=False)
        self.initialise(seed)

    @torch.no_grad()
    def initialise(self, seed: int) -> None:
        """Draw the first weights: small and random, but zero for what writes to the stream: layers begin silent."""
        generator = torch.Generator().manual_seed(seed)
        for name, weight in self.named_parameters():
            if name.endswith(("output.weight", "narrow.weight", "unembedding.weight")):
                weight.zero_()
            else:
                scale = 1.0 if name.endswith("embedding.weight") else weight.shape[-1] ** -0.5
                weight.copy_(torch.randn(weight.shape, generator=generator) * scale)

    @property
    def n_parameters(self) -> int:
        """How many numbers training may change."""
        return sum(parameter.numel() for parameter in self.parameters())

    @staticmethod
    def count_parameters(config: ModelConfig) -> int:
        """How many numbers such a model has, without building it."""
        return config.n_parameters

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

    def as_batch(self, token_ids: Tensor) -> Tensor:
        """Make one text (position,) a batch of one; refuse what the model cannot read. Returns (batch, position)."""
        token_ids = token_ids[None] if isinstance(token_ids, Tensor) and token_ids.dim() == 1 else token_ids
        self.check_token_ids(token_ids)
        return token_ids

    def check_heads(self, heads: Collection[tuple[int, int]]) -> None:
        """Refuse heads that this model does not have, in a sentence."""
        for place in heads:
            match place:
                case (int(layer), int(head)) if 0 <= layer < self.config.n_layers and 0 <= head < self.config.n_heads:
                    continue
            raise ValueError(
                f"a head is named (layer, head), with layers from 0 to {self.config.n_layers - 1} and heads from 0 to "
                f"{self.config.n_heads - 1}; given {place!r}"
            )

    def embed(self, token_ids: Tensor, start: int = 0) -> Tensor:
        """Look up each token's vector, and add that of its position where positions are added: the first stream.

        (batch, position) → (batch, position, d_model), normalised; `start` is the first token's position.
        """
        return self._place(self.embedding(token_ids), start)

    def _place(self, embeddings: Tensor, start: int = 0) -> Tensor:
        stop = start + embeddings.shape[1]
        if self.config.positions == "learned":
            embeddings = embeddings + self.position_embedding.weight[start:stop]
        elif self.config.positions == "sinusoidal":
            embeddings = embeddings + self.waves[start:stop]
        return normalise(embeddings)

    def rotation(self, start: int, stop: int) -> Rotation | None:
        """The rotation of queries and keys at these positions; None where positions are not rotary."""
        if self.config.positions != "rotary":
            return None
        return Rotation(self.cosine, self.signed_sine).at(start, stop)

    def last(self, stream: Tensor) -> Tensor:
        """What a stack hands on: with pre-norm the stream is normalised once more, with post-norm it is already."""
        return normalise(stream) if self.config.norm == "pre" else stream

    def _read(
        self, blocks: nn.ModuleList, token_ids: Tensor, mask: Tensor | None, memory: Memory | None = None
    ) -> Tensor:
        """Run a stack fast: what it hands on, (batch, position, d_model)."""
        stream, rotation = self.embed(token_ids), self.rotation(0, token_ids.shape[1])
        for block in blocks:
            stream = block(stream, mask, rotation, None, memory)
        return self.last(stream)

    def _trace(
        self,
        blocks: nn.ModuleList,
        token_ids: Tensor,
        mask: Tensor,
        heads_off: HeadsOff = (),
        memory: Memory | None = None,
    ) -> StackTrace:
        """Run a stack openly."""
        self.check_heads(heads_off)
        replacements = heads_off if isinstance(heads_off, Mapping) else dict.fromkeys(heads_off, 0.0)
        embeddings, rotation = self.embedding(token_ids), self.rotation(0, token_ids.shape[1])
        stream, traces = self._place(embeddings), []
        for layer, block in enumerate(blocks):
            instead = {head: output for (in_layer, head), output in replacements.items() if in_layer == layer}
            traces.append(block.trace(stream, mask, rotation, instead, memory))
            stream = traces[-1].residual_after
        return StackTrace(token_ids, embeddings, mask, tuple(traces), self.last(stream))

    def _with_logits(self, stack: StackTrace) -> Trace:
        return Trace(**vars(stack), logits=self.unembedding(stack.final))


class DecoderOnly(Assembly):
    """A GPT: embeddings, blocks that cannot see the future, and one score for each possible next token.

    Source: Radford et al. 2018/2019 (GPT, GPT-2) in outline; positions are rotary unless the config says otherwise,
    the embedding and the unembedding are two tables. Lesson 4.

    Args:
        config: the sizes and choices.
        seed: decides the random weights to begin with; the same seed gives the same weights.
    """

    def __init__(self, config: ModelConfig, *, seed: int = 0):
        super().__init__(config, {"blocks": False}, seed=seed)

    @property
    def reads_fast(self) -> bool:
        """Whether one cached token can take the short way of `decoding.py`, which knows the default choices only."""
        return self.config == replace(self.config, positions="rotary", norm="pre", query_key_norm=True)

    def new_cache(self, batch: int = 1) -> list[KVCache]:
        """Make an empty cache, one a layer, for generation with the weights as they are now."""
        config = self.config
        if self.reads_fast:
            return [BlockCache(block, batch, config.context_length) for block in self.blocks]
        sizes = (batch, config.n_heads, config.context_length, config.d_model // config.n_heads)
        return [KVCache(*sizes, like=self.embedding.weight) for _ in self.blocks]

    def trace(self, token_ids: Tensor, *, heads_off: HeadsOff = ()) -> Trace:
        """Run openly and return everything a lesson draws.

        Args:
            token_ids: (position,) or (batch, position).
            heads_off: heads to silence, as (layer, head): what they would hand on to the output projection becomes 0.
                Or a mapping from such heads to what they hand on instead, (d_head,), for example what they hand on
                in the mean ("mean ablation": `ablation.mean_outputs`). Lesson 3.

        Returns:
            a `Trace`; its logits equal `model(token_ids)` when no head is off (a test holds them together).
        """
        token_ids = self.as_batch(token_ids)
        n_positions = token_ids.shape[1]
        mask = self.mask[:n_positions, :n_positions]
        return self._with_logits(self._trace(self.blocks, token_ids, mask, heads_off))

    def forward(self, token_ids: Tensor, cache: list[KVCache] | None = None) -> Tensor:
        """Give each position's scores for the next token, fast: (batch, position) → (batch, position, vocab).

        With a cache, `token_ids` are only the new positions, and the cache is extended by them.
        """
        start = cache[0].length if cache else 0
        self.check_token_ids(token_ids, start)
        stop = start + token_ids.shape[1]
        rotation = self.rotation(start, stop)
        stream = self.embed(token_ids, start)
        if cache and stop - start == 1 and isinstance(cache[0], BlockCache):
            return self._read_one(stream[:, 0], rotation, cache)[:, None]
        mask = self.mask[start:stop, :stop]
        for index, block in enumerate(self.blocks):
            stream = block(stream, mask, rotation, cache[index] if cache else None)
        return self.unembedding(self.last(stream))

    def _read_one(self, stream: Tensor, rotation: Rotation, cache: list[BlockCache]) -> Tensor:
        """The scores after one new position: (batch, d_model) → (batch, vocab). It may see everything: no mask."""
        turn = rotation_matrix(rotation)
        for block in cache:
            stream = block.read(stream, turn)
        return self.unembedding(normalise(stream))


class EncoderOnly(Assembly):
    """A BERT: the same blocks as a GPT, but everyone may look at everyone, and the scores are for *this* token.

    Where a token was hidden from it, it says what stood there (`masking.py`). Weights are named as in `DecoderOnly`:
    a decoder's weights in an encoder with a causal mask give the decoder's scores.
    Source: Devlin et al. 2019, "BERT", section 3, in outline. Lessons 4 and 5.

    Args:
        config: the sizes and choices.
        seed: decides the random weights to begin with.
    """

    def __init__(self, config: ModelConfig, *, seed: int = 0):
        super().__init__(config, {"blocks": False}, seed=seed)

    def trace(self, token_ids: Tensor, mask: Tensor | None = None, *, heads_off: HeadsOff = ()) -> Trace:
        """Run openly and return everything a lesson draws.

        Args:
            token_ids: (position,) or (batch, position).
            mask: broadcastable to (batch, head, query, key), bool, True = may attend (see `causal_mask`,
                `padding_mask`); None lets everyone see everyone.
            heads_off: as in `DecoderOnly.trace`.
        """
        token_ids = self.as_batch(token_ids)
        mask = self.mask.new_ones(2 * token_ids.shape[1:]) if mask is None else mask
        return self._with_logits(self._trace(self.blocks, token_ids, mask, heads_off))

    def forward(self, token_ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """Give each position's scores for the token that stands there: (batch, position) → (batch, position, vocab)."""
        self.check_token_ids(token_ids)
        if mask is not None:
            batch, n_positions = token_ids.shape
            check_mask(mask, (batch, self.config.n_heads, n_positions, n_positions))
        return self.unembedding(self._read(self.blocks, token_ids, mask))
