"""Fine-tuning: begin with a trained model instead of random numbers, and go on with a few examples (lesson 6).

A classifier is the same model with another last table: one row a label instead of one a token
(Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training", section 3.2).
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from llmviz.finetuning.lora import LowRankChange, add_lora, changes_of
from llmviz.model.attention import padding_mask
from llmviz.model.transformer import EncoderOnly, TransformerBase
from llmviz.tokenizers.base import Tokenizer

METHODS = ("head", "lora", "full")
LEARNING_RATES = {"head": 0.01, "lora": 0.005, "full": 0.001}
"""Of AdamW, for each method: the best of those measured for this size of model (tests/evidence/fine_tuning.py)."""
IGNORE_INDEX = -100
"""In place of a label where none is asked for; `F.cross_entropy` leaves these out."""
BATCH_SIZE = 64


@dataclass(frozen=True)
class Examples:
    """Texts with their labels, as numbers.

    Attributes:
        token_ids: (example, position), an end-of-text token first; short texts are filled up with −1 at the end.
        labels: (example, position), the label at each token, `NO_LABEL` where none is asked for.
    """

    token_ids: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.token_ids)

    def __getitem__(self, chosen: Tensor | slice) -> Examples:
        return Examples(self.token_ids[chosen], self.labels[chosen])


def as_rows(rows: Sequence[Sequence[int]], filler: int) -> Tensor:
    """Rows of different lengths as one table, filled up at the end: (row, position)."""
    longest = max(map(len, rows), default=0)
    return torch.tensor([[*row, *[filler] * (longest - len(row))] for row in rows])


def text_examples(tokenizer: Tokenizer, texts: Iterable[str], labels: Iterable[int]) -> Examples:
    """One label a text, asked for at its last token: by then a model that reads forward has seen everything."""
    rows = [tokenizer.encode_prompt(text) for text in texts]
    answers = [[IGNORE_INDEX] * (len(row) - 1) + [label] for row, label in zip(rows, labels, strict=True)]
    return Examples(as_rows(rows, -1), as_rows(answers, IGNORE_INDEX))


def with_head(model: TransformerBase, n_labels: int) -> TransformerBase:
    """Take off the last table and put a new one on: (batch, position) → (batch, position, label), zero at first.

    All the rest is shared with `model`: when it learns through its new head, `model` has changed too.
    """
    twin = copy.copy(model)
    twin._modules = dict(model._modules)  # so that only the twin gets the new table
    twin.unembedding = nn.Linear(model.config.d_model, n_labels).to(model.embedding.weight.device)
    with torch.no_grad():
        twin.unembedding.weight.zero_()
        twin.unembedding.bias.zero_()
    return twin


def scores(model: TransformerBase, token_ids: Tensor) -> Tensor:
    """What a model says at each token of a table that is filled up with −1: (example, position, label or token)."""
    there = token_ids.clamp_min(0)
    if isinstance(model, EncoderOnly):
        return model(there, padding_mask(token_ids, -1))
    return model(there)  # a decoder never looks ahead, so it never sees what fills up the end


def label_loss(model: TransformerBase, examples: Examples) -> Tensor:
    """The mean surprise −ln p(label), in nats, over all tokens with a label."""
    return F.cross_entropy(scores(model, examples.token_ids).flatten(0, 1), examples.labels.flatten())


@torch.inference_mode()
def predict(model: TransformerBase, examples: Examples) -> tuple[Tensor, Tensor]:
    """The most probable label at each token with one, and the right one: both (labeled token,)."""
    found, right = [], []
    for first in range(0, len(examples), BATCH_SIZE):
        batch = examples[slice(first, first + BATCH_SIZE)]
        asked = batch.labels != IGNORE_INDEX
        found.append(scores(model, batch.token_ids)[asked].argmax(dim=-1))
        right.append(batch.labels[asked])
    return torch.cat(found), torch.cat(right)


def accuracy(model: TransformerBase, examples: Examples) -> float:
    """The share of the labels that the model gets right."""
    found, right = predict(model, examples)
    return (found == right).float().mean().item()


@dataclass(frozen=True)
class FineTuningState:
    """A model in the middle of being fine-tuned.

    Attributes:
        model: with its own last table, as it was pre-trained: what is forgotten is measured on it.
        classifier: the same weights with the new head; `model` itself where no head was put on.
        parameters: those that learn.
        method: "head", "lora" or "full".
    """

    model: TransformerBase
    classifier: TransformerBase
    parameters: tuple[nn.Parameter, ...]
    method: str

    @property
    def n_changed(self) -> int:
        """How many numbers fine-tuning may change or adds."""
        return sum(parameter.numel() for parameter in self.parameters)


def prepare(
    model: TransformerBase, method: str, *, n_labels: int | None = None, rank: int = 4, seed: int = 0
) -> FineTuningState:
    """Prepare a copy of a pre-trained model for fine-tuning; the model itself is not touched.

    Args:
        method: "head" learns the new last table alone; "lora" that and low-rank changes; "full" everything.
        n_labels: the rows of the new head; None keeps the model's own last table (for going on with text).
        rank: of LoRA.
        seed: of LoRA's A.
    """
    if method not in METHODS:
        raise ValueError(f"the methods are {', '.join(map(repr, METHODS))}; given {method!r}")
    if method == "head" and n_labels is None:
        raise ValueError('"head" learns a new head alone, so say how many labels it has: n_labels=2')
    own = add_lora(model, rank=rank, seed=seed) if method == "lora" else copy.deepcopy(model)
    own.requires_grad_(method == "full")
    for change in changes_of(own).values():
        change.a.requires_grad_(True)
        change.b.requires_grad_(True)
    classifier = own if n_labels is None else with_head(own, n_labels)
    if n_labels is not None:
        own.unembedding.requires_grad_(False)  # the old last table is kept aside
    learning = tuple(parameter for parameter in classifier.parameters() if parameter.requires_grad)
    return FineTuningState(own, classifier, learning, method)


@dataclass(frozen=True)
class TuningStep:
    """One change of the weights: its number (from 1), the loss before it (nats per label), and the seconds it took."""

    step: int
    loss: float
    seconds: float


def fine_tune_steps(
    learner: FineTuningState,
    examples: Examples,
    *,
    steps: int,
    batch_size: int = 16,
    learning_rate: float | None = None,
    seed: int = 0,
    loss: Callable[[TransformerBase, Examples], Tensor] = label_loss,
) -> Iterator[TuningStep]:
    """Learn from examples, and hand back control after each step; stop or look whenever you like (lesson 6).

    AdamW with a learning rate that falls in a straight line to zero.

    Args:
        learner: from `begin`; is changed in place.
        examples: all there are; each step takes some at random.
        steps: how many times the weights change.
        learning_rate: the first and highest; None takes that of `LEARNING_RATES`.
        loss: of the classifier on a batch, in nats.
    """
    if not len(examples):
        raise ValueError("fine-tuning learns from examples, and none was given")
    highest = LEARNING_RATES[learner.method] if learning_rate is None else learning_rate
    optimizer = torch.optim.AdamW(learner.parameters, lr=highest, weight_decay=0.0)
    generator = torch.Generator().manual_seed(seed)
    for step in range(steps):
        started = time.perf_counter()
        optimizer.param_groups[0]["lr"] = highest * (1 - step / steps)
        chosen = torch.randperm(len(examples), generator=generator)[:batch_size]
        value = loss(learner.classifier, examples[chosen])
        value.backward()
        optimizer.step()
        optimizer.zero_grad()
        yield TuningStep(step + 1, value.item(), time.perf_counter() - started)


def fine_tune(learner: FineTuningState, examples: Examples, *, progress: bool = False, **settings) -> list[TuningStep]:
    """Fine-tune to the end and collect all steps; the settings are those of `fine_tune_steps`."""
    steps = fine_tune_steps(learner, examples, **settings)
    if progress:
        from tqdm.auto import tqdm

        steps = tqdm(steps, total=settings["steps"], desc="Fine-tuning", unit=" steps")
    return list(steps)


def n_different(before: nn.Module, after: nn.Module) -> int:
    """How many numbers of a model are no longer what they were (matrices as they work, LoRA's change included)."""
    count = 0
    for name, module in before.named_modules():
        weight = getattr(module, "weight", None)
        if isinstance(weight, Tensor) and not isinstance(module, LowRankChange):
            count += int((after.get_submodule(name).weight != weight).sum())
    return count
