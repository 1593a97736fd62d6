"""The fast path of one cached token against the open one."""


import pytest
import torch
from fakes import SMALL, noisy_model, random_ids
from hypothesis import given
from hypothesis import strategies as st

from llmviz.model._cached_block import BlockCache
from llmviz.model.attention import RotaryEmbedding, apply_rotary, rotary_angles
from llmviz.model.transformer import DecoderOnly

MODEL = noisy_model()
seeds = st.integers(0, 2**31 - 1)


@given(st.integers(1, 8), st.integers(0, 40), seeds)
def test_turning_by_a_matrix_is_turning(half, position, seed):
    rotation = RotaryEmbedding.of(rotary_angles(position + 1, 2 * half)).at(position, position + 1)
    x = torch.randn(3, 1, 2 * half, generator=torch.Generator().manual_seed(seed))
    matrix = rotation.matrix
    torch.testing.assert_close(x @ matrix, apply_rotary(x, rotation), rtol=0, atol=1e-5)
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(2 * half), rtol=0, atol=1e-5)  # it only turns


@given(st.integers(1, 3), st.integers(1, 8), seeds)
def test_token_by_token_the_logits_are_those_of_the_open_path(batch, n_positions, seed):
    ids = random_ids(batch, n_positions, seed=seed)
    cache = MODEL.new_cache()
    logits = torch.cat([MODEL(ids[:, i : i + 1], cache) for i in range(n_positions)], dim=1)
    torch.testing.assert_close(logits, MODEL.trace(ids).logits, rtol=0, atol=1e-4)


def test_one_block_adds_what_the_block_adds_and_remembers_its_keys_and_values():
    block = MODEL.blocks[0]
    trace = MODEL.trace(random_ids(2, 5)).blocks[0]
    cache = BlockCache(block, context_length=5)
    for position in range(5):
        turn = MODEL.rotary(position, position + 1).matrix
        after = cache.read(trace.residual_before[:, position], turn)
        torch.testing.assert_close(after, trace.residual_after[:, position], rtol=0, atol=1e-4)
    torch.testing.assert_close(cache.keys, trace.attention.key, rtol=0, atol=1e-4)
    torch.testing.assert_close(cache.values, trace.attention.value, rtol=0, atol=1e-4)


def test_a_new_cache_sees_the_weights_of_now():
    model = DecoderOnly(SMALL)
    ids = random_ids(1, 1)
    model(ids, model.new_cache())
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
    torch.testing.assert_close(model(ids, model.new_cache()), model(ids), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("ids, given_id", [([[11]], 11), ([[-1]], -1), ([[3], [11]], 11)])
def test_one_unknown_token_gets_the_sentence_too(ids, given_id):
    with pytest.raises(ValueError, match=f"from 0 to 10; given {given_id}"):
        MODEL(torch.tensor(ids), MODEL.new_cache())
