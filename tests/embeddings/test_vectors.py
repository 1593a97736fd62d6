"""Cosines, neighbors, analogies and bias, against scikit-learn and by hand."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestNeighbors

from llmviz import embeddings
from llmviz.embeddings import WordVectors, directions, trained
from llmviz.embeddings.vectors import _association
from llmviz.files import data_path

RNG = np.random.default_rng(3)
CLOUD = WordVectors(tuple(f"w{i}" for i in range(60)), RNG.normal(size=(60, 5)))
numbers = st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-6)


def test_cosine_by_hand():
    assert embeddings.cosine([3, 4], [4, 3]) == pytest.approx(24 / 25)
    assert embeddings.cosine([3, 4], [-4, 3]) == 0


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


def test_glove_is_what_the_paper_says_it_is():
    assert len(embeddings.load_glove()) == 50_000 and embeddings.load_glove().d_model == 50
    assert embeddings.load_glove().words[0] == "the"
    assert embeddings.load_glove().analogy("man", "king", "woman", 1)[0][0] == "queen"
    assert embeddings.load_glove().analogy("man", "king", "woman", 1, exclude_inputs=False)[0][0] == "king"


def test_a_damaged_file_is_refused(monkeypatch, tmp_path):
    (tmp_path / trained._GLOVE_FILE).write_bytes(data_path(trained._GLOVE_FILE).read_bytes()[:-1] + b"?")
    monkeypatch.setenv("LLMVIZ_DATA", str(tmp_path))
    trained.load_glove.cache_clear()
    with pytest.raises(ValueError, match="is not the file that belongs here"):
        trained.load_glove()
    (tmp_path / trained._GLOVE_FILE).unlink()
    with pytest.raises(FileNotFoundError, match="git checkout -- data"):
        trained.load_glove()
    trained.load_glove.cache_clear()


PLANE = WordVectors(("she", "he", "a", "b", "c", "d"), [[1, 0], [0, 1], [1, 0.1], [1, 0.3], [0.1, 1], [0.4, 1]])


def test_the_association_test_by_hand():
    test = embeddings.weat(PLANE, (["a", "b"], ["c", "d"]), (["she"], ["he"]))
    values = [_association(PLANE, word, ["she"], ["he"]) for word in "abcd"]
    gap = np.mean(values[:2]) - np.mean(values[2:])
    assert test.effect_size == pytest.approx(gap / np.std(values, ddof=1))
    assert test.p_value == pytest.approx(1 / 6)  # of six ways to deal four words, only this one gives so much
    assert list(test.associations) == ["a", "b", "c", "d"]


def test_many_ways_to_deal_are_sampled_and_agree_with_counting_them_all():
    rng = np.random.default_rng(4)
    n = 9  # 48,620 ways
    words = tuple(f"w{i}" for i in range(2 * n))
    space = WordVectors((*words, "x", "y"), rng.normal(size=(2 * n + 2, 8)))
    test = embeddings.weat(space, (words[:n], words[n:]), (["x"], ["y"]))
    values = np.array(list(test.associations.values()))
    sums = np.array([values[list(half)].sum() for half in combinations(range(2 * n), n)])
    assert test.p_value == pytest.approx((sums >= values[:n].sum() - 1e-12).mean(), abs=0.015)


def test_the_bias_of_real_vectors_is_found_and_a_control_is_not():
    she, he = ["she", "her", "woman", "mother"], ["he", "his", "man", "father"]
    jobs = (["nurse", "librarian", "nanny", "hairdresser"], ["engineer", "mechanic", "carpenter", "captain"])
    real = embeddings.load_glove()
    test = embeddings.weat(real, jobs, (she, he))
    assert test.effect_size > 1 and test.p_value < 0.05
    where = embeddings.direction(real, list(zip(he, she, strict=True)))
    leaning = {job: embeddings.cosine(real[job], where) for job in (*jobs[0], *jobs[1])}
    assert min(leaning[job] for job in jobs[0]) > max(leaning[job] for job in jobs[1])
    assert np.linalg.norm(where) == pytest.approx(1)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: embeddings.weat(PLANE, (["a"], ["b"]), (["she"], ["he"])), "at least 2 words each"),
        (lambda: embeddings.weat(PLANE, (["a", "b"], ["c"]), (["she"], ["he"])), "equally large"),
        (lambda: embeddings.weat(PLANE, (["a", "b"], ["b", "c"]), (["she"], ["he"])), "share none"),
        (lambda: embeddings.weat(PLANE, (["a", "b"], ["c", "d"]), (["she"], [])), "at least one word"),
        (lambda: embeddings.weat(PLANE, (["a", "x"], ["c", "d"]), (["she"], ["he"])), "'x' is not among"),
        (lambda: embeddings.direction(PLANE, []), "at least one pair"),
        (lambda: embeddings.direction(PLANE, [("a", "b"), ("b", "a")]), "no mean direction"),
        (lambda: embeddings.cosine([1, 2], [1, 2, 3]), "given shapes"),
        (lambda: embeddings.cosine([1, 2], [0, 0]), "has no direction"),
        (lambda: CLOUD.nearest([1, 2]), "has 5 numbers"),
        (lambda: embeddings.analogy_accuracy(CLOUD, []), "no questions"),
        (lambda: WordVectors(("a", "b"), [[1, 2]]), r"2 words need vectors \(word, d_model\); given \(1, 2\)"),
        (lambda: WordVectors(("a", "a"), np.eye(2)), "each word may stand only once"),
        (lambda: WordVectors(("a", "b"), [[1, np.nan], [0, 0]]), "must be finite"),
        (lambda: WordVectors(("a",), [1, 2]), "need vectors"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
