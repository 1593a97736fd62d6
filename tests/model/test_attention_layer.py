"""Attention against torch's own, rotations against complex numbers, and small cases worked by hand."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from llmviz.model.attention import (
    QUERY_GAIN,
    MultiHeadAttention,
    RotaryEmbedding,
    _KVCache,
    apply_rotary,
    causal_mask,
    rotary_angles,
    scaled_dot_product_attention,
    sliding_window_mask,
)
from llmviz.model.config import ModelConfig

seeds = st.integers(0, 2**31 - 1)
sizes = st.integers(1, 6)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def normalized_by_hand(x: torch.Tensor) -> torch.Tensor:
    centerd = x - x.mean(-1, keepdim=True)
    return centerd / (centerd.square().mean(-1, keepdim=True) + 1e-5).sqrt()


def turned_as_complex(x: torch.Tensor) -> torch.Tensor:
    """Number i and number i + d_head/2 as one complex number, times e^(i · angle)."""
    n_positions, d_head = x.shape[-2:]
    halves = x.unflatten(-1, (2, d_head // 2))
    pairs = torch.complex(halves[..., 0, :].double(), halves[..., 1, :].double())
    angles = [[p / ModelConfig.rotary_base ** (2 * i / d_head) for i in range(d_head // 2)] for p in range(n_positions)]
    turned = pairs * torch.exp(1j * torch.tensor(angles, dtype=torch.float64))
    return torch.cat((turned.real, turned.imag), dim=-1).float()


class TestMask:
    def test_a_sliding_window_is_a_causal_mask_cut_short(self):
        for window in (1, 3, 9):
            mask = sliding_window_mask(6, window)
            assert mask.sum(dim=1).tolist() == [min(row + 1, window) for row in range(6)]
            assert not (mask & ~causal_mask(6)).any() and mask.diagonal().all()

    def test_impossible_sizes_get_a_sentence(self):
        with pytest.raises(ValueError, match="at least one query; given 0"):
            causal_mask(0)
        with pytest.raises(ValueError, match="3 positions and a window of 0"):
            sliding_window_mask(3, 0)


class TestScaledDotProduct:
    def test_an_example_worked_by_hand(self):
        # d_head 4, so scores are halved: 2 ln 3 / 2 = ln 3 against 0, which is 3 to 1; 3/4 · 8 + 1/4 · 4 = 7.
        query = torch.tensor([[2.0, 0, 0, 0]])
        key = torch.tensor([[math.log(3), 0, 0, 0], [0, 5, 5, 5]])
        value = torch.tensor([[8.0], [4.0]])
        scores, weights, output = scaled_dot_product_attention(query, key, value)
        assert scores.tolist() == [[pytest.approx(math.log(3)), 0.0]]
        assert weights.tolist() == [[pytest.approx(0.75), pytest.approx(0.25)]]
        assert output.tolist() == [[pytest.approx(7.0)]]

    @given(sizes, sizes, sizes, sizes, sizes, seeds, st.booleans())
    def test_equals_torchs_own(self, batch, n_heads, n_queries, n_keys, d_head, seed, has_mask):
        query = noise(batch, n_heads, n_queries, d_head, seed=seed)
        key, value = (noise(batch, n_heads, n_keys, d_head, seed=seed + i) for i in (1, 2))
        mask = None
        if has_mask:
            mask = noise(batch, 1, n_queries, n_keys, seed=seed + 3) > 0
            mask[..., seed % n_keys] = True
        result = scaled_dot_product_attention(query, key, value, mask)
        expected = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        torch.testing.assert_close(result.output, expected, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(result.weights.sum(-1), torch.ones(batch, n_heads, n_queries))
        if mask is not None:
            assert (result.weights[~mask.expand_as(result.weights)] == 0).all()

    def test_scores_are_those_before_the_mask(self):
        query, key = noise(4, 6), noise(4, 6, seed=1)
        masked = scaled_dot_product_attention(query, key, key, causal_mask(4))
        assert masked.scores.isfinite().all()
        assert torch.equal(masked.scores, scaled_dot_product_attention(query, key, key).scores)

    @pytest.mark.parametrize(
        "query, key, value, mask, sentence",
        [
            ((3, 4), (3, 5), (3, 5), None, "d_head 4 for the queries and 5 for the keys"),
            ((3, 4), (2, 4), (3, 4), None, "each key has one value; given 2 keys and 3 values"),
            ((2, 4), (2, 4), (2, 4), torch.eye(2, dtype=torch.bool) & False, "forbids every key"),
            ((2, 4), (2, 4), (2, 4), torch.tensor([[True, False], [False, False]]), "forbids every key"),
            ((2, 4), (2, 4), (2, 4), torch.ones(2, 3, dtype=torch.bool), r"\(2, 2\).*\(2, 3\)"),
            ((2, 4), (2, 4), (2, 4), torch.ones(2, 2), "bool.*float"),
        ],
    )
    def test_what_does_not_fit_gets_a_sentence(self, query, key, value, mask, sentence):
        with pytest.raises(ValueError, match=sentence):
            scaled_dot_product_attention(noise(*query), noise(*key), noise(*value), mask)


class TestRotation:
    @given(st.integers(1, 4), st.integers(0, 30), st.integers(0, 30), st.integers(0, 60), seeds)
    def test_the_dot_product_depends_on_the_distance_alone(self, half, i, j, shift, seed):
        rotation = RotaryEmbedding.of(rotary_angles(100, 2 * half))
        query, key = noise(1, 2 * half, seed=seed), noise(1, 2 * half, seed=seed + 1)

        def product(i: int, j: int) -> float:
            at_i, at_j = (RotaryEmbedding(*(part[k : k + 1] for part in rotation)) for k in (i, j))
            return (apply_rotary(query, at_i) @ apply_rotary(key, at_j).T).item()

        assert product(i, j) == pytest.approx(product(i + shift, j + shift), abs=1e-3)

    @given(st.integers(1, 5), st.integers(1, 40), seeds)
    def test_equals_multiplying_complex_numbers(self, half, n_positions, seed):
        x = noise(2, n_positions, 2 * half, seed=seed)
        turned = apply_rotary(x, RotaryEmbedding.of(rotary_angles(n_positions, 2 * half)))
        torch.testing.assert_close(turned, turned_as_complex(x), rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))

    def test_an_odd_width_gets_a_sentence(self):
        with pytest.raises(ValueError, match="d_head must be even; given 5"):
            rotary_angles(3, 5)


class TestCache:
    def test_a_full_cache_says_so_and_keeps_what_it_has(self):
        cache = _KVCache(3)
        cache.extend(noise(1, 1, 2, 2), noise(1, 1, 2, 2))
        with pytest.raises(ValueError, match="holds 3 positions; given 2 more after 2"):
            cache.extend(noise(1, 1, 2, 2), noise(1, 1, 2, 2))
        assert cache.length == 2


class TestMultiHead:
    def torchs_own(self, d_model: int, n_heads: int, query, key, value, output) -> nn.MultiheadAttention:
        judge = nn.MultiheadAttention(d_model, n_heads, bias=False, batch_first=True)
        with torch.no_grad():
            judge.in_proj_weight.copy_(torch.cat((query, key, value)))
            judge.out_proj.weight.copy_(output)
        return judge

    @given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 3), st.integers(1, 7), seeds)
    def test_equals_torchs_own_fed_with_normalized_rotated_queries_and_keys(
        self, batch, n_heads, half, n_positions, seed
    ):
        d_head = 2 * half
        d_model = n_heads * d_head
        ours = MultiHeadAttention(ModelConfig(9, d_model=d_model, n_heads=n_heads))
        with torch.no_grad():
            for number, parameter in enumerate(ours.parameters()):
                parameter.copy_(noise(d_model, d_model, seed=seed + number))
        x = noise(batch, n_positions, d_model, seed=seed)

        def prepared(projection: nn.Linear) -> torch.Tensor:
            heads = (x @ projection.weight.T).unflatten(-1, (n_heads, d_head)).transpose(1, 2)
            return turned_as_complex(normalized_by_hand(heads)).transpose(1, 2).flatten(-2)

        same = torch.eye(d_model)
        judge = self.torchs_own(d_model, n_heads, same, same, ours.value.weight, ours.output.weight)
        mask = causal_mask(n_positions)
        expected, expected_weights = judge(
            QUERY_GAIN * prepared(ours.query), prepared(ours.key), x, attn_mask=~mask, average_attn_weights=False
        )
        rotation = RotaryEmbedding.of(rotary_angles(n_positions, d_head))
        trace = ours.trace(x, mask, rotation)
        torch.testing.assert_close(trace.weights, expected_weights, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(trace.output, expected, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(ours(x, mask, rotation), trace.output, rtol=1e-4, atol=1e-4)
