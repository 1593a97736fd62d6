"""A training run that somebody steers: start, pause, one step, stop, start again, faster or slower (lesson 5).

The steps are those of `training.train_steps`, one after the other, taken by a thread of their own, so that whoever
steers is never kept waiting. With the dial left alone the weights end as `train_steps` leaves them.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field

import torch
from torch import Tensor

from llmviz.model.transformer import TransformerBase
from llmviz.training.loop import Objective, TrainingSettings, TrainingStep, next_token_loss, train_steps

READY, TRAINING, PAUSED, STOPPED, DONE, FAILED = "ready", "training", "paused", "stopped", "done", "failed"
FASTEST = 30.0
_GLANCE = 0.05  # seconds between two glances of whoever waits for the thread


@dataclass
class _Dial:
    """What the scheduled learning rate is multiplied by."""

    rate: float = 1.0


@dataclass(frozen=True)
class _Dialled(TrainingSettings):
    """Settings whose schedule somebody turns up and down while the run goes on."""

    dial: _Dial = field(default_factory=_Dial)

    def schedule(self, step: int) -> float:
        return self.dial.rate * super().schedule(step)


class TrainingController:
    """A run with a start and a pause button. Attributes to read: `model`, `settings`, `steps`, `state`, `error`.

    Args:
        model: is changed in place; `restart()` gives it back its first weights.
        token_ids, settings, starts, objective: as in `training.train_steps`.
        look: called between two steps, before the first, after the last, and every `look_every` steps: measure the
            model there, write a sample. One that takes long may break off where `is_pausing`, and return False; it is
            then called again before the next step.
        look_every: steps between two looks; None: a twelfth of the run.
        tell: called from the thread whenever something has changed.

    `is_pausing`: has somebody asked it to pause? `state` is one of "ready", "training", "paused", "stopped", "done",
    "failed"; `error` says what failed. All methods may be called from any thread. Lesson 5.
    """

    def __init__(
        self,
        model: TransformerBase,
        token_ids: Tensor,
        settings: TrainingSettings,
        *,
        starts: Tensor | None = None,
        objective: Objective = next_token_loss,
        look: Callable[[TrainingController], bool | None] = lambda run: None,
        look_every: int | None = None,
        tell: Callable[[TrainingController], None] = lambda run: None,
    ):
        if look_every is not None and look_every < 1:
            raise ValueError(f"look_every is a number of steps, at least 1; given {look_every}")
        self.model, self.settings = model, settings
        self.look_every = look_every or max(1, settings.steps // 12)
        self._text, self._starts, self._objective = token_ids, starts, objective
        self._look, self._tell = look, tell
        self._newborn = copy.deepcopy(model.state_dict())
        self._dial = _Dial()
        self._steering = threading.RLock()
        self._thread: threading.Thread | None = None
        self.is_pausing = False
        self._begin()

    def _begin(self) -> None:
        self.steps: list[TrainingStep] = []
        self.state, self.error = READY, ""
        self.seconds = 0.0
        self._failure: Exception | None = None
        self._looked_at: int | None = None
        self._stepper = self._new_stepper()

    def _new_stepper(self) -> Iterator[TrainingStep]:
        settings = _Dialled(**asdict(self.settings), dial=self._dial)
        return train_steps(self.model, self._text, settings, starts=self._starts, objective=self._objective)

    @property
    def step(self) -> int:
        """How many steps are done."""
        return len(self.steps)

    @property
    def rate(self) -> float:
        """What the scheduled learning rate is multiplied by, from the next step on."""
        return self._dial.rate

    @rate.setter
    def rate(self, rate: float) -> None:
        if not 0 <= rate <= FASTEST:
            raise ValueError(f"the dial goes from 0 to {FASTEST:g} times the scheduled learning rate; given {rate}")
        self._dial.rate = float(rate)

    @property
    def seconds_left(self) -> float | None:
        """About how long the rest takes, looks included; None before the first step."""
        return self.seconds / self.step * (self.settings.steps - self.step) if self.step else None

    def start(self, steps: int | None = None) -> None:
        """Train on, in the background: to the end, or so many steps. Nothing happens where the run is over."""
        with self._steering:
            self.pause()
            if self.state not in (READY, PAUSED):
                return
            last = self.settings.steps if steps is None else min(self.settings.steps, self.step + steps)
            self.state, self.is_pausing = TRAINING, False
            self._thread = threading.Thread(target=self._work, args=(last,), name="training", daemon=True)
            self._thread.start()

    def ask_to_pause(self) -> None:
        """Stop after the step that is being taken; returns at once."""
        self.is_pausing = True

    def pause(self) -> None:
        """Stop after the step that is being taken; returns when the weights are still."""
        with self._steering:
            self.ask_to_pause()
            if self._thread not in (None, threading.current_thread()):
                self._thread.join()
                self._thread = None

    def one_step(self) -> None:
        """Take one step, and return when it is taken."""
        self.run(1)

    def run(self, steps: int | None = None) -> list[TrainingStep]:
        """Train to the end, or so many steps; returns all steps so far when that is done, or somebody paused.

        Raises what a step raised. A KeyboardInterrupt pauses the run, and goes on its way.
        """
        self.start(steps)
        thread = self._thread
        try:
            while thread is not None and thread.is_alive():
                thread.join(_GLANCE)
        except KeyboardInterrupt:
            self.pause()
            raise
        if self.state == FAILED:
            raise ArithmeticError(self.error) from self._failure
        return self.steps

    def stop(self) -> None:
        """End the run here, with a last look; the model stays as it is, ready to be used."""
        with self._steering:
            self.pause()
            if self.state in (READY, PAUSED):
                self.is_pausing = False
                self._guarded(self._glance)
                if self.state != FAILED:
                    self.state = STOPPED
                self._tell(self)

    def restart(self) -> None:
        """Give the model its first weights back and forget the run; the dial stays where it is."""
        with self._steering:
            self.pause()
            self.model.load_state_dict(self._newborn)
            self.model.zero_grad()
            self._begin()
            self._tell(self)

    def _work(self, last: int) -> None:
        self._tell(self)
        with torch.enable_grad():
            self._guarded(lambda: self._take_steps(last))
        if self.state == TRAINING:
            is_over = self.step >= self.settings.steps and self._looked_at == self.step
            self.state = DONE if is_over else PAUSED
        self._tell(self)

    def _take_steps(self, last: int) -> None:
        began, before = time.perf_counter(), self.seconds
        self._glance_if_due()
        while self.step < last and not self.is_pausing:
            self.steps.append(next(self._stepper))
            self.seconds = before + time.perf_counter() - began
            self._glance_if_due()
            self._tell(self)

    def _glance_if_due(self) -> None:
        if self.step % self.look_every == 0 or self.step == self.settings.steps:
            self._glance()

    def _glance(self) -> None:
        """Look, once a step."""
        if self._looked_at != self.step and self._look(self) is not False:
            self._looked_at = self.step

    def _guarded(self, action: Callable[[], None]) -> None:
        """Whatever goes wrong in a step ends the run, and is kept as a sentence."""
        try:
            action()
        except Exception as error:
            self.state, self._failure = FAILED, error
            self.error = f"Step {self.step + 1} failed: {error}."
            if self.rate != 1:
                self.error += f" The learning rate was turned to {self.rate:g} times the scheduled one."
            self.error += " Start again gives you the newborn model back."
