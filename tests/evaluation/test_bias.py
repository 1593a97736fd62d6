"""Bias: prompts that want the pronoun next, and what the tiny GPT and the recorded dial have learned."""

import pytest
import torch

from llmviz import artifacts, evaluation
from llmviz.evaluation.bias import PLACES, worker_prompts
from llmviz.tinyville import Tinyville
from llmviz.tinyville.work import P_SHE

TINY = artifacts.load_model("tiny")
DIAL = artifacts.load_recording("limitations")


def test_worker_prompts_want_the_pronoun_next():
    for job, p_she in (("nurse", 1.0), ("doctor", 0.7), ("guard", 0.0)):
        for place in PLACES:
            for prompt in worker_prompts(job, place):
                allowed = Tinyville().next_words(prompt)
                assert allowed.get("She", 0.0) == pytest.approx(p_she), prompt
                assert set(allowed) <= {"She", "He"}


@pytest.mark.parametrize("place", PLACES)
def test_the_tiny_gpt_has_learned_what_the_world_planted(place):
    learned = {job: evaluation.she_probability(TINY.model, TINY.tokenizer, job, place) for job in P_SHE}
    assert sum(abs(learned[job] - planted) for job, planted in P_SHE.items()) / len(P_SHE) < 0.1
    assert evaluation.greedy_share(TINY.model, TINY.tokenizer, "teacher") == 1
    assert evaluation.greedy_share(TINY.model, TINY.tokenizer, "pilot") == 0


def test_the_recording_has_every_setting_and_learned_what_was_planted():
    for curves in DIAL["dial"].values():
        for rows in curves.values():
            assert torch.tensor(rows).shape == (len(DIAL["ratios"]), len(DIAL["seeds"]))
    for curves in DIAL["preferences"]["betas"].values():
        for rows in curves.values():
            assert torch.tensor(rows).shape == (len(DIAL["seeds"]), len(DIAL["preferences"]["steps"]))
    for place in PLACES:
        learned = torch.tensor(DIAL["dial"]["nothing filtered"][place])
        assert (learned.mean(dim=1) - torch.tensor(DIAL["ratios"])).abs().max() < 0.12
