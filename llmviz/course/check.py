"""Checks a learner's function: not attempted, not yet (with the sentence that names the mistake), or correct.

The function runs so that it can do no harm: it gets copies, its prints are caught, endless loops are stopped. Its
results are compared with those of the solution: where do they first differ, in one sentence?
"""

from __future__ import annotations

import ast
import copy
import inspect
import io
import itertools
import linecache
import math
import sys
import sysconfig
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from numbers import Number
from pathlib import Path
from traceback import walk_tb
from types import FrameType, GeneratorType
from typing import Any

import numpy as np

from llmviz.course.schema import Exercise

NOT_ATTEMPTED, NOT_YET, CORRECT = "not attempted", "not yet", "correct"
TIME_LIMIT = 10.0
MAX_ITEMS = 100_000
MAX_PRINTED = 2_000
TOLERANCE = 1e-4
MAX_LENGTH = 160
_MAX_ITEMS = 12
_KINDS = {
    np.ndarray: "an array", bool: "True or False", Number: "a number", str: "a string", bytes: "bytes", list: "a list",
    tuple: "a tuple", dict: "a dict", set: "a set", type(None): "None",
}  # fmt: skip
_COMPARABLE = (np.ndarray, bool, Number, str, bytes, Mapping, Sequence)
_PACKAGE = str(Path(__file__).resolve().parent.parent)
_LIBRARIES = tuple({*sysconfig.get_paths().values(), _PACKAGE, "<frozen"} - {sysconfig.get_paths()["data"]})


class _TimeLimitExceeded(BaseException):
    """The time limit is over. Not an Exception, so that a learner's `except Exception` does not catch it."""


class NotYet(Exception):
    """Not yet right: the sentence that names the mistake, and the values behind it; for `further_check`, too."""

    def __init__(self, sentence: str, *rows: tuple[str, str], **values: Any):
        super().__init__(sentence)
        self.rows = (*((label, _spell(value)) for label, value in values.items()), *rows)


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
    """One call of a learner's function: arguments before the call, result or error with its line, prints."""

    arguments: tuple
    result: Any
    error: BaseException | None
    line: str
    printed: str
    changed_arguments: bool

    @property
    def given(self) -> tuple[str, str]:
        return "given", ", ".join(map(_spell, self.arguments))


def check_exercise(exercise: Exercise, function: Any) -> Outcome:
    """Check a learner's function; never raises, whatever it is given, except KeyboardInterrupt."""
    status, sentence, rows, note = NOT_YET, "", (), ""
    calls: list[_Call] = []
    try:
        if function is None or function is ... or function is NotImplemented:
            raise _Untouched
        if not callable(function):
            raise NotYet("Pass your function itself, without parentheses after its name.", given=function)
        _check_cases(exercise, function, calls)
        if exercise.checks.further_check is not None:
            exercise.checks.further_check(lambda *arguments: _attempt(exercise, function, arguments, calls))
        status, sentence = CORRECT, "Now open the solution: what does it do differently?"
    except _Untouched:
        status, sentence = NOT_ATTEMPTED, "Replace ... with your code, run that cell, then this one."
    except NotYet as refused:
        sentence, rows = str(refused), refused.rows
    except Exception as error:
        sentence = f"The check cannot handle your result ({type(error).__name__}: {error}). Compare it with the task."
        rows = (calls[-1].given, ("got", _spell(calls[-1].result))) if calls else ()
    if status != NOT_ATTEMPTED and any(made.changed_arguments for made in calls):
        note = "Your function changes its arguments. Here it got copies; elsewhere that would surprise the caller."
    return Outcome(exercise.name, status, sentence, rows, "".join(made.printed for made in calls)[:MAX_PRINTED], note)


def _attempt(exercise: Exercise, function: Callable, arguments: tuple, calls: list[_Call]) -> Any:
    """Call the learner's function; NotYet if it gives no result."""
    made = _call(function, arguments, TIME_LIMIT)
    calls.append(made)
    if _is_untouched(function, made):
        raise _Untouched
    if made.error is not None:
        said = next((text for name, text in exercise.mistakes.items() if _explains(exercise, name, made)), "")
        shown = f"{type(made.error).__name__.lstrip('_')}: {made.error}".removesuffix(": ")[:300]
        rows = [made.given, ("error", shown), ("in your code", made.line)]
        raise NotYet(said or _error_sentence(made.error), *rows[: 3 if made.line else 2])
    if made.result is None:
        raise NotYet("Your function returns None: does it end with a line `return …`?", made.given, ("got", "None"))
    return made.result


def _error_sentence(error: BaseException) -> str:
    sentences = {
        _TimeLimitExceeded: f"{error} Is there a loop whose condition never becomes false?",
        RecursionError: "Your function calls itself without end: when should it return without calling itself?",
        NameError: f"A name is not known here ({error}): a spelling mistake, or a cell above that has not been run?",
        SystemExit: "Your function stops Python itself (exit, quit); let it return its result instead.",
        BaseException: "Your function stops with an error before it has a result.",
    }
    return next(sentence for kind, sentence in sentences.items() if isinstance(error, kind))


