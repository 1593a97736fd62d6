"""Asking a model about everybody: questions with an answer, without one, and what the model says (lesson 8)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from llmviz.model.transformer import DecoderOnly
from llmviz.tinyville.corpus import Tinyville
from llmviz.tinyville.facts import ATTRIBUTES, HELD_OUT_UPDATES, NAME_FIRST, UPDATES, VALUES, Fact, fact_sentence
from llmviz.tokenizers.base import Tokenizer

GROUPS = ("known", "never told", "guest", "stranger")
"""Who is asked about: told in many texts; a gap about somebody of the town; a guest, whose answer differs from visit
to visit; a name that no text has."""


@dataclass(frozen=True)
class Question:
    """One attribute of one person, as the beginning of a sentence.

    Attributes:
        name, attribute: who and what.
        group: one of `GROUPS`.
        prompt: the text that the model reads; its next word is the answer.
        truth: the right answer, or None where there is none.
    """

    name: str
    attribute: str
    group: str
    prompt: str
    truth: str | None


@dataclass(frozen=True)
class Answers:
    """What a model says to some questions when it takes its best token.

    Attributes:
        questions: those that were asked.
        said: the answers, one word each.
        confidence: (question,), the probability of the answer's first token.
        probabilities: (question, vocab), of the next token.
    """

    questions: tuple[Question, ...]
    said: tuple[str, ...]
    confidence: Tensor
    probabilities: Tensor

    @property
    def truths(self) -> list[str | None]:
        """The right answers, None where there is none."""
        return [question.truth for question in self.questions]

    @property
    def right(self) -> Tensor:
        """(question,), bool: does the answer hold? False where no answer could."""
        return torch.tensor([said == truth for said, truth in zip(self.said, self.truths, strict=True)])

    def of(self, *groups: str) -> Tensor:
        """(question,), bool: whose question is of these groups."""
        return torch.tensor([question.group in groups for question in self.questions])


def all_questions(wording: int = 0) -> list[Question]:
    """All questions about the people of the town, the six guests and four names that no text has.

    Args:
        wording: 0 or 1: "Mia lives in the" or "Mia's home is the".
    """
    world = Tinyville()
    facts = [(fact, "known" if fact.known else "never told") for fact in world.facts]
    strange = [(person.name, "guest") for person in world.guests] + [(name, "stranger") for name in world.unused_names]
    facts += [(Fact(name, attribute, None, (), ()), group) for name, group in strange for attribute in ATTRIBUTES]
    return [
        Question(fact.person, fact.attribute, group, question_text(fact.person, fact.attribute, wording), fact.value)
        for fact, group in facts
    ]


def question_text(name: str, attribute: str, wording: int = 0) -> str:
    """The beginning of a sentence that wants the answer next.

    >>> question_text("Mia", "pet")
    'Mia has a'
    """
    return NAME_FIRST[attribute][wording].split(" {value}")[0].format(name=name)


def with_fact(question: Question, value: str) -> Question:
    """The same question after a text that tells the answer: a fact in the context."""
    told = fact_sentence(NAME_FIRST[question.attribute][0], question.name, value)
    prompt = f"{question.name} is visiting Tinyville this week. {told} The weather is lovely. Remember, "
    return replace(question, prompt=prompt + question.prompt, truth=value)


def with_facts(questions: Sequence[Question], *, seed: int = 0) -> list[Question]:
    """Put the answer before each question; where there is none, one is drawn, and is from then on the truth."""
    draw = random.Random(seed)
    return [with_fact(one, one.truth or draw.choice(VALUES[one.attribute])) for one in questions]


FRAMES = {
    "news": "There is news about {name}. {update} It was a big change. Now ",
    "news in new words": "There is news about {name}. {new_words} It was a big change. Now ",
    "news of one word": "There is news about {name}. Look, {value}! It was a big change. Now ",
    "no news": "{update} Now ",
    "the plain fact": "{fact} ",
}
"""Ways to tell a model that something changed: the first is in the texts, each further one is farther from them."""


def with_change(question: Question, value: str, frame: str = "news") -> Question:
    """The same question about somebody of the town, after a text that contradicts what the model has learned.

    Args:
        value: the new one; it is the truth from now on.
        frame: how it is told, one of `FRAMES`.

    >>> mia = all_questions()[3]
    >>> with_change(mia, "soup", "the plain fact").prompt
    'Mia likes soup best. Mia likes'
    """
    name, attribute = question.name, question.attribute
    told = FRAMES[frame].format(
        name=name,
        value=value,
        update=fact_sentence(UPDATES[attribute][0], name, value),
        new_words=fact_sentence(HELD_OUT_UPDATES[attribute], name, value),
        fact=fact_sentence(NAME_FIRST[attribute][0], name, value),
    )
    return replace(question, prompt=told + question.prompt, truth=value)


def changed(questions: Sequence[Question], frame: str = "news", *, seed: int = 0) -> list[Question]:
    """The questions with an answer, each after a text that tells another one."""
    draw = random.Random(seed)
    return [
        with_change(one, draw.choice([value for value in VALUES[one.attribute] if value != one.truth]), frame)
        for one in questions
        if one.truth
    ]


@torch.inference_mode()
def last_logits(model: DecoderOnly, tokenizer: Tokenizer, prompts: Sequence[str], *, batch_size: int = 64) -> Tensor:
    """The scores of the token after each prompt: (prompt, vocab). A prompt longer than the context loses its start."""
    limit, end = model.config.context_length, tokenizer.end_of_text
    rows = [([end, *tokenizer.encode(prompt)])[-limit:] for prompt in prompts]
    found = []
    for first in range(0, len(rows), batch_size):
        some = rows[first : first + batch_size]
        longest = max(map(len, some))
        logits = model(torch.tensor([row + [end] * (longest - len(row)) for row in some]))
        found.append(logits[torch.arange(len(some)), torch.tensor([len(row) - 1 for row in some])])
    return torch.cat(found)


def ask(
    model: DecoderOnly, tokenizer: Tokenizer, questions: Sequence[Question], *, temperature: float = 0, seed: int = 0
) -> Answers:
    """Ask all questions; each answer is one token, which is a whole word of Tinyville.

    Args:
        temperature: 0 takes the best token; above, the answer is drawn.
        seed: decides what is drawn.
    """
    logits = last_logits(model, tokenizer, [question.prompt for question in questions])
    probabilities = logits.softmax(dim=-1)
    chosen = probabilities.argmax(dim=-1)
    if temperature > 0:
        generator = torch.Generator().manual_seed(seed)
        chosen = torch.multinomial((logits / temperature).softmax(dim=-1), 1, generator=generator)[:, 0]
    said = tuple(token.strip() for token in tokenizer.tokens(chosen.tolist()))
    confidence = probabilities.gather(1, chosen[:, None])[:, 0]
    return Answers(tuple(questions), said, confidence, probabilities)
