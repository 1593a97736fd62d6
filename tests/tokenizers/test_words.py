"""What is special about the word and the character tokenizer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmviz.tokenizers.words import CharacterTokenizer, WordTokenizer, words


@pytest.fixture(scope="module")
def word_tokenizer():
    return WordTokenizer.train("Mia found a red kite. Leo saw Mia, and Mia's kite!\nThen Mia ran.")


def test_a_word_is_the_same_token_at_the_start_and_in_mid_text(word_tokenizer):
    start, middle = word_tokenizer.encode("Mia found Mia")[::2]
    assert start == middle
    assert word_tokenizer.tokens([start]) == [" Mia"]


def test_an_unknown_word_becomes_unk_and_only_that_word_is_lost(word_tokenizer):
    token_ids = word_tokenizer.encode("Zoe found a blue kite.")
    assert [token_ids[0], token_ids[3]] == [word_tokenizer.unknown] * 2
    assert word_tokenizer.decode(token_ids) == "<unk> found a <unk> kite."


def test_an_unknown_character_becomes_unk():
    tokenizer = CharacterTokenizer.train("kite")
    assert tokenizer.decode(tokenizer.encode("kit☃")) == "kit<unk>"
    assert tokenizer.special_tokens == {"<unk>": 4, "<|endoftext|>": 5}


@pytest.mark.parametrize("tokenizer", [WordTokenizer, CharacterTokenizer])
def test_the_most_frequent_pieces_are_kept_and_ties_go_by_code_point(tokenizer):
    assert tokenizer.train("b b b c a c d", 5).pieces[:1] in ((" b",), (" ",))
    assert WordTokenizer.train("d c b c a", 6).pieces == (" c", " a", " b", " d")
    assert CharacterTokenizer.train("dcbca", 4).pieces == ("c", "a")


def test_a_replacement_character_in_the_text_itself_is_shown_in_hex_and_comes_back():
    text = "a\N{REPLACEMENT CHARACTER}"
    tokenizer = CharacterTokenizer.train(text)
    assert tokenizer.tokens(tokenizer.encode(text)) == ["a", "⟨ef bf bd⟩"]
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(text=st.text())
def test_pieces_and_words_leave_nothing_out(text):
    assert "".join(WordTokenizer(()).split(text)) == (" " + text if text else "")
    assert "".join(words(text)) == "".join(text.split())
