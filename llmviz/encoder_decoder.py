"""The encoder–decoder: one stack reads a text, another writes one and looks up what the first made of it."""

from __future__ import annotations

from torch import Tensor

from llmviz.attention import check_mask
from llmviz.block import Memory, ModelConfig
from llmviz.trace import EncoderDecoderTrace
from llmviz.transformer import Assembly


class EncoderDecoder(Assembly):
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
