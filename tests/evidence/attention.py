"""Lesson 3: what it says about attention holds for other texts, other lists and other first weights too."""

from unittest import mock

import torch
import train_models
from claims import above, below, between, demo

from llmviz import artifacts
from llmviz.interpretability import (
    all_heads,
    head_effects,
    head_scores,
    induction_score,
    repeat_tokens,
    repeated_sequences,
    token_losses,
)
from llmviz.model.attention import causal_mask
from llmviz.model.transformer import DecoderOnly
from llmviz.training.loop import TrainingSettings

LENGTH = 20  # tokens in a list that the model repeats


@demo(raw=above(0.9), divided=below(0.5))
def without_the_root_one_random_key_takes_all(seed: int) -> dict[str, float]:
    """At d = 1024 the biggest of eight random keys takes nearly everything; divided by √d, less than half."""
    generator = torch.Generator().manual_seed(seed)
    query = torch.randn(500, 1, 1024, generator=generator)
    keys = torch.randn(500, 8, 1024, generator=generator)
    scores = (query * keys).sum(dim=-1)
    return {
        "raw": scores.softmax(dim=-1).amax(dim=-1).mean().item(),
        "divided": (scores / 1024**0.5).softmax(dim=-1).amax(dim=-1).mean().item(),
    }


@demo(leak_when_zeroed_afterwards=above(0.05), leak_when_masked_before=below(1e-9))
def a_mask_that_comes_too_late_leaks(seed: int) -> dict[str, float]:
    """Zeroed after the softmax, early words change with a later one; masked before it, they do not."""
    scores = torch.randn(4, 4, generator=torch.Generator().manual_seed(seed))
    changed, allowed = scores.clone(), causal_mask(4)
    changed[:, 3] += 1.4

    def late(scores):
        return scores.softmax(dim=-1) * allowed

    def early(scores):
        return scores.masked_fill(~allowed, float("-inf")).softmax(dim=-1)

    return {
        "leak_when_zeroed_afterwards": (late(changed) - late(scores))[:3].abs().max().item(),
        "leak_when_masked_before": (early(changed) - early(scores))[:3].abs().max().item(),
    }


@demo(
    mean_fall=above(0.1),
    mean_fall_of_the_next_best_head=below(0.08),
    rise_of_the_other_noun=above(0.05),
    pairs_that_fall_by_a_tenth=between(0.3, 0.8),
    pairs_with_the_right_noun_both_times=between(0.1, 0.6),
    mean_change_where_the_first_noun_is_a_thing=above(-0.02),
    living_nouns_that_fall_by_less_than_a_tenth=above(0.1),
    change_in_the_decoder=below(1e-9),
)
def one_head_of_minilm_tends_to_what_it_means(seed: int) -> dict[str, float]:
    """Of any twelve of the pairs: when the last word changes, the weight from *it* to the noun that it meant falls, far
    more than in any other head; but not in all pairs. In the decoder nothing changes."""
    recorded = artifacts.load_recording("coreference")
    some = torch.randperm(18, generator=torch.Generator().manual_seed(seed))[:12]
    arrays = {name: torch.tensor(recorded["arrays"][name]).float()[some] for name in ("looks", "decoder_looks")}
    looks = arrays["looks"]  # (pair, last word, layer, head, noun)
    falls = looks[:, 0, ..., 0] - looks[:, 1, ..., 0]
    best, second = falls.mean(dim=0).flatten().topk(2).values
    here = looks[:, :, 3, 1]
    is_thing = torch.tensor([recorded["pairs"][row]["nouns"][0] in ("robot", "cup", "key", "truck") for row in some])
    right = (here[:, 0, 0] > here[:, 0, 1]) & (here[:, 1, 1] > here[:, 1, 0])
    assert falls.mean(dim=0).flatten().argmax() == 3 * looks.shape[3] + 1
    return {
        "mean_fall": best.item(),
        "mean_fall_of_the_next_best_head": second.item(),
        "rise_of_the_other_noun": (here[:, 1, 1] - here[:, 0, 1]).mean().item(),
        "pairs_that_fall_by_a_tenth": (falls[:, 3, 1] > 0.1).float().mean().item(),
        "pairs_with_the_right_noun_both_times": right.float().mean().item(),
        "mean_change_where_the_first_noun_is_a_thing": -falls[is_thing, 3, 1].mean().item(),
        "living_nouns_that_fall_by_less_than_a_tenth": (falls[~is_thing, 3, 1] < 0.1).float().mean().item(),
        "change_in_the_decoder": (arrays["decoder_looks"][:, 0] - arrays["decoder_looks"][:, 1]).abs().max().item(),
    }


