"""Two values side by side: equal where a learner would say so, and a sentence where not."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from numbers import Number
from typing import Any

import numpy as np

MAX_ITEMS = 100_000
MAX_LENGTH = 160
TOLERANCE = 1e-4
_HALF_TOLERANCE = 1e-2  # of numbers with 16 bits
_KINDS = {
    np.ndarray: "a tensor or array", bool: "True or False", Number: "a number", str: "a string", bytes: "bytes",
    list: "a list", tuple: "a tuple", dict: "a dict", set: "a set", type(None): "None",
}  # fmt: skip


@dataclass(frozen=True)
class _Other:
    """In place of a value that is no plain data: what it prints."""

    text: str

    def __repr__(self) -> str:
        return self.text


def plain(value: Any) -> Any:
    """A value as Python's own numbers, texts, lists, tuples, sets and dicts, and NumPy's arrays; the rest as _Other."""
    if type(value).__module__.partition(".")[0] == "torch" and hasattr(value, "detach"):
        value = value.detach().cpu()
        is_half = value.is_floating_point() and value.element_size() == 2
        value = (value.half() if is_half else value).numpy()
    if isinstance(value, np.ndarray | np.generic) and value.dtype != object:
        return value if value.ndim else value[()] if value.dtype == np.float16 else value.item()
    if value is None or value is ... or value is NotImplemented:
        return value
    for kind in (bool, int, float, complex, str, bytes):
        if isinstance(value, kind):
            return value if type(value) is kind else kind(value)
    if isinstance(value, Number):
        return float(value)
    if isinstance(value, Mapping):
        return {plain(key): plain(value[key]) for key in islice(value, MAX_ITEMS)}
    if isinstance(value, Iterable):
        kind = next((kind for kind in (tuple, set, frozenset) if isinstance(value, kind)), list)
        return kind(map(plain, islice(value, MAX_ITEMS)))
    try:
        return _Other(repr(value)[:MAX_LENGTH])
    except Exception:
        return _Other(f"a {type(value).__name__} that cannot be printed")


def difference(result: Any, expected: Any) -> str | None:
    """Where a result first differs from what was expected, in one sentence; None if it does not.

    Lists, tuples and arrays are compared as one kind. Numbers may differ by TOLERANCE, relative above 1.

    >>> difference([1, 2], [1, 3])
    'Item 1 (counted from 0) is 2; expected 3.'
    >>> difference({"a": 1.00001}, {"a": 1})
    """
    return _plain_difference(plain(result), plain(expected))


def _plain_difference(result: Any, expected: Any) -> str | None:
    result = _in_form_of(expected, result)
    wanted = next((kind for kind in (np.ndarray, bool, Number, list) if isinstance(expected, kind)), type(expected))
    wanted = list if wanted is tuple else wanted
    if not isinstance(result, wanted) or (wanted is Number and isinstance(result, bool)):
        return f"It is {_kind(result)}, {spell(result)}; expected {_kind(expected)}, {spell(expected)}."
    if wanted is np.ndarray:
        return _array_difference(result, expected)
    if wanted is dict:
        return _mapping_difference(result, expected)
    if wanted is list:
        return _sequence_difference(result, expected)
    equal = _is_close(result, expected) if wanted is Number else result == expected
    return None if equal else f"It is {spell(result)}; expected {spell(expected)}."


def _in_form_of(expected: Any, result: Any) -> Any:
    """A list as an array where one is expected, an array as a list or a number: all are right."""
    if isinstance(expected, np.ndarray) and isinstance(result, list | tuple):
        with suppress(ValueError):  # rows of different lengths
            array = np.array(result)
            return array if array.dtype.kind in "biufc" else result
    if isinstance(expected, Number) and isinstance(result, np.ndarray) and result.size == 1:
        return plain(result.flat[0])
    if isinstance(expected, list | tuple) and isinstance(result, np.ndarray | tuple):
        return [plain(one) for one in result] if isinstance(result, np.ndarray) else list(result)
    return result


class _Short(reprlib.Repr):
    """A value in a line: numbers with four digits, at most twelve items."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlist = self.maxtuple = self.maxset = self.maxdict = 12
        self.maxstring = self.maxother = self.maxlong = MAX_LENGTH

    def repr_float(self, value: float, level: int) -> str:
        return f"{value:.4g}"

    repr_float16 = repr_float

    def repr_instance(self, value: object, level: int) -> str:
        return getattr(value, "__name__", None) or super().repr_instance(value, level)

    def repr_ndarray(self, value: np.ndarray, level: int) -> str:
        shown = self.repr1(value.tolist(), level) if value.size <= 48 else "…"
        return f"{shown}, shape {value.shape}" if level == self.maxlevel else shown


def spell(value: Any) -> str:
    """A value in at most about two lines, numbers with four digits; never fails.

    >>> spell({"a": 0.333333, "b": [1, 2]})
    "{'a': 0.3333, 'b': [1, 2]}"
    """
    written = _Short().repr(plain(value))
    return written if len(written) <= MAX_LENGTH else written[: MAX_LENGTH - 1] + "…"


def _kind(value: Any) -> str:
    return next((words for known, words in _KINDS.items() if isinstance(value, known)), "an object")


def _is_close(result: Any, expected: Any) -> Any:
    """Whether two numbers are the same but for rounding, or which entries of two arrays are."""
    if isinstance(result, int) and isinstance(expected, int):
        return result == expected
    tolerance = _HALF_TOLERANCE if getattr(result, "dtype", None) == np.float16 else TOLERANCE
    try:
        return np.isclose(result, expected, rtol=tolerance, atol=tolerance, equal_nan=True)
    except (OverflowError, TypeError):  # a whole number too large for a float
        return False


def _array_difference(result: np.ndarray, expected: np.ndarray) -> str | None:
    if result.shape != expected.shape:
        return f"The shape is {result.shape}; expected {expected.shape}."
    if (result.dtype == bool) != (expected.dtype == bool):
        wanted = "True and False (a boolean mask)" if expected.dtype == bool else "numbers, not True and False"
        return f"The entries are {result.dtype}; expected {wanted}."
    equal = _is_close(result, expected) if expected.dtype.kind in "iufc" else result == expected
    if np.all(equal):
        return None
    place = tuple(int(index) for index in np.argwhere(~equal)[0])
    return (
        f"{int((~equal).sum())} of {equal.size} entries differ; the first, at {list(place)}, is "
        f"{spell(result[place])}; expected {spell(expected[place])}."
    )


def _mapping_difference(result: Mapping, expected: Mapping) -> str | None:
    missing, extra = [key for key in expected if key not in result], [key for key in result if key not in expected]
    if keys := missing or extra:
        shown = ", ".join(map(spell, keys[:3])) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")
        words = "missing" if missing else "there and should not be"
        return f"{shown} {'is' if len(keys) == 1 else 'are'} {words}."
    for key in expected:
        if found := _plain_difference(result[key], expected[key]):
            return f"At {spell(key)}: {found[0].lower()}{found[1:]}"
    return None


def _sequence_difference(result: list, expected: list | tuple) -> str | None:
    if len(result) != len(expected):
        return f"It has {len(result)} {'item' if len(result) == 1 else 'items'}; expected {len(expected)}."
    for index, (one, other) in enumerate(zip(result, expected, strict=True)):
        if found := _plain_difference(one, other):
            nested, start = found.removeprefix("It is "), f"Item {index} (counted from 0)"
            return f"{start} is {nested}" if nested != found else f"{start}: {found[0].lower()}{found[1:]}"
    return None
