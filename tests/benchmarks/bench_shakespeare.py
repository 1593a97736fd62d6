"""Characters of Tiny Shakespeare: `llmviz train --steps 350` against the usual laptop recipe, to the same loss.

The recipe is nanoGPT's for a laptop: 2,000 steps of 12 windows of 64 characters; a GPT of 0.8 M parameters with
4 layers, width 128, 4 heads, learned positions, layer norms with gains, GELU and one table for embedding and
unembedding, without dropout; AdamW with a learning rate of 1e-3, 100 steps of warm-up and a cosine down to 1e-4.
"""

import math
import time
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from measuring import Finding, NotMeasured, Target, compare, measure, progress, take_turns
from torch import Tensor, nn

from llmviz import corpora, training
from llmviz.model.config import ModelConfig
from llmviz.training import runs

OUR_STEPS = 350
THEIR_STEPS, THEIR_WINDOWS, CONTEXT = 2000, 12, 64
HIGHEST_RATE, LOWEST_RATE, WARM_UP_STEPS = 1e-3, 1e-4, 100
QUICK_STEPS = 100
TARGET_LOSS = Target(1.88, is_minimum=False, unit=" nats")


def findings(quick: bool) -> Iterator[Finding]:
    """Train ours and theirs in turn, each time from another seed, and measure all on the same held-out tenth."""
    try:
        corpus = corpora.tiny_shakespeare()
    except FileNotFoundError as error:
        raise NotMeasured(str(error)) from None
    turns = 1 if quick else 3
    race = _Race(corpus, QUICK_STEPS if quick else THEIR_STEPS)
    seconds = take_turns({"ours": race.ours, "the usual recipe": race.theirs}, turns, warm_up=False, label="training")
    scaled = f" (scaled from {QUICK_STEPS} steps)" if quick else ""
    yield compare(
        f"seconds of training, {OUR_STEPS} steps of ours against {THEIR_STEPS:,} of the usual recipe{scaled}",
        seconds["ours"], seconds["the usual recipe"], peer_name="the usual recipe", unit="s", per="faster",
        target=Target(5),
    )  # fmt: skip
    sizes = f"{race.n_parameters['ours']:,} parameters"
    yield measure("our validation loss", race.losses["ours"], "nats per character", target=TARGET_LOSS, note=sizes)
    if race.losses["theirs"]:
        sizes = f"{race.n_parameters['theirs']:,} parameters"
        yield measure("the usual recipe's", race.losses["theirs"], "nats per character", note=sizes)


class _Race:
    """Both sides, from one seed after another; each turn returns its seconds of training, evaluation left out."""

    def __init__(self, corpus: corpora.Corpus, their_steps: int):
        self.corpus = corpus
        self.their_steps = their_steps
        self.losses: dict[str, list[float]] = {"ours": [], "theirs": []}
        self.n_parameters: dict[str, int] = {}

    def ours(self) -> float:
        """The command `llmviz train --text shakespeare --tokenizer characters --steps 350 --seed K`."""
        run = runs.create(self.corpus, tokenizer="characters", steps=OUR_STEPS, seed=len(self.losses["ours"]))
        steps = training.train_steps(
            run.model, run.token_ids, run.settings, starts=run.starts, optimizers=run.checkpoint.optimizers
        )
        seconds = sum(step.seconds for step in progress(OUR_STEPS, "ours", steps))
        self.losses["ours"].append(runs._held_out_loss(run))
        self.n_parameters["ours"] = run.model.n_parameters
        return seconds

    def theirs(self) -> float:
        """The usual recipe, on the same characters; a slice of it is scaled to all its steps."""
        seed = len(self.losses["theirs"])
        run = runs.create(self.corpus, tokenizer="characters", steps=1)
        model = LaptopGPT(run.tokenizer.vocab_size, seed=seed)
        steps = train_laptop_gpt(model, run.token_ids, self.their_steps, seed=seed)
        seconds = sum(progress(self.their_steps, "the usual recipe", steps))
        self.n_parameters["theirs"] = sum(parameter.numel() for parameter in model.parameters())
        if self.their_steps == THEIR_STEPS:
            held_out = runs.corpus_tokens(run.held_out, run.tokenizer)
            self.losses["theirs"].append(training.evaluate(model, held_out))
        return seconds * THEIR_STEPS / self.their_steps


