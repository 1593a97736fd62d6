"""The exact next-token distribution, held to the world's own probabilities of whole texts."""

import math

import pytest

from llmviz.tinyville import Tinyville
from llmviz.tinyville.next_tokens import next_tokens
from llmviz.tokenizers.bpe import BytePairTokenizer
from llmviz.tokenizers.words import CharacterTokenizer, WordTokenizer

COUNTS = {"story": 40, "fact": 40, "visit": 40, "work": 40, "copy": 40}


@pytest.fixture(scope="module")
def world() -> Tinyville:
    return Tinyville(COUNTS)


@pytest.fixture(scope="module", params=["letters", "bpe 600", "characters", "words"])
def tokenizer(request, world):
    texts = [text.text for text in world.texts(seed=3)]
    return {
        "letters": lambda: BytePairTokenizer([]),
        "bpe 600": lambda: BytePairTokenizer.train(texts, 600),
        "characters": lambda: CharacterTokenizer.train(texts),
        "words": lambda: WordTokenizer.train(texts),
    }[request.param]()


@pytest.mark.parametrize("kind", COUNTS)
def test_chain_rule_gives_the_probability_of_the_text(world, tokenizer, kind):
    """Token by token, the probabilities multiply to the one that the world gives the whole text."""
    for text in world.texts(seed=3, counts={kind: 3}):
        token_ids = [*tokenizer.encode(text.text), tokenizer.end_of_text]
        nats = 0.0
        for n_seen, token_id in enumerate(token_ids):
            exact = next_tokens(world, tokenizer, token_ids[:n_seen])
            assert math.isclose(sum(exact.values()), 1, rel_tol=1e-9)
            nats += math.log(exact[token_id])
        assert math.isclose(nats, text.log_probability, rel_tol=1e-9)


def test_a_name_may_go_on_with_an_apostrophe(world):
    """ "Mia" is a whole word and the beginning of "Mia's": both count."""
    letters = BytePairTokenizer([])
    exact = next_tokens(world, letters, letters.encode("Mia"))
    assert set(letters.tokens(exact)) >= {" ", "'"}


@pytest.mark.parametrize("text", ["Mia found the", "🙂", "<|endoftext|>", "Xyz", "Mia  found", "Mia found "])
def test_what_the_world_never_says_has_no_next_token(world, text):
    """An impossible beginning gives an empty answer, for a tokenizer that could write anything."""
    trained = BytePairTokenizer.train("Mia found a kite " * 3, 270)
    assert next_tokens(world, trained, trained.encode(text)) == {}
