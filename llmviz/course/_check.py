"""Checks a learner's function: not attempted, not yet (with the sentence that names the mistake), or correct.

The function runs so that it can do no harm: in a thread of its own, for a limited time, with copies of its arguments,
its prints caught. Its result becomes plain data there, so that nothing of the learner's runs later, and is compared
with that of the solution: where do they first differ, in one sentence?
"""

from __future__ import annotations

import contextvars
import copy
import ctypes
import inspect
import io
import linecache
import re
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from traceback import walk_tb
from types import FrameType
from typing import Any

from llmviz.course._compare import difference, plain, spell
from llmviz.course._schema import Exercise

NOT_ATTEMPTED, NOT_YET, CORRECT = "not attempted", "not yet", "correct"
TIME_LIMIT = 10.0
MAX_PRINTED = 2_000
_PACKAGE = str(Path(__file__).resolve().parent.parent)
_LIBRARIES = tuple({*sysconfig.get_paths().values(), _PACKAGE, "<frozen"} - {sysconfig.get_paths()["data"]})


class _TimeLimitExceeded(BaseException):
    """The time limit is over. Not an Exception, so that a learner's `except Exception` does not catch it."""


class _NotYet(Exception):
    """Not yet right: the sentence that names the mistake, and the values behind it."""

    def __init__(self, sentence: str, *rows: tuple[str, str]):
        super().__init__(sentence)
        self.rows = rows


class _Untouched(Exception):
    """The function is still the stub."""


@dataclass(frozen=True)
class Outcome:
    """The result of a check."""

    name: str  # of the exercise
    status: str  # "not attempted", "not yet" or "correct"
    sentence: str  # what to do, which mistake it is, or what to look at next
    rows: tuple[tuple[str, str], ...]  # label and value: given, got, expected, error
    printed: str  # by the learner's function
    note: str  # a remark beside the result

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.status}. {self.sentence}", *(f"  {label}: {value}" for label, value in self.rows)]
        return "\n".join([*lines, *([f"  note: {self.note}"] if self.note else [])])


@dataclass(frozen=True)
class _Call:
    """One call of a learner's function: arguments before the call, result as plain data, or error."""

    arguments: tuple
    result: Any = None
    error: BaseException | None = None
    printed: str = ""
    changed_arguments: bool = False

    @property
    def given(self) -> tuple[str, str]:
        return "given", ", ".join(map(spell, self.arguments))


def check_exercise(exercise: Exercise, function: Any) -> Outcome:
    """Check a learner's function; never raises, whatever it is given, except KeyboardInterrupt."""
    status, sentence, rows, note = NOT_YET, "", (), ""
    calls: list[_Call] = []
    try:
        if function is None or function is ... or function is NotImplemented:
            raise _Untouched
        if not callable(function):
            given = "given", spell(_call(lambda: function).result)
            raise _NotYet("Pass your function itself, without parentheses after its name.", given)
        _check_cases(exercise, function, calls)
        status, sentence = CORRECT, "Now open the solution: what does it do differently?"
    except _Untouched:
        status, sentence = NOT_ATTEMPTED, "Replace ... with your code, run that cell, then this one."
    except _NotYet as refused:
        sentence, rows = str(refused), refused.rows
    except Exception as error:
        sentence = f"The check cannot handle your result ({type(error).__name__}: {error}). Compare it with the task."
        rows = (calls[-1].given, ("got", spell(calls[-1].result))) if calls else ()
    if status != NOT_ATTEMPTED and any(made.changed_arguments for made in calls):
        note = "Your function changes its arguments. Here it got copies; elsewhere that would surprise the caller."
    return Outcome(exercise.name, status, sentence, rows, "".join(made.printed for made in calls)[:MAX_PRINTED], note)


