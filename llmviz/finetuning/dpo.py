"""Supervised fine-tuning on answers, and direct preference optimization on pairs of them (lesson 8)."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from llmviz.model.transformer import DecoderOnly
from llmviz.tokenizers.base import Tokenizer
from llmviz.training.loop import TrainingStep, optimize_steps, pad_rows

_ANSWERS_A_BATCH, _PAIRS_A_BATCH = 32, 16


@dataclass(frozen=True)
class Preference:
    """A prompt with two continuations, of which the first is preferred."""

    prompt: str
    chosen: str
    rejected: str


def answer_log_probability(
    model: DecoderOnly, tokenizer: Tokenizer, prompts: Sequence[str], answers: Sequence[str]
) -> Tensor:
    """ln p(answer | prompt) of each pair, summed over the answer's tokens, in nats: (pair,). Gradients flow.

    A prompt ends where a word ends; an answer begins with its space, or at the start of a text without one. An answer
    that ends with a period includes the end of the text.
    """
    end = tokenizer.end_of_text
    starts = [tokenizer.encode_prompt(prompt) for prompt in prompts]
    wholes = [
        [*tokenizer.encode_prompt(prompt + answer), *([end] if answer.endswith(".") else [])]
        for prompt, answer in zip(prompts, answers, strict=True)
    ]
    token_ids = pad_rows(wholes, end)
    losses = F.cross_entropy(model(token_ids[:, :-1]).flatten(0, 1), token_ids[:, 1:].flatten(), reduction="none")
    places = torch.arange(1, token_ids.shape[1])
    first, last = (torch.tensor([len(row) for row in rows])[:, None] for rows in (starts, wholes))
    return -(losses.view(len(wholes), -1) * ((places >= first) & (places < last))).sum(dim=1)


def dpo_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float
) -> Tensor:
    """The DPO loss, in nats: how far a model is from preferring the chosen answers, compared with a reference model.

    −ln sigmoid(beta · ((chosen − reference_chosen) − (rejected − reference_rejected))), the mean over pairs
    (Rafailov et al. 2023, "Direct Preference Optimization", equation 7).

    Args:
        chosen, rejected: (pair,), ln p of the two answers under the model that is trained.
        reference_chosen, reference_rejected: (pair,), the same under the model before training.
        beta: the weight of the implicit KL penalty against leaving the reference.

    >>> dpo_loss(*torch.zeros(4, 1), beta=0.1).item()  # nothing changed yet: ln 2
    0.6931471824645996
    """
    margin = (chosen - reference_chosen) - (rejected - reference_rejected)
    return -F.logsigmoid(beta * margin).mean()


def _batches(n_examples: int, batch_size: int, seed: int) -> Iterator[list[int]]:
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randint(n_examples, (min(n_examples, batch_size),), generator=generator).tolist()


def tune_on_answers(
    model: DecoderOnly, tokenizer: Tokenizer, examples: Sequence[tuple[str, str]], *, steps: int, seed: int = 0
) -> DecoderOnly:
    """Supervised fine-tuning: a copy of the model, trained on pairs of prompt and answer, in a few seconds.

    Only the answers are learned; the loss is in nats per answer. AdamW trains all weights, with a learning rate that
    falls linearly to zero.
    """
    model = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
    batches = _batches(len(examples), _ANSWERS_A_BATCH, seed)

    def batch_loss(step: int) -> Tensor:
        prompts, answers = zip(*(examples[number] for number in next(batches)), strict=True)
        return -answer_log_probability(model, tokenizer, prompts, answers).mean()

    for _ in optimize_steps(batch_loss, [optimizer], steps, schedule=lambda step: 1 - step / steps):
        pass
    return model


def preference_steps(model: DecoderOnly, tokenizer: Tokenizer, pairs: Sequence[Preference], *, steps: int,
                     learning_rate: float, beta: float = 0.1, seed: int = 0) -> Iterator[TrainingStep]:  # fmt: skip
    """Direct preference optimization, in place, with a constant learning rate; yields after each step."""
    reference = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.0)
    batches = _batches(len(pairs), _PAIRS_A_BATCH, seed)

    def log_probabilities(of_model: DecoderOnly, batch: Sequence[Preference]) -> list[Tensor]:
        prompts = [pair.prompt for pair in batch]
        sides = ([pair.chosen for pair in batch], [pair.rejected for pair in batch])
        return [answer_log_probability(of_model, tokenizer, prompts, answers) for answers in sides]

    def batch_loss(step: int) -> Tensor:
        batch = [pairs[number] for number in next(batches)]
        with torch.no_grad():
            before = log_probabilities(reference, batch)
        return dpo_loss(*log_probabilities(model, batch), *before, beta=beta)

    yield from optimize_steps(batch_loss, [optimizer], steps)
