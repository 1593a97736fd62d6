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

MAX_TEXT_LENGTH = 500


@dataclass(frozen=True)
class Number:
    """A prediction that is a number.

    Attributes:
        unit: follows the number, such as "tokens".
        low, high: bounds of what can be entered; None for no bound.
        close: an answer at most this far off counts as close.
        digits: decimals with which the answer is shown.
        explanation: shown with the answer.
    """

    name: str
    question: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    close: float = 0.0
    digits: int = 0
    explanation: str = ""

    def parse(self, typed: str) -> float:
        """The number that was typed; ValueError with a sentence if it is none or out of bounds."""
        typed = typed.strip()
        bare = typed.removesuffix(self.unit).strip() if self.unit else typed
        try:
            number = float(bare.replace("−", "-").replace(",", ".") if bare.count(",") == 1 else bare)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise ValueError(f"Enter a number{self._bounds()}; you typed “{typed[:40]}”.")
        if (self.low is not None and number < self.low) or (self.high is not None and number > self.high):
            raise ValueError(f"The number must be{self._bounds()}; you typed {bare[:40]}.")
        return number

    def _bounds(self) -> str:
        if self.low is not None and self.high is not None:
            return f" between {self.low:g} and {self.high:g}"
        if self.low is not None:
            return f" of at least {self.low:g}"
        return f" of at most {self.high:g}" if self.high is not None else ""

    def format(self, number: Any) -> str:
        """The number with its unit.

        >>> Number("cost", "How much?", unit="tokens", digits=1).format(2.25)
        '2.2 tokens'
        >>> Number("cost", "How much?", unit="tokens").format(1)
        '1 token'
        """
        value = float(number)
        shown = f"{value:,.{self.digits}f}" if abs(value) < 1e9 else f"{value:.3g}"
        unit = self.unit.removesuffix("s") if shown == "1" and self.unit.isalpha() else self.unit
        return f"{shown} {unit}".strip()

    def compare(self, predicted: float, answer: Any) -> tuple[str, str]:
        """("right" | "close" | "off", the difference in words)."""
        gap = float(predicted) - float(answer)
        if abs(gap) < 0.5 * 10**-self.digits:
            return "right", "Exactly."
        words = f"{self.format(abs(gap))} too {'high' if gap > 0 else 'low'}"
        if abs(gap) <= self.close:
            return "close", f"Close: {words}."
        larger, smaller = max(abs(predicted), abs(answer)), min(abs(predicted), abs(answer))
        if predicted * answer > 0 and larger >= 2 * smaller:
            times = f"{larger / smaller:.1f} times"
            words += f", {times} the answer" if abs(predicted) > abs(answer) else f"; the answer is {times} as large"
        return "off", f"The difference: {words}."


@dataclass(frozen=True)
class Choice:
    """A prediction that is one of a few options; the notebook computes which one is the answer.

    `options` maps each option to the misconception behind it, shown if it was chosen and is wrong.
    """

    name: str
    question: str
    options: Mapping[str, str]
    explanation: str = ""

    def parse(self, typed: str) -> str:
        """The option; ValueError with a sentence if it is none of them."""
        if typed not in self.options:
            raise ValueError(f"Choose one of {', '.join(map(repr, self.options))}; given {typed[:40]!r}.")
        return typed

    def format(self, option: Any) -> str:
        """The option as a string."""
        return str(option)

    def compare(self, predicted: str, answer: str) -> tuple[str, str]:
        """("right" | "off", the misconception)."""
        return ("right", "Correct.") if predicted == answer else ("off", self.options.get(predicted, ""))


@dataclass(frozen=True)
class Text:
    """A prediction in the learner's own words, or a token; shown beside the answer."""

    name: str
    question: str
    explanation: str = ""

    def parse(self, typed: str) -> str:
        """The text without outer spaces; ValueError with a sentence if it is empty or too long."""
        typed = typed.strip()
        if not typed:
            raise ValueError("Type your prediction first; a few words are enough.")
        if len(typed) > MAX_TEXT_LENGTH:
            raise ValueError(f"A prediction has at most {MAX_TEXT_LENGTH} characters; yours has {len(typed):,}.")
        return typed

    def format(self, text: Any) -> str:
        """The text as a string."""
        return str(text)

    def compare(self, predicted: str, answer: Any) -> tuple[str, str]:
        """("right" | "off", one sentence); capitals and spaces do not count."""
        equal = " ".join(predicted.lower().split()) == " ".join(str(answer).lower().split())
        return ("right", "Correct.") if equal else ("off", "Compare the two: what did you not expect?")


