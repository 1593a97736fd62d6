"""Judging a learner's function: not attempted, not yet (with the sentence that names the mistake), or correct."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from llmviz.course.compare import difference, kind, same, spell
from llmviz.course.running import Call, TimeLimitExceeded, call, is_untouched
from llmviz.course.schema import Exercise, Mistake

NOT_ATTEMPTED, NOT_YET, CORRECT = "not attempted", "not yet", "correct"
_NOTHING = object()


class NotYet(Exception):
    """Raised by a check of your own: the sentence that names the mistake, and the numbers behind it."""

    def __init__(self, sentence: str, *, given: Any = _NOTHING, got: Any = _NOTHING, expected: Any = _NOTHING):
        super().__init__(sentence)
        self.numbers = {"given": given, "got": got, "expected": expected}

    def rows(self) -> tuple[tuple[str, str], ...]:
        """What is known of given, got and expected, written out."""
        return tuple((name, spell(value)) for name, value in self.numbers.items() if value is not _NOTHING)


@dataclass(frozen=True)
class Outcome:
    """What a check found.

    Attributes:
        name: the exercise. status: "not attempted", "not yet" or "correct".
        sentence: what to do, which mistake it is, or what to look at next.
        rows: (label, value) pairs: given, got, expected, where.
        printed: what the learner's function printed. note: a remark beside the judgment.
    """

    name: str
    status: str
    sentence: str
    rows: tuple[tuple[str, str], ...] = ()
    printed: str = ""
    note: str = ""

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.status}. {self.sentence}", *(f"  {label}: {value}" for label, value in self.rows)]
        return "\n".join([*lines, *([f"  note: {self.note}"] if self.note else [])])


class _Stopped(Exception):
    """The learner's function gave no result; the outcome says why."""

    def __init__(self, outcome: Outcome):
        super().__init__(outcome.sentence)
        self.outcome = outcome


def check(exercise: Exercise, function: Any) -> Outcome:
    """Judge a learner's function. Never raises, whatever it is given; only Ctrl-C gets through."""
    refused = _no_function(exercise, function)
    if refused:
        return refused
    calls: list[Call] = []

    def attempt(*given: Any) -> Any:
        made = call(function, given, exercise.seconds)
        calls.append(made)
        stopped = _without_result(exercise, function, made)
        if stopped:
            raise _Stopped(stopped)
        return made.got

    try:
        outcome = _judge_cases(exercise, function, calls)
        if outcome is None and exercise.check is not None:
            exercise.check(attempt)
        outcome = outcome or Outcome(exercise.name, CORRECT, "Now unfold the solution: what does it do differently?")
    except NotYet as refusal:
        outcome = Outcome(exercise.name, NOT_YET, str(refusal), refusal.rows())
    except _Stopped as stop:
        outcome = stop.outcome
    except Exception as error:
        said = f"The check could not cope with your result ({type(error).__name__}: {error}). Compare it with the task."
        outcome = Outcome(exercise.name, NOT_YET, said, _rows(calls[-1]) if calls else ())
    return replace(outcome, printed=_printed(calls), note=_note(outcome, calls))


def _no_function(exercise: Exercise, function: Any) -> Outcome | None:
    if function is None or function is ... or function is NotImplemented:
        return _not_attempted(exercise)
    if callable(function):
        return None
    said = f"The check takes your function itself, without parentheses after it; it was given {kind(function)}."
    return Outcome(exercise.name, NOT_YET, said, (("given", spell(function)),))


def _not_attempted(exercise: Exercise) -> Outcome:
    return Outcome(exercise.name, NOT_ATTEMPTED, "Replace the ... by your code, run that cell, then this one.")


