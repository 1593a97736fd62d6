"""The training recipe of large models, whole and with one line changed: an experiment with tiny models (lesson 11).

`tools/record.py` trains all `variants`; the result ships as the recording "scale".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from llmviz.model.config import gpt2_like
from llmviz.model.transformer import DecoderOnly
from llmviz.training import loop
from llmviz.training.architectures import _Data, loss_by_position
from llmviz.training.optimizers import Muon, warm_up_and_cosine

STEPS, WINDOWS = 400, 8
_CONTEXT, _VOCAB_SIZE = 64, 1024
_BETAS = (0.9, 0.95)


@dataclass(frozen=True)
class Recipe:
    """How a tiny GPT-2 is trained; the defaults are the lines that most large models share.

    Attributes:
        optimizer: "adamw", "sgd" (with momentum), or "muon" for the matrices of the blocks and AdamW for the rest.
        learning_rate: the highest one, of AdamW; SGD takes 25 times, Muon 5/3 times as much.
        warm_up: steps in which the learning rate rises.
        decay: afterwards "cosine" or "linear" to zero, or "constant".
        max_norm: gradients longer than this are clipped; None: no clipping.
        weight_decay: of AdamW.
        init_std: standard deviation of the first weights.
        steps: number of updates.

    Source: Touvron et al. 2023, "LLaMA", section 2.3 (AdamW, cosine, weight decay 0.1, clipping 1.0, warm-up); Radford
    et al. 2018, section 4.1 (the first weights).
    """

    optimizer: str = "adamw"
    learning_rate: float = 0.012
    warm_up: int = 40
    decay: str = "cosine"
    max_norm: float | None = 1.0
    weight_decay: float = 0.1
    init_std: float = 0.02
    steps: int = STEPS

    def factors(self) -> list[float]:
        """Factors of the learning rate, (steps)."""
        falling = {"cosine": warm_up_and_cosine(self.steps, self.warm_up)}
        n_falling = self.steps - self.warm_up
        rise = [(step + 1) / self.warm_up for step in range(self.warm_up)]
        falling["linear"] = rise + [1 - step / n_falling for step in range(n_falling)]
        falling["constant"] = rise + [1.0] * n_falling
        return falling[self.decay]

    def model(self, seed: int) -> DecoderOnly:
        """A new model: normally distributed matrices; gains 1, biases 0."""
        model = DecoderOnly(gpt2_like(_VOCAB_SIZE), seed=seed)
        generator = torch.Generator().manual_seed(seed)
        for weight in model.parameters():
            if weight.dim() == 2:
                nn.init.normal_(weight, std=self.init_std, generator=generator)
        return model

    def optimizers(self, model: DecoderOnly) -> list[torch.optim.Optimizer]:
        """Over all parameters of the model."""
        weights = list(model.parameters())
        options = {"lr": self.learning_rate, "betas": _BETAS, "weight_decay": self.weight_decay}
        if self.optimizer == "sgd":
            return [torch.optim.SGD(weights, lr=25 * self.learning_rate, momentum=0.9)]
        if self.optimizer == "muon":
            matrices = [weight for weight in model.blocks.parameters() if weight.dim() == 2]
            rest = [weight for weight in weights if all(weight is not one for one in matrices)]
            return [Muon(matrices, learning_rate=self.learning_rate * 5 / 3), torch.optim.AdamW(rest, **options)]
        return [torch.optim.AdamW(weights, **options)]


def variants() -> dict[str, Recipe]:
    """The whole recipe, and the same with one line changed."""
    whole = Recipe()
    return {
        "whole recipe": whole,
        "no warm-up": replace(whole, warm_up=0),
        "no decay of the rate": replace(whole, decay="constant"),
        "linear, not cosine": replace(whole, decay="linear"),
        "no clipping": replace(whole, max_norm=None),
        "no weight decay": replace(whole, weight_decay=0.0),
        "first weights 50 times as large": replace(whole, init_std=1.0),
        "SGD, not AdamW": replace(whole, optimizer="sgd"),
        "Muon, not AdamW": replace(whole, optimizer="muon"),
    }


@dataclass(frozen=True)
class _Run:
    """A trained model; its loss at each step; the loss on the held-out text."""

    model: DecoderOnly
    losses: list[float]
    held_out: float


def train_recipe(recipe: Recipe, data: _Data, *, seed: int = 0) -> _Run:
    """Train a tiny GPT-2 by a recipe; `data` is that of `architectures.load_data`."""
    model = recipe.model(seed)
    optimizers = recipe.optimizers(model)

    def clip(*_) -> None:
        nn.utils.clip_grad_norm_(model.parameters(), recipe.max_norm)

    if recipe.max_norm:
        optimizers[0].register_step_pre_hook(clip)  # before the first optimizer moves its weights

    def batch_loss(step: int) -> Tensor:
        windows = loop.sample_windows(data.token_ids, data.starts, WINDOWS, _CONTEXT, seed=seed, step=step)
        return loop.next_token_loss(model, windows)

    steps = loop.optimize_steps(batch_loss, optimizers, recipe.steps, schedule=recipe.factors().__getitem__)
    losses = [one.loss for one in steps]
    held_out = loss_by_position(model, data.held_out_windows(_CONTEXT)).mean().item()
    return _Run(model, losses, held_out)
