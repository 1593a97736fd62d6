"""Lesson 12: what verifiers, reward models and remedies teach holds on other seeds and settings too.

Runs of a minute and more are those of `python tools/record.py alignment`, which trains with the same three seeds.
"""

import copy
import random
from dataclasses import replace

import numpy as np
import record_alignment
import torch
from claims import above, below, between, demo
from sklearn.feature_extraction.text import TfidfVectorizer

from llmviz import artifacts, embeddings, evaluation, finetuning

CHAT, RECORDED = artifacts.load_model("chat"), artifacts.load_recording("alignment")
SHOWN, PRACTICE, NEW = finetuning.chat_split()
WOMEN = [
    "nurse", "secretary", "librarian", "hairdresser", "receptionist", "midwife", "nanny", "housekeeper", "dancer",
    "teacher",
]  # fmt: skip
MEN = ["carpenter", "plumber", "mechanic", "electrician", "pilot", "engineer", "soldier", "farmer", "butcher", "miner"]


def shipped_chat():
    """The numbers of `a_fact_that_is_known_is_not_yet_an_answer` for the chat model that ships."""
    return never_asked(CHAT.model, SHOWN, PRACTICE + NEW)


def never_asked(model, shown, others):
    """Known facts right: of the questions of SFT, and of those that were never asked."""
    fresh = finetuning.chat_scores(model, CHAT.tokenizer, [one for one in others if one.group != "stranger"])
    return {"asked": finetuning.chat_scores(model, CHAT.tokenizer, shown).right, "never_asked": fresh.right}


@demo(stand_in=shipped_chat, asked=above(0.9), never_asked=between(0.25, 0.7))
def a_fact_that_is_known_is_not_yet_an_answer(seed: int) -> dict[str, float]:
    """The chat model answers what it was asked in training, and about half of the other facts that it read."""
    shown, practice, new = finetuning.chat_split(seed)
    return never_asked(finetuning.train_chat(seed=seed).model, shown, practice + new)


@demo(
    exact_gains=above(0.15), exact_new=between(-0.25, 0.25), refusing_reward=above(0.95), refusing_right=below(0.1),
    refusing_refused=above(0.9), pleasing_invents=above(0.8),
)  # fmt: skip
def a_model_learns_what_the_verifier_rewards(seed: int) -> dict[str, float]:
    """A perfect verifier makes practiced answers reliable and not new ones; each flawed one is passed by its flaw."""
    exact, refusing, pleasing = (RECORDED["verifiers"][one.__name__] for one in finetuning.VERIFIERS)
    start = finetuning.chat_scores(CHAT.model, CHAT.tokenizer, NEW)
    return {
        "exact_gains": exact["right"][seed][-1] - exact["right"][seed][0],
        "exact_new": exact["new right"][seed] - start.right,
        "refusing_reward": refusing["reward"][seed][-1],
        "refusing_right": refusing["right"][seed][-1],
        "refusing_refused": refusing["refused"][seed][-1],
        "pleasing_invents": pleasing["invented"][seed][-1],
    }


@demo(right=below(0.15), reward=above(0.9))
def refusing_wins_at_other_learning_rates(seed: int) -> dict[str, float]:
    """The flawed verifier ends in refusals at half and at one and a half times the learning rate, too."""
    model = copy.deepcopy(CHAT.model)
    rate = (1e-4, 2e-4, 3e-4)[seed]
    *_, last = finetuning.grpo_steps(
        model, CHAT.tokenizer, PRACTICE, finetuning.says_nothing_false, steps=60, learning_rate=rate, seed=seed
    )
    return {"right": finetuning.chat_scores(model, CHAT.tokenizer, PRACTICE).right, "reward": last.reward}


