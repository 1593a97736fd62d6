"""Evaluation: sums worked by hand, a model that knows nothing, and a model that is the world itself."""

import math
from functools import cache

import pytest
import torch
from fakes import FakeModel, noisy_model, scripted_model, uniform_model

from llmviz.evaluation.losses import fact_accuracy, gaps, next_word
from llmviz.tinyville import Fact, Text, Tinyville
from llmviz.tinyville.grammar import join
from llmviz.tokenizers.words import CharacterTokenizer, WordTokenizer
from llmviz.training import document_nats

WORLD = Tinyville()
SAID = "Mia found a red kite."
WORDS = WordTokenizer.train("Mia found a red kite. Tara lost a map, Leo the cat; Ben has an owl")


class TestDocumentNats:
    CHARACTERS = CharacterTokenizer("abcdefgh ")  # <unk> 9, <|endoftext|> 10

    def test_are_the_sum_of_the_surprises_from_the_first_token_to_the_end(self):
        model, text = noisy_model(), "a bad"
        ids = [10, *self.CHARACTERS.encode(text), 10]
        by_hand = 0.0
        for place in range(1, len(ids)):
            log_probabilities = model(torch.tensor([ids[:place]]))[0, -1].double().log_softmax(-1)
            by_hand -= log_probabilities[ids[place]].item()
        assert document_nats(model, self.CHARACTERS, [text]) == [pytest.approx(by_hand, rel=1e-4)]

    def test_of_a_text_do_not_depend_on_those_beside_it(self):
        texts = ["a", "bad cab", "", "face", "bad"]
        together = document_nats(noisy_model(), self.CHARACTERS, texts)
        alone = [document_nats(noisy_model(), self.CHARACTERS, [text])[0] for text in texts]
        assert together == pytest.approx(alone, rel=1e-4)
        assert document_nats(noisy_model(), self.CHARACTERS, []) == []

    def test_a_text_longer_than_the_context_gets_a_sentence(self):
        assert document_nats(noisy_model(), self.CHARACTERS, ["abcdefg"])
        with pytest.raises(ValueError, match=r"sees 8 tokens at once .* given 9"):
            document_nats(noisy_model(), self.CHARACTERS, ["abcdefgh"])


def world_as_model(tokenizer: WordTokenizer) -> FakeModel:
    """A model that gives each next token exactly the world's own probability."""

    @cache
    def next_logits(token_ids: tuple[int, ...]) -> torch.Tensor:
        prefix = tokenizer.decode(token_ids[1:])
        words = WORLD.words(prefix)
        logits = torch.full((tokenizer.vocab_size,), -math.inf)
        for word, probability in WORLD.next_words(prefix).items():
            is_end = word == "<|endoftext|>"
            token_id = tokenizer.end_of_text if is_end else tokenizer.encode(join([*words, word]))[-1]
            logits[token_id] = math.log(probability)
        return logits if logits.isfinite().any() else torch.zeros(tokenizer.vocab_size)

    return FakeModel(tokenizer.vocab_size, lambda token_ids: next_logits(tuple(token_ids)))


@pytest.fixture(scope="module")
def vocabulary() -> WordTokenizer:
    return WordTokenizer.train(text.text for text in WORLD.texts(1, counts=dict.fromkeys(WORLD.counts, 400)))


class TestGaps:
    def test_of_the_world_itself_are_zero(self, vocabulary):
        told = [kind for kind, count in WORLD.counts.items() if count]
        texts = WORLD.texts(1, counts=dict.fromkeys(told, 4))
        found = gaps(world_as_model(vocabulary), vocabulary, texts, WORLD)
        assert list(found) and set(found) == set(told)
        for gap in found.values():
            assert gap.n_texts == 4
            assert gap.gap == pytest.approx(0, abs=1e-5)
            assert gap.loss == pytest.approx(gap.entropy, abs=1e-5)

    def test_by_hand(self):
        """4 and 2 words and an end each: 8 words of kind one, whose texts cost the world 3 + 5 nats, and a model
        that knows nothing 8 ln V; one of kind two with 1 + 1 words, 2 nats."""
        texts = [Text("Mia found a map", "one", -3.0), Text("Ben has", "one", -5.0), Text("Leo", "two", -2.0)]
        found = gaps(uniform_model(WORDS.vocab_size), WORDS, texts, WORLD)
        ln_v = math.log(WORDS.vocab_size)
        assert list(found) == ["one", "two"]
        assert found["one"].entropy == 1.0
        assert found["one"].loss == pytest.approx(ln_v)
        assert found["one"].gap == pytest.approx(ln_v - 1.0)
        assert (found["two"].entropy, found["two"].n_texts) == (1.0, 1)

class TestNextWord:
    @pytest.mark.parametrize("said, word", [(" red kite", "red"), ("", ""), (", a kite", ",")])
    def test_the_next_word_is_the_first_of_what_follows(self, said, word):
        script = [*WORDS.encode(said.removeprefix(" ")), WORDS.end_of_text]
        if said.startswith(","):
            script = [WORDS.encode("x,")[-1], *WORDS.encode("a kite")]
        assert next_word(scripted_model(WORDS.vocab_size, script, 3), WORDS, "Mia found") == word


class TestAccuracy:
    def test_counts_the_prompts_of_the_known_facts(self):
        model = scripted_model(WORDS.vocab_size, [*WORDS.encode("red"), WORDS.end_of_text], 3)
        facts = [
            Fact("Mia", "pet", "red", (), ("Mia found", "Mia lost")),
            Fact("Tara", "pet", "red", (), ("Tara lost",)),
            Fact("Ben", "pet", "owl", (), ("Ben has",)),
            Fact("Leo", "pet", None, (), ("Leo has",)),
        ]
        assert fact_accuracy(model, WORDS, facts) == 3 / 4
