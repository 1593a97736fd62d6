"""Lesson 7: what it says about dice, beams, plans, caches and translation holds on other seeds too."""

import itertools
import math
from dataclasses import replace
from time import perf_counter

import torch
from claims import above, below, between, demo

from llmviz import artifacts
from llmviz.generation import sample_texts
from llmviz.generation.beam import beam_search, continuation_log_probability
from llmviz.generation.flops import generation_costs
from llmviz.generation.sampling import generate, generate_steps
from llmviz.model.transformer import DecoderOnly
from llmviz.tinyville import Tinyville

N_TEXTS = 60


def tiny():
    found = artifacts.load_model("tiny")
    return found.model, found.tokenizer


@demo(
    valid_at_1=above(0.88),
    broken_at_1_5=between(0.12, 0.4),
    valid_at_1_5_with_top_k_3=above(0.93),
    valid_at_1_5_with_top_p_80=above(0.93),
    repaired=above(0.5),
)
def warm_dice_break_texts_and_either_cut_repairs_them(seed: int) -> dict[str, float]:
    """At temperature 1 nearly all texts are valid, at 1.5 a good part is not; top-k and top-p repair most of them."""
    (model, tokenizer), world = tiny(), Tinyville()

    def valid(**setting):
        texts = sample_texts(model, tokenizer, N_TEXTS, seed=1000 * seed, **setting)
        return sum(world.check(text).valid for text in texts) / N_TEXTS

    warm, top_k, top_p = valid(temperature=1.5), valid(temperature=1.5, top_k=3), valid(temperature=1.5, top_p=0.8)
    return {
        "valid_at_1": valid(),
        "broken_at_1_5": 1 - warm,
        "valid_at_1_5_with_top_k_3": top_k,
        "valid_at_1_5_with_top_p_80": top_p,
        "repaired": (min(top_k, top_p) - warm) / (1 - warm),
    }


@demo(model_says=above(1.3), world_says=above(1.3), wider_is_never_worse=above(0.999))
def a_beam_finds_a_more_probable_text_than_greedy(seed: int) -> dict[str, float]:
    """After "… is the new", a beam of four finds a text more probable than greedy's, says the model, and the town too.

    The seed chooses two of the six guests; the numbers are times, the smallest over both.
    """
    (model, tokenizer), world = tiny(), Tinyville()
    end, found = tokenizer.end_of_text, []
    for guest in world.guests[2 * seed : 2 * seed + 2]:
        ids = [end, *tokenizer.encode(f"{guest.name} is the new")]
        nats, exact = [], []
        for width in (1, 2, 4, 8):
            best = beam_search(model, ids, beam_width=width, max_new_tokens=40, stop_tokens={end})[0]
            nats.append(best.log_probability)
            exact.append(world.log_probability(tokenizer.decode([*ids[1:], *best.token_ids[:-1]])))
        growth = min(math.exp(other - one) for one, other in itertools.pairwise(nats))
        found.append((math.exp(nats[2] - nats[0]), math.exp(exact[2] - exact[0]), growth))
    model_says, world_says, growth = (min(numbers) for numbers in zip(*found, strict=True))
    return {"model_says": model_says, "world_says": world_says, "wider_is_never_worse": growth}


@demo(same_beginnings=above(0.999), she_after_nurse=above(0.95), she_after_guard=below(0.05))
def nothing_is_planned(seed: int) -> dict[str, float]:
    """With room for five tokens or for forty, the first five are the same; a word put in is gone along with."""
    model, tokenizer = tiny()
    guest, end = Tinyville().guests[seed].name, tokenizer.end_of_text
    ids = [end, *tokenizer.encode(f"{guest} is the new")]
    same = [
        generate(model, ids, max_new_tokens=5, seed=20 * seed + draw)
        == generate(model, ids, max_new_tokens=40, seed=20 * seed + draw)[:5]
        for draw in range(20)
    ]
    she = {}
    for job in ("nurse", "guard"):
        told = [end, *tokenizer.encode(f"{guest} is the new {job} in town. The first day was long.")]
        she[job] = model(torch.tensor([told]))[0, -1].softmax(-1)[tokenizer.encode(" She")[0]].item()
    return {
        "same_beginnings": sum(same) / len(same), "she_after_nurse": she["nurse"], "she_after_guard": she["guard"]
    }  # fmt: skip


@demo(
    largest_difference=below(1e-4),
    same_tokens=above(0.999),
    times_fewer_multiplications_at_60=between(20, 60),
    times_fewer_in_the_last_step=above(60),
    growth_by_the_clock=above(2),
)
def a_cache_saves_work_and_changes_nothing(seed: int) -> dict[str, float]:
    """With a cache the tokens are the same, the probabilities within 1e-4, and the longer the text the more it saves.

    By the clock: how many times faster the next token is after 511 tokens, over the same after 32.
    """
    model, tokenizer = tiny()
    guest = Tinyville().guests[seed].name
    ids = tokenizer.encode_prompt(f"{guest} is the new")
    largest, same = 0.0, []
    for temperature in (0.0, 0.7, 1.0, 1.5):
        cached, uncached = (
            list(generate_steps(model, ids, max_new_tokens=40, temperature=temperature, seed=seed, use_cache=use_cache))
            for use_cache in (True, False)
        )
        same.append([step.token_id for step in cached] == [step.token_id for step in uncached])
        for one, other in zip(cached, uncached, strict=True):
            largest = max(largest, (one.probabilities - other.probabilities).abs().max().item())
    without, with_cache = (generation_costs(model.config, len(ids), 60, use_cache=cached) for cached in (False, True))
    return {
        "largest_difference": largest,
        "same_tokens": sum(same) / len(same),
        "times_fewer_multiplications_at_60": sum(without) / sum(with_cache),
        "times_fewer_in_the_last_step": without[-1] / with_cache[-1],
        "growth_by_the_clock": speed_up(model, 511) / speed_up(model, 32),
    }


@torch.inference_mode()
def speed_up(model: DecoderOnly, n_tokens: int) -> float:
    """How many times faster one more token is read with a cache; the fastest of several turns."""
    longer = DecoderOnly(replace(model.config, context_length=n_tokens + 1))
    longer.load_state_dict(model.state_dict())
    ids, cache = torch.arange(n_tokens + 1)[None] % model.config.vocab_size, longer.new_cache()
    longer(ids[:, :-1], cache)
    seconds = {"cached": math.inf, "uncached": math.inf}
    for _ in range(7):
        for block in cache:
            block.length = n_tokens
        for name, given in (("cached", (ids[:, -1:], cache)), ("uncached", (ids, None))):
            started = perf_counter()
            longer(*given)
            seconds[name] = min(seconds[name], perf_counter() - started)
    return seconds["uncached"] / seconds["cached"]


@demo(right=above(0.85))
def labels_are_told_apart_by_their_probability(seed: int) -> dict[str, float]:
    """Which bank, bat, May is meant? The continuation to which the model gives more tells it, untaught.

    The seed chooses the word.
    """
    model, tokenizer = tiny()
    word = ("bank", "bat", "May")[seed]
    senses = [sense for sense in Tinyville.senses if sense.word == word]
    right = []
    for sense in senses:
        for text in sense.beginnings:
            ids = tokenizer.encode_prompt(text)
            nats = []
            for other in senses:
                rests = [tokenizer.encode(rest if rest[0] == "," else " " + rest) for rest in other.continuations]
                nats.append(max(continuation_log_probability(model, ids, rest) for rest in rests))
            right.append(nats.index(max(nats)) == senses.index(sense))
    return {"right": sum(right) / len(right)}
