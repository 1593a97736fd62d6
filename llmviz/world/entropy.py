"""The exact entropy of a program: by the chain rule, the sum of the entropies of its choices.

Every text has one derivation, so the entropy of the texts is the entropy of the choices that lead to them:
H = Σ over choices of the expected −ln p (Shannon 1948, property 6). Most choices (which kite, which colour)
do not change how much is left to choose or to say later; for these one option stands for all. The others
are marked `shapes=True` in the program, and all of their options are followed. A test takes the standing-in
options at random and finds the same numbers.
"""

import math
import random
from collections.abc import Collection
from typing import Any

from llmviz.world.replay import Program
from llmviz.world.teller import Options, Teller, as_options


class Accountant(Teller):
    """Adds up expected nats and expected words along one path of shaping choices."""

    def __init__(self, script: tuple[int, ...], weight: float, forks: list, stand_in: random.Random | None):
        self._script, self._step, self._forks, self._stand_in = script, 0, forks, stand_in
        self._weight = weight
        self.nats = 0.0
        self.words = 0.0

    def say_one_of(self, options, *, excluding: Collection[Any] = (), shapes: bool = False) -> Any:
        options = as_options(options)
        if not shapes and self._is_new:
            expected = sum(p * len(options.words[i]) for i, p in options.remaining(excluding))
            self.words += self._weight * expected
        index = self._pick(options, excluding, shapes)
        if shapes:
            self._say_words(options.words[index])
        return options.values[index]

    @property
    def _is_new(self) -> bool:
        return self._step == len(self._script)

    def _pick(self, options: Options, excluding: Collection[Any], shapes: bool) -> int:
        remaining = options.remaining(excluding)
        if self._is_new:
            self.nats -= self._weight * math.fsum(p * math.log(p) for _, p in remaining)
        if not shapes:
            return self._stand_in.choice(remaining)[0] if self._stand_in else remaining[0][0]
        if self._is_new:
            for i, p in remaining[1:]:
                self._forks.append(((*self._script, i), self._weight * p))
            self._script = (*self._script, remaining[0][0])
            self._weight *= remaining[0][1]
        self._step += 1
        return self._script[self._step - 1]

    def _say_words(self, words: tuple[str, ...]) -> None:
        if self._is_new:
            self.words += self._weight * len(words)


def entropy_and_length(program: Program, stand_in_seed: int | None = None) -> tuple[float, float]:
    """The exact entropy of a program's texts in nats, and their mean number of words without the end."""
    nats, words = [], []
    forks: list[tuple[tuple[int, ...], float]] = [((), 1.0)]
    while forks:
        script, weight = forks.pop()
        stand_in = None if stand_in_seed is None else random.Random(stand_in_seed)
        teller = Accountant(script, weight, forks, stand_in)
        program(teller)
        nats.append(teller.nats)
        words.append(teller.words)
    return math.fsum(nats), math.fsum(words)
