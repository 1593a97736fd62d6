"""Learning to say that one does not know: examples of refusals beside examples of answers (lesson 8)."""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from llmviz.evaluation.facts import Answers, Question, all_questions
from llmviz.finetuning.dpo import answer_steps
from llmviz.model.transformer import DecoderOnly
from llmviz.tokenizers.base import Tokenizer

REFUSAL = " ... nobody knows."
N_STEPS = 80
KNOWN_SHARE = 0.8


@dataclass(frozen=True)
class RefusalExamples:
    """What is shown, and what is kept back for the test.

    Attributes:
        shown: (prompt, answer or `REFUSAL`) pairs; refusals come twice.
        kept: the questions that nobody was shown.
    """

    shown: list[tuple[str, str]]
    kept: list[Question]


def refusal_examples(*, with_guests: bool, seed: int = 0) -> RefusalExamples:
    """Four fifths of the known facts, and refusals for half of the town's people with a gap.

    Args:
        with_guests: three of the six guests are refused, too.
        seed: who is shown and who is kept back.
    """
    draw, questions = random.Random(seed), all_questions()
    known = [one for one in questions if one.truth]
    draw.shuffle(known)
    shown = known[: int(KNOWN_SHARE * len(known))]
    refused = set(_half(questions, "never told", draw)) | set(_half(questions, "guest", draw) if with_guests else ())
    gaps = [one for one in questions if one.truth is None and one.name in refused]
    pairs = [(one.prompt, f" {one.truth}.") for one in shown] + 2 * [(one.prompt, REFUSAL) for one in gaps]
    used = {one.prompt for one in shown + gaps}
    return RefusalExamples(pairs, [one for one in questions if one.prompt not in used])


def _half(questions: Sequence[Question], group: str, draw: random.Random) -> list[str]:
    names = sorted({one.name for one in questions if one.group == group})
    draw.shuffle(names)
    return names[: len(names) // 2]


def teach_to_refuse(
    model: DecoderOnly, tokenizer: Tokenizer, examples: RefusalExamples, *, steps: int = N_STEPS, seed: int = 0
) -> DecoderOnly:
    """A copy of the model, tuned on the examples: a few seconds."""
    model = copy.deepcopy(model)
    for _ in answer_steps(model, tokenizer, examples.shown, steps=steps, learning_rate=1e-3, seed=seed):
        pass
    return model


def refused(answers: Answers, tokenizer: Tokenizer) -> Tensor:
    """Which answers begin as the refusal begins: (question,), bool."""
    before = tokenizer.encode("Mia")
    begins = tokenizer.tokens(tokenizer.encode(f"Mia{REFUSAL}"))[len(before)].strip()
    return torch.tensor([said == begins for said in answers.said])
