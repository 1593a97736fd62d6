"""AttentionExplorer: the attention weights of all heads, interactive (lesson 3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from llmviz import plots
from llmviz.interpretability import head_scores, token_losses
from llmviz.model.trace import Trace
from llmviz.plots import _validation as validation
from llmviz.plots._labels import count, spoken_token, token_text
from llmviz.plots.attention import MAX_MAPS
from llmviz.widgets.base import JS, Explorer, LiveExplorer, Table, pack
from llmviz.widgets.page_model import page_model_name

_CODE = "trace.attention_weights[{layer}, 0, {head}][{query}, {key}]"
_NAMES = {"one": "the first input", "other": "the second input", "difference": "the second minus the first"}
_THRESHOLD = 0.05
_MAX_VECTOR_BYTES = 650_000  # queries and keys of a page; with more they are left out
_FINE_BYTES = 200_000  # up to here weights are sent as uint16 (exact to five digits), beyond as uint8 (to 0.002)
_N_NAMED = 3
_TEXT = "Ruth borrowed a yellow rope from Hana. On the way to the zoo, she slipped, and the rope"


class AttentionExplorer(Explorer):
    """Attention weights of all heads: maps, lines, roles of heads, the steps from q·k to the weights, losses.

    Args:
        attention: a `Trace`, of which the first text is shown; or weights (layer, head, query, key), or without layer,
            or without both; each row adds up to 1. A trace brings losses (not of a model that looks ahead), and
            queries and keys where they are small.
        tokens: one text a position.
        compare: a second input with as many tokens, (attention, tokens); its difference to the first can be shown too.
        losses_all_on: (position - 1,), the losses before heads were ablated, to compare those of the trace with.
        layer, head: which head is chosen first.

    `AttentionExplorer.live(model, tokenizer)` takes typed sentences and ablates heads. Raises ValueError for shapes
    that do not fit, negative weights, and rows that do not add up to 1. Source: Vaswani et al. 2017, section 3.2.
    Lesson 3.

    >>> AttentionExplorer([[1, 0], [0.25, 0.75]], ["Mia", " ran"])
    1 layer × 1 head over 2 tokens. Layer 0, head 0: “·ran” (position 1) looks most at “·ran” (about 0.8).
    """

    module = JS / "attention.js"
    title = "Attention explorer"

    def __init__(self, attention, tokens: Sequence[str], *, compare: tuple[object, Sequence[str]] | None = None,
                 losses_all_on=None, layer: int = 0, head: int = 0):  # fmt: skip
        self.weights, self.tokens, self.mask = _checked(attention, tokens)
        self.n_layers, self.n_heads = self.weights.shape[:2]
        self.choose(layer, head)
        self.compared = None if compare is None else _compared(compare, self.weights, self.mask)
        self.query_key, self.losses = _vectors(attention), _losses(attention, self.weights)
        self.losses_all_on = None
        if losses_all_on is not None and self.losses is not None:
            n_losses = len(self.losses)
            self.losses_all_on = validation.finite_numbers(losses_all_on, "losses_all_on", 1, n_losses, "the trace")
        self.head_scores = head_scores(self.weights, self.tokens)

    def choose(self, layer: int, head: int) -> None:
        """Choose the head that is shown first."""
        self.layer = validation.whole_number(layer, "layer", 0, self.n_layers - 1)
        self.head = validation.whole_number(head, "head", 0, self.n_heads - 1)

    @staticmethod
    def live(model=None, tokenizer=None, *, explore: Callable | None = None, **options) -> LiveExplorer:
        """Return the explorer with Python behind it: it takes typed sentences and ablates heads.

        model, tokenizer: whose heads, or `explore`: a function from (text, ablate_heads) to an `AttentionExplorer`.
        Options: the `text`, `layer` and `head` to begin with.
        """
        if explore is None and (model is None or tokenizer is None):
            raise ValueError("a live attention explorer needs a model and its tokenizer, or a function: explore=…")
        return _LiveAttentionExplorer(explore or _explore_with(model, tokenizer), **options)

    def traits(self) -> dict:
        return {"payload": self._payload(), "layer": self.layer, "head": self.head, "threshold": _THRESHOLD,
                "view": "one", "pins": [], "ablate_heads": [], "predict": False}  # fmt: skip

    def _payload(self) -> dict:
        payload = {
            "labels": [token_text(token) for token in self.tokens], "n_layers": self.n_layers, "n_heads": self.n_heads,
            "mask": None if _is_causal(self.mask) else pack(self.mask, "uint8"),
            "weights": _packed(self.weights, self.mask),
            "scores": {name: np.round(values, 3).tolist() for name, values in self.head_scores.items()},
            "names": _NAMES, "code": _CODE,
        }  # fmt: skip
        if self.compared:
            weights, tokens = self.compared
            labels = [token_text(token) for token in tokens]
            payload["compare"] = {"weights": _packed(weights, self.mask), "labels": labels, "code": f"other_{_CODE}"}
        if self.query_key:
            payload["query_key"] = {name: pack(array, "float32") for name, array in self.query_key.items()}
        if self.losses is not None:
            before = None if self.losses_all_on is None else pack(self.losses_all_on, "float32")
            values, sentence = pack(self.losses, "float32"), self._loss_sentence()
            payload["losses"] = {"values": values, "all_on": before, "sentence": sentence}
        return payload

    def _loss_sentence(self) -> str:
        loss = self.losses.mean()
        if self.losses_all_on is None:
            return f"Loss: {loss:.2f} nats per token."
        before = self.losses_all_on.mean()
        change = f"{loss - before:+.2f}".replace("-", "−")
        return f"Loss: {loss:.2f} nats per token (blue); {before:.2f} with all heads on (orange marks): {change}."

    def sentence(self) -> str:
        heads = f"{count(self.n_layers, 'layer')} × {count(self.n_heads, 'head')}"
        size = f"{heads} over {count(len(self.tokens), 'token')}. Layer {self.layer}, head {self.head}"
        last = len(self.tokens) - 1
        row = self.weights[self.layer, self.head, last]
        if not (keys := _top_keys(row, 1)):
            return f"{size}."
        return (
            f"{size}: {spoken_token(self.tokens[last])} (position {last}) looks most at "
            f"{spoken_token(self.tokens[keys[0]])} (about {row[keys[0]]:.1f})."
        )

    def table(self) -> Table:
        labels, rows = [token_text(token) for token in self.tokens], []
        for position, row in enumerate(self.weights[self.layer, self.head]):
            named = [f"{labels[key]} {row[key]:.2f}" for key in _top_keys(row, _N_NAMED)]
            rows.append([f"{position} {labels[position]}", *named, *[""] * (_N_NAMED - len(named))])
        columns = ["token", "looks most at", "then at", "then at"]
        return Table(f"Layer {self.layer}, head {self.head}: where each token looks", columns, rows)

    def picture(self) -> bytes:
        if self.n_layers * self.n_heads <= MAX_MAPS:
            return plots.to_png(plots.attention_heads(self.weights, self.tokens, mask=self.mask))
        title, weights = f"Layer {self.layer}, head {self.head}", self.weights[self.layer, self.head]
        return plots.to_png(plots.attention_heatmap(weights, self.tokens, mask=self.mask, title=title), dpi=100)


def _top_keys(row: np.ndarray, n_keys: int) -> list[int]:
    """The positions of the largest weights of a row, the largest first, without those that are 0."""
    order = np.argsort(-row.round(4), kind="stable")[:n_keys]
    return [int(key) for key in order if row[key] > 0]


def _packed(weights: np.ndarray, mask: np.ndarray) -> dict:
    """Weights (…, query, key) without what a causal mask hides, in 16 bits a number, or 8 where there are many."""
    kept = weights[..., np.tril(np.ones(mask.shape, dtype=bool))] if _is_causal(mask) else weights
    dtype = "uint16" if 2 * kept.size <= _FINE_BYTES else "uint8"
    return pack(np.rint(np.clip(kept, 0, 1) * np.iinfo(dtype).max), dtype)


def _is_causal(mask: np.ndarray) -> bool:
    return bool((mask == np.tril(np.ones_like(mask))).all())


def _stacked(trace, name: str) -> np.ndarray:
    """One inner value of all blocks, of the first text: (layer, head, position, …)."""
    return validation.finite_numbers(
        np.stack([validation.as_array(getattr(block.attention, name)[0], name) for block in trace.blocks]), name, 4
    )


def _checked(attention, tokens) -> tuple[np.ndarray, list[str], np.ndarray]:
    """The weights as (layer, head, query, key), with their tokens and mask."""
    given = _stacked(attention, "weights") if isinstance(attention, Trace) else attention
    weights = validation.as_array(given, "attention_weights")
    if not 2 <= weights.ndim <= 4:
        raise ValueError(
            f"attention_weights must be (layer, head, query, key), (head, query, key) or (query, key), but have "
            f"shape {weights.shape}. From a trace: trace.attention_weights[:, 0], or the trace itself."
        )
    return validation.attention(weights[(None,) * (4 - weights.ndim)], tokens, None, 4)


def _compared(compare, weights: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, list[str]]:
    if not isinstance(compare, tuple | list) or len(compare) != 2:
        raise ValueError("compare must be a pair: (attention_weights, tokens) of the second input.")
    others, tokens, _ = _checked(*compare)
    if others.shape != weights.shape:
        raise ValueError(
            f"compare needs a second input of the same size: the first has the shape {weights.shape}, the second "
            f"{others.shape}. Take two sentences with the same number of tokens."
        )
    return others, tokens


def _vectors(attention) -> dict[str, np.ndarray] | None:
    """Queries and keys (layer, head, position, d_head) of a trace, where a page has room for them."""
    if not isinstance(attention, Trace):
        return None
    n_bytes = 8 * sum(block.attention.query[0].numel() for block in attention.blocks)
    return {name: _stacked(attention, name) for name in ("query", "key")} if n_bytes <= _MAX_VECTOR_BYTES else None


def _losses(attention, weights: np.ndarray) -> np.ndarray | None:
    """The loss at each token from the second on; a model that looks ahead has none."""
    if not isinstance(attention, Trace) or weights.shape[-1] < 2 or np.triu(weights, 1).any():
        return None
    return validation.finite_numbers(attention.losses[0], "losses", 1)


class _LiveAttentionExplorer(LiveExplorer):
    def __init__(self, explore: Callable, *, text: str = _TEXT, layer: int = 0, head: int = 0):
        self._explore = explore
        super().__init__(self._read(text, [], layer, head), text=text)
        self.observe(self._changed, ["text", "ablate_heads"])

    def _read(self, text: str, ablate_heads: Sequence[Sequence[int]], layer: int, head: int) -> AttentionExplorer:
        """The explorer of a text, with the chosen head."""
        shown = self._explore(text, [tuple(place) for place in ablate_heads])
        if not isinstance(shown, AttentionExplorer):
            raise ValueError(f"explore must return an AttentionExplorer, but returned {type(shown).__name__}.")
        shown.choose(layer, head)
        return shown

    def _changed(self, change) -> None:
        self.answer(lambda: self._read(self.text, self.ablate_heads, self.layer, self.head))


def _explore_with(model, tokenizer) -> Callable[[str, Sequence[tuple[int, int]]], AttentionExplorer]:
    """The function from a text to its explorer; BERT's tokenizer puts its start token there itself."""

    name = page_model_name(model, tokenizer)

    def explore(text: str, ablate_heads: Sequence[tuple[int, int]]) -> AttentionExplorer:
        if not text.strip():
            raise ValueError("Type a few words to see their attention weights.")
        token_ids = torch.tensor(tokenizer.encode_prompt(text))
        with torch.inference_mode():
            trace = model.trace(token_ids, ablate_heads=ablate_heads)
        all_on = token_losses(model, token_ids) if ablate_heads and trace.logits is not None else None
        shown = AttentionExplorer(trace, tokenizer.tokens(token_ids.tolist()), losses_all_on=all_on)
        shown.page_model = name
        return shown

    return explore
