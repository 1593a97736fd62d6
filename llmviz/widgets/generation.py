"""Explorers of generation: the next token, a click at a time (lesson 0), and sampled texts as a tree (lesson 7)."""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Self

import torch

from llmviz import plots
from llmviz.generation.beam import beam_search
from llmviz.generation.flops import forward_cost
from llmviz.generation.sampling import _check_model, _check_settings, generate
from llmviz.generation.sampling_tree import Sampling, SamplingTree, look_ahead
from llmviz.plots import _validation as validation
from llmviz.plots._labels import count, spoken_prose, token_text
from llmviz.widgets.base import JS, Explorer, Table, pack
from llmviz.widgets.page_model import page_model_name

_PROBABILITY_CODE = "model(torch.tensor([{token_ids}]))[0, -1].softmax(dim=-1)[{token_id}]"

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
        self.page_model = page_model_name(model, tokenizer)
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
            "nodes": nodes, "has_exact": self.exact is not None, "code": _PROBABILITY_CODE,
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
            exact = f" The rules allow {count(n_exact, 'token')} here." if n_exact else " The rules make no such text."
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


_GENERATE_CODE = (
    "generate(model, {token_ids}, max_new_tokens={n_tokens}, temperature={temperature}, top_k={top_k}, top_p={top_p})"
)
_TEMPERATURES = [round(0.1 * tenth, 1) for tenth in range(21)]
_TOP_KS = [1, 2, 3, 5, 10, 20, None]
_TOP_PS = [0.3, 0.5, 0.7, 0.8, 0.9, 0.95, None]
_MAX_SAMPLES, _MAX_TOKENS, _MAX_BEAMS = 24, 40, 32
_WHOLE = 40  # tokens of the greedy and the beam search's text, compared as wholes; the tree shows fewer


