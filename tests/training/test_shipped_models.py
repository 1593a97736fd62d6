"""The models that ship: the tiny GPT does what the lessons ask of it; the masked model reads both sides."""

import pytest
from fakes import predict_masked

from llmviz import artifacts, evaluation, generation
from llmviz.files import data_path
from llmviz.model.transformer import EncoderOnly
from llmviz.tinyville import Tinyville
from llmviz.tinyville.facts import FACTS
from llmviz.training import masked_lm

WORLD = Tinyville()
MASKED = artifacts.load_model("masked_long")
TINY = artifacts.load_model("tiny")


def best(text: str) -> list[str]:
    """What it puts into each blank."""
    probabilities = predict_masked(MASKED.model, MASKED.tokenizer, text)
    return [MASKED.tokenizer.decode([token_id]) for token_id in probabilities.argmax(-1).tolist()]


def test_is_an_encoder_of_the_tiny_gpts_sizes_with_one_token_more():
    assert isinstance(MASKED.model, EncoderOnly)
    assert MASKED.model.config.vocab_size == TINY.model.config.vocab_size + 1
    assert MASKED.model.config.d_model == TINY.model.config.d_model
    assert MASKED.tokenizer == TINY.tokenizer


def test_reads_what_stands_to_the_right():
    """From the left both are "The …": only what follows tells a house from an animal."""
    for ending, attribute in (("is the home of", "house"), ("belongs to", "pet")):
        values = {fact.value for fact in FACTS if fact.known and fact.attribute == attribute}
        for name in ("Noah", "Ella", "Ben"):
            assert best(f"The ___ {ending} {name}.")[0].strip() in values


def test_recovers_far_more_than_the_tiny_gpt_of_the_same_hidden_tokens():
    """Both have read the same text for as many steps."""
    assert (MASKED.step, MASKED.corpus) == (TINY.step, TINY.corpus)
    record = MASKED.record["recovered"]
    assert record["masked"] > record["next_token"] + 0.05
    texts = [text.text for text in Tinyville().texts(99, counts={"story": 60, "fact": 150, "sense": 60})]
    found, by_gpt = (
        masked_lm.masked_accuracy(model, MASKED.tokenizer, texts, seed=1).float().mean().item()
        for model in (MASKED.model, TINY.model)
    )
    assert found == pytest.approx(record["masked"], abs=0.08)
    assert found > by_gpt + 0.05


def test_a_sentence_that_stands_alone_is_nothing_new_to_it():
    probabilities = predict_masked(MASKED.model, MASKED.tokenizer, "Mia ___ in the lighthouse.")
    assert probabilities[0, MASKED.tokenizer.encode(" lives")[0]] > 0.9


def test_it_is_small_and_holds_nothing_but_numbers_and_text():
    files = [path for path in data_path("models/tiny").iterdir()]
    assert sum(path.stat().st_size for path in files) <= 8_000_000
    assert {path.suffix for path in files} == {".safetensors", ".json"}


def test_it_says_how_it_was_made():
    assert TINY.record["command"].startswith("llmviz train --steps")
    assert TINY.step == TINY.settings.steps
    assert TINY.record["seconds"] > 0 and TINY.record["validation_loss"] > 0
    mix = {kind: count for kind, count in WORLD.counts.items() if count}
    learned = {kind: count for kind, count in TINY.corpus["counts"].items() if count}
    assert learned == mix, "the world's mix changed: run make models"


def test_it_knows_the_facts():
    assert evaluation.fact_accuracy(TINY.model, TINY.tokenizer, WORLD.facts) >= 0.95


def test_it_copies_from_its_context():
    """A prompt of each class whose answer stands in the context, none of them from the record's own prompts."""
    shares = evaluation.copy_accuracy(TINY.model, TINY.tokenizer, WORLD.copy_prompts(40, seed=7))
    assert set(shares) == {"name", "object", "color", "place"}
    assert min(shares.values()) >= 0.95, shares


def test_it_is_near_the_world_on_stories_it_never_saw():
    texts = WORLD.texts(seed=77, counts={"story": 200, "fact": 100, "visit": 100, "work": 100, "copy": 100})
    found = evaluation.gaps(TINY.model, TINY.tokenizer, texts, WORLD)
    assert found["story"].gap <= 0.05
    assert all(gap.gap > -0.02 for gap in found.values()), "no model can be better than the world by more than chance"


def test_most_of_what_it_writes_could_come_from_the_world():
    texts = generation.sample_texts(TINY.model, TINY.tokenizer, 24, temperature=0.8, seed=1000)
    assert sum(WORLD.check(text).valid for text in texts) >= 0.9 * len(texts)
