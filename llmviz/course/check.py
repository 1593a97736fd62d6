"""Checks a learner's function: not attempted, not yet (with the sentence that names the mistake), or correct.

The function runs so that it can do no harm: it gets copies, its prints are caught, endless loops are stopped.
"""

from __future__ import annotations

import ast
import copy
import inspect
import io
import itertools
import linecache
import sys
import sysconfig
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType, GeneratorType, TracebackType
from typing import Any

from llmviz.course.compare import difference, kind, same, spell
from llmviz.course.schema import Exercise

NOT_ATTEMPTED, NOT_YET, CORRECT = "not attempted", "not yet", "correct"
TIME_LIMIT = 10.0
MAX_ITEMS = 100_000
MAX_PRINTED = 2_000
_PACKAGE = str(Path(__file__).resolve().parent.parent)
_LIBRARIES = tuple({*sysconfig.get_paths().values(), _PACKAGE, "<frozen"} - {sysconfig.get_paths()["data"]})


class TimeLimitExceeded(BaseException):
    """The time limit is over. Not an Exception, so that a learner's `except Exception` does not catch it."""


class NotYet(Exception):
    """Raised by an exercise's `further_check`: the sentence that names the mistake, and the values behind it."""

    def __init__(self, sentence: str, **values: Any):
        super().__init__(sentence)
        self.rows = tuple((label, spell(value)) for label, value in values.items())


@dataclass(frozen=True)
class Outcome:
    """The result of a check.

    Attributes:
        name: the exercise. status: "not attempted", "not yet" or "correct".
        sentence: what to do, which mistake it is, or what to look at next.
        rows: (label, value) pairs: given, got, expected, error.
        printed: what the learner's function printed. note: a remark beside the result.
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


@dataclass(frozen=True)
class _Call:
    """One call of a learner's function: arguments before the call, result or error with its line, prints."""

    arguments: tuple
    result: Any
    error: BaseException | None
    line: str
    printed: str
    changed_arguments: bool

    def rows(self, **further: str) -> tuple[tuple[str, str], ...]:
        return (("given", ", ".join(map(spell, self.arguments))), *further.items())


class _NoResult(Exception):
    """The learner's function gave no result; `outcome` says why."""

    def __init__(self, outcome: Outcome):
        super().__init__(outcome.sentence)
        self.outcome = outcome


def check_exercise(exercise: Exercise, function: Any) -> Outcome:
    """Check a learner's function; never raises, whatever it is given, except KeyboardInterrupt."""
    if function is None or function is ... or function is NotImplemented:
        return _not_attempted(exercise)
    if not callable(function):
        said = f"Pass your function itself, without parentheses after its name; the check was given {kind(function)}."
        return Outcome(exercise.name, NOT_YET, said, (("given", spell(function)),))
    calls: list[_Call] = []

    def attempt(*arguments: Any) -> Any:
        calls.append(_call(function, arguments, TIME_LIMIT))
        if failed := _without_result(exercise, function, calls[-1]):
            raise _NoResult(failed)
        return calls[-1].result

    try:
        outcome = _check_cases(exercise, attempt, calls)
        if outcome is None and exercise.checks.further_check is not None:
            exercise.checks.further_check(attempt)
        outcome = outcome or Outcome(exercise.name, CORRECT, "Now open the solution: what does it do differently?")
    except NotYet as refused:
        outcome = Outcome(exercise.name, NOT_YET, str(refused), refused.rows)
    except _NoResult as failed:
        outcome = failed.outcome
    except Exception as error:
        said = f"The check cannot handle your result ({type(error).__name__}: {error}). Compare it with the task."
        rows = calls[-1].rows(got=spell(calls[-1].result)) if calls else ()
        outcome = Outcome(exercise.name, NOT_YET, said, rows)
    note = ""
    if outcome.status != NOT_ATTEMPTED and any(made.changed_arguments for made in calls):
        note = "Your function changes its arguments. Here it got copies; elsewhere that would surprise the caller."
    return replace(outcome, printed="".join(made.printed for made in calls)[:MAX_PRINTED], note=note)


def _not_attempted(exercise: Exercise) -> Outcome:
    return Outcome(exercise.name, NOT_ATTEMPTED, "Replace ... with your code, run that cell, then this one.")


def _without_result(exercise: Exercise, function: Callable, made: _Call) -> Outcome | None:
    """The outcome of a call that gave no result to check; None if it gave one."""
    if _is_untouched(function, made):
        return _not_attempted(exercise)
    if made.error is not None:
        said = next((text for name, text in exercise.mistakes.items() if _explains(exercise, name, made)), "")
        shown = f"{type(made.error).__name__}: {made.error}".removesuffix(": ")[:300]
        rows = made.rows(error=shown, **({"in your code": made.line} if made.line else {}))
        return Outcome(exercise.name, NOT_YET, said or _error_sentence(made.error), rows)
    if made.result is None:
        said = "Your function returns None: does it end with a line `return …`?"
        return Outcome(exercise.name, NOT_YET, said, made.rows(got="None"))
    return None


def _error_sentence(error: BaseException) -> str:
    if isinstance(error, TimeLimitExceeded):
        return f"{error} Is there a loop whose condition never becomes false?"
    if isinstance(error, RecursionError):
        return "Your function calls itself without end: in which case should it return without calling itself?"
    if isinstance(error, NameError):
        return f"A name is not known here ({error}): a spelling mistake, or a cell above that has not been run?"
    if isinstance(error, SystemExit):
        return "Your function stops Python itself (exit, quit); let it return its result instead."
    return "Your function stops with an error before it has a result."


