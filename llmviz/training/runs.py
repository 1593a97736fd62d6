"""A training run in a folder: create it, train with checkpoints, resume after an interruption, report."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from llmviz import corpora
from llmviz.corpora import Corpus
from llmviz.evaluation.losses import _Gap, gaps
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly, TransformerBase
from llmviz.tinyville.corpus import Tinyville
from llmviz.tokenizers import TOKENIZERS, Tokenizer
from llmviz.training import checkpoints, loop
from llmviz.training.checkpoints import Checkpoint
from llmviz.training.loop import Objective, TrainingSettings, TrainingStep

TOKENS_PER_STEP = 1024
DOCUMENT_CONTEXT, TEXT_CONTEXT = 128, 64
HISTORY_POINTS = 200


@dataclass(frozen=True)
class ProcessGroup:
    """The processes of one run: the rank of this one (from 0), and how many there are."""

    rank: int = 0
    size: int = 1

    @property
    def is_main_process(self) -> bool:
        """Whether this process writes and prints for all."""
        return self.rank == 0

    def broadcast(self, number: int) -> int:
        """The main process's number, in every process; waits for all."""
        if self.size == 1:
            return number
        shared = torch.tensor(number, device=_device())
        torch.distributed.broadcast(shared, src=0)
        return int(shared)

    def check_batch(self, batch_size: int) -> None:
        """Refuse a batch that does not split evenly: the mean of the processes' means would not be its mean."""
        if batch_size % self.size:
            problem = f"{self.size} processes cannot share {batch_size} windows a step evenly"
            raise ValueError(f"{problem}; start a number of processes that divides {batch_size}")


SINGLE_PROCESS = ProcessGroup()


