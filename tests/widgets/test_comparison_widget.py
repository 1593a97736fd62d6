"""ComparisonExplorer: its numbers are the comparison's own, in the page and live, and the button trains."""

import functools
from pathlib import Path

import pytest
from nodes import needs_node, node

from llmviz import artifacts
from llmviz.finetuning import METHODS, MethodComparison
from llmviz.finetuning.comparison import _EvalPoint, comparison_steps
from llmviz.widgets import ComparisonExplorer

MODULE = Path(__file__).parents[2] / "llmviz" / "widgets" / "js" / "comparison.js"


def small_comparison(task="sentiment", n_labels=20):
    points = {
        method: [_EvalPoint(0, 0.5, 0.4), _EvalPoint(10, 0.6 + place / 10, 0.4 + place / 4)]
        for place, method in enumerate(METHODS)
    }
    return MethodComparison(task, n_labels, 0, 1000, {"head": 10, "lora": 100, "full": 1000}, points)


EXPLORER = ComparisonExplorer([small_comparison(), small_comparison("location_type", 5)])


def test_says_how_the_chosen_comparison_ended():
    assert repr(EXPLORER) == (
        "After 10 steps with 20 labels (sentiment at the end): frozen head 0.60 right, loss on old texts +0.0; "
        "LoRA 0.70 right, loss on old texts +0.2; full 0.80 right, loss on old texts +0.5."
    )
    assert len(EXPLORER.table().rows) == 6
    assert EXPLORER.table().rows[5][3:] == ["1,000", "0.80", "+0.50"]


@needs_node
def test_the_page_counts_like_python():
    payload = EXPLORER.traits()["payload"]
    lanes = node(MODULE, "return resultsAt(given.comparisons[0], given.methods, 1);", payload)
    assert [lane["accuracy"] for lane in lanes] == [0.6, 0.7, 0.8]
    assert [round(lane["rise"], 2) for lane in lanes] == [0, 0.25, 0.5]
    assert node(MODULE, "return largestRise(given.comparisons, given.methods);", payload) == pytest.approx(0.5)
    places = "return [5, 6].map((n) => indexOfComparison(given.comparisons, 'location_type', n));"
    assert node(MODULE, places, payload) == [1, -1]
    compare = "return comparisonSentence(given.names, resultsAt(given.comparisons[0], given.methods, 1), 20, [1, 2]);"
    said = node(MODULE, compare, payload)
    assert said.endswith("LoRA against full: −0.10 right, −0.25 forgotten.")


@pytest.mark.parametrize(("arguments", "words"), [
    ({"comparisons": []}, "at least one comparison"),
    ({"comparisons": [MethodComparison("sentiment", 20, 0, 1)]}, "with one evaluation or more"),
    ({"comparisons": [small_comparison()], "task": "kite"}, "no comparison on 'kite' .* there are: sentiment with 20"),
])  # fmt: skip
def test_refuses_what_is_no_comparison(arguments, words):
    with pytest.raises(ValueError, match=words):
        ComparisonExplorer(**arguments)


def test_the_button_trains_here_and_shows_each_evaluation(monkeypatch):
    base = artifacts.load_model("sentiment")
    monkeypatch.setattr("llmviz.finetuning.comparison._N_TEST_TEXTS", 8)
    monkeypatch.setattr("llmviz.finetuning.comparison._pretraining_texts", lambda: ["Mia lives in the lighthouse."])
    monkeypatch.setattr(
        "llmviz.widgets.evaluation.comparison_steps", functools.partial(comparison_steps, steps=2, every=1)
    )
    live = EXPLORER.live(base.model, base.tokenizer)
    shown = []
    live.observe(lambda change: shown.append(change["new"]), "point")
    live.runs = 1
    assert (live.chosen, live.point, live.running, live.problem) == (2, 2, False, "")
    run = live.explorer.comparisons[2]
    assert (run.task, run.n_labels, run.seed) == ("sentiment", 20, 1)
    assert run.points["full"][2].old_loss != run.points["full"][0].old_loss
    assert run.points["head"][2].old_loss == run.points["head"][0].old_loss
    assert shown == [0, 1, 2]
