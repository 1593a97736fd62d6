"""Vectors from counting, against loops that count one pair after another, and against scikit-learn."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import TruncatedSVD

from llmviz import embeddings
from llmviz.embeddings.counts import _ppmi, _svd_vectors

TEXTS = ["Mia found a red kite.", "Tom found a blue kite!", "Mia's kite, a red one", "a"]
texts_of_letters = st.lists(st.lists(st.sampled_from("abcd"), max_size=8).map(" ".join), min_size=1, max_size=8)


def test_sentences_are_words_in_small_letters_without_marks():
    words = embeddings.vocabulary(["“Tom?” – 3 kites, Łódź!", ""] * 5)
    assert words.words == ("3", "kites", "tom", "łódź")
    assert [list(text) for text in words.texts[:2]] == [[2, 0, 1, 3], []]


def test_rare_words_are_left_out_and_their_neighbors_move_up():
    words = embeddings.vocabulary(["a x b", "a b", "a y b"] * 2)
    assert words.words == ("a", "b")
    assert words.counts.tolist() == [6, 6]
    assert embeddings.cooccurrences(words, window=1).tolist() == [[0, 6], [6, 0]]


@given(texts_of_letters, st.integers(1, 9))
def test_cooccurrences_equal_those_counted_one_by_one(texts, window):
    if len({letter for text in texts for letter in text.split()}) < 2:
        return
    words = embeddings.vocabulary(texts * 5)
    expected = Counter()
    for text in texts * 5:
        expected.update(embeddings.count_neighbors(text.split(), window))
    counts = embeddings.cooccurrences(words, window=window)
    assert counts.tolist() == [[expected[a, b] for b in words.words] for a in words.words]


def test_cooccurrences_may_be_weighted_by_distance():
    words = embeddings.vocabulary(["a b c"] * 6)
    assert embeddings.cooccurrences(words, by_distance=True).tolist() == [[0, 6, 3], [6, 0, 6], [3, 6, 0]]


def test_ppmi_by_hand():
    counts = np.array([[0.0, 6, 2], [6, 0, 0], [2, 0, 0]])
    found = _ppmi(counts)
    shares = np.array([8, 6, 2]) ** 0.75
    assert found[0, 2] == pytest.approx(math.log((2 / 16) / (8 / 16 * shares[2] / shares.sum())))
    assert found[1, 2] == 0 and (found >= 0).all()


def test_svd_vectors_agree_with_scikit_learn():
    rng = np.random.default_rng(1)
    matrix = rng.random((20, 20))
    ours = _svd_vectors(matrix, 4)
    judge = TruncatedSVD(4, algorithm="arpack", random_state=0).fit(matrix)
    theirs = judge.transform(matrix) / np.sqrt(judge.singular_values_)
    assert np.abs(ours) == pytest.approx(np.abs(theirs), abs=1e-8)
    largest = ours[np.abs(ours).argmax(axis=0), np.arange(4)]
    assert (largest > 0).all()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: embeddings.vocabulary("one text"), "texts must be a list of texts"),
        (lambda: embeddings.vocabulary(["a a a"]), "only 0 of 1 different words occur at least 5 times"),
        (lambda: embeddings.cooccurrences(embeddings.vocabulary(["a b"] * 5), window=0), "at least 1; given 0"),
        (lambda: embeddings.count_vectors(["a", "b"] * 9), "no neighbors to count"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
