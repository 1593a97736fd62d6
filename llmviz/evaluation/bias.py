"""Bias: a planted share of "she" in the corpus, and what a model trained on it learns (lesson 8)."""

from __future__ import annotations

import torch
from torch import Tensor

from llmviz.evaluation.facts import last_logits
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly
from llmviz.tinyville.work import worker_texts
from llmviz.tokenizers.base import Tokenizer
from llmviz.training.loop import TrainingSettings, document_starts, train

PLACES = ("anonymous", "guest")
"""Where Tinyville has a worker's pronoun: "The doctor went home. She …", "Kim is the new doctor in town. … She …"."""

N_TEXTS, N_STEPS = 1600, 80
_BEFORE = {
    "anonymous": ("went home", "closed the door", "sat down", "looked at the clock"),
    "guest": ("The first day was long", "Today there was a lot to do"),
}


def worker_prompts(job: str, place: str = "anonymous") -> list[str]:
    """Beginnings of texts about a worker, up to the pronoun.

    >>> worker_prompts("doctor")[0]
    'The doctor went home.'
    """
    if place == "guest":
        names = ("Kim", "Sam")
        return [f"{name} is the new {job} in town. {before}." for name in names for before in _BEFORE[place]]
    return [f"The {job} {before}." for before in _BEFORE[place]]


def _she_shares(model: DecoderOnly, tokenizer: Tokenizer, job: str, place: str) -> Tensor:
    """P(she) / (P(she) + P(he)) after each prompt: (prompt,)."""
    she, he = (tokenizer.encode(f"job. {word}")[-1] for word in ("She", "He"))
    return last_logits(model, tokenizer, worker_prompts(job, place))[:, [she, he]].softmax(dim=-1)[:, 0]


def she_probability(model: DecoderOnly, tokenizer: Tokenizer, job: str, place: str = "anonymous") -> float:
    """P(she) / (P(she) + P(he)) for a job, the mean over some prompts."""
    return _she_shares(model, tokenizer, job, place).mean().item()


def greedy_share(model: DecoderOnly, tokenizer: Tokenizer, job: str, place: str = "anonymous") -> float:
    """The share of texts with "she" under greedy decoding."""
    return (_she_shares(model, tokenizer, job, place) > 0.5).float().mean().item()


def train_on_ratio(
    tokenizer: Tokenizer, ratio: float, *, guest_ratio: float | None = None, seed: int = 0
) -> DecoderOnly:
    """Train a small GPT from scratch on texts with a planted P(she | doctor), and P(she | cook) = 0.5: a few seconds.

    guest_ratio: the planted share where the doctor is a guest; None: the same.
    """
    texts = []
    for number, planted in enumerate((ratio, ratio if guest_ratio is None else guest_ratio)):
        p_she = {"doctor": planted, "cook": 0.5}
        texts += worker_texts(N_TEXTS // 2, p_she=p_she, places=(PLACES[number],), seed=2 * seed + number)
    end = tokenizer.end_of_text
    token_ids = torch.tensor([token for text in texts for token in (end, *tokenizer.encode(text))] + [end])
    config = ModelConfig(tokenizer.vocab_size, context_length=64, d_model=64, n_layers=2, n_heads=4, d_ff=256)
    model = DecoderOnly(config, seed=seed)
    settings = TrainingSettings(steps=N_STEPS, batch_size=16, seed=seed)
    train(model, token_ids, settings, starts=document_starts(token_ids, end))
    return model
