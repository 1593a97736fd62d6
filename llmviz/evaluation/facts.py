"""Questions about every person of Tinyville, with and without an answer, and what a model answers (lesson 8)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from llmviz.generation.sampling import _check_model
from llmviz.model.transformer import DecoderOnly
from llmviz.tinyville import facts
from llmviz.tinyville.corpus import Tinyville
from llmviz.tinyville.grammar import WORDS
from llmviz.tokenizers.base import Tokenizer
from llmviz.training.loop import pad_rows

_BATCH_SIZE = 64


@dataclass(frozen=True)
class _FactQuestion:
    """One attribute of one person: a prompt whose next word is the answer; truth: None where there is none.

    group: "known": stated in many texts; "never told": not stated about somebody of the town; "guest": stated
    differently from visit to visit; "stranger": a name that no text has.
    """

    name: str
    attribute: str
    group: str
    prompt: str
    truth: str | None


@dataclass(frozen=True)
class _Answers:
    """A model's answers, one word each; confidence: (question,), the probability of the answer's first token."""

    questions: tuple[_FactQuestion, ...]
    words: tuple[str, ...]
    confidence: Tensor

    @property
    def truths(self) -> list[str | None]:
        """The right answers, None where there is none."""
        return [question.truth for question in self.questions]

    @property
    def right(self) -> Tensor:
        """(question,), bool: whether the answer is right; False where there is no answer."""
        return torch.tensor([word == truth for word, truth in zip(self.words, self.truths, strict=True)])

    def of(self, *groups: str) -> Tensor:
        """(question,), bool: whether the question belongs to one of these groups."""
        return torch.tensor([question.group in groups for question in self.questions])


def fact_questions(wording: int = 0) -> list[_FactQuestion]:
    """All questions about the people of the town, the six guests and four names that no text has.

    wording: 0 or 1: "Mia lives in the" or "Mia's home is the".
    """
    world = Tinyville()
    asked = [(fact, "known" if fact.known else "never told") for fact in world.facts]
    strange = [(person.name, "guest") for person in world.guests] + [(name, "stranger") for name in world.unused_names]
    asked += [(facts.make_fact(name, attribute), group) for name, group in strange for attribute in facts.ATTRIBUTES]
    return [_FactQuestion(one.person, one.attribute, group, one.prompts[wording], one.value) for one, group in asked]


def _plain_sentence(name: str, attribute: str, value: str) -> str:
    return facts.fact_sentence(facts.NAME_FIRST[attribute][0], name, value)


def with_facts(questions: Sequence[_FactQuestion], *, seed: int = 0) -> list[_FactQuestion]:
    """Retrieval: each question after a text that states its answer.

    Where a question has none, an answer is drawn, and is its truth from then on.
    """
    draw, told = random.Random(seed), []
    for one in questions:
        value = one.truth or draw.choice(facts.VALUES[one.attribute])
        fact = _plain_sentence(one.name, one.attribute, value)
        before = f"{one.name} is visiting Tinyville this week. {fact} The weather is lovely. Remember, "
        told.append(replace(one, prompt=before + one.prompt, truth=value))
    return told


FRAMES = WORDS["facts"]["frames"]
"""Wordings of a change: the first occurs in the corpus, each further one is less like it."""


def with_conflicting_facts(
    questions: Sequence[_FactQuestion], frame: str = "news", *, seed: int = 0
) -> list[_FactQuestion]:
    """The questions with an answer, each after a text that contradicts it; the new value is the truth from then on.

    >>> mia = fact_questions()[3]
    >>> with_conflicting_facts([mia], "the plain fact")[0].prompt
    'Mia likes jam best. Mia likes'
    """
    draw, told = random.Random(seed), []
    for one in questions:
        if one.truth:
            about = one.attribute
            value = draw.choice([value for value in facts.VALUES[about] if value != one.truth])
            wordings = {"update": facts.UPDATES[about][0], "new_words": facts.HELD_OUT_UPDATES[about]}
            said = {key: facts.fact_sentence(wording, one.name, value) for key, wording in wordings.items()}
            fact = _plain_sentence(one.name, about, value)
            before = FRAMES[frame].format(name=one.name, value=value, fact=fact, **said)
            told.append(replace(one, prompt=before + one.prompt, truth=value))
    return told


def facts_at_distance(n_sentences: int, *, seed: int = 0) -> list[_FactQuestion]:
    """Questions about facts that were stated `n_sentences` sentences earlier, about each guest.

    The corpus always has exactly one sentence between.
    """
    draw = random.Random(f"{seed}/{n_sentences}")
    asked = []
    for guest in Tinyville.guests:
        for theme in facts.THEMES.values():
            values = {attribute: draw.choice(facts.VALUES[attribute]) for attribute in theme}
            told = " ".join(_plain_sentence(guest.name, *one) for one in values.items())
            pauses = "".join(f"{draw.choice(facts.PAUSES)} " for _ in range(n_sentences))
            prompt = f"{guest.name} is visiting Tinyville this week. {told} {pauses}Remember, "
            for key, value in values.items():
                prompts = facts.make_fact(guest.name, key).prompts
                asked.append(_FactQuestion(guest.name, key, "guest", prompt + prompts[0], value))
    return asked


@torch.inference_mode()
def last_logits(model: DecoderOnly, tokenizer: Tokenizer, prompts: Sequence[str]) -> Tensor:
    """Logits of the token after each prompt: (prompt, vocab). A prompt longer than the context loses its start."""
    rows = [tokenizer.encode_prompt(prompt)[-model.config.context_length :] for prompt in prompts]
    found = []
    for first in range(0, len(rows), _BATCH_SIZE):
        batch = rows[first : first + _BATCH_SIZE]
        logits = model(pad_rows(batch, tokenizer.end_of_text))
        found.append(logits[torch.arange(len(batch)), torch.tensor([len(row) - 1 for row in batch])])
    return torch.cat(found)


def ask(
    model: DecoderOnly, tokenizer: Tokenizer, questions: Sequence[_FactQuestion], *, temperature=0.0, seed: int = 0
) -> _Answers:
    """Ask all questions; each answer is one token, a whole word of Tinyville: the best one at temperature 0."""
    _check_model(model)
    logits = last_logits(model, tokenizer, [question.prompt for question in questions])
    probabilities = logits.softmax(dim=-1)
    chosen = probabilities.argmax(dim=-1)
    if temperature > 0:
        generator = torch.Generator().manual_seed(seed)
        chosen = torch.multinomial((logits / temperature).softmax(dim=-1), 1, generator=generator)[:, 0]
    words = tuple(token.strip() for token in tokenizer.tokens(chosen.tolist()))
    confidence = probabilities.gather(1, chosen[:, None])[:, 0]
    return _Answers(tuple(questions), words, confidence)
