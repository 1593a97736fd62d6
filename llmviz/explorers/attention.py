"""AttentionExplorer: all heads of all layers, and each token's looks, to touch (lesson 3)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from llmviz import figures, head_roles
from llmviz.figures import checks
from llmviz.figures.labels import count, spoken_token
from llmviz.shell import Explorer, Table, pack

MODULE = Path(__file__).parent / "static" / "attention.js"
CODE = "trace.attention_weights[{layer}, 0, {head}][{query}, {key}]"

_FINE_BYTES = 200_000  # up to here weights are sent as uint16 (exact to five digits), beyond as uint8 (to 0.002)
_N_NAMED = 3


class AttentionExplorer(Explorer):
    """Look into the heads of a model: who looks at whom, how much, in which head.

    Args:
        attention_weights: (layer, head, query, key), or without layer, or without both; each row adds up to 1.
        tokens: one text a position.
        mask: (query, key), bool, True = may attend; without it, causal where all of the future is exactly 0.
        head_scores: name to (layer, head), numbers from 0 to 1 that tell what a head does; without it those of
            `llmviz.head_roles`.
        layer, head: which head is chosen first.
        threshold: weights below it are not drawn as lines.
        code: the line of Python that gives one weight, with {layer}, {head}, {query} and {key} in it.
        predict: ask "which token does X look at most?" before anything is shown.

    Raises ValueError for shapes that do not fit, negative weights, and rows that do not add up to 1. Lesson 3.

    >>> AttentionExplorer([[1, 0], [0.25, 0.75]], ["Mia", " ran"])
    1 layer × 1 head over 2 tokens. Layer 0, head 0: “·ran” (position 1) looks most at “·ran” (about 0.8).
    """

    module = MODULE
    title = "Attention explorer"

    def __init__(
        self,
        attention_weights,
        tokens: Sequence[str],
        *,
        mask=None,
        head_scores: Mapping[str, object] | None = None,
        layer: int = 0,
        head: int = 0,
        threshold: float = 0.05,
        code: str = CODE,
        predict: bool = False,
    ):
        self.weights, self.tokens, self.mask = _checked(attention_weights, tokens, mask)
        self.labels = [spoken_token(token, 24)[1:-1] for token in self.tokens]
        self.n_layers, self.n_heads = self.weights.shape[:2]
        self.layer, self.head = _place(layer, self.n_layers, "layer"), _place(head, self.n_heads, "head")
        self.head_scores = _scores(head_scores, self.weights, self.tokens)
        self.threshold, self.code, self.predict = float(threshold), code, predict

    def traits(self) -> dict:
        """Return the payload and the state that the module starts with."""
        return {
            "payload": self._payload(),
            "layer": self.layer,
            "head": self.head,
            "threshold": self.threshold,
            "pins": [],
            "predict": self.predict,
        }

    def _payload(self) -> dict:
        return {
            "labels": self.labels,
            "n_layers": self.n_layers,
            "n_heads": self.n_heads,
            "mask": None if _is_causal(self.mask) else pack(self.mask, "uint8"),
            "weights": pack_weights(self.weights, self.mask),
            "scores": {name: np.round(values, 3).tolist() for name, values in self.head_scores.items()},
            "code": self.code,
        }

    def inputs(self) -> list:
        """Return what makes the id: the tokens, the sizes, the choices."""
        return [self.labels, self.n_layers, self.n_heads, self.layer, self.head, self.threshold, self.predict]

    def sentence(self) -> str:
        """Say how many heads there are, and where the last token looks in the chosen one."""
        heads = f"{count(self.n_layers, 'layer')} × {count(self.n_heads, 'head')}"
        size = f"{heads} over {count(len(self.tokens), 'token')}."
        if self.predict:
            return f"{size} Where do they look? Predict it first."
        last = len(self.tokens) - 1
        [key, *_] = top_keys(self.weights[self.layer, self.head, last], 1)
        weight = self.weights[self.layer, self.head, last, key]
        return (
            f"{size} Layer {self.layer}, head {self.head}: {spoken_token(self.tokens[last])} (position {last}) "
            f"looks most at {spoken_token(self.tokens[key])} (about {weight:.1f})."
        )

    def table(self) -> Table:
        """Return the top three of each token in the chosen head."""
        weights = self.weights[self.layer, self.head]
        rows = [
            [f"{position} {label}", *(f"{self.labels[key]} {row[key]:.2f}" for key in top_keys(row, _N_NAMED))]
            for position, (label, row) in enumerate(zip(self.labels, weights, strict=True))
        ]
        columns = ["token", "looks most at", "then at", "then at"]
        rows = [row + [""] * (len(columns) - len(row)) for row in rows]
        return Table(f"Layer {self.layer}, head {self.head}: where each token looks", columns, rows)

    def picture(self) -> bytes:
        """Return the mosaic of all heads as PNG."""
        return figures.to_png(figures.attention_heads(self.weights, self.tokens, mask=self.mask)[0, 0])


def top_keys(row: np.ndarray, n_keys: int) -> list[int]:
    """Return the positions of the largest weights of a row, the largest first, without those that are 0."""
    order = np.argsort(-row.round(4), kind="stable")[:n_keys]
    return [int(key) for key in order if row[key] > 0]


def pack_weights(weights: np.ndarray, mask: np.ndarray) -> dict:
    """Return weights (…, query, key) without what a causal mask hides anyway, as numbers of 16 bits, or of 8."""
    kept = weights[..., np.tril(np.ones(mask.shape, dtype=bool))] if _is_causal(mask) else weights
    dtype = "uint16" if 2 * kept.size <= _FINE_BYTES else "uint8"
    return pack(np.rint(np.clip(kept, 0, 1) * np.iinfo(dtype).max), dtype)


def _is_causal(mask: np.ndarray) -> bool:
    return bool((mask == np.tril(np.ones_like(mask))).all())


def _checked(attention_weights, tokens, mask):
    """The weights as (layer, head, query, key), with their tokens and mask."""
    weights = checks.as_array(attention_weights, "attention_weights")
    if not 2 <= weights.ndim <= 4:
        raise ValueError(
            f"attention_weights must be (layer, head, query, key), (head, query, key) or (query, key), but have "
            f"shape {weights.shape}. From a trace: trace.attention_weights[:, 0]."
        )
    return checks.attention(weights[(None,) * (4 - weights.ndim)], tokens, mask, 4)


def _place(number: int, size: int, name: str) -> int:
    if not isinstance(number, int | np.integer) or not 0 <= number < size:
        raise ValueError(f"{name} must be a whole number from 0 to {size - 1}, but is {number!r}.")
    return int(number)


def _scores(given, weights: np.ndarray, tokens: Sequence[str]) -> dict[str, np.ndarray]:
    if given is None:
        return head_roles.head_scores(weights, tokens)
    scores = {}
    for name, values in given.items():
        array = checks.finite_numbers(values, f"head_scores[{name!r}]", 2)
        if array.shape != weights.shape[:2]:
            raise ValueError(
                f"head_scores[{name!r}] must be {weights.shape[:2]} (layer, head), but has shape {array.shape}."
            )
        scores[str(name)] = array
    return scores