def _attempt(exercise: Exercise, function: Callable, arguments: tuple, calls: list[_Call]) -> Any:
    """Call the learner's function; _NotYet if it gives no result."""
    made = _call(function, *arguments)
    calls.append(made)
    if _is_untouched(function, made):
        raise _Untouched
    if made.error is not None:
        line = _line(made.error)
        said = next((text for name, text in exercise.mistakes.items() if _explains(exercise, name, made)), "")
        if isinstance(made.error, TypeError) and not _takes(function, arguments):
            said = "Your function cannot be called with what is given: does it take the arguments that the task names?"
        shown = f"{type(made.error).__name__.lstrip('_')}: {made.error}".removesuffix(": ")[:300]
        rows = [made.given, ("error", shown), ("in your code", line)]
        raise _NotYet(said or _error_sentence(made.error), *rows[: 3 if line else 2])
    if made.result is None:
        raise _NotYet("Your function returns None: does it end with a line `return …`?", made.given, ("got", "None"))
    return made.result


def _takes(function: Callable, arguments: tuple) -> bool:
    try:
        inspect.signature(function).bind(*arguments)
    except (TypeError, ValueError) as error:
        return isinstance(error, ValueError)  # a function of C tells nothing about its arguments
    return True


def _error_sentence(error: BaseException) -> str:
    sentences = {
        _TimeLimitExceeded: f"{error} Is there a loop whose condition never becomes false?",
        RecursionError: "Your function calls itself without end, or its result contains itself: where should it stop?",
        NameError: f"A name is not known here ({error}): a spelling mistake, or a cell above that has not been run?",
        SystemExit: "Your function stops Python itself (exit, quit); let it return its result instead.",
        BaseException: "Your function stops with an error before it has a result.",
    }
    return next(sentence for kind, sentence in sentences.items() if isinstance(error, kind))


def _check_cases(exercise: Exercise, function: Callable, calls: list[_Call]) -> None:
    """Try the cases up to the first without a result; _NotYet if one of them is wrong."""
    wrong, failed = None, None
    for inputs in exercise.checks.inputs():
        try:
            result = _attempt(exercise, function, inputs, calls)
        except _NotYet as error:
            failed = error
            break
        expected = plain(exercise.checks.solution(*map(_copied, inputs)))
        if wrong is None and (found := difference(result, expected)):
            wrong = calls[-1], (calls[-1].given, ("got", spell(result)), ("expected", spell(expected))), found
    if wrong:
        call, rows, found = wrong
        made = calls[:-1] if failed else calls
        mistake = next(_mistakes(exercise, call, made), None)
        if mistake is None:
            raise _NotYet(f"The result is not right yet. {found}", *rows)
        raise _NotYet(exercise.mistakes[mistake], *rows, ("difference", found))
    if failed:
        raise failed


def _mistakes(exercise: Exercise, wrong: _Call, calls: list[_Call]) -> Iterator[str]:
    """Mistakes that explain all results first, then those that explain the first wrong one and half of all."""
    n_explained = {
        name: sum(_explains(exercise, name, made) for made in calls) for name in exercise.checks.wrong_functions
    }
    for needed in (len(calls), len(calls) / 2):
        for name in exercise.mistakes:
            is_enough = n_explained[name] >= needed if name in n_explained else needed < len(calls)
            if is_enough and _explains(exercise, name, wrong):
                yield name


def _explains(exercise: Exercise, mistake: str, made: _Call) -> bool:
    checks = exercise.checks
    if made.error is not None:
        error = f"{type(made.error).__name__}: {made.error}"
        return mistake in checks.exceptions and re.search(checks.exceptions[mistake], error, re.DOTALL) is not None
    with suppress(Exception):  # a wrong function or a condition that does not apply to this result
        if mistake in checks.wrong_functions:
            wrong = checks.wrong_functions[mistake]
            functions = (wrong,) if callable(wrong) else wrong
            return any(_same(made.result, function(*map(_copied, made.arguments))) for function in functions)
        return mistake in checks.conditions and bool(checks.conditions[mistake](made.result, *made.arguments))
    return False


