"""Split a text into words and punctuation marks, and put them together again.

>>> split('"Where is it?" asked Mia.')
('"', 'Where', 'is', 'it', '?', '"', 'asked', 'Mia', '.')
>>> join(split('"Where is it?" asked Mia.'))
'"Where is it?" asked Mia.'
"""

from __future__ import annotations

import math
import random
import re
from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, islice
from typing import Any

END = "<|endoftext|>"
"""Stands for "the text ends here" wherever a next word is asked for."""

WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
_CLOSING_MARKS = frozenset(".,:;!?")


@lru_cache(maxsize=100_000)
def split(text: str) -> tuple[str, ...]:
    """The words and punctuation marks of a short text, in order (remembered: phrases come back often)."""
    return tuple(WORD.findall(text))


def first_words(text: str, limit: int) -> list[str]:
    """At most `limit` words from the start of a text of any size."""
    return [match.group() for match in islice(WORD.finditer(text), limit)]


def join(words) -> str:
    """The words as one line of normal English: no space before a full stop or inside quotation marks."""
    pieces: list[str] = []
    inside_quotation, after_opening_mark = False, True
    for word in words:
        if word == '"':
            inside_quotation = not inside_quotation
            pieces.append('"' if after_opening_mark or not inside_quotation else ' "')
            after_opening_mark = inside_quotation
        else:
            pieces.append(word if after_opening_mark or word in _CLOSING_MARKS else " " + word)
            after_opening_mark = False
    return "".join(pieces)


_PIECE = re.compile(r"(\[[^\]]*\]|\{\w+\})")


class Template:
    """A parsed template; `tell` says it through a teller and returns what its slots hold.

    `draws` gives the options of each slot that the template may draw itself; `known` names the slots
    that are filled before it is told.
    """

    def __init__(self, text: str, draws: Mapping[str, Options] | None = None, known: tuple[str, ...] = ()):
        self.text = text
        draws = draws or {}
        self._steps: list[tuple[str, Any]] = []
        drawn = set(known)
        literal = ""
        for piece in _PIECE.split(text):
            slot = piece[1:-1] if piece.startswith("{") else None
            if slot in draws and slot not in drawn:
                drawn.add(slot)
                self._add(literal, ("draw", (slot, draws[slot])))
                literal = ""
            elif piece.startswith("["):
                self._add(literal, ("one of", _alternatives(piece[1:-1])))
                literal = ""
            else:
                literal += piece
        self._add(literal)

    def _add(self, literal: str, *steps: tuple[str, Any]) -> None:
        if literal.strip():
            self._steps.append(("say", literal))
        self._steps.extend(steps)

    def tell(self, teller: TextGenerator, **slots: Any) -> dict[str, Any]:
        """Say the template; slots given here are already filled."""
        for action, content in self._steps:
            if action == "say":
                teller.say(content.format_map(slots))
            elif action == "draw":
                slot, options = content
                slots[slot] = teller.say_one_of(options, excluding=_taken(slots, options))
            else:
                alternatives = content
                if not isinstance(alternatives, Options):
                    alternatives = [text.format_map(slots) for text in alternatives]
                teller.say_one_of(alternatives)
        return slots


def _alternatives(text: str) -> Options | tuple[str, ...]:
    """Equally likely alternatives; those without slots are prepared once and for all."""
    texts = tuple(alternative.strip() for alternative in text.split("|"))
    return texts if "{" in text else as_options(texts)


def _taken(slots: Mapping[str, Any], options: Options) -> list[Any]:
    return [value for value in slots.values() if value in options.index]


