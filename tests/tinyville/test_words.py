"""Splitting a text into words and putting it together again."""

from hypothesis import given
from hypothesis import strategies as st

from llmviz.tinyville.grammar import first_words, join, split


def test_words_and_punctuation_marks_are_separate():
    assert split("Mia's kite, at last!") == ("Mia's", "kite", ",", "at", "last", "!")


def test_quotation_marks_open_and_close():
    text = 'He said, "No." "Why?" she asked.'
    assert join(split(text)) == text


@given(st.text())
def test_nothing_but_white_space_is_lost(text):
    assert "".join(split(text)) == "".join(text.split())


@given(st.text())
def test_joined_words_are_split_where_they_were_joined(text):
    once = join(split(text))
    assert join(split(once)) == once


@given(st.text(), st.integers(0, 5))
def test_first_words_are_the_beginning_of_all_words(text, limit):
    assert first_words(text, limit) == list(split(text)[:limit])
