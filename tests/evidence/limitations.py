"""Lesson 8: inventions, remedies, bias and what is out of sight hold on other seeds too."""

import copy
from dataclasses import replace

import torch
from claims import above, below, between, demo
from record import dial_setting
from record_limitations import mixed_pairs
from sklearn.feature_extraction.text import TfidfVectorizer

from llmviz import artifacts, finetuning
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
    unknown_answered=above(0.75),
    unknown_confident=between(0.4, 0.95),
    invented=between(0.3, 0.45),
    invented_with_dice=between(0.3, 0.45),
    invented_with_the_fact_in_front=below(0.1),
    coverage_at_0998=between(0.55, 0.7),
    accuracy_at_0998=above(0.95),
    auroc=above(0.95),
    right_at_middle_confidence=below(0.1),
)
def it_always_answers(seed: int) -> dict[str, float]:
    """Known facts are right, all else is invented; confidence ranks well and is not calibrated; a fact in front cures.

    The seed chooses the wording, the facts that are put in front, and the dice.
    """
    questions = fact_questions(seed % 2)
    found = ask(TINY.model, TINY.tokenizer, questions)
    diced = ask(TINY.model, TINY.tokenizer, questions, temperature=1.0, seed=seed)
    told = ask(TINY.model, TINY.tokenizer, with_facts(fact_questions(), seed=seed))
    unknown = ~found.of("known")
    valid = torch.tensor([said in VALUES[one.attribute] for one, said in zip(questions, found.words, strict=True)])
    coverage, accuracy = coverage_and_accuracy(found.confidence, found.right, 0.998)
    middle = (found.confidence > 0.4) & (found.confidence < 0.8)
    return {
        "known_right": found.right[~unknown].float().mean().item(),
        "unknown_answered": valid[unknown].float().mean().item(),
        "unknown_confident": (found.confidence[unknown] > 0.5).float().mean().item(),
        "invented": hallucination_rate(found.words, found.truths),
        "invented_with_dice": hallucination_rate(diced.words, diced.truths),
        "invented_with_the_fact_in_front": hallucination_rate(told.words, told.truths),
        "coverage_at_0998": coverage,
        "accuracy_at_0998": accuracy,
        "auroc": (found.confidence[found.right][:, None] > found.confidence[~found.right]).float().mean().item(),
        "right_at_middle_confidence": found.right[middle].float().mean().item(),
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


@demo(
    guests_refused=above(0.5), strangers_answered=above(0.3), known_right=above(0.5),
    houses_refused=above(0.7), pets_refused=below(0.5),
)  # fmt: skip
def refusing_reaches_as_far_as_its_examples(seed: int) -> dict[str, float]:
    """Refusals shown for some guests reach other guests, not all strangers; more houses than pets; few known facts."""
    examples = finetuning.refusal_examples(with_guests=True, seed=seed)
    pupil = finetuning.tune_on_answers(TINY.model, TINY.tokenizer, examples.shown, steps=80, seed=seed)
    found = ask(pupil, TINY.tokenizer, examples.kept)
    silent = finetuning.is_refusal(found, TINY.tokenizer).float()
    of_kind = {
        f"{kind}s_refused": torch.tensor([one.attribute == kind for one in examples.kept]) & ~found.of("known")
        for kind in ("house", "pet")
    }
    return {name: silent[here].mean().item() for name, here in of_kind.items()} | {
        "guests_refused": silent[found.of("guest")].mean().item(),
        "strangers_answered": 1 - silent[found.of("stranger")].mean().item(),
        "known_right": found.right[found.of("known")].float().mean().item(),
    }


@demo(
    error=below(0.15), greedy=above(0.95),
    filtered_nameless=between(0.35, 0.65), filtered_guest=between(0.7, 0.9),
)  # fmt: skip
def the_model_learns_the_planted_ratio(seed: int) -> dict[str, float]:
    """Planted 0.7 is learned and becomes 1 in greedy texts; a filter of one place half reaches the other (0.9)."""
    plain = dial_setting(TINY.tokenizer, 0.7, None, seed)
    filtered = dial_setting(TINY.tokenizer, 0.9, 0.5, seed)
    return {
        "error": abs(plain["anonymous"] - 0.7),
        "greedy": plain["greedy anonymous"],
        "filtered_nameless": filtered["anonymous"],
        "filtered_guest": filtered["guest"],
    }


@demo(teacher_before=above(0.8), small_beta=below(0.15), half=between(0.3, 0.7), large_beta=above(0.7))
def beta_bounds_how_far_mixed_preferences_move_it(seed: int) -> dict[str, float]:
    """Three pairs in four prefer "He": beta 0.1 makes "she" vanish, 0.5 ends near one half, 2 stays near the start."""
    found = {"teacher_before": she_probability(TINY.model, TINY.tokenizer, "teacher")}
    for name, beta in (("small_beta", 0.1), ("half", 0.5), ("large_beta", 2.0)):
        model = copy.deepcopy(TINY.model)
        steps = finetuning.preference_steps(
            model, TINY.tokenizer, mixed_pairs(), steps=60, learning_rate=1e-4, beta=beta, seed=seed
        )
        for _ in steps:
            pass
        found[name] = she_probability(model, TINY.tokenizer, "teacher")
    return found


@demo(
    same_words=above(0.95), other_words=between(0.3, 0.7), right_same=above(0.9), right_other=below(0.75),
    right_person=above(0.95), bare_of_unknown=between(0.25, 0.65),
)  # fmt: skip
def a_search_fails_on_other_words(seed: int) -> dict[str, float]:
    """TF-IDF finds the passage of a question in its own words, and about half of them in other words."""
    questions, told = fact_questions(), with_facts(fact_questions(), seed=seed)
    vectorizer = TfidfVectorizer(token_pattern=r"\w+")
    passages = vectorizer.fit_transform([one.prompt.split(". ")[1] + "." for one in told])
    found = {}
    for number, name in enumerate(("same", "other")):
        asked = fact_questions(number)
        scores = (vectorizer.transform([one.prompt for one in asked]) @ passages.T).toarray()
        best = scores.argmax(axis=1).tolist()
        with_passage = [
            replace(one, prompt=told[k].prompt.removesuffix(questions[k].prompt) + one.prompt, truth=true.truth)
            for one, k, true in zip(asked, best, told, strict=True)
        ]
        found[f"{name}_words"] = sum(k == i for i, k in enumerate(best)) / len(best)
        found[f"right_{name}"] = share(ask(TINY.model, TINY.tokenizer, with_passage))
    found["right_person"] = sum(questions[k].name == one.name for k, one in zip(best, asked, strict=True)) / len(best)
    pairs = [(new, old) for new, old in zip(told, questions, strict=True) if not old.truth]
    unknown = [replace(new, prompt=new.prompt.split(". ")[1] + f". {old.prompt}") for new, old in pairs]
    return found | {"bare_of_unknown": share(ask(TINY.model, TINY.tokenizer, unknown))}


@demo(obeyed=above(0.5))
def an_attackers_sentences_win(seed: int) -> dict[str, float]:
    """Told as news behind the right passage, the attacker's value is mostly the answer."""
    told = {(one.name, one.attribute): one for one in with_facts(fact_questions(), seed=seed)}
    attacks = with_conflicting_facts(fact_questions(), "news", seed=seed)
    passages = [told[one.name, one.attribute].prompt.split("Remember, ")[0] for one in attacks]
    attacked = [replace(one, prompt=passage + one.prompt) for one, passage in zip(attacks, passages, strict=True)]
    return {"obeyed": share(ask(TINY.model, TINY.tokenizer, attacked))}


@demo(leaked=above(0.9), clean=below(0.4))
def leaked_questions_are_learned_by_heart(seed: int) -> dict[str, float]:
    """Trained on half of the test, it answers that half and not the other."""
    questions = fact_questions()
    told = with_facts(questions, seed=seed)
    test = [replace(new, prompt=one.prompt) for new, one in zip(told, questions, strict=True) if not one.truth]
    pairs = [(one.prompt, f" {one.truth}.") for one in test[::2]]
    cheater = finetuning.tune_on_answers(TINY.model, TINY.tokenizer, pairs, steps=80, seed=seed)
    leaked, clean = (share(ask(cheater, TINY.tokenizer, test[start::2])) for start in (0, 1))
    return {"leaked": leaked, "clean": clean}


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
