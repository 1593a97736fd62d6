"""How alike two texts are: the papers' own examples, and scikit-learn's counting as a judge."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from llmviz.evaluation import exact_match, rouge_1
from llmviz.evaluation.text_overlap import _clipped_precision

WORDS = st.lists(st.sampled_from(["le", "la", "chat", "rouge", "petit"]), min_size=1, max_size=8)


def counted(candidate, reference) -> int:
    """How many words are common, each as often as in both, by scikit-learn's table of counts."""
    table = CountVectorizer(token_pattern=r"\S+").fit_transform([" ".join(candidate), " ".join(reference)]).toarray()
    return int(np.minimum(*table).sum())


def test_the_example_of_the_paper():
    """Papineni et al. 2002, section 2.1, example 2: 2 of 7, because the second reference has "the" once less."""
    assert _clipped_precision(["the"] * 7, ["the", "cat", "is", "on", "the", "mat"]) == pytest.approx(2 / 7)
    assert _clipped_precision(["the"] * 7, ["there", "is", "a", "cat", "on", "the", "mat"]) == pytest.approx(1 / 7)


@given(WORDS, WORDS)
def test_it_counts_as_scikit_learn_does(candidate, reference):
    n_common = counted(candidate, reference)
    found = rouge_1(candidate, reference)
    assert found.precision == _clipped_precision(candidate, reference) == pytest.approx(n_common / len(candidate))
    assert found.recall == pytest.approx(n_common / len(reference))
    if n_common:
        assert found.f1 == pytest.approx(2 / (1 / found.precision + 1 / found.recall))
    assert rouge_1(reference, candidate).precision == found.recall


def test_strings_and_lists_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match=r'such as "le chat"\.split'):
        _clipped_precision("le chat", ["le"])
    with pytest.raises(ValueError, match="2 texts and 1 references"):
        exact_match(["a", "b"], ["a"])
