"""What reading costs: by hand, and against torch's own counter of operations."""

import pytest
import torch
from fakes import random_ids
from torch.utils.flop_counter import FlopCounterMode

from llmviz.generation import cache_bytes, forward_cost, generate, generation_costs
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly

# Learned positions: turning queries and keys would be counted too.
CONFIG = ModelConfig(vocab_size=11, context_length=16, d_model=24, n_layers=2, n_heads=3, d_ff=20, positions="learned")
MODEL = DecoderOnly(CONFIG)
SIZES = (24, 20, 2, 11)


def counted(work) -> int:
    """The multiplications of some work, as torch counts them: an operation is a multiplication or an addition."""
    kernel = torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)
    with torch.no_grad(), kernel, FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops() // 2


@pytest.mark.parametrize("n_tokens", [1, 2, 7, 16])
def test_torch_counts_the_same_for_a_whole_text(n_tokens):
    ids = random_ids(1, n_tokens)
    assert counted(lambda: MODEL(ids)) == forward_cost(n_tokens, n_tokens, *SIZES)


@pytest.mark.parametrize("n_before", [1, 5, 15])
def test_torch_counts_the_same_for_one_token_after_a_cache(n_before):
    cache = MODEL.new_cache()
    MODEL(random_ids(1, n_before), cache)
    assert counted(lambda: MODEL(random_ids(1, 1), cache)) == forward_cost(1, n_before + 1, *SIZES)


def test_torch_counts_the_same_for_writing_with_and_without_a_cache():
    for use_cache in (True, False):
        work = counted(lambda use_cache=use_cache: generate(MODEL, [1, 2, 3], max_new_tokens=9, use_cache=use_cache))
        assert work == sum(generation_costs(CONFIG, 3, 9, use_cache=use_cache))


def test_the_memory_of_a_cache_is_that_of_ours():
    model = DecoderOnly(CONFIG)
    cache = model.new_cache()
    model(random_ids(1, 1), cache)
    held = sum(part.keys.nbytes + part.values.nbytes for part in cache)
    assert held == 2 * cache_bytes(16, n_layers=2, d_kv=24)  # ours has four bytes a number
