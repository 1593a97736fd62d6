"""NextTokenExplorer: the probabilities of the next token, and a click to append one (lesson 0)."""

import random
from collections.abc import Callable, Mapping
from typing import Self

from llmviz import plots
from llmviz.generation.sampling import _check_model, generate
from llmviz.generation.sampling_tree import look_ahead
from llmviz.plots._labels import count, spoken_prose, token_text
from llmviz.widgets.base import JS, Explorer, Table

_CODE = "model(torch.tensor([{token_ids}]))[0, -1].softmax(dim=-1)[{token_id}]"

_TOP = 6  # bars
_N_SPOKEN = 3


class NextTokenExplorer(Explorer):
    """Bars for the most probable next tokens of a text; a click appends one.

    A saved page holds the bars three clicks ahead, so it works without Python.

    Args:
        model: what answers `model(token_ids)` with logits, as `DecoderOnly` does.
        tokenizer: the one it was trained with.
        text: how the text begins; may be empty. A new text is announced by the end-of-text token.
        exact: the true next tokens, {token id: probability}, after token ids without end-of-text; {} where there is
            no true continuation. They are drawn as diamonds.

    Raises ValueError where the text fills the model's context. Lesson 0.
    """

    module = JS / "next_tokens.js"
    title = "Next-token explorer"
    answers_to = ("text", "path", "samples", "endings")

    def __init__(self, model, tokenizer, text: str, *, exact: Callable[[list[int]], Mapping[int, float]] | None = None):
        _check_model(model, tokenizer)
        if exact is not None and not callable(exact):
            raise ValueError(f"exact is a function from token ids to {{token id: probability}}; given {exact!r:.60}")
        self.model, self.tokenizer, self.text, self.exact = model, tokenizer, text, exact
        self.path: tuple[int, ...] = ()
        self.samples = self.endings = 0  # how often one token was sampled, and how often a text to its end
        self._compute()

    def _compute(self) -> None:
        self.start = self.tokenizer.encode_prompt(self.text)
        limit = self.model.config.context_length
        n_tokens = len(self.start) + len(self.path)
        if n_tokens > limit:
            raise ValueError(f"This model sees {limit} tokens at once; the text has {n_tokens}: type less, or undo.")
        self.depth = 1 if self.is_live else 3  # clicks that the page answers
        self.nodes = self._look_ahead()

    def answer(self, name: str, state: dict) -> Self:
        n_sampled = {"samples": 1, "endings": self.model.config.context_length}.get(name, 0)
        path = () if name == "text" else self._sample(n_sampled) if n_sampled else state["path"]
        return self.changed(**state | {"path": tuple(path)})

    def _sample(self, n_tokens: int) -> tuple[int, ...]:
        """The path with so many sampled tokens more, or fewer if the text ends."""
        end = self.tokenizer.end_of_text
        ids = [*self.start, *self.path]
        room = self.model.config.context_length - len(ids)
        if end in self.path:
            return self.path
        settings = {"max_new_tokens": min(n_tokens, room), "seed": random.randrange(2**31), "stop_tokens": {end}}
        return (*self.path, *generate(self.model, ids, **settings))

    def _look_ahead(self) -> dict:
        end = self.tokenizer.end_of_text
        if end in self.path:
            return {}
        room = self.model.config.context_length - len(self.start) - len(self.path)
        settings = {"top_k": _TOP, "depth": min(self.depth, room), "stop_tokens": {end}}
        found = look_ahead(self.model, [*self.start, *self.path], **settings)
        named = self.tokenizer.vocab_size  # real models have more rows than tokens, so that sizes are round
        return {(*self.path, *ahead): probabilities[:named] for ahead, probabilities in found.items()}

    def traits(self) -> dict:
        return {"payload": self._payload(), "path": list(self.path), "text": self.text, "samples": self.samples,
                "endings": self.endings}  # fmt: skip

    def _payload(self) -> dict:
        nodes = {",".join(map(str, path)): self._node(path) for path in self.nodes}
        used = {row[0] for node in nodes.values() for row in node["rows"]} | {*self.start, *self.path}
        return {
            "start": self.start, "end": self.tokenizer.end_of_text,
            "labels": {str(token_id): self._label(token_id) for token_id in sorted(used)},
            "nodes": nodes, "has_exact": self.exact is not None, "code": _CODE,
        }  # fmt: skip

    def _node(self, path: tuple[int, ...]) -> dict:
        probabilities, exact = self.nodes[path], self._exact(path)
        best = probabilities.topk(min(_TOP, len(probabilities))).indices.tolist()
        rows = [[i, round(probabilities[i].item(), 4), round(exact.get(i, 0.0), 4)] for i in best]
        return {"rows": rows, "n_exact": len(exact)}

    def _exact(self, path: tuple[int, ...]) -> Mapping[int, float]:
        return self.exact([*self.start, *path][1:]) if self.exact else {}

    def _label(self, token_id: int) -> str:
        return token_text(self.tokenizer.tokens([token_id])[0])

    def sentence(self) -> str:
        ids = [*self.start, *self.path]
        before = f"After “{spoken_prose(self.tokenizer.decode(ids[1:]), 60)}”" if ids[1:] else "At the start of a text"
        if not self.nodes:
            return f"{before}: the end."
        rows = self._node(self.path)["rows"][:_N_SPOKEN]
        likely = ", ".join(f"“{self._label(token_id)}” {probability:.2f}" for token_id, probability, _ in rows)
        exact = ""
        if self.exact:
            n_exact = len(self._exact(self.path))
            exact = f" The world allows {count(n_exact, 'token')} here." if n_exact else " The world says no such text."
        return f"{before}, most likely: {likely}.{exact}"

    def table(self) -> Table | None:
        if not self.nodes:
            return None
        rows = [[self._label(token_id), str(token_id), f"{probability:.3f}", *([f"{exact:.3f}"] if self.exact else [])]
                for token_id, probability, exact in self._node(self.path)["rows"]]  # fmt: skip
        columns = ["token", "id", "model", *(["exact"] if self.exact else [])]
        return Table("Probability of the next token", columns, rows)

    def picture(self) -> bytes | None:
        if not self.nodes:
            return None
        exact = self._exact(self.path)
        token_ids = range(self.tokenizer.vocab_size)
        reference = [exact.get(token_id, 0.0) for token_id in token_ids] if exact else None
        vocabulary = self.tokenizer.tokens(token_ids)
        axes = plots.next_token_bars(self.nodes[self.path], vocabulary, top=_TOP, reference=reference)
        return plots.to_png(axes, dpi=110)