def _without_result(exercise: Exercise, function: Callable, made: Call) -> Outcome | None:
    """The outcome of a call that gave no result to judge; None when there is one."""
    if is_untouched(function, made):
        return _not_attempted(exercise)
    if made.error is not None:
        mistake = next((mistake for mistake in exercise.mistakes if _explains(mistake, made, exercise)), None)
        said = mistake.sentence if mistake else _error_sentence(made.error)
        stops = f"{type(made.error).__name__}: {made.error}".removesuffix(": ")
        shown = "still running" if isinstance(made.error, TimeLimitExceeded) else stops[:300]
        rows = (("given", _spell_given(made)), ("it stops with", shown))
        return Outcome(exercise.name, NOT_YET, said, (*rows, *((("in your cell", made.where),) if made.where else ())))
    if made.got is None:
        said = "Your function computes, but gives nothing back: does it end with a line `return …`?"
        return Outcome(exercise.name, NOT_YET, said, (("given", _spell_given(made)), ("got", "None")))
    return None


def _error_sentence(error: BaseException) -> str:
    if isinstance(error, TimeLimitExceeded):
        return f"{error} Is there a loop whose condition never becomes false?"
    if isinstance(error, RecursionError):
        return "Your function calls itself without end: which call does not call itself again?"
    if isinstance(error, NameError):
        return f"A name is not known here ({error}): a spelling mistake, or a cell above that has not been run?"
    if isinstance(error, SystemExit):
        return "Your function wants to end Python itself (exit, quit); let it return its result instead."
    return "Your function stops with an error before it has a result."


def _judge_cases(exercise: Exercise, function: Callable, calls: list[Call]) -> Outcome | None:
    """Try every case; None when all results are right."""
    trials: list[tuple[Call, Any, str | None]] = []
    stopped = None
    for given in exercise.inputs():
        made = call(function, given, exercise.seconds)
        calls.append(made)
        stopped = _without_result(exercise, function, made)
        if stopped and stopped.status == NOT_ATTEMPTED:
            return stopped
        expected = call(exercise.solution, given, float("inf")).got
        if stopped:
            break
        trials.append((made, expected, difference(made.got, expected, exercise.tolerance)))
    wrong = next((trial for trial in trials if trial[2]), None)
    if wrong is None:
        return stopped
    made, expected, found = wrong
    mistake = next(_diagnoses(exercise, [made for made, _, _ in trials], made), None)
    rows = _rows(made, expected)
    if mistake is None:
        return Outcome(exercise.name, NOT_YET, f"The result is not right yet. {found}", rows)
    return Outcome(exercise.name, NOT_YET, mistake.sentence, (*rows, ("difference", found)))


def _diagnoses(exercise: Exercise, made: list[Call], wrong: Call) -> Iterator[Mistake]:
    """Mistakes that explain all results first, then those that explain the first wrong one."""
    for mistake in exercise.mistakes:
        if mistake.gives and all(_explains(mistake, one, exercise) for one in made):
            yield mistake
    for mistake in exercise.mistakes:
        if _explains(mistake, wrong, exercise):
            yield mistake


def _explains(mistake: Mistake, made: Call, exercise: Exercise) -> bool:
    if made.error is not None:
        return isinstance(made.error, mistake.raises)
    try:
        if mistake.gives is not None:
            wrong = call(mistake.gives, made.given, float("inf"))
            return wrong.error is None and same(made.got, wrong.got, exercise.tolerance)
        return mistake.when is not None and bool(mistake.when(made.got, *made.given))
    except Exception:  # a question that makes no sense for this result has the answer no
        return False


def _spell_given(made: Call) -> str:
    return ", ".join(map(spell, made.given))


def _rows(made: Call, expected: Any = _NOTHING) -> tuple[tuple[str, str], ...]:
    rows = (("given", _spell_given(made)), ("got", spell(made.got)))
    return rows if expected is _NOTHING else (*rows, ("expected", spell(expected)))


def _printed(calls: list[Call]) -> str:
    return "".join(made.printed for made in calls)[:2_000]


def _note(outcome: Outcome, calls: list[Call]) -> str:
    if outcome.status == NOT_ATTEMPTED or not any(made.changed for made in calls):
        return ""
    return "Your function changes what it is given. Here it got copies; elsewhere that would surprise the caller."