class SamplingTreeExplorer(Explorer):
    """Several sampled texts as one tree, beside the greedy one and the best of a beam search.

    The random draws are the same under every setting, so differences come from the setting alone. A saved page holds
    all texts of these draws for each temperature with one cut at a time; other paths end in "…".

    Args:
        model: a GPT, as `DecoderOnly`.
        tokenizer: the one it was trained with.
        text: how all texts begin; may be empty.
        n_samples: how many texts are sampled. n_tokens: of how many tokens at most.
        beam_width: of the beam search.

    Raises ValueError where text and new tokens do not fit into the model's context. Lesson 7.
    """

    module = JS / "sampling_tree.js"
    title = "Sampling tree"
    answers_to = ("text", "seed", "temperature", "top_k", "top_p")

    def __init__(self, model, tokenizer, text: str, *, n_samples: int = 6, n_tokens: int = 14, beam_width: int = 4):
        _check_model(model, tokenizer)
        self.model, self.tokenizer, self.text = model, tokenizer, text
        self.n_samples = validation.whole_number(n_samples, "n_samples", 1, _MAX_SAMPLES)
        self.n_tokens = validation.whole_number(n_tokens, "n_tokens", 1, _MAX_TOKENS)
        self.beam_width = validation.whole_number(beam_width, "beam_width", 1, _MAX_BEAMS)
        self.seed, self.sampling, self.page_model = 0, Sampling(1.0, None, None), page_model_name(model, tokenizer)
        self.vocabulary = tokenizer.tokens(range(tokenizer.vocab_size))
        self._compute()

    def _compute(self) -> None:
        _check_settings(*self.sampling, 0)
        validation.whole_number(self.seed, "seed", 0, 2**32 - 1)
        self.start = self.tokenizer.encode_prompt(self.text)
        limit = self.model.config.context_length
        if len(self.start) + self.n_tokens > limit:
            raise ValueError(
                f"This model sees {limit} tokens at once; the text has {len(self.start)} and {self.n_tokens} more are "
                "to be written: type less, or ask for fewer."
            )
        n_threads = torch.get_num_threads()
        torch.set_num_threads(1)  # with models this small, several threads wait for each other more than they work
        try:
            self._grow()
        finally:
            torch.set_num_threads(n_threads)

    def _grow(self) -> None:
        """Sample the texts under every setting, and find the greedy one and the best beam."""
        end, room = {self.tokenizer.end_of_text}, self.model.config.context_length - len(self.start)
        self.draws = SamplingTree.uniform_draws(self.n_samples, self.n_tokens, self.seed)
        self.tree = SamplingTree(self.model, self.start, stop_tokens=end)
        settings = [self.sampling] if self.is_live else _settings(self.sampling)
        found = self.tree.sample(settings, self.draws)
        self.samples = found[self.sampling]
        options = {"max_new_tokens": min(_WHOLE, room), "stop_tokens": end}
        self.greedy, self.beam = (beam_search(self.model, self.start, beam_width=width, **options)[0].token_ids
                                  for width in (1, self.beam_width))  # fmt: skip
        self.log_probabilities = {way: sum(self.tree.log_probabilities(way)) for way in (self.greedy, self.beam)}
        drawn = {way for several in found.values() for way in several}
        ways = drawn | {self.greedy[: self.n_tokens], self.beam[: self.n_tokens]}
        self.paths = sorted({way[:stop] for way in ways for stop in range(len(way) + 1)}, key=lambda p: (len(p), p))

    def answer(self, name: str, state: dict) -> Self:
        sampling = Sampling(state["temperature"], state["top_k"] or None, state["top_p"] or None)
        return self.changed(text=state["text"], seed=state["seed"], sampling=sampling)

    def traits(self) -> dict:
        temperature, top_k, top_p = self.sampling
        return {
            "payload": self._payload(), "temperature": temperature, "top_k": top_k or 0, "top_p": top_p or 0,
            "n_shown": self.n_tokens, "at": [], "text": self.text, "seed": self.seed,
        }  # fmt: skip

    def _payload(self) -> dict:
        known = [path for path in self.paths if path in self.tree.distributions]
        places = {path: place for place, path in enumerate(known)}
        forks = [self.tree.distributions[path] for path in known]
        edges = [
            [places[path[:-1]], self.tree.distributions[path[:-1]].rank(path[-1]), path[-1], places.get(path, -1)]
            for path in self.paths if path
        ]  # fmt: skip
        used = {int(token_id) for fork in forks for token_id in fork.named} | {edge[2] for edge in edges}
        return {
            "prompt": [self._label(token_id) for token_id in self.start], "start": self.start,
            "labels": {str(token_id): self._label(token_id) for token_id in sorted(used)},
            "n_named": [len(fork.named) for fork in forks],
            "named": pack([int(token_id) for fork in forks for token_id in fork.named], "int32"),
            "n_entries": [len(fork.counts) for fork in forks],
            "log_probabilities": pack([nats for fork in forks for nats in fork.log_probabilities], "float32"),
            "counts": pack([n for fork in forks for n in fork.counts], "int32"),
            "edges": pack(edges, "int32"),
            "draws": self.draws, "beam": list(self.beam[: self.n_tokens]), "beam_width": self.beam_width,
            "whole": self._whole_sentence(), "n_tokens": self.n_tokens,
            "settings": {"temperature": _TEMPERATURES, "top_k": [*_TOP_KS[:-1], 0], "top_p": [*_TOP_PS[:-1], 0]},
            "cost": self._cost(), "code": _GENERATE_CODE,
        }  # fmt: skip

    def _cost(self) -> dict:
        """The multiplications for each token that is read, and for each token that it looks at."""
        config = self.model.config
        sizes = (config.d_model, config.d_ff, config.n_layers, config.vocab_size)
        token = forward_cost(1, 0, *sizes)
        return {"token": token, "look": forward_cost(1, 1, *sizes) - token}

    def _label(self, token_id: int) -> str:
        return "end" if token_id == self.tokenizer.end_of_text else token_text(self.vocabulary[token_id])

    def sentence(self) -> str:
        before = f"After “{spoken_prose(self.text, 60)}”" if self.text else "At the start of a text"
        return f"{before}: {count(self.n_samples, 'text')} sampled. {self._whole_sentence()}"

    def _whole_sentence(self) -> str:
        greedy, beam = self._written(self.greedy), self._written(self.beam)
        if self.greedy == self.beam:
            return f"Greedy and the best of {self.beam_width} beams write the same: “{greedy}”."
        ratio = math.exp(self.log_probabilities[self.beam] - self.log_probabilities[self.greedy])
        return (
            f"Greedy writes “{greedy}” The best of {self.beam_width} beams writes “{beam}”, as a whole about "
            f"{ratio:.1f} times as probable."
        )

    def _written(self, way: Sequence[int]) -> str:
        ids = [token_id for token_id in way if token_id != self.tokenizer.end_of_text]
        prompt = self.tokenizer.decode(self.start[1:])
        return spoken_prose(self.tokenizer.decode([*self.start[1:], *ids])[len(prompt) :], 120)

    def table(self) -> Table:
        rows = [[name, self._written(way), f"{len(way)}", f"{sum(self.tree.log_probabilities(way)):.1f}"]
                for name, way in self._texts()]  # fmt: skip
        return Table("The texts of the tree", ["decoding", "text", "tokens", "log-probability (nats)"], rows)

    def picture(self) -> bytes:
        shown = {name: way[: self.n_tokens] for name, way in self._texts()}
        strips = {name: [self._label(token_id) for token_id in way] for name, way in shown.items()}
        shares = {name: [math.exp(nats) for nats in self.tree.log_probabilities(way)] for name, way in shown.items()}
        return plots.to_png(plots.token_tree(strips, shares), dpi=110)

    def _texts(self) -> list[tuple[str, tuple[int, ...]]]:
        samples = [(f"sample {number}", way) for number, way in enumerate(self.samples, 1)]
        return [("greedy", self.greedy), ("best beam", self.beam), *samples]


def _settings(first: Sampling) -> list[Sampling]:
    """All settings of a page: the temperature together with one cut at a time."""
    cuts = [(None, None), *((k, None) for k in _TOP_KS[:-1]), *((None, p) for p in _TOP_PS[:-1])]
    return list(dict.fromkeys([first, *(Sampling(temperature, *cut) for temperature in _TEMPERATURES for cut in cuts)]))
