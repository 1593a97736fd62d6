"""A training run in a folder: create it, train with checkpoints, resume after an interruption, report."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from filelock import FileLock, Timeout
from torch import Tensor, distributed

from llmviz import corpora
from llmviz.corpora import Corpus
from llmviz.evaluation.losses import _Gap, gaps
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly, TransformerBase
from llmviz.tinyville.corpus import Tinyville
from llmviz.tokenizers import TOKENIZERS, UNKNOWN, Tokenizer
from llmviz.training import checkpoints, loop
from llmviz.training.checkpoints import Checkpoint
from llmviz.training.loop import Objective, TrainingSettings, TrainingStep

TOKENS_PER_STEP = 1024
DOCUMENT_CONTEXT, TEXT_CONTEXT = 128, 64
HISTORY_POINTS = 200
NOT_PLANNED = 10**6
"""The number of steps of a timed run until its speed is known; so far the learning rate stays constant."""
_LOCK = ".lock"
_MANY_UNKNOWN = 0.05


@contextmanager
def join_process_group() -> Iterator[bool]:
    """Join the processes that torchrun started, if it did; gives whether this one writes and prints for all."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield True
        return
    if not distributed.is_available():
        raise OSError("this build of torch cannot run several processes; start llmviz train without torchrun")
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield _rank() == 0
    finally:
        distributed.destroy_process_group()


def n_processes() -> int:
    """How many processes share a run; see `join_process_group`."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def _rank() -> int:
    return distributed.get_rank() if n_processes() > 1 else 0


def choose_device(name: str | None = None) -> torch.device:
    """Where to compute: "cuda", "mps" or "cpu"; without a name the first of these that torch finds here.

    Each of several processes computes on its own card, or all on the CPU.
    """
    if n_processes() > 1:
        return _shared_device()
    is_here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    name = name or next(filter(is_here.get, is_here))
    if not is_here[name]:
        raise ValueError(f"torch finds no {name} device on this machine; leave out --device, or take cpu")
    return torch.device(name)


def _shared_device() -> torch.device:
    """Where this one of several processes computes: its own card under nccl."""
    is_on_card = distributed.get_backend() == "nccl"
    return torch.device("cuda", int(os.environ["LOCAL_RANK"])) if is_on_card else torch.device("cpu")


def _broadcast(number: int) -> int:
    """The main process's number, in every process; waits for all."""
    if n_processes() == 1:
        return number
    shared = torch.tensor(number, device=_shared_device())
    distributed.broadcast(shared, src=0)
    return int(shared)


def _check_batch(batch_size: int) -> None:
    """Refuse a batch that does not split evenly: the mean of the processes' means would not be its mean."""
    if batch_size % n_processes():
        problem = f"{n_processes()} processes cannot share {batch_size} windows a step evenly"
        raise ValueError(f"{problem}; start a number of processes that divides {batch_size}")


def _objective(
    model: TransformerBase, optimizers: Sequence[torch.optim.Optimizer], device: torch.device
) -> Objective:
    """The next-token loss; the model moves to the device. Of several processes each computes its share of the windows,
    with the value and gradients of the whole batch.

    Every process holds the whole model, on its own device; torch averages the gradients before the optimizer step (Li
    et al. 2020, "PyTorch Distributed", section 3).
    """
    if device.type != "cpu":
        model.to(device)
        for optimizer in optimizers:
            optimizer.load_state_dict(optimizer.state_dict())  # moves the state to the device of its parameter
    if n_processes() == 1:
        return loop.next_token_loss
    replica = torch.nn.parallel.DistributedDataParallel(model)

    def shared_loss(_: TransformerBase, windows: Tensor, generator: torch.Generator) -> Tensor:
        own = loop.next_token_loss(replica, windows[_rank() :: n_processes()], generator)
        total = own.detach().clone()
        distributed.all_reduce(total)
        return own + (total / n_processes() - own.detach())  # the value of the mean, the gradient of the own part

    return shared_loss


@contextmanager
def lock(folder: str | Path) -> Iterator[None]:
    """Keep other processes from training in a folder; raises ValueError where one does already."""
    path = Path(folder).resolve() / _LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        held = FileLock(path, is_singleton=True).acquire(timeout=0)
    except Timeout:
        raise ValueError(f"another program is training in {folder}; wait for its end, or use another folder") from None
    except NotImplementedError:  # a file system without locks
        held = nullcontext()
    with held:
        try:
            yield
        finally:
            with suppress(OSError):  # Windows removes no open file
                path.unlink()


