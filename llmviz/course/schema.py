"""What a lesson asks: predictions, exercises, questions. Plain data; nothing here runs a learner's code."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MINUTES_FOR_A_QUESTION = 1
"""Reckoned for a prediction or a question of the quiz; an exercise says its own minutes."""
LONGEST_TEXT = 500


def counted(n: int, thing: str) -> str:
    """A number of things.

    >>> counted(1, "exercise"), counted(3, "exercise")
    ('1 exercise', '3 exercises')
    """
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


@dataclass(frozen=True)
class Number:
    """A prediction that is a number.

    Attributes:
        name: what `lesson.predict(name, ...)` asks for.
        question: at most 40 words; `code`, *emphasis* and **strong** are understood.
        unit: follows the number, such as "tokens".
        low, high: what can be said at all; None for no bound.
        close: this far off still counts as close.
        digits: decimals with which the answer is shown.
        why: shown with the answer.
    """

    name: str
    question: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    close: float = 0.0
    digits: int = 0
    why: str = ""

    def read(self, said: str) -> float:
        """Understand what was typed; ValueError with a sentence for what cannot be a prediction."""
        typed = said.strip()
        bare = typed.removesuffix(self.unit).strip() if self.unit else typed
        try:
            number = float(bare.replace("−", "-").replace(",", ".") if bare.count(",") == 1 else bare)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise ValueError(f"A number is asked for{self._range()}; you typed “{typed[:40]}”.")
        if (self.low is not None and number < self.low) or (self.high is not None and number > self.high):
            raise ValueError(f"It must be{self._range()}; you typed {bare[:40]}.")
        return number

    def _range(self) -> str:
        if self.low is not None and self.high is not None:
            return f" between {self.low:g} and {self.high:g}"
        if self.low is not None:
            return f" of at least {self.low:g}"
        return f" of at most {self.high:g}" if self.high is not None else ""

    def spell(self, number: Any) -> str:
        """A number as it is shown, with its unit.

        >>> Number("cost", "How much?", unit="tokens", digits=1).spell(2.25)
        '2.2 tokens'
        >>> Number("cost", "How much?", unit="tokens").spell(1)
        '1 token'
        """
        value = float(number)
        shown = f"{value:,.{self.digits}f}" if abs(value) < 1e9 else f"{value:.3g}"
        unit = self.unit.removesuffix("s") if shown == "1" and self.unit.isalpha() else self.unit
        return f"{shown} {unit}".strip()

    def judge(self, said: float, answer: Any) -> tuple[str, str]:
        """Hold a prediction against the answer: ("right" | "close" | "off", the gap in words)."""
        gap = float(said) - float(answer)
        if abs(gap) < 0.5 * 10**-self.digits:
            return "right", "Exactly."
        words = f"{self.spell(abs(gap))} too {'high' if gap > 0 else 'low'}"
        if abs(gap) <= self.close:
            return "close", f"Close: {words}."
        larger, smaller = max(abs(said), abs(answer)), min(abs(said), abs(answer))
        if said * answer > 0 and larger >= 2 * smaller:
            times = f"{larger / smaller:.1f} times"
            words += f", {times} the answer" if abs(said) > abs(answer) else f"; the answer is {times} as large"
        return "off", f"The gap: {words}."


@dataclass(frozen=True)
class Choice:
    """A prediction that is one of a few.

    `options` maps each option to the thought that leads to it: shown to whoever chose it when it proves wrong, so it
    names the misconception. The notebook computes which option is the answer.
    """

    name: str
    question: str
    options: Mapping[str, str]
    why: str = ""

    def read(self, said: str) -> str:
        """Understand what was chosen; ValueError with a sentence for what is no option."""
        if said not in self.options:
            raise ValueError(f"Choose one of {', '.join(map(repr, self.options))}; given {said[:40]!r}.")
        return said

    def spell(self, option: Any) -> str:
        """An option as it is shown."""
        return str(option)

    def judge(self, said: str, answer: str) -> tuple[str, str]:
        """Hold a choice against the answer: ("right" | "off", the thought behind a wrong one)."""
        return ("right", "Just so.") if said == answer else ("off", self.options.get(said, ""))


@dataclass(frozen=True)
class Text:
    """A prediction in the learner's own words, or a token; shown beside the answer, equal or not."""

    name: str
    question: str
    why: str = ""

    def read(self, said: str) -> str:
        """Take what was typed; ValueError with a sentence when there is nothing, or a book."""
        typed = said.strip()
        if not typed:
            raise ValueError("Type your prediction first; a few words will do.")
        if len(typed) > LONGEST_TEXT:
            raise ValueError(f"A prediction has at most {LONGEST_TEXT} characters; yours has {len(typed):,}.")
        return typed

    def spell(self, text: Any) -> str:
        """A text as it is shown."""
        return str(text)

    def judge(self, said: str, answer: Any) -> tuple[str, str]:
        """Equal but for capitals and spaces, or not: ("right" | "off", one sentence)."""
        alike = " ".join(said.lower().split()) == " ".join(str(answer).lower().split())
        return ("right", "Just so.") if alike else ("off", "Lay the two side by side: what did you not expect?")


