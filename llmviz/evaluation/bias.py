"""The bias dial: what a corpus says about a job, what a model learns of it, and what a repair reaches (lesson 8)."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor

from llmviz import training
from llmviz.evaluation.facts import last_logits
from llmviz.finetuning.dpo import Preference, answer_steps
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly
from llmviz.tinyville.work import P_SHE, worker_texts
from llmviz.tokenizers.base import Tokenizer
from llmviz.training.loop import TrainingSettings

PLACES = ("anonymous", "guest")
"""Where the world says a worker's pronoun: "The doctor went home. She …", "Kim is the new doctor in town. … She …"."""

DIAL_JOB, CONTROL_JOB = "doctor", "cook"
N_TEXTS, N_STEPS = 1600, 80
SMALL = {"context_length": 64, "d_model": 64, "n_layers": 2, "n_heads": 4, "d_ff": 256}
REPAIR_STEPS, REPAIR_TEXTS = 30, 600
_BEFORE = {
    "anonymous": ("went home", "closed the door", "sat down", "looked at the clock"),
    "guest": ("The first day was long", "Today there was a lot to do"),
}


def worker_prompts(job: str, place: str) -> list[str]:
    """Beginnings of texts about a worker, up to where the pronoun comes.

    >>> worker_prompts("doctor", "anonymous")[0]
    'The doctor went home.'
    """
    if place == "guest":
        names = ("Kim", "Sam")
        return [f"{name} is the new {job} in town. {before}." for name in names for before in _BEFORE[place]]
    return [f"The {job} {before}." for before in _BEFORE[place]]


def she_shares(model: DecoderOnly, tokenizer: Tokenizer, job: str, place: str = "anonymous") -> Tensor:
    """P(she) / (P(she) + P(he)) where the pronoun comes, after each of some beginnings: (prompt,). Lesson 8."""
    she, he = (tokenizer.encode(f"job. {word}")[-1] for word in ("She", "He"))
    return last_logits(model, tokenizer, worker_prompts(job, place))[:, [she, he]].softmax(dim=-1)[:, 0]


def she_probability(model: DecoderOnly, tokenizer: Tokenizer, job: str, place: str = "anonymous") -> float:
    """The mean of `she_shares`: what the model has learned of a job."""
    return she_shares(model, tokenizer, job, place).mean().item()


def greedy_share(model: DecoderOnly, tokenizer: Tokenizer, job: str, place: str = "anonymous") -> float:
    """The share of texts with "she" when the best token is always taken."""
    return (she_shares(model, tokenizer, job, place) > 0.5).float().mean().item()


def train_on_ratio(
    tokenizer: Tokenizer, ratio: float, *, guest_ratio: float | None = None, steps: int = N_STEPS, seed: int = 0
) -> DecoderOnly:
    """Plant P(she | doctor) in a corpus, train a small GPT on it from nothing, and hand it over: a few seconds.

    Args:
        ratio: what is planted, from 0 to 1. The cook of the same corpus is she in half of the texts.
        guest_ratio: what is planted where the doctor is a guest; None: the same.
        seed: of the texts, of the first weights and of the order of reading.
    """
    places = {"anonymous": ratio, "guest": ratio if guest_ratio is None else guest_ratio}
    texts = []
    for number, (place, planted) in enumerate(places.items()):
        p_she = {DIAL_JOB: planted, CONTROL_JOB: 0.5}
        texts += worker_texts(N_TEXTS // 2, p_she=p_she, places=(place,), seed=2 * seed + number)
    end = tokenizer.end_of_text
    token_ids = torch.tensor([token for text in texts for token in (end, *tokenizer.encode(text))] + [end])
    model = DecoderOnly(ModelConfig(vocab_size=tokenizer.vocab_size, **SMALL), seed=seed)
    settings = TrainingSettings(steps=steps, batch_size=16, seed=seed)
    with torch.enable_grad():
        training.train(model, token_ids, settings, starts=training.document_starts(token_ids, end))
    return model


def balance(
    model: DecoderOnly, tokenizer: Tokenizer, *, places: tuple[str, ...] = PLACES, seed: int = 0
) -> DecoderOnly:
    """A copy of the model, tuned on texts in which every job is she and he equally often.

    Args:
        places: where those texts say the pronoun; one place alone is the shallow repair.
    """
    model = copy.deepcopy(model)
    texts = worker_texts(REPAIR_TEXTS, p_she=dict.fromkeys(P_SHE, 0.5), places=places, seed=1000 + seed)
    examples = [("", text) for text in texts]
    for _ in answer_steps(model, tokenizer, examples, steps=REPAIR_STEPS, batch_size=16, seed=seed):
        pass
    return model


def planted_error(
    model: DecoderOnly, tokenizer: Tokenizer, place: str, planted: Mapping[str, float] | None = None
) -> float:
    """The mean distance between what is learned and what was planted, over all jobs; planted is by default `P_SHE`."""
    planted = P_SHE if planted is None else planted
    distances = [abs(she_probability(model, tokenizer, job, place) - ratio) for job, ratio in planted.items()]
    return sum(distances) / len(distances)


def he_preferences(job: str = "teacher") -> list[Preference]:
    """Pairs that prefer "He" to "She" after the nameless worker of a job."""
    return [Preference(prompt, " He", " She") for prompt in worker_prompts(job, "anonymous")]
