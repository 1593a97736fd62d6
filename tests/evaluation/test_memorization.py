"""The longest passage copied word for word: against a search by hand, and never across two texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmviz.evaluation import SubstringIndex, longest_run

LETTERS = st.lists(st.sampled_from("abc"), min_size=1, max_size=8).map(" ".join)


@given(text=LETTERS, corpus=st.lists(LETTERS, min_size=1, max_size=4))
def test_it_finds_what_the_plain_form_finds(text, corpus):
    passage = SubstringIndex(corpus).longest(text)
    assert passage.n_words == max(longest_run(text.split(), document.split()) for document in corpus)
    assert list(passage.words) == text.split()[passage.start : passage.start + passage.n_words]
    assert passage.share == pytest.approx(passage.n_words / len(text.split()))
    if passage.n_words:
        assert any(f" {' '.join(passage.words)} " in f" {document} " for document in corpus)


def test_a_whole_text_of_the_corpus_is_all_copied():
    finder = SubstringIndex(["Tom lost a drum.", "Mia found a red kite."])
    passage = finder.longest("Mia found a red kite.")
    assert (passage.start, passage.share) == (0, 1.0)


def test_nothing_known_and_nothing_said():
    finder = SubstringIndex(["Mia ran."])
    for text in ("xyz", ""):
        passage = finder.longest(text)
        assert (passage.n_words, passage.share) == (0, 0.0)


def test_the_meter_is_the_mean_and_needs_a_text():
    finder = SubstringIndex(["a b c d"])
    assert finder.mean_share(["a b c d", "x x a b"]) == pytest.approx(0.75)
    with pytest.raises(ValueError, match="at least one"):
        finder.mean_share([])
    with pytest.raises(ValueError, match="corpus is empty"):
        SubstringIndex([])


@pytest.mark.parametrize("words, corpus, n", [
    ("a red kite", "found a red drum", 2),
    ("a kite", "a red kite", 1),
    ("a b a b a", "b a b a c a b", 4),
    ("x", "y", 0),
    ("", "a", 0),
])  # fmt: skip
def test_the_plain_form_by_hand(words, corpus, n):
    assert longest_run(words.split(), corpus.split()) == n
