"""LiveTraining: a training run with buttons, its loss beside baselines, and samples of the model (lesson 5)."""

import contextlib
import math
import time
from collections.abc import Mapping, Sequence

import numpy as np
import traitlets

from llmviz import training
from llmviz.generation.sampling import sample_texts
from llmviz.plots import _validation as validation
from llmviz.plots._labels import spoken_prose
from llmviz.training import controller
from llmviz.training.loop import TrainingSettings, TrainingStep, document_nats
from llmviz.widgets.base import JS, LiveExplorer, es_module, pack, well_formed

_STATES = ("ready", "training", "paused", "stopped", "done", "failed")
_ACTIONS = ("start", "pause", "one_step", "stop", "restart")
_TEMPERATURE = 0.8
_MAX_HELD_OUT = 200

_MOST_POINTS = 400
_SECONDS_BETWEEN_PICTURES = 0.15
_TEXTS_AT_ONCE = 25


class LiveTraining(LiveExplorer):
    """A training run with buttons (start, pause, one step, stop, restart) and a slider for the learning rate.

    Args:
        model, token_ids, settings, starts: exactly what `training.train_steps` takes; without a change of the
            learning rate the run ends with the same weights.
        tokenizer: for the samples and the held-out texts; without it there are neither.
        held_out: texts that are not trained on; the loss on up to 200 of them is a dot.
        baselines: named losses, in nats per token.
        prompt: how each sample begins.

    The buttons train in the background; `run()` trains in the cell and waits, also for a run begun with the buttons.
    `steps`, `held_out_losses` and `samples` hold what happened; `recording(name)` returns it for a `TrainingExplorer`.
    Raises ValueError for baselines that are no numbers. Lesson 5.
    """

    _esm = es_module(JS / "live_training.js")

    state = traitlets.Enum(_STATES, "ready", help="what the run does").tag(sync=True)
    rate = traitlets.Float(1.0, help="what the scheduled learning rate is multiplied by").tag(sync=True)

    def __init__(self, model, token_ids, settings: TrainingSettings, *, tokenizer=None, starts=None,
                 held_out: Sequence[str] = (), baselines: Mapping[str, float] | None = None,
                 prompt: str = ""):  # fmt: skip
        self._tokenizer, self._prompt = tokenizer, prompt
        self._held_out = list(held_out)[:_MAX_HELD_OUT] if tokenizer is not None else []
        self.baselines = _checked_baselines(baselines)
        self._shown_at = 0.0
        self._forget()
        self._run = controller.TrainingController(
            model, token_ids, settings, starts=starts, evaluate=self._look, on_change=self._tell,
        )  # fmt: skip
        super().__init__()
        self._listen_while_a_cell_waits()
        self._show()
        self.on_msg(self._pressed)
        self.observe(self._turned, "rate")

    def _listen_while_a_cell_waits(self) -> None:
        """Let clicks act while a cell waits in `run()`: leave the subshell that answers to the choice of the page.

        ipykernel 7.4 answers where the widget last spoke from, which is the cell that waits; other kernels have no
        such choice, and there clicks act when the cell is done.
        """
        if hasattr(self.comm, "_reply_subshell_for"):
            self.comm._reply_subshell_for = lambda data, chosen_by_the_page: chosen_by_the_page

    def _forget(self) -> None:
        self.held_out_losses: list[tuple[int, float]] = []
        self.samples: list[tuple[int, str]] = []

    @property
    def model(self):
        """The model, as it stands."""
        return self._run.model

    @property
    def steps(self) -> list[TrainingStep]:
        """The steps done so far, as `training.train_steps` yields them."""
        return self._run.steps

    def start(self, steps: int | None = None) -> None:
        """Train on in the background, to the end or so many steps; returns at once."""
        self._run.start(steps)

    def pause(self) -> None:
        """Stop after the step that is being taken."""
        self._run.pause()

    def one_step(self) -> None:
        """Take one step."""
        self._run.run(1)

    def stop(self) -> None:
        """End the run here; the model stays as it is."""
        self._run.stop()

    def restart(self) -> None:
        """Give the model its first weights back, ready to start again."""
        self._run.pause()
        self._forget()
        self._run.restart()

    def run(self, steps: int | None = None) -> list[TrainingStep]:
        """Train to the end, or so many steps, and return all steps so far.

        While a cell waits here, the buttons act in JupyterLab; elsewhere interrupting the kernel (■) is the pause.
        Raises ArithmeticError with a sentence where a step failed.
        """
        return self._run.run(steps)

    def recording(self, name: str) -> "training.Recording":
        """What happened so far, for a `TrainingExplorer`; raises ValueError before the first look."""
        return training.recording_from_losses(
            name, [(step.step, step.loss) for step in self.steps], self.held_out_losses, self.baselines, self.samples
        )

    def _pressed(self, _widget, content, _buffers) -> None:
        """A button in the page."""
        action = content.get("do") if isinstance(content, dict) else None
        with contextlib.suppress(ArithmeticError):  # a failed step is told of by the state and the sentence
            if action == "pause":
                self._run.request_pause()  # and go on listening
            elif action in _ACTIONS:
                getattr(self, action)()

    def _turned(self, change) -> None:
        try:
            self._run.lr_multiplier = change["new"]
        except ValueError as error:
            self.problem = str(error)
            self.rate = self._run.lr_multiplier

    def _look(self, run: controller.TrainingController) -> bool:
        """Between two steps: the loss on texts it does not learn from, and what it writes; breaks off for a pause."""
        nats, n_tokens = 0.0, 0
        for start in range(0, len(self._held_out), _TEXTS_AT_ONCE):
            if run.is_pausing:
                return False
            texts = self._held_out[start : start + _TEXTS_AT_ONCE]
            nats += sum(document_nats(run.model, self._tokenizer, texts))
            n_tokens += sum(len(self._tokenizer.encode(text)) + 1 for text in texts)
        if self._tokenizer is not None:
            if run.is_pausing:
                return False
            [text] = sample_texts(run.model, self._tokenizer, 1, prompt=self._prompt, temperature=_TEMPERATURE)
            self.samples.append((run.step, text))
        if self._held_out:
            self.held_out_losses.append((run.step, nats / n_tokens))
        return True

    def _tell(self, run: controller.TrainingController) -> None:
        """Show it: each change of the state, and the steps a few times a second."""
        now = time.monotonic()
        if run.state == self.state and run.state == "training" and now - self._shown_at < _SECONDS_BETWEEN_PICTURES:
            return
        self._shown_at = now
        self._show()

    def _show(self) -> None:
        run = self._run
        self.payload = self._payload()
        self.state = run.state
        self.problem = well_formed(run.error)

    def _payload(self) -> dict:
        run = self._run
        places, losses = _thinned([step.loss for step in run.steps])
        return {
            "n_steps": run.settings.steps, "step": run.step,
            "places": pack(places, "float32"), "losses": pack(losses, "float32"),
            "held_out": [[step, round(loss, 4)] for step, loss in self.held_out_losses if math.isfinite(loss)],
            "samples": [[step, spoken_prose(text, 600)] for step, text in self.samples[-2:]],
            "baselines": [[spoken_prose(name, 24), value] for name, value in self.baselines.items()],
            "seconds_left": run.seconds_left,
            "scheduled": run.settings.learning_rate * run.settings.schedule(min(run.step, run.settings.steps - 1)),
            "fastest": controller.MAX_LR_MULTIPLIER,
        }  # fmt: skip

    def __repr__(self) -> str:
        run = self._run
        done = f"{run.step:,} of {run.settings.steps:,} steps"
        said = {"ready": "not yet begun", "failed": "failed", "stopped": "stopped", "paused": "paused"}
        return f"Live training: {done}{', ' + said[run.state] if run.state in said else ''}."


def _checked_baselines(baselines: Mapping[str, float] | None) -> dict[str, float]:
    if not baselines:
        return {}
    values = validation.finite_numbers(list(baselines.values()), "baselines", 1)
    return dict(zip(map(str, baselines), map(float, values), strict=True))


def _thinned(losses: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """At most 400 points: neighboring steps averaged, each point in the middle of its steps."""
    width = max(1, math.ceil(len(losses) / _MOST_POINTS))
    whole = len(losses) // width * width
    places = (np.arange(whole) + 1.0).reshape(-1, width).mean(axis=1)
    return places, np.asarray(losses[:whole], dtype=float).reshape(-1, width).mean(axis=1)
