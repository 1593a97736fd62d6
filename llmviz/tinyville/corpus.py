"""Tinyville: a world so small that everything about its texts is known exactly.

One program (the `tell_…` functions) makes choices and says words. Sampling, exact probabilities, the exact
distribution of the next word, validity and entropy all come from telling that same program in another way.
"""

import hashlib
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llmviz.tinyville.analogies import FAMILIES, generate_family
from llmviz.tinyville.facts import FACTS, generate_fact
from llmviz.tinyville.grammar import WORD, Options, Sampler, TextGenerator, first_words, join
from llmviz.tinyville.in_context_facts import generate_visit
from llmviz.tinyville.people import GUESTS, PEOPLE, UNUSED_NAMES
from llmviz.tinyville.repetition import WORD_CLASSES, generate_drill
from llmviz.tinyville.scoring import Check, approve, entropy_and_length, reject, replay, spacing_mistake
from llmviz.tinyville.sentiment import generate_sentiment
from llmviz.tinyville.stories import generate_story
from llmviz.tinyville.word_senses import SENSES, generate_sense
from llmviz.tinyville.work import generate_work

PROGRAMS = {
    "story": generate_story,
    "fact": generate_fact,
    "visit": generate_visit,
    "work": generate_work,
    "copy": generate_drill,
    "sense": generate_sense,
    "family": generate_family,
    "mood": generate_sentiment,
}
"""The program of each kind of text."""

DEFAULT_COUNTS = {
    "story": 6500, "fact": 14000, "visit": 4500, "work": 2000, "copy": 3500, "sense": 1500, "family": 0, "mood": 0,
}  # fmt: skip
"""How many texts of each kind the default corpus holds; it also sets the probability of each kind."""

_MOST_WORDS = 200


@dataclass(frozen=True)
class Text:
    """A text of the world, its kind, its exact log-probability in nats, and what it is about."""

    text: str
    kind: str
    log_probability: float
    labels: dict[str, Any] = field(default_factory=dict)


