"""The grammar of Tinyville: templates and weighted choices, from which a text generator makes texts.

A function makes a text by making choices and saying words (`generator.choose`, `say`, `say_one_of`). Sampling, exact
probabilities and entropy run this same function with another `TextGenerator`.
"""

from __future__ import annotations

import math
import random
import re
import tomllib
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from itertools import accumulate
from typing import Any

from llmviz.tokenizers.words import words

WORDS = tomllib.loads(files(__package__).joinpath("words.toml").read_text("utf-8"))
"""What the texts say: a table for each module, such as `WORDS["stories"]`."""

END = "<|endoftext|>"
"""The end of the text, wherever a next word is asked for."""

_CLOSING_MARKS = frozenset(".,:;!?")
_ALTERNATIVES_OR_SLOT = re.compile(r"(\[[^\]]*\]|\{\w+\})")


@lru_cache(maxsize=100_000)
def _words(phrase: str) -> tuple[str, ...]:
    return tuple(words(phrase))


def join(words: Iterable[str]) -> str:
    """Join words and marks to one line of English: no space before a full stop or inside quotation marks.

    >>> join(['"', 'Where', 'is', 'it', '?', '"', 'asked', 'Mia', '.'])
    '"Where is it?" asked Mia.'
    """
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


class Options:
    """A categorical distribution: values, their probabilities, and the words that are said for each.

    weights: equal without them; options of weight 0 are left out. texts: what is said; `str(value)` without them.
    """

    def __init__(
        self, values: Sequence[Any], weights: Sequence[float] | None = None, texts: Sequence[str] | None = None
    ):
        weights = [1.0] * len(values) if weights is None else list(weights)
        texts = [str(value) for value in values] if texts is None else list(texts)
        kept = [i for i, weight in enumerate(weights) if weight > 0]
        total = math.fsum(weights)
        self.values = tuple(values[i] for i in kept)
        self.words = tuple(_words(texts[i]) for i in kept)
        self.probabilities = tuple(weights[i] / total for i in kept)
        self.index = {value: i for i, value in enumerate(self.values)}
        self.by_first_word: dict[str, list[int]] = {}
        for i, said in enumerate(self.words):
            self.by_first_word.setdefault(said[0] if said else "", []).append(i)
        self._cumulative = tuple(accumulate(self.probabilities))

    def draw(self, number: float) -> int:
        """The index of the option at a number between 0 and 1 (inverse of the cumulative distribution)."""
        return min(bisect_right(self._cumulative, number), len(self.values) - 1)

    def remaining(self, excluding: Collection[Any]) -> list[tuple[int, float]]:
        """(index, probability) of the options left when some values are excluded."""
        scale = self.scale(excluding)
        return [(i, p * scale) for i, p in enumerate(self.probabilities) if self.values[i] not in excluding]

    def scale(self, excluding: Collection[Any]) -> float:
        """The factor by which the other probabilities grow when some values are excluded."""
        if not excluding:
            return 1.0
        lost = [self.probabilities[self.index[value]] for value in set(excluding) if value in self.index]
        return 1.0 / (1.0 - math.fsum(lost))


@lru_cache(maxsize=50_000)
def _equally_likely(texts: tuple[str, ...]) -> Options:
    return Options(texts)


class TextGenerator:
    """Base of all generators. Where options are wanted, a sequence of strings stands for equally likely ones.

    `branching=True` says that the choice decides which choices follow, or how many; the entropy needs it.
    """

    def choose(self, options: Options | Sequence[str], *, branching: bool = False) -> Any:
        """Make a choice without saying it."""
        options = self._options(options)
        return options.values[self._pick(options, (), branching)]

    def say_one_of(
        self, options: Options | Sequence[str], *, excluding: Collection[Any] = (), branching: bool = False
    ) -> Any:
        """Make a choice and say it."""
        options = self._options(options)
        index = self._pick(options, excluding, branching)
        self._say_words(options.words[index])
        return options.values[index]

    def say(self, text: str) -> None:
        """Say words that are fixed by now."""
        self._say_words(_words(text))

    def label(self, **labels: Any) -> None:
        """Note what the text is about; most generators ignore it."""

    @staticmethod
    def _options(options: Options | Sequence[str]) -> Options:
        return options if isinstance(options, Options) else _equally_likely(tuple(options))

    def _pick(self, options: Options, excluding: Collection[Any], branching: bool) -> int:
        raise NotImplementedError

    def _say_words(self, words: tuple[str, ...]) -> None:
        raise NotImplementedError


class Sampler(TextGenerator):
    """Draws every choice from a stream of random numbers; `stream` is its seed."""

    def __init__(self, stream: str):
        self._random = random.Random(stream)
        self._said: list[str] = []
        self.labels: dict[str, Any] = {}
        self.log_probability = 0.0

    @property
    def text(self) -> str:
        """The text so far."""
        return join(self._said)

    def label(self, **labels: Any) -> None:
        self.labels.update(labels)

    def _pick(self, options: Options, excluding: Collection[Any], branching: bool) -> int:
        index = options.draw(self._random.random())
        while excluding and options.values[index] in excluding:
            index = options.draw(self._random.random())
        self.log_probability += math.log(options.probabilities[index] * options.scale(excluding))
        return index

    def _say_words(self, words: tuple[str, ...]) -> None:
        self._said.extend(words)


class Template:
    """A text with `{slots}` and `[equally likely|alternatives]`.

    draws: the options of each slot that the template draws itself, at its first mention and without repeating a value.
    known: the slots that are filled before.
    """

    def __init__(self, text: str, draws: Mapping[str, Options] | None = None, known: tuple[str, ...] = ()):
        draws, drawn = draws or {}, set(known)
        self._steps: list[tuple[str, Any]] = []
        fixed = ""
        for part in _ALTERNATIVES_OR_SLOT.split(text):
            slot = part[1:-1] if part.startswith("{") else None
            if slot in draws and slot not in drawn:
                drawn.add(slot)
                step = ("draw", (slot, draws[slot]))
            elif part.startswith("["):
                step = ("one of", tuple(alternative.strip() for alternative in part[1:-1].split("|")))
            else:
                fixed += part
                continue
            self._steps += [("say", fixed), step] if fixed.strip() else [step]
            fixed = ""
        if fixed.strip():
            self._steps.append(("say", fixed))

    def generate(self, generator: TextGenerator, **slots: Any) -> dict[str, Any]:
        """Say the template; `slots` are the known ones. Returns what all slots hold."""
        for action, content in self._steps:
            if action == "say":
                generator.say(content.format_map(slots))
            elif action == "one of":
                generator.say_one_of([text.format_map(slots) for text in content])
            else:
                slot, options = content
                taken = [value for value in slots.values() if value in options.index]
                slots[slot] = generator.say_one_of(options, excluding=taken)
        return slots