@contextmanager
def join_process_group() -> Iterator[ProcessGroup]:
    """The processes that torchrun started; `SINGLE_PROCESS` without torchrun."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield SINGLE_PROCESS
        return
    if not torch.distributed.is_available():
        raise OSError("this build of torch cannot run several processes; start llmviz train without torchrun")
    torch.distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield ProcessGroup(torch.distributed.get_rank(), size)
    finally:
        torch.distributed.destroy_process_group()


def _device() -> torch.device:
    """Where this process computes: its own card under nccl."""
    is_on_card = torch.distributed.get_backend() == "nccl"
    return torch.device("cuda", int(os.environ["LOCAL_RANK"])) if is_on_card else torch.device("cpu")


def _data_parallel(
    model: TransformerBase, optimizers: Sequence[torch.optim.Optimizer], group: ProcessGroup
) -> Objective:
    """The next-token loss over each process's share of the windows, with the value and gradients of the whole batch.

    Every process holds the whole model, on its own device; torch averages the gradients before the optimizer step (Li
    et al. 2020, "PyTorch Distributed", section 3).
    """
    if group.size == 1:
        return loop.next_token_loss
    model.to(_device())
    for optimizer in optimizers:
        optimizer.load_state_dict(optimizer.state_dict())  # moves the state to the device of its parameter
    replica = torch.nn.parallel.DistributedDataParallel(model)

    def shared_loss(_: TransformerBase, windows: Tensor, generator: torch.Generator) -> Tensor:
        own = loop.next_token_loss(replica, windows[group.rank :: group.size], generator)
        total = own.detach().clone()
        torch.distributed.all_reduce(total)
        return own + (total / group.size - own.detach())  # the value of the mean, the gradient of the own part

    return shared_loss


@dataclass
class Run:
    """A run between two steps.

    Attributes:
        corpus, held_out, token_ids: the training and the validation part, and the training part as ids (position,).
        starts: where its documents begin; None where windows may begin anywhere.
        history: (step, loss).
        seconds: of training steps so far, without evaluation and saving.
        validation_loss: nats per token, as last measured.
    """

    checkpoint: Checkpoint
    corpus: Corpus
    held_out: Corpus
    token_ids: Tensor
    starts: Tensor | None
    history: list[tuple[int, float]] = field(default_factory=list)
    seconds: float = 0.0
    validation_loss: float | None = None

    @property
    def model(self) -> DecoderOnly:
        return self.checkpoint.model

    @property
    def tokenizer(self) -> Tokenizer:
        return self.checkpoint.tokenizer

    @property
    def settings(self) -> TrainingSettings:
        return self.checkpoint.settings

    @property
    def is_over(self) -> bool:
        """Whether all steps are done, or the wanted loss was reached."""
        return self.checkpoint.step >= self.settings.steps or bool(self.checkpoint.record.get("stopped_early"))


def corpus_tokens(corpus: Corpus, tokenizer: Tokenizer) -> Tensor:
    """All documents in one sequence (position,), with an end-of-text token before each of several and at the end."""
    if len(corpus.documents) == 1:
        return torch.tensor(tokenizer.encode(corpus.documents[0]))
    rows = (tokenizer.encode_prompt(document) for document in corpus.documents)
    return torch.tensor([*chain.from_iterable(rows), tokenizer.end_of_text])


def prompt_ids(checkpoint: Checkpoint, prompt: str) -> list[int]:
    """Token ids of a prompt: after an end-of-text token if the model learned documents; else at least a line break."""
    if checkpoint.record.get("n_documents", 2) > 1:
        return checkpoint.tokenizer.encode_prompt(prompt)
    return checkpoint.tokenizer.encode(prompt or "\n")


def create(
    corpus: Corpus,
    *,
    tokenizer: str = "bpe",
    vocab_size: int = 1024,
    steps: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
    command: str = "",
    progress: bool = False,
    group: ProcessGroup = SINGLE_PROCESS,
) -> Run:
    """Prepare a run: train the tokenizer, make the model, and fix the number of steps.

    Args:
        corpus: is split into a training and a validation part (see `corpora.split`).
        tokenizer: "bpe", "word" or "characters" (which need no `vocab_size`).
        steps, seconds: one of the two; for seconds, some steps are timed first on this machine.
        seed: of the initial weights and of the windows.
        command: how the run was started, for the checkpoint's record.
        group: the processes that share the run.
    """
    if (steps is None) == (seconds is None):
        raise ValueError("say how long to train: either a number of steps or a number of seconds")
    learned, held_out = corpora.split(corpus)
    sizes = {} if tokenizer == "characters" else {"vocab_size": vocab_size}
    chosen = TOKENIZERS[tokenizer].train(learned.documents, **sizes, progress=progress)
    token_ids = corpus_tokens(learned, chosen)
    context_length, starts = _windows(learned, held_out, token_ids, chosen)
    n_tokens, n_held_out = len(token_ids), len(corpus_tokens(held_out, chosen))
    if n_tokens <= context_length or n_held_out < 2:  # such as one letter a thousand times
        raise ValueError(
            f"{learned.name} makes {n_tokens} tokens to learn from and {n_held_out} to validate with, and at least "
            f"{context_length + 1} and 2 are needed; give more text, or a text that repeats itself less"
        )
    model = DecoderOnly(ModelConfig(vocab_size=chosen.vocab_size, context_length=context_length), seed=seed)
    settings = TrainingSettings(steps=steps or 1, batch_size=TOKENS_PER_STEP // context_length, seed=seed)
    group.check_batch(settings.batch_size)
    spent = 0.0
    if seconds is not None:
        own = replace(settings, batch_size=settings.batch_size // group.size)
        per_step, spent = loop.measure_seconds_per_step(model, token_ids, own, starts=starts)
        settings = replace(settings, steps=group.broadcast(max(1, round((seconds - spent) / per_step))))
    record = {"command": command, "n_documents": len(corpus.documents), "n_parameters": model.n_parameters}
    optimizers = loop.make_optimizers(model, settings)
    checkpoint = Checkpoint(model, chosen, corpus.recipe, settings, 0, record, optimizers)
    return Run(checkpoint, learned, held_out, token_ids, starts, seconds=spent)


def _windows(learned: Corpus, held_out: Corpus, token_ids: Tensor, tokenizer: Tokenizer) -> tuple[int, Tensor | None]:
    """The context length and, where every document fits into it, the positions where documents begin."""
    if len(learned.documents) > 1:
        starts = loop.document_starts(token_ids, tokenizer.end_of_text)
        longest_held_out = max(len(ids) for ids in tokenizer.encode_batch(held_out.documents))
        if max(int(starts.diff().max()), longest_held_out + 1) <= DOCUMENT_CONTEXT:
            return DOCUMENT_CONTEXT, starts
    return TEXT_CONTEXT, None


def resume(folder: str | Path, *, progress: bool = False) -> Run:
    """Continue the run of a folder's checkpoint; it ends with the weights of an uninterrupted run."""
    checkpoint = checkpoints.load(folder)
    if checkpoint.step < checkpoint.settings.steps and not checkpoint.optimizers:
        raise ValueError(f"{folder} holds a model but not the state of its training, so it cannot be resumed")
    learned, held_out = corpora.split(corpora.from_recipe(checkpoint.corpus, progress=progress))
    token_ids = corpus_tokens(learned, checkpoint.tokenizer)
    _, starts = _windows(learned, held_out, token_ids, checkpoint.tokenizer)
    record = checkpoint.record
    history = [(int(step), float(loss)) for step, loss in record.get("history", [])]
    measured = (history, record.get("seconds", 0.0), record.get("validation_loss"))
    return Run(checkpoint, learned, held_out, token_ids, starts, *measured)


