"""A model as data of a page, for `js/model.js`: the widgets then answer without Python, `ModelExplorer` is one."""

import dataclasses
import hashlib
import json
import math

import numpy as np
import torch
from torch import Tensor, nn

from llmviz import plots
from llmviz.model.transformer import DecoderOnly
from llmviz.plots import _style as style
from llmviz.plots._labels import count, spoken_prose, spoken_token, token_label, token_text
from llmviz.tokenizers.base import Tokenizer
from llmviz.tokenizers.bpe import BytePairTokenizer
from llmviz.widgets.base import JS, Explorer, LiveExplorer, Table, pack

_GROUP = 32  # weights that share a scale


def page_model(model: nn.Module, tokenizer: Tokenizer) -> dict:
    """Config, weights, merges and labels of a model, as `unpackModel` in model.js and `bytePairTokenizer` read them.

    Weights are whole numbers of 8 bits with one scale for 32 of them: probabilities of the tiny GPT
    within .005 on texts like those of its training (on other texts .03 was seen).
    """
    return {
        "config": dataclasses.asdict(model.config),
        "merges": tokenizer.to_dict()["merges"],
        "labels": [token_text(token) for token in tokenizer.tokens(range(tokenizer.vocab_size))],
        "weights": {name: _rows(weight.detach()) for name, weight in model.named_parameters()},
    }


def page_model_name(model, tokenizer, kind: type = DecoderOnly) -> str:
    """Names a model of a kind by its config and weights, so that a page holds each once; empty for other models."""
    if not isinstance(model, kind) or not isinstance(tokenizer, BytePairTokenizer):
        return ""
    digest = hashlib.sha256(json.dumps(dataclasses.asdict(model.config)).encode())
    for weight in model.parameters():
        digest.update(weight.detach().numpy().tobytes())
    return digest.hexdigest()[:12]


def _rows(weight: Tensor) -> dict:
    groups = weight.reshape(-1, math.gcd(weight.shape[-1], _GROUP))
    scales = groups.abs().amax(dim=1).clamp_min(1e-12) / 127
    return {"rows": pack((groups / scales[:, None]).round(), "int8"), "scales": pack(scales, "float32")}


class ModelExplorer(Explorer):
    """A whole GPT on one screen, from tokens to the next token; each part opens into its steps.

    Args:
        model: a `DecoderOnly`. tokenizer: its `BytePairTokenizer`.
        prompt: the text at first; may be empty. Only its last tokens are read where it is longer than the context.

    The page computes. An exported page holds the weights, `live()` gives them to a notebook once, and a saved notebook
    holds none. Raises ValueError for other models and tokenizers. Lessons 0, 4 and 9.
    """

    module = JS / "model_explorer.js"
    title = "Model explorer"

    def __init__(self, model, tokenizer, prompt: str):
        self.model, self.tokenizer, self.prompt = model, tokenizer, prompt
        self.page_model = page_model_name(model, tokenizer)
        if not self.page_model:
            raise ValueError("the page computes a DecoderOnly with its BytePairTokenizer; give both")
        ids = tokenizer.encode_prompt(prompt)[-model.config.context_length :]
        with torch.inference_mode():
            self.trace, self.tokens = model.trace(torch.tensor(ids)), tokenizer.tokens(ids)

    def live(self) -> LiveExplorer:
        live = super().live()
        live.on_msg(lambda *_: live.send(page_model(self.model, self.tokenizer)))
        return live

    def traits(self) -> dict:
        return {"payload": {"model": self.page_model}, "text": self.prompt, "pins": []}

    def _next(self) -> list[tuple[str, float]]:
        shares = self.trace.probabilities[0, -1, : self.tokenizer.vocab_size].topk(5)
        return list(zip(self.tokenizer.tokens(shares.indices.tolist()), shares.values.tolist(), strict=True))

    def sentence(self) -> str:
        likely = ", ".join(f"{spoken_token(token)} {share:.2f}" for token, share in self._next()[:3])
        config = self.model.config
        size = f"{count(config.n_layers, 'block')} of {count(config.n_heads, 'head')} and an MLP"
        return f"A GPT: {size}. After “{spoken_prose(self.prompt, 60)}” most likely: {likely}."

    def table(self) -> Table:
        rows = [["tokens", " | ".join(map(token_text, self.tokens[-24:]))]]
        for layer, block in enumerate(self.trace.blocks):
            looks = block.attention.weights[0, :, -1].max(dim=-1)
            rows += [[f"block {layer}, head {head}", f"looks most at {spoken_token(self.tokens[key])} ({weight:.2f})"]
                     for head, (weight, key) in enumerate(zip(looks.values, looks.indices, strict=True))]  # fmt: skip
            active, length = (block.feed_forward_hidden[0, -1] > 0).sum(), block.residual_after[0, -1].norm()
            rows += [[f"block {layer}, MLP", f"{active} of {self.model.config.d_ff} units above 0"],
                     [f"block {layer}, residual stream", f"length {length:.0f}"]]  # fmt: skip
        rows += [["next token", f"{spoken_token(token)} {share:.2f}"] for token, share in self._next()]
        return Table("What the parts make of the last token", ["part", "result"], rows)

    def picture(self) -> bytes:
        maps, n = self.trace.attention_weights[:, 0], len(self.tokens)
        panels = [("vectors", self.trace.embeddings[0])]
        for layer, block in enumerate(self.trace.blocks):
            panels += [(f"head {layer}.{head}", weights) for head, weights in enumerate(maps[layer])]
            panels += [(f"MLP {layer}", block.feed_forward_hidden[0]), (f"stream {layer}", block.residual_after[0])]
        with style.plot_style():
            ax, bars = style.new_figure(9, 3.6).subplots(1, 2, width_ratios=[4, 1])
            for x, (name, rows) in enumerate(panels):
                low = 0 if name.startswith("head") else -1
                rows = rows if low == 0 else rows / (3 * rows.square().mean(dim=-1, keepdim=True).sqrt())
                colors = {"cmap": "RdBu_r" if low else "YlGnBu", "vmin": low, "vmax": 1, "interpolation": "nearest"}
                ax.imshow(rows.numpy(), extent=(x, x + 0.9, n - 0.5, -0.5), **colors)
            ax.set(xlim=(0, len(panels)), aspect="auto")
            ax.set_xticks(np.arange(len(panels)) + 0.45, [name.replace(" ", "\n") for name, _ in panels], size=8)
            ax.set_yticks(range(n), map(token_label, self.tokens), size=min(9, 200 / n))
            ax.spines[:].set_visible(False)
            names, shares = zip(*reversed(self._next()), strict=True)
            bars.bar_label(bars.barh([*map(token_label, names)], shares, color=style.BLUE), fmt=" %.2f", size=8)
            bars.set(xticks=[], xmargin=0.3, title="next token")
            style.describe(bars, self.sentence())
        return plots.to_png(bars, dpi=100)