class Options:
    """What can be chosen, with which probability, and the words that are said for each.

    Options of weight 0 are left out: the world never says them.
    """

    def __init__(
        self,
        values: Sequence[Any],
        weights: Sequence[float] | None = None,
        texts: Sequence[str] | None = None,
    ):
        weights = [1.0] * len(values) if weights is None else list(weights)
        texts = [str(value) for value in values] if texts is None else list(texts)
        kept = [i for i, weight in enumerate(weights) if weight > 0]
        total = math.fsum(weights)
        self.values = tuple(values[i] for i in kept)
        self.words = tuple(split(texts[i]) for i in kept)
        self.probabilities = tuple(weights[i] / total for i in kept)
        self.cumulative = tuple(accumulate(self.probabilities))
        self.index = {value: i for i, value in enumerate(self.values)}
        self.by_first_word: dict[str, list[int]] = {}
        for i, words in enumerate(self.words):
            self.by_first_word.setdefault(words[0] if words else "", []).append(i)

    def __len__(self) -> int:
        return len(self.values)

    def draw(self, number: float) -> int:
        """The index of the option that a number between 0 and 1 falls on."""
        return min(bisect_right(self.cumulative, number), len(self.values) - 1)

    def remaining(self, excluding: Collection[Any] = ()) -> list[tuple[int, float]]:
        """(index, probability) of the options left when some values may not be chosen."""
        if not excluding:
            return list(enumerate(self.probabilities))
        left = [(i, p) for i, p in enumerate(self.probabilities) if self.values[i] not in excluding]
        scale = self.scale(excluding)
        return [(i, p * scale) for i, p in left]

    def scale(self, excluding: Collection[Any]) -> float:
        """By how much the other probabilities grow when some values may not be chosen."""
        if not excluding:
            return 1.0
        lost = [self.probabilities[self.index[value]] for value in set(excluding) if value in self.index]
        return 1.0 / (1.0 - math.fsum(lost))


@lru_cache(maxsize=50_000)
def _equally_likely(texts: tuple[str, ...]) -> Options:
    return Options(texts)


def as_options(options: Options | Sequence[str]) -> Options:
    """Options as they are; a sequence of strings as equally likely options."""
    return options if isinstance(options, Options) else _equally_likely(tuple(options))


class TextGenerator:
    """Base of all tellers: what a program may do while it tells a text."""

    def choose(self, options, *, excluding: Collection[Any] = (), shapes: bool = False) -> Any:
        """Make a choice without saying it yet.

        `shapes=True` says that how much is left to choose or to say depends on this choice (entropy.py).
        """
        options = as_options(options)
        return options.values[self._pick(options, excluding, shapes)]

    def say_one_of(self, options, *, excluding: Collection[Any] = (), shapes: bool = False) -> Any:
        """Make a choice and say it at once."""
        options = as_options(options)
        index = self._pick(options, excluding, shapes)
        self._say_words(options.words[index])
        return options.values[index]

    def say(self, text: str) -> None:
        """Say words that are certain by now."""
        self._say_words(split(text))

    def label(self, **labels: Any) -> None:
        """Note down what the text is about; most tellers do not listen."""

    def _pick(self, options: Options, excluding: Collection[Any], shapes: bool) -> int:
        raise NotImplementedError

    def _say_words(self, words: tuple[str, ...]) -> None:
        raise NotImplementedError


class Sampler(TextGenerator):
    """Invents a text: every choice is drawn from a seeded stream of random numbers."""

    def __init__(self, stream: str):
        self._random = random.Random(stream)
        self._words: list[str] = []
        self.labels: dict[str, Any] = {}
        self.log_probability = 0.0

    @property
    def text(self) -> str:
        """What has been said so far."""
        return join(self._words)

    def label(self, **labels: Any) -> None:
        self.labels.update(labels)

    def _pick(self, options: Options, excluding: Collection[Any], shapes: bool) -> int:
        index = options.draw(self._random.random())
        while excluding and options.values[index] in excluding:
            index = options.draw(self._random.random())
        self.log_probability += math.log(options.probabilities[index] * options.scale(excluding))
        return index

    def _say_words(self, words: tuple[str, ...]) -> None:
        self._words.extend(words)
