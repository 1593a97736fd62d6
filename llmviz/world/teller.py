"""Options to choose from, and the one who tells: a program says words through a teller.

The same program, told by another teller, answers another question: `Sampler` invents a text, `Replay`
(replay.py) finds out how probable a given text is, `Accountant` (entropy.py) adds up the entropy.
"""

import math
import random
from bisect import bisect_right
from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any

from llmviz.world.words import join, split


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


class Teller:
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


class Sampler(Teller):
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
