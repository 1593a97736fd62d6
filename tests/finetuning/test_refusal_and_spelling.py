"""Refusals and spelling: what is shown and what is held out."""

from dataclasses import replace

from llmviz import artifacts, evaluation, finetuning
from llmviz.finetuning.tasks import REFUSAL
from llmviz.tinyville import Tinyville

TINY = artifacts.load_model("tiny")


def test_refusals_are_shown_for_some_and_asked_of_others():
    for with_guests in (False, True):
        examples = finetuning.refusal_examples(with_guests=with_guests, seed=1)
        shown = {prompt for prompt, _ in examples.shown}
        assert shown.isdisjoint(one.prompt for one in examples.kept)
        refused = {prompt.split()[0].removesuffix("'s") for prompt, said in examples.shown if said == REFUSAL}
        guests = {guest.name for guest in Tinyville.guests}
        assert len(refused & guests) == (3 if with_guests else 0)
        assert not refused & set(Tinyville.unused_names)
        assert {one.group for one in examples.kept} == {"known", "never told", "guest", "stranger"}


def test_a_refusal_is_told_from_an_answer():
    tokenizer = TINY.tokenizer
    found = evaluation.ask(TINY.model, tokenizer, evaluation.fact_questions()[:60])
    assert not finetuning.is_refusal(found, tokenizer).any()  # it was never trained to
    first = tokenizer.encode("Vera has a" + REFUSAL)[len(tokenizer.encode("Vera has a"))]
    refusal = replace(found, words=(tokenizer.tokens([first])[0].strip(),))
    assert finetuning.is_refusal(refusal, tokenizer).tolist() == [True]
