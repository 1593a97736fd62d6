"""Hallucination: rates by hand, coverage against accuracy, and names that this Python has or has not."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz import artifacts, evaluation
from llmviz.evaluation import hallucination

sure_and_right = st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=1, max_size=20)


def tensors(rows):
    return torch.tensor([row[0] for row in rows]), torch.tensor([row[1] for row in rows])


def test_an_answer_where_there_is_none_is_invented_and_silence_never_is():
    assert evaluation.hallucination_rate(["mill", None, "mill", None], ["mill", "mill", None, None]) == 0.25


@settings(max_examples=30)
@given(sure_and_right, st.floats(0, 1))
def test_coverage_falls_with_the_threshold(rows, threshold):
    confidence, right = tensors(rows)
    coverage, accuracy = evaluation.coverage_and_accuracy(confidence, right, threshold)
    everything, share = evaluation.coverage_and_accuracy(confidence, right, 0.0)
    assert coverage <= everything == 1
    assert share == pytest.approx(right.float().mean().item())
    assert 0 <= accuracy <= 1


def test_names_are_those_of_this_python():
    found = list(hallucination._api_names())
    assert all(map(evaluation.api_exists, found)) and len(found) > 1000
    assert not any(map(evaluation.api_exists, ["os.stroll", "math", "no_such_module.walk", ""]))


@pytest.mark.slow
def test_the_shipped_model_of_names_was_trained_as_written(monkeypatch):
    """Trained again in a short form, which soon knows such names too."""
    shipped = artifacts.load_model("library_names")
    assert shipped.settings == hallucination.API_SETTINGS
    monkeypatch.setattr(hallucination, "API_SETTINGS", replace(hallucination.API_SETTINGS, steps=40, decay=1.0))
    again = evaluation.train_on_api_names()
    assert again.model.config == shipped.model.config
    losses = []
    for one in (again, shipped):  # another Python may have other names, so each has its own letters
        row = torch.tensor([one.tokenizer.end_of_text, *one.tokenizer.encode("math.sqrt")])
        losses.append(one.model.trace(row).losses.mean().item())
    assert max(losses) < 2.5 < math.log(again.tokenizer.vocab_size)
    assert set("abcdefghijklmnopqrstuvwxyz._") <= set(shipped.tokenizer.tokens(range(shipped.tokenizer.vocab_size)))