def _call(function: Callable, *arguments: Any) -> _Call:
    """Call a learner's function with copies of its arguments; only KeyboardInterrupt gets through."""
    copies, printed = tuple(map(_copied, arguments)), _Printed()

    def work() -> _Call:
        result = plain(function(*copies))
        changed = any(
            not _same(now, value) and _same(_copied(value), value)  # what differs from its own copy cannot be compared
            for value, now in zip(arguments, copies, strict=True)
        )
        return _Call(arguments, result, changed_arguments=changed)

    try:
        with redirect_stdout(printed):
            made = _within_limit(work, TIME_LIMIT)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        made = _Call(arguments, error=error)
    return replace(made, printed=printed.getvalue())


def _within_limit(work: Callable[[], Any], seconds: float) -> Any:
    """The result of some work in a thread of its own, or its error; _TimeLimitExceeded if it takes too long.

    A thread that is late gets an exception, again and again. Where the learner's code catches even that, the thread is
    halted for good at the next line of that code. A thread that is done waits until no more exception can come.
    """
    results, errors = [], []
    is_late, is_done, may_end = threading.Event(), threading.Event(), threading.Event()

    def trace(frame: FrameType, event: str, argument: Any) -> Callable | None:
        return None if frame.f_code.co_filename.startswith(_LIBRARIES) else halt

    def halt(frame: FrameType, event: str, argument: Any) -> Callable:
        if is_late.is_set():
            threading.Event().wait()
        return halt

    def end() -> None:
        is_done.set()
        may_end.wait()

    def run() -> None:
        sys.settrace(trace)
        try:
            try:
                results.append(work())
            except BaseException as error:
                errors.append(error)
            end()
        except _TimeLimitExceeded:  # a second one, which came while the first was handled
            end()

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True)
    thread.start()
    try:
        if not is_done.wait(seconds):
            raise _TimeLimitExceeded(f"It was still running after {seconds:g} seconds.")
    finally:
        _stop(thread, is_done)
        is_late.set()
        may_end.set()
    if errors:
        raise errors[0]
    return results[0]


def _stop(thread: threading.Thread, is_done: threading.Event) -> None:
    if is_done.is_set():
        return
    for _ in range(10):
        if not is_done.is_set():
            _raise_in(thread.ident, ctypes.py_object(_TimeLimitExceeded))
            is_done.wait(0.02)
    _raise_in(thread.ident, None)  # withdraw what has not come; after that, Python 3.11 hangs until one arrives: here
    with suppress(_TimeLimitExceeded):
        _raise_in(threading.get_ident(), ctypes.py_object(_TimeLimitExceeded))
        while True:
            pass


def _raise_in(thread_id: int | None, kind: ctypes.py_object | None) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), kind)


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same; those that cannot be compared are not."""
    with suppress(Exception):
        if type(one) is type(other) and (one == other) is True:  # fast, for large arguments
            return True
    with suppress(Exception):
        return difference(one, other) is None
    return False


def _copied(value: Any) -> Any:
    with suppress(Exception):
        return copy.deepcopy(value)
    return value


class _Printed(io.StringIO):
    """Keeps the beginning of what is printed."""

    def write(self, text: str) -> int:
        super().write(text[: max(0, MAX_PRINTED - self.tell())])
        return len(text)


def _line(error: BaseException) -> str:
    """The innermost line of the learner's own code on the way to an error: "line 3: total += x"."""
    places = [(frame.f_code.co_filename, number) for frame, number in walk_tb(error.__traceback__)]
    places = [place for place in places if not place[0].startswith(_LIBRARIES)]
    if not places:
        return ""
    source = linecache.getline(*places[-1]).strip()
    return f"line {places[-1][1]}" + (f": {source}" if source else "")


def _is_untouched(function: Callable, made: _Call) -> bool:
    """Whether this is still the stub: `...`, NotImplementedError, or nothing but an empty body."""
    if isinstance(made.error, NotImplementedError) or made.result is ... or made.result is NotImplemented:
        return True
    code = getattr(function, "__code__", None)
    is_empty = code is not None and not code.co_names and len(code.co_varnames) == code.co_argcount
    return is_empty and made.error is None and made.result is None
