"""The model against a second writing of it in NumPy, its trace against its own documentation, and what it refuses."""

import math

import numpy as np
import pytest
import torch
from fakes import SMALL, noisy_model, random_ids, same_weights
from hypothesis import given
from hypothesis import strategies as st

from llmviz.model.attention import QUERY_GAIN
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly

MODEL = noisy_model()


class NumpyGPT:
    """The same formulas in NumPy and float64, one token sequence at a time, written without looking at shapes."""

    def __init__(self, model: DecoderOnly):
        self.config = model.config
        self.weights = {name: value.double().numpy() for name, value in model.state_dict().items()}

    @staticmethod
    def normalize(x):
        return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)

    def turn(self, x):
        half = x.shape[1] // 2
        angles = np.arange(len(x))[:, None] * ModelConfig.rotary_base ** (-np.arange(half) / half)
        left, right = x[:, :half], x[:, half:]
        cos, sin = np.cos(angles), np.sin(angles)
        return np.hstack((left * cos - right * sin, right * cos + left * sin))

    def attend(self, x, name):
        d_head = self.config.d_model // self.config.n_heads
        query, key, value = (x @ self.weights[f"{name}.{part}.weight"].T for part in ("query", "key", "value"))
        heads = []
        for start in range(0, self.config.d_model, d_head):
            own = slice(start, start + d_head)
            q, k = (self.turn(self.normalize(part[:, own])) for part in (query, key))
            scores = QUERY_GAIN * q @ k.T / math.sqrt(d_head)
            scores[np.triu_indices(len(x), 1)] = -np.inf
            weights = np.exp(scores - scores.max(-1, keepdims=True))
            heads.append(weights / weights.sum(-1, keepdims=True) @ value[:, own])
        return np.hstack(heads) @ self.weights[f"{name}.output.weight"].T

    def logits(self, token_ids):
        stream = self.normalize(self.weights["embedding.weight"][token_ids])
        for layer in range(self.config.n_layers):
            stream = stream + self.attend(self.normalize(stream), f"blocks.{layer}.attention")
            up, down = (self.weights[f"blocks.{layer}.feed_forward.{name}_proj.weight"] for name in ("up", "down"))
            stream = stream + np.maximum(self.normalize(stream) @ up.T, 0) ** 2 @ down.T
        return self.normalize(stream) @ self.weights["unembedding.weight"].T


class TestConfig:
    def test_counts_its_parameters_as_one_does_by_hand(self):
        config = ModelConfig(vocab_size=10, context_length=4, d_model=6, n_layers=3, n_heads=1, d_ff=7)
        # Two tables of 10 × 6; in each of 3 blocks four matrices 6 × 6, and 6 × 7 twice.
        assert config.n_parameters == 2 * 60 + 3 * (4 * 36 + 2 * 42) == 804
        assert DecoderOnly(config).n_parameters == 804

    @pytest.mark.parametrize(
        "sizes, sentence",
        [
            ({"vocab_size": 0}, "vocab_size must be a whole number of at least 1; given 0"),
            ({"vocab_size": "10"}, "vocab_size must be a whole number of at least 1; given '10'"),
            ({"n_layers": -1}, "n_layers .* given -1"),
            ({"context_length": 0}, "context_length .* given 0"),
            ({"d_ff": 2.5}, "d_ff .* given 2.5"),
            ({"n_heads": True}, "n_heads .* given True"),
            ({"d_model": None}, "d_model .* given None"),
            ({"d_model": 10, "n_heads": 4}, "given d_model 10 and 4 heads"),
            ({"d_model": 12, "n_heads": 4}, "even size; given d_model 12 and 4 heads"),
        ],
    )
    def test_impossible_sizes_get_a_sentence(self, sizes, sentence):
        with pytest.raises(ValueError, match=sentence):
            ModelConfig(**{"vocab_size": 10, **sizes})


class TestFirstWeights:
    def test_the_same_seed_gives_the_same_weights_whatever_was_drawn_before(self):
        torch.manual_seed(1)
        one = DecoderOnly(SMALL, seed=3)
        torch.manual_seed(2)
        assert same_weights(one, DecoderOnly(SMALL, seed=3))
        assert not same_weights(one, DecoderOnly(SMALL, seed=4))

    def test_the_files_of_a_model_hold_its_weights_and_no_tables_that_can_be_made_again(self):
        named = {name for name, _ in MODEL.named_parameters()}
        assert set(MODEL.state_dict()) == named


