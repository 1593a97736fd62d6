"""What is near what: cosines, neighbors and analogies, against scikit-learn and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestNeighbors

from llmviz import embeddings
from llmviz.embeddings import WordVectors, directions, vectors
from llmviz.embeddings.vectors import _GLOVE_FILE
from llmviz.files import data_path

RNG = np.random.default_rng(3)
CLOUD = WordVectors(tuple(f"w{i}" for i in range(60)), RNG.normal(size=(60, 5)))
numbers = st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-6)


def test_cosine_by_hand():
    assert embeddings.cosine([3, 4], [4, 3]) == pytest.approx(24 / 25)
    assert embeddings.cosine([3, 4], [-4, 3]) == 0
    assert embeddings.cosine([1, 1], [-2, -2]) == pytest.approx(-1)


@given(hnp.arrays(float, (2, 4), elements=numbers).filter(lambda rows: np.abs(rows).max(axis=1).min() > 0))
def test_cosine_agrees_with_scikit_learn_and_does_not_care_for_length(rows):
    a, b = rows
    found = embeddings.cosine(a, b)
    assert -1 <= found <= 1
    assert found == pytest.approx(cosine_similarity([a], [b])[0, 0], abs=1e-9)
    assert found == pytest.approx(embeddings.cosine(3 * a, b), abs=1e-9)


def test_neighbors_agree_with_scikit_learn():
    judge = NearestNeighbors(n_neighbors=6, metric="cosine").fit(CLOUD.vectors)
    _, rows = judge.kneighbors(CLOUD.vectors)
    for word, row in zip(CLOUD.words, rows, strict=True):
        assert [found for found, _ in CLOUD.neighbors(word, 5)] == [f"w{i}" for i in row[1:]]
    cosines = [cosine for _, cosine in CLOUD.neighbors("w0", 59)]
    assert cosines == sorted(cosines, reverse=True)
    assert len(CLOUD.neighbors("w0", 500)) == 59


def parallelogram():
    """Two roles, two sides, and no noise: each analogy has one exact answer."""
    roles, sides = np.eye(4)[:2], np.eye(4)[2:]
    words = {"king": (0, 0), "queen": (0, 1), "actor": (1, 0), "actress": (1, 1)}
    return WordVectors(tuple(words), [roles[role] + 0.4 * sides[side] for role, side in words.values()])


def test_an_exact_parallelogram_is_completed():
    space = parallelogram()
    assert space.analogy("king", "queen", "actor", 1)[0] == ("actress", pytest.approx(1))
    questions = embeddings.analogy_questions([("king", "queen"), ("actor", "actress")])
    assert len(questions) == 4
    assert embeddings.analogy_accuracy(space, questions) == 1


def test_the_inputs_are_struck_only_when_asked():
    space = WordVectors(("man", "woman", "king", "queen"), [[1, 0.1, 0], [1, -0.1, 0], [1, 0.1, 3], [1, -1.2, 2]])
    assert space.analogy("man", "king", "woman", 1, exclude_inputs=False)[0][0] == "king"
    assert space.analogy("man", "king", "woman", 1)[0][0] == "queen"
    assert [word for word, _ in space.analogy("man", "king", "woman", 9)] == ["queen"]


def test_the_reference_form_gives_the_same_analogy():
    rows = directions(np.random.default_rng(7).normal(size=(9, 4)))
    space = WordVectors(tuple("abcdefghi"), rows)
    plain = embeddings.solve_analogy(dict(zip(space.words, rows, strict=True)), "a", "b", "c")
    assert plain == space.analogy("a", "b", "c", 1)[0][0]


def test_questions_go_both_ways_and_never_mix_the_sides():
    questions = embeddings.analogy_questions([("a", "A"), ("b", "B"), ("c", "C")])
    assert len(set(questions)) == 12
    assert ("A", "a", "B", "b") in questions and ("a", "A", "B", "b") not in questions


def test_a_vector_of_zeros_is_nobodys_neighbor():
    space = WordVectors(("a", "b", "nothing"), [[1, 0], [1, 1], [0, 0]])
    assert space.neighbors("a") == [("b", pytest.approx(0.5**0.5)), ("nothing", 0)]


def test_unknown_words_are_answered_with_similar_ones():
    space = WordVectors(("kite", "kitten"), np.eye(2))
    with pytest.raises(ValueError, match="'kites' is not among the 2 words of these vectors; did you mean 'kite'"):
        space["kites"]
    with pytest.raises(ValueError, match="is not among"):
        space.analogy("kite", "", "kitten")
    assert "kite" in space and "kites" not in space and 3 not in space


@pytest.mark.parametrize(
    ("words", "rows", "sentence"),
    [
        (("a", "b"), [[1, 2]], r"2 words need vectors \(word, d_model\); given \(1, 2\)"),
        (("a", "a"), np.eye(2), "each word may stand only once"),
        (("a", "b"), [[1, np.nan], [0, 0]], "must be finite"),
        (("a",), [1, 2], "need vectors"),
    ],
)
def test_what_is_no_space_is_refused(words, rows, sentence):
    with pytest.raises(ValueError, match=sentence):
        WordVectors(words, rows)


def test_other_bad_input_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="given shapes"):
        embeddings.cosine([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="has no direction"):
        embeddings.cosine([1, 2], [0, 0])
    with pytest.raises(ValueError, match="has 5 numbers"):
        CLOUD.nearest([1, 2])
    with pytest.raises(ValueError, match="no questions"):
        embeddings.analogy_accuracy(CLOUD, [])


def test_a_subset_keeps_its_vectors_in_the_order_asked():
    part = CLOUD.subset(["w7", "w2"])
    assert part.words == ("w7", "w2")
    assert np.array_equal(part["w2"], CLOUD["w2"])


def test_glove_is_what_the_paper_says_it_is():
    assert len(embeddings.load_glove()) == 50_000 and embeddings.load_glove().d_model == 50
    assert embeddings.load_glove().words[0] == "the"
    assert embeddings.load_glove().analogy("man", "king", "woman", 1)[0][0] == "queen"
    assert embeddings.load_glove().analogy("man", "king", "woman", 1, exclude_inputs=False)[0][0] == "king"


def test_a_damaged_file_is_refused(monkeypatch, tmp_path):
    (tmp_path / _GLOVE_FILE).write_bytes(data_path(_GLOVE_FILE).read_bytes()[:-1] + b"?")
    monkeypatch.setenv("LLMVIZ_DATA", str(tmp_path))
    vectors.load_glove.cache_clear()
    with pytest.raises(ValueError, match="is not the file that belongs here"):
        vectors.load_glove()
    (tmp_path / _GLOVE_FILE).unlink()
    with pytest.raises(FileNotFoundError, match="git checkout -- data"):
        vectors.load_glove()
    vectors.load_glove.cache_clear()
