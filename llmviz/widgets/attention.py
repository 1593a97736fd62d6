"""AttentionExplorer: all heads of all layers, and each token's looks, to touch (lesson 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import traitlets

from llmviz import plots
from llmviz.interpretability.heads import head_scores
from llmviz.plots import validation
from llmviz.plots.labels import count, spoken_prose, spoken_token
from llmviz.widgets.base import Explorer, LiveExplorer, Table, es_module, pack

MODULE = Path(__file__).parent / "js" / "attention.js"
CODE = "trace.attention_weights[{layer}, 0, {head}][{query}, {key}]"
COMPARE_CODE = f"other_{CODE}"

_MANY_HEADS = 16  # beyond, the still picture is a mosaic of tiles
_MAX_VECTOR_BYTES = 1_000_000
_SMALL_VECTOR_BYTES = 650_000  # a page that takes them along without being asked stays below a megabyte
_AGREEMENT = 1e-3  # how far softmax(q·k / √d) may be from the weights
_FINE_BYTES = 200_000  # up to here weights are sent as uint16 (exact to five digits), beyond as uint8 (to 0.002)
_N_NAMED = 3


class AttentionExplorer(Explorer):
    """Look into the heads of a model: who looks at whom, how much, in which head.

    Args:
        attention_weights: (layer, head, query, key), or without layer, or without both; each row adds up to 1.
        tokens: one text a position.
        compare: a second input of the same size, (attention_weights, tokens); then the difference can be shown too.
        query_key: (queries, keys), each (layer, head, position, d_head), as they are multiplied (after rotation):
            shows the way from q·k to the weights. Their softmax must give the weights.
        losses: (position - 1,), the surprise at each token from the second on, in nats: drawn as bars.
        losses_all_on: the same before heads were switched off, to compare with.
        mask: (query, key), bool, True = may attend; without it, causal where all of the future is exactly 0.
        head_scores: name to (layer, head), numbers from 0 to 1 that tell what a head does; without it those of
            `llmviz.interpretability.head_scores`.
        layer, head: which head is chosen first.
        threshold: weights below it are not drawn as lines.
        names: what the two inputs are called.
        code: the line of Python that gives one weight, with {layer}, {head}, {query} and {key} in it.
        compare_code: the same for the second input.
        predict: ask "which token does X look at most?" before anything is shown.

    `AttentionExplorer.of(trace, tokens)` takes all of this from a trace, and `AttentionExplorer.live(model,
    tokenizer)` takes sentences and switches heads off. Raises ValueError for shapes that do not fit, negative
    weights, and rows that do not add up to 1. Source of the picture: Vaswani et al. 2017, section 3.2. Lesson 3.

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
        compare: tuple[object, Sequence[str]] | None = None,
        query_key: tuple[object, object] | None = None,
        losses=None,
        losses_all_on=None,
        mask=None,
        head_scores: Mapping[str, object] | None = None,
        layer: int = 0,
        head: int = 0,
        threshold: float = 0.05,
        names: tuple[str, str] = ("the first input", "the second input"),
        code: str = CODE,
        compare_code: str = COMPARE_CODE,
        predict: bool = False,
    ):
        self.weights, self.tokens, self.mask = _checked(attention_weights, tokens, mask)
        self.labels = _labels(self.tokens)
        self.n_layers, self.n_heads = self.weights.shape[:2]
        self.layer, self.head = _place(layer, self.n_layers, "layer"), _place(head, self.n_heads, "head")
        self.compared = None if compare is None else _compared(compare, self.weights, self.mask)
        self.query_key = None if query_key is None else _query_key(query_key, self.weights, self.mask)
        self.losses = _losses(losses, len(self.tokens), "losses")
        self.losses_all_on = _losses(losses_all_on, len(self.tokens), "losses_all_on")
        self.head_scores = _scores(head_scores, self.weights, self.tokens)
        if not 0 <= threshold <= 1:
            raise ValueError(f"threshold must be from 0 to 1, but is {threshold!r}.")
        self.threshold, self.predict = float(threshold), bool(predict)
        self.code, self.compare_code = code, compare_code
        self.names = tuple(spoken_prose(str(name), 40) for name in names)

    @classmethod
    def of(cls, trace, tokens: Sequence[str], *, steps: bool | None = None, **options) -> AttentionExplorer:
        """Take weights, queries, keys and losses of the first text of a `Trace`.

        A model that looks ahead predicts no next token: it brings no losses. `steps` takes queries and keys along,
        of which a page has room for few: None does it where they are small. Other options as in the class.
        """
        attention = [block.attention for block in trace.blocks]
        if steps is None:
            steps = 8 * sum(one.query[0].numel() for one in attention) <= _SMALL_VECTOR_BYTES
        if steps:
            options["query_key"] = tuple(
                np.stack([validation.as_array(getattr(one, name)[0], name) for one in attention])
                for name in ("query", "key")
            )
        weights = np.stack([validation.as_array(one.weights[0], "weights") for one in attention])
        if "losses" not in options and len(tokens) > 1 and not np.triu(weights, 1).any():
            options["losses"] = trace.losses[0]
        return cls(weights, tokens, **options)

    @staticmethod
    def live(model=None, tokenizer=None, **options):
        """Return the live explorer, `LiveAttentionExplorer(model, tokenizer, …)`: type a sentence, pull a lever."""


        return LiveAttentionExplorer(model, tokenizer, **options)

    def traits(self) -> dict:
        """Return the payload and the state that the module starts with."""
        return {"payload": self._payload(), "layer": self.layer, "head": self.head, "threshold": self.threshold,
                "view": "one", "pins": [], "ablate_heads": [], "predict": self.predict}  # fmt: skip

    def _payload(self) -> dict:
        payload = {
            "labels": self.labels,
            "n_layers": self.n_layers,
            "n_heads": self.n_heads,
            "mask": None if is_causal(self.mask) else pack(self.mask, "uint8"),
            "weights": pack_weights(self.weights, self.mask),
            "scores": {name: np.round(values, 3).tolist() for name, values in self.head_scores.items()},
            "names": {"one": self.names[0], "other": self.names[1], "difference": "the second minus the first"},
            "code": self.code,
        }
        if self.compared:
            weights, labels = self.compared
            packed = pack_weights(weights, self.mask)
            payload["compare"] = {"weights": packed, "labels": labels, "code": self.compare_code}
        if self.query_key:
            payload["query_key"] = dict(zip(("query", "key"), self.query_key, strict=True))
        if self.losses is not None:
            before = self.losses_all_on
            payload["losses"] = {
                "values": pack(self.losses, "float32"),
                "all_on": None if before is None else pack(before, "float32"),
                "sentence": self._loss_sentence(),
            }
        return payload

    def _loss_sentence(self) -> str:
        loss = self.losses.mean()
        if self.losses_all_on is None:
            return f"Loss: {loss:.2f} nats per token."
        before = self.losses_all_on.mean()
        change = f"{loss - before:+.2f}".replace("-", "−")
        return f"Loss: {loss:.2f} nats per token (blue); {before:.2f} with all heads on (orange marks): {change}."

    def inputs(self) -> list:
        """Return what makes the id: the tokens, the sizes, the choices."""
        compared = self.compared[1] if self.compared else []
        return [self.labels, compared, self.n_layers, self.n_heads, self.layer, self.head, self.threshold, self.predict]

    def sentence(self) -> str:
        """Say how many heads there are, and where the last token looks in the chosen one."""
        heads = f"{count(self.n_layers, 'layer')} × {count(self.n_heads, 'head')}"
        size = f"{heads} over {count(len(self.tokens), 'token')}."
        if self.predict:
            return f"{size} Where do they look? Predict it first."
        last = len(self.tokens) - 1
        row = self.weights[self.layer, self.head, last]
        if not (keys := top_keys(row, 1)):
            return f"{size} Layer {self.layer}, head {self.head}."
        return (
            f"{size} Layer {self.layer}, head {self.head}: {spoken_token(self.tokens[last])} (position {last}) "
            f"looks most at {spoken_token(self.tokens[keys[0]])} (about {row[keys[0]]:.1f})."
        )

    def table(self) -> Table:
        """Return the top three of each token in the chosen head."""
        rows = []
        for position, row in enumerate(self.weights[self.layer, self.head]):
            named = [f"{self.labels[key]} {row[key]:.2f}" for key in top_keys(row, _N_NAMED)]
            rows.append([f"{position} {self.labels[position]}", *named, *[""] * (_N_NAMED - len(named))])
        columns = ["token", "looks most at", "then at", "then at"]
        return Table(f"Layer {self.layer}, head {self.head}: where each token looks", columns, rows)

    def picture(self) -> bytes:
        """Return the mosaic of all heads as PNG."""
        if self.n_layers * self.n_heads > _MANY_HEADS:
            return plots.to_png(plots.attention_mosaic(self.weights, self.tokens, mask=self.mask), dpi=80)
        return plots.to_png(plots.attention_heads(self.weights, self.tokens, mask=self.mask)[0, 0])


