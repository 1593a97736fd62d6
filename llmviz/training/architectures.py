"""From GPT-2 to Llama, one change at a time: an experiment with tiny models (lesson 10).

`tools/record.py` trains all `variants` side by side; the result ships as the recording "architectures".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from llmviz import artifacts, corpora
from llmviz.model.config import CHANGES, ModelConfig, gpt2_like, with_changes
from llmviz.model.transformer import DecoderOnly
from llmviz.tokenizers.base import Tokenizer
from llmviz.training import loop, runs
from llmviz.training.loop import TrainingSettings

STEPS = 300
_CORPUS_SEED, _CORPUS_PART, _N_HELD_OUT = 1, 10, 16_384
_CONTEXT = 64


@dataclass(frozen=True)
class _Data:
    """A training and a held-out text: token ids (position,), and where the documents begin."""

    token_ids: Tensor
    starts: Tensor
    held_out: Tensor
    held_out_starts: Tensor

    def held_out_windows(self, length: int) -> Tensor:
        """Windows of the held-out text, drawn as in training: (window, length + 1)."""
        n_windows = _N_HELD_OUT // length
        return loop.sample_windows(self.held_out, self.held_out_starts, n_windows, length, seed=_CORPUS_SEED, step=0)


def load_data(tokenizer: Tokenizer) -> _Data:
    """A tenth of Tinyville, split into a training and a held-out part."""
    counts = artifacts.load_model("tiny").corpus["counts"]
    corpus = corpora.tinyville(_CORPUS_SEED, {kind: count // _CORPUS_PART for kind, count in counts.items()})
    token_ids, held_out = (runs.corpus_tokens(part, tokenizer) for part in corpora.split(corpus))
    starts, held_out_starts = (loop.document_starts(one, tokenizer.end_of_text) for one in (token_ids, held_out))
    return _Data(token_ids, starts, held_out, held_out_starts)


def variants(vocab_size: int) -> dict[str, ModelConfig]:
    """A tiny GPT-2, the same with each change alone, with all five, and with multi-query attention."""
    first = gpt2_like(vocab_size)
    alone = {name: with_changes(first, name) for name in CHANGES}
    both = {"all five": with_changes(first, *CHANGES), "multi-query attention": replace(first, n_key_value_heads=1)}
    return {"GPT-2": first, **alone, **both}


@dataclass(frozen=True)
class _Trained:
    """A variant after training, and its loss on the held-out text in nats per token."""

    model: DecoderOnly
    held_out: float


def train_side_by_side(
    configs: dict[str, ModelConfig], data: _Data, *, steps: int = STEPS, seed: int = 0, **settings: float
) -> dict[str, _Trained]:
    """Train several models on the same windows, one after the other; `settings` are those of `TrainingSettings`."""
    models = {name: DecoderOnly(config, seed=seed) for name, config in configs.items()}
    plan, held_out = TrainingSettings(steps=steps, seed=seed, **settings), data.held_out_windows(_CONTEXT)
    for model in models.values():
        loop.train(model, data.token_ids, plan, starts=data.starts)
    return {name: _Trained(model, loss_by_position(model, held_out).mean().item()) for name, model in models.items()}


@torch.inference_mode()
def loss_by_position(model: DecoderOnly, windows: Tensor) -> Tensor:
    """Mean loss at each position of windows (window, length + 1): (length,), in nats."""
    return F.cross_entropy(model(windows[:, :-1]).mT, windows[:, 1:], reduction="none").mean(dim=0)
