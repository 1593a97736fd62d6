"""Answer tuning and DPO: the loss by hand, log-probabilities as the evaluation has them, weights that stay."""

import copy
import math

import pytest
import torch
from hypothesis import strategies as st

from llmviz import artifacts, evaluation, finetuning, training
from llmviz.finetuning.dpo import answer_log_probability

TINY = artifacts.load_model("tiny")
logs = st.floats(-20, 0, width=32)


def test_the_log_probability_of_an_answer_is_the_texts_minus_its_beginnings():
    whole = answer_log_probability(TINY.model, TINY.tokenizer, [""], ["Mia lives in the lighthouse."])
    (nats,) = training.document_nats(TINY.model, TINY.tokenizer, ["Mia lives in the lighthouse."])
    assert whole.item() == pytest.approx(-nats, abs=1e-3)
    prompts, answers = ["Mia lives in", "The doctor went home."], [" the lighthouse.", " She"]
    together = answer_log_probability(TINY.model, TINY.tokenizer, prompts, answers)
    for number in range(2):
        alone = answer_log_probability(TINY.model, TINY.tokenizer, prompts[number:][:1], answers[number:][:1])
        torch.testing.assert_close(together[number : number + 1], alone, rtol=1e-4, atol=1e-4)
    assert together[1].exp().item() == pytest.approx(0.6, abs=0.1)  # P(she | doctor), among two words


def test_the_dpo_loss_by_hand():
    numbers = [torch.tensor([value]) for value in (-1.0, -3.0, -2.0, -2.5)]  # gains: +1 and −0.5
    assert finetuning.dpo_loss(*numbers, beta=2.0).item() == pytest.approx(math.log(1 + math.exp(-3)))


def test_a_few_steps_prefer_what_was_chosen():
    model = copy.deepcopy(TINY.model)
    pair = finetuning.Preference("Mia lives in the", " castle", " lighthouse")
    steps = finetuning.preference_steps(model, TINY.tokenizer, [pair], steps=3, learning_rate=1e-4)
    losses = [step.loss for step in steps]
    assert losses[0] == pytest.approx(math.log(2), abs=1e-4) and losses[-1] < losses[0]


def test_answers_are_learned_and_the_first_model_stays_as_it_was():
    before = copy.deepcopy(TINY.model.state_dict())
    pair = [("Vera has a", " hen.")]
    tuned = finetuning.tune_on_answers(TINY.model, TINY.tokenizer, pair, steps=6)
    assert evaluation.next_word(tuned, TINY.tokenizer, "Vera has a") == "hen"
    assert all(torch.equal(before[name], weight) for name, weight in TINY.model.state_dict().items())
