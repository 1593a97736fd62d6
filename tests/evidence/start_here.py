"""Lesson 0: when the model is confident, where attention finds the name, and what the temperature changes.

All on the tiny GPT that ships; the seed chooses the wording or the draws.
"""

import torch
from claims import above, below, between, demo

from llmviz import artifacts
from llmviz.generation import generate, sample_texts
from llmviz.tinyville import Tinyville, next_tokens

TINY = artifacts.load_model("tiny")
MODEL, TOKENIZER = TINY.model, TINY.tokenizer
WORLD = Tinyville(TINY.corpus["counts"])
VOCABULARY = TOKENIZER.tokens(range(TOKENIZER.vocab_size))
PETS = [fact for fact in WORLD.facts if fact.attribute == "pet"]


@torch.inference_mode()
def probabilities(text):
    return MODEL(torch.tensor([TOKENIZER.encode_prompt(text)]))[0, -1].softmax(dim=-1)


@demo(
    known=above(0.95), unknown=above(0.5), unknown_mean=above(0.7), unknown_named_a_pet=above(4.5), open_end=below(0.1)
)
def confident_where_few_continuations_are_possible_and_where_none_is(seed: int) -> dict[str, float]:
    """The model is sure of each known pet, nearly as sure of untold pets, and unsure where 32 words are right."""
    longest = {fact: probabilities(fact.prompts[seed % 2]) for fact in PETS}
    known = [longest[fact].max().item() for fact in PETS if fact.known]
    unknown = [longest[fact].max().item() for fact in PETS if not fact.known]
    pets = {fact.value for fact in PETS if fact.known}
    favorites = [VOCABULARY[longest[fact].argmax()].strip() for fact in PETS if not fact.known]
    prompt = f"{('Mia', 'Tom', 'Lucy')[seed]} found a {('red', 'blue', 'green')[seed]}"
    assert len(next_tokens(WORLD, TOKENIZER, TOKENIZER.encode(prompt))) == 32
    return {
        "known": min(known), "unknown": min(unknown), "unknown_mean": sum(unknown) / len(unknown),
        "unknown_named_a_pet": sum(favorite in pets for favorite in favorites),
        "open_end": probabilities(prompt).max().item(),
    }  # fmt: skip


@demo(taken_from_the_name=above(0.9))
def one_head_finds_the_name(seed: int) -> dict[str, float]:
    """In layer 1, head 1, `·a` takes nearly everything from the name: the least over a third of the known people."""
    taken = []
    for fact in [fact for fact in PETS if fact.known][seed::3]:
        token_ids = TOKENIZER.encode_prompt(f"{fact.person} has a")
        with torch.inference_mode():
            weights = MODEL.trace(torch.tensor(token_ids)).attention_weights[1, 0, 1]
        taken.append(weights[-1, 1:-2].sum().item())
    return {"taken_from_the_name": min(taken)}


@demo(same_at_0=above(0.99), same_at_07=below(0.5), broken_at_07=below(0.1), broken_at_15=between(0.1, 0.4),
      broken_at_2=between(0.5, 0.75))  # fmt: skip
def a_high_temperature_breaks_texts(seed: int) -> dict[str, float]:
    """At 0 the texts are the same, at 0.7 they differ and are nearly all possible, at 2 more than half are not."""
    prompt = TOKENIZER.encode_prompt("Mia found a red")

    def share_of_equal_pairs(temperature):
        settings = {"max_new_tokens": 21, "temperature": temperature}
        texts = [tuple(generate(MODEL, prompt, seed=10 * seed + draw, **settings)) for draw in range(6)]
        pairs = [one == other for place, one in enumerate(texts) for other in texts[:place]]
        return sum(pairs) / len(pairs)

    def share_of_broken(temperature):
        texts = sample_texts(MODEL, TOKENIZER, 40, temperature=temperature, seed=seed)
        return sum(not WORLD.check(text).valid for text in texts) / len(texts)

    return {
        "same_at_0": share_of_equal_pairs(0), "same_at_07": share_of_equal_pairs(0.7),
        "broken_at_07": share_of_broken(0.7), "broken_at_15": share_of_broken(1.5), "broken_at_2": share_of_broken(2),
    }  # fmt: skip
