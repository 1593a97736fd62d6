"""Where the parameters are, what a layer would say, what a shuffle changes: against models and against counting."""

from dataclasses import replace

import pytest
import torch
from fakes import SMALL, noisy_model, random_ids
from hypothesis import given
from hypothesis import strategies as st

from llmviz.interpretability import logit_lens, parameters_by_part
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly, EncoderOnly

ids = random_ids(6)
ORDER = [4, 3, 2, 1, 0, 5]


def shuffled(kind, positions, n_layers, order=ORDER):
    model = noisy_model(replace(SMALL, positions=positions, n_layers=n_layers), 0, kind).double()
    with torch.inference_mode():
        return (model(ids[order][None])[0] - model(ids[None])[0][order]).abs().amax(dim=-1)


class TestParametersByPart:
    @given(st.integers(1, 30), st.integers(1, 6), st.integers(1, 3), st.integers(1, 30))
    def test_are_those_of_a_real_model(self, vocab_size, half_width, n_layers, d_ff):
        model = DecoderOnly(ModelConfig(vocab_size, 8, 2 * half_width, n_layers, 1, d_ff))
        found = parameters_by_part(vocab_size, 2 * half_width, n_layers, d_ff)
        counted = dict.fromkeys(found, 0)
        for name, weight in model.named_parameters():
            part = next(part for part in ("unembedding", "embedding", "attention", "feed_forward") if part in name)
            counted[part.replace("_", "-")] += weight.numel()
        assert found == counted


class TestLogitLens:
    MODEL = noisy_model()
    TRACE = MODEL.trace(random_ids(2, 5))
    LENS = logit_lens(TRACE.residuals, MODEL.unembedding.weight)

    def test_ends_with_what_the_model_says(self):
        torch.testing.assert_close(self.LENS[-1], self.TRACE.probabilities)

    def test_is_what_a_model_with_fewer_blocks_would_say(self):
        for n_layers in (1, 2):
            shorter = DecoderOnly(replace(SMALL, n_layers=n_layers))
            shorter.load_state_dict({k: v for k, v in self.MODEL.state_dict().items() if k in shorter.state_dict()})
            torch.testing.assert_close(self.LENS[n_layers], shorter.trace(self.TRACE.token_ids).probabilities)


class TestShuffleGaps:
    def test_without_mask_and_positions_nothing_changes(self):
        for n_layers in (1, 3):
            assert (shuffled(EncoderOnly, "none", n_layers) < 1e-12).all()

    def test_with_a_causal_mask_and_one_layer_only_the_last_answer_stays(self):
        gaps = shuffled(DecoderOnly, "none", 1)
        assert gaps[-1] < 1e-12
        assert (gaps[:-1] > 1e-3).all()

    def test_deeper_causal_stacks_leak_the_order(self):
        assert (shuffled(DecoderOnly, "none", 2) > 1e-3).all()

    @pytest.mark.parametrize("kind", [DecoderOnly, EncoderOnly])
    @pytest.mark.parametrize("positions", ["sinusoidal", "learned", "rotary"])
    def test_positions_change_every_answer(self, kind, positions):
        assert (shuffled(kind, positions, 1) > 1e-3).all()
