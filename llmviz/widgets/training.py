"""Training runs: LiveTraining with buttons, and TrainingExplorer, a recorded run on one slider (lesson 5)."""

import contextlib
import dataclasses
import math
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
import traitlets

from llmviz import corpora, plots
from llmviz.generation.sampling import _check_model, sample_texts
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import TransformerBase
from llmviz.plots import _validation as validation
from llmviz.plots._labels import count, listing, spoken_prose, token_text
from llmviz.tinyville.corpus import Tinyville
from llmviz.tokenizers.base import check_text
from llmviz.training import controller, runs
from llmviz.training.loop import TrainingSettings, TrainingStep, document_nats, sample_windows
from llmviz.training.recording import SERIES, Recording, Sample, baselines
from llmviz.widgets.base import JS, Explorer, LiveExplorer, Table, living_html, pack, well_formed
from llmviz.widgets.embeddings import EmbeddingExplorer

_TEMPERATURE = 0.8
_MAX_HELD_OUT = 200
_MOST_POINTS = 400
_SECONDS_BETWEEN_PICTURES = 0.15
_TEXTS_AT_ONCE = 25
_MOST_CHARACTERS = 600


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
    `steps`, `held_out_losses` and `samples` hold what happened.
    Raises ValueError for baselines that are no numbers. Lesson 5.
    """

    state = traitlets.Enum(controller.STATES, "ready", help="what the run does").tag(sync=True)
    rate = traitlets.Float(1.0, help="what the scheduled learning rate is multiplied by").tag(sync=True)

    @validation.named_errors("LiveTraining")
    def __init__(self, model, token_ids, settings: TrainingSettings, *, tokenizer=None, starts=None,
                 held_out: Sequence[str] = (), baselines: Mapping[str, float] | None = None,
                 prompt: str = ""):  # fmt: skip
        _check_data(model, token_ids, settings, starts)
        self._tokenizer, self._prompt, self._held_out = tokenizer, prompt, []
        if tokenizer is not None:
            _check_model(model, tokenizer)
            check_text(prompt)
            self._held_out = validation.text_list(held_out, "held_out")[:_MAX_HELD_OUT] if len(held_out) else []
        self.baselines = validation.named_baselines(baselines)
        self._shown_at = 0.0
        self._forget()
        self._run = controller.TrainingController(
            model, token_ids, settings, starts=starts, evaluate=self._look, on_change=self._tell,
        )  # fmt: skip
        super().__init__(_LiveForm(self))
        # ipykernel 7.4 would answer a click in the cell that waits in `run()`, so let the page choose the subshell that
        # answers; with other kernels clicks act when the cell is done.
        if hasattr(self.comm, "_reply_subshell_for"):
            self.comm._reply_subshell_for = lambda data, chosen_by_the_page: chosen_by_the_page
        self.on_msg(self._pressed)
        self.observe(self._turned, "rate")

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

    def run(self, steps: int | None = None, *, seconds: float = math.inf) -> list[TrainingStep]:
        """Train to the end, or so many steps or seconds, and return all steps so far.

        While a cell waits here, the buttons act in JupyterLab; elsewhere interrupting the kernel (■) is the pause.
        Raises ArithmeticError with a sentence where a step failed.
        """
        return self._run.run(steps, seconds=seconds)

    def _pressed(self, _widget, content, _buffers) -> None:
        """A button in the page."""
        run = self._run
        actions = {"start": run.start, "pause": run.request_pause, "one_step": lambda: run.run(1), "stop": run.stop,
                   "restart": self._restart}  # fmt: skip
        action = content.get("do") if isinstance(content, dict) else None
        if isinstance(action, str) and action in actions:
            with contextlib.suppress(ArithmeticError):  # a failed step is told of by the state and the sentence
                actions[action]()

    def _restart(self) -> None:
        self._run.pause()
        self._forget()
        self._run.restart()

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
        }  # fmt: skip


class _LiveForm(Explorer):
    """A live run where no Python is: a sentence, and the losses so far."""

    module = JS / "live_training.js"
    title = "Live training"

    def __init__(self, live: LiveTraining):
        self._live = live

    def traits(self) -> dict:
        return {"payload": self._live._payload(), "state": "ready", "rate": 1.0}

    def sentence(self) -> str:
        run = self._live._run
        done = f"{run.step:,} of {run.settings.steps:,} steps"
        said = {"ready": "not yet begun", "failed": "failed", "stopped": "stopped", "paused": "paused"}
        return f"Live training: {done}{', ' + said[run.state] if run.state in said else ''}."

    def picture(self) -> bytes | None:
        losses = {step.step: step.loss for step in self._live.steps if math.isfinite(step.loss)}
        if not losses:
            return None
        return plots.to_png(plots.loss_curve([*losses], [*losses.values()], baselines=self._live.baselines))

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:  # without Python its buttons would do nothing
        return {"text/plain": repr(self), "text/html": well_formed(self._static_html())}


def page_training(tokenizer) -> str:
    """What an exported page shows in place of `LiveTraining`: a smaller GPT that the page itself trains; HTML."""
    corpus, fresh = corpora.tinyville(counts={"story": 2000}), Tinyville().texts(seed=1, counts={"story": 40})
    unseen = corpora.Corpus("unseen", tuple(text.text for text in fresh), {})
    texts = [runs.corpus_tokens(one, tokenizer) for one in (corpus, unseen)]
    used, places = torch.cat(texts).unique(return_inverse=True)  # only the tokens that occur
    ids, held_out = (pack(part, "uint16") for part in places.split([*map(len, texts)]))
    lines = baselines(corpus, fresh, tokenizer) | {"ln V": math.log(len(used))}
    config = dataclasses.asdict(ModelConfig(len(used), d_model=48, d_ff=192))
    run = {"config": config, "pieces": tokenizer.tokens(used.tolist()), "ids": ids, "held_out": held_out,
           "n_steps": 600, "batch_size": 2, "learning_rate": 0.01, "baselines": [*lines.items()]}  # fmt: skip
    still = f"<p><strong>{_LiveForm.title}</strong> Where scripts run, this page trains a small GPT.</p>"
    return living_html(_LiveForm.module, "", still, {"state": "ready", "rate": 1.0, "is_live": True, "run": run})


def _check_data(model, token_ids, settings, starts) -> None:
    """Raise ValueError for what `train_steps` could not take, before the first click."""
    if not isinstance(model, TransformerBase) or not isinstance(settings, TrainingSettings):
        raise ValueError("give a model and its settings: LiveTraining(model, token_ids, training.TrainingSettings())")
    for name, ids in {"token_ids": token_ids, "starts": token_ids if starts is None else starts}.items():
        if not isinstance(ids, torch.Tensor) or ids.is_floating_point():
            raise ValueError(f"{name} must be a tensor of whole numbers; given {ids!r:.60}")
    if starts is not None and (starts.ndim != 1 or len(starts) < 2 or starts[0] < 0 or (starts.diff() <= 0).any()
                               or starts[-1] > len(token_ids)):  # fmt: skip
        raise ValueError("starts are the beginnings of the documents and the last end: training.document_starts(…)")
    try:
        window = sample_windows(token_ids, starts, 1, model.config.context_length, seed=0, step=0)
    except (IndexError, RuntimeError) as error:
        raise ValueError(f"no text can be drawn from these token_ids and starts: {error}") from None
    model._check_token_ids(window[:, 1:])


def _thinned(losses: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """At most 400 points: neighboring steps averaged, each point in the middle of its steps."""
    width = max(1, math.ceil(len(losses) / _MOST_POINTS))
    whole = len(losses) // width * width
    places = (np.arange(whole) + 1.0).reshape(-1, width).mean(axis=1)
    return places, np.asarray(losses[:whole], dtype=float).reshape(-1, width).mean(axis=1)


class TrainingExplorer(Explorer):
    """A training run over its saved steps: loss, samples, next-token bars, attention, embeddings, memorization.

    Args:
        recording: the run, as `training.load_recording` or `LiveTraining.recording` give it; what it does
            not hold is not shown.
        compare: a second run, beside the first; both must have the same saved steps.
        frame: which saved step is shown first, counted from 0.

    Raises ValueError for a frame that is not there and for two runs whose saved steps differ. Lesson 5.
    """

    module = JS / "training.js"
    title = "Training explorer"

    def __init__(self, recording: Recording, *, compare: Recording | None = None, frame: int = 0):
        self.recordings = [recording, *([] if compare is None else [compare])]
        for one in self.recordings:
            _check(one)
        if compare is not None and list(compare.steps) != list(recording.steps):
            given = [f"{one.name!r} has {len(one.steps)} up to {one.steps[-1]:,}" for one in self.recordings]
            wanted = "side by side, two recordings need the same saved steps"
            raise ValueError(f"{wanted}; {', '.join(given)}: record both with the same number of steps and frames.")
        n_frames = len(recording.steps)
        self.frame = validation.whole_number(frame, "frame", -n_frames, n_frames - 1) % n_frames

    def traits(self) -> dict:
        steps = [int(step) for step in self.recordings[0].steps]
        packed = [*map(_packed, self.recordings)]
        payload = {"steps": steps, "runs": packed, "code": "recording.held_out_losses[{frame}]"}
        return {"payload": payload, "frame": self.frame, "prefix": 0, "frames": 0, "head": 0, "word": None, "pins": [],
                "predict": False}  # fmt: skip

    def sentence(self) -> str:
        steps = self.recordings[0].steps
        said = f"A training run at {count(len(steps), 'saved step')}, from step {steps[0]:,} to step {steps[-1]:,}."
        return " ".join([said, *(_ending(recording) for recording in self.recordings)])

    def table(self) -> Table:
        columns, series = ["step"], []
        for recording in self.recordings:
            name = f"{spoken_prose(recording.name, 40)}: " if len(self.recordings) > 1 else ""
            columns += [f"{name}training loss", f"{name}loss on unseen texts"]
            losses = (recording.training_losses, recording.held_out_losses)
            series += [[f"{value:.2f}" for value in values] for values in losses]
            for meter, values in (("copied", recording.copied), ("possible", recording.valid)):
                if values is not None:
                    columns.append(name + meter)
                    series.append([f"{value:.0%}" for value in values])
        rows = [list(row) for row in zip([f"{step:,}" for step in self.recordings[0].steps], *series, strict=True)]
        return Table("Every saved step, losses in nats per token", columns, rows)

    def picture(self) -> bytes:
        recording = self.recordings[0]
        if len(self.recordings) > 1:
            unseen = {spoken_prose(one.name, 40): one.held_out_losses for one in self.recordings}
            axes = plots.curves(recording.steps, unseen, x_label="training step (log scale)", x_scale="log",
                                y_label="loss on unseen texts (nats per token)")  # fmt: skip
            return plots.to_png(axes)
        axes = plots.loss_curve(
            recording.steps, recording.training_losses, validation=(recording.steps, recording.held_out_losses),
            baselines=recording.baselines, scale="log", title=spoken_prose(recording.name, 60),
        )  # fmt: skip
        return plots.to_png(axes)


def _check(recording: Recording) -> None:
    """Raise ValueError for anything else, and where a number of it is none, as after a run that diverged."""
    if not isinstance(recording, Recording):
        raise ValueError(f"a training explorer shows a Recording, as load_recording returns; given {recording!r:.60}")
    validation.named_baselines(recording.baselines)
    numbers = {name: (getattr(recording, name), 1) for name in SERIES} | {"points": (recording.points, 3)}
    numbers |= {f"the probabilities after {one.prefix!r}": (one.probabilities, 2) for one in recording.next_tokens}
    numbers |= {f"the attention in sentence {i}": (one.weights, 5) for i, one in enumerate(recording.attention)}
    for name, (values, n_dims) in numbers.items():
        if values is not None:
            validation.finite_numbers(values, f"{name} of {recording.name!r:.60}", n_dims)


def _ending(recording: Recording) -> str:
    """Where the losses end, in words that hold on every machine."""
    held_out, lines = recording.held_out_losses, recording.baselines
    below = [spoken_prose(line, 24) for line, value in sorted(lines.items(), key=lambda one: -one[1])
             if held_out[-1] < value]  # fmt: skip
    ends = f"ends below {listing(below)}" if below else "ends below no baseline" if lines else "is drawn"
    ends += ", after it has risen again" if held_out[-1] > 1.1 * held_out.min() else ""
    return f"{spoken_prose(recording.name, 60)}: the loss on unseen texts {ends}."


def _packed(recording: Recording) -> dict:
    """What the module knows of one run."""
    groups = list(dict.fromkeys(recording.groups))[: validation.MAX_GROUPS]
    last = validation.MAX_GROUPS - 1
    return {
        "name": spoken_prose(recording.name, 60),
        "training": np.round(recording.training_losses.astype(float), 4).tolist(),
        "held_out": np.round(recording.held_out_losses.astype(float), 4).tolist(),
        "baselines": [[spoken_prose(name, 24), round(float(value), 4)] for name, value in recording.baselines.items()],
        "copied": _shares(recording.copied), "copied_by_chance": recording.copied_by_chance,
        "valid": _shares(recording.valid),
        "samples": [[_segments(sample) for sample in texts] for texts in recording.samples],
        "options": [spoken_prose(texts[0].text, 100) for texts in recording.samples if texts],
        "next_tokens": [
            {"prefix": spoken_prose(one.prefix, 200), "tokens": [*map(token_text, one.tokens)],
             "frames": pack(np.rint(65_535 * np.clip(one.probabilities, 0, 1)), "uint16"), "exact": list(one.exact)}
            for one in recording.next_tokens
        ],
        "attention": [_packed_attention(one) for one in recording.attention],
        "words": [*map(token_text, recording.words)],
        "groups": [spoken_prose(group, 24) for group in groups],
        "group_of": [groups.index(group) if group in groups else last for group in recording.groups],
        "points": None if recording.points is None else EmbeddingExplorer.pack_points(recording.points),
        "variance": _shares(recording.variance),
    }  # fmt: skip


def _shares(values: np.ndarray | None) -> list | None:
    return None if values is None else np.round(np.asarray(values, dtype=float), 3).tolist()


def _packed_attention(frames) -> dict:
    """Attention without the future, which a causal mask hides anyway, in fiftieths: it is shown as colors alone."""
    weights = np.asarray(frames.weights)
    _, n_layers, n_heads, n, _ = weights.shape
    packed = pack(5 * np.rint(51 * weights[..., np.tril(np.ones((n, n), dtype=bool))]), "uint8")
    return {"labels": [*map(token_text, frames.tokens)], "n_layers": n_layers, "n_heads": n_heads, "weights": packed}


def _segments(sample: Sample) -> list[list]:
    """A sample cut where a mark begins or ends: [text, is it copied?, is it impossible?]."""
    text = sample.text[:_MOST_CHARACTERS]
    wrong = sample.wrong or (0, 0)
    cuts = sorted({0, len(text), *(min(place, len(text)) for place in (*sample.copied, *wrong))})
    pieces = []
    for start, stop in pairwise(cuts):
        inside = [first <= start and stop <= last for first, last in (sample.copied, wrong)]
        pieces.append([_shown(text[start:stop]), *inside])
    return pieces or [["", False, False]]


def _shown(piece: str) -> str:
    """A piece of text, nothing invisible in it, the spaces at its ends kept."""
    inner = spoken_prose(piece, 2 * _MOST_CHARACTERS)
    return (" " if piece[:1].isspace() else "") + inner + (" " if inner and piece[-1:].isspace() else "")
