"""One block, three assemblies, every choice: against each other, open against fast, cached against uncached."""

import inspect
import re
from dataclasses import fields, replace
from itertools import product
from typing import ClassVar

import numpy as np
import pytest
import torch
from fakes import SMALL, noisy_model, random_ids
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz.model.attention import _KVCache, _sinusoidal_positions, causal_mask, padding_mask
from llmviz.model.block import _BlockCache, normalize
from llmviz.model.trace import BlockTrace, Trace, _AttentionTrace
from llmviz.model.transformer import DecoderOnly, EncoderDecoder, EncoderOnly

POSITIONS = ("none", "sinusoidal", "learned", "rotary")
CHOICES = [
    replace(SMALL, positions=positions, norm=norm, query_key_norm=query_key_norm)
    for positions, norm, query_key_norm in product(POSITIONS, ("pre", "post"), (True, False))
]
IDS = [f"{config.positions}-{config.norm}-{'qk' if config.query_key_norm else 'plain'}" for config in CHOICES]
every_choice = pytest.mark.parametrize("config", CHOICES, ids=IDS)
both_norms = pytest.mark.parametrize("norm", ["pre", "post"])


def noisy(kind, config=SMALL, seed=0):
    return noisy_model(config, seed, kind)


class TestOneMachine:
    @every_choice
    def test_the_decoders_weights_in_the_encoder_with_a_causal_mask_give_equal_logits(self, config):
        decoder = noisy(DecoderOnly, config)
        encoder = EncoderOnly(config)
        encoder.load_state_dict(decoder.state_dict())
        ids = random_ids(2, 7)
        torch.testing.assert_close(encoder(ids, causal_mask(7)), decoder(ids), rtol=0, atol=0)
        assert not torch.allclose(encoder(ids), decoder(ids), atol=1e-3)

    @every_choice
    @pytest.mark.parametrize("kind", [DecoderOnly, EncoderOnly])
    def test_open_and_fast_give_the_same(self, kind, config):
        model, ids = noisy(kind, config), random_ids(2, 7)
        torch.testing.assert_close(model.trace(ids).logits, model(ids), rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(model.trace(ids[0]).logits, model(ids[:1]), rtol=1e-4, atol=1e-4)

    @every_choice
    def test_open_and_fast_give_the_same_for_two_texts(self, config):
        model, source, target = noisy(EncoderDecoder, config), random_ids(2, 7, seed=1), random_ids(2, 5, seed=2)
        mask = padding_mask(torch.tensor([[1] * 7, [1] * 3 + [0] * 4]), 0)
        for given_mask in (None, mask):
            trace = model.trace(source, target, given_mask)
            expected = model(source, target, given_mask)
            torch.testing.assert_close(trace.decoder.logits, expected, rtol=1e-4, atol=1e-4)
        assert (trace.cross_attention_weights[:, 1, :, :, 3:] == 0).all()

    @every_choice
    @pytest.mark.parametrize("kind", [DecoderOnly, EncoderOnly, EncoderDecoder])
    def test_counts_its_parameters_before_it_is_built(self, kind, config):
        assert kind(config).n_parameters == kind.count_parameters(config)


class TestWhoSeesWhat:
    @every_choice
    def test_an_encoder_sees_the_future_and_a_decoder_does_not(self, config):
        ids = random_ids(1, 6)
        changed = ids.clone()
        changed[0, -1] = (ids[0, -1] + 1) % SMALL.vocab_size
        encoder, decoder = noisy(EncoderOnly, config), noisy(DecoderOnly, config)
        torch.testing.assert_close(decoder(ids)[:, :-1], decoder(changed)[:, :-1], rtol=0, atol=1e-5)
        assert not torch.allclose(encoder(ids)[:, 0], encoder(changed)[:, 0], atol=1e-4)

    @every_choice
    def test_a_padded_source_gives_what_it_gives_alone(self, config):
        model, source, target = noisy(EncoderDecoder, config), random_ids(1, 4, seed=1), random_ids(1, 5, seed=2)
        padded = torch.cat((source, torch.full((1, 3), 10)), dim=1)
        there = torch.tensor([[True] * 4 + [False] * 3])[:, None, None]
        torch.testing.assert_close(model(padded, target, there), model(source, target), rtol=1e-4, atol=1e-4)
        assert not torch.allclose(model(padded, target), model(source, target), atol=1e-3)

    @given(st.permutations(range(6)), st.sampled_from(("pre", "post")), st.integers(1, 3))
    def test_without_mask_and_positions_shuffled_tokens_take_their_answers_with_them(self, order, norm, n_layers):
        config = replace(SMALL, positions="none", norm=norm, n_layers=n_layers)
        model, ids = noisy(EncoderOnly, config).double(), random_ids(1, 6)
        torch.testing.assert_close(model(ids[:, order]), model(ids)[:, order], rtol=0, atol=1e-12)


class TestPositions:
    @given(st.integers(1, 20), st.integers(1, 10))
    def test_the_waves_are_those_of_the_formula(self, n_positions, half):
        waves = _sinusoidal_positions(n_positions, 2 * half).numpy()
        for position, column in product(range(n_positions), range(2 * half)):
            angle = position / 10_000 ** (2 * (column // 2) / (2 * half))
            expected = np.cos(angle) if column % 2 else np.sin(angle)
            assert waves[position, column] == pytest.approx(expected, abs=1e-5)


class TestCached:
    @every_choice
    @given(data=st.data())
    @settings(max_examples=8)
    def test_equals_uncached_in_chunks_of_any_size(self, config, data):
        model, ids = noisy(DecoderOnly, config), random_ids(2, 8, seed=data.draw(st.integers(0, 99)))
        cache, pieces, start = model.new_cache(), [], 0
        while start < 8:
            stop = data.draw(st.integers(start + 1, 8))
            pieces.append(model(ids[:, start:stop], cache))
            start = stop
        torch.testing.assert_close(torch.cat(pieces, dim=1), model(ids), rtol=1e-4, atol=1e-4)

    @every_choice
    def test_takes_the_short_way_only_where_it_is_known(self, config):
        knows = config.positions == "rotary" and config.norm == "pre" and config.query_key_norm
        kinds = {type(one) for one in noisy(DecoderOnly, config).new_cache()}
        assert kinds == {_BlockCache if knows else _KVCache}


class TestTrace:
    AXES: ClassVar = {
        "batch": 2, "position": 5, "query": 5, "key": 5, "head": 3, "d_model": 24, "d_head": 8, "d_ff": 20,
        "vocab": 11, "memory": 7, "layer": 2,
    }  # fmt: skip
    SOURCE, TARGET = random_ids(2, 7, seed=1), random_ids(2, 5, seed=2)
    TRACE = noisy_model(SMALL, 0, EncoderDecoder).trace(SOURCE, TARGET)

    @staticmethod
    def documented(kind) -> dict[str, str]:
        return dict(re.findall(r"^ +(\w+): \(([^)]*)\)", inspect.getdoc(kind), re.MULTILINE))

    @pytest.mark.parametrize("kind, found, changed", [
        (Trace, TRACE.encoder, {"position": 7}),
        (BlockTrace, TRACE.encoder.blocks[1], {"position": 7}),
        (Trace, TRACE.decoder, {}),
        (BlockTrace, TRACE.decoder.blocks[1], {}),
        (_AttentionTrace, TRACE.decoder.blocks[1].attention, {}),
        (_AttentionTrace, TRACE.decoder.blocks[1].cross_attention, {"key": 7}),
    ])  # fmt: skip
    def test_has_the_shapes_that_its_page_writes_down(self, kind, found, changed):
        documented = self.documented(kind)
        tensors = {field.name for field in fields(kind) if isinstance(getattr(found, field.name), torch.Tensor)}
        assert tensors <= set(documented)
        for name in tensors:
            words = documented[name]
            expected = tuple({**self.AXES, **changed}[word.strip()] for word in words.split(","))
            assert tuple(getattr(found, name).shape) == expected, name

    @both_norms
    @pytest.mark.parametrize("kind", [DecoderOnly, EncoderOnly])
    def test_each_part_is_made_from_the_one_before(self, kind, norm):
        model = noisy(kind, replace(SMALL, norm=norm))
        trace = model.trace(random_ids(2, 5))
        before, after = (normalize, lambda x: x) if norm == "pre" else (lambda x: x, normalize)
        for block, parts in zip(model.blocks, trace.blocks, strict=True):
            torch.testing.assert_close(parts.attention_input, before(parts.residual_before))
            torch.testing.assert_close(parts.residual_middle, after(parts.residual_before + parts.attention.output))
            torch.testing.assert_close(parts.feed_forward_input, before(parts.residual_middle))
            hidden = torch.relu(parts.feed_forward_input @ block.feed_forward.up_proj.weight.T) ** 2
            torch.testing.assert_close(parts.feed_forward_hidden, hidden)
            torch.testing.assert_close(parts.residual_after, after(parts.residual_middle + parts.feed_forward_output))
        torch.testing.assert_close(trace.final, before(trace.residuals[-1]))


class TestRefuses:
    @pytest.mark.parametrize("mask, sentence", [
        (torch.ones(5, 5), "a mask is boolean, True = may attend; given torch.float32"),
        (torch.ones(4, 4, dtype=torch.bool), r"must fit the scores \(2, 3, 5, 5\); given \(4, 4\)"),
        (torch.zeros(5, 5, dtype=torch.bool), "forbids every key"),
    ])  # fmt: skip
    @pytest.mark.parametrize("openly", [False, True])
    def test_masks_that_do_not_fit(self, mask, sentence, openly):
        model, ids = noisy(EncoderOnly), random_ids(2, 5)
        with pytest.raises(ValueError, match=sentence):
            (model.trace if openly else model)(ids, mask)

    @pytest.mark.parametrize("openly", [False, True])
    @pytest.mark.parametrize("source, target, mask, sentence", [
        (random_ids(2, 5), random_ids(3, 5), None, "each target belongs to one source; given 2 sources and 3 targets"),
        (random_ids(2, 5), random_ids(2, 9), None, "sees 8 tokens at once"),
        (random_ids(2, 9), random_ids(2, 5), None, "sees 8 tokens at once"),
        (random_ids(2, 5) + 7, random_ids(2, 5), None, "token ids go from 0 to 10"),
        (random_ids(2, 5), [[1]], None, "reads a tensor"),
        (random_ids(2, 5), random_ids(2, 5), causal_mask(5), r"must fit the scores \(2, 1, 1, 5\); given \(5, 5\)"),
    ])  # fmt: skip
    def test_sources_and_targets_that_do_not_fit(self, source, target, mask, sentence, openly):
        model = noisy(EncoderDecoder)
        with pytest.raises(ValueError, match=sentence):
            (model.trace if openly else model)(source, target, mask)
