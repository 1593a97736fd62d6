"""Byte-pair encoding against its judges: the definition, tiktoken and Hugging Face."""

import json
from collections import Counter
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st
from tokenizer_judges import merged, share_fixture, texts
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from llmviz.tokenizers import base, bpe
from llmviz.tokenizers.bpe import WORD, BytePairTokenizer, Merge


@pytest.fixture(scope="module")
def trained(training_texts):
    return BytePairTokenizer.train(training_texts, 1000)


def learned(texts, vocab_size):
    return list(BytePairTokenizer.train_steps(texts, vocab_size))


def merges_by_definition(texts, n_merges):
    """Count all pairs anew before each merge: slow, and nothing to keep up to date."""
    words = [list(word.encode()) for text in texts for word in WORD.findall(text)]
    tokens = {number: bytes([number]) for number in range(256)}
    merges = []
    while len(merges) < n_merges:
        counts = Counter(pair for word in words for pair in pairwise(word))
        if not counts:
            break
        pair = min(counts, key=lambda pair: (-counts[pair], pair))
        merge = Merge((tokens[pair[0]], tokens[pair[1]]), counts[pair], len(tokens))
        assert merge.token not in tokens.values()
        merges.append(merge)
        words = [merged(word, pair, len(tokens)) for word in words]
        tokens[len(tokens)] = merge.token
    return merges


@given(texts=st.lists(st.text("ab ", min_size=1) | st.text(min_size=1), min_size=1), n_merges=st.integers(0, 30))
def test_merges_are_those_of_the_definition(texts, n_merges):
    assert learned(texts, 257 + n_merges) == merges_by_definition(texts, n_merges)


@pytest.mark.parametrize("has_spaces", [True, False])
def test_hugging_face_learns_the_same_tokens_but_for_ties(training_texts, has_spaces):
    training_texts = training_texts if has_spaces else ["".join(filter(str.isalpha, "".join(training_texts)))[:50_000]]
    judge = Tokenizer(models.BPE())
    judge.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=256 + 500, initial_alphabet=alphabet, show_progress=False)
    judge.train_from_iterator(training_texts, trainer)
    theirs = [tuple(pair) for pair in json.loads(judge.to_str())["model"]["merges"]]
    saved = BytePairTokenizer.train(training_texts, 257 + 500).to_dict()["merges"]
    ours = {merge.replace(" ", "") for merge in saved}
    assert len(ours) == 500 and len(ours & {"".join(pair) for pair in theirs}) >= 485
    assert tuple(saved[0].split(" ")) == theirs[0]


def test_counts_ties_and_borders_of_words():
    assert [merge.pair for merge in learned("cd ab", 259)] == [(b" ", b"a"), (b"c", b"d")]
    steps = learned(["abab abab", "ab"], 257 + 2)
    assert steps == [Merge((b"a", b"b"), 5, 256), Merge((b"ab", b"ab"), 2, 257)] and steps[1].token == b"abab"
    assert learned(["a", "b", "c!", "1a"], 1000) == []


def test_a_text_with_too_few_pairs_gives_a_smaller_vocabulary():
    tokenizer = BytePairTokenizer.train("abc", 1024)
    assert tokenizer.merges == ((b"a", b"b"), (b"ab", b"c"))
    assert (tokenizer.vocab_size, tokenizer.end_of_text) == (259, 258)
    with pytest.raises(ValueError, match="256 bytes and one special token"):
        BytePairTokenizer.train_steps("text", 256)


def explicit_ids(tokenizer, text):
    *_, pieces = tokenizer.encode_steps(text)
    return [tokenizer.token_id(piece) for piece in pieces]


@cache
def hugging_face(tokenizer):
    merges = [tuple(merge.split(" ")) for merge in tokenizer.to_dict()["merges"]]
    letters = [bpe.BYTE_TO_LETTER[byte] for byte in range(256)]
    pieces = [*letters, *("".join(pair) for pair in merges)]
    judge = Tokenizer(models.BPE({piece: number for number, piece in enumerate(pieces)}, merges))
    judge.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return judge


@share_fixture
@given(text=texts)
def test_steps_hugging_face_and_the_way_around_long_white_space_give_the_same_ids(trained, text):
    expected = trained.encode(text)
    assert explicit_ids(trained, text) == expected == hugging_face(trained).encode(text).ids
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "_LONG_WHITE_SPACE", 1)
        assert trained.encode(text) == expected


def test_a_tiktoken_encoding_made_by_hand_from_the_merges_gives_our_ids(trained, training_texts):
    tokens = [bytes([byte]) for byte in range(256)]
    tokens += [left + right for left, right in trained.merges]
    judge = tiktoken.Encoding(
        "judge",
        # as GPT-2's authors wrote it:
        pat_str=r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        mergeable_ranks={token: rank for rank, token in enumerate(tokens)},
        special_tokens={},
    )
    text = "".join(training_texts)
    assert trained.encode(text) == judge.encode(text)


@pytest.mark.parametrize(
    "text",
    ["a" * 100_000, "가" * 100_000, " " * 1_000_000 + "x", "x" + "\n" * 1_000_000, "\u2003" * 1_000_001],
    ids=["letters", "Korean", "spaces", "lines", "wide spaces"],
)
def test_a_single_word_of_a_hundred_thousand_letters_or_a_million_spaces_is_no_trouble(text):
    tokenizer = BytePairTokenizer.train(["aaaaaaaaa", " " * 9 + "x", "\n" * 9], 270)
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_the_steps_merge_one_pair_at_a_time_the_first_learned_first():
    tokenizer = BytePairTokenizer([(b"l", b"o"), (b"o", b"w"), (b"lo", b"w"), (b"e", b"r")])
    assert list(tokenizer.encode_steps("lower")) == [
        [b"l", b"o", b"w", b"e", b"r"], [b"lo", b"w", b"e", b"r"], [b"low", b"e", b"r"], [b"low", b"er"],
    ]  # fmt: skip
    assert list(tokenizer.encode_steps("")) == [[]]
    assert list(tokenizer.encode_steps("lo lo"))[1:] == [[b"lo", b" ", b"l", b"o"], [b"lo", b" ", b"lo"]]


def test_invalid_bytes_are_shown_in_hex_and_ids_may_be_numpys():
    tokenizer = BytePairTokenizer([])
    token_ids = tokenizer.encode("a☃")
    assert tokenizer.tokens(token_ids) == ["a", "⟨e2⟩", "⟨98⟩", "⟨83⟩"]
    assert tokenizer.decode(token_ids[:3]) == "a⟨e2 98⟩"
    assert tokenizer.decode([*token_ids[:3], 97, 0xFF]) == "a⟨e2 98⟩a⟨ff⟩"
    assert tokenizer.decode(np.array([72, 105])) == "Hi"
    with pytest.raises(ValueError, match="is not a token"):
        tokenizer.token_id(b"not a token")


def test_letters_for_bytes_are_those_of_hugging_face():
    assert set(bpe.LETTER_TO_BYTE) == set(pre_tokenizers.ByteLevel.alphabet()) and len(bpe.LETTER_TO_BYTE) == 256
    assert bpe.BYTE_TO_LETTER[ord(" ")] == "Ġ" and bpe.BYTE_TO_LETTER[ord("\n")] == "Ċ"