Prediction = Number | Choice | Text


@dataclass(frozen=True)
class Distractor:
    """A wrong option of a question.

    Attributes:
        text: the option.
        explanation: the misconception behind it, and why it is wrong.
        see: the heading above the cell that shows it, word for word; in another lesson with its notebook in front:
            "01_tokenization.ipynb#Heading".
    """

    text: str
    explanation: str
    see: str = ""


@dataclass(frozen=True)
class Question:
    """A multiple-choice question; `explanation` says why `answer` is right."""

    name: str
    question: str
    answer: str
    explanation: str
    distractors: Sequence[Distractor]


@dataclass(frozen=True)
class Checks:
    """The Python part of an exercise.

    A mistake of `questions.toml` is recognized by any of three: `wrong_functions[mistake]` gives the same results as
    the learner's function; `conditions[mistake](result, *arguments)` is true; the function raises
    `exceptions[mistake]`.

    Attributes:
        solution: the library's function. Its results are the right ones; its source is shown as the solution.
        cases: inputs to try, simplest first; a tuple holds several arguments.
        further_check: what cases cannot say: `further_check(call)` tries `call(*arguments)`, the learner's function
            made safe, and raises `NotYet`. Runs after the cases.
        shown_with_solution: other functions whose source belongs to the solution.
    """

    solution: Callable
    cases: Sequence[Any] = ()
    wrong_functions: Mapping[str, Callable] = field(default_factory=dict)
    conditions: Mapping[str, Callable] = field(default_factory=dict)
    exceptions: Mapping[str, type[Exception] | tuple[type[Exception], ...]] = field(default_factory=dict)
    further_check: Callable | None = None
    shown_with_solution: Sequence[Callable] = ()

    def inputs(self) -> list[tuple]:
        """The cases, each as a tuple of arguments."""
        return [case if isinstance(case, tuple) else (case,) for case in self.cases]


@dataclass(frozen=True)
class Exercise:
    """A function to write: `lesson.exercise(name)` shows its card, `lesson.check(name, function)` checks it.

    Attributes:
        task: what to write, with inputs and outputs.
        minutes: for a learner who meets it for the first time. difficulty: 1 easy, 2 medium, 3 hard.
        hints: two; the second one nearly gives the solution.
        explanation: why the solution is as it is.
        mistakes: name of each typical mistake → the sentence that explains it, most specific first.
    """

    name: str
    task: str
    minutes: int
    difficulty: int
    hints: Sequence[str]
    explanation: str
    mistakes: Mapping[str, str]
    checks: Checks


@dataclass(frozen=True)
class LessonContent:
    """All that a lesson asks, each kind by name."""

    title: str
    predictions: Mapping[str, Prediction]
    exercises: Mapping[str, Exercise]
    quiz: Mapping[str, Question]
    warm_up: Mapping[str, Question]


_PREDICTIONS = {"number": Number, "choice": Choice, "text": Text}
_PARTS = ("predictions", "exercises", "quiz", "warm_up")
_TYPES = {
    "str": (str, "a text"),
    "int": (int, "a whole number"),
    "float": ((int, float), "a number"),
    "float | None": ((int, float), "a number"),
    "Sequence[str]": (list, "a list of texts"),
    "Mapping[str, str]": (dict, "a table of texts"),
}