class Tinyville:
    """The closed world: the same people and the same facts for everybody.

    `counts` changes how many texts of each kind the corpus holds, and with it the probability of each kind.

    >>> world = Tinyville()
    >>> world.check("Mia found a red kite on the moon.").wrong_word
    'on'
    """

    people = PEOPLE
    guests = GUESTS
    unused_names = UNUSED_NAMES
    facts = FACTS
    word_classes = WORD_CLASSES
    senses = SENSES
    families = FAMILIES

    def __init__(self, counts: Mapping[str, int] | None = None):
        self.counts = _checked(DEFAULT_COUNTS if counts is None else counts)
        if not sum(self.counts.values()):
            raise ValueError("counts holds no text at all; give at least one kind a count above 0.")
        self._kinds = Options(tuple(self.counts), tuple(self.counts.values()))
        self._expectations: dict[str, tuple[float, float]] = {}

    def tell(self, teller: TextGenerator) -> None:
        """The whole world as one program: choose a kind of text, then tell one."""
        kind = teller.choose(self._kinds, shapes=True)
        teller.label(kind=kind)
        PROGRAMS[kind](teller)

    def texts(
        self, seed: int = 0, *, counts: Mapping[str, int] | None = None, progress: bool = False
    ) -> list[Text]:
        """The corpus: so many texts of each kind, in an order that depends on the seed alone.

        Text i of a kind is the same whatever the counts are, and so is the order of any two texts.
        `log_probability` is the world's own, as `log_probability(text)` gives it, also when `counts` differ.
        """
        counts = self.counts if counts is None else _checked(counts)
        streams = [f"{seed}/{kind}/{i}" for kind, count in counts.items() for i in range(count)]
        streams.sort(key=lambda stream: hashlib.sha256(stream.encode()).digest())
        if progress:
            from tqdm.auto import tqdm

            streams = tqdm(streams, desc="Tinyville", unit=" texts")
        return [self._text(stream) for stream in streams]

    def _text(self, stream: str) -> Text:
        kind = stream.split("/")[-2]
        sampler = Sampler(stream)
        PROGRAMS[kind](sampler)
        return Text(sampler.text, kind, self._log_kind(kind) + sampler.log_probability, sampler.labels)

    def _log_kind(self, kind: str) -> float:
        index = self._kinds.index.get(kind)
        return -math.inf if index is None else math.log(self._kinds.probabilities[index])

    @staticmethod
    def words(text: str) -> list[str]:
        """The words and punctuation marks of any text, in order.

        >>> Tinyville.words("Mia's kite, at last!")
        ["Mia's", 'kite', ',', 'at', 'last', '!']
        """
        return WORD.findall(text)

    def log_probability(self, text: str) -> float:
        """The exact log-probability of a text in nats, its kind and its end included; −inf if impossible."""
        words = _first_words(text)
        if join(words) != text:
            return -math.inf
        probability = replay(self.tell, words).probability
        return math.log(probability) if probability > 0 else -math.inf

    def next_words(self, prefix: str) -> dict[str, float]:
        """The exact distribution of the next word after a prefix that ends where a word ends.

        Most probable first; "<|endoftext|>" stands for the end of the text; {} if the prefix is impossible.

        >>> Tinyville().next_words("The doctor went home. She was tired. She made some")
        {'tea': 1.0}
        """
        words = _first_words(prefix)
        return self._next_words(words) if join(words) == prefix.rstrip() else {}

    def _next_words(self, words: list[str]) -> dict[str, float]:
        joint = replay(self.tell, words).next_words
        total = math.fsum(joint.values())
        ordered = sorted(joint.items(), key=lambda item: (-item[1], item[0]))
        return {word: p / total for word, p in ordered}

    def check(self, text: str) -> Check:
        """Could the world have produced this text? If not: the first wrong word, and what could stand there.

        >>> Tinyville().check("The doctor went home. She was tired. She made some soup.").message
        'Word 13, "soup", is impossible here: after ". She made some" Tinyville says "tea".'
        """
        words = _first_words(text)
        spacing = spacing_mistake(text, words)
        outcome = replay(self.tell, words)
        n_valid = outcome.furthest
        if spacing is not None and spacing <= n_valid:
            return reject(words, outcome.kind, spacing, expected=[], spacing=True)
        if outcome.probability > 0:
            return approve(outcome.kind, n_valid)
        return reject(words, outcome.kind, n_valid, expected=list(self._next_words(words[:n_valid])))

    def entropy(self, kind: str | None = None) -> float:
        """The exact mean of −log_probability in nats per text: of all texts, or of those of one kind.

        It is the floor: no model can do better on average. For one kind it includes −ln P(kind), so that
        the whole is the mean of the kinds, weighted by their probabilities.
        """
        if kind is None:
            return math.fsum(p * self.entropy(k) for k, p in self._known_kinds())
        return self._expectation(kind)[0] - self._log_kind(kind)

    def mean_words(self, kind: str | None = None) -> float:
        """The exact mean number of words of a text, with one more for its end."""
        if kind is None:
            return math.fsum(p * self.mean_words(k) for k, p in self._known_kinds())
        return self._expectation(kind)[1] + 1

    def entropy_per_word(self, kind: str | None = None) -> float:
        """Entropy in nats per word: mean nats per text over mean words per text."""
        return self.entropy(kind) / self.mean_words(kind)

    def _known_kinds(self):
        return zip(self._kinds.values, self._kinds.probabilities, strict=True)

    def _expectation(self, kind: str) -> tuple[float, float]:
        if kind not in self._kinds.index:
            kinds = ", ".join(self._kinds.values)
            raise ValueError(f"There is no kind of text {kind!r} in this mix; its kinds are {kinds}.")
        if kind not in self._expectations:
            self._expectations[kind] = entropy_and_length(PROGRAMS[kind])
        return self._expectations[kind]

    def copy_prompts(self, n: int, seed: int = 0) -> list[tuple[str, str, str]]:
        """(prompt, answer, word class): n prompts a class whose next word the context determines.

        Half come from fresh drills, half from fresh stories; the answer stood in the prompt before, and
        `next_words(prompt)` is that answer with probability 1. The classes are name, object, color, place.
        """
        kinds = [kind for kind in ("copy", "story") if kind in self._kinds.index]
        if not kinds:
            raise ValueError("Copy prompts come from drills and stories, and this mix has neither.")
        wanted = {(c, kind): n // len(kinds) for c in WORD_CLASSES for kind in kinds}
        for word_class in WORD_CLASSES:
            wanted[word_class, kinds[0]] += n % len(kinds)
        prompts: list[tuple[str, str, str]] = []
        number = 0
        while any(left > 0 for left in wanted.values()):
            kind = kinds[number % len(kinds)]
            for prompt, answer, word_class in self._copies(f"{seed}/copy-prompts/{kind}/{number}"):
                if wanted[word_class, kind] > 0:
                    wanted[word_class, kind] -= 1
                    prompts.append((prompt, answer, word_class))
            number += 1
        return prompts

    def _copies(self, stream: str) -> list[tuple[str, str, str]]:
        """One copied word of each class from a fresh text, where there is one."""
        words = self.words(self._text(stream).text)
        positions = list(range(1, len(words)))
        random.Random(stream).shuffle(positions)
        found = []
        for word_class, members in WORD_CLASSES.items():
            for i in positions:
                if words[i] in members and words[i] in words[:i]:
                    prompt = join(words[:i])
                    if self.next_words(prompt) == {words[i]: 1.0}:
                        found.append((prompt, words[i], word_class))
                        break
        return found


def _first_words(text: str) -> list[str]:
    if not isinstance(text, str):
        raise ValueError(f"Tinyville reads texts (strings), but was given {type(text).__name__}.")
    return first_words(text, _MOST_WORDS)


def _checked(counts: Mapping[str, int]) -> dict[str, int]:
    for kind, count in counts.items():
        if kind not in PROGRAMS:
            raise ValueError(f"There is no kind of text {kind!r}; the kinds are {', '.join(PROGRAMS)}.")
        if not isinstance(count, int) or count < 0:
            raise ValueError(f"The count of {kind!r} is {count!r}; it must be a whole number, 0 or more.")
    return dict(counts)
