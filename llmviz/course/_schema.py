"""What a lesson asks, as dataclasses, and how it is read from `questions.toml`.

Texts may use `code`, *emphasis* and **strong**; a line break in the file counts as a space, an empty line as a new
paragraph. Whatever is wrong with a file is a ValueError that names the file and the key.
"""

from __future__ import annotations

import inspect
import math
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import torch


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
        """The number with its unit: "2.2 tokens", "1 token"."""
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
    """The Python part of an exercise: its solution, and what recognizes the mistakes that `questions.toml` explains."""

    solution: Callable  # the library's function: its results are right, its source is shown
    cases: Sequence[Any] = ()  # inputs, simplest first; a tuple holds several arguments
    wrong_functions: Mapping[str, Callable | Sequence[Callable]] = field(default_factory=dict)  # mistake → same results
    conditions: Mapping[str, Callable] = field(default_factory=dict)  # mistake → condition(result, *arguments)
    exceptions: Mapping[str, str] = field(default_factory=dict)  # mistake → found by re.search in "IndexError: …"
    shown_with_solution: Sequence[Callable] = ()  # other functions whose source belongs to the solution

    def inputs(self) -> list[tuple]:
        """The cases, each as a tuple of arguments."""
        return [case if isinstance(case, tuple) else (case,) for case in self.cases]


def with_mistake(function: Callable, right: str, wrong: str) -> Callable:
    """A function with one change in its source: the mistake of a learner."""
    source = inspect.getsource(function)
    if right not in source:
        raise ValueError(f"{function.__name__} does not contain {right!r}")
    scope = dict(function.__globals__)
    exec(source.replace(right, wrong), scope)
    return scope[function.__name__]


def random_tensor(*shape: int, seed: int, scale: float = 1.0) -> torch.Tensor:
    """Normally distributed numbers as input of an exercise."""
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


Code = str


@dataclass(frozen=True)
class Exercise:
    """A function to write: `lesson.exercise(name)` shows its card, `lesson.check(name, function)` checks it."""

    name: str
    task: str
    minutes: int  # for a learner who meets it for the first time
    difficulty: Literal[1, 2, 3]  # easy, medium, hard
    hints: tuple[str, str]  # the second one nearly gives the solution
    explanation: str  # why the solution is as it is
    mistakes: Mapping[str, str]  # name → the sentence that explains it, most specific first
    checks: Checks
    solution: Code = ""  # as short as a learner would write it, where the library's function is longer


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


def _all(kind: type, values: Any) -> bool:
    return all(isinstance(one, kind) for one in values)


_TYPES: Mapping[str, tuple[str, Callable[[Any], bool]]] = {  # type of a key: (its name in a message, its test)
    "str": ("a text", lambda value: isinstance(value, str)),
    "Code": ("a text", lambda value: isinstance(value, str)),
    "int": ("a whole number", lambda value: type(value) is int),
    "float": ("a number", lambda value: type(value) in (int, float)),
    "Literal[1, 2, 3]": ("1, 2 or 3", lambda value: type(value) is int and 1 <= value <= 3),
    "tuple[str, str]": ("two texts", lambda value: isinstance(value, list) and len(value) == 2 and _all(str, value)),
    "Mapping[str, str]": ("a table of texts", lambda value: isinstance(value, dict) and _all(str, value.values())),
    "Sequence[Distractor]": (
        "two or more tables with a wrong option each",
        lambda value: isinstance(value, list) and len(value) > 1 and _all(dict, value),
    ),
}


def read_content(path: Path, checks: Mapping[str, Checks]) -> LessonContent:
    """Read a lesson's `questions.toml`; `checks` holds the Python part of each exercise by name."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid TOML: {error}") from None
    parts: dict[str, dict[str, Any]] = {}
    for part in _PARTS:
        tables, items = table.pop(part, []), {}
        if not isinstance(tables, list) or not _all(dict, tables):
            raise ValueError(f"{path}: {part}: expected tables [[{part}]]; given {tables!r}")
        others = parts["quiz"] if part == "warm_up" else {}
        for number, one in enumerate(tables, start=1):
            item = _read_item(part, one, f"{path}: {part}.{one.get('name', number)}", checks)
            if item.name in items or item.name in others:
                raise ValueError(f"{path}: {part}: the name {item.name!r} is used twice")
            items[item.name] = item
        parts[part] = items
    if missing := checks.keys() - parts["exercises"].keys():
        raise ValueError(f"{path}: exercises: {min(missing)!r} has checks in checks.py, but is missing here")
    return _read_table(LessonContent, table, str(path), **parts)


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
    recognized = own.wrong_functions.keys() | own.conditions.keys() | own.exceptions.keys()
    for mistake in sorted(recognized ^ exercise.mistakes.keys()):
        problem = "missing here, but checks.py recognizes it" if mistake in recognized else "checks.py does not know it"
        raise ValueError(f"{place}.mistakes.{mistake}: {problem}")
    return exercise


def _read_table(kind: type, table: Mapping[str, Any], place: str, **given: Any) -> Any:
    """A dataclass from a table: every key known, none missing, all of the right type."""
    keys = {one.name: one for one in fields(kind) if one.name not in given}
    if unknown := [key for key in table if key not in keys]:
        raise ValueError(f"{place}: unknown key {unknown[0]!r}; the keys are: {', '.join([*keys, *given])}")
    for name, one in keys.items():
        if name in table:
            given[name] = _read_value(table[name], one.type, f"{place}.{name}")
        elif one.default is MISSING:
            raise ValueError(f"{place}.{name}: missing")
    return kind(**given)


def _read_value(value: Any, kind: str, place: str) -> Any:
    words, is_valid = _TYPES[kind]
    if not is_valid(value):
        raise ValueError(f"{place}: expected {words}; given {value!r}")
    if kind == "Sequence[Distractor]":
        return [_read_table(Distractor, one, f"{place}.{number}") for number, one in enumerate(value, start=1)]
    return value.strip("\n") if kind == "Code" else _join_lines(value)


def _join_lines(value: Any) -> Any:
    """Texts without the line breaks of the file: an empty line is a new paragraph."""
    if isinstance(value, dict):
        return {key: _join_lines(text) for key, text in value.items()}
    if isinstance(value, list):
        return [_join_lines(text) for text in value]
    return re.sub(r"(?<!\n)\n(?!\n)", " ", value.strip("\n")) if isinstance(value, str) else value
