"""What a lesson asks, as dataclasses, and how it is read from `questions.toml`.

Texts may use `code`, *emphasis* and **strong**; a line break in the file counts as a space, an empty line as a new
paragraph. Whatever is wrong with a file is a ValueError that names the file and the key.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Number:
    """A prediction that is a number."""

    name: str
    question: str
    low: float  # bounds of what can be entered
    high: float
    unit: str = ""  # such as "tokens"
    close: float = 0.0  # a prediction at most this far off counts as close
    digits: int = 0  # decimals with which the answer is shown
    explanation: str = ""

    def parse(self, typed: str) -> float:
        """The number that was typed; ValueError with a sentence if it is none or out of bounds."""
        typed = typed.strip()
        bare = typed.removesuffix(self.unit).strip() if self.unit else typed
        try:
            number = float(bare.replace("−", "-").replace(",", ".") if bare.count(",") == 1 else bare)
        except ValueError:
            number = math.nan
        if not self.low <= number <= self.high:
            raise ValueError(f"Enter a number between {self.low:g} and {self.high:g}; you typed “{typed[:40]}”.")
        return number

    def format(self, number: Any) -> str:
        """The number with its unit.

        >>> Number("cost", "How much?", 0, 9, unit="tokens", digits=1).format(2.25)
        '2.2 tokens'
        >>> Number("cost", "How much?", 0, 9, unit="tokens").format(1)
        '1 token'
        """
        value = float(number)
        shown = f"{value:,.{self.digits}f}" if abs(value) < 1e9 else f"{value:.3g}"
        unit = self.unit.removesuffix("s") if shown == "1" and self.unit.isalpha() else self.unit
        return f"{shown} {unit}".strip()

    def compare(self, predicted: float, answer: Any) -> tuple[str, str]:
        """("right" | "close" | "off", the difference in words)."""
        answer = float(answer)
        gap = predicted - answer
        if abs(gap) < 0.5 * 10**-self.digits:
            return "right", "Exactly."
        words = f"{self.format(abs(gap))} too {'high' if gap > 0 else 'low'}"
        if abs(gap) <= self.close:
            return "close", f"Close: {words}."
        times = max(abs(predicted), abs(answer)) / min(abs(predicted), abs(answer)) if predicted * answer > 0 else 1
        if times >= 2:
            more = abs(predicted) > abs(answer)
            words += f", {times:.1f} times the answer" if more else f"; the answer is {times:.1f} times as large"
        return "off", f"The difference: {words}."


@dataclass(frozen=True)
class Choice:
    """A prediction that is one of a few options; the notebook computes which one is the answer."""

    name: str
    question: str
    options: Mapping[str, str]  # option → the misconception behind it, shown if it was chosen and is wrong
    explanation: str = ""

    def parse(self, typed: str) -> str:
        """The option; ValueError with a sentence if it is none of them."""
        if typed not in self.options:
            raise ValueError(f"Choose one of {', '.join(map(repr, self.options))}; given {typed[:40]!r}.")
        return typed

    format = staticmethod(str)

    def compare(self, predicted: str, answer: str) -> tuple[str, str]:
        """("right" | "off", the misconception)."""
        return ("right", "Correct.") if predicted == answer else ("off", self.options.get(predicted, ""))


Prediction = Number | Choice


@dataclass(frozen=True)
class Distractor:
    """A wrong option of a question."""

    text: str
    explanation: str  # the misconception behind it, and why it is wrong
    see: str = ""  # heading above the cell that shows it; of another lesson: "01_tokenization.ipynb#Heading"


@dataclass(frozen=True)
class Question:
    """A multiple-choice question; `explanation` says why `answer`, the right option, is right."""

    name: str
    question: str
    answer: str
    explanation: str
    distractors: Sequence[Distractor]


@dataclass(frozen=True)
class Checks:
    """The Python part of an exercise: its solution, and what recognizes the mistakes that `questions.toml` explains.

    `further_check(call)` tests what cases cannot say: it tries `call(*arguments)`, the learner's function made safe,
    and raises `NotYet`.
    """

    solution: Callable  # the library's function: its results are right, its source is shown
    cases: Sequence[Any] = ()  # inputs, simplest first; a tuple holds several arguments
    wrong_functions: Mapping[str, Callable] = field(default_factory=dict)  # mistake → gives the same results
    conditions: Mapping[str, Callable] = field(default_factory=dict)  # mistake → condition(result, *arguments)
    exceptions: Mapping[str, type[Exception] | tuple[type[Exception], ...]] = field(default_factory=dict)
    further_check: Callable | None = None
    shown_with_solution: Sequence[Callable] = ()  # other functions whose source belongs to the solution

    def inputs(self) -> list[tuple]:
        """The cases, each as a tuple of arguments."""
        return [case if isinstance(case, tuple) else (case,) for case in self.cases]


@dataclass(frozen=True)
class Exercise:
    """A function to write: `lesson.exercise(name)` shows its card, `lesson.check(name, function)` checks it."""

    name: str
    task: str
    minutes: int  # for a learner who meets it for the first time
    difficulty: int  # 1 easy, 2 medium, 3 hard
    hints: Sequence[str]  # two; the second one nearly gives the solution
    explanation: str  # why the solution is as it is
    mistakes: Mapping[str, str]  # name → the sentence that explains it, most specific first
    checks: Checks


@dataclass(frozen=True)
class LessonContent:
    """All that a lesson asks, each kind by name."""

    title: str
    predictions: Mapping[str, Prediction]
    exercises: Mapping[str, Exercise]
    quiz: Mapping[str, Question]
    warm_up: Mapping[str, Question]


_KINDS = {"number": Number, "choice": Choice}
_PARTS = ("predictions", "exercises", "quiz", "warm_up")
_TYPES = {
    "str": (str, str, "a text"),
    "int": (int, object, "a whole number"),
    "float": (int | float, object, "a number"),
    "Sequence[str]": (list, str, "a list of texts"),
    "Mapping[str, str]": (dict, str, "a table of texts"),
    "Sequence[Distractor]": (list, dict, "two or more tables with a wrong option each"),
}


def read_content(path: Path, checks: Mapping[str, Checks]) -> LessonContent:
    """Read a lesson's `questions.toml`; `checks` holds the Python part of each exercise by name."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid TOML: {error}") from None
    parts: dict[str, list] = {}
    for part in _PARTS:
        tables = table.pop(part, [])
        if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
            raise ValueError(f"{path}: {part}: expected tables [[{part}]]; given {tables!r}")
        parts[part] = [
            _read_item(part, one, f"{path}: {part}.{one.get('name', number)}", checks)
            for number, one in enumerate(tables, start=1)
        ]
    for group in (("predictions",), ("exercises",), ("quiz", "warm_up")):
        names = [item.name for part in group for item in parts[part]]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"{path}: {' and '.join(group)}: the name {twice[0]!r} is used twice")
    if missing := checks.keys() - {exercise.name for exercise in parts["exercises"]}:
        raise ValueError(f"{path}: exercises: {min(missing)!r} has checks in checks.py, but is missing here")
    by_name = {part: {item.name: item for item in items} for part, items in parts.items()}
    return _read_table(LessonContent, table, str(path), **by_name)


