"""Lesson 8: inventions, remedies, bias and what is out of sight hold on other seeds too."""

import copy

import torch
from claims import above, below, between, demo
from record import dial_setting

from llmviz import artifacts, evaluation, finetuning
from llmviz.evaluation import (
    ask,
    coverage_and_accuracy,
    fact_questions,
    facts_at_distance,
    hallucination_rate,
    repeat_accuracy,
    she_probability,
    with_conflicting_facts,
    with_facts,
)
from llmviz.tinyville.facts import VALUES

TINY = artifacts.load_model("tiny")


def share(answers):
    return answers.right.float().mean().item()


@demo(
    known_right=above(0.95),
    unknown_answered=above(0.9),
    unknown_confident=between(0.4, 0.95),
    invented=between(0.3, 0.45),
    invented_with_dice=between(0.3, 0.45),
    invented_with_the_fact_in_front=below(0.1),
    coverage_below_095=between(0.6, 0.8),
    accuracy_below_095=between(0.8, 0.99),
)
def it_always_answers(seed: int) -> dict[str, float]:
    """Known facts are right; where there is no answer one is invented, often with confidence; a fact in front cures.

    The seed chooses the wording, the facts that are put in front, and the dice.
    """
    questions = fact_questions(seed % 2)
    found = ask(TINY.model, TINY.tokenizer, questions)
    diced = ask(TINY.model, TINY.tokenizer, questions, temperature=1.0, seed=seed)
    told = ask(TINY.model, TINY.tokenizer, with_facts(fact_questions(), seed=seed))
    unknown = ~found.of("known")
    valid = torch.tensor([said in VALUES[one.attribute] for one, said in zip(questions, found.words, strict=True)])
    coverage, accuracy = coverage_and_accuracy(found.confidence, found.right, 0.95)
    return {
        "known_right": found.right[~unknown].float().mean().item(),
        "unknown_answered": valid[unknown].float().mean().item(),
        "unknown_confident": (found.confidence[unknown] > 0.5).float().mean().item(),
        "invented": hallucination_rate(found.words, found.truths),
        "invented_with_dice": hallucination_rate(diced.words, diced.truths),
        "invented_with_the_fact_in_front": hallucination_rate(told.words, told.truths),
        "coverage_below_095": coverage,
        "accuracy_below_095": accuracy,
    }


@demo(news=above(0.9), news_in_new_words=above(0.9), news_of_one_word=above(0.9), no_news=below(0.6), plain=below(0.3))
def the_wording_decides_who_wins(seed: int) -> dict[str, float]:
    """A changed fact wins over memory when it is told as news, and loses when it is told plainly."""
    names = ("news", "news_in_new_words", "news_of_one_word", "no_news", "plain")
    frames = ("news", "news in new words", "news of one word", "no news", "the plain fact")
    return {
        name: share(ask(TINY.model, TINY.tokenizer, with_conflicting_facts(fact_questions(), frame, seed=seed)))
        for name, frame in zip(names, frames, strict=True)
    }


@demo(guests_refused=above(0.5), further_with_guests=above(0.1), strangers_answered=above(0.3), known_right=above(0.5))
def refusing_reaches_as_far_as_its_examples(seed: int) -> dict[str, float]:
    """Refusals shown for some guests reach other guests, not all strangers, and known facts are mostly kept."""
    shares = {}
    for with_guests in (False, True):
        examples = finetuning.refusal_examples(with_guests=with_guests, seed=seed)
        pupil = finetuning.tune_on_answers(TINY.model, TINY.tokenizer, examples.shown, steps=80, seed=seed)
        found = ask(pupil, TINY.tokenizer, examples.kept)
        silent = finetuning.is_refusal(found, TINY.tokenizer).float()
        shares[with_guests] = [silent[found.of(group)].mean().item() for group in ("guest", "stranger")]
    return {
        "guests_refused": shares[True][0],
        "further_with_guests": sum(shares[True]) / 2 - sum(shares[False]) / 2,
        "strangers_answered": 1 - shares[True][1],
        "known_right": found.right[found.of("known")].float().mean().item(),
    }


@demo(
    error=below(0.15), greedy=above(0.95),
    filtered_nameless=between(0.35, 0.65), filtered_guest=above(0.7),
)  # fmt: skip
def the_model_learns_the_planted_ratio(seed: int) -> dict[str, float]:
    """Planted 0.7 is learned and becomes 1 in greedy texts; a filter of one place leaves the other (planted 0.9)."""
    plain = dial_setting(TINY.tokenizer, 0.7, None, seed)
    filtered = dial_setting(TINY.tokenizer, 0.9, 0.5, seed)
    return {
        "error": abs(plain["anonymous"] - 0.7),
        "greedy": plain["greedy anonymous"],
        "filtered_nameless": filtered["anonymous"],
        "filtered_guest": filtered["guest"],
    }


@demo(teacher_before=above(0.8), after_10=between(0.4, 0.8), after_60=below(0.1), cook_60=below(0.1))
def sixty_steps_of_preference_reverse_it(seed: int) -> dict[str, float]:
    """Ten steps of preferring "He" help, sixty turn the bias round, and take along a job that no pair named."""
    model = copy.deepcopy(TINY.model)
    found = {"teacher_before": she_probability(model, TINY.tokenizer, "teacher")}
    pairs = [finetuning.Preference(prompt, " He", " She") for prompt in evaluation.worker_prompts("teacher")]
    steps = finetuning.preference_steps(model, TINY.tokenizer, pairs, steps=60, learning_rate=1e-4, seed=seed)
    for number, _ in enumerate(steps, start=1):
        if number in (10, 60):
            found[f"after_{number}"] = she_probability(model, TINY.tokenizer, "teacher")
    return found | {"cook_60": she_probability(model, TINY.tokenizer, "cook")}


@demo(one_sentence=above(0.9), four_sentences=below(0.4), back_24=above(0.9), back_32=below(0.5), back_64=below(0.05))
def the_thread_is_lost_before_the_window_ends(seed: int) -> dict[str, float]:
    """A fact holds over one sentence, not over four; a list over 24 tokens, not over 32; at 64 nothing is left."""
    asked = {n: share(ask(TINY.model, TINY.tokenizer, facts_at_distance(n, seed=seed))) for n in (1, 4)}
    repeater = artifacts.load_model("induction").model
    back = {f"back_{length}": repeat_accuracy(repeater, length, seed=seed) for length in (24, 32, 64)}
    return {"one_sentence": asked[1], "four_sentences": asked[4], **back}


@demo(as_one_token=below(0.4), spelled_out=above(0.6))
def letters_are_seen_only_when_spelled_out(seed: int) -> dict[str, float]:
    """Asked for the last letter of a new word, it fails on the word's token, and finds it among the letters."""
    spelling = finetuning.SpellingTask(TINY.tokenizer, seed=seed)
    found = {}
    for name, spelled in (("as_one_token", False), ("spelled_out", True)):
        speller = spelling.tune(TINY.model, spelled=spelled, seed=seed)
        found[name] = spelling.accuracy(speller, spelled=spelled)
    return found
