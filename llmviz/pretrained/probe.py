"""What lesson 10 asks a real model, and who answers: the model itself if it is installed, else a recording that ships.

    probe = open_probe("smollm2")
    probe.next_tokens("The capital of France is")

Both answer the same questions in the same form, so a notebook is the same with and without the downloads.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Collection, Mapping
from importlib.resources import files
from typing import Any

import numpy as np
import torch

from llmviz import artifacts
from llmviz.generation.sampling import generate
from llmviz.interpretability import Head, induction_score
from llmviz.model.config import ModelConfig
from llmviz.pretrained import registry
from llmviz.pretrained.convert import Pretrained, load
from llmviz.pretrained.tokenizer import chat_prompt

VARIABLE, RECORDED = "LLMVIZ_REAL_MODELS", "recorded"
_N_BEST, _N_NEW = 8, 40

_TEXTS = tomllib.loads(files(__package__).joinpath("probe.toml").read_text("utf-8"))
PROMPTS, SENTENCE, QUESTION = (_TEXTS[name] for name in ("prompts", "sentence", "question"))
LISTS = tuple(f"{words} {words}" for words in _TEXTS["lists"])
RIVER, MONEY, INVENTED = (_TEXTS[name] for name in ("river", "money", "invented"))


def as_chat(question: str) -> str:
    """A question as the chat model reads it."""
    return chat_prompt([{"role": "user", "content": question}])


LESSON_TEXTS: dict[str, dict[str, Any]] = {
    "smollm2": {
        "tokens": (SENTENCE, LISTS[0], QUESTION, as_chat(QUESTION)),
        "attention": LISTS[:1],
        "ablate": LISTS,
        "logit_lens": PROMPTS,
        "complete": (QUESTION, *map(as_chat, (QUESTION, *INVENTED))),
    },
    "minilm": {"tokens": (SENTENCE,), "token_states": dict.fromkeys((*RIVER, *MONEY), "bank")},
}
"""What is recorded: model → method of `ModelProbe` → texts; of "token_states": text → token."""


class ModelProbe:
    """A real model, with the questions of lesson 10. Names such as <|im_start|> in a text are its special tokens.

    is_recorded: whether a recording answers; it knows its own texts only, and raises ValueError for another one.
    """

    is_recorded = False

    def __init__(self, real: Pretrained):
        self.name, self.config = real.name, real.model.config
        self.model, self.tokenizer = real.model, real.tokenizer

    def describe(self) -> str:
        """Who answers, in a sentence for a learner."""
        about = registry.KNOWN[self.name].about
        if self.is_recorded:
            return f"{about}: answers from the recording. For texts of your own: llmviz models add {self.name}"
        return f"{about}: the model itself answers; any text will do."

    def _ids(self, text: str) -> list[int]:
        if self.tokenizer.kind == "wordpiece":
            return self.tokenizer.encode(text)
        special = self.tokenizer.special_tokens
        parts = re.split(f"({'|'.join(map(re.escape, special))})", text)
        return [one for part in parts for one in ([special[part]] if part in special else self.tokenizer.encode(part))]

    def _trace(self, text: str, heads: Collection[Head] = ()):
        with torch.inference_mode():
            return self.model.trace(torch.tensor(self._ids(text)), ablate_heads=heads)

    def tokens(self, text: str) -> list[str]:
        """The tokens that the model reads, one string each."""
        return self.tokenizer.tokens(self._ids(text))

    def attention(self, text: str) -> np.ndarray:
        """All attention weights: (layer, head, query, key); a recording has them to 0.0001."""
        return self._trace(text).attention_weights[:, 0].numpy()

    def ablate(self, text: str, heads: np.ndarray) -> tuple[float, np.ndarray]:
        """Switch off heads, (layer, head) of bool, while the model reads a list that is written twice.

        Returns the loss on the second half of its words, in nats per token, and each head's induction score.
        """
        trace = self._trace(text, [(layer, head) for layer, head in np.argwhere(heads).tolist()])
        loss = trace.losses[0, -(len(text.split()) // 2) :].mean().item()
        return loss, induction_score(trace.attention_weights[:, 0].numpy(), self._ids(text))

    def logit_lens(self, text: str) -> list[list[tuple[str, float]]]:
        """The most probable next tokens, with p, if each layer were the last: (layer + 1) lists."""
        with torch.inference_mode():
            logits = self.model.unembed(self._trace(text).residuals[:, 0, -1])
            best = logits.softmax(dim=-1).topk(_N_BEST)
        rows = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [list(zip(self.tokenizer.tokens(ids), shares, strict=True)) for ids, shares in rows]

    def next_tokens(self, text: str) -> list[tuple[str, float]]:
        """The most probable next tokens and their probabilities, best first."""
        return self.logit_lens(text)[-1]

    def complete(self, text: str) -> str:
        """The continuation at temperature 0: at most 40 tokens, or until the end of the text."""
        stop = {self.tokenizer.end_of_text}
        written = generate(self.model, self._ids(text), max_new_tokens=_N_NEW, temperature=0, stop_tokens=stop)
        return self.tokenizer.decode(one for one in written if one not in stop)

    def token_states(self, text: str, token: str) -> np.ndarray:
        """The residual stream at a token: (layer + 1, d_model)."""
        tokens = self.tokens(text)
        if token not in tokens:
            raise ValueError(f"{token!r} is no token of this text; its tokens are {tokens}")
        return self._trace(text).residuals[:, 0, tokens.index(token)].numpy()


class _RecordedModelProbe(ModelProbe):
    """Answers from a recording: "config", "answers" (method → text → answer, or the name of an array), "arrays"."""

    is_recorded = True

    def __init__(self, name: str, data: Mapping[str, Any]):
        self.name, self.config = name, ModelConfig(**data["config"])
        self.answers, self.arrays = data["answers"], data["arrays"]

    def _answer(self, question: str, text: str) -> Any:
        known = self.answers.get(question, {})
        if text not in known:
            raise ValueError(
                f"of this text {question!r} was not recorded; recorded are {', '.join(map(repr, known)) or 'none'}. "
                f"The model itself takes any text: llmviz models add {self.name}"
            )
        return known[text]

    def tokens(self, text: str) -> list[str]:
        return list(self._answer("tokens", text))

    def attention(self, text: str) -> np.ndarray:
        shares = self.arrays[self._answer("attention", text)].astype(np.float32)
        return shares / shares.sum(axis=-1, keepdims=True)

    def ablate(self, text: str, heads: np.ndarray) -> tuple[float, np.ndarray]:
        recorded, given = self._answer("ablate", text), str(np.argwhere(heads).tolist())
        if given not in recorded:
            raise ValueError(f"of this text other heads were switched off: {', '.join(recorded)}; given {given}")
        loss, scores = recorded[given]
        return loss, self.arrays[scores].astype(np.float32)

    def logit_lens(self, text: str) -> list[list[tuple[str, float]]]:
        return [[(token, share) for token, share in layer] for layer in self._answer("logit_lens", text)]

    def complete(self, text: str) -> str:
        return self._answer("complete", text)

    def token_states(self, text: str, token: str) -> np.ndarray:
        recorded = self._answer("token_states", text)
        if token not in recorded:
            raise ValueError(f"of this text the states of {str([*recorded])[1:-1]} were recorded, not {token!r}")
        return self.arrays[recorded[token]].astype(np.float32)


def open_probe(name: str) -> ModelProbe:
    """Open a real model: itself if it is installed (`llmviz models add`), else what was recorded of it.

    With LLMVIZ_REAL_MODELS=recorded the recording answers in any case, as it does where lessons are tested.
    """
    if os.environ.get(VARIABLE) == RECORDED or registry.installed(name) is None:
        return _RecordedModelProbe(name, artifacts.load_recording(name))
    return ModelProbe(load(name))
