"""The plain moves and the fast forms give the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmviz import embeddings
from llmviz.embeddings import vectors, word2vec
from llmviz.embeddings.reference import count_neighbors, nudge, solve_analogy


@given(st.lists(st.sampled_from("abcd"), max_size=12), st.integers(1, 6))
def test_counting_neighbors_is_what_the_matrix_holds(letters, window):
    found = count_neighbors(letters, window)
    if len(set(letters)) < 2:
        return
    words = embeddings.vocabulary([" ".join(letters)], min_count=1)
    counts = embeddings.cooccurrences(words, window=window)
    for i, a in enumerate(words.words):
        for j, b in enumerate(words.words):
            assert counts[i, j] == found.get((a, b), 0)


@pytest.mark.parametrize("is_true", [True, False])
@given(seed=st.integers(0, 99))
def test_a_nudge_goes_down_the_slope_of_negative_sampling(is_true, seed):
    rng = np.random.default_rng(seed)
    middle, other = rng.normal(size=(2, 4))
    true, false = (other, np.zeros(4)) if is_true else (np.zeros(4), other)
    _, by_middle, by_context = word2vec.negative_sampling(middle[None], np.stack([true, false])[None])
    new_middle, new_other = nudge(middle, other, is_true, 0.1)
    assert new_middle == pytest.approx(middle - 0.1 * by_middle[0])
    assert new_other == pytest.approx(other - 0.1 * by_context[0, 0 if is_true else 1])


@given(st.integers(0, 99))
def test_the_plain_analogy_is_the_librarys(seed):
    rows = vectors.directions(np.random.default_rng(seed).normal(size=(9, 4)))
    space = vectors.WordVectors(tuple("abcdefghi"), rows)
    plain = solve_analogy(dict(zip(space.words, rows, strict=True)), "a", "b", "c")
    assert plain == space.analogy("a", "b", "c", 1)[0][0]