@demo(true_preferred=between(0.2, 0.8), invented_preferred=above(0.6))
def a_reward_model_learns_the_taste(seed: int) -> dict[str, float]:
    """On questions without a pair it prefers inventions to refusals, and knows true from false facts hardly or not."""
    pairs = finetuning.preference_pairs(SHOWN + PRACTICE, likes_answers=0.75, seed=seed)
    judge = finetuning.train_reward_model(CHAT.model, CHAT.tokenizer, pairs, seed=seed)
    found = {}
    for name, known, likes in (("true_preferred", True, 0.0), ("invented_preferred", False, 1.0)):
        asked = [one for one in NEW if bool(one.truth) is known]
        unseen = finetuning.preference_pairs(asked, likes_answers=likes, seed=seed)
        sides = [[pair.prompt + getattr(pair, side) for pair in unseen] for side in ("chosen", "rejected")]
        with torch.no_grad():
            chosen, rejected = (finetuning.rewards_of(judge, CHAT.tokenizer, texts) for texts in sides)
        found[name] = (chosen > rejected).float().mean().item()
    return found


@demo(free_invents=above(0.8), free_right=below(0.35), bound_kl=below(0.5), bound_reward_below_free=above(0.0))
def a_kl_penalty_bounds_gain_and_damage(seed: int) -> dict[str, float]:
    """Without a penalty nearly every question without an answer gets one; with weight 1 the model stays near."""
    free, bound = RECORDED["rl"]["0.0"], RECORDED["rl"]["1.0"]
    return {
        "free_invents": free["invented"][seed],
        "free_right": free["right"][seed],
        "bound_kl": bound["kl"][seed],
        "bound_reward_below_free": free["reward"][seed] - bound["reward"][seed],
    }


@demo(
    swapping_reaches_like_balancing=between(-0.05, 0.05), both_forms_reach=above(0.01), extra_forgetting=above(0.02),
    dpo_60_facts=below(0.96), prompt_worse=above(0.02), projection_changes=below(0.02), hot_gains=above(0.02),
    hot_costs=above(0.02), cold_costs=above(0.02), removed_bias=below(0.01), removed_pronouns=between(0.4, 0.6),
    steering_changes=between(-0.03, 0.03), texts_unlike_probabilities=below(0.06), texts_gain=above(0.1),
)  # fmt: skip
def remedies_have_reach_and_side_effects(seed: int) -> dict[str, float]:
    """Remedies reach what their data contain; a projection changes nothing, temperature little; zero has a price."""
    rows = {name: {key: values[seed] for key, values in row.items()} for name, row in RECORDED["bias"].items()}
    alone, balanced, before, swapped, both, hot, cold = (rows[name] for name in (
        "fine-tuning without old texts", "balanced data (one form)", "nothing", "counterfactual data (one form)",
        "counterfactual data (both forms)", "decoding: temperature 2", "decoding: temperature 0.5",
    ))  # fmt: skip
    return {
        "swapping_reaches_like_balancing": balanced["named"] - swapped["named"],
        "both_forms_reach": swapped["named"] - both["named"],
        "projection_changes": abs(rows["embedding projection"]["nameless"] - before["nameless"]),
        "hot_gains": before["nameless"] - hot["nameless"],
        "hot_costs": hot["old loss"] - before["old loss"],
        "cold_costs": cold["nameless"] - before["nameless"],
        "extra_forgetting": alone["old loss"] - balanced["old loss"],
        "dpo_60_facts": rows["DPO, 60 steps"]["facts"],
        "prompt_worse": rows["prompt: a counterexample"]["nameless"] - before["nameless"],
        "steering_changes": rows["activation steering"]["nameless"] - before["nameless"],
        "texts_unlike_probabilities": max(abs(row["texts"] - row["nameless"]) for row in (before, both)),
        "texts_gain": before["texts"] - both["texts"],
        "removed_bias": rows["direction removed"]["nameless"],
        "removed_pronouns": rows["direction removed"]["pronouns"],
    }


@demo(raises=above(0.1), lowers=above(0.02))
def one_direction_moves_all_jobs_to_one_side(seed: int) -> dict[str, float]:
    """Added after the first block, it raises P(she) of doctor, cook and pilot; subtracted, it lowers it."""
    tiny, sentences = artifacts.load_model("tiny"), record_alignment.OTHER_SENTENCES
    direction = record_alignment.steering_direction(
        tiny.model, tiny.tokenizer, (sentences, sentences[:1], sentences[1:])[seed]
    )
    low, middle, high = (
        np.array([evaluation.she_probability(model, tiny.tokenizer, job) for job in ("doctor", "cook", "pilot")])
        for model in (record_alignment.with_added(tiny.model, strength * direction) for strength in (-2, 0, 2))
    )
    return {"raises": (high - middle).min(), "lowers": (middle - low).min()}


