"""The transformer: one block, assembled into a GPT, or into a BERT: the same machine, another mask (lesson 4).

`encoder_decoder.py` has the third assembly, that of the original paper.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from llmviz.model.attention import (
    KVCache,
    RotaryEmbedding,
    causal_mask,
    check_mask,
    rotary_angles,
    sinusoidal_positions,
)
from llmviz.model.block import Block, Memory, Norm, normalize
from llmviz.model.cached_block import BlockCache, rotation_matrix
from llmviz.model.config import ModelConfig
from llmviz.model.trace import EncoderDecoderTrace, StackTrace, Trace

AblatedHeads = Collection[tuple[int, int]] | Mapping[tuple[int, int], Tensor]


class TransformerBase(nn.Module):
    """What all assemblies have: a table of embeddings, stacks of blocks, and a table that gives the scores.

    Args:
        config: the sizes and choices.
        stacks: the name of each stack of blocks, and whether its blocks read a memory.
        seed: decides the random weights to begin with; the same seed gives the same weights. None: they are about to
            be read from a file, and are left as they happen to be.
    """

    def __init__(self, config: ModelConfig, stacks: Mapping[str, bool], *, seed: int | None = 0):
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.d_model)
        if config.positions == "learned":
            self.position_embedding = nn.Embedding(config.context_length, config.d_model)
        for name, reads_memory in stacks.items():
            blocks = (Block(config, reads_memory=reads_memory) for _ in range(config.n_layers))
            self.add_module(name, nn.ModuleList(blocks))
        self.embedding_norm = Norm(config) if config.embedding_norm else None
        self.final_norm = Norm(config) if config.norm == "pre" else None
        self.unembedding = self._last_table()
        if config.positions == "sinusoidal":
            positional_encoding = sinusoidal_positions(config.context_length, config.d_model)
            self.register_buffer("positional_encoding", positional_encoding, persistent=False)
        if config.positions == "rotary":
            d_head = config.d_model // config.n_heads
            rotation = RotaryEmbedding.of(rotary_angles(config.context_length, d_head, base=config.rotary_base))
            self.register_buffer("cos", rotation.cos, persistent=False)
            self.register_buffer("sin", rotation.sin, persistent=False)
        self.register_buffer("mask", causal_mask(config.context_length), persistent=False)
        if seed is not None:
            self.initialize(seed)

    def _last_table(self) -> nn.Module | None:
        """What turns the stream into scores, as the config says."""
        if self.config.unembedding == "none":
            return None
        if self.config.unembedding == "masked_lm":
            return MaskedLMHead(self.config, self.embedding)
        is_tied = self.config.unembedding == "tied"
        device = "meta" if is_tied else None  # a tied table takes no room of its own
        table = nn.Linear(self.config.d_model, self.config.vocab_size, bias=False, device=device)
        if is_tied:
            table.weight = self.embedding.weight
        return table

    @torch.no_grad()
    def initialize(self, seed: int) -> None:
        """Draw the first weights: small and random, but zero for what writes to the stream: layers begin silent."""
        generator = torch.Generator().manual_seed(seed)
        for name, weight in self.named_parameters():
            if name.endswith(("output.weight", "down_proj.weight", "unembedding.weight")):
                weight.zero_()
            elif name.endswith("norm.weight"):
                weight.fill_(1.0)
            elif weight.dim() == 1:  # a bias
                weight.zero_()
            else:
                is_table = name.endswith("embedding.weight") and self.config.unembedding == "untied"
                scale = 1.0 if is_table else weight.shape[-1] ** -0.5
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

        (batch, position) → (batch, position, d_model), normalized; `start` is the first token's position.
        """
        return self._place(self.embedding(token_ids), start)

    def _place(self, embeddings: Tensor, start: int = 0) -> Tensor:
        stop = start + embeddings.shape[1]
        if self.config.positions == "learned":
            embeddings = embeddings + self.position_embedding.weight[start:stop]
        elif self.config.positions == "sinusoidal":
            embeddings = embeddings + self.positional_encoding[start:stop]
        return embeddings if self.embedding_norm is None else self.embedding_norm(embeddings)

    def rotation(self, start: int, stop: int) -> RotaryEmbedding | None:
        """The rotation of queries and keys at these positions; None where positions are not rotary."""
        if self.config.positions != "rotary":
            return None
        return RotaryEmbedding(self.cos, self.sin).at(start, stop)

    def last(self, stream: Tensor) -> Tensor:
        """What a stack hands on: with pre-norm the stream is normalized once more, with post-norm it is already."""
        return stream if self.final_norm is None else self.final_norm(stream)

    def lens(self, residuals: Tensor) -> Tensor:
        """Which scores would each layer give, if it were the last? (..., d_model) → (..., vocab). Lesson 4."""
        if self.unembedding is None:
            raise ValueError("this model hands on its stream and has no last table, so no layer gives scores")
        return self.unembedding(self.last(residuals))

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
        ablate_heads: AblatedHeads = (),
        memory: Memory | None = None,
    ) -> StackTrace:
        """Run a stack openly."""
        self.check_heads(ablate_heads)
        replacements = ablate_heads if isinstance(ablate_heads, Mapping) else dict.fromkeys(ablate_heads, 0.0)
        embeddings, rotation = self.embedding(token_ids), self.rotation(0, token_ids.shape[1])
        stream, traces = self._place(embeddings), []
        for layer, block in enumerate(blocks):
            overrides = {head: output for (in_layer, head), output in replacements.items() if in_layer == layer}
            traces.append(block.trace(stream, mask, rotation, overrides, memory))
            stream = traces[-1].residual_after
        return StackTrace(token_ids, embeddings, mask, tuple(traces), self.last(stream))

    def _with_logits(self, stack: StackTrace) -> Trace:
        return Trace(**vars(stack), logits=self.unembedding(stack.final))


