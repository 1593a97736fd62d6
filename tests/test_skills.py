"""Skills: an exam with known answers, a recording that says what its run did, and the file that ships."""

import math

import pytest
from fakes import uniform_model

from llmviz import artifacts, corpora
from llmviz.evaluation import capabilities
from llmviz.evaluation.capabilities import CapabilityEval
from llmviz.tinyville import Tinyville

TINY = artifacts.load_model("tiny")
WORLD = Tinyville()


def test_a_grown_model_passes_and_blind_guessing_fails():
    examination = CapabilityEval(TINY.tokenizer, WORLD, corpora.tinyville().documents)
    examination.facts, examination.copies = examination.facts[:12], examination.copies[::8]
    grown = examination.measure(TINY.model)
    blind = examination.measure(uniform_model(TINY.tokenizer.vocab_size))
    assert set(grown) == {"spells words", "knows facts", *(f"copies {kind}s" for kind in WORLD.word_classes)}
    assert min(grown.values()) > 0.9
    assert max(blind.values()) < 0.5
    assert blind["knows facts"] == 0


def test_what_ships_begins_as_a_new_recording_does():
    """A run in short form: the newborn, and the first exam, with the weights and windows of the long one."""
    [newborn, first] = capabilities.record(TINY, until=60, every=60).shares["spells words"]
    shipped = capabilities.load_curves()
    assert newborn == pytest.approx(shipped.shares["spells words"][0], abs=0.05)
    assert first == pytest.approx(shipped.shares["spells words"][1], abs=0.1)
    assert shipped.steps[:2] == [0, 60]
    assert shipped.record["corpus"]["sha256"] == TINY.corpus["sha256"]


@pytest.mark.parametrize("seed", capabilities.SEEDS)
def test_what_ships_is_whole(seed):
    found = capabilities.load_curves(seed)
    assert found.steps == list(range(0, capabilities.UNTIL + 1, capabilities.EVERY))
    assert found.record["settings"]["seed"] == seed
    for line in found.shares.values():
        assert len(line) == len(found.steps)
        assert all(0 <= share <= 1 and math.isfinite(share) for share in line)


def test_first_above_by_hand():
    found = capabilities.CapabilityCurves([0, 10, 20], {"spells": [0.1, 0.8, 0.9]}, {})
    assert [found.first_above("spells", share) for share in (0.0, 0.5, 0.8, 0.95)] == [0, 10, 20, None]
    with pytest.raises(ValueError, match="'sings'; there are spells"):
        found.first_above("sings", 0.5)


def test_another_seed_gets_a_sentence():
    with pytest.raises(ValueError, match="from 0 to 2 were recorded; asked for 7"):
        capabilities.load_curves(7)
