"""Compare fine-tuning methods: a linear head, LoRA and full fine-tuning on the same labels (lesson 6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tqdm.auto import tqdm

from llmviz import artifacts
from llmviz.finetuning.loop import METHODS, _fine_tune_steps, accuracy, prepare
from llmviz.finetuning.tasks import sentiment_examples, sentiment_texts
from llmviz.model.transformer import DecoderOnly
from llmviz.tinyville.corpus import Tinyville
from llmviz.tokenizers.base import Tokenizer
from llmviz.training.loop import evaluate_documents

BUDGETS = (5, 20, 80, 300)
TEST_SEED = 900_001
_STEPS, _EVERY = 160, 20
_N_TEST_TEXTS = 100


@dataclass(frozen=True)
class _EvalPoint:
    """One evaluation: the step, the accuracy on new texts, and the loss on pretraining texts (nats per token)."""

    step: int
    accuracy: float
    old_loss: float


@dataclass
class MethodComparison:
    """The evaluations of each method while it trained on `n_labels` labeled texts of a task of `tasks.LABELS`.

    n_trainable: the number of trained parameters of each method. points: in order; the first is before any step.
    """

    task: str
    n_labels: int
    seed: int
    n_parameters: int
    n_trainable: dict[str, int] = field(default_factory=dict)
    points: dict[str, list[_EvalPoint]] = field(default_factory=lambda: {method: [] for method in METHODS})


def _pretraining_texts() -> list[str]:
    """New texts of the kinds that the tiny GPT was pretrained on: a rising loss on them shows forgetting."""
    return [text.text for text in Tinyville().texts(900_002, counts={"story": 12, "fact": 30, "visit": 12, "work": 12})]


def comparison_steps(model: DecoderOnly, tokenizer: Tokenizer, *, task: str = "sentiment", n_labels: int = 20,
                     steps: int = _STEPS, every: int = _EVERY,
                     seed: int = 0) -> Iterator[MethodComparison]:  # fmt: skip
    """Train copies of a model with all three methods on the same labels, yielding after each evaluation of all three.

    n_labels: labeled texts. every: steps between evaluations. seed: of the texts, of their order, and of LoRA.
    """
    examples = sentiment_examples(tokenizer, sentiment_texts(n_labels, task, seed=1_000 * seed + 1), task)
    test = sentiment_examples(tokenizer, sentiment_texts(_N_TEST_TEXTS, task, seed=TEST_SEED), task)
    old = _pretraining_texts()
    states = {method: prepare(model, method, n_labels=2, seed=seed) for method in METHODS}
    n_trainable = {method: state.n_trainable for method, state in states.items()}
    found = MethodComparison(task, n_labels, seed, model.n_parameters, n_trainable)
    running = {method: _fine_tune_steps(state, examples, steps=steps, seed=seed) for method, state in states.items()}
    for step in range(0, steps + 1, every):
        for method, state in states.items():
            for _ in range(every if step else 0):
                next(running[method])
            old_loss = evaluate_documents(state.model, tokenizer, old)
            found.points[method].append(_EvalPoint(step, accuracy(state.classifier, test), old_loss))
        yield found


def run_comparison(model: DecoderOnly, tokenizer: Tokenizer, *, progress: bool = False, **settings) -> MethodComparison:
    """Run a comparison to its end; the settings are those of `comparison_steps`."""
    points = comparison_steps(model, tokenizer, **settings)
    n_points = settings.get("steps", _STEPS) // settings.get("every", _EVERY) + 1
    *_, found = tqdm(points, "Comparison", n_points, unit=" evaluations", disable=not progress)
    return found


def load_comparisons() -> list[MethodComparison]:
    """Load the recorded comparisons: both tasks, each with 5, 20, 80 and 300 labels."""
    rows = artifacts.load_recording("comparison")
    points = [{name: [_EvalPoint(**one) for one in found] for name, found in row["points"].items()} for row in rows]
    return [MethodComparison(**row | {"points": found}) for row, found in zip(rows, points, strict=True)]
