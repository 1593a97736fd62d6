"""Two values side by side: are they the same, and if not, where do they first differ, in one sentence?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from numbers import Number
from typing import Any

import numpy as np

LONGEST = 160
MANY = 12


def difference(got: Any, expected: Any, tolerance: float = 1e-4) -> str | None:
    """Say where a result first differs from what was expected; None when it does not.

    Lists and tuples count as the same kind of thing, so do numbers of Python, NumPy and torch. Numbers may differ by
    `tolerance`, times their size where they are above 1.

    >>> difference([1, 2], [1, 3])
    'Item 1 (counted from 0) is 2; expected 3.'
    >>> difference({"a": 1.00001}, {"a": 1})
    """
    got, expected = _plain(got), _plain(expected)
    if isinstance(expected, np.ndarray):
        return _array_difference(got, expected, tolerance)
    if isinstance(expected, Mapping):
        return _mapping_difference(got, expected, tolerance) if isinstance(got, Mapping) else _kinds(got, expected)
    if isinstance(expected, str | bytes | bool) or expected is None:
        if type(got) is not type(expected):
            return _kinds(got, expected)
        return None if got == expected else f"It is {spell(got)}; expected {spell(expected)}."
    if isinstance(expected, Number):
        return _number_difference(got, expected, tolerance)
    if isinstance(expected, Set):
        return _set_difference(got, expected) if isinstance(got, Set) else _kinds(got, expected)
    if isinstance(expected, Sequence):
        listed = isinstance(got, Sequence) and not isinstance(got, str | bytes)
        return _sequence_difference(got, expected, tolerance) if listed else _kinds(got, expected)
    return None if _equal(got, expected) else f"It is {spell(got)}; expected {spell(expected)}."


def same(got: Any, expected: Any, tolerance: float = 1e-4) -> bool:
    """Whether `difference` finds none; what cannot be compared is not the same."""
    try:
        return difference(got, expected, tolerance) is None
    except Exception:
        return False


def spell(value: Any) -> str:
    """Write a value in at most about two lines, numbers with four digits; never fails, whatever the value.

    >>> spell({"a": 0.333333, "b": [1, 2]})
    "{'a': 0.3333, 'b': [1, 2]}"
    """
    try:
        written = _spell(value, depth=0)
    except Exception:
        written = f"a {type(value).__name__} that cannot be printed"
    return written if len(written) <= LONGEST else written[: LONGEST - 1] + "…"


def kind(value: Any) -> str:
    """What sort of thing a value is, in a word or two."""
    if _is_tensor(value):
        return "a tensor"
    if value is None:
        return "None"
    names = {
        np.ndarray: "an array", bool: "True or False", int: "a number", float: "a number", str: "a string",
        bytes: "bytes", list: "a list", tuple: "a tuple", dict: "a dict", set: "a set",
    }  # fmt: skip
    name = next((name for known, name in names.items() if isinstance(value, known)), type(value).__name__)
    return "a number" if isinstance(value, Number) and name == type(value).__name__ else name


def _is_tensor(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] == "torch" and hasattr(value, "detach")


def _plain(value: Any) -> Any:
    """Tensors become arrays, arrays without axes become numbers."""
    if _is_tensor(value):
        value = value.detach().cpu()
        value = (value.float() if value.is_floating_point() else value).numpy()
    if isinstance(value, np.ndarray) and value.dtype != object and value.ndim == 0:
        return value.item()
    return value.item() if isinstance(value, np.generic) else value


def _kinds(got: Any, expected: Any) -> str:
    return f"It is {kind(got)}, {spell(got)}; expected {kind(expected)}, {spell(expected)}."


def _equal(got: Any, expected: Any) -> bool:
    return bool(np.all(got == expected))


def _number_difference(got: Any, expected: Any, tolerance: float) -> str | None:
    if not isinstance(got, Number) or isinstance(got, bool):
        return _kinds(got, expected)
    exact = isinstance(expected, int) and isinstance(got, int)
    alike = got == expected or (not exact and _near_number(got, expected, tolerance))
    return None if alike else f"It is {spell(got)}; expected {spell(expected)}."


def _near_number(got: Any, expected: Any, tolerance: float) -> bool:
    try:
        gap, size = abs(got - expected), abs(expected)
        return bool(gap <= tolerance * (1 + size)) if np.isfinite(gap) else bool(got != got and expected != expected)
    except OverflowError:  # a whole number too large for a float
        return False


def _array_difference(got: Any, expected: np.ndarray, tolerance: float) -> str | None:
    if not isinstance(got, np.ndarray):
        return f"It is {kind(got)}, {spell(got)}; expected a tensor or array of shape {expected.shape}."
    if got.shape != expected.shape:
        return f"The shape is {got.shape}; expected {expected.shape}."
    if (got.dtype == bool) != (expected.dtype == bool):
        wanted = "True and False (a boolean mask)" if expected.dtype == bool else "numbers, not True and False"
        return f"It holds {got.dtype}; expected {wanted}."
    numeric = expected.dtype != bool and np.issubdtype(expected.dtype, np.number)
    alike = got == expected
    if numeric:
        alike = np.isclose(got, expected, rtol=tolerance, atol=tolerance, equal_nan=True)
    if np.all(alike):
        return None
    place = tuple(int(index) for index in np.argwhere(~alike)[0])
    return (
        f"{int((~alike).sum())} of {alike.size} entries differ; the first, at {list(place)}, is "
        f"{spell(got[place])}; expected {spell(expected[place])}."
    )


def _mapping_difference(got: Mapping, expected: Mapping, tolerance: float) -> str | None:
    missing = [key for key in expected if key not in got]
    surplus = [key for key in got if key not in expected]
    for keys, what in ((missing, "missing"), (surplus, "there and should not be")):
        if keys:
            verb = "is" if len(keys) == 1 else "are"
            return f"{_some(keys)} {verb} {what}."
    for key in expected:
        found = difference(got[key], expected[key], tolerance)
        if found:
            return f"At {spell(key)}: {found[0].lower()}{found[1:]}"
    return None


def _set_difference(got: Set, expected: Set) -> str | None:
    for items, what in ((expected - got, "missing"), (got - expected, "in it and should not be")):
        if items:
            return f"{_some(sorted(items, key=repr))} {'is' if len(items) == 1 else 'are'} {what}."
    return None


def _sequence_difference(got: Sequence, expected: Sequence, tolerance: float) -> str | None:
    for index, (one, other) in enumerate(zip(got, expected, strict=False)):
        found = difference(one, other, tolerance)
        if found and len(got) == len(expected):
            nested = found.removeprefix("It is ")
            start = f"Item {index} (counted from 0)"
            return f"{start} is {nested}" if nested != found else f"{start}: {found[0].lower()}{found[1:]}"
    if len(got) != len(expected):
        return f"It has {_items(len(got))}; expected {len(expected)}."
    return None


def _items(n: int) -> str:
    return "1 item" if n == 1 else f"{n} items"


def _some(keys: Sequence) -> str:
    shown = ", ".join(spell(key) for key in keys[:3])
    return shown if len(keys) <= 3 else f"{shown} and {len(keys) - 3} more"


def _spell(value: Any, depth: int) -> str:
    value = _plain(value)
    if isinstance(value, np.ndarray):
        shown = _spell(value.tolist(), depth) if value.size <= 4 * MANY else "…"
        return f"{shown}, shape {value.shape}" if depth == 0 else shown
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else str(value)
    if depth > 4:
        return "…"
    if isinstance(value, dict):
        parts = [f"{_spell(key, depth + 1)}: {_spell(item, depth + 1)}" for key, item in list(value.items())[:MANY]]
        return "{" + ", ".join([*parts, *(["…"] if len(value) > MANY else [])]) + "}"
    if type(value) in (list, tuple, set, frozenset):
        items = sorted(value, key=repr) if isinstance(value, Set) else value
        parts = [_spell(item, depth + 1) for item in list(items)[:MANY]] + (["…"] if len(value) > MANY else [])
        start, end = {list: "[]", tuple: "()"}.get(type(value), "{}")
        return start + ", ".join(parts) + ("," if isinstance(value, tuple) and len(parts) == 1 else "") + end
    if isinstance(value, str | bytes):
        return repr(value[:LONGEST])
    return repr(value)
