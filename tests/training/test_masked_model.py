"""The masked model that ships: it fills blanks in Tinyville from both sides, and beats a GPT of its age."""

import pytest

from llmviz import artifacts
from llmviz.model.transformer import EncoderOnly
from llmviz.tinyville import Tinyville
from llmviz.tinyville.facts import FACTS
from llmviz.training import masked_lm

MASKED = artifacts.load_model("masked")


def best(text: str) -> list[str]:
    """What it puts into each blank."""
    _, probabilities = masked_lm.predict_masked(MASKED.model, MASKED.tokenizer, text)
    return [MASKED.tokenizer.decode([token_id]) for token_id in probabilities.argmax(-1).tolist()]


def test_is_an_encoder_of_the_tiny_gpts_sizes_with_one_token_more():
    tiny = artifacts.load_model("tiny")
    assert isinstance(MASKED.model, EncoderOnly)
    assert MASKED.model.config.vocab_size == tiny.model.config.vocab_size + 1
    assert MASKED.model.config.d_model == tiny.model.config.d_model
    assert MASKED.tokenizer == tiny.tokenizer


def test_what_was_recorded_is_what_it_does():
    texts = [text.text for text in Tinyville(MASKED.corpus["counts"]).texts(99, counts={"story": 150, "fact": 150})]
    found = masked_lm.masked_accuracy(MASKED.model, MASKED.tokenizer, texts, seed=1).float().mean().item()
    assert found == pytest.approx(MASKED.record["masked"]["recovered"], abs=0.12)


def test_reads_what_stands_to_the_right():
    """From the left both are "The …": only what follows tells a house from an animal."""
    for ending, attribute in (("is the home of", "house"), ("belongs to", "pet")):
        values = {fact.value for fact in FACTS if fact.known and fact.attribute == attribute}
        for name in ("Noah", "Ella", "Ben"):
            assert best(f"The ___ {ending} {name}.")[0].strip() in values


class TestTrainedLonger:
    """The pair that the lessons open: both have read the same text for as many steps."""

    LONG = artifacts.load_model("masked_long")

    def test_is_of_the_same_sizes_and_was_trained_as_long_as_the_tiny_gpt(self):
        tiny = artifacts.load_model("tiny")
        assert self.LONG.model.config == MASKED.model.config
        assert (self.LONG.step, self.LONG.corpus, self.LONG.tokenizer) == (tiny.step, tiny.corpus, tiny.tokenizer)

    def test_recovers_far_more_than_the_tiny_gpt_of_the_same_hidden_tokens(self):
        record = self.LONG.record["recovered"]
        assert record["masked"] > record["next_token"] + 0.05
        texts = [text.text for text in Tinyville().texts(99, counts={"story": 60, "fact": 150, "sense": 60})]
        found, by_gpt = (
            masked_lm.masked_accuracy(model, MASKED.tokenizer, texts, seed=1).float().mean().item()
            for model in (self.LONG.model, artifacts.load_model("tiny").model)
        )
        assert found == pytest.approx(record["masked"], abs=0.08)
        assert found > by_gpt + 0.05

    def test_a_sentence_that_stands_alone_is_nothing_new_to_it(self):
        _, probabilities = masked_lm.predict_masked(self.LONG.model, MASKED.tokenizer, "Mia ___ in the lighthouse.")
        assert probabilities[0, MASKED.tokenizer.encode(" lives")[0]] > 0.9
