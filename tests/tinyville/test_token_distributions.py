"""The exact distributions of next tokens and masked words, against the probabilities of whole texts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmviz.tinyville import Tinyville, next_tokens
from llmviz.tinyville.grammar import join
from llmviz.tinyville.token_distributions import masked_words, next_pieces, word_spans
from llmviz.tokenizers import BytePairTokenizer, CharacterTokenizer, WordTokenizer
from llmviz.tokenizers.words import WORD, words

SMALL = Tinyville({"story": 40, "fact": 40, "visit": 40, "work": 40, "copy": 40})
SMALL_TEXTS = [text.text for text in SMALL.texts(seed=3)]
WORLD = Tinyville()
TEXTS = [text.text for text in WORLD.texts(5, counts={"fact": 6, "work": 4, "sense": 4, "visit": 2})]
BPE = BytePairTokenizer.train(TEXTS, 300)
DOCTOR = words("The doctor went home. She was tired. She made some tea.")


@pytest.mark.parametrize("tokenizer", [
    BytePairTokenizer([]), BytePairTokenizer.train(SMALL_TEXTS, 600), CharacterTokenizer.train(SMALL_TEXTS),
    WordTokenizer.train(SMALL_TEXTS),
], ids=["letters", "bpe", "characters", "words"])  # fmt: skip
@pytest.mark.parametrize("kind", SMALL.counts)
def test_chain_rule_gives_the_probability_of_the_text(tokenizer, kind):
    """Token by token, the probabilities multiply to that of the whole text."""
    [text] = SMALL.texts(seed=3, counts={kind: 1})
    token_ids = [*tokenizer.encode(text.text), tokenizer.end_of_text]
    nats = 0.0
    for n_seen, token_id in enumerate(token_ids):
        exact = next_tokens(SMALL, tokenizer, token_ids[:n_seen])
        assert math.isclose(sum(exact.values()), 1, rel_tol=1e-9)
        nats += math.log(exact[token_id])
    assert math.isclose(nats, text.log_probability, rel_tol=1e-9)


@pytest.mark.parametrize("text", ["Mia found the", "🙂", "<|endoftext|>", "Xyz", "Mia  found", "Mia found "])
def test_an_impossible_beginning_has_no_next_token(text):
    trained = BytePairTokenizer.train("Mia found a kite " * 3, 270)
    assert next_tokens(SMALL, trained, trained.encode(text)) == {}


@pytest.mark.parametrize("text", TEXTS)
def test_masked_words_are_bayes_rule_over_whole_texts(text):
    given_words = words(text)
    for place in range(0, len(given_words), 3):
        [found] = masked_words(WORLD, given_words, [(place, place + 1)])
        assert sum(found.values()) == pytest.approx(1)
        for word, probability in found.items():
            other = WORLD.log_probability(join([*given_words[:place], word, *given_words[place + 1 :]]))
            ratio = math.exp(other - WORLD.log_probability(text))
            assert probability == pytest.approx(found[given_words[place]] * ratio)


def test_two_masked_words_depend_on_each_other():
    first, second = masked_words(WORLD, DOCTOR, [(5, 6), (9, 10)])
    assert first == second == pytest.approx({"She": 0.7, "He": 0.3})  # as planted


def test_only_texts_that_fit_count():
    [short] = masked_words(WORLD, words("_ lives in the treehouse."), [(0, 1)], lambda text: text.startswith("Ida"))
    assert short == {"Ida": 1.0}


def test_an_impossible_text_has_no_answer():
    assert masked_words(WORLD, words("_ flies to the moon."), [(0, 1)]) == [{}]
    many = [(place, place + 1) for place in range(0, 12, 2)]
    assert masked_words(WORLD, words(TEXTS[-1])[:12], many) == [{}] * 6


def test_next_pieces_are_next_words_and_marks_may_come_together():
    for before in ("Mia lives in the", "The doctor went home.", ""):
        assert next_pieces(WORLD, before, words) == pytest.approx(WORLD.next_words(before))
    before = 'Somebody in the greenhouse said, "Rose bushes need water'
    split = lambda text: [piece for piece in (text[: len(before)], text[len(before) :]) if piece]  # noqa: E731
    assert next_pieces(WORLD, before, split) == {'."': 1.0}


@given(st.text(max_size=40))
def test_word_spans_cover_all_tokens_and_cut_no_word_in_two(text):
    pieces = BPE.token_spans(text)
    found = word_spans(pieces)
    assert [number for first, last in found for number in range(first, last)] == list(range(len(pieces)))
    joined = [b"".join(pieces[first:last]).decode() for first, last in found]  # cuts no character in two
    assert "".join(joined) == text
    borders = {len("".join(joined[:number])) for number in range(len(joined) + 1)}
    assert not any(word.start() < border < word.end() for word in WORD.finditer(text) for border in borders)