def train_laptop_gpt(model: nn.Module, token_ids: Tensor, steps: int, *, seed: int) -> Iterator[float]:
    """Take the first steps of the recipe; the seconds of each."""
    matrices = [weight for weight in model.parameters() if weight.dim() > 1]
    vectors = [weight for weight in model.parameters() if weight.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    adamw = torch.optim.AdamW(groups, lr=HIGHEST_RATE, betas=(0.9, 0.99), fused=True)
    for step in range(steps):
        started = time.perf_counter()
        for group in adamw.param_groups:
            group["lr"] = learning_rate(step)
        windows = training.sample_windows(token_ids, None, THEIR_WINDOWS, CONTEXT, seed=seed, step=step)
        loss = F.cross_entropy(model(windows[:, :-1]).flatten(0, 1), windows[:, 1:].flatten())
        adamw.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adamw.step()
        yield time.perf_counter() - started


def learning_rate(step: int) -> float:
    """The recipe's schedule: up in a line, then down a cosine."""
    if step < WARM_UP_STEPS:
        return HIGHEST_RATE * (step + 1) / WARM_UP_STEPS
    done = (step - WARM_UP_STEPS) / (THEIR_STEPS - WARM_UP_STEPS)
    return LOWEST_RATE + 0.5 * (1 + math.cos(math.pi * done)) * (HIGHEST_RATE - LOWEST_RATE)


class LaptopBlock(nn.Module):
    """A block as in GPT-2: layer norm, attention, layer norm, GELU."""

    def __init__(self, width: int, n_heads: int):
        super().__init__()
        self.n_heads = n_heads
        self.before_attention = nn.LayerNorm(width, bias=False)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)
        self.before_feed_forward = nn.LayerNorm(width, bias=False)
        self.widen = nn.Linear(width, 4 * width, bias=False)
        self.narrow = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, position, width) → the same."""
        parts = self.query_key_value(self.before_attention(x)).chunk(3, dim=-1)
        query, key, value = (part.unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for part in parts)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.output(mixed.transpose(1, 2).flatten(-2))
        return x + self.narrow(F.gelu(self.widen(self.before_feed_forward(x))))


class LaptopGPT(nn.Module):
    """The usual small GPT in plain torch; weights drawn as in GPT-2."""

    def __init__(self, vocab_size: int, *, n_layers: int = 4, width: int = 128, n_heads: int = 4, seed: int = 0):
        super().__init__()
        self.config = ModelConfig(vocab_size, context_length=CONTEXT, d_model=width, n_layers=n_layers)
        self.embedding = nn.Embedding(vocab_size, width)
        self.positions = nn.Embedding(CONTEXT, width)
        self.blocks = nn.Sequential(*(LaptopBlock(width, n_heads) for _ in range(n_layers)))
        self.last = nn.LayerNorm(width, bias=False)
        generator = torch.Generator().manual_seed(seed)
        for name, weight in self.named_parameters():
            if weight.dim() > 1:
                writes = name.endswith(("output.weight", "narrow.weight"))
                scale = 0.02 / math.sqrt(2 * n_layers) if writes else 0.02
                nn.init.normal_(weight, std=scale, generator=generator)

    def forward(self, token_ids: Tensor) -> Tensor:
        """(batch, position) → logits (batch, position, vocab)."""
        x = self.embedding(token_ids) + self.positions.weight[: token_ids.shape[1]]
        return F.linear(self.last(self.blocks(x)), self.embedding.weight)
