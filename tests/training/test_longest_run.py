"""The plain meter of copies and the fast one find the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmviz.evaluation.memorization import SubstringIndex, longest_run

texts = st.lists(st.sampled_from(["a", "b", "c"]), max_size=12)


@given(texts, texts)
def test_is_as_long_as_what_the_fast_one_finds(words, corpus):
    assert longest_run(words, corpus) == SubstringIndex([" ".join(corpus)]).longest(" ".join(words)).n_words


@pytest.mark.parametrize("words, corpus, n", [
    ("a red kite", "found a red drum", 2),
    ("a kite", "a red kite", 1),
    ("a b a b a", "b a b a c a b", 4),
    ("x", "y", 0),
    ("", "a", 0),
])  # fmt: skip
def test_by_hand(words, corpus, n):
    assert longest_run(words.split(), corpus.split()) == n
