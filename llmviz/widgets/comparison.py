"""ComparisonExplorer: a frozen head, LoRA and full fine-tuning on the same task, side by side (lesson 6)."""

from collections.abc import Sequence
from pathlib import Path

import traitlets

from llmviz import plots
from llmviz.finetuning.comparison import BUDGETS, MethodComparison, comparison_steps, load_comparisons
from llmviz.finetuning.loop import METHODS
from llmviz.finetuning.tasks import LABELS
from llmviz.model.transformer import DecoderOnly
from llmviz.plots._labels import count
from llmviz.tokenizers.base import Tokenizer
from llmviz.widgets.base import Explorer, LiveExplorer, Table, es_module

_MODULE = Path(__file__).parent / "js" / "comparison.js"
NAMES = {"head": "frozen head", "lora": "LoRA", "full": "full"}
TASKS = {"sentiment": "sentiment at the end", "location_type": "type of the first place: water or land?"}


class ComparisonExplorer(Explorer):
    """Three fine-tuning methods over the steps: accuracy, trainable parameters, loss on the old texts.

    Args:
        comparisons: one or more; None takes those that ship, `finetuning.load_comparisons()`.
        task: "sentiment" or "location_type": which comparison is shown first.
        n_labels: with so many labels.

    Raises ValueError where none is given, one has no evaluation, or the chosen one is not among them. Lesson 6.
    """

    module = _MODULE
    title = "Comparison of methods"

    def __init__(
        self, comparisons: Sequence[MethodComparison] | None = None, *, task: str = "sentiment", n_labels: int = 20
    ):
        self.comparisons = list(load_comparisons() if comparisons is None else comparisons)
        if not self.comparisons or not all(one.points[method] for one in self.comparisons for method in METHODS):
            raise ValueError("give at least one comparison, each with one evaluation or more of all three methods")
        found = [i for i, one in enumerate(self.comparisons) if (one.task, one.n_labels) == (task, n_labels)]
        if not found:
            there = ", ".join(f"{one.task} with {one.n_labels}" for one in self.comparisons)
            raise ValueError(f"no comparison on {task!r} with {n_labels} labels is among these; there are: {there}")
        self.chosen = found[-1]

    def live(self, model: DecoderOnly, tokenizer: Tokenizer) -> LiveExplorer:
        """Return the explorer with a button that trains the three methods anew, on other examples."""
        return _LiveComparisonExplorer(self, model, tokenizer)

    def traits(self) -> dict:
        payload = {
            "names": [NAMES[method] for method in METHODS],
            "methods": list(METHODS),
            "tasks": TASKS,
            "comparisons": [_packed(one) for one in self.comparisons],
        }
        last = len(self.comparisons[self.chosen].points["head"]) - 1
        return {"payload": payload, "chosen": self.chosen, "point": last, "pins": []}

    def inputs(self) -> list:
        return [[one.task, one.n_labels, one.seed] for one in self.comparisons] + [self.chosen]

    def sentence(self) -> str:
        one = self.comparisons[self.chosen]
        last = {method: one.points[method][-1] for method in METHODS}
        rises = {method: last[method].old_loss - one.points[method][0].old_loss for method in METHODS}
        results = "; ".join(
            f"{NAMES[method]} {last[method].accuracy:.2f} right, loss on old texts {rises[method]:+.1f}"
            for method in METHODS
        )
        return f"After {last['head'].step} steps with {count(one.n_labels, 'label')} ({TASKS[one.task]}): {results}."

    def table(self) -> Table:
        rows = [
            [TASKS[one.task], str(one.n_labels), NAMES[method], f"{one.n_trainable[method]:,}",
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
            {NAMES[method]: [point.accuracy for point in points[method]] for method in METHODS},
            x_label="step", y_label="right on new texts", y_range=(0, 1),
            title=f"{TASKS[one.task]}, {count(one.n_labels, 'label')}",
        )  # fmt: skip
        return plots.to_png(axes)


class _LiveComparisonExplorer(LiveExplorer):
    _esm = es_module(_MODULE)

    chosen = traitlets.Int(0, help="which comparison is shown").tag(sync=True)
    point = traitlets.Int(0, help="at which evaluation").tag(sync=True)
    runs = traitlets.Int(0, help="how often the button was pressed").tag(sync=True)
    running = traitlets.Bool(False, help="whether the methods are being trained").tag(sync=True)
    pins = traitlets.List().tag(sync=True)

    def __init__(self, explorer: ComparisonExplorer, model: DecoderOnly, tokenizer: Tokenizer):
        super().__init__()
        self._model, self._tokenizer = model, tokenizer
        self.answer(lambda: explorer)
        traits = explorer.traits()
        self.chosen, self.point = traits["chosen"], traits["point"]
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


def _packed(one: MethodComparison) -> dict:
    """A comparison as the page reads it: points as (step, accuracy, old loss)."""
    points = {
        method: [[point.step, round(point.accuracy, 4), round(point.old_loss, 4)] for point in one.points[method]]
        for method in METHODS
    }
    return {
        "task": one.task, "n_labels": one.n_labels, "seed": one.seed, "n_parameters": one.n_parameters,
        "n_trainable": one.n_trainable, "points": points,
    }  # fmt: skip
