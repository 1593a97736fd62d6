"""Unigram against its judges: all splits one by one, and Hugging Face's model and trainer."""

import json
import math
from collections import Counter
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizer_judges import over_our_words, share_fixture, split_words, texts, their_ids, words_joined
from tokenizers import Tokenizer, models, trainers

from llmviz import corpora
from llmviz.tokenizers.base import UNKNOWN
from llmviz.tokenizers.unigram import UnigramTokenizer, _best_split, _Lattice, _rounds

weighted = st.dictionaries(st.text("abc", min_size=1, max_size=4), st.floats(-9, -0.01), min_size=1)
counted = st.dictionaries(st.text("abc", min_size=1, max_size=8), st.integers(1, 9), min_size=1)
LETTERS = {"a": -3.0, "b": -4.0, "c": -5.0}


def all_splits(word, pieces):
    if not word:
        yield []
    for end in range(1, len(word) + 1):
        if word[:end] in pieces:
            yield from ([word[:end], *rest] for rest in all_splits(word[end:], pieces))


@given(weighted, st.text("abc", min_size=1, max_size=9))
def test_the_best_split_is_the_best_of_all_splits(log_p, word):
    splits = [sum(map(log_p.__getitem__, split)) for split in all_splits(word, log_p)]
    found = _best_split(word, log_p, 4, -1000.0)
    if splits:
        assert "".join(found) == word
        assert sum(map(log_p.__getitem__, found)) == pytest.approx(max(splits))
    else:
        assert not log_p.keys() >= set(found)


@given(weighted, counted)
def test_expected_counts_are_those_over_all_splits_also_after_pieces_are_dropped(log_p, words):
    log_p = LETTERS | log_p
    lattice = _Lattice(words, list(log_p))
    kept = [len(piece) == 1 or number % 2 == 0 for number, piece in enumerate(log_p)]
    for pieces in (list(log_p), [piece for piece, stays in zip(log_p, kept, strict=True) if stays]):
        if len(pieces) < len(log_p):
            lattice.keep(np.array(kept))
        found, log_likelihood = lattice.expected_counts(np.array([log_p[piece] for piece in pieces]))
        expected, total = Counter(), 0.0
        for word, count in words.items():
            splits = list(all_splits(word, set(pieces)))
            weights = [math.exp(sum(map(log_p.__getitem__, split))) for split in splits]
            total += count * math.log(sum(weights))
            for split, weight in zip(splits, weights, strict=True):
                for piece in split:
                    expected[piece] += count * weight / sum(weights)
        assert found == pytest.approx([expected[piece] for piece in pieces], abs=1e-9)
        assert log_likelihood == pytest.approx(total)


def test_the_vocabulary_shrinks_round_by_round_and_probabilities_add_up_to_one():
    words = Counter(split_words(corpora.tinyville(counts={"story": 50}).text))
    steps = list(_rounds(words, 200))
    sizes = [len(step.log_probabilities) for step in steps]
    assert sizes[0] > sizes[-1] == 200 and sizes == sorted(sizes, reverse=True)
    assert steps[-1].dropped == () and all(step.dropped for step in steps[:-1])
    assert sum(map(math.exp, steps[-1].log_probabilities.values())) == pytest.approx(1)
    assert set("".join(words)) <= steps[-1].log_probabilities.keys()


@pytest.fixture(scope="module")
def trained(training_texts):
    return UnigramTokenizer.train(training_texts, 1000)


@cache
def hugging_face(tokenizer):
    """Hugging Face's Unigram with our pieces and their log-probabilities, over our words."""
    vocab = [*zip(tokenizer.pieces, tokenizer.log_probabilities, strict=True)]
    vocab.append((UNKNOWN, min(tokenizer.log_probabilities)))
    return over_our_words(Tokenizer(models.Unigram(vocab, unk_id=tokenizer.unknown, byte_fallback=False)))


@share_fixture
@given(text=texts)
def test_hugging_face_with_our_scores_gives_our_ids(trained, text):
    assert trained.encode(text) == their_ids(hugging_face(trained), text)


def test_hugging_face_gives_our_ids_on_a_corpus(trained):
    text = corpora.python_documentation().text[:150_000]
    ids = trained.encode(text)
    assert ids == their_ids(hugging_face(trained), text)
    assert 0 < ids.count(trained.unknown) < len(ids) / 100


def theirs_trained(documents, n_pieces):
    judge = over_our_words(Tokenizer(models.Unigram()))
    trainer = trainers.UnigramTrainer(
        vocab_size=n_pieces + 1, show_progress=False, special_tokens=[UNKNOWN], unk_token=UNKNOWN
    )
    judge.train_from_iterator(words_joined(documents), trainer)
    pieces = {piece: score for piece, score in json.loads(judge.to_str())["model"]["vocab"] if piece != UNKNOWN}
    return UnigramTokenizer({piece: min(score, 0.0) for piece, score in pieces.items()})


def log_likelihood(tokenizer, documents):
    """Of the texts, over all splits of every word, in nats."""
    words = Counter(word for text in documents for word in split_words(text))
    return _Lattice(words, tokenizer.pieces).expected_counts(np.array(tokenizer.log_probabilities))[1]


@pytest.mark.parametrize("corpus", ["tinyville", "documentation"])
def test_the_text_is_about_as_likely_as_under_what_hugging_face_learns(corpus):
    if corpus == "tinyville":
        documents, n_pieces = corpora.tinyville(counts={"story": 150, "fact": 150}).documents, 400
    else:
        documents, n_pieces = corpora.python_documentation().documents[:12], 600
    theirs = theirs_trained(documents, n_pieces)  # on a small world it stops with fewer pieces than it was asked for
    ours = UnigramTokenizer.train(documents, theirs.vocab_size)
    assert len(ours.pieces) == len(theirs.pieces) > 0.6 * n_pieces
    assert log_likelihood(ours, documents) / log_likelihood(theirs, documents) < 1.03
    n_ours, n_theirs = (sum(len(one.encode(text)) for text in documents) for one in (ours, theirs))
    assert n_ours < 1.05 * n_theirs


def test_the_whole_split_counts_not_the_longest_first_piece():
    tokenizer = UnigramTokenizer({" un": -3, " unh": -4, "happy": -5, "appy": -9, "h": -6})
    assert tokenizer.tokens(tokenizer.encode("unhappy")) == [" un", "happy"]
    assert tokenizer.log_probability([" un", "happy"]) == -8
    assert tokenizer.log_probability([" unh", "appy"]) == -13


def test_unknown_letters_in_a_row_are_one_unk_and_their_span_is_kept():
    tokenizer = UnigramTokenizer({" k": -1, "ite": -2, " ": -3})
    assert tokenizer.tokens(tokenizer.encode("k☃ kxyite")) == [" k", UNKNOWN, " k", UNKNOWN, "ite"]
    assert tokenizer.token_spans("k☃ kxyite") == ["k", "☃", " k", "xy", "ite"]


def test_a_word_of_ten_thousand_letters_is_no_trouble():
    tokenizer = UnigramTokenizer.train("aaaaaaa b", 10)
    assert tokenizer.decode(tokenizer.encode("a" * 10_000)) == "a" * 10_000
    assert UnigramTokenizer.train("ab" * 3000, 20).vocab_size == 20
