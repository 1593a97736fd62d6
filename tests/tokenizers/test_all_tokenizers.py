"""What every tokenizer promises, whatever its kind."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmviz.tokenizers import TOKENIZERS, from_dict
from llmviz.tokenizers.base import END_OF_TEXT

share_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

SUBWORDS = ("bpe", "wordpiece", "unigram")
AWKWARD_TEXTS = [
    "",
    " ",
    "\n",
    "  \t\r\n ",
    "\u00a0\u2003\u2028",
    "\x00\x1c\x1f",
    "한국어는 재미있다",
    "مرحبا بالعالم! שלום עולם?",
    "👩‍👩‍👧 👍🏽 🇫🇷",
    "e\u0301 é",
    "\N{REPLACEMENT CHARACTER}",
    f"before{END_OF_TEXT}after",
    "<unk>",
    " Mia  found\n Mia",
    "don't ’tis it's",
]


@pytest.mark.parametrize("kind", TOKENIZERS)
@pytest.mark.parametrize("text", AWKWARD_TEXTS)
def test_a_tokenizer_trained_on_a_text_gives_it_back(kind, text):
    tokenizer = TOKENIZERS[kind].train([text, "something else"], 2000)
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("kind", TOKENIZERS)
@given(text=st.text(min_size=1))
def test_any_text_that_was_learned_comes_back_unchanged(kind, text):
    tokenizer = TOKENIZERS[kind].train(text, 5000)
    assert tokenizer.decode(tokenizer.encode(text)) == text


@share_fixture
@given(text=st.text())
def test_spans_and_tokens_belong_to_the_ids(any_tokenizer, text):
    token_ids = any_tokenizer.encode(text)
    spans = any_tokenizer.token_spans(text)
    assert len(spans) == len(token_ids)
    assert b"".join(spans) == text.encode() if any_tokenizer.kind == "bpe" else "".join(spans) == text
    tokens = any_tokenizer.tokens(token_ids)
    assert len(tokens) == len(token_ids) and all(tokens) and "\N{REPLACEMENT CHARACTER}" not in "".join(tokens)


def test_ids_are_plain_and_in_range_and_the_special_tokens_come_last(any_tokenizer):
    size = any_tokenizer.vocab_size
    token_ids = any_tokenizer.encode("Mia found a red kite, zyx ☃!")
    assert all(type(token_id) is int and 0 <= token_id < size for token_id in token_ids)
    assert any_tokenizer.end_of_text == size - 1 == any_tokenizer.special_tokens[END_OF_TEXT]
    assert any_tokenizer.tokens([size - 1]) == [END_OF_TEXT]
    assert any_tokenizer.token_bytes(size - 1) == END_OF_TEXT.encode()
    assert len(set(map(any_tokenizer.token_bytes, range(size)))) == size


def test_the_name_of_the_special_token_in_a_text_is_text_and_a_prompt_begins_with_its_id(any_tokenizer):
    text, end = f"Mia{END_OF_TEXT}", any_tokenizer.end_of_text
    token_ids = any_tokenizer.encode(text)
    assert end not in token_ids and len(token_ids) > 2
    assert any_tokenizer.encode_prompt(text) == [end, *token_ids]
    assert any_tokenizer.encode_batch([text, ""]) == [token_ids, []]


def test_saved_as_json_and_made_again_it_is_the_same(any_tokenizer):
    again = from_dict(json.loads(json.dumps(any_tokenizer.to_dict())))
    assert again == any_tokenizer and hash(again) == hash(any_tokenizer)
    text = "Mia found a red kite 한국어 👩‍👩‍👧!"
    assert again.encode(text) == any_tokenizer.encode(text)
    assert again.special_tokens == any_tokenizer.special_tokens
    assert repr(again) == repr(any_tokenizer)


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_training_twice_gives_the_same_and_one_string_is_one_document(kind, training_texts):
    training_texts = training_texts[-3:]
    tokenizer = TOKENIZERS[kind].train(training_texts, 400)
    assert TOKENIZERS[kind].train(iter(training_texts), 400) == tokenizer
    assert TOKENIZERS[kind].train("Mia ran.", 300) == TOKENIZERS[kind].train(["Mia ran."], 300)
    assert tokenizer.vocab_size == (400 if kind != "characters" else tokenizer.vocab_size)


def test_lone_surrogates_are_refused_with_their_place(any_tokenizer):
    for use in ("encode", "train"):
        with pytest.raises(ValueError, match=r"U\+D83D\) at position 4"):
            list(getattr(any_tokenizer, use)("kite\ud83d"))


@pytest.mark.parametrize("not_text", [None, 3, b"kite", ["kite"]])
def test_what_is_no_text_is_refused(any_tokenizer, not_text):
    with pytest.raises(ValueError, match="takes text"):
        any_tokenizer.encode(not_text)


@pytest.mark.parametrize("texts", [b"kite", 3, [3], ["kite", None]])
def test_what_is_no_text_cannot_be_learned_from(any_tokenizer, texts):
    with pytest.raises(ValueError, match=r"takes text|learns from text"):
        any_tokenizer.train(texts)


@pytest.mark.parametrize("texts", ["", [], ["", ""]])
def test_there_must_be_some_text_to_learn_from(any_tokenizer, texts):
    with pytest.raises(ValueError, match="empty"):
        any_tokenizer.train(texts)


@pytest.mark.parametrize("size", [2, 0, -1, 10**9, "many", 300.5])
def test_impossible_vocabulary_sizes_are_refused(any_tokenizer, size):
    with pytest.raises(ValueError, match="vocab_size"):
        any_tokenizer.train("some text", size)


@pytest.mark.parametrize("token_id", [-1, 10**6, "a", 1.5, None])
def test_ids_outside_the_vocabulary_are_refused(any_tokenizer, token_id):
    for look_up in (any_tokenizer.decode, any_tokenizer.tokens):
        with pytest.raises(ValueError, match=r"[Tt]oken id"):
            look_up([0, token_id])
    with pytest.raises(ValueError, match=r"[Tt]oken id"):
        any_tokenizer.token_bytes(token_id)


BPE = {"kind": "bpe", "word_pattern": TOKENIZERS["bpe"].train("x", 257).to_dict()["word_pattern"]}


@pytest.mark.parametrize(
    ("saved", "sentence"),
    [
        (None, "is a dictionary"),
        ([], "is a dictionary"),
        ({}, "names its"),
        ({"kind": "sentences"}, "one of 'bpe', 'wordpiece', 'unigram', 'word', 'characters'"),
        ({"kind": ["bpe"]}, "names its"),
        ({"kind": "word"}, "a list of strings"),
        ({"kind": "word", "pieces": "Mia"}, "a list of strings"),
        ({"kind": "word", "pieces": [" Mia", 3]}, "a list of strings"),
        ({"kind": "word", "pieces": [" Mia", " Mia"]}, "more than once"),
        ({"kind": "word", "pieces": [" Mia ran"]}, "is not one word"),
        ({"kind": "characters", "pieces": ["ab"]}, "is not one character"),
        ({"kind": "characters", "pieces": [""]}, "is not one character"),
        ({"kind": "characters", "pieces": ["\ud800"]}, "lone surrogate"),
        ({"kind": "wordpiece", "pieces": ["## kite"]}, "is not one piece of a word"),
        ({"kind": "wordpiece", "pieces": [" kite", " kite"]}, "more than once"),
        ({"kind": "unigram", "pieces": [" kite"]}, "one number for each piece"),
        ({"kind": "unigram", "pieces": [" kite"], "log_probabilities": []}, "one number for each piece"),
        ({"kind": "unigram", "pieces": [" kite"], "log_probabilities": ["-1"]}, "one number for each piece"),
        ({"kind": "unigram", "pieces": [" kite"], "log_probabilities": [0.5]}, "is 0 or less"),
        ({"kind": "unigram", "pieces": [" kite"], "log_probabilities": [float("nan")]}, "is 0 or less"),
        ({"kind": "unigram", "pieces": ["a", "a"], "log_probabilities": [-1, -1]}, "more than once"),
        ({"kind": "unigram", "pieces": ["a b"], "log_probabilities": [-1]}, "is not one piece of a word"),
        ({"kind": "bpe", "merges": []}, "Train the tokenizer again"),
        ({**BPE, "word_pattern": r"\w+", "merges": []}, "Train the tokenizer again"),
        (BPE, "needs"),
        ({**BPE, "merges": ["t h e"]}, "is not a merge"),
        ({**BPE, "merges": ["th"]}, "is not a merge"),
        ({**BPE, "merges": [["t", "h"]]}, "is not a merge"),
        ({**BPE, "merges": ["t \u4e00"]}, "is not a merge"),
        ({**BPE, "merges": ["th e"]}, "neither a byte nor an earlier merge"),
        ({**BPE, "merges": ["t h", "t h"]}, "already a token"),
    ],
)
def test_a_damaged_saved_tokenizer_is_refused_in_a_sentence(saved, sentence):
    with pytest.raises(ValueError, match=sentence):
        from_dict(saved)
