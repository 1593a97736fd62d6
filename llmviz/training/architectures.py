"""From GPT-2 to Llama, one change at a time: an experiment with tiny models (lesson 10).

`tools/record.py` trains all `_variants` side by side; the result ships as the recording "architectures".
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm.auto import tqdm

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


def _variants(vocab_size: int) -> dict[str, ModelConfig]:
    """A tiny GPT-2, the same with each change alone, and with all five."""
    first = gpt2_like(vocab_size)
    alone = {name: with_changes(first, name) for name in CHANGES}
    return {"GPT-2": first, **alone, "all five": with_changes(first, *CHANGES)}


@dataclass(frozen=True)
class _Trained:
    """A variant after training; losses in nats per token, seconds of the median step."""

    model: DecoderOnly
    losses: list[float]
    held_out: float
    seconds: float


def train_side_by_side(
    configs: dict[str, ModelConfig], data: _Data, *, steps: int = STEPS, seed: int = 0, progress: bool = False
) -> dict[str, _Trained]:
    """Train several models, one step of each in turn, so that their times can be compared."""
    models = {name: DecoderOnly(config, seed=seed) for name, config in configs.items()}
    settings = TrainingSettings(steps=steps, seed=seed)
    side_by_side = [loop.train_steps(model, data.token_ids, settings, starts=data.starts) for model in models.values()]
    rounds = zip(*side_by_side, strict=True)
    rounds = tqdm(rounds, total=steps, desc=f"Training {len(models)} models", unit=" steps", disable=not progress)
    held_out, done = data.held_out_windows(_CONTEXT), [list(one) for one in zip(*rounds, strict=True)]
    return {
        name: _Trained(
            model,
            [step.loss for step in own],
            loss_by_position(model, held_out).mean().item(),
            statistics.median(step.seconds for step in own),
        )
        for (name, model), own in zip(models.items(), done, strict=True)
    }


@torch.inference_mode()
def loss_by_position(model: DecoderOnly, windows: Tensor) -> Tensor:
    """Mean loss at each position of windows (window, length + 1): (length,), in nats."""
    return F.cross_entropy(model(windows[:, :-1]).mT, windows[:, 1:], reduction="none").mean(dim=0)
