"""What a head does, as a number: heads whose habit is known beforehand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmviz.interpretability import head_scores, induction_score

LISTS = st.lists(st.sampled_from("abcd"), min_size=2, max_size=12)


def looks(places: list[int]) -> np.ndarray:
    """A head that looks at one place each: (query, key)."""
    return np.eye(len(places))[places]


def causal(n: int, seed: int = 0) -> np.ndarray:
    weights = np.tril(np.random.default_rng(seed).random((3, 2, n, n)))
    return weights / weights.sum(axis=-1, keepdims=True)


def test_a_head_gets_full_marks_for_its_own_habit_and_none_for_another():
    previous, first = looks([0, 0, 1, 2]), looks([0, 0, 0, 0])
    one, other = head_scores(previous, "abcd"), head_scores(first, "abcd")
    assert one["previous token"] == other["first token"] == 1
    assert other["previous token"] == pytest.approx(1 / 3)  # the second token's neighbor is the first
    assert one["first token"] == pytest.approx(1 / 3)


def test_induction_looks_one_place_after_the_last_time():
    tokens = list("abcabc")
    assert induction_score(looks([0, 0, 0, 1, 2, 3]), tokens) == 1
    assert induction_score(looks([0, 0, 0, 0, 1, 2]), tokens) == 0  # at the same token: no induction
    assert induction_score(looks([0, 0, 0, 1, 0, 0]), tokens) == pytest.approx(1 / 3)


@given(LISTS.filter(lambda tokens: len(set(tokens)) < len(tokens)), st.integers(0, 100))
def test_each_is_the_mean_over_the_places_written_out(tokens, seed):
    weights = causal(len(tokens), seed)[0, 0]
    found = []
    for query in range(len(tokens)):
        places = [place for place in range(query) if tokens[place] == tokens[query]]
        found += [weights[query, places[-1] + 1]] if places else []
    assert induction_score(weights, tokens) == pytest.approx(np.mean(found))


def test_what_does_not_fit_gets_a_sentence():
    with pytest.raises(ValueError, match="3 positions, but 2 tokens"):
        induction_score(np.eye(3), ["a", "b"])
    with pytest.raises(ValueError, match=r"as many queries as keys.*\(2, 3\)"):
        induction_score(np.ones((2, 3)), "abc")
    assert head_scores(np.ones((1, 1)), ["a"]) == {}