def _check_cases(exercise: Exercise, attempt: Callable, calls: list[_Call]) -> Outcome | None:
    """Try the cases up to the first without a result; None if all results are right."""
    differences, failed = [], None
    for inputs in exercise.checks.inputs():
        try:
            result = attempt(*inputs)
        except _NoResult as error:
            failed = error.outcome
            break
        expected = _call(exercise.checks.solution, inputs, float("inf")).result
        differences.append((calls[-1], expected, difference(result, expected)))
    if failed and failed.status == NOT_ATTEMPTED:
        return failed
    wrong = next((one for one in differences if one[2]), None)
    if wrong is None:
        return failed
    made, expected, found = wrong
    rows = made.rows(got=spell(made.result), expected=spell(expected))
    mistake = next(_mistakes(exercise, [one for one, _, _ in differences], made), None)
    if mistake is None:
        return Outcome(exercise.name, NOT_YET, f"The result is not right yet. {found}", rows)
    return Outcome(exercise.name, NOT_YET, exercise.mistakes[mistake], (*rows, ("difference", found)))


def _mistakes(exercise: Exercise, calls: list[_Call], wrong: _Call) -> Iterator[str]:
    """Mistakes that explain all results first, then those that explain the first wrong one."""
    for name in exercise.mistakes:
        if name in exercise.checks.wrong_functions and all(_explains(exercise, name, made) for made in calls):
            yield name
    yield from (name for name in exercise.mistakes if _explains(exercise, name, wrong))


def _explains(exercise: Exercise, mistake: str, made: _Call) -> bool:
    checks = exercise.checks
    if made.error is not None:
        return isinstance(made.error, checks.exceptions.get(mistake, ()))
    try:
        if mistake in checks.wrong_functions:
            wrong = _call(checks.wrong_functions[mistake], made.arguments, float("inf"))
            return wrong.error is None and same(made.result, wrong.result)
        return mistake in checks.conditions and bool(checks.conditions[mistake](made.result, *made.arguments))
    except Exception:  # a condition that does not apply to this result
        return False


def _call(function: Callable, arguments: tuple, seconds: float) -> _Call:
    """Call a learner's function with copies of its arguments; only KeyboardInterrupt gets through."""
    copies = tuple(map(_copied, arguments))
    printed = _Printed()
    result = error = None
    try:
        with redirect_stdout(printed), _TimeLimit(seconds):
            result = function(*copies)
            if isinstance(result, GeneratorType):
                result = list(itertools.islice(result, MAX_ITEMS))
    except KeyboardInterrupt:
        raise
    except BaseException as raised:
        error = raised
    changed = any(
        same(_copied(value), value) and not same(now, value)  # what differs from its own copy cannot be compared
        for value, now in zip(arguments, copies, strict=True)
    )
    line = _line(error.__traceback__) if error is not None else ""
    return _Call(arguments, result, error, line, printed.getvalue(), changed)


def _copied(value: Any) -> Any:
    try:
        return copy.deepcopy(value)
    except Exception:
        return value


class _Printed(io.StringIO):
    """Keeps the beginning of what is printed."""

    def write(self, text: str) -> int:
        super().write(text[: max(0, MAX_PRINTED - self.tell())])
        return len(text)


class _TimeLimit:
    """Stops a learner's function after some seconds, between two of its lines; libraries run at full speed."""

    def __init__(self, seconds: float):
        self.seconds = seconds

    def __enter__(self) -> None:
        self.before, self.end = sys.gettrace(), time.monotonic() + self.seconds
        sys.settrace(self.trace)

    def __exit__(self, *_: object) -> None:
        sys.settrace(self.before)

    def trace(self, frame: FrameType, event: str, argument: Any) -> Callable | None:
        if frame.f_code.co_filename.startswith(_LIBRARIES):
            return None
        if time.monotonic() > self.end:
            raise TimeLimitExceeded(f"It was still running after {self.seconds:g} seconds.")
        return self.trace


def _line(traceback: TracebackType | None) -> str:
    """The innermost line of the learner's own code on the way to an error: "line 3: total += x"."""
    found = ""
    while traceback is not None:
        filename, number = traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
        if not filename.startswith(_LIBRARIES):
            source = linecache.getline(filename, number).strip()
            found = f"line {number}" + (f": {source}" if source else "")
        traceback = traceback.tb_next
    return found


def _is_untouched(function: Callable, made: _Call) -> bool:
    """Whether this is still the stub: `...`, NotImplementedError, or nothing but an empty body.

    A function that computes and has no `return` is an attempt, unless it still contains a line `...`.
    """
    if isinstance(made.error, NotImplementedError) or made.result is ... or made.result is NotImplemented:
        return True
    if made.error is not None or made.result is not None:
        return False
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        code = getattr(function, "__code__", None)  # without its source: an empty body uses no names at all
        return code is not None and not code.co_names and len(code.co_varnames) == code.co_argcount
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    if not bodies:
        return False
    statements = [node for node in bodies[0] if not isinstance(node, ast.Pass) and not _is_constant(node)]
    return not statements or any(_is_constant(node, ...) for node in ast.walk(tree))


def _is_constant(node: ast.AST, value: Any = None) -> bool:
    """A statement that is only a constant: a docstring, `...`, `return None`; or, with a value, only that one."""
    inner = node.value if isinstance(node, ast.Expr | ast.Return) else ast.Name("not a constant")
    inner = ast.Constant(None) if inner is None else inner
    return isinstance(inner, ast.Constant) and (value is None or inner.value is value)
