"""Results of evaluations: methods of fine-tuning (lesson 6), confidence and truth, a planted bias (lesson 8),
remedies (lesson 12)."""

import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from llmviz import plots
from llmviz.evaluation.facts import ask, fact_questions, with_facts
from llmviz.finetuning.comparison import BUDGETS, MethodComparison, comparison_steps, load_comparisons
from llmviz.finetuning.loop import METHODS
from llmviz.finetuning.tasks import LABELS, is_refusal
from llmviz.generation.sampling import _check_model
from llmviz.model.transformer import DecoderOnly
from llmviz.plots import _validation as validation
from llmviz.plots._labels import count, spoken_prose
from llmviz.tokenizers.base import Tokenizer
from llmviz.widgets.base import JS, Explorer, LiveExplorer, Table, pack
from llmviz.widgets.page_model import page_model_name

_ASK = 'ask(model, tokenizer, [question])  # "{prompt}"'
_TRAIN = "bias.train_on_ratio(tokenizer, {nameless}, guest_ratio={guest}, seed={seed})"
_CURVES = ("anonymous", "guest", "greedy anonymous", "greedy guest")
_NAMES = {"head": "frozen head", "lora": "LoRA", "full": "full"}
_MEASURES = {
    "invented": ("invented answers", 0.5), "refused": ("known facts refused", 1.0),
    "bias": ("bias, |P(she) − 0.5|", 0.5), "old loss": ("loss on old texts", 3.0), "coherent": ("coherent texts", 1.0),
}  # fmt: skip
_TASKS = {"sentiment": "sentiment at the end", "location_type": "type of the first place: water or land?"}


class ComparisonExplorer(Explorer):
    """Three fine-tuning methods over the steps: accuracy, trainable parameters, loss on the old texts.

    Args:
        comparisons: one or more; None takes those that ship, `finetuning.load_comparisons()`.
        task: "sentiment" or "location_type": which comparison is shown first.
        n_labels: with so many labels.

    Raises ValueError where none is given, one has no evaluation, or the chosen one is not among them. Lesson 6.
    """

    module = JS / "comparison.js"
    title = "Comparison of methods"

    def __init__(
        self, comparisons: Sequence[MethodComparison] | None = None, *, task: str = "sentiment", n_labels: int = 20
    ):
        self.comparisons = _checked(load_comparisons() if comparisons is None else comparisons)
        asked = (str(task), validation.whole_number(n_labels, "n_labels", 1, 1_000_000))
        found = [i for i, one in enumerate(self.comparisons) if (one.task, one.n_labels) == asked]
        if not found:
            there = ", ".join(f"{one.task} with {one.n_labels}" for one in self.comparisons)
            raise ValueError(f"no comparison on {task!r} with {n_labels} labels is among these; there are: {there}")
        self.chosen = found[-1]

    def live(self, model: DecoderOnly, tokenizer: Tokenizer) -> LiveExplorer:
        """Return the explorer with a button that trains the three methods anew, on other examples."""
        return _LiveComparisonExplorer(self, model, tokenizer)

    def traits(self) -> dict:
        payload = {"names": [_NAMES[method] for method in METHODS], "methods": list(METHODS), "tasks": _TASKS,
                   "comparisons": [_packed(one) for one in self.comparisons]}  # fmt: skip
        last = len(self.comparisons[self.chosen].points["head"]) - 1
        return {"payload": payload, "chosen": self.chosen, "point": last, "pins": []}

    def sentence(self) -> str:
        one = self.comparisons[self.chosen]
        last = {method: one.points[method][-1] for method in METHODS}
        rises = {method: last[method].old_loss - one.points[method][0].old_loss for method in METHODS}
        results = "; ".join(f"{name} {last[method].accuracy:.2f} right, loss on old texts {rises[method]:+.1f}"
                            for method, name in _NAMES.items())  # fmt: skip
        return f"After {last['head'].step} steps with {count(one.n_labels, 'label')} ({_TASKS[one.task]}): {results}."

    def table(self) -> Table:
        rows = [
            [_TASKS[one.task], str(one.n_labels), _NAMES[method], f"{one.n_trainable[method]:,}",
             f"{one.points[method][-1].accuracy:.2f}",
             f"{one.points[method][-1].old_loss - one.points[method][0].old_loss:+.2f}"]
            for one in self.comparisons
            for method in METHODS
        ]  # fmt: skip
        columns = ["task", "labels", "method", "trainable parameters", "right", "old loss (nats a token)"]
        return Table("Results of each comparison", columns, rows)

    def picture(self) -> bytes:
        one = self.comparisons[self.chosen]
        points = one.points
        axes = plots.curves(
            [point.step for point in points["head"]],
            {_NAMES[method]: [point.accuracy for point in points[method]] for method in METHODS},
            x_label="step", y_label="right on new texts", y_range=(0, 1),
            title=f"{_TASKS[one.task]}, {count(one.n_labels, 'label')}",
        )  # fmt: skip
        return plots.to_png(axes)


