"""RaceExplorer: a frozen head, LoRA and full fine-tuning learn the same task, and forget, side by side (lesson 6)."""

from collections.abc import Sequence
from pathlib import Path

import traitlets

from llmviz import plots
from llmviz.finetuning.comparison import BUDGETS, MethodComparison, comparison_steps, load_comparisons
from llmviz.finetuning.loop import METHODS
from llmviz.finetuning.tasks import LABELS
from llmviz.model.transformer import DecoderOnly
from llmviz.plots.labels import count
from llmviz.tokenizers.base import Tokenizer
from llmviz.widgets.base import Explorer, LiveExplorer, Table, es_module

MODULE = Path(__file__).parent / "js" / "comparison.js"
NAMES = {"head": "frozen head", "lora": "LoRA", "full": "full"}
TASKS = {"mood": "mood at the end", "ground": "first place: water or land?"}


class ComparisonExplorer(Explorer):
    """Three ways of fine-tuning over the steps: what each gets right, how much it changes, how much it forgets.

    Args:
        races: one or more, such as `fine_tuning.load_races()`, the recorded ones that ship (None takes those).
        task: "mood" or "ground": which race is shown first.
        n_labels: with so many labels.

    Raises ValueError where no race is given, one has no laps, or the chosen one is not among them. Lesson 6.
    """

    module = MODULE
    title = "Three-lane race"

    def __init__(self, races: Sequence[MethodComparison] | None = None, *, task: str = "mood", n_labels: int = 20):
        self.races = list(load_comparisons() if races is None else races)
        if not self.races or not all(race.points[method] for race in self.races for method in METHODS):
            raise ValueError("give at least one race, each with a lap or more of all three methods")
        found = [i for i, race in enumerate(self.races) if (race.task, race.n_labels) == (task, n_labels)]
        if not found:
            there = ", ".join(f"{race.task} with {race.n_labels}" for race in self.races)
            raise ValueError(f"no race on {task!r} with {n_labels} labels is among these; there are: {there}")
        self.chosen = found[-1]

    def live(self, model: DecoderOnly, tokenizer: Tokenizer, *, seed: int = 1) -> "LiveComparisonExplorer":
        """Return the explorer with a button that runs the race anew, with other examples, before your eyes."""
        return LiveComparisonExplorer(self, model, tokenizer, seed=seed)

    def traits(self) -> dict:
        """Return the races, and which one is shown at which lap."""
        payload = {
            "names": [NAMES[method] for method in METHODS],
            "methods": list(METHODS),
            "tasks": TASKS,
            "races": [_packed(race) for race in self.races],
        }
        return {"payload": payload, "race": self.chosen, "lap": len(self.races[self.chosen].points["head"]) - 1,
                "pins": []}  # fmt: skip

    def inputs(self) -> list:
        """Return what makes the id: tasks, budgets and seeds."""
        return [[race.task, race.n_labels, race.seed] for race in self.races] + [self.chosen]

    def sentence(self) -> str:
        """Say how the chosen race ended."""
        race = self.races[self.chosen]
        last = {method: race.points[method][-1] for method in METHODS}
        rises = {method: last[method].old_loss - race.points[method][0].old_loss for method in METHODS}
        results = "; ".join(
            f"{NAMES[method]} {last[method].accuracy:.2f} right, loss on old texts {rises[method]:+.1f}"
            for method in METHODS
        )
        return f"After {last['head'].step} steps with {count(race.n_labels, 'label')} ({TASKS[race.task]}): {results}."

    def table(self) -> Table:
        """Return how each race ended."""
        rows = [
            [TASKS[race.task], str(race.n_labels), NAMES[method], f"{race.n_changed[method]:,}",
             f"{race.points[method][-1].accuracy:.2f}",
             f"{race.points[method][-1].old_loss - race.points[method][0].old_loss:+.2f}"]
            for race in self.races
            for method in METHODS
        ]  # fmt: skip
        columns = ["task", "labels", "method", "numbers that learn", "right", "old loss (nats a token)"]
        return Table("How the races ended", columns, rows)

    def picture(self) -> bytes:
        """Return the accuracy over the steps of the chosen race as PNG."""
        race = self.races[self.chosen]
        laps = race.points
        axes = plots.curves(
            [lap.step for lap in laps["head"]],
            {NAMES[method]: [lap.accuracy for lap in laps[method]] for method in METHODS},
            x_label="step", y_label="right on new texts", y_range=(0, 1),
            title=f"{TASKS[race.task]}, {count(race.n_labels, 'label')}",
        )  # fmt: skip
        return plots.to_png(axes)


class LiveComparisonExplorer(LiveExplorer):
    """The race with Python behind it: its button trains the three lanes anew."""

    _esm = es_module(MODULE)

    race = traitlets.Int(0, help="which race is shown").tag(sync=True)
    lap = traitlets.Int(0, help="at which lap").tag(sync=True)
    runs = traitlets.Int(0, help="how often the button was pressed").tag(sync=True)
    running = traitlets.Bool(False, help="whether a race is being run").tag(sync=True)
    pins = traitlets.List().tag(sync=True)

    def __init__(self, explorer: ComparisonExplorer, model: DecoderOnly, tokenizer: Tokenizer, *, seed: int = 1):
        super().__init__()
        self._model, self._tokenizer, self._seed = model, tokenizer, seed
        self.answer(lambda: explorer)
        traits = explorer.traits()
        self.race, self.lap = traits["race"], traits["lap"]
        self.observe(self._run, "runs")

    def _run(self, change) -> None:
        """Run the race that is shown once more, with other examples, and show each lap as it is done."""
        before, like = self.explorer.races, self.explorer.races[self.race]
        task = like.task if like.task in LABELS else "mood"
        n_labels = like.n_labels if like.n_labels in BUDGETS else BUDGETS[0]
        seed = self._seed + change["new"] - 1
        self.running = True
        try:
            for race in comparison_steps(self._model, self._tokenizer, task=task, n_labels=n_labels, seed=seed):
                self.answer(
                    lambda race=race: ComparisonExplorer([*before, race], task=race.task, n_labels=race.n_labels)
                )
                self.race, self.lap = len(before), len(race.points["full"]) - 1
        finally:
            self.running = False


def _packed(race: MethodComparison) -> dict:
    """A race as the page reads it: laps as (step, accuracy, old loss)."""
    laps = {
        method: [[lap.step, round(lap.accuracy, 4), round(lap.old_loss, 4)] for lap in race.points[method]]
        for method in METHODS
    }
    return {
        "task": race.task, "n_labels": race.n_labels, "seed": race.seed, "n_parameters": race.n_parameters,
        "n_changed": race.n_changed, "laps": laps,
    }  # fmt: skip
