"""Whole models from one block: a GPT (decoder), a BERT (encoder), and the original encoder–decoder (lesson 4)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from llmviz.model.attention import (
    RotaryEmbedding,
    _check_mask,
    _KVCache,
    _sinusoidal_positions,
    causal_mask,
    rotary_angles,
)
from llmviz.model.block import Block, Memory, _BlockCache, _Norm, normalize
from llmviz.model.config import ModelConfig
from llmviz.model.trace import Trace, _EncoderDecoderTrace

_AblatedHeads = Collection[tuple[int, int]] | Mapping[tuple[int, int], Tensor]


class TransformerBase(nn.Module):
    """What all models share: an embedding, stacks of blocks, a final normalization and an unembedding.

    `stacks` says by name which have cross-attention. Seed None leaves the weights uninitialized, to be loaded.
    """

    block_class = Block

    def __init__(self, config: ModelConfig, stacks: Mapping[str, bool], *, seed: int | None):
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.d_model)
        if config.positions == "learned":
            self.position_embedding = nn.Embedding(config.context_length, config.d_model)
        for name, reads_memory in stacks.items():
            blocks = (self.block_class(config, reads_memory=reads_memory) for _ in range(config.n_layers))
            self.add_module(name, nn.ModuleList(blocks))
        self.embedding_norm = _Norm(config) if config.embedding_norm else None
        self.final_norm = _Norm(config) if config.norm == "pre" else None
        self.unembedding = self._new_unembedding()
        tables = {"mask": causal_mask(config.context_length)}
        if config.positions == "sinusoidal":
            tables["positional_encoding"] = _sinusoidal_positions(config.context_length, config.d_model)
        if config.positions == "rotary":
            angles = rotary_angles(config.context_length, config.d_head, base=config.rotary_base)
            tables |= RotaryEmbedding.of(angles)._asdict()
        for name, table in tables.items():
            self.register_buffer(name, table, persistent=False)
        if seed is not None:
            self._initialize(seed)

    def _new_unembedding(self) -> nn.Module | None:
        if self.config.unembedding == "none":
            return None
        is_tied = self.config.unembedding == "tied"
        device = "meta" if is_tied else None  # a tied matrix needs no memory of its own
        unembedding = nn.Linear(self.config.d_model, self.config.vocab_size, bias=False, device=device)
        if is_tied:
            unembedding.weight = self.embedding.weight
        return unembedding

    @torch.no_grad()
    def _initialize(self, seed: int) -> None:
        """Draw the initial weights. Output projections start at zero, so each block is the identity at first."""
        generator = torch.Generator().manual_seed(seed)
        for name, weight in self.named_parameters():
            if name.endswith("norm.weight"):
                weight.fill_(1.0)
            elif weight.dim() == 1 or name.endswith(("output.weight", "down_proj.weight", "unembedding.weight")):
                weight.zero_()
            else:
                is_embedding = name.endswith("embedding.weight") and self.config.unembedding == "untied"
                scale = 1.0 if is_embedding else weight.shape[-1] ** -0.5
                weight.copy_(torch.randn(weight.shape, generator=generator) * scale)

    @property
    def n_parameters(self) -> int:
        """Number of parameters."""
        return sum(parameter.numel() for parameter in self.parameters())

    @staticmethod
    def count_parameters(config: ModelConfig) -> int:
        """Number of parameters of such a model, without building it."""
        return config.n_parameters

    def _check_token_ids(self, token_ids: Tensor, n_cached: int = 0) -> None:
        kind = token_ids.dtype if isinstance(token_ids, Tensor) else type(token_ids).__name__
        if kind not in (torch.int64, torch.int32):
            raise ValueError(f"the model reads a tensor of whole numbers, torch.tensor([[…]]); given {kind}")
        if token_ids.dim() != 2 or not token_ids.numel():
            given = tuple(token_ids.shape)
            raise ValueError(f"the model reads token ids of shape (batch, position), at least one; given {given}")
        if token_ids.shape[1] + n_cached > self.config.context_length:
            raise ValueError(
                f"this model sees {self.config.context_length} tokens at once (its context_length); "
                f"given {token_ids.shape[1] + n_cached}. Keep only the last {self.config.context_length}."
            )
        low, high = 2 * (int(token_ids),) if token_ids.numel() == 1 else map(int, token_ids.aminmax())
        if low < 0 or high >= self.config.vocab_size:
            raise ValueError(
                f"token ids go from 0 to {self.config.vocab_size - 1}; given {low if low < 0 else high}. "
                f"Is this the tokenizer that the model was trained with?"
            )

    def _as_batch(self, token_ids: Tensor) -> Tensor:
        """(position,) → (1, position); checks the ids."""
        token_ids = token_ids[None] if isinstance(token_ids, Tensor) and token_ids.dim() == 1 else token_ids
        self._check_token_ids(token_ids)
        return token_ids

    def _check_heads(self, heads: Collection[tuple[int, int]]) -> None:
        layers, numbers = range(self.config.n_layers), range(self.config.n_heads)
        for head in heads:
            match head:
                case (int(layer), int(number)) if layer in layers and number in numbers:
                    continue
            raise ValueError(
                f"a head is named (layer, head), with layers from 0 to {self.config.n_layers - 1} and heads from 0 to "
                f"{self.config.n_heads - 1}; given {head!r}"
            )

    def embed(self, token_ids: Tensor, start: int = 0) -> Tensor:
        """The residual stream that enters the first block: embeddings, with positions if these are added.

        (batch, position) → (batch, position, d_model); `start` is the position of the first token.
        """
        embeddings, stop = self.embedding(token_ids), start + token_ids.shape[1]
        if self.config.positions == "learned":
            embeddings = embeddings + self.position_embedding.weight[start:stop]
        elif self.config.positions == "sinusoidal":
            embeddings = embeddings + self.positional_encoding[start:stop]
        return embeddings if self.embedding_norm is None else self.embedding_norm(embeddings)

    def rotary(self, start: int, stop: int) -> RotaryEmbedding | None:
        """Rotary embedding of these positions; None with other kinds of positions."""
        if self.config.positions != "rotary":
            return None
        return RotaryEmbedding(self.cos[start:stop], self.sin[start:stop])

    def _final(self, stream: Tensor) -> Tensor:
        """The output of a stack: with pre-norm the stream normalized once more."""
        return stream if self.final_norm is None else self.final_norm(stream)

    def unembed(self, residuals: Tensor) -> Tensor:
        """Logits of a residual stream after any layer (the logit lens): (..., d_model) → (..., vocab)."""
        if self.unembedding is None:
            raise ValueError("this model has no unembedding, so its residual stream gives no logits")
        return self.unembedding(self._final(residuals))

    def _run(
        self, blocks: nn.ModuleList, token_ids: Tensor, mask: Tensor | None, memory: Memory | None = None
    ) -> Tensor:
        """The output of a stack, (batch, position, d_model)."""
        stream, rotary = self.embed(token_ids), self.rotary(0, token_ids.shape[1])
        for block in blocks:
            stream = block(stream, mask, rotary, None, memory)
        return self._final(stream)

    def _trace(
        self, blocks: nn.ModuleList, token_ids: Tensor, mask: Tensor | None, heads: _AblatedHeads, memory: Memory | None
    ) -> Trace:
        """The steps of a stack, without logits; no mask allows everything."""
        self._check_heads(heads)
        overrides = heads if isinstance(heads, Mapping) else dict.fromkeys(heads, 0.0)
        mask = self.mask.new_ones(2 * token_ids.shape[1:]) if mask is None else mask
        stream, rotary, traces = self.embed(token_ids), self.rotary(0, token_ids.shape[1]), []
        for layer, block in enumerate(blocks):
            in_layer = {head: output for (place, head), output in overrides.items() if place == layer}
            traces.append(block.trace(stream, mask, rotary, in_layer, memory))
            stream = traces[-1].residual_after
        return Trace(token_ids, self.embedding(token_ids), mask, tuple(traces), self._final(stream))

    def _with_logits(self, trace: Trace) -> Trace:
        return trace if self.unembedding is None else replace(trace, logits=self.unembedding(trace.final))


class DecoderOnly(TransformerBase):
    """A GPT: blocks with a causal mask, and logits for the next token (lesson 4).

    Source: Radford et al. 2018 and 2019 (GPT, GPT-2) in outline; by default positions are rotary and the unembedding is
    a matrix of its own. Seed None leaves the weights uninitialized.
    """

    def __init__(self, config: ModelConfig, *, seed: int | None = 0):
        if config.unembedding == "none":
            raise ValueError('a GPT scores the next token, so it needs an unembedding; given unembedding="none"')
        super().__init__(config, {"blocks": False}, seed=seed)

    def new_cache(self) -> list[_KVCache]:
        """An empty key–value cache, one a layer, for generation with the present weights."""
        length = self.config.context_length
        if self.config.is_default:
            return [_BlockCache(block, length) for block in self.blocks]
        return [_KVCache(length) for _ in self.blocks]

    def trace(self, token_ids: Tensor, *, ablate_heads: _AblatedHeads = ()) -> Trace:
        """Run with every step returned; the logits equal `model(token_ids)`.

        Args:
            token_ids: (position,) or (batch, position).
            ablate_heads: heads whose output is set to 0, as (layer, head); or a mapping from such heads to the
                output to use in its place, (d_head,), for example its mean. Lesson 3.
        """
        token_ids = self._as_batch(token_ids)
        n_positions = token_ids.shape[1]
        mask = self.mask[:n_positions, :n_positions]
        return self._with_logits(self._trace(self.blocks, token_ids, mask, ablate_heads, None))

    def forward(self, token_ids: Tensor, cache: list[_KVCache] | None = None) -> Tensor:
        """Logits for the next token at each position: (batch, position) → (batch, position, vocab).

        With a cache, `token_ids` are only the new positions, and the cache is extended by them.
        """
        start = cache[0].length if cache else 0
        self._check_token_ids(token_ids, start)
        stop = start + token_ids.shape[1]
        stream, rotary = self.embed(token_ids, start), self.rotary(start, stop)
        if cache and stop - start == 1 and isinstance(cache[0], _BlockCache):
            return self._read_one(stream[:, 0], rotary, cache)[:, None]
        mask = None if stop - start == 1 else self.mask[start:stop, :stop]  # the last token may attend to all
        for index, block in enumerate(self.blocks):
            stream = block(stream, mask, rotary, cache[index] if cache else None)
        return self.unembedding(self._final(stream))

    def _read_one(self, stream: Tensor, rotary: RotaryEmbedding, cache: list[_BlockCache]) -> Tensor:
        """Logits after one new position, by the fast path: (batch, d_model) → (batch, vocab)."""
        rotation = rotary.matrix
        for block in cache:
            stream = block.read(stream, rotation)
        return self.unembedding(normalize(stream))

    def with_context_length(self, context_length: int) -> DecoderOnly:
        """A copy with the same weights for longer or shorter texts (lesson 10).

        Raises ValueError for learned positions beyond those that were trained.
        """
        if self.config.positions == "learned" and context_length > self.config.context_length:
            raise ValueError(
                f"this model has learned a vector for each of {self.config.context_length} positions, and none for "
                f"position {self.config.context_length}: learned positions end where training ended"
            )
        longer = type(self)(replace(self.config, context_length=context_length), seed=None)
        longer.load_state_dict(self.state_dict())
        return longer


class EncoderOnly(TransformerBase):
    """A BERT: the blocks of a GPT without the causal mask, and logits for the token at each position itself.

    Trained to predict masked tokens (`masked_lm`). Its parameters have the names of `DecoderOnly`'s. With
    unembedding="none" it returns its residual stream, (batch, position, d_model): contextual embeddings.
    Source: Devlin et al. 2019, "BERT", section 3, in outline. Lessons 4 and 5.
    """

    def __init__(self, config: ModelConfig, *, seed: int | None = 0):
        super().__init__(config, {"blocks": False}, seed=seed)

    def trace(self, token_ids: Tensor, mask: Tensor | None = None, *, ablate_heads: _AblatedHeads = ()) -> Trace:
        """Run with every step returned.

        Args:
            token_ids: (position,) or (batch, position).
            mask: broadcastable to (batch, head, query, key), bool, True = may attend (see `causal_mask`,
                `padding_mask`); None allows everything.
            ablate_heads: as in `DecoderOnly.trace`.
        """
        return self._with_logits(self._trace(self.blocks, self._as_batch(token_ids), mask, ablate_heads, None))

    def forward(self, token_ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits for the token at each position: (batch, position) → (batch, position, vocab)."""
        self._check_token_ids(token_ids)
        _check_mask(mask, (len(token_ids), self.config.n_heads, *2 * token_ids.shape[1:]))
        stream = self._run(self.blocks, token_ids, mask)
        return stream if self.unembedding is None else self.unembedding(stream)


