"""Vectors from counting, against loops that count one pair after another, and against scikit-learn."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import TruncatedSVD

from llmviz import embeddings

TEXTS = ["Mia found a red kite.", "Tom found a blue kite!", "Mia's kite, a red one", "a"]
texts_of_letters = st.lists(st.lists(st.sampled_from("abcd"), max_size=8).map(" ".join), min_size=1, max_size=8)


def test_sentences_are_words_in_small_letters_without_marks():
    assert embeddings.sentences(["“Tom?” – 3 kites, Łódź!", ""]) == [["tom", "3", "kites", "łódź"], []]


def test_rare_words_are_left_out_and_their_neighbors_move_up():
    words = embeddings.vocabulary(["a x b", "a b", "a y b"], min_count=2)
    assert words.words == ("a", "b")
    assert words.counts.tolist() == [3, 3]
    assert embeddings.cooccurrences(words, window=1).tolist() == [[0, 3], [3, 0]]


def by_hand(texts, window, by_distance):
    """One pair after another."""
    counted = Counter()
    for words in embeddings.sentences(texts):
        for i, word in enumerate(words):
            for j, other in enumerate(words):
                if i != j and abs(i - j) <= window:
                    counted[word, other] += 1 / abs(i - j) if by_distance else 1
    return counted


@given(texts_of_letters, st.integers(1, 9), st.booleans())
def test_cooccurrences_equal_those_counted_one_by_one(texts, window, by_distance):
    if len({letter for text in texts for letter in text.split()}) < 2:
        return
    words = embeddings.vocabulary(texts, min_count=1)
    counts = embeddings.cooccurrences(words, window=window, by_distance=by_distance)
    expected = by_hand(texts, window, by_distance)
    for i, a in enumerate(words.words):
        for j, b in enumerate(words.words):
            assert counts[i, j] == pytest.approx(expected[a, b])
    assert np.array_equal(counts, counts.T)


def test_no_pair_reaches_from_one_text_into_the_next():
    words = embeddings.vocabulary(["a b", "c d"], min_count=1)
    counts = embeddings.cooccurrences(words, window=5)
    assert counts[words.words.index("b"), words.words.index("c")] == 0


def test_ppmi_by_hand():
    counts = np.array([[0.0, 6, 2], [6, 0, 0], [2, 0, 0]])
    found = embeddings.ppmi(counts, smoothing=1.0)
    assert found[0, 1] == pytest.approx(math.log((6 / 16) / (8 / 16 * 6 / 16)))
    assert found[1, 2] == 0  # never met
    smoothed = embeddings.ppmi(counts, smoothing=0.75)
    shares = np.array([8, 6, 2]) ** 0.75
    assert smoothed[0, 2] == pytest.approx(math.log((2 / 16) / (8 / 16 * shares[2] / shares.sum())))


def test_ppmi_is_never_negative_and_knows_independence():
    rng = np.random.default_rng(0)
    margin = rng.random(6)
    assert embeddings.ppmi(np.outer(margin, margin), smoothing=1.0) == pytest.approx(np.zeros((6, 6)), abs=1e-12)
    counts = rng.integers(0, 9, (6, 6)).astype(float)
    assert (embeddings.ppmi(counts) >= 0).all()


def test_svd_vectors_agree_with_scikit_learn():
    rng = np.random.default_rng(1)
    matrix = rng.random((20, 20))
    ours = embeddings.svd_vectors(matrix, 4)
    judge = TruncatedSVD(4, algorithm="arpack", random_state=0).fit(matrix)
    theirs = judge.transform(matrix) / np.sqrt(judge.singular_values_)
    assert np.abs(ours) == pytest.approx(np.abs(theirs), abs=1e-8)
    largest = ours[np.abs(ours).argmax(axis=0), np.arange(4)]
    assert (largest > 0).all()


def test_words_with_the_same_company_get_the_same_vector():
    vectors = embeddings.count_vectors(["a red kite", "a blue kite", "no red hat", "no blue hat"] * 5, d_model=3)
    assert vectors.cosine("red", "blue") == pytest.approx(1)
    assert vectors.cosine("red", "kite") < 0.9


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: embeddings.vocabulary("one text"), "texts must be a list of texts"),
        (lambda: embeddings.vocabulary(["a a a"]), "only 0 of 1 different words occur at least 5 times"),
        (lambda: embeddings.cooccurrences(embeddings.vocabulary(["a b"] * 5), window=0), "at least 1; given 0"),
        (lambda: embeddings.ppmi(np.zeros((2, 2))), "not all of them 0"),
        (lambda: embeddings.svd_vectors(np.eye(3), 4), "from 1 to 3"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
