"""A hidden word's exact distribution, held to the probabilities of whole texts; and how tokens make words."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz.tinyville import Tinyville
from llmviz.tinyville.grammar import WORD, join
from llmviz.tinyville.masked_words import hidden_words, next_stretches, word_stretches
from llmviz.tokenizers.bpe import BytePairTokenizer

WORLD = Tinyville()
TEXTS = [text.text for text in WORLD.texts(5, counts={"fact": 6, "work": 4, "sense": 4, "visit": 2})]
TOKENIZER = BytePairTokenizer.train(TEXTS, 300)


@pytest.mark.parametrize("text", TEXTS)
def test_it_is_bayes_rule_over_whole_texts(text):
    words = WORLD.words(text)
    for place in range(0, len(words), 3):
        [found] = hidden_words(WORLD, words, [(place, place + 1)])
        assert sum(found.values()) == pytest.approx(1)
        true = words[place]
        for word, probability in found.items():
            other = WORLD.log_probability(join([*words[:place], word, *words[place + 1 :]]))
            ratio = math.exp(other - WORLD.log_probability(text))
            assert probability == pytest.approx(found[true] * ratio)


def test_what_stands_at_the_hidden_place_is_not_looked_at():
    words = ["The", "doctor", "went", "home", ".", "She", "was", "tired", ".", "She", "made", "some", "tea", "."]
    one = hidden_words(WORLD, words, [(5, 6)])
    assert one == hidden_words(WORLD, [*words[:5], "Submarines", *words[6:]], [(5, 6)]) == [{"She": 1.0}]


def test_two_hidden_words_are_certain_only_together():
    words = ["The", "doctor", "went", "home", ".", "She", "was", "tired", ".", "She", "made", "some", "tea", "."]
    first, second = hidden_words(WORLD, words, [(5, 6), (9, 10)])
    assert first == second
    assert first["She"] == pytest.approx(0.7) and first["He"] == pytest.approx(0.3)  # as planted


def test_only_texts_that_fit_count():
    words = ["___", "lives", "in", "the", "treehouse", "."]
    [all_of_them] = hidden_words(WORLD, words, [(0, 1)])
    [short] = hidden_words(WORLD, words, [(0, 1)], lambda text: text.startswith("Ida"))
    assert set(all_of_them) == {"Ida", "Jack", "Theo"} and short == {"Ida": 1.0}


def test_what_the_world_never_says_has_no_answer():
    assert hidden_words(WORLD, ["___", "flies", "to", "the", "moon", "."], [(0, 1)]) == [{}]
    many = [(place, place + 1) for place in range(0, 12, 2)]
    assert hidden_words(WORLD, WORLD.words(TEXTS[-1])[:12], many) == [{}] * 6


def test_from_the_left_it_is_the_next_word():
    def cut(text):
        return WORD.findall(text)

    for before in ("Mia lives in the", "The doctor went home.", ""):
        assert next_stretches(WORLD, before, cut) == pytest.approx(WORLD.next_words(before))


def test_marks_that_share_a_token_come_together():
    before = 'Somebody in the greenhouse said, "Rose bushes need water'

    def cut(text):
        return [piece for piece in (text[: len(before)], text[len(before) :]) if piece]

    assert next_stretches(WORLD, before, cut) == {'."': 1.0}


@given(st.text(max_size=40))
@settings(max_examples=200)
def test_words_cover_all_tokens_and_cut_none_in_two(text):
    pieces = TOKENIZER.token_spans(text)
    found = word_stretches(pieces)
    assert [number for first, last in found for number in range(first, last)] == list(range(len(pieces)))
    joined = [b"".join(pieces[first:last]).decode() for first, last in found]  # cuts no character in two
    assert "".join(joined) == text
    borders = {len("".join(joined[:number])) for number in range(len(joined) + 1)}
    assert not any(word.start() < border < word.end() for word in WORD.finditer(text) for border in borders)
