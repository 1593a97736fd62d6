"""Hugging Face's tokenizers over our words, and texts to compare on."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from tokenizers import Regex, pre_tokenizers

from llmviz.tokenizers.words import WordTokenizer

split_words = WordTokenizer(()).split_words
share_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
texts = st.lists(
    st.one_of(
        st.sampled_from(["the", " the", "Mia's", " kite", " kites", "isn't", "42", "  ", "\n\n", "\t", "'ll", "!!"]),
        st.sampled_from(["ing", "un", "\u2003", "\x1c", "ǅ", "##ing", "#", "<unk>"]),
        st.sampled_from(["연은", " 정원에", "ميا", " طائرة", "מיה", "👩‍👩‍👧", "🪁", "e\u0301"]),
        st.text(st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="\x00")),
    )
).map("".join)


def over_our_words(judge):
    """A tokenizer of Hugging Face that takes words separated by "\\0"."""
    judge.pre_tokenizer = pre_tokenizers.Split(Regex("\x00"), "removed")
    return judge


def their_ids(judge, text):
    return judge.encode("\x00".join(split_words(text))).ids if text else []


def words_joined(texts):
    return ["\x00".join(split_words(text)) for text in texts]


def merged(word, pair, new):
    """A list of symbols with the pair replaced everywhere, from left to right."""
    result, place = [], 0
    while place < len(word):
        found = tuple(word[place : place + 2]) == pair
        result.append(new if found else word[place])
        place += 2 if found else 1
    return result