@demo(as_trained=above(0.6), prefilled=below(0.15), invented=above(0.8))
def a_prefilled_answer_breaks_refusals(seed: int) -> dict[str, float]:
    """Strangers and guests are refused as trained; a begun answer ends in an invented value (temperature 1)."""
    unknown = [one for one in PRACTICE + NEW if one.group in ("stranger", "guest")]
    begun = [finetuning.fact_answer(one, "x").partition("x")[0].rstrip() for one in unknown]
    generator, prompts = torch.Generator().manual_seed(seed), [one.prompt for one in unknown]
    plain = finetuning.sample_answers(CHAT.model, CHAT.tokenizer, prompts, generator)
    texts = [prompt + start for prompt, start in zip(prompts, begun, strict=True)]
    ends = finetuning.sample_answers(CHAT.model, CHAT.tokenizer, texts, generator)
    whole = [start + end for start, end in zip(begun, ends, strict=True)]
    return {
        "as_trained": plain.count(finetuning.UNKNOWN) / len(unknown),
        "prefilled": whole.count(finetuning.UNKNOWN) / len(unknown),
        "invented": sum(map(finetuning.looks_like_an_answer, unknown, whole)) / len(unknown),
    }


@demo(
    news_found=below(0.1), copy_found=above(0.9), news_believed=above(0.7), copy_believed=above(0.7),
    news_filtered=below(0.1), own_passage_last=below(0.1),
)  # fmt: skip
def an_injection_is_found_and_believed(seed: int) -> dict[str, float]:
    """News is believed and not found, a copy with another value both; only the owner's passage last stops the copy."""
    tiny = artifacts.load_model("tiny")
    asked = [one for one in evaluation.fact_questions() if one.truth]
    lies = evaluation.with_conflicting_facts(asked, seed=seed)
    own, copied = ([one.prompt.split("Remember, ")[0] for one in evaluation.with_facts(some)] for some in (asked, lies))
    news = [lie.prompt.split("Now ")[0] for lie in lies]

    def found(texts: list[str]) -> float:
        words = TfidfVectorizer(token_pattern=r"\w+")
        passages = words.fit_transform(own + texts)
        order = (words.transform([one.prompt for one in asked]) @ passages.T).toarray().argsort(axis=1)[:, -2:]
        return float(np.mean([len(own) + i in best for i, best in enumerate(order)]))

    def believed(*parts: list[str]) -> float:
        prompts = ["".join(some) for some in zip(*parts, strict=True)]
        told = [replace(one, prompt=f"{text}Remember, {one.prompt}") for text, one in zip(prompts, asked, strict=True)]
        said = evaluation.ask(tiny.model, tiny.tokenizer, told).words
        return float(np.mean([word == lie.truth for word, lie in zip(said, lies, strict=True)]))

    return {
        "news_found": found(news), "copy_found": found(copied), "news_believed": believed(own, news),
        "copy_believed": believed(own, copied), "news_filtered": believed(own),
        "own_passage_last": max(believed(news, own), believed(copied, own)),
    }  # fmt: skip


@demo(lean_left=below(1e-5), guessed=above(0.6))
def a_projection_is_cosmetic(seed: int) -> dict[str, float]:
    """Without the direction, neighbors (1, 3 or 5) still tell two stereotypes in three or more."""
    draw, glove, k = random.Random(seed), embeddings.load_glove(), (3, 1, 5)[seed]
    jobs = glove.subset([*draw.sample(WOMEN, 9), *draw.sample(MEN, 9)]).directions
    she = embeddings.direction(glove, [("he", "she"), ("him", "her"), ("man", "woman"), ("father", "mother")])
    she = she / np.linalg.norm(she)
    projected = jobs - np.outer(jobs @ she, she)
    near = projected @ projected.T / np.outer(*[np.linalg.norm(projected, axis=1)] * 2)
    np.fill_diagonal(near, -1)
    is_women = np.arange(18) < 9
    votes = is_women[np.argsort(-near, axis=1)[:, :k]].mean(axis=1) > 0.5
    return {"lean_left": np.abs(projected @ she).max(), "guessed": (votes == is_women).mean()}
