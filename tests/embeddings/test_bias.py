"""Bias in word vectors: the association test worked out by hand, and on real vectors."""

from itertools import combinations

import numpy as np
import pytest

from llmviz.embeddings import WordVectors, bias, load_glove
from llmviz.embeddings.bias import _association

GLOVE = load_glove()
PLANE = WordVectors(("she", "he", "a", "b", "c", "d"), [[1, 0], [0, 1], [1, 0.1], [1, 0.3], [0.1, 1], [0.4, 1]])


def test_the_association_test_by_hand():
    test = bias.weat(PLANE, (["a", "b"], ["c", "d"]), (["she"], ["he"]))
    values = [_association(PLANE, word, ["she"], ["he"]) for word in "abcd"]
    gap = np.mean(values[:2]) - np.mean(values[2:])
    assert test.effect_size == pytest.approx(gap / np.std(values, ddof=1))
    assert test.p_value == pytest.approx(1 / 6)  # of six ways to deal four words, only this one gives so much
    assert list(test.associations) == ["a", "b", "c", "d"]


def test_swapping_the_targets_turns_the_sign():
    both_ways = (["a", "b"], ["c", "d"]), (["c", "d"], ["a", "b"])
    there, back = (bias.weat(PLANE, targets, (["she"], ["he"])) for targets in both_ways)
    assert back.effect_size == pytest.approx(-there.effect_size)
    assert back.p_value == 1


def test_many_ways_to_deal_are_sampled_and_agree_with_counting_them_all():
    rng = np.random.default_rng(4)
    n = 9  # 48,620 ways
    words = tuple(f"w{i}" for i in range(2 * n))
    space = WordVectors((*words, "x", "y"), rng.normal(size=(2 * n + 2, 8)))
    test = bias.weat(space, (words[:n], words[n:]), (["x"], ["y"]))
    values = np.array(list(test.associations.values()))
    sums = np.array([values[list(half)].sum() for half in combinations(range(2 * n), n)])
    assert test.p_value == pytest.approx((sums >= values[:n].sum() - 1e-12).mean(), abs=0.015)


def test_the_bias_of_real_vectors_is_found_and_a_control_is_not():
    she, he = ["she", "her", "woman", "mother"], ["he", "his", "man", "father"]
    jobs = (["nurse", "librarian", "nanny", "hairdresser"], ["engineer", "mechanic", "carpenter", "captain"])
    test = bias.weat(GLOVE, jobs, (she, he))
    assert test.effect_size > 1 and test.p_value < 0.05
    where = bias.direction(GLOVE, list(zip(he, she, strict=True)))
    leaning = bias.direction_cosines(GLOVE, [*jobs[0], *jobs[1]], where)
    assert min(leaning[job] for job in jobs[0]) > max(leaning[job] for job in jobs[1])
    assert np.linalg.norm(where) == pytest.approx(1)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: bias.weat(PLANE, (["a"], ["b"]), (["she"], ["he"])), "at least 2 words each"),
        (lambda: bias.weat(PLANE, (["a", "b"], ["c"]), (["she"], ["he"])), "equally large"),
        (lambda: bias.weat(PLANE, (["a", "b"], ["b", "c"]), (["she"], ["he"])), "1 in both"),
        (lambda: bias.weat(PLANE, (["a", "b"], ["c", "d"]), (["she"], [])), "at least one word"),
        (lambda: bias.weat(PLANE, (["a", "x"], ["c", "d"]), (["she"], ["he"])), "'x' is not among"),
        (lambda: bias.direction(PLANE, []), "at least one pair"),
        (lambda: bias.direction(PLANE, [("a", "b"), ("b", "a")]), "no mean direction"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
