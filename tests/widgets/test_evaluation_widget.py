"""The explorers of lesson 8: what they count is what Python counts, in every state of their switches."""

from pathlib import Path

import pytest
from nodes import needs_node, node

from llmviz import artifacts
from llmviz.evaluation.facts import last_logits
from llmviz.evaluation.hallucination import coverage_and_accuracy, hallucination_rate
from llmviz.widgets import BiasDialExplorer, FactWorldExplorer, RemedyExplorer
from llmviz.widgets.base import pack
from llmviz.widgets.page_model import page_model

TINY = artifacts.load_model("tiny")
WORLD = FactWorldExplorer(TINY.model, TINY.tokenizer, taught=TINY.model)
STATIC = Path(__file__).parents[2] / "llmviz" / "widgets" / "js"


@needs_node
@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.95, 1.0])
def test_the_rates_are_those_of_the_library(told, threshold):
    answers = WORLD.answers["told" if told else "plain"]
    variant = WORLD.traits()["payload"]["variants"]["told" if told else "plain"]
    given = {"variant": variant | {"confidence": answers.confidence.tolist()}, "threshold": threshold}
    found = node(STATIC / "fact_world_data.js", "return rates(outcomes(given.variant, given.threshold));", given)
    coverage, accuracy = coverage_and_accuracy(answers.confidence, answers.right, threshold)
    said = [word if sure >= threshold else None for word, sure in zip(answers.words, answers.confidence, strict=True)]
    assert found["answered"] == pytest.approx(coverage)
    assert found["accuracy"] == pytest.approx(accuracy)
    assert found["invented"] == pytest.approx(hallucination_rate(said, answers.truths))
    assert found["holds"] + found["invented"] == pytest.approx(found["answered"])


@needs_node
def test_a_refusal_is_silence_and_each_variant_has_its_name():
    variant = {"said": ["a", "b"], "silent": [1, 0], "right": [0, 1], "confidence": [0.9, 0.9]}
    found = node(STATIC / "fact_world_data.js", "return outcomes(given, 0);", variant)
    assert found == ["silent", "holds"]
    names = node(STATIC / "fact_world_data.js", "return [0, 1].flatMap((a) => [0, 1].map((b) => variantName(a, b)));")
    assert sorted(names) == sorted(WORLD.traits()["payload"]["variants"])


@needs_node
def test_a_page_that_holds_the_model_answers_a_question_of_ones_own():
    """The three most probable words and their probabilities are torch's; a long text loses its start, as in Python."""
    prompts = ["Ella lives in the", "What is the capital of Tinyville? 😀 <b>", "Ella likes jam. " * 60 + "Ella likes"]
    weights = {name: pack(one.detach(), "float32") for name, one in TINY.model.named_parameters()}
    given = {"model": page_model(TINY.model, TINY.tokenizer) | {"weights": weights}, "prompts": prompts}
    program = """const page = openFacts(given.model);
        return [...given.prompts, "  "].map((asked) => factAnswer(page, "asked", () => asked).reply);"""
    *found, nothing = node(STATIC / "fact_world.js", program, given)
    best = last_logits(TINY.model, TINY.tokenizer, prompts).softmax(-1).topk(3)
    for prompt, reply, values, ids in zip(prompts, found, best.values, best.indices, strict=True):
        assert reply["prompt"] == prompt
        words = [token.strip() for token in TINY.tokenizer.tokens(ids.tolist())]
        assert [one["said"] for one in reply["answers"]] == words
        assert [one["confidence"] for one in reply["answers"]] == pytest.approx(values.tolist(), abs=1e-5)
    assert nothing is None


def test_the_fact_world_says_what_is_invented_without_any_remedy():
    assert repr(WORLD).endswith("104 answers are right, 64 are invented.")
    assert [row[:2] for row in WORLD.table().rows] == [
        ["known", "104"], ["never told", "24"], ["guest", "24"], ["stranger", "16"],
    ]  # fmt: skip
    assert set(FactWorldExplorer(TINY.model, TINY.tokenizer).traits()["payload"]["variants"]) == {"plain", "told"}


class TestBiasDial:
    CARD = artifacts.load_recording("limitations")

    def test_takes_the_nearest_recorded_ratio_and_says_what_was_learned(self):
        dial = BiasDialExplorer(self.CARD, ratio=0.68)
        assert dial.traits()["place"] == 7
        learned = sum(self.CARD["dial"]["nothing filtered"]["anonymous"][7]) / 3
        assert f"Planted: 70% of the doctors are she. Learned, the mean of 3 models: {learned:.0%}" in repr(dial)
        assert len(dial.table().rows) == len(self.CARD["ratios"])
        assert dial.picture()

    def test_refuses_what_it_cannot_show(self):
        with pytest.raises(ValueError, match="ratio must lie between 0 and 1"):
            BiasDialExplorer(self.CARD, ratio=-1)
        with pytest.raises(ValueError, match="needs ratios, dial and seeds"):
            BiasDialExplorer({"ratios": []})


class TestRemedies:
    RECORDED = artifacts.load_recording("alignment")

    def test_says_what_the_chosen_remedies_do(self):
        board = RemedyExplorer(self.RECORDED, on=["direction removed"])
        assert board.traits()["on"] == "000100"
        assert repr(board).startswith("direction removed: invented answers 0.4, ")
        assert "bias, |P(she) − 0.5| 0.0" in repr(board)
        assert [row[0] for row in board.table().rows] == ["nothing", *self.RECORDED["switches"]]
        assert board.picture()

    def test_holds_every_combination(self):
        assert len(self.RECORDED["board"]) == 2 ** len(self.RECORDED["switches"])

    def test_refuses_what_it_cannot_show(self):
        with pytest.raises(ValueError, match=r"the remedies are 'refusal tuning'.*; given \['prayer'\]"):
            RemedyExplorer(self.RECORDED, on=["prayer"])
        with pytest.raises(ValueError, match="needs switches, board and seeds"):
            RemedyExplorer({"seeds": []})
        for wrong in (2.5, {}, self.RECORDED["board"]["000000"] | {"bias": [0.1]}):
            with pytest.raises(ValueError, match=r"RemedyExplorer|bias has 1 entry"):
                RemedyExplorer({**self.RECORDED, "board": {**self.RECORDED["board"], "010000": wrong}})
