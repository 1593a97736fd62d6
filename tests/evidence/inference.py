"""Lesson 7: what it says about sampling, penalties, beams, caches and rounding holds on other seeds too."""

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
from llmviz.generation.sampling import generate_steps
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
    first_words_at_1_5=between(27, 50),
    first_words_with_top_k_3=below(20),
    first_words_with_top_p_80=above(24),
    tokens_of_a_text=between(30, 45),
)
def warm_dice_break_texts_and_either_cut_repairs_them(seed: int) -> dict[str, float]:
    """At temperature 1 nearly all texts are valid, at 1.5 a good part is not; top-k and top-p repair most of them.

    The price is variety: of 60 texts' first words, top-k 3 leaves far fewer different ones; top-p leaves most.
    A text at 1.5 has over thirty tokens.
    """
    (model, tokenizer), world = tiny(), Tinyville()
    first_words, lengths = [], []

    def valid(**setting):
        texts = sample_texts(model, tokenizer, N_TEXTS, seed=1000 * seed, **setting)
        first_words.append(len({text.split()[0] for text in texts}))
        lengths.append(sum(len(tokenizer.encode(text)) + 1 for text in texts) / N_TEXTS)
        return sum(world.check(text).valid for text in texts) / N_TEXTS

    warm, top_k, top_p = valid(temperature=1.5), valid(temperature=1.5, top_k=3), valid(temperature=1.5, top_p=0.8)
    names = ("first_words_at_1_5", "first_words_with_top_k_3", "first_words_with_top_p_80")
    return dict(zip(names, first_words, strict=True)) | {
        "tokens_of_a_text": lengths[0],
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


@demo(she_after_nurse=above(0.9), she_after_guard=below(0.1))
def later_tokens_follow_the_word_that_is_put_in(seed: int) -> dict[str, float]:
    """Whichever job is put into the text, the pronoun follows it: no later token was chosen before."""
    model, tokenizer = tiny()
    guest, end = Tinyville().guests[seed].name, tokenizer.end_of_text
    she = {}
    for job in ("nurse", "guard"):
        told = [end, *tokenizer.encode(f"{guest} is the new {job} in town. The first day was long.")]
        she[job] = model(torch.tensor([told]))[0, -1].softmax(-1)[tokenizer.encode(" She")[0]].item()
    return {"she_after_nurse": she["nurse"], "she_after_guard": she["guard"]}


def written(ids: list[int], n_tokens: int, penalty: float) -> list[int]:
    """Greedy decoding with a repetition penalty on the last 64 tokens (Keskar et al. 2019, section 4.1)."""
    (model, _), ids = tiny(), list(ids)
    for _ in range(n_tokens):
        scores, used = model(torch.tensor([ids]))[0, -1], torch.tensor(sorted(set(ids[-64:])))
        scores[used] = torch.where(scores[used] > 0, scores[used] / penalty, scores[used] * penalty)
        ids.append(int(scores.argmax()))
    return ids


@demo(same_next_text_without=above(0.6), same_next_text_at_1_2=below(0.4))
def a_repetition_penalty_removes_repetition(seed: int) -> dict[str, float]:
    """Without a penalty greedy decoding writes the same text twice in a row; with 1.2 it writes two texts.

    The seed chooses three of nine people whom the first text is about.
    """
    tokenizer = tiny()[1]
    names = ("Leo", "Mia", "Noah", "Nora", "Clara", "Hana", "Emil", "Omar", "Finn")[3 * seed : 3 * seed + 3]
    same = {}
    for penalty in (1.0, 1.2):
        texts = [tokenizer.decode(written(tokenizer.encode_prompt(f"{name} is"), 60, penalty)) for name in names]
        parts = [text.split("<|endoftext|>") for text in texts]
        same[penalty] = sum(any(one == two for one, two in itertools.pairwise(part)) for part in parts) / len(names)
    return {"same_next_text_without": same[1.0], "same_next_text_at_1_2": same[1.2]}


@demo(growth=above(-0.5), nats_at_0=above(-0.001), of_leo=above(1))
def a_length_penalty_never_prefers_shorter_texts(seed: int) -> dict[str, float]:
    """Finished texts, α = 1 against 0: as long or longer, and never more probable; the news about Leo get longer.

    Tokens more, in the mean of three names; the seed chooses them.
    """
    model, tokenizer = tiny()
    names = ("Mia", "Noah", "Omar", "Nora", "Clara", "Hana", "Emil", "Dan", "Finn")[3 * seed : 3 * seed + 3]
    best = {}
    for name, penalty in itertools.product(("Leo", *names), (0.0, 1.0)):
        ids = tokenizer.encode_prompt(f"Everybody talks about {name}.")
        settings = {"beam_width": 4, "max_new_tokens": 60, "stop_tokens": {tokenizer.end_of_text}}
        found = beam_search(model, ids, length_penalty=penalty, **settings)
        best[name, penalty] = next(beam for beam in found if beam.token_ids[-1] == tokenizer.end_of_text)
    more = {name: len(best[name, 1.0].token_ids) - len(best[name, 0.0].token_ids) for name in ("Leo", *names)}
    lost = [best[name, 0.0].log_probability - best[name, 1.0].log_probability for name in names]
    return {"growth": sum(more[name] for name in names) / 3, "nats_at_0": min(lost), "of_leo": more["Leo"]}


@demo(loss_added_at_8_bits=below(0.02), loss_added_at_3_bits=above(0.3))
def eight_bits_are_enough_and_three_are_not(seed: int) -> dict[str, float]:
    """Weights rounded to 8 bits leave the loss as it was; rounded to 3 bits, plainly, they do not."""
    texts = [text.text for text in Tinyville().texts(seed=100 + seed, counts={"story": 10})]
    losses = {}
    for n_bits in (16, 8, 3):
        model, tokenizer = tiny()
        for weight in model.parameters():
            scale = weight.detach().abs().amax(dim=-1, keepdim=True).clamp_min(1e-9) / (2 ** (n_bits - 1) - 1)
            weight.data.copy_((weight.data / scale).round() * scale)
        found = [model.trace(torch.tensor(tokenizer.encode_prompt(text))).losses[0] for text in texts]
        losses[n_bits] = torch.cat(found).mean().item()
    return {"loss_added_at_8_bits": losses[8] - losses[16], "loss_added_at_3_bits": losses[3] - losses[16]}


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
    """Which bank, bat, May is meant? The more probable continuation tells it, for beginnings in its training texts.

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


NEW_CUES = {
    "money": ("with a heavy purse", "with twenty coins", "with a silver ring", "with a rich aunt",
              "with a gold coin", "in need of ten coins", "with an unpaid letter", "with a loan"),
    "river": ("with a wet cat", "with a fishing net", "in a small boat", "with one oar",
              "in wet boots", "with a long paddle", "with two wet dogs", "with a rod"),
}  # fmt: skip


@demo(right=above(0.6))
def a_new_beginning_tells_most_senses_too(seed: int) -> dict[str, float]:
    """Which bank is meant, after beginnings that no training text has: most are right, fewer than of the old ones.

    The seed chooses what the person does at the bank.
    """
    model, tokenizer = tiny()
    does, senses = ("walked to", "stopped near", "waited at")[seed], [s for s in Tinyville.senses if s.word == "bank"]
    right = []
    for name, cue in ((name, cue) for name, cues in NEW_CUES.items() for cue in cues):
        ids = tokenizer.encode_prompt(f"Somebody {cue} {does} the bank")
        nats = {
            sense.name: max(continuation_log_probability(model, ids, tokenizer.encode(f" {rest}"))
                            for rest in sense.continuations) for sense in senses
        }  # fmt: skip
        right.append(max(nats, key=nats.get) == name)
    return {"right": sum(right) / len(right)}
