"""The five changes: what each switches, that a real model's size comes out, and what learned positions cannot do."""

from dataclasses import replace

import pytest
import torch

from llmviz import artifacts
from llmviz.generation import cache_bytes
from llmviz.model.config import CHANGES, PUBLISHED, gpt2_like, with_changes
from llmviz.model.transformer import DecoderOnly
from llmviz.training import architectures

SMALL = replace(gpt2_like(40), d_model=16, context_length=12, d_ff=64)


@pytest.mark.parametrize(
    ("name", "published"),
    [("GPT-2", 124_439_808), ("SmolLM2 135M", 134_515_008), ("Llama 2 7B", 6_738_415_616),
     ("Llama 2 70B", 68_976_648_192), ("Llama 3 8B", 8_030_261_248)],
)  # fmt: skip
def test_published_sizes_give_the_published_number_of_parameters(name, published):
    assert PUBLISHED[name].n_parameters == published


def test_each_change_is_one_switch_and_leaves_the_size_nearly_as_it_was():
    first = gpt2_like(1024)
    for name, switched in CHANGES.items():
        config = with_changes(first, name)
        assert all(getattr(config, field) == value != getattr(first, field) for field, value in switched.items())
        assert abs(config.n_parameters / first.n_parameters - 1) < 0.06
    assert with_changes(first, *CHANGES).d_ff == 2 * first.d_ff // 3
    with pytest.raises(ValueError, match="'longer legs' is not one of the changes"):
        with_changes(first, "longer legs")


@pytest.mark.parametrize("names", [(), ("grouped-query attention",), tuple(CHANGES)])
def test_the_cache_is_as_large_as_it_is_reckoned(names):
    model = DecoderOnly(with_changes(SMALL, *names))
    caches = model.new_cache()
    model(torch.tensor([[1]]), caches)
    taken = sum(2 * cache.keys.numel() * cache.keys.element_size() for cache in caches)
    assert taken == 2 * cache_bytes(12, n_layers=2, d_kv=model.config.key_value_width)  # ours has four bytes a number


def test_rotary_positions_go_on_and_learned_ones_end():
    rotary = DecoderOnly(with_changes(SMALL, "rotary positions"), seed=1)
    torch.nn.init.normal_(rotary.blocks[0].attention.output.weight)
    token_ids = torch.arange(24)[None]
    further = rotary.with_context_length(24)
    torch.testing.assert_close(further(token_ids)[:, :12], rotary(token_ids[:, :12]))
    with pytest.raises(ValueError, match="none for position 12: learned positions end"):
        DecoderOnly(SMALL).with_context_length(24)
    assert DecoderOnly(SMALL).with_context_length(12).config == SMALL


def test_losses_by_place_are_those_of_torch():
    model = DecoderOnly(SMALL, seed=3)
    windows = torch.randint(40, (5, 13), generator=torch.Generator().manual_seed(0))
    by_place = architectures.loss_by_position(model, windows)
    logits = model(windows[:, :-1])
    last = torch.nn.functional.cross_entropy(logits[:, -1], windows[:, -1]).item()
    whole = torch.nn.functional.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten()).item()
    assert by_place.shape == (12,)
    assert (by_place[-1].item(), by_place.mean().item()) == pytest.approx((last, whole), rel=1e-5)


def test_models_side_by_side_are_as_trained_alone():
    data = architectures.load_data(artifacts.load_model("tiny").tokenizer)
    configs = dict(list(architectures.variants(1024).items())[:2])
    both = architectures.train_side_by_side(configs, data, steps=6)
    alone = architectures.train_side_by_side({"GPT-2": configs["GPT-2"]}, data, steps=6)["GPT-2"]
    assert both["GPT-2"].held_out == alone.held_out < 6.8


def test_the_recording_is_of_these_variants():
    card = artifacts.load_recording("architectures")
    configs = architectures.variants(1024)
    assert card["seeds"] == [0, 1, 2]
    for name in card["variants"].keys() - configs.keys():  # "rotary and RMSNorm", "all but SwiGLU"
        others = [change for change in CHANGES if change != "rotary positions" and change in name]
        without = [change for change in CHANGES if change not in others]
        changes = ["rotary positions", *others] if name.startswith("rotary and") else without
        configs[name] = with_changes(configs["GPT-2"], *changes)
    assert len(configs) == 16
    assert {name: row["n_parameters"] for name, row in card["variants"].items()} == {
        name: config.n_parameters for name, config in configs.items()
    }
    for name, row in card["variants"].items():
        n_places = 4 if configs[name].positions == "learned" else len(card["positions"])
        assert all(len(places) == n_places for places in row["by_position"])