def read_content(path: Path, checks: Mapping[str, Checks]) -> LessonContent:
    """Read a lesson's `questions.toml`; `checks` holds the Python part of each exercise by name."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid TOML: {error}") from None
    _refuse_unknown(table, ("title", *_PARTS), str(path))
    if not isinstance(table.get("title"), str):
        raise ValueError(f"{path}: title: expected a text; given {table.get('title')!r}")
    parts = {part: _read_part(table.get(part, []), part, path, checks) for part in _PARTS}
    if twice := sorted(parts["quiz"].keys() & parts["warm_up"].keys()):
        raise ValueError(f"{path}: quiz and warm_up: the name {twice[0]!r} is used twice")
    if unused := [name for name in checks if name not in parts["exercises"]]:
        raise ValueError(f"{path}: exercises: {unused[0]!r} has checks in checks.py, but is missing here")
    return LessonContent(table["title"], **parts)


def _read_part(tables: Any, part: str, path: Path, checks: Mapping[str, Checks]) -> dict[str, Any]:
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ValueError(f"{path}: {part}: expected tables [[{part}]]; given {tables!r}")
    found: dict[str, Any] = {}
    for number, table in enumerate(tables, start=1):
        place = f"{path}: {part}.{table.get('name', number)}"
        if part == "predictions":
            item = _read_prediction(dict(table), place)
        elif part == "exercises":
            item = _read_exercise(table, place, checks)
        else:
            item = _read_question(dict(table), place)
        if item.name in found:
            raise ValueError(f"{place}: the name {item.name!r} is used twice")
        found[item.name] = item
    return found


def _read_prediction(table: dict, place: str) -> Prediction:
    kind = table.pop("kind", None)
    if kind not in _PREDICTIONS:
        raise ValueError(f"{place}.kind: expected one of {', '.join(_PREDICTIONS)}; given {kind!r}")
    return _read_table(_PREDICTIONS[kind], table, place)


def _read_question(table: dict, place: str) -> Question:
    wrong = table.pop("distractors", [])
    if not isinstance(wrong, list) or len(wrong) < 2 or not all(isinstance(one, dict) for one in wrong):
        raise ValueError(f"{place}.distractors: expected two or more tables with a wrong option each; given {wrong!r}")
    distractors = [_read_table(Distractor, one, f"{place}.distractors.{n}") for n, one in enumerate(wrong, start=1)]
    return _read_table(Question, table, place, distractors=distractors)


def _read_exercise(table: dict, place: str, checks: Mapping[str, Checks]) -> Exercise:
    own = checks.get(table.get("name", ""))
    if own is None:
        raise ValueError(f"{place}.name: checks.py has no such exercise; it has: {', '.join(checks) or 'none'}")
    exercise = _read_table(Exercise, table, place, checks=own)
    if len(exercise.hints) != 2:
        raise ValueError(f"{place}.hints: expected two hints; given {len(exercise.hints)}")
    if exercise.difficulty not in (1, 2, 3):
        raise ValueError(f"{place}.difficulty: expected 1, 2 or 3; given {exercise.difficulty}")
    recognized = own.wrong_functions.keys() | own.conditions.keys() | own.exceptions.keys()
    if unknown := [name for name in exercise.mistakes if name not in recognized]:
        raise ValueError(f"{place}.mistakes.{unknown[0]}: checks.py has no function that recognizes this mistake")
    if unexplained := sorted(recognized - exercise.mistakes.keys()):
        raise ValueError(f"{place}.mistakes.{unexplained[0]}: missing; checks.py recognizes this mistake")
    return exercise


def _read_table(kind: type, table: Mapping[str, Any], place: str, **given: Any) -> Any:
    """A dataclass from a table: every key known, none missing, all of the right type."""
    keys = {one.name: one for one in fields(kind) if one.name not in given}
    _refuse_unknown(table, keys, place)
    values = {}
    for name, one in keys.items():
        if name in table:
            values[name] = _read_value(table[name], one.type, f"{place}.{name}")
        elif one.default is MISSING:
            raise ValueError(f"{place}.{name}: missing")
    return kind(**values, **given)


def _read_value(value: Any, kind: str, place: str) -> Any:
    types, words = _TYPES[kind]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if not isinstance(value, types) or isinstance(value, bool) or not all(isinstance(one, str) for one in inner):
        raise ValueError(f"{place}: expected {words}; given {value!r}")
    if isinstance(value, dict):
        return {key: _join_lines(text) for key, text in value.items()}
    if isinstance(value, list):
        return [_join_lines(text) for text in value]
    return _join_lines(value) if isinstance(value, str) else value


def _refuse_unknown(table: Mapping[str, Any], known: Any, place: str) -> None:
    for key in table:
        if key not in known:
            raise ValueError(f"{place}: unknown key {key!r}; the keys are: {', '.join(known)}")


def _join_lines(text: str) -> str:
    """A text without the line breaks of the file: an empty line stays, as a new paragraph."""
    return re.sub(r"(?<!\n)\n(?!\n)", " ", text.strip("\n"))
