"""Tinyville, a synthetic corpus whose texts have exactly known probabilities.

Functions make choices and say words, one for each kind of text. Sampling, exact probabilities, the exact distribution
of the next word, validity and entropy all run these functions, with different text generators.
"""

import hashlib
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from tqdm.auto import tqdm

from llmviz.tinyville import _scoring, facts, sentiment, stories, word_meanings, work
from llmviz.tinyville._scoring import Check, score
from llmviz.tinyville.grammar import Options, Sampler, TextGenerator, join
from llmviz.tokenizers.words import WORD, words

DEFAULT_COUNTS = {
    "story": 6500, "fact": 14000, "visit": 4500, "work": 2000, "copy": 3500, "sense": 1500, "family": 0, "mood": 0,
}  # fmt: skip
"""How many texts of each kind the default corpus holds; it also sets the probability of each kind."""

GENERATORS = stories.GENERATORS | facts.GENERATORS | work.GENERATORS | word_meanings.GENERATORS | sentiment.GENERATORS
"""The function that makes a text, for each kind of text."""

_MOST_WORDS = 200  # of a text; longer ones are impossible


@dataclass(frozen=True)
class Text:
    """A text, its kind, its exact log-probability in nats, and what it is about."""

    text: str
    kind: str
    log_probability: float
    labels: dict[str, Any] = field(default_factory=dict)


class Tinyville:
    """The synthetic corpus, with its people and facts.

    `counts` changes how many texts of each kind the corpus holds, and with it the probability of each kind.

    >>> world = Tinyville()
    >>> world.check("Mia found a red kite on the moon.").wrong_word
    'on'
    """

    people = facts.PEOPLE
    guests = facts.GUESTS
    unused_names = facts.UNUSED_NAMES
    facts = facts.FACTS
    word_classes = stories.WORD_CLASSES
    senses = word_meanings.SENSES
    families = word_meanings.FAMILIES

    def __init__(self, counts: Mapping[str, int] | None = None):
        self.counts = _checked(DEFAULT_COUNTS if counts is None else counts)
        if not sum(self.counts.values()):
            raise ValueError("counts holds no text at all; give at least one kind a count above 0.")
        self._kinds = Options(tuple(self.counts), tuple(self.counts.values()))

    def generate(self, generator: TextGenerator) -> None:
        """Choose a kind of text, then make one."""
        kind = generator.choose(self._kinds, branching=True)
        generator.label(kind=kind)
        GENERATORS[kind](generator)

    def texts(self, seed: int = 0, *, counts: Mapping[str, int] | None = None, progress: bool = False) -> list[Text]:
        """The corpus: so many texts of each kind, in an order that depends on the seed alone.

        Text i of a kind is the same whatever the counts are, and so is the order of any two texts. `log_probability` is
        that of this mix, as `log_probability(text)` gives it, also when `counts` differ.
        """
        counts = self.counts if counts is None else _checked(counts)
        streams = [f"{seed}/{kind}/{i}" for kind, count in counts.items() for i in range(count)]
        streams.sort(key=lambda stream: hashlib.sha256(stream.encode()).digest())
        return [self._text(stream) for stream in tqdm(streams, "Tinyville", unit=" texts", disable=not progress)]

    def _text(self, stream: str) -> Text:
        kind = stream.split("/")[-2]
        sampler = Sampler(stream)
        GENERATORS[kind](sampler)
        return Text(sampler.text, kind, self._log_kind(kind) + sampler.log_probability, sampler.labels)

    def _log_kind(self, kind: str) -> float:
        index = self._kinds.index.get(kind)
        return -math.inf if index is None else math.log(self._kinds.probabilities[index])

    @staticmethod
    def words(text: str) -> list[str]:
        """The words and punctuation marks of any text; see `tokenizers.words.words`."""
        return words(text)

    def log_probability(self, text: str) -> float:
        """The exact log-probability of a text in nats, its kind and its end included; −inf if impossible."""
        words = _first_words(text)
        probability = score(self.generate, words).probability if join(words) == text else 0
        return math.log(probability) if probability > 0 else -math.inf

    def next_words(self, prefix: str) -> dict[str, float]:
        """The exact distribution of the next word after a prefix that ends where a word ends.

        Most probable first; "<|endoftext|>" is the end of the text; {} if the prefix is impossible.

        >>> Tinyville().next_words("The doctor went home. She was tired. She made some")
        {'tea': 1.0}
        """
        words = _first_words(prefix)
        if join(words) != prefix.rstrip():
            return {}
        return score(self.generate, words).next_word_probabilities()

    def check(self, text: str) -> Check:
        """Whether this text is possible; if not, the first wrong word, and what could come there.

        >>> Tinyville().check("The doctor went home. She was tired. She made some soup.").message
        'Word 13, "soup", is impossible here: after ". She made some" Tinyville says "tea".'
        """
        return _scoring.check(self.generate, text, _first_words(text))

    def entropy(self, kind: str | None = None) -> float:
        """The exact entropy in nats per text, the mean of −log_probability: of all texts, or of one kind.

        No model can have a lower mean loss. For one kind it includes −ln P(kind), so that the whole is the mean of the
        kinds, weighted by their probabilities.
        """
        if kind is None:
            kinds = zip(self._kinds.values, self._kinds.probabilities, strict=True)
            return math.fsum(p * self.entropy(k) for k, p in kinds)
        if kind not in self._kinds.index:
            kinds = ", ".join(self._kinds.values)
            raise ValueError(f"There is no kind of text {kind!r} in this mix; its kinds are {kinds}.")
        return _scoring.entropy(GENERATORS[kind]) - self._log_kind(kind)

    def copy_prompts(self, n: int, seed: int = 0) -> list[tuple[str, str, str]]:
        """(prompt, answer, word class): n prompts for each class, whose next word the context determines.

        Half come from new drills, half from new stories; the answer occurs in the prompt, and `next_words(prompt)` is
        that answer with probability 1. The classes are name, object, color, place.
        """
        kinds = [kind for kind in ("copy", "story") if kind in self._kinds.index]
        if not kinds:
            raise ValueError("Copy prompts come from drills and stories, and this mix has neither.")
        wanted = {(c, kind): n // len(kinds) for c in self.word_classes for kind in kinds}
        for word_class in self.word_classes:
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
        """One copied word of each class from a new text, where there is one."""
        words = self.words(self._text(stream).text)
        positions = list(range(1, len(words)))
        random.Random(stream).shuffle(positions)
        found = []
        for word_class, members in self.word_classes.items():
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
    return [match.group() for match in islice(WORD.finditer(text), _MOST_WORDS)]


def _checked(counts: Mapping[str, int]) -> dict[str, int]:
    for kind, count in counts.items():
        if kind not in GENERATORS:
            raise ValueError(f"There is no kind of text {kind!r}; the kinds are {', '.join(DEFAULT_COUNTS)}.")
        if not isinstance(count, int) or count < 0:
            raise ValueError(f"The count of {kind!r} is {count!r}; it must be a whole number, 0 or more.")
    return dict(counts)