Prediction = Number | Choice | Text


@dataclass(frozen=True)
class Distractor:
    """A wrong option of a question.

    Attributes:
        text: the option.
        thinks: the misconception behind it, and what speaks against it, in a sentence or two.
        see: the heading above the cell that refutes it, word for word; that of another lesson with its notebook in
            front: "01_tokenization.ipynb#Heading".
    """

    text: str
    thinks: str
    see: str = ""


@dataclass(frozen=True)
class Question:
    """A question with one right answer. The order of its options is drawn from its name, so it never changes.

    Attributes:
        name: how the learner's progress remembers it.
        ask: the question. right: the right option. why: why it is right. wrong: two or more others.
    """

    name: str
    ask: str
    right: str
    why: str
    wrong: Sequence[Distractor]


@dataclass(frozen=True)
class Mistake:
    """A typical mistake, with the sentence that names it and one way to recognize it.

    Attributes:
        sentence: what the learner did and what that does, such as "You count across the borders of words: …".
        gives: the wrong function itself, same arguments as the right one; recognized by giving the same results.
        when: `when(got, *given)` says whether this wrong result shows the mistake.
        raises: an exception (or several) in which the mistake ends.
    """

    sentence: str
    gives: Callable | None = None
    when: Callable | None = None
    raises: type[Exception] | tuple[type[Exception], ...] = ()


@dataclass(frozen=True)
class Exercise:
    """A function to write: `lesson.exercise(name)` shows its card, `lesson.check_<name>(function)` judges it.

    Attributes:
        name: of the exercise, usually that of the learner's function.
        task: what to write, with what goes in and what comes out.
        minutes: for a learner who meets it for the first time. difficulty: 1 easy, 2 takes thought, 3 hard.
        hints: two; the first points, the second nearly tells.
        solution: the library's function. Its source is the solution on the card, and its results are what is right.
        why: why the solution is as it is.
        cases: inputs to try, simplest first; a tuple holds several arguments, anything else is the only one. Or a
            function that makes the list, when that takes time.
        mistakes: the typical ones, most telling first.
        check: for what `cases` cannot say: a function `check(call)` that tries `call(*arguments)`, the learner's
            function made safe, and raises `NotYet(sentence, given=…, got=…, expected=…)`. Runs after the cases.
        shows: other functions of the library whose source belongs to the solution.
        tolerance: by which numbers may differ, relative above 1, absolute below.
        seconds: of patience with one call.
    """

    name: str
    task: str
    minutes: int
    difficulty: int
    hints: tuple[str, str]
    solution: Callable
    why: str
    cases: Sequence[Any] | Callable[[], Sequence[Any]] = ()
    mistakes: Sequence[Mistake] = ()
    check: Callable | None = None
    shows: Sequence[Callable] = field(default=())
    tolerance: float = 1e-4
    seconds: float = 10.0

    def inputs(self) -> list[tuple]:
        """The cases, each as a tuple of arguments."""
        cases = self.cases() if callable(self.cases) else self.cases
        return [case if isinstance(case, tuple) else (case,) for case in cases]
