"""LoRA: nothing at first, exactly off, merged without a trace, of the rank that it says."""

import pytest
import torch
import torch.nn.functional as F
from fakes import noisy_model, random_ids

from llmviz import finetuning
from llmviz.generation.sampling import generate

MODEL = noisy_model()
ROW = random_ids(6)


def with_changes(rank=2, seed=0):
    """A model whose LoRA has learned something: B is no longer zero."""
    adapted = finetuning.add_lora(MODEL, rank=rank, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for change in finetuning.lora_layers(adapted).values():
            change.b.copy_(torch.randn(change.b.shape, generator=generator) / 5)
    return adapted


def change_of(model, name):
    return (model.get_submodule(name).weight - MODEL.get_submodule(name).weight).detach()


@pytest.mark.parametrize("rank", [1, 8])
def test_adds_nothing_at_the_beginning(rank):
    fresh = finetuning.add_lora(MODEL, rank=rank, seed=3)
    assert torch.equal(fresh(ROW[None]), MODEL(ROW[None]))


@pytest.mark.parametrize(("rank", "seed"), [(1, 0), (4, 7)])
def test_switched_off_it_is_exactly_the_old_model_and_switched_on_again_the_new_one(rank, seed):
    adapted = with_changes(rank, seed)
    new = adapted(ROW[None])
    assert not torch.allclose(new, MODEL(ROW[None]))
    with finetuning.disable_lora(adapted):
        assert torch.equal(adapted(ROW[None]), MODEL(ROW[None]))
    assert torch.equal(adapted(ROW[None]), new)


def test_computes_what_the_papers_two_paths_compute():
    """h = W x + (α / r) B A x (Hu et al. 2021, equation 3), one matrix by itself."""
    adapted = with_changes(rank=3)
    name = "blocks.0.feed_forward.up_proj"
    change, x = finetuning.lora_layers(adapted)[name], torch.randn(5, MODEL.config.d_model)
    two_paths = F.linear(x, MODEL.get_submodule(name).weight) + 6.0 / 3 * F.linear(F.linear(x, change.a), change.b)
    torch.testing.assert_close(adapted.get_submodule(name)(x), two_paths, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("rank", "seed"), [(1, 0), (4, 7)])
def test_merged_it_is_an_ordinary_model_of_the_old_size_with_the_same_scores(rank, seed):
    adapted = with_changes(rank, seed)
    merged = finetuning.merge_lora(adapted)
    torch.testing.assert_close(merged(ROW[None]), adapted(ROW[None]), rtol=0, atol=1e-5)
    assert merged.n_parameters == MODEL.n_parameters < adapted.n_parameters
    assert merged.state_dict().keys() == MODEL.state_dict().keys()
    assert finetuning.lora_layers(merged) == {}
    torch.testing.assert_close(adapted(ROW[None]), merged(ROW[None]), rtol=0, atol=1e-5)  # still works


def test_tracing_and_cached_writing_see_the_change():
    adapted = with_changes()
    torch.testing.assert_close(adapted.trace(ROW).logits, adapted(ROW[None]), rtol=1e-4, atol=1e-4)
    settings = {"max_new_tokens": 5, "temperature": 0}
    cached = generate(adapted, ROW.tolist(), **settings)
    assert cached == generate(adapted, ROW.tolist(), use_cache=False, **settings)
    assert cached == generate(finetuning.merge_lora(adapted), ROW.tolist(), **settings)


@pytest.mark.parametrize("rank", [1, 2, 5])
def test_the_change_has_the_rank_that_was_asked_for_and_the_svd_says_so(rank):
    change = change_of(with_changes(rank), "blocks.1.attention.query")
    strengths = torch.linalg.svdvals(change)
    assert torch.linalg.matrix_rank(change, rtol=1e-4) == rank
    assert (strengths > 1e-4 * strengths[0]).sum() == rank


def test_what_cannot_be_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="from 1 to d_model, here 24; given 0"):
        finetuning.add_lora(MODEL, rank=0)
    with pytest.raises(ValueError, match="has LoRA already: merge it first"):
        finetuning.add_lora(with_changes(), rank=1)
