"""The training loop: draw a batch, compute its loss and gradients, let the optimizers change the weights (lesson 5)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm.auto import tqdm

from llmviz.model.transformer import DecoderOnly, TransformerBase
from llmviz.tokenizers.base import Tokenizer
from llmviz.training.optimizers import Muon

IGNORE_INDEX = -100
"""The target of positions without a loss; `F.cross_entropy` leaves them out."""
_WINDOWS_AT_ONCE, _DOCUMENTS_AT_ONCE = 32, 64
_SEED_STRIDE = 1_000_003
_OBJECTIVE_SEED_SHIFT = 500


@dataclass(frozen=True)
class TrainingSettings:
    """Hyperparameters of a training run; the defaults were the fastest measured.

    Attributes:
        steps: number of weight updates.
        batch_size: windows of text a step, each of the model's context_length tokens.
        optimizer: "muon" (Muon for the matrices of the blocks, AdamW for embeddings, norms and biases) or "adamw".
        learning_rate: the highest; of Muon, or of AdamW if it is alone.
        embedding_learning_rate: of AdamW beside Muon.
        decay: the last part of the run (0 to 1) in which the learning rate falls linearly to zero.
        seed: of the order in which windows are drawn.
    """

    steps: int
    batch_size: int = 8
    optimizer: str = "muon"
    learning_rate: float = 0.02
    embedding_learning_rate: float = 0.015
    decay: float = 0.9
    seed: int = 0

    def __post_init__(self) -> None:
        counts = (self.steps, self.batch_size, self.seed)
        if not all(isinstance(number, int) for number in counts) or self.steps < 1 or self.batch_size < 1:
            raise ValueError(f"steps and batch_size are whole numbers of at least 1, seed is one; given {counts}")
        if self.optimizer not in ("muon", "adamw"):
            raise ValueError(f'the optimizers are "muon" and "adamw"; given {self.optimizer!r}')
        if not (self.learning_rate > 0 and self.embedding_learning_rate > 0):
            raise ValueError(f"a learning rate is above 0; given {self.learning_rate}, {self.embedding_learning_rate}")
        if not 0 < self.decay <= 1:
            raise ValueError(f"decay is a part of the run, above 0 and at most 1; given {self.decay}")

    def schedule(self, step: int) -> float:
        """Factor of the learning rate at a step, from 0: constant, then linear decay to zero.

        >>> [TrainingSettings(steps=10, decay=0.5).schedule(step) for step in (0, 5, 8)]
        [1.0, 1.0, 0.4]
        """
        return min(1.0, (self.steps - step) / (self.decay * self.steps))


@dataclass(frozen=True)
class TrainingStep:
    """One update of the weights.

    step: counted from 1. loss: on this step's batch, before the update; nats per token for language models.
    learning_rate: of the first optimizer, in this step. seconds: wall-clock time.
    """

    step: int
    loss: float
    learning_rate: float
    seconds: float


def make_optimizers(model: TransformerBase, settings: TrainingSettings) -> list[torch.optim.Optimizer]:
    """Muon for the blocks' matrices and AdamW for the rest, or AdamW for everything."""
    tables, matrices = [], []  # tables: embeddings, which have a row a token or position; norms and biases go with them
    for name, weight in model.named_parameters():
        is_matrix = weight.dim() == 2 and not name.endswith("embedding.weight")
        (matrices if is_matrix else tables).append(weight)
    options = {"weight_decay": 0.0, "fused": all(weight.device.type in ("cpu", "cuda") for weight in tables)}
    if settings.optimizer == "adamw":
        return [torch.optim.AdamW(list(model.parameters()), lr=settings.learning_rate, **options)]
    adamw = torch.optim.AdamW(tables, lr=settings.embedding_learning_rate, betas=(0.9, 0.95), **options)
    return [Muon(matrices, learning_rate=settings.learning_rate), adamw]