def top_keys(row: np.ndarray, n_keys: int) -> list[int]:
    """Return the positions of the largest weights of a row, the largest first, without those that are 0."""
    order = np.argsort(-row.round(4), kind="stable")[:n_keys]
    return [int(key) for key in order if row[key] > 0]


def pack_weights(weights: np.ndarray, mask: np.ndarray) -> dict:
    """Return weights (…, query, key) without what a causal mask hides anyway, as numbers of 16 bits, or of 8."""
    kept = weights[..., np.tril(np.ones(mask.shape, dtype=bool))] if is_causal(mask) else weights
    dtype = "uint16" if 2 * kept.size <= _FINE_BYTES else "uint8"
    return pack(np.rint(np.clip(kept, 0, 1) * np.iinfo(dtype).max), dtype)


def is_causal(mask: np.ndarray) -> bool:
    """Say whether each query may look at itself and the past, and at nothing else."""
    return bool((mask == np.tril(np.ones_like(mask))).all())


def _checked(attention_weights, tokens, mask):
    """The weights as (layer, head, query, key), with their tokens and mask."""
    weights = validation.as_array(attention_weights, "attention_weights")
    if not 2 <= weights.ndim <= 4:
        raise ValueError(
            f"attention_weights must be (layer, head, query, key), (head, query, key) or (query, key), but have "
            f"shape {weights.shape}. From a trace: trace.attention_weights[:, 0]."
        )
    return validation.attention(weights[(None,) * (4 - weights.ndim)], tokens, mask, 4)