def _check_cases(exercise: Exercise, function: Callable, calls: list[_Call]) -> None:
    """Try the cases up to the first without a result; NotYet if one of them is wrong."""
    made, wrong, failed = [], None, None
    for inputs in exercise.checks.inputs():
        try:
            result = _attempt(exercise, function, inputs, calls)
        except NotYet as error:
            failed = error
            break
        made.append(calls[-1])
        expected = _call(exercise.checks.solution, inputs, float("inf")).result
        if wrong is None and (found := _difference(result, expected)):
            rows = (made[-1].given, ("got", _spell(result)), ("expected", _spell(expected)))
            wrong = made[-1], rows, found
    if wrong:
        call, rows, found = wrong
        mistake = next(_mistakes(exercise, made, call), None)
        if mistake is None:
            raise NotYet(f"The result is not right yet. {found}", *rows)
        raise NotYet(exercise.mistakes[mistake], *rows, ("difference", found))
    if failed:
        raise failed


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
            return wrong.error is None and _same(made.result, wrong.result)
        return mistake in checks.conditions and bool(checks.conditions[mistake](made.result, *made.arguments))
    except Exception:  # a condition that does not apply to this result
        return False


def _call(function: Callable, arguments: tuple, seconds: float) -> _Call:
    """Call a learner's function with copies of its arguments; only KeyboardInterrupt gets through."""
    copies = tuple(map(_copied, arguments))
    printed = _Printed()
    result = error = None
    try:
        with redirect_stdout(printed), _time_limit(seconds):
            result = function(*copies)
            if isinstance(result, GeneratorType):
                result = list(itertools.islice(result, MAX_ITEMS))
    except KeyboardInterrupt:
        raise
    except BaseException as raised:
        error = raised
    changed = any(
        not _same(now, value) and _same(_copied(value), value)  # what differs from its own copy cannot be compared
        for value, now in zip(arguments, copies, strict=True)
    )
    line = _line(error) if error is not None else ""
    return _Call(arguments, result, error, line, printed.getvalue(), changed)


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same; those that cannot be compared are not."""
    with suppress(Exception):
        if type(one) is type(other) and (one == other) is True:  # fast, for large arguments
            return True
    with suppress(Exception):
        return _difference(one, other) is None
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


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Stops a learner's function after some seconds, between two of its lines; libraries run at full speed."""
    before, end = sys.gettrace(), time.monotonic() + seconds

    def trace(frame: FrameType, event: str, argument: Any) -> Callable | None:
        if frame.f_code.co_filename.startswith(_LIBRARIES):
            return None
        if time.monotonic() > end:
            raise _TimeLimitExceeded(f"It was still running after {seconds:g} seconds.")
        return trace

    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


def _line(error: BaseException) -> str:
    """The innermost line of the learner's own code on the way to an error: "line 3: total += x"."""
    places = [(frame.f_code.co_filename, number) for frame, number in walk_tb(error.__traceback__)]
    places = [place for place in places if not place[0].startswith(_LIBRARIES)]
    if not places:
        return ""
    source = linecache.getline(*places[-1]).strip()
    return f"line {places[-1][1]}" + (f": {source}" if source else "")


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
    body = next((node.body for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)), None)
    if body is None:
        return False
    is_empty = all(isinstance(node, ast.Pass) or _is_constant(node) for node in body)
    return is_empty or any(_is_constant(node, ...) for node in ast.walk(tree))


def _is_constant(node: ast.AST, value: Any = None) -> bool:
    """A statement that is only a constant: a docstring, `...`, `return None`; or, with a value, only that one."""
    inner = node.value if isinstance(node, ast.Expr | ast.Return) else ast.Name("not a constant")
    inner = ast.Constant(None) if inner is None else inner
    return isinstance(inner, ast.Constant) and (value is None or inner.value is value)


def _difference(result: Any, expected: Any) -> str | None:
    """Where a result first differs from what was expected, in one sentence; None if it does not.

    Lists and tuples are compared as one kind, and so are numbers of Python, NumPy and torch. Numbers may differ by
    TOLERANCE, relative above 1.

    >>> _difference([1, 2], [1, 3])
    'Item 1 (counted from 0) is 2; expected 3.'
    >>> _difference({"a": 1.00001}, {"a": 1})
    """
    result, expected = _to_numpy(result), _to_numpy(expected)
    found, wanted = (
        next((known for known in _COMPARABLE if isinstance(value, known)), type(value)) for value in (result, expected)
    )
    if wanted is np.ndarray:
        return _array_difference(result, expected)
    if found is not wanted:
        return f"It is {_kind(result)}, {_spell(result)}; expected {_kind(expected)}, {_spell(expected)}."
    if wanted is Mapping:
        return _mapping_difference(result, expected)
    if wanted is Sequence:
        return _sequence_difference(result, expected)
    equal = _is_close(result, expected) if wanted is Number else bool(np.all(result == expected))
    return None if equal else f"It is {_spell(result)}; expected {_spell(expected)}."


