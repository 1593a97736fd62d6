"""The fast path of one cached token against the open one."""

import pytest
import torch
from fakes import SMALL, noisy_model, random_ids
from hypothesis import strategies as st

from llmviz.model.block import _BlockCache
from llmviz.model.transformer import DecoderOnly

MODEL = noisy_model()
seeds = st.integers(0, 2**31 - 1)


def test_one_block_adds_what_the_block_adds_and_remembers_its_keys_and_values():
    block = MODEL.blocks[0]
    trace = MODEL.trace(random_ids(2, 5)).blocks[0]
    cache = _BlockCache(block, context_length=5)
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
