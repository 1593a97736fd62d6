"""The longest passage copied word for word: against a search by hand, and never across two texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmviz.evaluation.memorization import SubstringIndex

LETTERS = st.lists(st.sampled_from("abc"), min_size=1, max_size=8).map(" ".join)


def longest_by_hand(text: str, corpus: list[str]) -> int:
    spoken = text.split()
    inside = {tuple(words[i:j]) for words in map(str.split, corpus) for i in range(9) for j in range(i + 1, 10)}
    return max((j - i for i in range(9) for j in range(i + 1, 10) if tuple(spoken[i:j]) in inside
                and j <= len(spoken)), default=0)  # fmt: skip


@given(text=LETTERS, corpus=st.lists(LETTERS, min_size=1, max_size=4))
def test_it_finds_what_a_search_by_hand_finds(text, corpus):
    passage = SubstringIndex(corpus).longest(text)
    assert passage.n_words == longest_by_hand(text, corpus)
    assert list(passage.words) == text.split()[passage.start : passage.start + passage.n_words]
    assert passage.share == pytest.approx(passage.n_words / len(text.split()))
    if passage.n_words:
        assert f" {' '.join(passage.words)} " in f" {corpus[passage.document]} "


def test_a_passage_never_runs_from_one_text_into_the_next():
    assert SubstringIndex(["red kite", "blue drum"]).longest("kite blue").n_words == 1


def test_a_whole_text_of_the_corpus_is_all_copied_and_its_place_is_named():
    finder = SubstringIndex(["Tom lost a drum.", "Mia found a red kite."])
    passage = finder.longest("Mia found a red kite.")
    assert (passage.share, passage.document) == (1.0, 1)


def test_nothing_known_and_nothing_said():
    finder = SubstringIndex(["Mia ran."])
    for text in ("xyz", ""):
        passage = finder.longest(text)
        assert (passage.n_words, passage.share, passage.document) == (0, 0.0, None)


def test_the_meter_is_the_mean_and_needs_a_text():
    finder = SubstringIndex(["a b c d"])
    assert finder.mean_share(["a b c d", "x x a b"]) == pytest.approx(0.75)
    with pytest.raises(ValueError, match="at least one"):
        finder.mean_share([])
    with pytest.raises(ValueError, match="nothing to copy from"):
        SubstringIndex([])
