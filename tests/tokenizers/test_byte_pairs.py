"""The exam: our explicit byte-pair encoding, tiktoken's and Hugging Face's give the same ids."""

import json
from functools import cache

import pytest
import tiktoken
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from llmviz.tokenizers import base, bpe
from llmviz.tokenizers.bpe import BytePairTokenizer

from_pieces = st.lists(
    st.one_of(
        st.sampled_from(["the", " the", "Mia's", " kite", "isn't", "42", "  ", "\n\n", "\t", "'ll", "!!"]),
        st.sampled_from(["연은", " 정원에", "ميا", " طائرة", "מיה", "👩‍👩‍👧", "🪁", "e\u0301"]),
        st.sampled_from(["\u2003", "\x1c", "ǅ", "aaaa"]),
        st.text(st.characters(exclude_categories=["Cs", "Cn"])),
    )
).map("".join)
share_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)


def explicit_ids(tokenizer, text):
    *_, pieces = tokenizer.encode_steps(text)
    return [tokenizer.token_id(piece) for piece in pieces]


@share_fixture
@given(text=from_pieces)
def test_the_explicit_way_gives_the_ids_of_the_fast_way(byte_pair_tokenizer, text):
    assert explicit_ids(byte_pair_tokenizer, text) == byte_pair_tokenizer.encode(text)


@given(training=st.text("abc ", min_size=1), text=st.text("abc "))
def test_both_ways_agree_on_many_repetitions(training, text):
    tokenizer = BytePairTokenizer.train(training, 300)
    assert explicit_ids(tokenizer, text) == tokenizer.encode(text)


def test_both_ways_agree_on_a_megabyte(byte_pair_tokenizer, training_texts):
    text = "".join(training_texts)
    text *= 1_000_000 // len(text.encode()) + 1
    ids_of_word = cache(lambda word: explicit_ids(byte_pair_tokenizer, word))
    explicit = [token_id for word in byte_pair_tokenizer.split_words(text) for token_id in ids_of_word(word)]
    assert byte_pair_tokenizer.encode(text) == explicit


@share_fixture
@given(text=from_pieces)
def test_hugging_face_with_our_merges_gives_our_ids(byte_pair_tokenizer, text):
    judge = hugging_face(byte_pair_tokenizer)
    assert judge.encode(text).ids == byte_pair_tokenizer.encode(text)


@cache
def hugging_face(tokenizer):
    merges = [tuple(merge.split(" ")) for merge in tokenizer.to_dict()["merges"]]
    letters = [bpe.BYTE_TO_LETTER[byte] for byte in range(256)]
    pieces = [*letters, *("".join(pair) for pair in merges)]
    judge = Tokenizer(models.BPE({piece: number for number, piece in enumerate(pieces)}, merges))
    judge.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return judge


def test_a_tiktoken_encoding_made_by_hand_from_the_merges_gives_our_ids(byte_pair_tokenizer):
    tokens = [bytes([byte]) for byte in range(256)]
    tokens += [left + right for left, right in byte_pair_tokenizer.merges]
    judge = tiktoken.Encoding(
        "judge",
        # as GPT-2's authors wrote it:
        pat_str=r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        mergeable_ranks={token: rank for rank, token in enumerate(tokens)},
        special_tokens={},
    )
    text = "The kites aren't red; Mia'll see 2048 of them.\n\n  연은 정원에 있다 👍🏽 مرحبا"
    assert byte_pair_tokenizer.encode(text) == judge.encode(text)


@pytest.mark.parametrize("text", ["a" * 700, " " * 700 + "x", "!?" * 400, "abc" * 300 + "\n" * 600])
def test_both_ways_agree_on_overlong_words(text):
    tokenizer = BytePairTokenizer.train(["aaaaaaa aaaaa abcabcabc", " " * 20, "!?!?!?!?", "\n" * 9], 290)
    assert explicit_ids(tokenizer, text) == tokenizer.encode(text)


