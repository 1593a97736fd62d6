"""The tiny GPT that ships: small enough, made by our own command, and able to do what the lessons ask of it."""

import pytest

from llmviz import artifacts, evaluation, generation
from llmviz.files import data_path
from llmviz.tinyville import Tinyville

WORLD = Tinyville()


@pytest.fixture(scope="module")
def tiny():
    return artifacts.load_model("tiny")


def test_it_is_small_and_holds_nothing_but_numbers_and_text():
    files = [path for path in data_path("models/tiny").iterdir()]
    assert sum(path.stat().st_size for path in files) <= 8_000_000
    assert {path.suffix for path in files} == {".safetensors", ".json"}


def test_it_says_how_it_was_made(tiny):
    assert tiny.record["command"].startswith("llmviz train --steps")
    assert tiny.step == tiny.settings.steps
    assert tiny.record["seconds"] > 0 and tiny.record["validation_loss"] > 0
    mix = {kind: count for kind, count in WORLD.counts.items() if count}
    learned = {kind: count for kind, count in tiny.corpus["counts"].items() if count}
    assert learned == mix, "the world's mix changed: run make models"


def test_it_knows_the_facts(tiny):
    assert evaluation.fact_accuracy(tiny.model, tiny.tokenizer, WORLD.facts) >= 0.95


def test_it_copies_from_its_context(tiny):
    """A prompt of each class whose answer stands in the context, none of them from the record's own prompts."""
    shares = evaluation.copy_accuracy(tiny.model, tiny.tokenizer, WORLD.copy_prompts(40, seed=7))
    assert set(shares) == {"name", "object", "color", "place"}
    assert min(shares.values()) >= 0.95, shares


def test_it_is_near_the_world_on_stories_it_never_saw(tiny):
    texts = WORLD.texts(seed=77, counts={"story": 200, "fact": 100, "visit": 100, "work": 100, "copy": 100})
    found = evaluation.gaps(tiny.model, tiny.tokenizer, texts, WORLD)
    assert found["story"].gap <= 0.05
    assert all(gap.gap > -0.02 for gap in found.values()), "no model can be better than the world by more than chance"


def test_most_of_what_it_writes_could_come_from_the_world(tiny):
    texts = generation.sample_texts(tiny.model, tiny.tokenizer, 60, temperature=0.8, seed=1000)
    assert sum(WORLD.check(text).valid for text in texts) >= 0.9 * len(texts)