@demo(mean_weight_on_the_first_token=above(0.3), length_of_its_value=below(0.2))
def the_first_token_is_an_attention_sink(seed: int) -> dict[str, float]:
    """Both recorded heads of MiniLM put much of their weight on [CLS], whose value is short (against the mean of the
    others)."""
    recorded = artifacts.load_recording("coreference")["arrays"]
    arrays = {name: torch.tensor(array).float() for name, array in recorded.items()}
    q, k, v = (arrays["x"][seed % 2] @ arrays[name][seed // 2] for name in ("W_q", "W_k", "W_v"))
    lengths = v.norm(dim=-1)
    return {
        "mean_weight_on_the_first_token": (q @ k.T / 32**0.5).softmax(dim=-1)[:, 0].mean().item(),
        "length_of_its_value": (lengths[0] / lengths[1:].mean()).item(),
    }


@demo(attention_at_its_worst=above(0.95), recurrent_at_length_4=above(0.85), recurrent_at_length_32=below(0.5))
def self_attention_repeats_longer_lists_than_a_recurrent_network(seed: int) -> dict[str, float]:
    """As recorded, at both learning rates: attention repeats lists of any length, a GRU of the same size short ones."""
    recorded = artifacts.load_recording("long_range")
    attention, recurrent = (torch.tensor(right)[:, seed] for right in recorded["right"].values())
    return {
        "attention_at_its_worst": attention.min().item(),
        "recurrent_at_length_4": recurrent[:, 0].min().item(),
        "recurrent_at_length_32": recurrent[:, -1].max().item(),
    }


@demo(
    first_round=above(6),
    second_round=below(0.5),
    induction_score_of_each_head_of_layer_1=above(0.4),
    induction_scores_of_layer_0=below(0.1),
    loss_added_without_the_clearest_stripe=below(0.5),
    loss_added_without_the_best_previous_token_head=above(3),
    induction_scores_left_without_it=below(0.2),
    own_token_score_of_another_head=above(0.8),
    loss_added_without_that_head=above(1),
    mean_induction_score_left_without_that_head=below(0.6),
    loss_added_without_the_head_of_the_first_token=above(0.5),
    loss_without_three_heads_of_layer_1=above(1.5),
    loss_without_layer_0=above(5),
    loss_without_layer_1=above(5),
)
def induction_heads_stand_in_for_each_other(seed: int) -> dict[str, float]:
    """The loss falls where a list begins again. All heads of layer 1 have the stripe, none is needed alone, but one
    alone is too few; without the previous-token head of layer 0 the stripes are gone, too; without the head that looks
    at its own token they are weaker."""
    model = artifacts.load_model("induction").model
    lists, again = repeated_sequences(model.config.vocab_size, LENGTH, seed=seed), slice(LENGTH + 1, None)

    def score(of, ablate_heads=()):
        weights = model.trace(lists[:8], ablate_heads=ablate_heads).attention_weights.detach().numpy()
        return sum(of(weights[:, row], lists[row].tolist()) for row in range(8)) / 8

    stripes = score(induction_score)
    previous = score(lambda weights, tokens: head_scores(weights, tokens)["previous token"])
    one_back = all_heads(model)[previous.argmax()]
    weights = model.trace(lists[:8]).attention_weights.detach()
    own = weights.diagonal(dim1=-2, dim2=-1)[..., 1:].mean(dim=(1, 3))[0]
    to_first = weights[0, :, :, 1:, 0].mean(dim=(0, 2))
    losses, effects = token_losses(model, lists), head_effects(model, lists, positions=again)

    def without(layer, kept=None):
        off = [place for place in all_heads(model) if place[0] == layer and place[1] != kept]
        return token_losses(model, lists, ablate_heads=off)[again].mean().item()

    return {
        "first_round": losses[:LENGTH].mean().item(),
        "second_round": losses[again].mean().item(),
        "induction_score_of_each_head_of_layer_1": stripes[1].min(),
        "induction_scores_of_layer_0": stripes[0].max(),
        "loss_added_without_the_clearest_stripe": effects.flatten()[stripes.argmax()].item(),
        "loss_added_without_the_best_previous_token_head": effects.flatten()[previous.argmax()].item(),
        "induction_scores_left_without_it": score(induction_score, [one_back])[1].max(),
        "own_token_score_of_another_head": own.max().item(),
        "loss_added_without_that_head": effects[0, own.argmax()].item(),
        "mean_induction_score_left_without_that_head": score(induction_score, [(0, int(own.argmax()))])[1].mean(),
        "loss_added_without_the_head_of_the_first_token": effects[0, to_first.argmax()].item(),
        "loss_without_three_heads_of_layer_1": min(without(1, kept) for kept in range(4)),
        "loss_without_layer_0": without(0),
        "loss_without_layer_1": without(1),
    }


@demo(turtle=below(10), grandmother=above(20))
def in_some_sentences_one_head_carries_much(seed: int) -> dict[str, float]:
    """Percent of the fall of the loss that is lost without one head of layer 1: it depends on the text."""
    part, found = artifacts.load_model("induction"), {}
    for name, text in {
        "turtle": "The curious turtle sold purple soup to every lighthouse",
        "grandmother": "My grandmother painted seven angry clouds above the quiet station",
    }.items():
        twice = repeat_tokens(part.tokenizer.encode(text), start=part.tokenizer.end_of_text)
        again, losses = slice(len(twice) // 2 + 1, None), token_losses(part.model, twice)
        worst = head_effects(part.model, twice, positions=again)[1].max()
        found[name] = (100 * worst / (losses[: len(twice) // 2].mean() - losses[again].mean())).item()
    return found


@demo(gap_at_the_start=below(0.1), gap_after_800_steps=above(0.3))
def repetition_alone_teaches_looking_back(seed: int) -> dict[str, float]:
    """Trained on lists of random tokens that repeat, the second round becomes easier than the first. (A small
    vocabulary and 800 steps: the fall is only beginning.)"""
    model = DecoderOnly(train_models.induction_config(50), seed=seed)
    lists = repeated_sequences(50, 16, seed=seed)

    def gap():
        losses = token_losses(model, lists)
        return (losses[:16].mean() - losses[17:].mean()).item()

    before = gap()
    with mock.patch.object(train_models, "INDUCTION_TEXTS", 2_000):
        for _ in train_models.induction_steps(model, TrainingSettings(steps=800, batch_size=8, seed=seed)):
            pass
    return {"gap_at_the_start": abs(before), "gap_after_800_steps": gap()}