class _LiveComparisonExplorer(LiveExplorer):
    def __init__(self, explorer: ComparisonExplorer, model: DecoderOnly, tokenizer: Tokenizer):
        super().__init__(explorer, runs=0, running=False)  # how often the button was pressed, and whether it trains
        self._model, self._tokenizer = model, tokenizer
        self.observe(self._run, "runs")

    def _run(self, change) -> None:
        """Train again on the task that is shown, with other examples, and show each evaluation as it is done."""
        before, like = self.explorer.comparisons, self.explorer.comparisons[self.chosen]
        task = like.task if like.task in LABELS else "sentiment"
        n_labels = like.n_labels if like.n_labels in BUDGETS else BUDGETS[0]
        seed = change["new"]
        self.running = True
        try:
            for one in comparison_steps(self._model, self._tokenizer, task=task, n_labels=n_labels, seed=seed):
                self.answer(lambda one=one: ComparisonExplorer([*before, one], task=one.task, n_labels=one.n_labels))
                self.chosen, self.point = len(before), len(one.points["full"]) - 1
        finally:
            self.running = False


def _checked(comparisons) -> list[MethodComparison]:
    """Comparisons whose evaluations are numbers, equally many of each method."""
    comparisons = list(comparisons) if isinstance(comparisons, Iterable) else [comparisons]
    for one in comparisons:
        if not isinstance(one, MethodComparison) or one.task not in _TASKS:
            raise ValueError(f"comparisons are what finetuning.load_comparisons() returns; given {one!r:.60}")
        for method in METHODS:
            numbers = [(point.accuracy, point.old_loss) for point in one.points[method]]
            if not numbers or len(numbers) != len(one.points["head"]):
                raise ValueError("give comparisons with one evaluation or more, as many of all three methods")
            validation.finite_numbers(numbers, f"the evaluations of the method {method!r}", 2)
    if not comparisons:
        raise ValueError("give at least one comparison, such as finetuning.load_comparisons()")
    return comparisons


def _packed(one: MethodComparison) -> dict:
    """A comparison as the page reads it: points as (step, accuracy, old loss)."""
    points = {method: [[point.step, round(point.accuracy, 4), round(point.old_loss, 4)] for point in one.points[method]]
              for method in METHODS}  # fmt: skip
    return {
        "task": one.task, "n_labels": one.n_labels, "seed": one.seed, "n_parameters": one.n_parameters,
        "n_trainable": one.n_trainable, "points": points,
    }  # fmt: skip


