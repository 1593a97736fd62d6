"""Tell the world's program again along a given text: its probability, its next words, its first mistake."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmviz.tinyville.grammar import END, Options, TextGenerator, as_options, join

Program = Callable[[TextGenerator], None]


class _Stop(Exception):
    """This way of telling the program does not go on along the text."""


@dataclass
class Outcome:
    """What is known after all ways of telling the program along the words have been tried.

    `probability` is that of the words being the whole text, `next_words` maps every word that can follow
    to the probability of the words *and* it, `derivations` counts the ways to tell the whole text,
    `furthest` is how many words some way could follow, `kind` the kind of text of that way.
    """

    probability: float = 0.0
    derivations: int = 0
    next_words: dict[str, float] = field(default_factory=dict)
    furthest: int = -1
    kind: str | None = None


class Replay(TextGenerator):
    """Follows given words; where several options fit, it takes one and leaves the others for later.

    `script` holds the decisions at such forks; `forks` receives the scripts still to be tried.
    """

    def __init__(self, words: Sequence[str], script: tuple[int, ...], forks: list, outcome: Outcome):
        self._words, self._forks, self._outcome = words, forks, outcome
        self._script, self._step = script, 0
        self._position = 0
        self._kind: str | None = None
        self.probability = 1.0

    def say_one_of(self, options, *, excluding: Collection[Any] = (), shapes: bool = False) -> Any:
        options = as_options(options)
        scale = options.scale(excluding)
        fitting, running_on, reached = self._compare(options, excluding)
        if self._step == len(self._script):
            for i, next_word in running_on:
                self._note_next(next_word, options.probabilities[i] * scale)
        if not fitting:
            self._stop(reached)
        index = fitting[0] if len(fitting) == 1 else self._fork(fitting)
        self.probability *= options.probabilities[index] * scale
        self._position += len(options.words[index])
        return options.values[index]

    def label(self, **labels: Any) -> None:
        self._kind = labels.get("kind", self._kind)

    def finish(self) -> None:
        """The program has ended: did the text end too?"""
        if self._position == len(self._words):
            self._outcome.probability += self.probability
            self._outcome.derivations += 1
            self._note_next(END, 1.0)
        self._note_furthest(self._position)

    def _compare(self, options: Options, excluding: Collection[Any]):
        """Which options fit completely, which go on beyond the given words, and how far the best one got."""
        given, position = self._words, self._position
        left = len(given) - position
        if left > 0 and "" not in options.by_first_word:
            candidates: Sequence[int] = options.by_first_word.get(given[position], ())
        else:
            candidates = range(len(options))
        fitting, running_on, reached = [], [], position
        for i in candidates:
            if excluding and options.values[i] in excluding:
                continue
            said = options.words[i]
            same = _n_same(given, position, said)
            if same == len(said):
                fitting.append(i)
            elif same == left:
                running_on.append((i, said[same]))
            reached = max(reached, position + same)
        return fitting, running_on, reached

    def _pick(self, options: Options, excluding: Collection[Any], shapes: bool) -> int:
        remaining = options.remaining(excluding)
        index = self._fork([i for i, _ in remaining])
        self.probability *= dict(remaining)[index]
        return index

    def _say_words(self, words: tuple[str, ...]) -> None:
        same = _n_same(self._words, self._position, words)
        if same < len(words):
            if self._position + same == len(self._words):
                self._note_next(words[same], 1.0)
            self._stop(self._position + same)
        self._position += same

    def _fork(self, indices: list[int]) -> int:
        if self._step == len(self._script):
            self._forks.extend((*self._script, i) for i in reversed(indices[1:]))
            self._script = (*self._script, indices[0])
        self._step += 1
        return self._script[self._step - 1]

    def _note_next(self, word: str, probability: float) -> None:
        table = self._outcome.next_words
        table[word] = table.get(word, 0.0) + self.probability * probability

    def _note_furthest(self, position: int) -> None:
        if position > self._outcome.furthest:
            self._outcome.furthest, self._outcome.kind = position, self._kind

    def _stop(self, reached: int) -> None:
        self._note_furthest(reached)
        raise _Stop


def _n_same(given: Sequence[str], position: int, said: tuple[str, ...]) -> int:
    n = 0
    for mine, theirs in zip(said, given[position : position + len(said)], strict=False):
        if mine != theirs:
            break
        n += 1
    return n


def replay(program: Program, words: Sequence[str]) -> Outcome:
    """Try every way of telling the program along these words, and add up what was found."""
    outcome = Outcome()
    forks: list[tuple[int, ...]] = [()]
    while forks:
        teller = Replay(words, forks.pop(), forks, outcome)
        try:
            program(teller)
            teller.finish()
        except _Stop:
            pass
    return outcome


class EntropyEstimator(TextGenerator):
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
        teller = EntropyEstimator(script, weight, forks, stand_in)
        program(teller)
        nats.append(teller.nats)
        words.append(teller.words)
    return math.fsum(nats), math.fsum(words)


_LONGEST_SHOWN = 40
_MOST_SHOWN = 5


@dataclass(frozen=True)
class Check:
    """The verdict on a text.

    `n_valid_words` words from the start are possible; `wrong_word` is the first that is not ("<|endoftext|>"
    when the text stops too early), `expected` lists what could stand there, most probable first.
    """

    valid: bool
    kind: str | None
    n_valid_words: int
    wrong_word: str | None
    expected: list[str]
    message: str


def spacing_mistake(text: str, words: Sequence[str]) -> int | None:
    """The index of the first word whose spacing is not that of normal English; None if all is well.

    `words` may be only the beginning of a very long text; then only that much is looked at.
    """
    normal = join(words)
    if text == normal:
        return None
    same = 0
    while same < min(len(text), len(normal)) and text[same] == normal[same]:
        same += 1
    end = 0
    for i, word in enumerate(words):
        end = normal.index(word, end) + len(word)
        if same < end:
            return i
    return len(words)


def approve(kind: str | None, n_words: int) -> Check:
    """The verdict on a text that the world can say."""
    return Check(True, kind, n_words, None, [], f"Tinyville could have produced this text (kind: {kind}).")


def reject(
    words: Sequence[str], kind: str | None, n_valid: int, expected: list[str], *, spacing: bool = False
) -> Check:
    """The verdict on a text of which only the first `n_valid` words are possible (or normally spaced)."""
    wrong_word = words[n_valid] if n_valid < len(words) else END
    if not words:
        message = "The text is empty; every text of Tinyville has words."
    elif spacing and wrong_word == END:
        message = "All words are possible, but there is a space or a line break at the end."
    elif spacing:
        message = f"The space before word {n_valid + 1}, {_shown(wrong_word)}, is not that of normal English."
    elif wrong_word == END:
        message = f"The text stops too early: after word {n_valid} Tinyville goes on with {_list(expected)}."
    elif expected == [END]:
        message = f"Tinyville would end the text before word {n_valid + 1}, {_shown(wrong_word)}."
    else:
        place = f"after {_shown(_context(words, n_valid))}" if n_valid else "at the start"
        message = (
            f"Word {n_valid + 1}, {_shown(wrong_word)}, is impossible here: "
            f"{place} Tinyville says {_list(expected)}."
        )
    return Check(False, kind if n_valid else None, n_valid, wrong_word, expected, message)


def _shown(word: str) -> str:
    short = word if len(word) <= _LONGEST_SHOWN else word[:_LONGEST_SHOWN] + "…"
    return f'"{short}"'


def _context(words: Sequence[str], n_valid: int) -> str:
    return join(words[max(0, n_valid - 4) : n_valid])


def _list(expected: list[str]) -> str:
    names = ["the end of the text" if word == END else _shown(word) for word in expected[:_MOST_SHOWN]]
    if len(expected) > _MOST_SHOWN:
        return ", ".join(names) + f" or one of {len(expected) - _MOST_SHOWN} other words"
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
