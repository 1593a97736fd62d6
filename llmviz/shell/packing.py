"""What Python hands to a page: numbers as base64, everything else as JSON that no text can break out of."""

import base64
import hashlib
import json

import numpy as np

_DTYPES = ("uint8", "uint16", "int8", "int16", "int32", "float32")
_UNSAFE = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
_ID_LENGTH = 12


def pack(values, dtype: str) -> dict:
    """Return numbers as the shell's `unpack` reads them: {"dtype", "shape", "data": base64, little-endian}.

    `dtype` is uint8, uint16, int8, int16, int32 or float32. Raises ValueError where a number does not fit into it.

    >>> pack([[0, 255]], "uint8")
    {'dtype': 'uint8', 'shape': [1, 2], 'data': 'AP8='}
    """
    if dtype not in _DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(_DTYPES)}, but is {dtype!r}.")
    array = np.asarray(values)
    if array.size and not np.isfinite(array).all():
        raise ValueError(f"numbers for a page must be finite, but {int((~np.isfinite(array)).sum())} of them are not.")
    if array.size and not dtype.startswith("float"):
        limits = np.iinfo(dtype)
        if array.min() < limits.min or array.max() > limits.max:
            raise ValueError(
                f"{dtype} holds {limits.min} to {limits.max}, but the numbers go from {array.min()} to {array.max()}."
            )
    little = np.ascontiguousarray(array, dtype=np.dtype(dtype).newbyteorder("<"))
    return {"dtype": dtype, "shape": list(array.shape), "data": base64.b64encode(little.tobytes()).decode("ascii")}


def to_json(value) -> str:
    """Return JSON that may stand inside `<script>`: `</script>`, lone surrogates and all others are inert.

    >>> to_json({"token": "</script>"})
    '{"token":"\\\\u003c/script\\\\u003e"}'
    """
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).translate(_UNSAFE)


def stable_id(*inputs) -> str:
    """Return an id made of the inputs: texts, sizes, options. Never of computed floats, which differ by processor.

    >>> stable_id("attention", ["Mia", " ran"], 4) == stable_id("attention", ["Mia", " ran"], 4)
    True
    """
    return hashlib.sha256(to_json(inputs).encode("ascii")).hexdigest()[:_ID_LENGTH]


def well_formed(text: str) -> str:
    """Return the text with every lone surrogate and NUL replaced by U+FFFD, so that it can be saved as UTF-8.

    >>> well_formed("a\\ud83d")
    'a\\ufffd'
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "\ufffd")
