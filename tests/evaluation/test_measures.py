"""Rates and shares: worked by hand, and what must hold for any answers."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llmviz import evaluation

words = st.sampled_from(["mill", "tower", None])
pairs = st.lists(st.tuples(words, words), min_size=1, max_size=12)
sure_and_right = st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=1, max_size=20)


def tensors(rows):
    return torch.tensor([row[0] for row in rows]), torch.tensor([row[1] for row in rows])


def test_an_answer_where_there_is_none_is_invented_and_silence_never_is():
    assert evaluation.hallucination_rate(["mill", None, "mill", None], ["mill", "mill", None, None]) == 0.25


@given(pairs)
def test_keeping_silent_everywhere_invents_nothing(rows):
    truths = [truth for _, truth in rows]
    assert evaluation.hallucination_rate([None] * len(rows), truths) == 0
    assert 0 <= evaluation.hallucination_rate([answer for answer, _ in rows], truths) <= 1


@given(sure_and_right, st.floats(0, 1))
def test_coverage_falls_with_the_threshold(rows, threshold):
    confidence, right = tensors(rows)
    coverage, accuracy = evaluation.coverage_and_accuracy(confidence, right, threshold)
    everything, share = evaluation.coverage_and_accuracy(confidence, right, 0.0)
    assert coverage <= everything == 1
    assert share == pytest.approx(right.float().mean().item())
    assert 0 <= accuracy <= 1


def test_where_nothing_is_said_nothing_is_wrong():
    assert evaluation.coverage_and_accuracy(torch.tensor([0.4]), torch.tensor([False]), 0.5) == (0.0, 1.0)


@given(sure_and_right)
def test_the_curve_ends_with_everything_answered(rows):
    confidence, right = tensors(rows)
    coverage, accuracy = evaluation.coverage_curve(confidence, right)
    assert coverage[-1] == 1
    assert accuracy[-1] == pytest.approx(right.float().mean().item())
    for place in (coverage * len(rows)).round().int().tolist():
        threshold = confidence.sort(descending=True).values[place - 1].item()
        if (confidence == threshold).sum() == 1:  # without ties a place of the curve is a threshold
            assert evaluation.coverage_and_accuracy(confidence, right, threshold) == pytest.approx(
                (coverage[place - 1].item(), accuracy[place - 1].item())
            )


def test_confidence_is_held_against_truth_bin_by_bin():
    assert evaluation.reliability(torch.tensor([0.1, 0.9, 1.0]), torch.tensor([False, True, False]), n_bins=2) == [
        (pytest.approx(0.1), 0.0, 1), (pytest.approx(0.95), 0.5, 2),
    ]  # fmt: skip
