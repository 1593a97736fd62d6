"""Lesson 3: what it says about attention holds for other texts, other lists and other first weights too."""

from unittest import mock

import torch
import train_models
from claims import above, below, demo

from llmviz import artifacts
from llmviz.interpretability import (
    all_heads,
    head_effects,
    head_scores,
    induction_score,
    repeated_sequences,
    token_losses,
)
from llmviz.model.attention import causal_mask
from llmviz.model.transformer import DecoderOnly
from llmviz.tinyville import Tinyville
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
    times_its_equal_share=above(5),
    heads_with_half_of_their_look=below(3),
    right_with_all_heads=above(0.85),
    right_lost_without_the_best=above(0.5),
    right_lost_without_the_best_lookers_rival=below(0.3),
    right_lost_without_a_head_of_layer_0_that_hardly_looks=above(0.05),
)
def one_head_of_the_tiny_gpt_looks_back_to_what_it_copies(seed: int) -> dict[str, float]:
    """The best looker puts many times its equal share on the word to be copied, and without it copying suffers;
    some head of layer 0 hardly looks there, and is missed all the same."""
    tiny = artifacts.load_model("tiny")
    end, encode = tiny.tokenizer.end_of_text, tiny.tokenizer.encode
    prompts = [
        (torch.tensor([end, *encode(prompt)]), encode(" " + word)[0])
        for prompt, word, _ in Tinyville().copy_prompts(20, seed=seed)
    ]
    heads, looks, equal = all_heads(tiny.model), 0, 0.0
    for token_ids, answer in prompts:
        stood_here = token_ids == answer
        with torch.inference_mode():
            weights = tiny.model.trace(token_ids).attention_weights[:, 0, :, -1]
        looks = looks + weights[..., stood_here].sum(dim=-1) / len(prompts)
        equal += stood_here.float().mean().item() / len(prompts)

    @torch.inference_mode()
    def right(ablate_heads=()):
        traces = [(tiny.model.trace(ids, ablate_heads=ablate_heads), answer) for ids, answer in prompts]
        said = [trace.logits[0, -1].argmax() == answer for trace, answer in traces]
        return sum(map(bool, said)) / len(said)

    all_work = right()
    ranked = sorted(heads, key=lambda place: -looks[place])
    return {
        "times_its_equal_share": looks.max().item() / equal,
        "heads_with_half_of_their_look": int((looks > 0.5).sum()),
        "right_with_all_heads": all_work,
        "right_lost_without_the_best": all_work - right([ranked[0]]),
        "right_lost_without_the_best_lookers_rival": all_work - right([ranked[1]]),
        "right_lost_without_a_head_of_layer_0_that_hardly_looks": max(
            all_work - right([place]) for place in heads if place[0] == 0 and looks[place] < 0.1
        ),
    }


@demo(
    first_round=above(6),
    second_round=below(0.5),
    induction_score_of_each_head_of_layer_1=above(0.4),
    induction_scores_of_layer_0=below(0.1),
    loss_added_without_the_prettiest_stripe=below(0.5),
    loss_added_without_the_best_previous_token_head=above(3),
    induction_scores_left_without_it=below(0.2),
    loss_without_layer_0=above(5),
    loss_without_layer_1=above(5),
)
def the_cliff_and_its_levers(seed: int) -> dict[str, float]:
    """Surprise falls off a cliff where a list begins again. All heads of layer 1 have the stripe, none is missed alone;
    without their layer the cliff is gone; without one head of layer 0 that has no stripe, the stripes are gone too."""
    model = artifacts.load_model("induction").model
    lists, again = repeated_sequences(model.config.vocab_size, LENGTH, seed=seed), slice(LENGTH + 1, None)

    def score(of, ablate_heads=()):
        weights = model.trace(lists[:8], ablate_heads=ablate_heads).attention_weights.detach().numpy()
        return sum(of(weights[:, row], lists[row].tolist()) for row in range(8)) / 8

    stripes = score(induction_score)
    previous = score(lambda weights, tokens: head_scores(weights, tokens)["previous token"])
    one_back = all_heads(model)[previous.argmax()]
    losses, effects = token_losses(model, lists), head_effects(model, lists, positions=again)

    def without(layer):
        off = [place for place in all_heads(model) if place[0] == layer]
        return token_losses(model, lists, ablate_heads=off)[again].mean().item()

    return {
        "first_round": losses[:LENGTH].mean().item(),
        "second_round": losses[again].mean().item(),
        "induction_score_of_each_head_of_layer_1": stripes[1].min(),
        "induction_scores_of_layer_0": stripes[0].max(),
        "loss_added_without_the_prettiest_stripe": effects.flatten()[stripes.argmax()].item(),
        "loss_added_without_the_best_previous_token_head": effects.flatten()[previous.argmax()].item(),
        "induction_scores_left_without_it": score(induction_score, [one_back])[1].max(),
        "loss_without_layer_0": without(0),
        "loss_without_layer_1": without(1),
    }


@demo(gap_at_the_start=below(0.1), gap_after_800_steps=above(0.3))
def repetition_alone_teaches_looking_back(seed: int) -> dict[str, float]:
    """Trained on lists of random tokens that repeat, the second round becomes easier than the first. (A small
    vocabulary and 800 steps: the cliff is only forming.)"""
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
