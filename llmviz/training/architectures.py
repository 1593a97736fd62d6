"""From GPT-2 to Llama in five changes, each of which can be switched on alone (lesson 10).

`record_steps` trains a tiny GPT with none of them, with each, and with all, side by side; what it found ships as the
recording "architectures".
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from llmviz import artifacts, corpora
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly
from llmviz.tokenizers.base import Tokenizer
from llmviz.training import loop, runs
from llmviz.training.loop import TrainingSettings

STEPS, EVERY, SEEDS = 300, 10, (0, 1, 2)
CORPUS_SEED, CORPUS_PART, N_HELD_OUT = 1, 10, 16_384
CONTEXT, LONGER, EACH_PLACES = 64, 128, 16

CHANGES = {
    "rotary positions": {"positions": "rotary"},
    "RMSNorm": {"normalization": "rms"},
    "SwiGLU": {"activation": "swiglu"},
    "grouped queries": {"n_key_value_heads": 1},
    "no biases": {"biases": False},
}
"""What tells a Llama from a GPT-2, in the fields of `ModelConfig`. Sources: Su et al. 2021 (rotary positions), Zhang
and Sennrich 2019 (RMSNorm), Shazeer 2020 (SwiGLU), Ainslie et al. 2023 (grouped queries), Touvron et al. 2023,
section 2.2 (Llama, which joins them)."""

_GPT2 = {
    "positions": "learned", "norm": "pre", "query_key_norm": False, "normalization": "layer",
    "activation": "gelu_tanh", "biases": True, "unembedding": "tied", "embedding_norm": False,
}  # fmt: skip
_LLAMA = _GPT2 | {"positions": "rotary", "normalization": "rms", "activation": "swiglu", "biases": False}
_LLAMA_2 = _LLAMA | {"unembedding": "untied", "rotary_base": 10_000.0}
REAL = {
    "GPT-2": ModelConfig(50_257, 1024, 768, 12, 12, 3072, **_GPT2),
    "SmolLM2 135M": ModelConfig(49_152, 8192, 576, 30, 9, 1536, n_key_value_heads=3, rotary_base=1e5, **_LLAMA),
    "Llama 2 7B": ModelConfig(32_000, 4096, 4096, 32, 32, 11_008, **_LLAMA_2),
    "Llama 2 70B": ModelConfig(32_000, 4096, 8192, 80, 64, 28_672, n_key_value_heads=8, **_LLAMA_2),
}
"""Published sizes: Radford et al. 2019, table 2; Ben Allal et al. 2025, "SmolLM2", table 6; Touvron et al. 2023,
"Llama 2", table 1 and the configurations published with it."""


def gpt2_like(vocab_size: int, *, d_model: int = 32, context_length: int = CONTEXT) -> ModelConfig:
    """The choices of GPT-2 on a tiny model: two layers, four heads."""
    return ModelConfig(vocab_size, context_length, d_model, 2, 4, 4 * d_model, **_GPT2)


def changed(config: ModelConfig, *names: str) -> ModelConfig:
    """Switch some of the five `CHANGES` on; raises ValueError with their names for another.

    SwiGLU has three matrices in place of two, so its hidden layer is cut to two thirds: as many parameters as before.

    >>> changed(gpt2_like(1024), "SwiGLU").d_ff
    85
    """
    if unknown := [name for name in names if name not in CHANGES]:
        raise ValueError(f"{unknown[0]!r} is not one of the changes; these are {', '.join(map(repr, CHANGES))}")
    for name in names:
        config = replace(config, **CHANGES[name])
    return replace(config, d_ff=2 * config.d_ff // 3) if "SwiGLU" in names else config


def rms_norm(x: Tensor, gain: Tensor, epsilon: float = 1e-5) -> Tensor:
    """Divide each vector by the root of the mean of its squares, and stretch by the gain: (..., d_model).

    Nothing is subtracted: no mean, no shift. The plain form of what `Norm` runs; a test holds the two together.
    Source: Zhang and Sennrich 2019, "Root Mean Square Layer Normalization", equation 4. Lesson 10.

    >>> rms_norm(torch.tensor([3.0, 4.0]), torch.ones(2), epsilon=0.0)
    tensor([0.8485, 1.1314])
    """
    return x / (x.square().mean(dim=-1, keepdim=True) + epsilon).sqrt() * gain


def swiglu(x: Tensor, gate_proj: Tensor, up_proj: Tensor, down_proj: Tensor) -> Tensor:
    """A feed-forward network with a gate: down_proj (silu(gate_proj x) * up_proj x), where silu(z) = z sigmoid(z).

    The plain form of what `FeedForward` runs; a test holds the two together.
    Source: Shazeer 2020, "GLU Variants Improve Transformer", equation 6. Lesson 10.

    Args:
        x: (..., d_model).
        gate_proj, up_proj: (d_ff, d_model), as `nn.Linear` keeps them.
        down_proj: (d_model, d_ff).
    """
    return (F.silu(x @ gate_proj.T) * (x @ up_proj.T)) @ down_proj.T


@dataclass(frozen=True)
class Texts:
    """What the tiny models of lesson 10 read.

    Attributes:
        token_ids, starts: (position,), and where its documents begin.
        held_out, held_out_starts: the same of texts that they never read.
    """

    token_ids: Tensor
    starts: Tensor
    held_out: Tensor
    held_out_starts: Tensor

    def unread_windows(self, length: int) -> Tensor:
        """Windows of unread texts, cut as in training: each begins with a text; (window, length + 1)."""
        return loop.sample_windows(
            self.held_out, self.held_out_starts, N_HELD_OUT // length, length, seed=CORPUS_SEED, step=0
        )


def texts(tokenizer: Tokenizer) -> Texts:
    """A tenth of Tinyville, and unread texts to measure on."""
    counts = artifacts.load_model("tiny").corpus["counts"]
    corpus = corpora.tinyville(CORPUS_SEED, {kind: count // CORPUS_PART for kind, count in counts.items()})
    read, unread = corpora.split(corpus)
    token_ids = runs.corpus_tokens(read, tokenizer)
    held_out = runs.corpus_tokens(unread, tokenizer)
    starts, held_out_starts = (loop.document_starts(one, tokenizer.end_of_text) for one in (token_ids, held_out))
    return Texts(token_ids, starts, held_out, held_out_starts)


def variants(vocab_size: int) -> dict[str, ModelConfig]:
    """GPT-2's choices, each change alone, and all five: name to config."""
    first = gpt2_like(vocab_size)
    alone = {name: changed(first, name) for name in CHANGES}
    return {"GPT-2": first, **alone, "all five": changed(first, *CHANGES)}