class FactWorldExplorer(Explorer):
    """Hallucination: a mark for each question about Tinyville, at the confidence of the answer; remedies as switches.

    Args:
        model, tokenizer: who is asked.
        taught: the same model after refusal tuning (`finetuning.refusal_examples`); None leaves that switch out.

    Lesson 8.
    """

    module = JS / "fact_world.js"
    title = "Fact world"

    def __init__(self, model, tokenizer, *, taught=None):
        for one in (model, model if taught is None else taught):
            _check_model(one, tokenizer)
        self.questions, self.page_model = fact_questions(), page_model_name(model, tokenizer)
        asked = {"plain": self.questions, "told": with_facts(self.questions)}
        models = {"": model} | ({"taught ": taught} if taught is not None else {})
        self.answers = {who + how: ask(one, tokenizer, questions)
                        for who, one in models.items() for how, questions in asked.items()}  # fmt: skip
        self.silent = {name: is_refusal(answers, tokenizer) for name, answers in self.answers.items()}

    def traits(self) -> dict:
        variants = {name: self._variant(name) for name in self.answers}
        groups = [question.group for question in self.questions]
        payload = {"groups": groups, "names": list(dict.fromkeys(groups)), "variants": variants, "code": _ASK}
        return {"payload": payload, "told": False, "taught": False, "threshold": 0.0, "chosen": 0}

    def _variant(self, name: str) -> dict:
        answers = self.answers[name]
        return {
            "prompts": [spoken_prose(question.prompt, 140) for question in answers.questions],
            "said": [spoken_prose(word, 24) for word in answers.words],
            "truths": [question.truth for question in answers.questions],
            "right": answers.right.int().tolist(),
            "silent": self.silent[name].int().tolist(),
            "confidence": pack(answers.confidence.numpy(), "float32"),
        }

    def sentence(self) -> str:
        answers = self.answers["plain"]
        n_right = int(answers.right.sum())
        return (
            f"{len(self.questions)} questions about people in Tinyville. Without any remedy the model answers all: "
            f"{n_right} answers are right, {len(self.questions) - n_right} are invented."
        )

    def table(self) -> Table:
        answers, rows = self.answers["plain"], []
        for group in dict.fromkeys(question.group for question in self.questions):
            here = answers.of(group)
            right, sure = answers.right[here].float().mean(), (answers.confidence[here] > 0.5).float().mean()
            rows.append([group, str(int(here.sum())), f"{right:.0%}", f"{sure:.1f}"])
        return Table("Answers by group", ["group", "questions", "right", "share above 0.5 confidence"], rows)

    def picture(self) -> bytes:
        answers = self.answers["plain"]
        groups = [question.group for question in self.questions]
        return plots.to_png(plots.confidence_marks(answers.confidence, answers.right, groups))


class BiasDialExplorer(Explorer):
    """Bias: P(she | doctor) planted in the corpus, and what models trained on it learned and write.

    Args:
        recording: what `artifacts.load_recording("limitations")` returns: models of each ratio and several seeds.
        ratio: which is shown first; the nearest recorded one is taken.

    Raises ValueError for a recording without a dial and a ratio outside 0 to 1. Lesson 8.
    """

    module = JS / "bias_dial.js"
    title = "Bias dial"

    def __init__(self, recording: Mapping, *, ratio: float = 0.7):
        if not isinstance(recording, Mapping) or not {"ratios", "dial", "seeds"} <= set(recording):
            raise ValueError('the bias dial needs ratios, dial and seeds: artifacts.load_recording("limitations")')
        ratios = validation.shares(recording["ratios"], "ratios", 1)
        seeds = validation.finite_numbers(recording["seeds"], "seeds", 1)
        for curves in recording["dial"].values():
            for curve in _CURVES:
                shape = validation.shares(curves[curve], f"the curve {curve!r}", 2).shape
                if shape != (len(ratios), len(seeds)):
                    raise ValueError(f"{curve!r} must be {len(ratios)} ratios × {len(seeds)} seeds, but has {shape}")
        ratio = float(validation.shares(ratio, "ratio", 0))
        self.recording = recording
        self.place = int(np.abs(ratios - ratio).argmin())

    def traits(self) -> dict:
        payload = {name: self.recording[name] for name in ("ratios", "seeds", "dial")} | {"code": _TRAIN}
        return {"payload": payload, "place": self.place, "filtered": False, "greedy": False}

    def _mean(self, filtered: str, curve: str) -> np.ndarray:
        """(setting,), the mean over the seeds."""
        return np.array(self.recording["dial"][filtered][curve]).mean(axis=1)

    def sentence(self) -> str:
        plain = next(iter(self.recording["dial"]))
        nameless, guest, greedy = (self._mean(plain, c)[self.place] for c in _CURVES[:3])
        return (
            f"Planted: {self.recording['ratios'][self.place]:.0%} of the doctors are she. Learned, the mean of "
            f"{len(self.recording['seeds'])} models: {nameless:.0%} where the doctor has no name, {guest:.0%} where it "
            f"is a guest; in greedy texts {greedy:.0%}."
        )

    def table(self) -> Table:
        plain, *others = self.recording["dial"]
        columns = ["planted", "nameless", "guest", "greedy", *(f"guest, {name}" for name in others)]
        curves = [self._mean(plain, c) for c in _CURVES[:3]]
        curves += [self._mean(name, "guest") for name in others]
        rows = [[f"{ratio:.1f}", *(f"{curve[place]:.2f}" for curve in curves)]
                for place, ratio in enumerate(self.recording["ratios"])]  # fmt: skip
        return Table("Share of doctors that are she", columns, rows)

    def picture(self) -> bytes:
        plain, *others = self.recording["dial"]
        lines = {"planted": self.recording["ratios"], "learned": self._mean(plain, "anonymous")}
        lines["greedy"] = self._mean(plain, "greedy anonymous")
        lines |= {f"guest, {name.split()[-1]}": self._mean(name, "guest") for name in others}
        labels = {"x_label": "planted share of she", "y_label": "share of she", "y_range": (0, 1)}
        return plots.to_png(plots.curves(self.recording["ratios"], lines, **labels))


