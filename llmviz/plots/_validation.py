"""Input validation of all plots and widgets: each error says what was given and what was expected."""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from llmviz.plots._labels import count

_WRONG_KIND = (AttributeError, IndexError, KeyError, OverflowError, RuntimeError, TypeError)
MAX_MAGNITUDE = 1e15
MAX_BASELINES, MAX_GROUPS = 12, 8
SUM_TOLERANCE = 1e-3  # how far a sum of probabilities may be from 1


def named_errors(name: str) -> Callable[[Callable], Callable]:
    """Decorate what takes a learner's arguments: where one is of a wrong kind, the error names what was called."""

    def decorate(function: Callable) -> Callable:
        @functools.wraps(function)
        def checked(*arguments, **options):
            try:
                return function(*arguments, **options)
            except _WRONG_KIND as error:
                parameters = ", ".join(one for one in inspect.signature(function).parameters if one != "self")
                raise ValueError(f"{name} cannot use an argument ({error}); it takes {parameters}.") from error

        return checked

    return decorate


def as_array(values, name: str) -> np.ndarray:
    """Return an array; a torch tensor may require gradients or lie on a GPU."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = values.double() if values.is_floating_point() else values
    try:
        return np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} is no array: rows of unequal length, or not numbers ({error}).") from error


def finite_numbers(values, name: str, n_dims: int, n_expected: int | None = None, expected_by: str = "") -> np.ndarray:
    """Return real, finite numbers with the given number of dimensions, and the expected length, as float64."""
    array = as_array(values, name)
    if array.ndim != n_dims:
        raise ValueError(f"{name} must have {count(n_dims, 'dimension')}, but has shape {array.shape}.")
    if array.size == 0:
        raise ValueError(f"{name} is empty (shape {array.shape}): there is nothing to draw.")
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} must hold real numbers, but holds {array.dtype}.")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        place = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ValueError(f"{name} must be finite, but is {array[*place]} at {place}: look where it was computed.")
    if np.abs(array).max() > MAX_MAGNITUDE:
        raise ValueError(f"{name} must lie within ±{MAX_MAGNITUDE:g}: more than that cannot be drawn.")
    if n_expected is not None:
        same_length(array, name, n_expected, expected_by)
    return array


def text_list(texts: Iterable[str], name: str, n_expected: int | None = None, expected_by: str = "") -> list[str]:
    """Return the texts as a list, and say both sizes where their number is not the expected one."""
    if isinstance(texts, str | bytes):
        raise ValueError(f"{name} must be a list of strings, not one string: write [{texts[:20]!r}] or list(text).")
    try:
        texts = list(texts)
    except TypeError as error:
        raise ValueError(f"{name} must be a list of strings, but is {type(texts).__name__}.") from error
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            given = f"number {position} is {type(text).__name__}"
            raise ValueError(f"{name} must be strings, but {given}: tokenizer.tokens(token_ids) makes strings of ids.")
    if not texts:
        raise ValueError(f"There are no {name} to draw: the list is empty.")
    if n_expected is not None:
        same_length(texts, name, n_expected, expected_by)
    return [str(text) for text in texts]


def group_list(groups, n_expected: int, expected_by: str) -> list[str]:
    """Return the group of each entry, from at most so many groups as colors tell apart."""
    groups = text_list(groups, "groups", n_expected, expected_by)
    if (n_groups := len(set(groups))) > MAX_GROUPS:
        raise ValueError(f"at most {MAX_GROUPS} groups can be told apart; given {n_groups}: join some, as 'other'.")
    return groups


def named_series(
    values, name: str, most: int, n_expected: int | None = None, expected_by: str = "", *, n_dims: int = 1
) -> dict[str, np.ndarray]:
    """Return {name: numbers}, from 1 to so many of them."""
    if not isinstance(values, Mapping) or not 1 <= len(values) <= most:
        given = len(values) if isinstance(values, Mapping) else type(values).__name__
        raise ValueError(f"{name} must be a dict from a name to its values, from 1 to {most} of them; given {given}.")
    return {
        str(key): finite_numbers(numbers, f"{name} {key!r}", n_dims, n_expected, expected_by)
        for key, numbers in values.items()
    }


def named_baselines(values) -> dict[str, float]:
    """Return named losses, the horizontal lines of a loss curve; there may be none."""
    lines = named_series(values, "baselines", MAX_BASELINES, n_dims=0) if values else {}
    return {name: float(loss) for name, loss in lines.items()}


def whole_numbers(values, name: str, n_expected: int, expected_by: str) -> list[int]:
    """Return whole numbers, one for each expected entry."""
    array = as_array(values, name)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(f"{name} must be whole numbers (n), but has shape {array.shape} and holds {array.dtype}.")
    same_length(array, name, n_expected, expected_by)
    return [int(number) for number in array]


def whole_number(value, name: str, least: int, most: int) -> int:
    """Return one whole number, if it lies within its limits."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{name} must be a whole number from {least:,} to {most:,}, but is {value!r:.60}.")
    return int(value)