def save(run: Run, folder: str | Path) -> None:
    """Write the run's checkpoint into its folder."""
    every = max(1, len(run.history) // HISTORY_POINTS)
    record = {
        **run.checkpoint.record,
        "seconds": round(run.seconds, 2),
        "tokens": run.checkpoint.step * run.settings.batch_size * run.model.config.context_length,
        "validation_loss": run.validation_loss,
        "history": run.history[::every],
    }
    run.checkpoint = replace(run.checkpoint, record=record)
    checkpoints.save(folder, run.checkpoint)


def train(
    run: Run,
    folder: str | Path,
    *,
    until_loss: float | None = None,
    save_every: int = 250,
    callback: Callable[[TrainingStep], None] = lambda step: None,
    group: ProcessGroup = SINGLE_PROCESS,
) -> None:
    """Train to the end; save at intervals, at the end, and on a KeyboardInterrupt between two steps.

    An interrupt in the middle of a step leaves the last saved checkpoint.

    Args:
        until_loss: stop early when the validation loss (nats per token) is at or below this.
        save_every: steps between two checkpoints.
        callback: called after each step; an exception in it ends the run between two steps.
        group: the main process saves. If another one dies, it saves once more and raises a ConnectionError.
    """
    save_checkpoint = save if group.is_main_process else (lambda run, folder: None)
    if run.is_over:
        if run.validation_loss is None:  # it was killed between its last step and its last evaluation
            run.validation_loss = _held_out_loss(run)
            save_checkpoint(run, folder)
        return
    evaluate_every = max(25, run.settings.steps // 10)
    save_checkpoint(run, folder)
    is_between_steps = False
    try:
        for step in _steps(run, group):
            run.seconds += step.seconds
            run.history.append((step.step, round(step.loss, 4)))
            run.checkpoint = replace(run.checkpoint, step=step.step)
            is_between_steps = True
            callback(step)
            if until_loss is not None and step.step % evaluate_every == 0 and _reached(run, until_loss):
                break
            if step.step % save_every == 0:
                save_checkpoint(run, folder)
            is_between_steps = False
        is_between_steps = True
        run.validation_loss = _held_out_loss(run)
        save_checkpoint(run, folder)
    except KeyboardInterrupt:
        if is_between_steps:
            save_checkpoint(run, folder)
        raise
    except RuntimeError as error:
        if group.size == 1:
            raise
        save_checkpoint(run, folder)  # gradients are averaged before the update: these weights are of a whole step
        raise ConnectionError(
            f"another process of this run is gone; saved after step {run.checkpoint.step}; "
            f"go on with --resume {folder}, in as many processes as you like"
        ) from error


def _reached(run: Run, until_loss: float) -> bool:
    """Evaluate; the wanted loss ends the run."""
    run.validation_loss = _held_out_loss(run)
    if run.validation_loss <= until_loss:
        run.checkpoint = replace(run.checkpoint, record={**run.checkpoint.record, "stopped_early": True})
    return run.is_over


def _steps(run: Run, group: ProcessGroup) -> Iterator[TrainingStep]:
    """The steps that are left."""
    group.check_batch(run.settings.batch_size)
    objective = _data_parallel(run.model, run.checkpoint.optimizers, group)
    return loop.train_steps(
        run.model, run.token_ids, run.settings, objective=objective, starts=run.starts,
        optimizers=run.checkpoint.optimizers, first_step=run.checkpoint.step,
    )  # fmt: skip


def _held_out_loss(run: Run) -> float:
    """The validation loss, nats per token."""
    if run.starts is None:
        return round(loop.evaluate(run.model, corpus_tokens(run.held_out, run.tokenizer)), 4)
    return round(loop.evaluate_documents(run.model, run.tokenizer, run.held_out.documents), 4)


def world_gaps(run: Run) -> dict[str, _Gap]:
    """Loss of the model above the entropy of Tinyville, by kind of text."""
    recipe, world = run.held_out.recipe, Tinyville(run.corpus.recipe["counts"])
    return gaps(run.model, run.tokenizer, world.texts(recipe["seed"], counts=recipe["counts"]), world)


def report(run: Run) -> dict[str, Any]:
    """The results of a run, ready for JSON: seconds of training, losses in nats per token, gaps in nats per word."""
    result = {
        "seconds": round(run.seconds, 2),
        "steps": run.checkpoint.step,
        "tokens": run.checkpoint.step * run.settings.batch_size * run.model.config.context_length,
        "parameters": run.model.n_parameters,
        "validation_loss": run.validation_loss,
    }
    if run.corpus.recipe["source"] == "tinyville":
        found = world_gaps(run)
        result["entropy"] = {kind: round(gap.entropy, 4) for kind, gap in found.items()}
        result["gap"] = {kind: round(gap.gap, 4) for kind, gap in found.items()}
        result["compared"] = {kind: gap.n_texts for kind, gap in found.items()}
    return result
