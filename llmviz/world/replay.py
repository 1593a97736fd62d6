"""Tell the world's program again along a given text: its probability, its next words, its first mistake."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmviz.world.teller import Options, Teller, as_options
from llmviz.world.words import END

Program = Callable[[Teller], None]


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


class Replay(Teller):
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