class MaskedLMHead(nn.Module):
    """BERT's last table: one more layer prepares the stream, then the table of embeddings gives the scores.

    Source: Devlin et al. 2019, "BERT", section 3.1 and its published code. Lesson 10.
    """

    def __init__(self, config: ModelConfig, embedding: nn.Embedding):
        super().__init__()
        self.dense = nn.Linear(config.d_model, config.d_model)
        self.norm = Norm(config)
        self.weight = embedding.weight
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, stream: Tensor) -> Tensor:
        """(..., d_model) → (..., vocab)."""
        return F.linear(self.norm(F.gelu(self.dense(stream))), self.weight, self.bias)


class DecoderOnly(TransformerBase):
    """A GPT: embeddings, blocks that cannot see the future, and one score for each possible next token.

    Source: Radford et al. 2018/2019 (GPT, GPT-2) in outline; positions are rotary unless the config says otherwise,
    the embedding and the unembedding are two tables. Lesson 4.

    Args:
        config: the sizes and choices.
        seed: decides the random weights to begin with; the same seed gives the same weights.
    """

    def __init__(self, config: ModelConfig, *, seed: int | None = 0):
        if config.unembedding == "none":
            raise ValueError('a GPT scores the next token, so it needs a last table; given unembedding="none"')
        super().__init__(config, {"blocks": False}, seed=seed)

    @property
    def reads_fast(self) -> bool:
        """Whether one cached token can take the short way of `decoding.py`, which knows the default choices only."""
        return self.config.is_default

    def new_cache(self, batch: int = 1) -> list[KVCache]:
        """Make an empty cache, one a layer, for generation with the weights as they are now."""
        config = self.config
        if self.reads_fast:
            return [BlockCache(block, batch, config.context_length) for block in self.blocks]
        n_heads = config.n_key_value_heads or config.n_heads
        sizes = (batch, n_heads, config.context_length, config.d_model // config.n_heads)
        return [KVCache(*sizes, like=self.embedding.weight) for _ in self.blocks]

    def trace(self, token_ids: Tensor, *, ablate_heads: AblatedHeads = ()) -> Trace:
        """Run openly and return everything a lesson draws.

        Args:
            token_ids: (position,) or (batch, position).
            ablate_heads: heads whose output is set to 0, as (layer, head); or a mapping from such heads to the
                output to use in its place, (d_head,). Lesson 3.

        Returns:
            a `Trace`; its logits equal `model(token_ids)` when no head is off (a test holds them together).
        """
        token_ids = self.as_batch(token_ids)
        n_positions = token_ids.shape[1]
        mask = self.mask[:n_positions, :n_positions]
        return self._with_logits(self._trace(self.blocks, token_ids, mask, ablate_heads))

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
        mask = None if stop - start == 1 else self.mask[start:stop, :stop]  # the last one may look at everything
        for index, block in enumerate(self.blocks):
            stream = block(stream, mask, rotation, cache[index] if cache else None)
        return self.unembedding(self.last(stream))

    def _read_one(self, stream: Tensor, rotation: RotaryEmbedding, cache: list[BlockCache]) -> Tensor:
        """The scores after one new position: (batch, d_model) → (batch, vocab). It may see everything: no mask."""
        turn = rotation_matrix(rotation)
        for block in cache:
            stream = block.read(stream, turn)
        return self.unembedding(normalize(stream))


class EncoderOnly(TransformerBase):
    """A BERT: the same blocks as a GPT, but everyone may look at everyone, and the scores are for *this* token.

    Where a token was hidden from it, it says what stood there (`masking.py`). Weights are named as in `DecoderOnly`:
    a decoder's weights in an encoder with a causal mask give the decoder's scores. With unembedding="none" it hands
    on its stream, (batch, position, d_model), and its trace is a `StackTrace`: vectors of words in their context.
    Source: Devlin et al. 2019, "BERT", section 3, in outline. Lessons 4 and 5.

    Args:
        config: the sizes and choices.
        seed: decides the random weights to begin with.
    """

    def __init__(self, config: ModelConfig, *, seed: int | None = 0):
        super().__init__(config, {"blocks": False}, seed=seed)

    def trace(
        self, token_ids: Tensor, mask: Tensor | None = None, *, ablate_heads: AblatedHeads = ()
    ) -> Trace | StackTrace:
        """Run openly and return everything a lesson draws.

        Args:
            token_ids: (position,) or (batch, position).
            mask: broadcastable to (batch, head, query, key), bool, True = may attend (see `causal_mask`,
                `padding_mask`); None lets everyone see everyone.
            ablate_heads: as in `DecoderOnly.trace`.
        """
        token_ids = self.as_batch(token_ids)
        mask = self.mask.new_ones(2 * token_ids.shape[1:]) if mask is None else mask
        stack = self._trace(self.blocks, token_ids, mask, ablate_heads)
        return stack if self.unembedding is None else self._with_logits(stack)

    def forward(self, token_ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """Give each position's scores for the token that stands there: (batch, position) → (batch, position, vocab)."""
        self.check_token_ids(token_ids)
        if mask is not None:
            batch, n_positions = token_ids.shape
            check_mask(mask, (batch, self.config.n_heads, n_positions, n_positions))
        stream = self._read(self.blocks, token_ids, mask)
        return stream if self.unembedding is None else self.unembedding(stream)


class EncoderDecoder(TransformerBase):
    """The original Transformer: an encoder without a mask, and a decoder whose blocks have one more sub-layer.

    In cross-attention the queries come from the target and the keys and values from the *memory*, what the encoder
    made of the source. Source and target share one vocabulary and one table of embeddings, and no positions are
    compared between them. Source: Vaswani et al. 2017, section 3.1. Lessons 4 and 7.

    Args:
        config: the sizes and choices; `n_layers` blocks on either side.
        seed: decides the random weights to begin with.
    """

    def __init__(self, config: ModelConfig, *, seed: int = 0):
        super().__init__(config, {"encoder": False, "decoder": True}, seed=seed)

    @staticmethod
    def count_parameters(config: ModelConfig) -> int:
        """How many numbers such a model has: a second stack, and four more matrices in each of its blocks.

        >>> EncoderDecoder.count_parameters(ModelConfig(vocab_size=10, d_model=4, n_layers=1, n_heads=1, d_ff=16))
        528
        """
        looking_up = config.n_attention_parameters + config.n_norm_parameters
        return config.n_parameters + config.n_layers * (config.n_block_parameters + looking_up)

    def encode(self, source_ids: Tensor, source_mask: Tensor | None = None) -> Memory:
        """Read the source once: (batch, source) → a memory of (batch, source, d_model).

        `source_mask` says which source tokens are there, broadcastable to (batch, 1, 1, source): see `padding_mask`.
        """
        self.check_token_ids(source_ids)
        check_source(source_ids, source_mask)
        return Memory(self._read(self.encoder, source_ids, source_mask), source_mask)

    def decode(self, target_ids: Tensor, memory: Memory) -> Tensor:
        """Give each target position's scores for the next token: (batch, position) → (batch, position, vocab)."""
        self.check_token_ids(target_ids)
        check_pairs(len(memory.states), len(target_ids))
        n_positions = target_ids.shape[1]
        return self.unembedding(self._read(self.decoder, target_ids, self.mask[:n_positions, :n_positions], memory))

    def forward(self, source_ids: Tensor, target_ids: Tensor, source_mask: Tensor | None = None) -> Tensor:
        """Read the source, and give each target position's scores for the next token; (batch, position, vocab)."""
        return self.decode(target_ids, self.encode(source_ids, source_mask))

    def trace(
        self, source_ids: Tensor, target_ids: Tensor, source_mask: Tensor | None = None
    ) -> EncoderDecoderTrace:
        """Run openly and return everything; ids are (position,) or (batch, position), the mask as in `encode`."""
        source_ids, target_ids = self.as_batch(source_ids), self.as_batch(target_ids)
        check_source(source_ids, source_mask)
        check_pairs(len(source_ids), len(target_ids))
        n_target = target_ids.shape[1]
        everyone = self.mask.new_ones(2 * source_ids.shape[1:])
        encoder = self._trace(self.encoder, source_ids, everyone if source_mask is None else source_mask)
        memory = Memory(encoder.final, source_mask)
        decoder = self._trace(self.decoder, target_ids, self.mask[:n_target, :n_target], memory=memory)
        return EncoderDecoderTrace(encoder, self._with_logits(decoder))


def check_source(source_ids: Tensor, source_mask: Tensor | None) -> None:
    """Refuse a mask that does not say for each source token whether it is there, in a sentence."""
    if source_mask is not None:
        batch, n_source = source_ids.shape
        check_mask(source_mask, (batch, 1, 1, n_source))


def check_pairs(n_sources: int, n_targets: int) -> None:
    """Refuse sources and targets that do not come in pairs, in a sentence."""
    if n_sources != n_targets:
        raise ValueError(f"each target belongs to one source; given {n_sources} sources and {n_targets} targets")
