"""Compares two values: are they the same, and if not, where do they first differ, in one sentence?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from numbers import Number
from typing import Any

import numpy as np

TOLERANCE = 1e-4
MAX_LENGTH = 160
_MAX_ITEMS = 12
_KINDS = {
    np.ndarray: "an array", bool: "True or False", Number: "a number", str: "a string", bytes: "bytes", list: "a list",
    tuple: "a tuple", dict: "a dict", set: "a set", type(None): "None",
}  # fmt: skip
_COMPARABLE = (np.ndarray, bool, Number, str, bytes, Mapping, Sequence)


def difference(result: Any, expected: Any) -> str | None:
    """Where a result first differs from what was expected, in one sentence; None if it does not.

    Lists and tuples are compared as one kind, and so are numbers of Python, NumPy and torch. Numbers may differ by
    TOLERANCE, relative above 1.

    >>> difference([1, 2], [1, 3])
    'Item 1 (counted from 0) is 2; expected 3.'
    >>> difference({"a": 1.00001}, {"a": 1})
    """
    result, expected = _to_numpy(result), _to_numpy(expected)
    found, wanted = (
        next((known for known in _COMPARABLE if isinstance(value, known)), type(value)) for value in (result, expected)
    )
    if wanted is np.ndarray:
        return _array_difference(result, expected)
    if found is not wanted:
        return f"It is {_kind(result)}, {spell(result)}; expected {_kind(expected)}, {spell(expected)}."
    if wanted is Mapping:
        return _mapping_difference(result, expected)
    if wanted is Sequence:
        return _sequence_difference(result, expected)
    equal = _is_close(result, expected) if wanted is Number else bool(np.all(result == expected))
    return None if equal else f"It is {spell(result)}; expected {spell(expected)}."


def spell(value: Any) -> str:
    """A value in at most about two lines, numbers with four digits; never fails.

    >>> spell({"a": 0.333333, "b": [1, 2]})
    "{'a': 0.3333, 'b': [1, 2]}"
    """
    try:
        written = _spell(value, depth=0)
    except Exception:
        written = f"a {type(value).__name__} that cannot be printed"
    return written if len(written) <= MAX_LENGTH else written[: MAX_LENGTH - 1] + "…"


def _kind(value: Any) -> str:
    """What kind of thing a value is, in a word or two."""
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
        return f"It is {_kind(result)}, {spell(result)}; expected a tensor or array of shape {expected.shape}."
    if result.shape != expected.shape:
        return f"The shape is {result.shape}; expected {expected.shape}."
    if (result.dtype == bool) != (expected.dtype == bool):
        wanted = "True and False (a boolean mask)" if expected.dtype == bool else "numbers, not True and False"
        return f"The entries are {result.dtype}; expected {wanted}."
    equal = result == expected
    if expected.dtype != bool and np.issubdtype(expected.dtype, np.number):
        equal = np.isclose(result, expected, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
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
        if found := difference(result[key], expected[key]):
            return f"At {spell(key)}: {found[0].lower()}{found[1:]}"
    return None


def _sequence_difference(result: Sequence, expected: Sequence) -> str | None:
    if len(result) != len(expected):
        return f"It has {len(result)} {'item' if len(result) == 1 else 'items'}; expected {len(expected)}."
    for index, (one, other) in enumerate(zip(result, expected, strict=True)):
        if found := difference(one, other):
            nested, start = found.removeprefix("It is "), f"Item {index} (counted from 0)"
            return f"{start} is {nested}" if nested != found else f"{start}: {found[0].lower()}{found[1:]}"
    return None


def _spell(value: Any, depth: int) -> str:
    value = _to_numpy(value)
    if isinstance(value, np.ndarray):
        shown = _spell(value.tolist(), depth) if value.size <= 4 * _MAX_ITEMS else "…"
        return f"{shown}, shape {value.shape}" if depth == 0 else shown
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else str(value)
    if depth > 4:
        return "…"
    more = ["…"] if hasattr(value, "__len__") and len(value) > _MAX_ITEMS else []
    if isinstance(value, dict):
        parts = [
            f"{_spell(key, depth + 1)}: {_spell(item, depth + 1)}" for key, item in list(value.items())[:_MAX_ITEMS]
        ]
        return "{" + ", ".join([*parts, *more]) + "}"
    if type(value) in (list, tuple, set, frozenset):
        items = sorted(value, key=repr) if isinstance(value, Set) else value
        parts = [_spell(item, depth + 1) for item in list(items)[:_MAX_ITEMS]] + more
        start, end = {list: "[]", tuple: "()"}.get(type(value), "{}")
        return start + ", ".join(parts) + ("," if isinstance(value, tuple) and len(parts) == 1 else "") + end
    return repr(value[:MAX_LENGTH]) if isinstance(value, str | bytes) else repr(value)
