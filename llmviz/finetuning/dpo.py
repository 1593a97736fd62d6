"""Short tunings that change what a model says: examples of good answers, and preferences between two (lesson 8)."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from llmviz.model.transformer import DecoderOnly
from llmviz.tokenizers.base import Tokenizer


@dataclass(frozen=True)
class Preference:
    """The same beginning with two continuations, of which the first is preferred."""

    prompt: str
    chosen: str
    rejected: str


def answer_log_probability(
    model: DecoderOnly, tokenizer: Tokenizer, prompts: Sequence[str], answers: Sequence[str]
) -> Tensor:
    """ln p(answer | prompt) of each pair, summed over the answer's tokens, in nats: (pair,). Gradients flow.

    A prompt ends where a word ends, an answer begins with its space or, at the start of a text, without one.
    """
    end = tokenizer.end_of_text
    starts = [[end, *tokenizer.encode(prompt)] for prompt in prompts]
    wholes = [
        [end, *tokenizer.encode(prompt + answer), *([end] if answer.endswith(".") else [])]
        for prompt, answer in zip(prompts, answers, strict=True)
    ]
    longest = max(map(len, wholes))
    token_ids = torch.tensor([whole + [end] * (longest - len(whole)) for whole in wholes])
    logits = model(token_ids[:, :-1])
    losses = F.cross_entropy(logits.flatten(0, 1), token_ids[:, 1:].flatten(), reduction="none")
    places = torch.arange(1, longest)
    first, last = (torch.tensor([len(row) for row in rows])[:, None] for rows in (starts, wholes))
    return -(losses.view(len(wholes), -1) * ((places >= first) & (places < last))).sum(dim=1)


def preference_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float = 0.1
) -> Tensor:
    """How far a model is from preferring the chosen answers, against the model that it was: one number, in nats.

    −ln sigmoid(beta · ((chosen − reference_chosen) − (rejected − reference_rejected))), the mean over pairs
    (Rafailov et al. 2023, "Direct Preference Optimization", equation 7). Lesson 8.

    Args:
        chosen, rejected: (pair,), ln p of the two answers under the model that is tuned.
        reference_chosen, reference_rejected: (pair,), the same under the model before tuning.
        beta: how strongly leaving the reference is held back.

    >>> preference_loss(*torch.zeros(4, 1)).item()  # nothing changed yet: ln 2
    0.6931471824645996
    """
    gained = (chosen - reference_chosen) - (rejected - reference_rejected)
    return -F.logsigmoid(beta * gained).mean()


def _batches(n: int, batch_size: int, steps: int, seed: int) -> Iterator[list[int]]:
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        yield torch.randint(n, (min(n, batch_size),), generator=generator).tolist()


def answer_steps(
    model: DecoderOnly,
    tokenizer: Tokenizer,
    examples: Sequence[tuple[str, str]],
    *,
    steps: int,
    batch_size: int = 32,
    learning_rate: float = 1e-3,
    seed: int = 0,
) -> Iterator[float]:
    """Tune a model, in place, on pairs of prompt and answer; yields the loss (nats per answer) after each step.

    Only the answers are learned. All weights may change, by AdamW; the learning rate falls to zero.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.0)
    for step, batch in enumerate(_batches(len(examples), batch_size, steps, seed)):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * (1 - step / steps)
        prompts, answers = zip(*(examples[number] for number in batch), strict=True)
        with torch.enable_grad():
            loss = -answer_log_probability(model, tokenizer, prompts, answers).mean()
            loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        yield loss.item()


def preference_steps(
    model: DecoderOnly,
    tokenizer: Tokenizer,
    pairs: Sequence[Preference],
    *,
    steps: int,
    batch_size: int = 16,
    learning_rate: float = 1e-4,
    beta: float = 0.1,
    seed: int = 0,
) -> Iterator[float]:
    """Tune a model, in place, by direct preference optimization; yields the loss (nats) after each step.

    The learning rate stays as it is: when to stop is for whoever looks on.
    """
    reference = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.0)
    for batch in _batches(len(pairs), batch_size, steps, seed):
        some = [pairs[number] for number in batch]
        sides = [[(pair.prompt, pair.chosen) for pair in some], [(pair.prompt, pair.rejected) for pair in some]]
        with torch.no_grad():
            before = [answer_log_probability(reference, tokenizer, *zip(*side, strict=True)) for side in sides]
        with torch.enable_grad():
            now = [answer_log_probability(model, tokenizer, *zip(*side, strict=True)) for side in sides]
            loss = preference_loss(*now, *before, beta=beta)
            loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        yield loss.item()