class EncoderDecoder(TransformerBase):
    """The original Transformer: an encoder, and a decoder with cross-attention to the encoder's output.

    Source and target share one embedding matrix; each side has `n_layers` blocks; cross-attention has no positions.
    Source: Vaswani et al. 2017, section 3.1. Lessons 4 and 7.
    """

    def __init__(self, config: ModelConfig, *, seed: int = 0):
        super().__init__(config, {"encoder": False, "decoder": True}, seed=seed)

    @staticmethod
    def count_parameters(config: ModelConfig) -> int:
        """Number of parameters of such a model, without building it.

        >>> EncoderDecoder.count_parameters(ModelConfig(vocab_size=10, d_model=4, n_layers=1, n_heads=1, d_ff=16))
        528
        """
        cross_attention = config.n_attention_parameters + config.n_norm_parameters
        return config.n_parameters + config.n_layers * (config.n_block_parameters + cross_attention)

    def encode(self, source_ids: Tensor, source_mask: Tensor | None = None) -> Memory:
        """Run the encoder: (batch, source) → a memory of (batch, source, d_model).

        `source_mask` says which source tokens are no padding, broadcastable to (batch, 1, 1, source): `padding_mask`.
        """
        self._check_token_ids(source_ids)
        _check_mask(source_mask, (len(source_ids), 1, 1, source_ids.shape[1]))
        return Memory(self._run(self.encoder, source_ids, source_mask), source_mask)

    def decode(self, target_ids: Tensor, memory: Memory) -> Tensor:
        """Logits for the next token at each target position: (batch, position) → (batch, position, vocab)."""
        self._check_token_ids(target_ids)
        _check_pairs(len(memory.states), len(target_ids))
        n_positions = target_ids.shape[1]
        return self.unembedding(self._run(self.decoder, target_ids, self.mask[:n_positions, :n_positions], memory))

    def forward(self, source_ids: Tensor, target_ids: Tensor, source_mask: Tensor | None = None) -> Tensor:
        """Encode the source, then logits for the next token at each target position: (batch, position, vocab)."""
        return self.decode(target_ids, self.encode(source_ids, source_mask))

    def trace(self, source_ids: Tensor, target_ids: Tensor, source_mask: Tensor | None = None) -> _EncoderDecoderTrace:
        """Run with every step returned; ids are (position,) or (batch, position), the mask as in `encode`."""
        source_ids, target_ids = self._as_batch(source_ids), self._as_batch(target_ids)
        _check_mask(source_mask, (len(source_ids), 1, 1, source_ids.shape[1]))
        _check_pairs(len(source_ids), len(target_ids))
        n_target = target_ids.shape[1]
        encoder = self._trace(self.encoder, source_ids, source_mask, (), None)
        memory = Memory(encoder.final, source_mask)
        decoder = self._trace(self.decoder, target_ids, self.mask[:n_target, :n_target], (), memory)
        return _EncoderDecoderTrace(encoder, self._with_logits(decoder))


def _check_pairs(n_sources: int, n_targets: int) -> None:
    if n_sources != n_targets:
        raise ValueError(f"each target belongs to one source; given {n_sources} sources and {n_targets} targets")