def _read_item(part: str, table: dict, place: str, checks: Mapping[str, Checks]) -> Any:
    if part == "predictions":
        kind = table.pop("kind", None)
        if kind not in _KINDS:
            raise ValueError(f"{place}.kind: expected one of {', '.join(_KINDS)}; given {kind!r}")
        return _read_table(_KINDS[kind], table, place)
    if part != "exercises":
        return _read_table(Question, table, place)
    own = checks.get(str(table.get("name")))
    if own is None:
        raise ValueError(f"{place}.name: checks.py has no such exercise; it has: {', '.join(checks) or 'none'}")
    exercise = _read_table(Exercise, table, place, checks=own)
    if len(exercise.hints) != 2:
        raise ValueError(f"{place}.hints: expected two hints; given {len(exercise.hints)}")
    if exercise.difficulty not in (1, 2, 3):
        raise ValueError(f"{place}.difficulty: expected 1, 2 or 3; given {exercise.difficulty}")
    recognized = own.wrong_functions.keys() | own.conditions.keys() | own.exceptions.keys()
    for mistake in sorted(recognized ^ exercise.mistakes.keys()):
        problem = "missing here, but checks.py recognizes it" if mistake in recognized else "checks.py does not know it"
        raise ValueError(f"{place}.mistakes.{mistake}: {problem}")
    return exercise


def _read_table(kind: type, table: Mapping[str, Any], place: str, **given: Any) -> Any:
    """A dataclass from a table: every key known, none missing, all of the right type."""
    keys = {one.name: one for one in fields(kind) if one.name not in given}
    for key in table:
        if key not in keys:
            raise ValueError(f"{place}: unknown key {key!r}; the keys are: {', '.join([*keys, *given])}")
    values = {}
    for name, one in keys.items():
        if name in table:
            values[name] = _read_value(table[name], one.type, f"{place}.{name}")
        elif one.default is MISSING:
            raise ValueError(f"{place}.{name}: missing")
    return kind(**values, **given)


def _read_value(value: Any, kind: str, place: str) -> Any:
    """A value of the right type, without the line breaks of the file: an empty line is a new paragraph."""
    outer, inner, words = _TYPES[kind]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
    too_few = inner is dict and len(parts) < 2
    if (
        not isinstance(value, outer)
        or isinstance(value, bool)
        or too_few
        or not all(isinstance(x, inner) for x in parts)
    ):
        raise ValueError(f"{place}: expected {words}; given {value!r}")
    if inner is dict:
        return [_read_table(Distractor, one, f"{place}.{number}") for number, one in enumerate(value, start=1)]
    if isinstance(value, dict):
        return {key: _join_lines(text) for key, text in value.items()}
    return [_join_lines(text) for text in value] if isinstance(value, list) else _join_lines(value)


def _join_lines(value: Any) -> Any:
    return re.sub(r"(?<!\n)\n(?!\n)", " ", value.strip("\n")) if isinstance(value, str) else value
