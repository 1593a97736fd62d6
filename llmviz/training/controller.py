"""A training run with buttons: start, pause, one step, stop, restart, and a multiplier of the learning rate (lesson 5).

A background thread takes the steps of `train_steps`.
"""

from __future__ import annotations

import copy
import math
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from torch import Tensor

from llmviz.model.transformer import TransformerBase
from llmviz.training.loop import TrainingSettings, TrainingStep, train_steps

STATES = READY, TRAINING, PAUSED, STOPPED, DONE, FAILED = "ready", "training", "paused", "stopped", "done", "failed"
MAX_LR_MULTIPLIER = 30.0
_EVALUATIONS = 12
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class _ScaledSettings(TrainingSettings):
    multiplier: Callable[[], float] = lambda: 1.0

    def schedule(self, step: int) -> float:
        return self.multiplier() * super().schedule(step)


class TrainingController:
    """A training run that can be paused. To read: `model`, `settings`, `steps`, `state`, `error`, `is_pausing`.

    Args:
        model: is changed in place; `restart()` resets it to its initial weights.
        token_ids, settings, starts: as `train_steps` takes them.
        evaluate: called before the first step, after the last, and at every twelfth of the run, for example to measure
            the model. A slow one may stop early if `is_pausing` and return False; it is called again before the next
            step.
        on_change: called from the training thread after every change.

    `state` is "ready", "training", "paused", "stopped", "done" or "failed". All methods may be called from any thread.
    """

    def __init__(self, model: TransformerBase, token_ids: Tensor, settings: TrainingSettings, *,
                 starts: Tensor | None = None, evaluate: Callable[[TrainingController], bool | None] = lambda run: None,
                 on_change: Callable[[TrainingController], None] = lambda run: None):  # fmt: skip
        self.model, self.settings = model, settings
        self._evaluate_every = max(1, settings.steps // _EVALUATIONS)
        self._token_ids, self._starts = token_ids, starts
        self._evaluate, self._on_change = evaluate, on_change
        self._initial_weights = copy.deepcopy(model.state_dict())
        self._lr_multiplier = 1.0
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self.is_pausing = False
        self._reset()

    def _reset(self) -> None:
        self.steps: list[TrainingStep] = []
        self.state, self.error = READY, ""
        self.seconds = 0.0
        self._exception: Exception | None = None
        self._evaluated_at: int | None = None
        settings = _ScaledSettings(**asdict(self.settings), multiplier=lambda: self._lr_multiplier)
        self._stepper = train_steps(self.model, self._token_ids, settings, starts=self._starts)

    @property
    def step(self) -> int:
        """Number of steps done."""
        return len(self.steps)

    @property
    def lr_multiplier(self) -> float:
        """Factor of the scheduled learning rate, from the next step on; 0 to 30."""
        return self._lr_multiplier

    @lr_multiplier.setter
    def lr_multiplier(self, factor: float) -> None:
        if not 0 <= factor <= MAX_LR_MULTIPLIER:
            raise ValueError(f"lr_multiplier must be from 0 to {MAX_LR_MULTIPLIER:g}, but was {factor}")
        self._lr_multiplier = float(factor)

    @property
    def seconds_left(self) -> float | None:
        """Estimated time to the end, evaluations included; None before the first step."""
        return self.seconds / self.step * (self.settings.steps - self.step) if self.step else None

    def start(self, steps: int | None = None) -> None:
        """Train in the background, to the end or so many steps. Does nothing if the run is over."""
        with self._lock:
            self.pause()
            if self.state not in (READY, PAUSED):
                return
            last = self.settings.steps if steps is None else min(self.settings.steps, self.step + steps)
            self.state, self.is_pausing = TRAINING, False
            self._thread = threading.Thread(target=self._work, args=(last,), name="training", daemon=True)
            self._thread.start()

    def request_pause(self) -> None:
        """Pause after the current step; returns at once."""
        self.is_pausing = True

    def pause(self) -> None:
        """Pause; blocks until the current step has finished."""
        with self._lock:
            self.request_pause()
            if self._thread not in (None, threading.current_thread()):
                self._thread.join()
                self._thread = None

    def run(self, steps: int | None = None, *, seconds: float = math.inf) -> list[TrainingStep]:
        """Train to the end, or so many steps or seconds, and return all steps so far; a pause from elsewhere ends it
        earlier."""
        self.start(steps)
        thread, until = self._thread, time.monotonic() + seconds
        try:
            while thread is not None and thread.is_alive():
                thread.join(_POLL_SECONDS)
                if time.monotonic() > until:
                    self.pause()
        except KeyboardInterrupt:
            self.pause()
            raise
        if self.state == FAILED:
            raise ArithmeticError(self.error) from self._exception
        return self.steps

    def stop(self) -> None:
        """End the run here, with a last evaluation; the model stays as it is."""
        with self._lock:
            self.pause()
            if self.state in (READY, PAUSED):
                self.is_pausing = False
                self._guarded(lambda: self._evaluate_if_due(is_last=True))
                if self.state != FAILED:
                    self.state = STOPPED
                self._on_change(self)

    def restart(self) -> None:
        """Reset the model to its initial weights and the run to its start; the multiplier stays."""
        with self._lock:
            self.pause()
            self.model.load_state_dict(self._initial_weights)
            self.model.zero_grad()
            self._reset()
            self._on_change(self)

    def _work(self, last: int) -> None:
        self._on_change(self)
        self._guarded(lambda: self._take_steps(last))
        if self.state == TRAINING:
            is_over = self.step >= self.settings.steps and self._evaluated_at == self.step
            self.state = DONE if is_over else PAUSED
        self._on_change(self)

    def _take_steps(self, last: int) -> None:
        began, before = time.perf_counter(), self.seconds
        self._evaluate_if_due()
        while self.step < last and not self.is_pausing:
            self.steps.append(next(self._stepper))
            self.seconds = before + time.perf_counter() - began
            self._evaluate_if_due()
            self._on_change(self)

    def _evaluate_if_due(self, *, is_last: bool = False) -> None:
        is_due = is_last or self.step % self._evaluate_every == 0 or self.step == self.settings.steps
        if is_due and self._evaluated_at != self.step and self._evaluate(self) is not False:
            self._evaluated_at = self.step

    def _guarded(self, action: Callable[[], None]) -> None:
        """Run; an exception ends the training run and becomes its `error`."""
        try:
            action()
        except Exception as exception:
            self.state, self._exception = FAILED, exception
            self.error = f"Step {self.step + 1} failed: {exception}."
            if self.lr_multiplier != 1:
                self.error += f" The learning rate was {self.lr_multiplier:g} times the scheduled one."
            self.error += " Restart to go back to the initial model."
