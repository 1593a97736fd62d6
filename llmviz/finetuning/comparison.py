"""The three-lane race: a frozen head, LoRA and full fine-tuning learn the same task side by side (lesson 6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from llmviz import artifacts
from llmviz.finetuning.loop import METHODS, accuracy, fine_tune_steps, prepare
from llmviz.finetuning.tasks import sentiment_examples, sentiment_texts
from llmviz.model.transformer import DecoderOnly
from llmviz.tinyville.corpus import Tinyville
from llmviz.tokenizers.base import Tokenizer
from llmviz.training.loop import evaluate_documents

BUDGETS = (5, 20, 80, 300)
STEPS = 160
EVERY = 20
TEST_TEXTS = 100
OLD_TEXTS = {"story": 12, "fact": 30, "visit": 12, "work": 12}
TEST_SEED, OLD_SEED = 900_001, 900_002
EXAMPLES_SEED_STRIDE = 1_000


@dataclass(frozen=True)
class EvalPoint:
    """Where a lane stands: the step, the share of new texts it gets right, and its loss on the old texts (nats)."""

    step: int
    accuracy: float
    old_loss: float


@dataclass
class MethodComparison:
    """A race from beginning to end.

    Attributes:
        task: "mood" or "ground" (see `tasks.LABELS`).
        n_labels: how many labeled texts there were to learn from.
        seed: of the examples and of the order in which they were read.
        n_changed: of each method: how many numbers it may change.
        n_parameters: of the model.
        points: of each method, in order; the first is before any step.
    """

    task: str
    n_labels: int
    seed: int
    n_parameters: int
    n_changed: dict[str, int] = field(default_factory=dict)
    points: dict[str, list[EvalPoint]] = field(default_factory=lambda: {method: [] for method in METHODS})


def old_texts() -> list[str]:
    """Texts of the kinds that the model has read since its first day, but none that it has read."""
    return [text.text for text in Tinyville().texts(OLD_SEED, counts=OLD_TEXTS)]


def old_loss(model: DecoderOnly, tokenizer: Tokenizer, texts: Sequence[str]) -> float:
    """The forgetting meter: the loss on texts of the kind it was pre-trained on, nats per token."""
    return evaluate_documents(model, tokenizer, texts)


def comparison_steps(
    model: DecoderOnly,
    tokenizer: Tokenizer,
    *,
    task: str = "mood",
    n_labels: int = 20,
    steps: int = STEPS,
    every: int = EVERY,
    rank: int = 4,
    seed: int = 0,
) -> Iterator[MethodComparison]:
    """Let the three methods learn from the same labels, and hand back the race after each lap of all three.

    Args:
        model: the pre-trained one; it is not changed.
        n_labels: how many labeled texts there are.
        steps: how many times the weights change.
        every: so many steps are a lap.
        rank: of LoRA.
        seed: of the examples, of their order, and of LoRA.
    """
    labeled = sentiment_texts(n_labels, task, seed=EXAMPLES_SEED_STRIDE * seed + 1)
    examples = sentiment_examples(tokenizer, labeled, task)
    test = sentiment_examples(tokenizer, sentiment_texts(TEST_TEXTS, task, seed=TEST_SEED), task)
    old = old_texts()
    learners = {method: prepare(model, method, n_labels=2, rank=rank, seed=seed) for method in METHODS}
    race = MethodComparison(
        task, n_labels, seed, model.n_parameters, {name: one.n_changed for name, one in learners.items()}
    )
    running = {
        method: fine_tune_steps(learner, examples, steps=steps, seed=seed) for method, learner in learners.items()
    }
    for step in range(0, steps + 1, every):
        for method, learner in learners.items():
            for _ in range(every if step else 0):
                next(running[method])
            lap = EvalPoint(step, accuracy(learner.classifier, test), old_loss(learner.model, tokenizer, old))
            race.points[method].append(lap)
        yield race


def run_comparison(model: DecoderOnly, tokenizer: Tokenizer, *, progress: bool = False, **settings) -> MethodComparison:
    """Run a race to its end; the settings are those of `race_steps`."""
    laps = comparison_steps(model, tokenizer, **settings)
    if progress:
        from tqdm.auto import tqdm

        n_laps = settings.get("steps", STEPS) // settings.get("every", EVERY) + 1
        laps = tqdm(laps, total=n_laps, desc="Race", unit=" laps")
    *_, race = laps
    return race


def load_comparisons() -> list[MethodComparison]:
    """Load the recorded comparisons: both tasks, each with 5, 20, 80 and 300 labels."""
    return [
        MethodComparison(
            **row | {"points": {name: [EvalPoint(**one) for one in lane] for name, lane in row["points"].items()}}
        )
        for row in artifacts.load_recording("comparison")
    ]
