"""What lesson 10 asks a real model, and who answers: the model itself if it is here, else a recording that ships.

    glass = look_through("smollm2")
    glass.next_tokens("The capital of France is")

Both answer the same questions in the same form, so a notebook is the same with and without the downloads.
"""

from __future__ import annotations

import os
import re
from typing import Protocol

import numpy as np
import torch

from llmviz.model.config import ModelConfig
from llmviz.pretrained import Pretrained, load, registry
from llmviz.pretrained.bert_tokenizer import BertTokenizer
from llmviz.pretrained.recorded import RecordedModelProbe

VARIABLE, RECORDED = "LLMVIZ_REAL_MODELS", "recorded"
N_BEST, N_NEW = 8, 40


class ModelProbe(Protocol):
    """What can be asked of a real model. In a text, names such as <|im_start|> stand for the model's special tokens.

    Attributes:
        name: "smollm2" or "minilm".
        config: the sizes and choices of the model.
        is_recorded: whether a recording answers; it knows its own texts only, and raises ValueError for another one.
    """

    name: str
    config: ModelConfig
    is_recorded: bool

    def tokens(self, text: str) -> list[str]:
        """The tokens that the model reads, one string each."""

    def attention(self, text: str) -> np.ndarray:
        """All attention weights: (layer, head, query, key); a recording has them to 0.0001."""

    def lens(self, text: str) -> list[list[tuple[str, float]]]:
        """What each layer would say next, if it were the last: (layer + 1) lists of the best tokens with p."""

    def next_tokens(self, text: str) -> list[tuple[str, float]]:
        """The best next tokens and their probabilities, the best first."""

    def goes_on(self, text: str) -> str:
        """How the model goes on at temperature 0: at most 40 tokens, or until it ends its text."""

    def word(self, text: str, word: str) -> np.ndarray:
        """The stream at a word that is one token: (layer + 1, d_model)."""


class LiveModelProbe:
    """A `Glass` before a model that is here."""

    is_recorded = False

    def __init__(self, real: Pretrained):
        self.name, self.config, self.real = real.name, real.model.config, real
        self.model, self.tokenizer = real.model, real.tokenizer

    def _ids(self, text: str) -> list[int]:
        if isinstance(self.tokenizer, BertTokenizer):
            return self.tokenizer.encode(text)
        special = self.tokenizer.special_tokens
        parts = re.split(f"({'|'.join(map(re.escape, special))})", text)
        return [one for part in parts for one in ([special[part]] if part in special else self.tokenizer.encode(part))]

    def _trace(self, text: str):
        with torch.inference_mode():
            return self.model.trace(torch.tensor(self._ids(text)))

    def tokens(self, text: str) -> list[str]:
        """See `Glass`."""
        return self.tokenizer.tokens(self._ids(text))

    def attention(self, text: str) -> np.ndarray:
        """See `Glass`."""
        return self._trace(text).attention_weights[:, 0].numpy()

    def lens(self, text: str) -> list[list[tuple[str, float]]]:
        """See `Glass`."""
        with torch.inference_mode():
            scores = self.model.lens(self._trace(text).residuals[:, 0, -1])
            best = scores.softmax(dim=-1).topk(N_BEST)
        rows = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [list(zip(self.tokenizer.tokens(ids), shares, strict=True)) for ids, shares in rows]

    def next_tokens(self, text: str) -> list[tuple[str, float]]:
        """See `Glass`."""
        return self.lens(text)[-1]

    def goes_on(self, text: str) -> str:
        """See `Glass`."""
        from llmviz.generation.sampling import generate

        stop = {self.tokenizer.end_of_text}
        written = generate(self.model, self._ids(text), max_new_tokens=N_NEW, temperature=0, stop_tokens=stop)
        return self.tokenizer.decode(one for one in written if one not in stop)

    def word(self, text: str, word: str) -> np.ndarray:
        """See `Glass`."""
        tokens = self.tokens(text)
        if word not in tokens:
            raise ValueError(f"{word!r} is no token of this text; its tokens are {tokens}")
        return self._trace(text).residuals[:, 0, tokens.index(word)].numpy()


def open_probe(name: str) -> ModelProbe:
    """Look into a real model: into itself if it is here (`llmviz models add`), else into what was recorded of it.

    With LLMVIZ_REAL_MODELS=recorded the recording answers in any case, as it does where lessons are tested.
    """
    wants_recording = os.environ.get(VARIABLE) == RECORDED
    if wants_recording or registry.installed(name) is None:
        return RecordedModelProbe.load(name)
    return LiveModelProbe(load(name))


def describe(glass: ModelProbe) -> str:
    """Who answers, in a sentence for a learner."""
    about = registry.known(glass.name).about
    if glass.is_recorded:
        return f"{about}: answers from the recording. For texts of your own: llmviz models add {glass.name}"
    return f"{about}: the model itself answers; any text will do."
