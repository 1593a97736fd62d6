"""Training: show the model text, measure its surprise, change its weights a little, again (lesson 5)."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from llmviz.model.transformer import DecoderOnly, TransformerBase
from llmviz.training.optimizers import Muon

MEASURED_STEPS = 12
SEED_STRIDE = 1_000_003
OBJECTIVE_SHIFT = 500


@dataclass(frozen=True)
class TrainingSettings:
    """Everything that decides a training run beside the model and the text; the defaults are the fastest measured.

    Attributes:
        steps: how many times the weights change.
        batch_size: windows of text a step; a window has the model's context_length tokens.
        optimizer: "muon" (Muon for the matrices of the blocks, AdamW for the embeddings) or "adamw" (for all).
        learning_rate: the first and highest; of Muon, or of AdamW when it does all.
        embedding_learning_rate: of AdamW for the embedding and the unembedding, beside Muon.
        decay: the last part of the run (0 to 1) in which the learning rate falls in a straight line to zero.
        seed: decides which windows are read in which order.
    """

    steps: int
    batch_size: int = 8
    optimizer: str = "muon"
    learning_rate: float = 0.02
    embedding_learning_rate: float = 0.015
    decay: float = 0.9
    seed: int = 0

    def __post_init__(self) -> None:
        if not all(isinstance(number, int) for number in (self.steps, self.batch_size, self.seed)):
            raise ValueError(
                f"steps, batch_size and seed are whole numbers; given {self.steps}, {self.batch_size}, {self.seed}"
            )
        if self.steps < 1 or self.batch_size < 1:
            raise ValueError(
                f"training needs at least one step and one window a step; "
                f"given {self.steps} steps and a batch of {self.batch_size}"
            )
        if self.optimizer not in ("muon", "adamw"):
            raise ValueError(f'the optimizers are "muon" and "adamw"; given {self.optimizer!r}')
        if not (self.learning_rate > 0 and self.embedding_learning_rate > 0):
            raise ValueError(f"a learning rate is above 0; given {self.learning_rate}, {self.embedding_learning_rate}")
        if not 0 < self.decay <= 1:
            raise ValueError(f"decay is a part of the run, above 0 and at most 1; given {self.decay}")

    def schedule(self, step: int) -> float:
        """The factor of the learning rate at a step (counted from 0): 1, and from some step on down to zero.

        >>> [TrainingSettings(steps=10, decay=0.5).schedule(step) for step in (0, 5, 8)]
        [1.0, 1.0, 0.4]
        """
        return min(1.0, (self.steps - step) / (self.decay * self.steps))


@dataclass(frozen=True)
class TrainingStep:
    """One change of the weights.

    Attributes:
        step: counted from 1.
        loss: nats per token on this step's windows, measured before the change.
        learning_rate: the (first) learning rate in this step.
        n_tokens: how many tokens this step predicted.
        seconds: how long it took.
    """

    step: int
    loss: float
    learning_rate: float
    n_tokens: int
    seconds: float


def make_optimizers(model: TransformerBase, settings: TrainingSettings) -> list[torch.optim.Optimizer]:
    """Make what changes the weights: Muon for the blocks' matrices and AdamW for the rest, or AdamW for all."""
    tables, matrices = _tables_and_matrices(model)
    is_fused = all(weight.device.type in ("cpu", "cuda") for weight in tables)
    if settings.optimizer == "adamw":
        parameters = list(model.parameters())
        return [torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=0.0, fused=is_fused)]
    adamw = torch.optim.AdamW(
        tables, lr=settings.embedding_learning_rate, betas=(0.9, 0.95), weight_decay=0.0, fused=is_fused
    )
    return [Muon(matrices, learning_rate=settings.learning_rate), adamw]


def _tables_and_matrices(model: TransformerBase) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The tables with one row a token or a position, and what is no matrix (gains and biases); and everything else."""
    tables, matrices = [], []
    for name, weight in model.named_parameters():
        is_matrix = weight.dim() == 2 and not name.endswith("embedding.weight")
        (matrices if is_matrix else tables).append(weight)
    return tables, matrices


def sample_windows(
    token_ids: Tensor, starts: Tensor | None, n_windows: int, length: int, *, seed: int, step: int
) -> Tensor:
    """Take windows of text at random: (window, length + 1), the last column only to be predicted.

    The same seed and step always give the same windows, so that a run can be resumed anywhere.

    Args:
        token_ids: (position,), the whole corpus.
        starts: where the documents begin, and where the last one ends (see `document_starts`); a window is then a
            chain of documents drawn at random, cut at its end. None: a window is one piece of the text.
    """
    generator = _step_generator(seed, step)
    if starts is not None:
        chains = [_chain_of_documents(token_ids, starts, length + 1, generator) for _ in range(n_windows)]
        return torch.stack(chains)
    last_start = len(token_ids) - length - 1
    if last_start < 0:
        raise ValueError(f"a window of {length} tokens needs a text of at least {length + 1}; given {len(token_ids)}")
    first = torch.randint(last_start + 1, (n_windows, 1), generator=generator)
    return token_ids[first + torch.arange(length + 1)]


def _step_generator(seed: int, step: int) -> torch.Generator:
    """The source of a step's random numbers: torch takes 32 bits as a seed, so both numbers are mixed into those."""
    return torch.Generator().manual_seed((seed * SEED_STRIDE + step) % 2**32)


def _chain_of_documents(token_ids: Tensor, starts: Tensor, length: int, generator: torch.Generator) -> Tensor:
    pieces, n_tokens = [], 0
    while n_tokens < length:
        number = int(torch.randint(len(starts) - 1, (), generator=generator))
        pieces.append(token_ids[starts[number] : starts[number + 1]])
        n_tokens += len(pieces[-1])
    return torch.cat(pieces)[:length]