@pytest.mark.parametrize(
    "text",
    ["a" * 100_000, "가" * 100_000, " " * 1_000_000 + "x", "x" + "\n" * 1_000_000, "\u2003" * 1_000_001],
    ids=["letters", "Korean", "spaces", "lines", "wide spaces"],
)
def test_a_single_word_of_a_hundred_thousand_letters_or_a_million_spaces_is_no_trouble(text):
    tokenizer = BytePairTokenizer.train(["aaaaaaaaa", " " * 9 + "x", "\n" * 9], 270)
    assert tokenizer.decode(tokenizer.encode(text)) == text


@share_fixture
@given(text=from_pieces)
def test_the_way_around_long_white_space_gives_the_same_ids(byte_pair_tokenizer, text):
    expected = byte_pair_tokenizer.fast_encoding.encode_ordinary(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "_LONG_WHITE_SPACE", 1)
        assert byte_pair_tokenizer.encode(text) == expected


def test_the_steps_join_one_pair_at_a_time_the_first_learned_first():
    tokenizer = BytePairTokenizer([(b"l", b"o"), (b"o", b"w"), (b"lo", b"w"), (b"e", b"r")])
    assert list(tokenizer.encode_steps("lower")) == [
        [b"l", b"o", b"w", b"e", b"r"],
        [b"lo", b"w", b"e", b"r"],
        [b"low", b"e", b"r"],
        [b"low", b"er"],
    ]
    assert list(tokenizer.encode_steps("")) == [[]]
    assert list(tokenizer.encode_steps("lo lo"))[1:] == [[b"lo", b" ", b"l", b"o"], [b"lo", b" ", b"lo"]]


def test_bytes_that_are_no_text_are_shown_in_hex():
    tokenizer = BytePairTokenizer([])
    token_ids = tokenizer.encode("a☃")
    assert tokenizer.tokens(token_ids) == ["a", "⟨e2⟩", "⟨98⟩", "⟨83⟩"]
    assert tokenizer.decode(token_ids[:3]) == "a⟨e2 98⟩"
    assert tokenizer.decode([*token_ids[:3], 97, 0xFF]) == "a⟨e2 98⟩a⟨ff⟩"
    assert tokenizer.token_bytes(0xE2) == b"\xe2"


def test_ids_may_be_whole_numbers_of_another_library():
    numpy = pytest.importorskip("numpy")
    tokenizer = BytePairTokenizer([])
    assert tokenizer.decode(numpy.array([72, 105])) == "Hi"


def test_a_piece_that_is_no_token_has_no_id(byte_pair_tokenizer):
    with pytest.raises(ValueError, match="is not a token"):
        byte_pair_tokenizer.token_id(b"not a token")


def test_the_saved_form_is_readable_and_written_as_in_gpt2(byte_pair_tokenizer):
    saved = byte_pair_tokenizer.to_dict()
    assert saved["merges"][0] in ("Ġ Ġ", "Ġ t", "e r", "i n", "Ġ a")
    assert len(json.dumps(saved)) < 15 * byte_pair_tokenizer.vocab_size


def test_letters_for_bytes_are_those_of_hugging_face():
    assert set(bpe.LETTER_TO_BYTE) == set(pre_tokenizers.ByteLevel.alphabet())
    assert len(bpe.LETTER_TO_BYTE) == 256
    assert bpe.BYTE_TO_LETTER[ord(" ")] == "Ġ" and bpe.BYTE_TO_LETTER[ord("\n")] == "Ċ"


def test_a_text_with_too_few_pairs_gives_a_smaller_vocabulary():
    tokenizer = BytePairTokenizer.train("abc", 1024)
    assert tokenizer.merges == ((b"a", b"b"), (b"ab", b"c"))
    assert (tokenizer.vocab_size, tokenizer.end_of_text) == (259, 258)
    assert BytePairTokenizer.train("abc", 257).merges == ()
