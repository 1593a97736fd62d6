"""Score a text under the program that could have made it: probability, next words, first mistake. And entropy.

The program runs again for every sequence of choices that fits the text. Texts fit few of them, so this is
fast. `program`: a function that makes a text with a `TextGenerator`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from llmviz.tinyville.grammar import END, Options, TextGenerator, join

_Program = Callable[[TextGenerator], None]
_LONGEST_SHOWN = 40
_MOST_SHOWN = 5


class _NoMatch(Exception):
    """These choices do not lead to the text."""


@dataclass
class _Score:
    """probability: of the words as a whole text. n_derivations: how many sequences of choices give it. next_words: each
    word that can follow, with the probability of the words *and* it. furthest: how many words the best sequence of
    choices matched; kind: its kind of text."""

    probability: float = 0.0
    n_derivations: int = 0
    next_words: dict[str, float] = field(default_factory=dict)
    furthest: int = -1
    kind: str | None = None

    def next_word_probabilities(self) -> dict[str, float]:
        """The distribution of the next word, most probable first."""
        total = math.fsum(self.next_words.values())
        ordered = sorted(self.next_words.items(), key=lambda item: (-item[1], item[0]))
        return {word: p / total for word, p in ordered}


class _Scorer(TextGenerator):
    """Follows the given words; where several options fit, it takes the first and leaves the others pending.

    choice_path: the decisions at such forks so far. pending: the choice paths that are still to be tried.
    """

    def __init__(self, words: Sequence[str], choice_path: tuple[int, ...], pending: list, score: _Score):
        self._words, self._choice_path, self._pending, self._score = words, choice_path, pending, score
        self._step = self._position = 0
        self._kind: str | None = None
        self._probability = 1.0

    def say_one_of(
        self, options: Options | Sequence[str], *, excluding: Collection[Any] = (), branching: bool = False
    ) -> Any:
        options = self._options(options)
        scale = options.scale(excluding)
        fitting, longer, reached = self._compare(options, excluding)
        if self._step == len(self._choice_path):
            for i, next_word in longer:
                self._note_next(next_word, options.probabilities[i] * scale)
        if not fitting:
            self._stop(reached)
        index = fitting[0] if len(fitting) == 1 else self._fork(fitting)
        self._probability *= options.probabilities[index] * scale
        self._position += len(options.words[index])
        return options.values[index]

    def label(self, **labels: Any) -> None:
        self._kind = labels.get("kind", self._kind)

    def finish(self) -> None:
        """The program has ended; count it if the text ends here, too."""
        if self._position == len(self._words):
            self._score.probability += self._probability
            self._score.n_derivations += 1
            self._note_next(END, 1.0)
        self._note_furthest(self._position)

    def _compare(self, options: Options, excluding: Collection[Any]):
        """The options that fit, those that go on beyond the given words, and how far the best one got."""
        given, position = self._words, self._position
        left = len(given) - position
        candidates: Sequence[int] = range(len(options.values))
        if left > 0 and "" not in options.by_first_word:
            candidates = options.by_first_word.get(given[position], ())
        fitting, longer, reached = [], [], position
        for i in candidates:
            if excluding and options.values[i] in excluding:
                continue
            said = options.words[i]
            same = _n_same(given, position, said)
            if same == len(said):
                fitting.append(i)
            elif same == left:
                longer.append((i, said[same]))
            reached = max(reached, position + same)
        return fitting, longer, reached

    def _pick(self, options: Options, excluding: Collection[Any], branching: bool) -> int:
        remaining = options.remaining(excluding)
        index = self._fork([i for i, _ in remaining])
        self._probability *= dict(remaining)[index]
        return index

    def _say_words(self, words: tuple[str, ...]) -> None:
        same = _n_same(self._words, self._position, words)
        if same < len(words):
            if self._position + same == len(self._words):
                self._note_next(words[same], 1.0)
            self._stop(self._position + same)
        self._position += same

    def _fork(self, indices: list[int]) -> int:
        if self._step == len(self._choice_path):
            self._pending.extend((*self._choice_path, i) for i in reversed(indices[1:]))
            self._choice_path = (*self._choice_path, indices[0])
        self._step += 1
        return self._choice_path[self._step - 1]

    def _note_next(self, word: str, probability: float) -> None:
        table = self._score.next_words
        table[word] = table.get(word, 0.0) + self._probability * probability

    def _note_furthest(self, position: int) -> None:
        if position > self._score.furthest:
            self._score.furthest, self._score.kind = position, self._kind

    def _stop(self, reached: int) -> None:
        self._note_furthest(reached)
        raise _NoMatch


def _n_same(given: Sequence[str], position: int, said: Sequence[str]) -> int:
    pairs = zip(said, given[position : position + len(said)], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def score(program: _Program, words: Sequence[str]) -> _Score:
    """Run the program with every sequence of choices that fits the words, and add up the probabilities."""
    total = _Score()
    pending: list[tuple[int, ...]] = [()]
    while pending:
        scorer = _Scorer(words, pending.pop(), pending, total)
        try:
            program(scorer)
            scorer.finish()
        except _NoMatch:
            pass
    return total


class _EntropyEstimator(TextGenerator):
    """Adds up the entropies of the choices along one path of branching choices; the other paths become pending."""

    def __init__(self, choice_path: tuple[int, ...], weight: float, pending: list):
        self._choice_path, self._step, self._pending, self._weight = choice_path, 0, pending, weight
        self.nats = 0.0

    def _pick(self, options: Options, excluding: Collection[Any], branching: bool) -> int:
        remaining = options.remaining(excluding)
        is_new = self._step == len(self._choice_path)
        if is_new:
            self.nats -= self._weight * math.fsum(p * math.log(p) for _, p in remaining)
        if not branching:
            return self._representative(remaining)
        if is_new:
            self._pending += [((*self._choice_path, i), self._weight * p) for i, p in remaining[1:]]
            self._choice_path = (*self._choice_path, remaining[0][0])
            self._weight *= remaining[0][1]
        self._step += 1
        return self._choice_path[self._step - 1]

    def _representative(self, remaining: list[tuple[int, float]]) -> int:
        """Any option will do: what follows has the same entropy for all."""
        return remaining[0][0]

    def _say_words(self, words: tuple[str, ...]) -> None:
        pass


def entropy(program: _Program) -> float:
    """The exact entropy of a program's texts in nats."""
    nats = []
    pending: list[tuple[tuple[int, ...], float]] = [((), 1.0)]
    while pending:
        estimator = _EntropyEstimator(*pending.pop(), pending)
        program(estimator)
        nats.append(estimator.nats)
    return math.fsum(nats)