def _labels(tokens: Sequence[str]) -> list[str]:
    return [spoken_token(token, 24)[1:-1] for token in tokens]


def _compared(compare, weights: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, list[str]]:
    if not isinstance(compare, tuple | list) or len(compare) != 2:
        raise ValueError("compare must be a pair: (attention_weights, tokens) of the second input.")
    others = validation.as_array(compare[0], "attention_weights of compare")
    if others.shape[-2:] != mask.shape:
        raise ValueError(
            f"compare needs a second input of the same size: the first has {len(mask)} tokens, but the second has "
            f"attention_weights of shape {others.shape}. Take two sentences with the same number of tokens."
        )
    others, tokens, _ = _checked(others, compare[1], mask)
    if others.shape != weights.shape:
        raise ValueError(f"compare needs the same heads: {weights.shape[:2]} (layer, head); given {others.shape[:2]}.")
    return others, _labels(tokens)


def _query_key(query_key, weights: np.ndarray, mask: np.ndarray) -> tuple[dict, dict]:
    """The packed queries and keys, after a look whether they give these weights."""
    try:
        query, key = (validation.finite_numbers(one, "query_key", 4) for one in query_key)
    except TypeError:
        raise ValueError("query_key must be a pair: (queries, keys), each (layer, head, position, d_head).") from None
    if query.shape != key.shape or query.shape[:3] != weights.shape[:3]:
        raise ValueError(
            f"query_key must be two times (layer, head, position, d_head) with {weights.shape[:3]} in front, "
            f"but they are {query.shape} and {key.shape}."
        )
    if 8 * query.size > _MAX_VECTOR_BYTES:
        raise ValueError(
            f"query_key holds {2 * query.size:,} numbers, too many for a page: give fewer tokens, or leave it out "
            "(steps=False)."
        )
    scores = np.where(mask, query @ key.swapaxes(-1, -2) / np.sqrt(query.shape[-1]), -np.inf)
    powers = np.exp(scores - np.where(mask.any(-1), scores.max(-1), 0)[..., None])
    gap = np.abs(powers / np.maximum(powers.sum(-1, keepdims=True), 1e-300) - weights).max()
    if gap > _AGREEMENT:
        raise ValueError(
            f"softmax(q·k / √d) of query_key is up to {gap:.2g} away from attention_weights: give queries and keys "
            "as they are multiplied, after normalization and rotation (trace.blocks[layer].attention.query)."
        )
    return pack(query, "float32"), pack(key, "float32")


