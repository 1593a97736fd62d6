"""What a head does, as a number: heads whose habit is known beforehand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmviz.interpretability import heads

LISTS = st.lists(st.sampled_from("abcd"), min_size=2, max_size=12)


def looks(places: list[int]) -> np.ndarray:
    """A head that looks at one place each: (query, key)."""
    return np.eye(len(places))[places]


def causal(n: int, seed: int = 0) -> np.ndarray:
    weights = np.tril(np.random.default_rng(seed).random((3, 2, n, n)))
    return weights / weights.sum(axis=-1, keepdims=True)


def test_a_head_gets_full_marks_for_its_own_habit_and_none_for_another():
    previous, first = looks([0, 0, 1, 2]), looks([0, 0, 0, 0])
    assert heads.previous_token_score(previous) == 1
    assert heads.previous_token_score(first) == pytest.approx(1 / 3)  # the second token's neighbor is the first
    assert heads.first_token_score(first) == 1
    assert heads.first_token_score(previous) == pytest.approx(1 / 3)


def test_induction_looks_one_place_after_the_last_time():
    tokens = list("abcabc")
    assert heads.induction_score(looks([0, 0, 0, 1, 2, 3]), tokens) == 1
    assert heads.induction_score(looks([0, 0, 0, 0, 1, 2]), tokens) == 0  # at the same token: no induction
    assert heads.induction_score(looks([0, 0, 0, 1, 0, 0]), tokens) == pytest.approx(1 / 3)


def test_copying_looks_at_any_place_of_what_comes_next():
    tokens = list("abaab")
    # What comes next has stood before at queries 1 (a: 0), 2 (a: 0, 2) and 3 (b: 1).
    assert heads.copying_score(looks([0, 0, 2, 1, 0]), tokens) == 1
    assert heads.copying_score(looks([0, 1, 1, 2, 1]), tokens) == 0


@given(LISTS, st.integers(0, 100))
def test_scores_are_shares_by_head_or_absent(tokens, seed):
    weights = causal(len(tokens), seed)
    scores = heads.head_scores(weights, tokens) | {"copies from": heads.copying_score(weights, tokens)}
    for name, score in scores.items():
        if score is None:
            assert not any(token in tokens[:place] for place, token in enumerate(tokens)), name
        else:
            assert score.shape == (3, 2) and (score >= 0).all() and (score <= 1 + 1e-9).all()


@given(LISTS.filter(lambda tokens: len(set(tokens)) < len(tokens)), st.integers(0, 100))
def test_each_is_the_mean_over_the_places_written_out(tokens, seed):
    weights = causal(len(tokens), seed)[0, 0]
    found, copied = [], []
    for query in range(len(tokens)):
        places = [place for place in range(query) if tokens[place] == tokens[query]]
        found += [weights[query, places[-1] + 1]] if places else []
        if query + 1 < len(tokens) and tokens[query + 1] in tokens[: query + 1]:
            copied.append(sum(weights[query, key] for key in range(query + 1) if tokens[key] == tokens[query + 1]))
    assert heads.induction_score(weights, tokens) == pytest.approx(np.mean(found))
    assert heads.copying_score(weights, tokens) == pytest.approx(np.mean(copied))


def test_what_does_not_fit_gets_a_sentence():
    with pytest.raises(ValueError, match="3 positions, but 2 tokens"):
        heads.induction_score(np.eye(3), ["a", "b"])
    with pytest.raises(ValueError, match="3 positions, but 4 tokens"):
        heads.copying_score(np.eye(3), list("abab"))
    with pytest.raises(ValueError, match=r"as many queries as keys.*\(2, 3\)"):
        heads.previous_token_score(np.ones((2, 3)))
    assert heads.head_scores(np.ones((1, 1)), ["a"]) == {}
