"""Our block and assemblies against torch's own layers, with the same weights, in float64."""

from dataclasses import replace

import pytest
import torch
from fakes import SMALL, noisy_model, random_ids
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from llmviz.model.attention import causal_mask, padding_mask
from llmviz.model.block import Block, Memory, normalize
from llmviz.model.transformer import DecoderOnly, EncoderDecoder, EncoderOnly

both_norms = pytest.mark.parametrize("norm", ["pre", "post"])


def noisy(kind, config, seed=0):
    return noisy_model(config, seed, kind).double()


class TestAgainstTorch:
    """torch's layers with our weights: no biases, gains of 1, and ReLU² handed in as the activation."""

    D_MODEL, N_HEADS = SMALL.d_model, SMALL.n_heads

    @staticmethod
    def config(norm):
        return replace(SMALL, norm=norm, positions="none", query_key_norm=False)

    @classmethod
    def options(cls, norm):
        return {
            "d_model": cls.D_MODEL, "nhead": cls.N_HEADS, "dim_feedforward": SMALL.d_ff, "dropout": 0.0, "bias": False,
            "activation": lambda x: torch.relu(x).square(), "norm_first": norm == "pre", "batch_first": True,
            "dtype": torch.float64,
        }  # fmt: skip

    @staticmethod
    def fill_attention(theirs: nn.MultiheadAttention, ours) -> None:
        theirs.in_proj_weight.copy_(torch.cat((ours.query.weight, ours.key.weight, ours.value.weight)))
        theirs.out_proj.weight.copy_(ours.output.weight)

    @classmethod
    @torch.no_grad()
    def fill(cls, theirs: nn.Module, block: Block) -> None:
        cls.fill_attention(theirs.self_attn, block.attention)
        if block.cross_attention is not None:
            cls.fill_attention(theirs.multihead_attn, block.cross_attention)
        theirs.linear1.weight.copy_(block.feed_forward.up_proj.weight)
        theirs.linear2.weight.copy_(block.feed_forward.down_proj.weight)

    @staticmethod
    def last(norm):
        return nn.LayerNorm(SMALL.d_model, bias=False, dtype=torch.float64) if norm == "pre" else None

    @classmethod
    def their_encoder(cls, norm, blocks):
        layer = nn.TransformerEncoderLayer(**cls.options(norm))
        theirs = nn.TransformerEncoder(layer, len(blocks), norm=cls.last(norm), enable_nested_tensor=False)
        for layer, block in zip(theirs.layers, blocks, strict=True):
            cls.fill(layer, block)
        return theirs

    @classmethod
    def their_decoder(cls, norm, blocks):
        theirs = nn.TransformerDecoder(
            nn.TransformerDecoderLayer(**cls.options(norm)), len(blocks), norm=cls.last(norm)
        )
        for layer, block in zip(theirs.layers, blocks, strict=True):
            cls.fill(layer, block)
        return theirs

    @both_norms
    @given(batch=st.integers(1, 3), n_positions=st.integers(1, 8), is_causal=st.booleans(), seed=st.integers(0, 99))
    @settings(max_examples=20)
    def test_a_block_is_torchs_encoder_layer(self, norm, batch, n_positions, is_causal, seed):
        block = noisy(EncoderOnly, self.config(norm), seed).blocks[0]
        theirs = nn.TransformerEncoderLayer(**self.options(norm))
        self.fill(theirs, block)
        x = torch.randn(batch, n_positions, 24, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        mask = causal_mask(n_positions) if is_causal else None
        expected = theirs(x, src_mask=None if mask is None else ~mask)
        torch.testing.assert_close(block(x, mask, None), expected, rtol=0, atol=1e-12)
        torch.testing.assert_close(block.trace(x, mask, None).residual_after, expected, rtol=0, atol=1e-12)

    @both_norms
    @given(n_source=st.integers(1, 8), n_target=st.integers(1, 8), seed=st.integers(0, 99))
    @settings(max_examples=20)
    def test_a_block_that_reads_a_memory_is_torchs_decoder_layer(self, norm, n_source, n_target, seed):
        block = noisy(EncoderDecoder, self.config(norm), seed).decoder[1]
        theirs = nn.TransformerDecoderLayer(**self.options(norm))
        self.fill(theirs, block)
        generator = torch.Generator().manual_seed(seed)
        x, states = (torch.randn(2, n, 24, generator=generator, dtype=torch.float64) for n in (n_target, n_source))
        mask = causal_mask(n_target)
        expected = theirs(x, states, tgt_mask=~mask)
        for got in (
            block(x, mask, None, None, Memory(states)),
            block.trace(x, mask, None, memory=Memory(states)).residual_after,
        ):
            torch.testing.assert_close(got, expected, rtol=0, atol=1e-12)

    @both_norms
    def test_a_bert_is_torchs_encoder_between_two_tables(self, norm):
        model = noisy(EncoderOnly, self.config(norm))
        ids = random_ids(3, 7)
        theirs = self.their_encoder(norm, model.blocks)
        expected = model.unembedding(theirs(normalize(model.embedding(ids))))
        torch.testing.assert_close(model(ids), expected, rtol=0, atol=1e-11)

    @both_norms
    def test_a_gpt_is_torchs_encoder_with_a_causal_mask(self, norm):
        model = noisy(DecoderOnly, self.config(norm))
        ids = random_ids(3, 7)
        theirs = self.their_encoder(norm, model.blocks)
        expected = model.unembedding(theirs(normalize(model.embedding(ids)), mask=~causal_mask(7)))
        torch.testing.assert_close(model(ids), expected, rtol=0, atol=1e-11)

    @both_norms
    def test_an_encoder_decoder_is_torchs_encoder_and_decoder(self, norm):
        model = noisy(EncoderDecoder, self.config(norm))
        source, target = random_ids(2, 6, seed=1), random_ids(2, 4, seed=2)
        there = padding_mask(torch.tensor([[1] * 6, [1, 1, 1, 0, 0, 0]]), 0)
        gone = ~there[:, 0, 0]
        memory = self.their_encoder(norm, model.encoder)(normalize(model.embedding(source)), src_key_padding_mask=gone)
        expected = self.their_decoder(norm, model.decoder)(
            normalize(model.embedding(target)), memory, tgt_mask=~causal_mask(4), memory_key_padding_mask=gone
        )
        torch.testing.assert_close(model(source, target, there), model.unembedding(expected), rtol=0, atol=1e-11)