def _spell(value: Any) -> str:
    """A value in at most about two lines, numbers with four digits; never fails.

    >>> _spell({"a": 0.333333, "b": [1, 2]})
    "{'a': 0.3333, 'b': [1, 2]}"
    """
    try:
        written = _write(value, depth=0)
    except Exception:
        written = f"a {type(value).__name__} that cannot be printed"
    return written if len(written) <= MAX_LENGTH else written[: MAX_LENGTH - 1] + "…"


def _kind(value: Any) -> str:
    if _is_tensor(value):
        return "a tensor"
    return next((words for known, words in _KINDS.items() if isinstance(value, known)), type(value).__name__)


def _is_tensor(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] == "torch" and hasattr(value, "detach")


def _to_numpy(value: Any) -> Any:
    """Tensors become arrays, arrays without axes become numbers."""
    if _is_tensor(value):
        value = value.detach().cpu()
        value = (value.float() if value.is_floating_point() else value).numpy()
    if isinstance(value, np.ndarray) and value.dtype != object and value.ndim == 0:
        return value.item()
    return value.item() if isinstance(value, np.generic) else value


def _is_close(result: Any, expected: Any) -> bool:
    if result == expected or (isinstance(result, int) and isinstance(expected, int)):
        return result == expected
    try:
        gap = abs(result - expected)
        if not np.isfinite(gap):
            return bool(result != result and expected != expected)
        return bool(gap <= TOLERANCE * (1 + abs(expected)))
    except OverflowError:  # a whole number too large for a float
        return False


def _array_difference(result: Any, expected: np.ndarray) -> str | None:
    if not isinstance(result, np.ndarray):
        return f"It is {_kind(result)}, {_spell(result)}; expected a tensor or array of shape {expected.shape}."
    if result.shape != expected.shape:
        return f"The shape is {result.shape}; expected {expected.shape}."
    if (result.dtype == bool) != (expected.dtype == bool):
        wanted = "True and False (a boolean mask)" if expected.dtype == bool else "numbers, not True and False"
        return f"The entries are {result.dtype}; expected {wanted}."
    equal = result == expected
    if np.issubdtype(expected.dtype, np.number):
        equal = np.isclose(result, expected, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
    if np.all(equal):
        return None
    place = tuple(int(index) for index in np.argwhere(~equal)[0])
    return (
        f"{int((~equal).sum())} of {equal.size} entries differ; the first, at {list(place)}, is "
        f"{_spell(result[place])}; expected {_spell(expected[place])}."
    )


def _mapping_difference(result: Mapping, expected: Mapping) -> str | None:
    missing, extra = [key for key in expected if key not in result], [key for key in result if key not in expected]
    if keys := missing or extra:
        shown = ", ".join(map(_spell, keys[:3])) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")
        words = "missing" if missing else "there and should not be"
        return f"{shown} {'is' if len(keys) == 1 else 'are'} {words}."
    for key in expected:
        if found := _difference(result[key], expected[key]):
            return f"At {_spell(key)}: {found[0].lower()}{found[1:]}"
    return None


def _sequence_difference(result: Sequence, expected: Sequence) -> str | None:
    if len(result) != len(expected):
        return f"It has {len(result)} {'item' if len(result) == 1 else 'items'}; expected {len(expected)}."
    for index, (one, other) in enumerate(zip(result, expected, strict=True)):
        if found := _difference(one, other):
            nested, start = found.removeprefix("It is "), f"Item {index} (counted from 0)"
            return f"{start} is {nested}" if nested != found else f"{start}: {found[0].lower()}{found[1:]}"
    return None


def _write(value: Any, depth: int) -> str:
    value = _to_numpy(value)
    if isinstance(value, np.ndarray):
        shown = _write(value.tolist(), depth) if value.size <= 4 * _MAX_ITEMS else "…"
        return f"{shown}, shape {value.shape}" if depth == 0 else shown
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else str(value)
    if depth > 4:
        return "…"
    more = ["…"] if hasattr(value, "__len__") and len(value) > _MAX_ITEMS else []
    if isinstance(value, dict):
        parts = [
            f"{_write(key, depth + 1)}: {_write(item, depth + 1)}" for key, item in list(value.items())[:_MAX_ITEMS]
        ]
        return "{" + ", ".join([*parts, *more]) + "}"
    if type(value) in (list, tuple, set, frozenset):
        items = sorted(value, key=repr) if isinstance(value, Set) else value
        parts = [_write(item, depth + 1) for item in list(items)[:_MAX_ITEMS]] + more
        start, end = {list: "[]", tuple: "()"}.get(type(value), "{}")
        return start + ", ".join(parts) + ("," if isinstance(value, tuple) and len(parts) == 1 else "") + end
    return repr(value[:MAX_LENGTH]) if isinstance(value, str | bytes) else repr(value)