def sample_windows(
    token_ids: Tensor, starts: Tensor | None, n_windows: int, length: int, *, seed: int, step: int
) -> Tensor:
    """Draw windows of text: (window, length + 1), the last column only as a target.

    The same seed and step always give the same windows, so that a run can be resumed anywhere.

    Args:
        token_ids: (position,), the whole corpus; or (row, length + 1), from which whole rows are drawn.
        starts: where the documents of a corpus begin, and where the last one ends (see `document_starts`); a window is
            then a sequence of documents drawn at random, cut at its end. None: a window is one piece of the corpus.
    """
    generator = _step_generator(seed, step)
    if token_ids.dim() == 2:
        return token_ids[torch.randint(len(token_ids), (n_windows,), generator=generator)]
    if starts is not None:
        return torch.stack([_draw_documents(token_ids, starts, length + 1, generator) for _ in range(n_windows)])
    last_start = len(token_ids) - length - 1
    if last_start < 0:
        raise ValueError(f"a window of {length} tokens needs a text of at least {length + 1}; given {len(token_ids)}")
    first = torch.randint(last_start + 1, (n_windows, 1), generator=generator)
    return token_ids[first + torch.arange(length + 1)]


def shifted_windows(token_ids: Tensor, starts: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Windows of a text as inputs, and the same one token later as targets: both (window, length).

    Source: Radford et al. 2018, section 3.1 (their context window of k tokens is our length). Lessons 5 and 9.

    token_ids: (position,). starts: (window,), where the windows begin; at most `length + 1` tokens before the end.

    >>> ids, targets = shifted_windows(torch.tensor([5, 6, 7, 8, 9]), torch.tensor([0, 2]), 2)
    >>> ids.tolist(), targets.tolist()
    ([[5, 6], [7, 8]], [[6, 7], [8, 9]])
    """
    if not len(starts) or int(starts.min()) < 0 or int(starts.max()) + length + 1 > len(token_ids):
        raise ValueError(f"{length} + 1 tokens must lie inside a text of {len(token_ids)}; given {starts.tolist()}")
    windows = token_ids[starts[:, None] + torch.arange(length + 1)]
    return windows[:, :-1], windows[:, 1:]


def _step_generator(seed: int, step: int) -> torch.Generator:
    """The random numbers of one step; torch takes 32 bits as a seed."""
    return torch.Generator().manual_seed((seed * _SEED_STRIDE + step) % 2**32)


def _draw_documents(token_ids: Tensor, starts: Tensor, length: int, generator: torch.Generator) -> Tensor:
    pieces, n_tokens = [], 0
    while n_tokens < length:
        number = int(torch.randint(len(starts) - 1, (), generator=generator))
        pieces.append(token_ids[starts[number] : starts[number + 1]])
        n_tokens += len(pieces[-1])
    return torch.cat(pieces)[:length]


def document_starts(token_ids: Tensor, end_of_text: int) -> Tensor:
    """Positions of all end-of-text tokens, where documents begin and the last one ends: (document + 1,)."""
    starts = (token_ids == end_of_text).nonzero().flatten()
    if len(starts) < 2:
        raise ValueError(f"documents stand between end-of-text tokens (id {end_of_text}); found {len(starts)} of them")
    return starts


def pad_rows(rows: Sequence[Sequence[int]], value: int) -> Tensor:
    """Rows of different lengths as one tensor, padded at the end: (row, position).

    >>> pad_rows([[1, 2, 3], [4]], 0).tolist()
    [[1, 2, 3], [4, 0, 0]]
    """
    longest = max(map(len, rows), default=0)
    return torch.tensor([[*row, *[value] * (longest - len(row))] for row in rows])


Objective = Callable[[TransformerBase, Tensor, torch.Generator], Tensor]
"""A loss (in nats) of a model on windows; the generator gives the random numbers of this step."""


def cross_entropy(logits: Tensor, token_ids: Tensor) -> Tensor:
    """Mean of −ln p(token), in nats (lesson 5).

    The plain form of `F.cross_entropy`, with which models are trained.
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
    """Mean of −ln p(next token) over all positions of windows (window, position + 1), in nats."""
    logits = model(windows[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())


def optimize_steps(batch_loss: Callable[[int], Tensor], optimizers: Sequence[torch.optim.Optimizer], steps: int, *,
                   schedule: Callable[[int], float] = lambda step: 1.0,
                   first_step: int = 0) -> Iterator[TrainingStep]:  # fmt: skip
    """The loop of all training: loss, gradients, one update by each optimizer; control returns after each step.

    Args:
        batch_loss: the loss of the batch of a step (from 0): a scalar with gradients.
        optimizers: over all parameters that change.
        steps: number of updates in the whole run.
        schedule: factor of the learning rates at a step (from 0).
        first_step: number of updates already done, where a run is resumed.

    Raises ArithmeticError if the loss becomes NaN.
    """
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    for group in groups:
        group.setdefault("initial_lr", group["lr"])
    for step in range(first_step, steps):
        started = time.perf_counter()
        for group in groups:
            group["lr"] = group["initial_lr"] * schedule(step)
        with torch.enable_grad():
            loss = batch_loss(step)
            loss.backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        value = loss.item()
        if value != value:
            why = f"is the learning rate, {groups[0]['initial_lr']}, too high? Try a tenth of it"
            raise ArithmeticError(f"the loss is no longer a number at step {step + 1}; {why}")
        yield TrainingStep(step + 1, value, groups[0]["lr"], time.perf_counter() - started)


def train_steps(model: TransformerBase, token_ids: Tensor, settings: TrainingSettings, *,
                objective: Objective = next_token_loss, starts: Tensor | None = None,
                optimizers: Sequence[torch.optim.Optimizer] | None = None,
                first_step: int = 0) -> Iterator[TrainingStep]:  # fmt: skip
    """Train on windows of text, and hand back control after each step (lesson 5).

    Args:
        model: is changed in place.
        token_ids, starts: as `sample_windows` takes them.
        objective: `next_token_loss` for a GPT, `masked_lm.masked_token_loss` for a BERT, or a function like these.
        optimizers: those of an interrupted run; None makes new ones.
        first_step: number of updates already done.
    """
    device, length = model.embedding.weight.device, model.config.context_length

    def batch_loss(step: int) -> Tensor:
        windows = sample_windows(token_ids, starts, settings.batch_size, length, seed=settings.seed, step=step)
        return objective(model, windows.to(device), _step_generator(settings.seed + _OBJECTIVE_SEED_SHIFT, step))

    optimizers = make_optimizers(model, settings) if optimizers is None else optimizers
    return optimize_steps(batch_loss, optimizers, settings.steps, schedule=settings.schedule, first_step=first_step)


def train(
    model: TransformerBase, token_ids: Tensor, settings: TrainingSettings, *, progress: bool = False, **options
) -> list[TrainingStep]:
    """Train to the end with the options of `train_steps`, and collect all steps; `progress` shows a progress bar."""
    steps = train_steps(model, token_ids, settings, **options)
    return list(tqdm(steps, total=settings.steps, desc="Training", unit=" steps", disable=not progress))


@torch.inference_mode()
def evaluate(model: DecoderOnly, token_ids: Tensor) -> float:
    """Loss on one long text (position,), nats per token: windows side by side, each token predicted exactly once."""
    length = model.config.context_length
    if len(token_ids) < 2:
        raise ValueError(f"there is something to predict from the second token on; given {len(token_ids)}")
    inputs, targets = token_ids[:-1], token_ids[1:]
    n_whole = len(inputs) // length * length
    whole = (part[:n_whole].view(-1, length).split(_WINDOWS_AT_ONCE) for part in (inputs, targets))
    pieces = [*zip(*whole, strict=True), (inputs[None, n_whole:], targets[None, n_whole:])]
    device, total = model.embedding.weight.device, 0.0
    for piece, wanted in pieces:
        if piece.numel():
            logits = model(piece.to(device)).flatten(0, 1)
            total += F.cross_entropy(logits, wanted.to(device).flatten(), reduction="sum").item()
    return total / len(inputs)


@torch.inference_mode()
def document_nats(model: DecoderOnly, tokenizer: Tokenizer, documents: Sequence[str]) -> list[float]:
    """−ln p of each whole document, in nats, from its first token to its end-of-text token."""
    nats = []
    for first in range(0, len(documents), _DOCUMENTS_AT_ONCE):
        batch = documents[first : first + _DOCUMENTS_AT_ONCE]
        rows = [[*tokenizer.encode_prompt(document), tokenizer.end_of_text] for document in batch]
        padded = pad_rows(rows, IGNORE_INDEX).to(model.embedding.weight.device)
        logits, wanted = model(padded[:, :-1].clamp_min(0)).flatten(0, 1), padded[:, 1:].flatten()
        losses = F.cross_entropy(logits, wanted, ignore_index=IGNORE_INDEX, reduction="none")
        nats += losses.view(len(rows), -1).sum(dim=1).tolist()
    return nats


def evaluate_documents(model: DecoderOnly, tokenizer: Tokenizer, documents: Sequence[str]) -> float:
    """Loss on documents, nats per token; the end of each document counts as a token."""
    n_tokens = sum(len(tokenizer.encode(document)) + 1 for document in documents)
    return sum(document_nats(model, tokenizer, documents)) / n_tokens