def probability_vector(values, name: str) -> np.ndarray:
    """Return probabilities (n,): none negative, and together at most 1."""
    array = finite_numbers(values, name, 1)
    if array.min() < 0:
        given = f"number {int(array.argmin())} is {array.min():.3g}"
        raise ValueError(f"{name} must not be negative, but {given}: are these logits? A softmax makes probabilities.")
    if array.sum() > 1 + SUM_TOLERANCE:
        raise ValueError(f"{name} must add up to at most 1, but adds up to {array.sum():.4g}.")
    return array


def shares(values, name: str, n_dims: int) -> np.ndarray:
    """Return numbers that all lie between 0 and 1."""
    array = finite_numbers(values, name, n_dims)
    if array.min() < 0 or array.max() > 1 + SUM_TOLERANCE:
        raise ValueError(f"{name} must lie between 0 and 1; given {array.min():.3g} to {array.max():.3g}")
    return array


def same_length(values: Sequence, name: str, n_expected: int, expected_by: str) -> None:
    """Raise ValueError where the number of values is not the expected one."""
    if len(values) != n_expected:
        n_values = f"{len(values):,} entr{'y' if len(values) == 1 else 'ies'}"
        raise ValueError(f"{name} has {n_values}, but {expected_by} has {n_expected:,}: one for each.")


def _attention_mask(weights: np.ndarray, mask) -> np.ndarray:
    """Return the mask (query, key), True = may attend.

    Without one, guess: causal where all of the future is exactly 0, else nothing is masked.
    """
    shape = weights.shape[-2:]
    if mask is None:
        causal = np.tril(np.ones(shape, dtype=bool))
        return causal if not weights[..., ~causal].any() else np.ones(shape, dtype=bool)
    mask = as_array(mask, "mask")
    if mask.dtype.kind != "b":
        raise ValueError(f"mask must be boolean (True = may attend), but holds {mask.dtype}.")
    if mask.shape != shape:
        raise ValueError(f"mask has shape {mask.shape}, but attention_weights are {shape} (query, key).")
    if (weights[..., ~mask] > SUM_TOLERANCE).any():
        largest = weights[..., ~mask].max()
        raise ValueError(f"mask forbids a weight of {largest:.2g}: is it upside down? True means may attend.")
    return mask


def attention(weights, tokens, mask, n_dims: int) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Return attention weights (…, query, key), their tokens and their mask, all in agreement."""
    weights = finite_numbers(weights, "attention_weights", n_dims)
    n_queries, n_keys = weights.shape[-2:]
    tokens = text_list(tokens, "tokens")
    if not n_queries == n_keys == len(tokens):
        given = f"attention_weights are {n_queries} × {n_keys} (query × key), but there are {len(tokens)} tokens"
        raise ValueError(f"{given}: each token needs a row and a column.")
    mask = _attention_mask(weights, mask)
    _check_rows(weights, "attention_weights", "rows are queries, columns are keys", hidden=~mask.any(axis=-1))
    return weights, tokens, mask


def cross_attention(weights, target, source) -> tuple[np.ndarray, list[str], list[str]]:
    """Return cross-attention (target, source) and its words, all in agreement."""
    weights = finite_numbers(weights, "cross_attention", 2)
    target = text_list(target, "target", weights.shape[0], "cross_attention (its rows)")
    source = text_list(source, "source", weights.shape[1], "cross_attention (its columns)")
    _check_rows(weights, "cross_attention", "rows are target words, columns are source words")
    return weights, target, source


def _check_rows(weights: np.ndarray, name: str, rows: str, hidden: np.ndarray | bool = False) -> None:
    """Raise ValueError for negative weights, and for rows that do not add up to 1; hidden ones may be empty."""
    if weights.min() < 0:
        raise ValueError(f"{name} must not be negative, but holds {weights.min():.3g}: a softmax makes scores weights.")
    sums = weights.sum(axis=-1)
    wrong = (np.abs(sums - 1) > SUM_TOLERANCE) & ~((sums == 0) & hidden)
    if wrong.any():
        place = np.argwhere(wrong)[0].tolist()
        given = f"row {place[-1]} adds up to {sums[*place]:.4g}"
        raise ValueError(f"each row of {name} must add up to 1, but {given}: {rows}.")
