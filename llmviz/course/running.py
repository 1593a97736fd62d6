"""Running a learner's function so that nothing it does can do harm: copies go in, prints are caught, loops end."""

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
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, GeneratorType, TracebackType
from typing import Any

from llmviz.course.compare import same

MOST_ITEMS = 100_000
MOST_PRINTED = 2_000
_PACKAGE = str(Path(__file__).resolve().parent.parent)
_LIBRARIES = tuple({*sysconfig.get_paths().values(), _PACKAGE, "<frozen"} - {sysconfig.get_paths()["data"]})


class TimeLimitExceeded(BaseException):
    """Patience is over. Not an Exception, so that a learner's `except Exception` does not catch it."""


@dataclass(frozen=True)
class Call:
    """What one call of a learner's function did.

    Attributes:
        given: the arguments, as they were before the call.
        got: what it returned; a generator is run and given as a list.
        error: what it raised, or None. where: the learner's own line in which that happened, in words.
        printed: what it printed, at most its first 2,000 characters.
        changed: whether it changed its arguments.
    """

    given: tuple
    got: Any = None
    error: BaseException | None = None
    where: str = ""
    printed: str = ""
    changed: bool = False


def call(function: Callable, given: tuple, seconds: float = 10.0) -> Call:
    """Call a learner's function with copies of its arguments; report whatever happens. Only Ctrl-C gets through."""
    copies = tuple(map(_copied, given))
    printed = _Printed()
    got = error = None
    try:
        with redirect_stdout(printed), _TimeLimit(seconds):
            got = function(*copies)
            if isinstance(got, GeneratorType):
                got = list(itertools.islice(got, MOST_ITEMS))
    except KeyboardInterrupt:
        raise
    except BaseException as raised:
        error = raised
    changed = any(
        same(_copied(value), value) and not same(now, value)  # what differs from its own copy cannot be judged
        for value, now in zip(given, copies, strict=True)
    )
    where = _place(error.__traceback__) if error is not None else ""
    return Call(given, got, error, where, printed.getvalue(), changed)


def is_untouched(function: Callable, result: Call) -> bool:
    """Whether this is still the stub: `...`, NotImplementedError, or nothing but an empty body.

    A function that computes and forgets to `return` is not a stub, unless a line `...` still stands in it.
    """
    if isinstance(result.error, NotImplementedError) or result.got is ... or result.got is NotImplemented:
        return True
    return result.error is None and result.got is None and _is_empty(function)


def _is_empty(function: Callable) -> bool:
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


def _copied(value: Any) -> Any:
    try:
        return copy.deepcopy(value)
    except Exception:
        return value


class _Printed(io.StringIO):
    """Keeps the beginning of what is printed and forgets the rest."""

    def write(self, text: str) -> int:
        super().write(text[: max(0, MOST_PRINTED - self.tell())])
        return len(text)


class _TimeLimit:
    """Ends a function of the learner's after some seconds, line by line; libraries run at full speed."""

    def __init__(self, seconds: float):
        self.seconds = seconds

    def __enter__(self) -> None:
        self.before, self.end = sys.gettrace(), time.monotonic() + self.seconds
        sys.settrace(self.look)

    def __exit__(self, *_: object) -> None:
        sys.settrace(self.before)

    def look(self, frame: FrameType, event: str, argument: Any) -> Callable | None:
        if _is_library(frame.f_code.co_filename):
            return None
        if time.monotonic() > self.end:
            raise TimeLimitExceeded(f"It was still running after {self.seconds:g} seconds.")
        return self.look


def _is_library(filename: str) -> bool:
    return filename.startswith(_LIBRARIES)


def _place(traceback: TracebackType | None) -> str:
    """The innermost line of the learner's own on the way to an error: "line 3: total += x"."""
    place = ""
    while traceback is not None:
        filename, number = traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
        if not _is_library(filename):
            line = linecache.getline(filename, number).strip()
            place = f"line {number}" + (f": {line}" if line else "")
        traceback = traceback.tb_next
    return place