class TestLogits:
    @given(st.integers(1, 8), st.integers(0, 1000))
    def test_equal_the_second_writing_in_numpy(self, n_positions, seed):
        ids = random_ids(n_positions, seed=seed)
        expected = NumpyGPT(MODEL).logits(ids.numpy())
        np.testing.assert_allclose(MODEL(ids[None])[0].detach().numpy(), expected, rtol=1e-3, atol=1e-4)

    @given(st.integers(2, 8), st.data())
    def test_never_depend_on_later_tokens(self, n_positions, data):
        ids = random_ids(1, n_positions, seed=data.draw(st.integers(0, 1000)))
        place = data.draw(st.integers(1, n_positions - 1))
        changed = ids.clone()
        changed[:, place:] = random_ids(1, n_positions - place, seed=data.draw(st.integers(1001, 2000)))
        changed[:, place] = (ids[:, place] + 1) % SMALL.vocab_size
        for run in (MODEL, lambda ids: MODEL.trace(ids).logits):
            before, after = run(ids), run(changed)
            torch.testing.assert_close(before[:, :place], after[:, :place], rtol=1e-5, atol=1e-5)
            assert not torch.allclose(before[:, place], after[:, place], atol=1e-3)


class TestCachedLogits:
    def test_a_full_cache_gets_a_sentence_and_stays_as_it_is(self):
        cache = MODEL.new_cache()
        MODEL(random_ids(1, 7), cache)
        with pytest.raises(ValueError, match=r"sees 8 tokens at once .* given 9"):
            MODEL(random_ids(1, 2), cache)
        assert [layer.length for layer in cache] == [7, 7]
        MODEL(random_ids(1, 1), cache)


class TestTrace:
    TRACE = MODEL.trace(random_ids(2, 5))

    def test_attention_weights_sum_to_one_and_are_zero_where_masked(self):
        weights = self.TRACE.attention_weights
        torch.testing.assert_close(weights.sum(-1), torch.ones(2, 2, 3, 5))
        hidden = ~self.TRACE.mask.expand_as(weights)
        assert (weights[hidden] == 0).all()
        assert (weights[~hidden] > 0).all()
        assert torch.equal(self.TRACE.mask, torch.ones(5, 5, dtype=torch.bool).tril())

    def test_losses_are_the_surprise_at_the_token_that_came(self):
        ids, probabilities = self.TRACE.token_ids, self.TRACE.probabilities.detach()
        by_hand = [[-math.log(probabilities[row, place - 1, ids[row, place]]) for place in range(1, 5)]
                   for row in range(2)]  # fmt: skip
        torch.testing.assert_close(self.TRACE.losses, torch.tensor(by_hand))


class TestAblatedHeads:
    """An ablated head against the same model whose weights were zeroed by hand."""

    IDS = random_ids(2, 6)

    @staticmethod
    def zeroed(places):
        changed = noisy_model()
        with torch.no_grad():
            for layer, head in places:
                changed.blocks[layer].attention.output.weight[:, 8 * head : 8 * head + 8] = 0
        return changed

    @given(st.sets(st.tuples(st.integers(0, 1), st.integers(0, 2))))
    def test_is_as_if_its_columns_of_the_output_projection_were_zero(self, places):
        expected = self.zeroed(places)(self.IDS)
        torch.testing.assert_close(MODEL.trace(self.IDS, ablate_heads=places).logits, expected, rtol=1e-4, atol=1e-5)

    def test_can_hand_on_something_else_instead(self):
        own = MODEL.trace(self.IDS).blocks[0].attention.head_outputs[0, 1, 0]
        trace = MODEL.trace(self.IDS, ablate_heads={(0, 1): own})
        assert torch.equal(trace.blocks[0].attention.head_outputs[:, 1], own.expand(2, 6, 8))
        first = MODEL.trace(self.IDS[:1, :1], ablate_heads={(0, 1): own})
        torch.testing.assert_close(first.logits, MODEL(self.IDS[:1, :1]), rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("place", [(2, 0), (0, 3), (-1, 0), (0,), 1, ("0", 1), (0, 1, 2)])
    def test_that_do_not_exist_get_a_sentence(self, place):
        with pytest.raises(ValueError, match=r"layers from 0 to 1 and heads from 0 to 2; given"):
            MODEL.trace(self.IDS, ablate_heads=[place])


class TestRefuses:
    @pytest.mark.parametrize("token_ids, sentence", [
        (torch.zeros(1, 0, dtype=torch.long), r"at least one; given \(1, 0\)"),
        (torch.zeros(2, 2, 2, dtype=torch.long), r"\(batch, position\).* given \(2, 2, 2\)"),
        (torch.zeros(1, 9, dtype=torch.long), "sees 8 tokens at once .* given 9. Keep only the last 8"),
        (torch.tensor([[3, -1]]), "from 0 to 10; given -1"),
        (torch.tensor([[3, 11]]), "from 0 to 10; given 11. Is this the tokenizer"),
        (torch.tensor([[1.0, 2.0]]), "whole numbers.*given torch.float32"),
        ([[1, 2]], "reads a tensor.*given list"),
    ])  # fmt: skip
    @pytest.mark.parametrize("openly", [False, True])
    def test_what_it_cannot_read_with_a_sentence(self, token_ids, sentence, openly):
        with pytest.raises(ValueError, match=sentence):
            (MODEL.trace if openly else MODEL)(token_ids)
