"""Capability curves and context distance: known answers, and the recording against a new run in short form."""

import math
from itertools import islice

import pytest
from fakes import uniform_model

from llmviz import artifacts, corpora, evaluation
from llmviz.evaluation import capabilities
from llmviz.tinyville import Tinyville

TINY = artifacts.load_model("tiny")
WORLD = Tinyville()


def test_a_trained_model_passes_and_blind_guessing_fails():
    corpus = corpora.tinyville(0, {kind: count // 10 for kind, count in WORLD.counts.items()})
    questions = capabilities._CapabilityEval(TINY.tokenizer, corpus)
    questions.facts, questions.copies = questions.facts[:12], questions.copies[::8]
    trained = questions.measure(TINY.model)
    blind = questions.measure(uniform_model(TINY.tokenizer.vocab_size))
    assert set(trained) == {"spells words", "knows facts", *(f"copies {kind}s" for kind in WORLD.word_classes)}
    assert min(trained.values()) > 0.9
    assert max(blind.values()) < 0.5
    assert blind["knows facts"] == 0


@pytest.mark.slow
def test_what_ships_begins_as_a_new_recording_does():
    """A run in short form: the first two points, with the weights and windows of the long one."""
    found = list(islice(capabilities._capability_steps(TINY, TINY.settings), 2))
    shipped = evaluation.load_capabilities()
    assert [step for step, _ in found] == shipped.steps[:2] == [0, capabilities.EVERY]
    for (_, shares), recorded, within in zip(found, shipped.shares["spells words"], (0.05, 0.1), strict=False):
        assert shares["spells words"] == pytest.approx(recorded, abs=within)
    assert shipped.record["corpus"]["sha256"] == TINY.corpus["sha256"]


@pytest.mark.parametrize("seed", capabilities.SEEDS)
def test_what_ships_is_whole(seed):
    found = evaluation.load_capabilities(seed)
    assert found.steps == list(range(0, capabilities.UNTIL + 1, capabilities.EVERY))
    assert found.record["settings"]["seed"] == seed
    for line in found.shares.values():
        assert len(line) == len(found.steps)
        assert all(0 <= share <= 1 and math.isfinite(share) for share in line)


def test_first_above_by_hand():
    found = evaluation.capabilities._CapabilityCurves([0, 10, 20], {"spells": [0.1, 0.8, 0.9]}, {})
    assert [found.first_above("spells", share) for share in (0.0, 0.5, 0.8, 0.95)] == [0, 10, 20, None]
    with pytest.raises(ValueError, match="'sings'; there are spells"):
        found.first_above("sings", 0.5)


def test_a_fact_told_long_ago_stands_in_the_prompt_once():
    for n in (0, 1, 5):
        for one in evaluation.facts_at_distance(n, seed=2):
            assert one.prompt.count(f" {one.truth}") == 1
            assert one.prompt.count(".") == 3 + n
    assert all(WORLD.next_words(one.prompt) == {one.truth: 1.0} for one in evaluation.facts_at_distance(1))
    assert not any(WORLD.next_words(one.prompt) for one in evaluation.facts_at_distance(2))


def test_a_list_longer_than_the_window_cannot_be_copied():
    repeater = artifacts.load_model("induction").model
    assert evaluation.repeat_accuracy(repeater, 16) > 0.9
    assert evaluation.repeat_accuracy(repeater, repeater.config.context_length) < 0.05