class RemedyExplorer(Explorer):
    """The remedies board: switches turn them on; hallucination, refusals, bias, forgetting, coherence move together.

    Args:
        recording: what `artifacts.load_recording("alignment")` returns: each combination of remedies, measured.
        on: the names of the remedies that are on at first.

    Raises ValueError for a recording without a board and for unknown remedies. Lesson 12.
    """

    module = JS / "remedies.js"
    title = "Remedies board"

    def __init__(self, recording: Mapping, *, on: Sequence[str] = ()):
        if not isinstance(recording, Mapping) or not {"switches", "board", "seeds"} <= set(recording):
            raise ValueError('the board needs switches, board and seeds: artifacts.load_recording("alignment")')
        if unknown := {str(one) for one in on} - set(recording["switches"]):
            names = ", ".join(map(repr, recording["switches"]))
            raise ValueError(f"the remedies are {names}; given {sorted(unknown)}")
        for on_or_off in itertools.product("01", repeat=len(recording["switches"])):
            measured = recording["board"]["".join(on_or_off)]
            for name in _MEASURES:
                validation.finite_numbers(measured[name], name, 1, len(recording["seeds"]), "seeds")
        self.recording, self.on = recording, list(on)
        self.key = "".join(str(int(name in self.on)) for name in recording["switches"])

    def traits(self) -> dict:
        payload = {name: self.recording[name] for name in ("switches", "board", "seeds")} | {
            "names": {key: name for key, (name, _) in _MEASURES.items()},
            "measures": [[key, top] for key, (_, top) in _MEASURES.items()],
            "code": 'artifacts.load_recording("alignment")["board"]["{on}"]',
        }
        return {"payload": payload, "on": self.key}

    def _mean(self, key: str, measure: str) -> float:
        return float(np.mean(self.recording["board"][key][measure]))

    def sentence(self) -> str:
        numbers = [f"{name} {self._mean(self.key, key):.1f}" for key, (name, _) in _MEASURES.items()]
        return f"{', '.join(self.on) or 'No remedy'}: {', '.join(numbers)}."

    def table(self) -> Table:
        """Each remedy alone."""
        switches = self.recording["switches"]
        alone = {"nothing": "0" * len(switches)} | {
            name: "".join(str(int(name == one)) for one in switches) for name in switches
        }
        rows = [[name, *(f"{self._mean(key, one):.2f}" for one in _MEASURES)] for name, key in alone.items()]
        return Table("Each remedy alone", ["remedy", *(name for name, _ in _MEASURES.values())], rows)

    def picture(self) -> bytes:
        keys = {"no remedy": "0" * len(self.key)} | ({"these remedies": self.key} if self.on else {})
        values = {name: [self._mean(key, one) for one in _MEASURES] for name, key in keys.items()}
        labels = [name for name, _ in _MEASURES.values()]
        return plots.to_png(plots.bars(labels, values, x_label="mean of the seeds"))
