"""Bias, distance, refusals, spelling and names: what they say is what the world, Python and the recording say."""

import math

import pytest
import torch

from llmviz import artifacts
from llmviz.evaluation import api_hallucination, bias, context_distance, recorded
from llmviz.evaluation.facts import all_questions, ask
from llmviz.finetuning import refusal, spelling
from llmviz.tinyville import Tinyville

TINY = artifacts.load_model("tiny")
WORLD = Tinyville()


def test_worker_prompts_want_the_pronoun_next():
    for job, p_she in (("nurse", 1.0), ("doctor", 0.7), ("guard", 0.0)):
        for place in bias.PLACES:
            for prompt in bias.worker_prompts(job, place):
                allowed = WORLD.next_words(prompt)
                assert allowed.get("She", 0.0) == pytest.approx(p_she), prompt
                assert set(allowed) <= {"She", "He"}


def test_the_tiny_gpt_has_learned_what_the_world_planted():
    for place in bias.PLACES:
        assert bias.planted_error(TINY.model, TINY.tokenizer, place) < 0.1
    assert bias.greedy_share(TINY.model, TINY.tokenizer, "teacher") == 1
    assert bias.greedy_share(TINY.model, TINY.tokenizer, "pilot") == 0


def test_refusals_are_shown_for_some_and_asked_of_others():
    for with_guests in (False, True):
        examples = refusal.refusal_examples(with_guests=with_guests, seed=1)
        shown = {prompt for prompt, _ in examples.shown}
        assert shown.isdisjoint(one.prompt for one in examples.kept)
        refused = {prompt.split()[0].removesuffix("'s") for prompt, said in examples.shown if said == refusal.REFUSAL}
        guests = {guest.name for guest in WORLD.guests}
        assert len(refused & guests) == (3 if with_guests else 0)
        assert not refused & set(WORLD.unused_names)
        assert {one.group for one in examples.kept} == {"known", "never told", "guest", "stranger"}


def test_a_refusal_is_told_from_an_answer():
    found = ask(TINY.model, TINY.tokenizer, all_questions())
    assert not refusal.refused(found, TINY.tokenizer).any()  # nobody taught it
    first = TINY.tokenizer.encode("Vera has a" + refusal.REFUSAL)[len(TINY.tokenizer.encode("Vera has a"))]
    said = TINY.tokenizer.tokens([first])[0].strip()
    assert refusal.refused(type(found)(found.questions[:1], (said,), found.confidence[:1], found.probabilities[:1]),
                            TINY.tokenizer).tolist() == [True]  # fmt: skip


def test_a_fact_told_long_ago_stands_in_the_prompt_once():
    for n in (0, 1, 5):
        for one in context_distance.facts_at_distance(n, seed=2):
            assert one.prompt.count(f" {one.truth}") == 1
            assert one.prompt.count(".") == 3 + n
    assert all(WORLD.next_words(one.prompt) == {one.truth: 1.0} for one in context_distance.facts_at_distance(1))
    assert not any(WORLD.next_words(one.prompt) for one in context_distance.facts_at_distance(2))


def test_a_list_longer_than_the_window_cannot_be_copied():
    repeater = artifacts.load_model("induction").model
    assert context_distance.repeat_accuracy(repeater, 16) > 0.9
    assert context_distance.repeat_accuracy(repeater, repeater.config.context_length) < 0.05


def test_words_to_spell_are_one_token_each():
    learned, new = spelling.split_words(TINY.tokenizer, seed=1)
    assert len(new) == spelling.N_HELD_OUT and not set(learned) & set(new) and len(learned) > 100
    assert all(len(TINY.tokenizer.encode(f"The {word}")) == 2 for word in learned + new)
    assert spelling.most_frequent_ending(["cat", "hat", "dog"]) == "t"


def test_names_are_those_of_this_python():
    found = api_hallucination.library_names()
    assert all(map(api_hallucination.exists, found)) and len(found) > 1000
    assert api_hallucination.invented(["os.walk", "os.stroll", "math", "no_such_module.walk", ""]) == [
        "os.stroll", "math", "no_such_module.walk", "",
    ]  # fmt: skip


def test_the_shipped_model_of_names_was_trained_as_written():
    """Trained again in a short form, which soon knows such names too."""
    shipped = artifacts.load_model("library_names")
    assert shipped.settings == api_hallucination.names_settings()
    again = api_hallucination.trained(steps=api_hallucination.N_STEPS // 4)
    assert again.model.config == shipped.model.config
    losses = []
    for one in (again, shipped):  # another Python may have other names, so each has its own letters
        row = torch.tensor(one.tokenizer.encode_prompt("math.sqrt"))
        losses.append(one.model.trace(row).losses.mean().item())
    assert max(losses) < 1.5 < math.log(again.tokenizer.vocab_size)
    assert set("abcdefghijklmnopqrstuvwxyz._") <= set(shipped.tokenizer.tokens(range(shipped.tokenizer.vocab_size)))


class TestTheRecording:
    CARD = artifacts.load_recording("limitations")

    def test_has_every_setting_and_seed(self):
        for curves in self.CARD["dial"].values():
            for rows in curves.values():
                assert torch.tensor(rows).shape == (len(recorded.RATIOS), len(recorded.SEEDS))
        for course in self.CARD["preferences"]["learning_rates"].values():
            assert {len(line) for line in course.values()} == {len(self.CARD["preferences"]["steps"])}

    def test_learns_what_was_planted_at_every_setting(self):
        for place in bias.PLACES:
            learned = torch.tensor(self.CARD["dial"]["nothing filtered"][place])
            assert (learned.mean(dim=1) - torch.tensor(recorded.RATIOS)).abs().max() < 0.12
