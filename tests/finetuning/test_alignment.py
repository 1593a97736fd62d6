"""Alignment: labels, advantages and losses by hand and from torch; verifiers; two steps of each training."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F

from llmviz import artifacts, finetuning
from llmviz.finetuning import alignment
from llmviz.training import IGNORE_INDEX

CHAT = artifacts.load_model("chat")
SHOWN, PRACTICE, NEW = finetuning.chat_split()


def test_only_the_assistants_tokens_have_labels():
    examples = finetuning.chat_examples(CHAT.tokenizer, SHOWN[:3])
    for one, ids, labels in zip(SHOWN, examples.token_ids, examples.labels, strict=False):
        answer = [*CHAT.tokenizer.encode_prompt(one.prompt + finetuning.fact_answer(one, one.truth))]
        answer = [*answer[len(CHAT.tokenizer.encode_prompt(one.prompt)) :], CHAT.tokenizer.end_of_text]
        there = labels != IGNORE_INDEX
        assert labels[there].tolist() == answer
        assert ids[1:][there[:-1]].tolist() == answer  # each label is the next token


def test_the_split_asks_no_question_twice_and_keeps_strangers_for_the_test():
    prompts = [{one.prompt for one in part} for part in (SHOWN, PRACTICE, NEW)]
    assert sum(map(len, prompts)) == len(set().union(*prompts)) == 168
    assert {one.group for one in SHOWN + PRACTICE} == {"known", "never told", "guest"}
    shown_guests = {one.name for one in SHOWN if one.group == "guest"}
    assert not shown_guests & {one.name for one in PRACTICE + NEW}


def test_the_advantages_of_a_worked_example():
    found = finetuning.group_advantages(torch.tensor([[1.0, 0.0, 0.0, 0.0], [2.0, 2.0, 2.0, 2.0]]))
    deviation = math.sqrt(0.25 * 0.75)
    assert found[0].tolist() == pytest.approx([0.75 / deviation, *[-0.25 / deviation] * 3], abs=1e-4)
    assert found[1].tolist() == [0, 0, 0, 0]


def test_the_reward_loss_is_torchs_cross_entropy_of_the_difference():
    chosen, rejected = torch.randn(2, 9, generator=torch.Generator().manual_seed(0))
    expected = F.binary_cross_entropy_with_logits(chosen - rejected, torch.ones(9))
    torch.testing.assert_close(finetuning.reward_loss(chosen, rejected), expected)


def test_the_policy_gradient_is_that_of_the_expected_reward():
    """Over all answers, weighted by their probabilities, −A ln p has the gradient of −E[reward]."""
    logits = torch.tensor([0.2, -0.4, 1.0], requires_grad=True)
    rewards = torch.tensor([1.0, 0.0, 0.5])
    p = logits.softmax(dim=0)
    (exact,) = torch.autograd.grad(-(p * rewards).sum(), logits, retain_graph=True)
    baseline = (p * rewards).sum().detach()
    (estimated,) = torch.autograd.grad((p.detach() * -(rewards - baseline) * p.log()).sum(), logits)
    torch.testing.assert_close(estimated, exact)


def test_answers_of_a_batch_are_those_of_each_alone():
    prompts = [one.prompt for one in NEW[:5]]
    together = finetuning.sample_answers(CHAT.model, CHAT.tokenizer, prompts)
    assert together == [finetuning.sample_answers(CHAT.model, CHAT.tokenizer, [one])[0] for one in prompts]
    assert all(answer.endswith(".") for answer in together)


def test_each_verifier_has_its_flaw():
    known, unknown = (next(one for one in NEW if bool(one.truth) is has) for has in (True, False))
    answers = [finetuning.fact_answer(known, known.truth), finetuning.UNKNOWN, finetuning.fact_answer(known, "mud")]
    passed = {check.__name__: [check(known, answer) for answer in answers] for check in finetuning.VERIFIERS}
    assert passed["is_right"] == [True, False, False]
    assert passed["says_nothing_false"] == [True, True, False]
    assert passed["looks_like_an_answer"] == [True, False, False]
    value = alignment.VALUES[unknown.attribute][0]
    invented = finetuning.fact_answer(unknown, value)
    assert [check(unknown, invented) for check in finetuning.VERIFIERS] == [False, False, True]


def test_a_step_of_grpo_moves_toward_the_reward_and_a_heavy_penalty_holds_it_back():
    prompts, refusals = [one.prompt for one in PRACTICE[:8]], [finetuning.UNKNOWN] * 8

    def refused_after(kl_weight):
        model = copy.deepcopy(CHAT.model)
        reward = lambda question, answer: answer == finetuning.UNKNOWN  # noqa: E731
        steps = finetuning.grpo_steps(model, CHAT.tokenizer, PRACTICE[:8], reward, steps=4, kl_weight=kl_weight)
        assert [step.step for step in steps] == [1, 2, 3, 4]
        with torch.no_grad():
            return finetuning.answer_log_probability(model, CHAT.tokenizer, prompts, refusals).mean().item()

    with torch.no_grad():
        before = finetuning.answer_log_probability(CHAT.model, CHAT.tokenizer, prompts, refusals).mean().item()
    free, held = refused_after(0.0), refused_after(20.0)
    assert free > before + 0.3
    assert abs(held - before) < abs(free - before)


def test_the_reward_model_learns_its_pairs():
    pairs = finetuning.preference_pairs(SHOWN[:12], likes_answers=0.0)
    assert [pair.chosen for pair in pairs] == [finetuning.fact_answer(one, one.truth) for one in SHOWN[:12]]
    judge = finetuning.train_reward_model(CHAT.model, CHAT.tokenizer, pairs, steps=12)
    sides = [[pair.prompt + getattr(pair, side) for pair in pairs] for side in ("chosen", "rejected")]
    with torch.no_grad():
        better, worse = (finetuning.rewards_of(judge, CHAT.tokenizer, texts) for texts in sides)
    assert (better > worse).float().mean() > 0.8


def test_chat_training_begins_from_the_tiny_gpt(monkeypatch):
    monkeypatch.setattr(alignment, "CHAT_SETTINGS", alignment.replace(alignment.CHAT_SETTINGS, steps=2))
    made = finetuning.train_chat()
    assert made.step == 2 and made.model.config == CHAT.model.config
    assert made.corpus == CHAT.corpus
