"""How alike two texts are: the papers' own examples, and scikit-learn's counting as a judge."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from llmviz.evaluation import bleu, exact_match, rouge_1

WORDS = st.lists(st.sampled_from(["le", "la", "chat", "rouge", "petit"]), min_size=1, max_size=8)


def counted(candidate, reference) -> int:
    """How many words are common, each as often as in both, by scikit-learn's table of counts."""
    table = CountVectorizer(token_pattern=r"\S+").fit_transform([" ".join(candidate), " ".join(reference)]).toarray()
    return int(np.minimum(*table).sum())


@given(WORDS, WORDS)
def test_rouge_counts_as_scikit_learn_does(candidate, reference):
    n_common = counted(candidate, reference)
    precision, recall = n_common / len(candidate), n_common / len(reference)
    f1 = 2 / (1 / precision + 1 / recall) if n_common else 0
    assert rouge_1(candidate, reference) == rouge_1(reference, candidate) == pytest.approx(f1)


def test_bleu_clips_counts_multiplies_four_precisions_and_punishes_short_texts():
    reference = ["the", "cat", "is", "on", "the", "mat", "today"]
    assert bleu([reference], [reference]) == 1
    assert bleu([["the"] * 7], [reference]) == 0  # two of seven words count (Papineni et al. 2002), and no pair
    assert bleu([reference[:5]], [reference]) == pytest.approx(np.exp(1 - 7 / 5))
    one_wrong = ["the", "cat", "is", "on", "the", "hat", "today"]  # 6 of 7 words, 4 of 6 pairs, 3 of 5 triples, 2 of 4
    expected = (6 / 7 * 4 / 6 * 3 / 5 * 2 / 4) ** 0.25
    assert bleu([one_wrong], [reference]) == pytest.approx(expected)
    both = (13 / 14 * 10 / 12 * 8 / 10 * 6 / 8) ** 0.25  # counts of all texts together, not the mean of two scores
    assert bleu([one_wrong, reference], [reference] * 2) == pytest.approx(both)


def test_strings_and_lists_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match=r'such as "le chat"\.split'):
        rouge_1("le chat", ["le"])
    with pytest.raises(ValueError, match="2 texts, 1 references"):
        exact_match(["a", "b"], ["a"])