@dataclass(frozen=True)
class Trained:
    """One variant after its training.

    Attributes:
        model: as it is now.
        losses: one a step, nats per token.
        held_out: the loss on unread texts.
        seconds: the median of a step.
    """

    model: DecoderOnly
    losses: list[float]
    held_out: float
    seconds: float


def train_side_by_side(
    configs: dict[str, ModelConfig], data: Texts, *, steps: int = STEPS, seed: int = 0, progress: bool = False
) -> dict[str, Trained]:
    """Train several models, one step of each in turn: what else the machine does slows all of them alike."""
    models = {name: DecoderOnly(config, seed=seed) for name, config in configs.items()}
    unread = data.unread_windows(CONTEXT)
    settings = TrainingSettings(steps=steps, seed=seed)
    rounds: Iterable[tuple] = zip(
        *(loop.train_steps(model, data.token_ids, settings, starts=data.starts) for model in models.values()),
        strict=True,
    )
    if progress:
        from tqdm.auto import tqdm

        rounds = tqdm(rounds, total=steps, desc=f"Training {len(models)} models", unit=" steps")
    with torch.enable_grad():
        done = [list(one) for one in zip(*rounds, strict=True)]
    return {
        name: Trained(
            model,
            [step.loss for step in own],
            loss_by_position(model, unread).mean().item(),
            statistics.median(step.seconds for step in own),
        )
        for (name, model), own in zip(models.items(), done, strict=True)
    }


@torch.no_grad()
def seeing_further(model: DecoderOnly, context_length: int) -> DecoderOnly:
    """The same weights in a model that sees more tokens at once; nothing is trained. Lesson 10.

    Raises ValueError for learned positions: there is a vector for each place of training, and none for any other.
    """
    if model.config.positions == "learned" and context_length > model.config.context_length:
        raise ValueError(
            f"this model has learned a vector for each of {model.config.context_length} places, and none for place "
            f"{model.config.context_length}: learned positions end where training ended"
        )
    wider = DecoderOnly(replace(model.config, context_length=context_length), seed=None)
    wider.load_state_dict(model.state_dict())
    return wider


@torch.inference_mode()
def loss_by_position(model: DecoderOnly, windows: Tensor) -> Tensor:
    """The mean loss at each place of windows (window, length + 1): (length,), in nats. Lesson 10."""
    return F.cross_entropy(model(windows[:, :-1]).mT, windows[:, 1:], reduction="none").mean(dim=0)


def record_steps(seeds: Sequence[int] = SEEDS, *, progress: bool = False) -> Iterator[dict[str, Any]]:
    """Train all variants, one seed after the other; the recording so far, after each.

    "seeds"; "steps" (point); "positions" (part); "variants": name → "n_parameters", "losses" (seed, point), "held_out"
    (seed) and "by_position" (seed, part; as far as it can see) in nats per token, "milliseconds" (seed) of the median
    step.
    """
    tokenizer = artifacts.load_model("tiny").tokenizer
    data, configs = texts(tokenizer), variants(tokenizer.vocab_size)
    found = []
    for seed in seeds:
        found.append(train_side_by_side(configs, data, seed=seed, progress=progress))
        yield {
            "seeds": list(seeds[: len(found)]),
            "steps": list(range(EVERY, STEPS + 1, EVERY)),
            "positions": list(range(EACH_PLACES, LONGER + 1, EACH_PLACES)),
            "variants": {name: _row(config, [one[name] for one in found], data) for name, config in configs.items()},
        }


def _row(config: ModelConfig, found: Sequence[Trained], data: Texts) -> dict[str, Any]:
    return {
        "n_parameters": config.n_parameters,
        "losses": [smoothed(one.losses) for one in found],
        "held_out": [round(one.held_out, 4) for one in found],
        "milliseconds": [round(1000 * one.seconds, 2) for one in found],
        "by_position": [_by_position(one.model, data) for one in found],
    }


def _by_position(model: DecoderOnly, data: Texts) -> list[float]:
    """The loss of each sixteen places, as far as the model can be made to see."""
    can_see = model if model.config.positions == "learned" else seeing_further(model, LONGER)
    pieces = loss_by_position(can_see, data.unread_windows(can_see.config.context_length)).split(EACH_PLACES)
    return [round(piece.mean().item(), 4) for piece in pieces]


def smoothed(losses: list[float]) -> list[float]:
    """The mean of each ten steps."""
    return [round(statistics.fmean(losses[start : start + EVERY]), 4) for start in range(0, len(losses), EVERY)]