@dataclass
class Run:
    """A run between two steps; `model`, `tokenizer`, `settings` and `record` are those of its checkpoint.

    Attributes:
        corpus, held_out, token_ids: the training and the validation part, and the training part as ids (position,).
        starts: where its documents begin; None where windows may begin anywhere.
        history: (step, loss).
        seconds: of training so far, with saving; without preparation and the last evaluation.
        validation_loss: nats per token, of the model as it is; None if not measured.
        device: where one process trains; afterwards the model is on the CPU again.
    """

    checkpoint: Checkpoint
    corpus: Corpus
    held_out: Corpus
    token_ids: Tensor
    starts: Tensor | None
    history: list[tuple[int, float]] = field(default_factory=list)
    seconds: float = 0.0
    validation_loss: float | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def __post_init__(self) -> None:
        self._is_between_steps, self._clock = True, 0.0

    model = property(lambda self: self.checkpoint.model)
    tokenizer = property(lambda self: self.checkpoint.tokenizer)
    settings = property(lambda self: self.checkpoint.settings)
    record = property(lambda self: self.checkpoint.record)

    @property
    def is_over(self) -> bool:
        """Whether all steps are done, or the wanted loss was reached."""
        return self.checkpoint.step >= self.settings.steps or bool(self.record.get("stopped_early"))

    def save(self, folder: str | Path) -> None:
        """Write the run's checkpoint into its folder; of several processes, only the main one does."""
        if _rank():
            return
        history = self.history[:: max(1, len(self.history) // HISTORY_POINTS)]
        self._note(seconds=round(self.seconds, 3), tokens=self._n_tokens, history=history)
        self._note(validation_loss=self.validation_loss)
        checkpoints.save(folder, self.checkpoint)

    def train(
        self, folder: str | Path, *, save_every: int = 250, callback: Callable[[TrainingStep], None] = lambda step: None
    ) -> None:
        """Train to the end; save at intervals, at the end, and on a KeyboardInterrupt between two steps.

        An interrupt in the middle of a step leaves the last saved checkpoint. If another process of the run dies, this
        one saves once more and raises a ConnectionError.

        Args:
            save_every: steps between two checkpoints; a timed run also saves with every new plan.
            callback: called after each step; an exception in it ends the run between two steps.
        """
        if self.is_over and self.validation_loss is not None:
            return
        _check_batch(self.settings.batch_size)
        _broadcast(0)  # all processes are here, and have read what they need from the folder
        device = self.device if n_processes() == 1 else _shared_device()
        objective = _objective(self.model, self.checkpoint.optimizers, device)
        with lock(folder) if _rank() == 0 else nullcontext():
            self._clock = perf_counter()
            self.save(folder)
            try:
                while not self.is_over:
                    self._take_steps(objective, folder, save_every, callback)
                self.validation_loss = self._held_out_loss()
                self.save(folder)
            except KeyboardInterrupt:
                if self._is_between_steps:
                    self.save(folder)
                raise
            except RuntimeError as error:
                if n_processes() == 1:
                    raise
                self.save(folder)  # gradients are averaged before the update: these weights are of a whole step
                raise ConnectionError(
                    f"another process of this run is gone; saved after step {self.checkpoint.step}; "
                    f"go on with --resume, in as many processes as you like"
                ) from error
            finally:
                self.model.cpu()

    def _take_steps(
        self, objective: Objective, folder: str | Path, save_every: int, callback: Callable[[TrainingStep], None]
    ) -> None:
        """Take steps up to a new plan, the wanted loss, or the end."""
        steps = loop.train_steps(
            self.model, self.token_ids, self.settings, objective=objective, starts=self.starts,
            optimizers=self.checkpoint.optimizers, first_step=self.checkpoint.step,
        )  # fmt: skip
        self._is_between_steps = False
        for step in steps:
            now = perf_counter()
            self.seconds, self._clock = self.seconds + now - self._clock, now
            self.history.append((step.step, round(step.loss, 4)))
            self.checkpoint, self.validation_loss = replace(self.checkpoint, step=step.step), None
            self._is_between_steps = True
            callback(step)
            is_stopped = self._has_reached_loss()
            is_planned = self._plan_again()
            if is_planned or step.step % save_every == 0:
                self.save(folder)
            if is_planned or is_stopped:
                return
            self._is_between_steps = False
        self._is_between_steps = True

    def _has_reached_loss(self) -> bool:
        """Evaluate at every tenth of the run, if there is a wanted loss; reached, it ends the run."""
        goal = self.record.get("until_loss")
        if goal is None or self.checkpoint.step % max(25, self.settings.steps // 10):
            return False
        self.validation_loss = self._held_out_loss()
        if self.validation_loss <= goal:
            self._note(stopped_early=True)
        return self.is_over

    def _plan_again(self) -> bool:
        """In a timed run: fix the number of steps anew, by the speed since the last plan; whether that was due.

        Plans follow closer together toward the end: a tenth of the time apart at first, a hundredth at last.
        """
        limit = self.record.get("max_seconds")
        if limit is None:
            return False
        step, left = self.checkpoint.step, limit - self.seconds
        step_then, then = self.record.get("planned_at", (0, 0.0))
        is_due = self.seconds - then >= max(limit / 100, min(limit / 10, left / 4))
        is_too_early = step >= self.settings.steps and left > limit / 50
        more = max(0, round(left / max(self.seconds - then, 1e-9) * (step - step_then)))
        total = _broadcast(step + more if is_due or is_too_early else 0)
        if total:
            self._note(planned_at=[step, round(self.seconds, 3)])
            self.checkpoint = replace(self.checkpoint, settings=replace(self.settings, steps=total))
        return bool(total)

    def _note(self, **entries: Any) -> None:
        self.checkpoint = replace(self.checkpoint, record={**self.record, **entries})

    @property
    def _n_tokens(self) -> int:
        return self.checkpoint.step * self.settings.batch_size * self.model.config.context_length

    def _held_out_loss(self) -> float:
        """The validation loss, nats per token."""
        if self.starts is None:
            return round(loop.evaluate(self.model, corpus_tokens(self.held_out, self.tokenizer)), 4)
        return round(loop.evaluate_documents(self.model, self.tokenizer, self.held_out.documents), 4)

    def gaps(self) -> dict[str, _Gap]:
        """Loss of the model above the entropy of Tinyville, by kind of text."""
        recipe, world = self.held_out.recipe, Tinyville(self.corpus.recipe["counts"])
        return gaps(self.model, self.tokenizer, world.texts(recipe["seed"], counts=recipe["counts"]), world)

    def report(self) -> dict[str, Any]:
        """The results, ready for JSON: seconds of training, losses in nats per token, gaps in nats per word.

        There are gaps for Tinyville, if each of its texts fits into the context.
        """
        result = {
            "seconds": round(self.seconds, 2),
            "steps": self.checkpoint.step,
            "tokens": self._n_tokens,
            "parameters": self.model.n_parameters,
            "validation_loss": self.validation_loss,
            "unknown_tokens": self.record.get("unknown_tokens"),
        }
        if self.corpus.recipe["source"] == "tinyville" and self.starts is not None:
            found = self.gaps()
            result["entropy"] = {kind: round(gap.entropy, 4) for kind, gap in found.items()}
            result["gap"] = {kind: round(gap.gap, 4) for kind, gap in found.items()}
            result["compared"] = {kind: gap.n_texts for kind, gap in found.items()}
        return result


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


def create(corpus: Corpus, *, tokenizer: str = "bpe", vocab_size: int = 1024, steps: int | None = None,
           seconds: float | None = None, until_loss: float | None = None, seed: int = 0, command: str = "",
           progress: bool = False) -> Run:  # fmt: skip
    """Prepare a run: train the tokenizer and make the model.

    Args:
        corpus: is split into a training and a validation part (see `corpora.split`).
        tokenizer: "bpe", "word" or "characters" (which need no `vocab_size`).
        steps, seconds: one of the two. A timed run plans its number of steps as it goes, by the speed of this machine.
        until_loss: stop early when the validation loss (nats per token) is at or below this.
        seed: of the initial weights and of the windows.
        command: how the run was started, for the checkpoint's record.
    """
    if (steps is None) == (seconds is None):
        raise ValueError("say how long to train: either a number of steps or a number of seconds")
    learned, held_out = corpora.split(corpus)
    sizes = {} if tokenizer == "characters" else {"vocab_size": vocab_size}
    chosen = TOKENIZERS[tokenizer].train(learned.documents, **sizes, progress=progress)
    token_ids, held_out_ids = corpus_tokens(learned, chosen), corpus_tokens(held_out, chosen)
    context_length, starts = _windows(learned, held_out, token_ids, chosen)
    if len(token_ids) <= context_length or len(held_out_ids) < 2:  # such as one letter a thousand times
        raise ValueError(
            f"{learned.name} makes {len(token_ids)} tokens to learn from and {len(held_out_ids)} to validate with, and "
            f"at least {context_length + 1} and 2 are needed; give more text, or a text that repeats itself less"
        )
    model = DecoderOnly(ModelConfig(vocab_size=chosen.vocab_size, context_length=context_length), seed=seed)
    settings = TrainingSettings(steps=steps or NOT_PLANNED, batch_size=TOKENS_PER_STEP // context_length, seed=seed)
    _check_batch(settings.batch_size)
    goals = {"max_seconds": seconds, "until_loss": until_loss}
    record = {"command": command, "n_documents": len(corpus.documents), "n_parameters": model.n_parameters}
    record |= {name: goal for name, goal in goals.items() if goal is not None}
    record |= _unknown_tokens(chosen, training=token_ids, validation=held_out_ids)
    optimizers = loop.make_optimizers(model, settings)
    checkpoint = Checkpoint(model, chosen, corpus.recipe, settings, 0, record, optimizers)
    return Run(checkpoint, learned, held_out, token_ids, starts)


def _unknown_tokens(tokenizer: Tokenizer, **parts: Tensor) -> dict[str, dict[str, float]]:
    """The share of unknown tokens in each part, for the record; nothing for a tokenizer that knows every text.

    Warns above 5 %: a model of a text that is mostly `<unk>` has a low loss, and has learned nothing.
    """
    unknown = getattr(tokenizer, "unknown", None)
    if unknown is None:
        return {}
    shares = {name: round((ids == unknown).float().mean().item(), 4) for name, ids in parts.items()}
    if max(shares.values()) > _MANY_UNKNOWN:
        found = " and ".join(f"{share:.0%} of the {name} text" for name, share in shares.items())
        warnings.warn(
            f"{found} are unknown tokens, {UNKNOWN}, so the loss says little; choose a larger vocab_size, or the "
            f"tokenizer bpe, which knows every text", stacklevel=3,
        )  # fmt: skip
    return {"unknown_tokens": shares}


def _windows(learned: Corpus, held_out: Corpus, token_ids: Tensor, tokenizer: Tokenizer) -> tuple[int, Tensor | None]:
    """The context length and, where every document fits into it, the positions where documents begin."""
    if len(learned.documents) > 1:
        starts = loop.document_starts(token_ids, tokenizer.end_of_text)
        longest_held_out = max(len(ids) for ids in tokenizer.encode_batch(held_out.documents))
        if max(int(starts.diff().max()), longest_held_out + 1) <= DOCUMENT_CONTEXT:
            return DOCUMENT_CONTEXT, starts
    return TEXT_CONTEXT, None


def resume(folder: str | Path, *, steps: int | None = None, seconds: float | None = None,
           until_loss: float | None = None, progress: bool = False) -> Run:  # fmt: skip
    """Continue the run of a folder's checkpoint; it ends with the weights of an uninterrupted run.

    Args:
        steps, seconds: train so much longer from here, also where the run was over; without them, to its planned end.
        until_loss: a new loss to reach; without it, and without a new length, that of the run.
    """
    checkpoint = checkpoints.load(folder)
    checkpoint = _with_new_goals(checkpoint, steps, seconds, until_loss)
    if checkpoint.step < checkpoint.settings.steps and not checkpoint.optimizers:
        raise ValueError(f"{folder} holds a model but not the state of its training, so it cannot be resumed")
    learned, held_out = corpora.split(corpora.from_recipe(checkpoint.corpus, progress=progress))
    token_ids = corpus_tokens(learned, checkpoint.tokenizer)
    _, starts = _windows(learned, held_out, token_ids, checkpoint.tokenizer)
    history, record = [tuple(point) for point in checkpoint.record.get("history", [])], checkpoint.record
    measured = (history, record.get("seconds", 0.0), record.get("validation_loss"))
    return Run(checkpoint, learned, held_out, token_ids, starts, *measured)


def _with_new_goals(
    checkpoint: Checkpoint, steps: int | None, seconds: float | None, until_loss: float | None
) -> Checkpoint:
    if steps is None and seconds is None and until_loss is None:
        return checkpoint
    record, settings = dict(checkpoint.record), checkpoint.settings
    record.pop("stopped_early", None)
    if steps is not None or seconds is not None:
        record.pop("until_loss", None)
        record.pop("max_seconds", None)
    if seconds is not None:
        done = record.get("seconds", 0.0)
        record |= {"max_seconds": done + seconds, "planned_at": [checkpoint.step, done]}
        steps = max(1, round(checkpoint.step * seconds / done)) if done and checkpoint.step else NOT_PLANNED
    if steps is not None:
        settings = replace(settings, steps=checkpoint.step + steps)
    if until_loss is not None:
        record["until_loss"] = until_loss
    return replace(checkpoint, record=record, settings=settings)