@dataclass(frozen=True)
class Check:
    """Whether a text is possible, and its first mistake.

    n_valid_words: how many words from the start are possible. wrong_word: the next one ("<|endoftext|>" where the text
    stops too early). expected: what could come there, most probable first.
    """

    valid: bool
    kind: str | None
    n_valid_words: int
    wrong_word: str | None
    expected: list[str]
    message: str


def check(program: _Program, text: str, words: Sequence[str]) -> Check:
    """Check a text; `words` are its words, or the first ones of a very long text."""
    spacing = _spacing_mistake(text, words)
    found = score(program, words)
    if spacing is not None and spacing <= found.furthest:
        return _reject(words, found.kind, spacing, expected=[], spacing=True)
    if found.probability > 0:
        message = f"Tinyville could have produced this text (kind: {found.kind})."
        return Check(True, found.kind, found.furthest, None, [], message)
    expected = list(score(program, words[: found.furthest]).next_word_probabilities())
    return _reject(words, found.kind, found.furthest, expected)


def _spacing_mistake(text: str, words: Sequence[str]) -> int | None:
    """The index of the first word whose spacing is not that of normal English; None if all is well."""
    normal = join(words)
    if text == normal:
        return None
    same = _n_same(text, 0, normal)
    end = 0
    for i, word in enumerate(words):
        end = normal.index(word, end) + len(word)
        if same < end:
            return i
    return len(words)


def _reject(
    words: Sequence[str], kind: str | None, n_valid: int, expected: list[str], *, spacing: bool = False
) -> Check:
    wrong_word = words[n_valid] if n_valid < len(words) else END
    if not words:
        message = "The text is empty; every text of Tinyville has words."
    elif spacing and wrong_word == END:
        message = "All words are possible, but there is a space or a line break at the end."
    elif spacing:
        message = f"The space before word {n_valid + 1}, {_shown(wrong_word)}, is not that of normal English."
    elif wrong_word == END:
        message = f"The text stops too early: after word {n_valid} Tinyville continues with {_list(expected)}."
    elif expected == [END]:
        message = f"Tinyville would end the text before word {n_valid + 1}, {_shown(wrong_word)}."
    else:
        place = f"after {_shown(join(words[max(0, n_valid - 4) : n_valid]))}" if n_valid else "at the start"
        message = (
            f"Word {n_valid + 1}, {_shown(wrong_word)}, is impossible here: {place} Tinyville says {_list(expected)}."
        )
    return Check(False, kind if n_valid else None, n_valid, wrong_word, expected, message)


def _shown(word: str) -> str:
    return f'"{word}"' if len(word) <= _LONGEST_SHOWN else f'"{word[:_LONGEST_SHOWN]}…"'


def _list(expected: list[str]) -> str:
    names = ["the end of the text" if word == END else _shown(word) for word in expected[:_MOST_SHOWN]]
    if len(expected) > _MOST_SHOWN:
        return ", ".join(names) + f" or one of {len(expected) - _MOST_SHOWN} other words"
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
