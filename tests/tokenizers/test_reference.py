"""The reference implementations against the tokenizers of the package, and against tiktoken."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmviz import corpora
from llmviz.tokenizers.bpe import BytePairTokenizer
from llmviz.tokenizers.reference import count_pairs, encode_word, longest_match, merge_pair
from llmviz.tokenizers.tiktoken import tiktoken_encoding, token_ranks
from llmviz.tokenizers.wordpiece import WordPieceTokenizer

WORDS = st.lists(st.lists(st.sampled_from("abc"), max_size=8), max_size=6)


@given(WORDS)
def test_pairs_are_counted_by_their_places(words):
    expected = Counter((word[place], word[place + 1]) for word in words for place in range(len(word) - 1))
    assert count_pairs(words) == expected


@given(st.lists(st.sampled_from("ab"), max_size=12), st.sampled_from("ab"), st.sampled_from("ab"))
def test_merging_is_replacing_in_the_text(pieces, left, right):
    merged = merge_pair(pieces, (left, right))
    assert "|".join(merged) == "|".join("".join(pieces).replace(left + right, "#")).replace("#", left + right)


def test_counting_and_merging_again_and_again_is_byte_pair_encoding():
    text = corpora.tinyville(counts={"story": 20}).text
    words = [list(word) for word in BytePairTokenizer([]).split_words(text)]
    merges = list(BytePairTokenizer.train_steps(text, 256 + 40 + 1))
    for merge in merges:
        counts = count_pairs(words)
        pair = tuple(half.decode() for half in merge.pair)
        assert counts[pair] == merge.count == max(counts.values())
        words = [merge_pair(word, pair) for word in words]


@given(st.text("kites", max_size=12))
def test_the_longest_match_is_word_pieces(word):
    vocabulary = ["k", "i", "s", "kit", "##it", "##e", "##tes", "##s", "##k"]
    expected = [piece for piece, _ in WordPieceTokenizer(vocabulary)._cut(word)]
    assert longest_match(word, set(vocabulary)) == expected


@pytest.mark.parametrize("name", ["gpt2", "gpt-4o"])
@given(text=st.text(max_size=20) | st.sampled_from(["strawberry", " unbelievable", "안녕", "👩‍👩‍👧", "aaaaaaaaaa"]))
def test_encoding_a_word_gives_the_ids_of_tiktoken(name, text):
    encoding = tiktoken_encoding(name)
    ids = encoding.encode_ordinary(text)
    pieces = [encoding.decode_single_token_bytes(token_id) for token_id in ids]
    for piece in pieces:  # inside a token the words' pattern plays no part
        assert len(encode_word(piece, token_ranks(name))) == 1


def test_encoding_word_after_word_gives_all_ids_of_a_text():
    text = "The unbelievable strawberries aren't red! 안녕, 👩‍👩‍👧\n\n 12345 naïve Καλημέρα"
    ranks = token_ranks("gpt2")
    found = [i for word in BytePairTokenizer([]).split_words(text) for i in encode_word(word.encode(), ranks)]
    assert found == tiktoken_encoding("gpt2").encode_ordinary(text)