def _losses(losses, n_tokens: int, name: str) -> np.ndarray | None:
    if losses is None:
        return None
    losses = validation.finite_numbers(losses, name, 1)
    if len(losses) != n_tokens - 1:
        raise ValueError(
            f"{name} must hold one number for each token from the second on, {n_tokens - 1}, but has {len(losses)}."
        )
    return losses


def _place(number: int, size: int, name: str) -> int:
    if not isinstance(number, int | np.integer) or not 0 <= number < size:
        raise ValueError(f"{name} must be a whole number from 0 to {size - 1}, but is {number!r}.")
    return int(number)


def _scores(given, weights: np.ndarray, tokens: Sequence[str]) -> dict[str, np.ndarray]:
    if given is None:
        return head_scores(weights, tokens)
    scores = {}
    for name, values in given.items():
        array = validation.finite_numbers(values, f"head_scores[{name!r}]", 2)
        if array.shape != weights.shape[:2]:
            raise ValueError(
                f"head_scores[{name!r}] must be {weights.shape[:2]} (layer, head), but has shape {array.shape}."
            )
        scores[str(name)] = array
    return scores


Look = Callable[[str, Sequence[tuple[int, int]]], AttentionExplorer]
TEXT = "Ruth borrowed a yellow rope from Hana. On the way to the zoo, she slipped, and the rope"


class LiveAttentionExplorer(LiveExplorer):
    """Where the heads of a model look in a sentence that you type, and what the loss says when some are off.

    Args:
        model, tokenizer: whose heads; `model.trace(token_ids, ablate_heads=…)` is all that is asked of it.
        look: instead of both, a function from (text, ablate_heads) to an `AttentionExplorer`. A ValueError that it
            raises is shown in the explorer's place.
        text: the sentence to begin with.
        ablate_heads: heads that are off at the start, as (layer, head).
        layer, head: which one is chosen first.
        predict: ask before showing.

    Every trait may be set from Python too: `text`, `ablate_heads`, `layer`, `head`, `threshold`, `view`, `pins`,
    `predict`. `explorer` is what is shown now. Lesson 3.
    """

    _esm = es_module(MODULE)

    text = traitlets.Unicode(TEXT).tag(sync=True)
    ablate_heads = traitlets.List(traitlets.List(traitlets.Int(), minlen=2, maxlen=2)).tag(sync=True)
    layer = traitlets.Int(0).tag(sync=True)
    head = traitlets.Int(0).tag(sync=True)
    threshold = traitlets.Float(0.05).tag(sync=True)
    view = traitlets.Unicode("one").tag(sync=True)
    pins = traitlets.List(traitlets.Dict()).tag(sync=True)
    predict = traitlets.Bool(False).tag(sync=True)

    def __init__(self, model=None, tokenizer=None, *, look: Look | None = None, ablate_heads=(), **traits):
        if look is None and (model is None or tokenizer is None):
            raise ValueError("a live attention explorer needs a model and its tokenizer, or a function: look=…")
        self._look = look or look_with(model, tokenizer)
        super().__init__(ablate_heads=[list(place) for place in ablate_heads], **traits)
        self._answer()
        self.observe(self._answer, ["text", "ablate_heads"])

    def _answer(self, _change=None) -> None:
        self.answer(lambda: self._look(self.text, [tuple(place) for place in self.ablate_heads]))


def look_with(model, tokenizer) -> Look:
    """Return the function that looks into this model: the text begins where a new text begins.

    BERT's tokenizer has a token for that and puts it there itself; before other texts stands the end of the last one.
    """
    import torch

    from llmviz.interpretability.ablation import token_losses
    from llmviz.model.trace import Trace

    def look(text: str, ablate_heads: Sequence[tuple[int, int]]) -> AttentionExplorer:
        if not text.strip():
            raise ValueError("Type a few words, and you see who looks at whom.")
        before = [] if hasattr(tokenizer, "start") else [tokenizer.end_of_text]
        token_ids = torch.tensor([*before, *tokenizer.encode(text)])
        with torch.inference_mode():
            trace = model.trace(token_ids, ablate_heads=ablate_heads)
        all_on = token_losses(model, token_ids) if ablate_heads and isinstance(trace, Trace) else None
        return AttentionExplorer.of(trace, tokenizer.tokens(token_ids.tolist()), losses_all_on=all_on)

    return look