def document_starts(token_ids: Tensor, end_of_text: int) -> Tensor:
    """Find where the documents begin, and where the last one ends: every end-of-text token, (document + 1,)."""
    starts = (token_ids == end_of_text).nonzero().flatten()
    if len(starts) < 2:
        raise ValueError(
            f"documents stand between end-of-text tokens (id {end_of_text}), one before each and one at the end; "
            f"found {len(starts)} such tokens"
        )
    return starts


Objective = Callable[[TransformerBase, Tensor, torch.Generator], Tensor]
"""What a step makes smaller: a loss (in nats) of a model on windows; the generator is the step's own."""


def cross_entropy(logits: Tensor, token_ids: Tensor) -> Tensor:
    """The mean surprise −ln p at the tokens that came, in nats (lesson 5).

    The plain form of `F.cross_entropy`, with which models are trained; a test holds the two together.
    Source: C. Shannon 1948, "A Mathematical Theory of Communication", section 6.

    Args:
        logits: (position, vocab), scores before the softmax.
        token_ids: (position,), the tokens that came.

    >>> cross_entropy(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
    tensor(0.6931)
    """
    log_probabilities = logits.log_softmax(dim=-1)
    return -log_probabilities[torch.arange(len(token_ids)), token_ids].mean()


def next_token_loss(model: DecoderOnly, windows: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """The mean surprise −ln p(next token) over all positions of the windows (window, position + 1), in nats."""
    logits = model(windows[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())


def train_steps(
    model: TransformerBase,
    token_ids: Tensor,
    settings: TrainingSettings,
    *,
    objective: Objective = next_token_loss,
    starts: Tensor | None = None,
    optimizers: Sequence[torch.optim.Optimizer] | None = None,
    first_step: int = 0,
) -> Iterator[TrainingStep]:
    """Train, and hand back control after each step; stop or look whenever you like (lesson 5).

    Args:
        model: is changed in place.
        token_ids: (position,), the corpus.
        settings: the run.
        objective: what to learn: `next_token_loss` for a GPT, `masking.masked_token_loss` for a BERT.
        starts: where the documents begin (see `document_starts`), if the text is made of short ones.
        optimizers: those of an interrupted run, to resume it; None makes new ones.
        first_step: how many steps have been done already.

    Yields:
        a `TrainingStep` for each step from `first_step` + 1 to `settings.steps`.
    """
    optimizers = make_optimizers(model, settings) if optimizers is None else optimizers
    highest = [
        [group.setdefault("highest_lr", group["lr"]) for group in optimizer.param_groups] for optimizer in optimizers
    ]
    device = model.embedding.weight.device
    length = model.config.context_length
    for step in range(first_step, settings.steps):
        started = time.perf_counter()
        for optimizer, rates in zip(optimizers, highest, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * settings.schedule(step)
        windows = sample_windows(token_ids, starts, settings.batch_size, length, seed=settings.seed, step=step).to(
            device
        )
        loss = objective(model, windows, _step_generator(settings.seed + OBJECTIVE_SHIFT, step))
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        value = loss.item()
        if value != value:
            raise ArithmeticError(
                f"the loss is no longer a number at step {step + 1}: the learning rate "
                f"({settings.learning_rate}) is probably too high; try a tenth of it"
            )
        seconds = time.perf_counter() - started
        rate = optimizers[0].param_groups[0]["lr"]
        yield TrainingStep(step + 1, value, rate, settings.batch_size * length, seconds)


def train(
    model: TransformerBase,
    token_ids: Tensor,
    settings: TrainingSettings,
    *,
    objective: Objective = next_token_loss,
    starts: Tensor | None = None,
    progress: bool = False,
) -> list[TrainingStep]:
    """Train to the end and collect all steps; `progress` shows a bar with the time left."""
    steps = train_steps(model, token_ids, settings, objective=objective, starts=starts)
    if progress:
        from tqdm.auto import tqdm

        steps = tqdm(steps, total=settings.steps, desc="Training", unit=" steps")
    return list(steps)


def measure_seconds_per_step(
    model: DecoderOnly, token_ids: Tensor, settings: TrainingSettings, *, starts: Tensor | None = None
) -> tuple[float, float]:
    """Time a few training steps on a copy of the model: (seconds a step after a warm-up, seconds spent on it)."""
    trial = replace(settings, steps=4 * MEASURED_STEPS, decay=1.0)
    seconds = [step.seconds for step in train_steps(copy.deepcopy(model), token_ids, trial, starts=starts)]
    return sum(seconds[MEASURED_STEPS:]) / len(seconds[MEASURED_STEPS:]), sum(seconds)


@torch.inference_mode()
def evaluate(model: DecoderOnly, token_ids: Tensor, *, batch_size: int = 32) -> float:
    """Measure the loss on a text, nats per token: windows side by side, each token predicted exactly once.

    Args:
        token_ids: (position,), at least two.
    """
    length = model.config.context_length
    if len(token_ids) < 2:
        raise ValueError(f"there is something to predict from the second token on; given {len(token_ids)}")
    inputs, targets = token_ids[:-1], token_ids[1:]
    n_whole = len(inputs) // length * length
    total = 0.0
    pieces = [
        *zip(
            inputs[:n_whole].view(-1, length).split(batch_size),
            targets[:n_whole].view(-1, length).split(batch_size),
            strict=True,
        )
    ]
    if n_whole < len(inputs):
        pieces.append((inputs[None, n_whole:], targets[None, n_whole:]))
    device = model.embedding.weight.device
    for piece, wanted in pieces:
        if piece.numel():
            logits = model(piece.to(device)).flatten(0, 1)
            total += F.cross_entropy(logits, wanted.to(device).flatten(), reduction="sum").item()
    return total / len(inputs)
