"""Fine-tuning: train a pretrained model further on a few examples (lesson 6).

A classifier is the same model with another output layer, the head: one row a label instead of one a token
(Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training", section 3.2).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm.auto import tqdm

from llmviz.finetuning.lora import add_lora, lora_layers
from llmviz.model.attention import padding_mask
from llmviz.model.transformer import EncoderOnly, TransformerBase
from llmviz.tokenizers.base import Tokenizer
from llmviz.training.loop import IGNORE_INDEX, TrainingStep, optimize_steps, pad_rows

METHODS = ("head", "lora", "full")
LEARNING_RATES = {"head": 0.01, "lora": 0.005, "full": 0.001}
"""Of AdamW, for each method: the best of those measured for this size of model (tests/evidence/fine_tuning.py)."""
_BATCH_SIZE = 64
_LORA_RANK = 4
_PADDING = -1


@dataclass(frozen=True)
class Examples:
    """Token ids, padded with −1 at the end, and the label at each token (`IGNORE_INDEX`: none): (example, position)."""

    token_ids: Tensor
    labels: Tensor

    @classmethod
    def of_rows(cls, token_ids: Sequence[Sequence[int]], labels: Sequence[Sequence[int]]) -> Examples:
        """Pad rows of different lengths."""
        return cls(pad_rows(token_ids, _PADDING), pad_rows(labels, IGNORE_INDEX))

    @classmethod
    def of_texts(cls, tokenizer: Tokenizer, texts: Iterable[str]) -> Examples:
        """Texts for continued pretraining: the label at each token is the next one."""
        rows = [[*tokenizer.encode_prompt(text), tokenizer.end_of_text] for text in texts]
        return cls.of_rows([row[:-1] for row in rows], [row[1:] for row in rows])

    def __len__(self) -> int:
        return len(self.token_ids)

    def __getitem__(self, chosen: Tensor | slice) -> Examples:
        return Examples(self.token_ids[chosen], self.labels[chosen])


def answer_labels(prompt_ids: Sequence[int], answer_ids: Sequence[int], end_of_text: int) -> list[int]:
    """Labels of a prompt with its answer: `IGNORE_INDEX` in the prompt, then each next token of the answer.

    The answer's first token is the label of the prompt's last one; the end of text that of the answer's last.

    >>> answer_labels([5, 6, 7], [8, 9], end_of_text=0)
    [-100, -100, 8, 9, 0]
    """
    return [IGNORE_INDEX] * (len(prompt_ids) - 1) + [*answer_ids, end_of_text]


def _with_head(model: TransformerBase, n_labels: int) -> TransformerBase:
    """Replace the unembedding by a new head, zero at first: (batch, position) → (batch, position, label).

    All other weights are shared with `model`: when they are trained through the new head, `model` changes too.
    """
    twin = copy.copy(model)
    twin._modules = dict(model._modules)  # so that only the twin gets the new head
    twin.unembedding = nn.Linear(model.config.d_model, n_labels).to(model.embedding.weight.device)
    nn.init.zeros_(twin.unembedding.weight)
    nn.init.zeros_(twin.unembedding.bias)
    return twin


def _logits(model: TransformerBase, token_ids: Tensor) -> Tensor:
    """Logits at each token of padded rows: (example, position, label or token)."""
    present = token_ids.clamp_min(0)
    if isinstance(model, EncoderOnly):
        return model(present, padding_mask(token_ids, _PADDING))
    return model(present)  # a causal model never attends to the padding at the end


def label_loss(model: TransformerBase, examples: Examples) -> Tensor:
    """The mean of −ln p(label), in nats, over all tokens with a label."""
    logits, labels = _logits(model, examples.token_ids), examples.labels
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORE_INDEX)


@torch.inference_mode()
def _predict(model: TransformerBase, examples: Examples) -> tuple[Tensor, Tensor]:
    """The most probable label at each labeled token, and the right one: both (labeled token,)."""
    found, right = [], []
    for first in range(0, len(examples), _BATCH_SIZE):
        batch = examples[slice(first, first + _BATCH_SIZE)]
        labeled = batch.labels != IGNORE_INDEX
        found.append(_logits(model, batch.token_ids)[labeled].argmax(dim=-1))
        right.append(batch.labels[labeled])
    return torch.cat(found), torch.cat(right)


def accuracy(model: TransformerBase, examples: Examples) -> float:
    """The share of the labels that the model predicts right."""
    found, right = _predict(model, examples)
    return (found == right).float().mean().item()


@dataclass(frozen=True)
class _FineTuningState:
    """A model that is being fine-tuned by one of `METHODS`, and the parameters that are trained.

    model: with its own output layer, as it was pretrained: forgetting is measured on it.
    classifier: the same weights with the new head; `model` itself if there is none.
    """

    model: TransformerBase
    classifier: TransformerBase
    parameters: tuple[nn.Parameter, ...]
    method: str

    @property
    def n_trainable(self) -> int:
        """The number of trained parameters."""
        return sum(parameter.numel() for parameter in self.parameters)


def prepare(model: TransformerBase, method: str, *, n_labels: int | None = None, seed: int = 0) -> _FineTuningState:
    """Prepare a copy of a pretrained model for fine-tuning; the model itself stays as it is.

    method: "head" trains the new head alone; "lora" that and changes of rank 4; "full" everything.
    n_labels: the rows of the new head; None keeps the model's own output layer (for generating text).
    """
    if method not in METHODS:
        raise ValueError(f"the methods are {', '.join(map(repr, METHODS))}; given {method!r}")
    if method == "head" and n_labels is None:
        raise ValueError('"head" trains a new head alone, so say how many labels it has: n_labels=2')
    own = add_lora(model, rank=_LORA_RANK, seed=seed) if method == "lora" else copy.deepcopy(model)
    own.requires_grad_(method == "full")
    for layer in lora_layers(own).values():
        layer.a.requires_grad_(True)
        layer.b.requires_grad_(True)
    classifier = own if n_labels is None else _with_head(own, n_labels)
    if n_labels is not None:
        own.unembedding.requires_grad_(False)  # the old output layer is kept beside the new one
    trained = tuple(parameter for parameter in classifier.parameters() if parameter.requires_grad)
    return _FineTuningState(own, classifier, trained, method)


def _fine_tune_steps(state: _FineTuningState, examples: Examples, *, steps: int, batch_size: int = 16,
                     learning_rate: float | None = None, seed: int = 0) -> Iterator[TrainingStep]:  # fmt: skip
    """Train the state in place on labeled examples, yielding after each step (lesson 6).

    AdamW with a learning rate that falls linearly to zero, from that of `LEARNING_RATES` if None is given; each step
    draws a batch without replacement.
    """
    if not len(examples):
        raise ValueError("fine-tuning learns from examples, and none was given")
    highest = LEARNING_RATES[state.method] if learning_rate is None else learning_rate
    optimizer = torch.optim.AdamW(state.parameters, lr=highest, weight_decay=0.0)
    generator = torch.Generator().manual_seed(seed)

    def batch_loss(step: int) -> Tensor:
        chosen = torch.randperm(len(examples), generator=generator)[:batch_size]
        return label_loss(state.classifier, examples[chosen])

    yield from optimize_steps(batch_loss, [optimizer], steps, schedule=lambda step: 1 - step / steps)


def fine_tune(state: _FineTuningState, examples: Examples, *, progress: bool = False, **settings) -> list[TrainingStep]:
    """Fine-tune to the end and collect all steps; the settings are those of `_fine_tune_steps`."""
    steps = _fine_tune_steps(state, examples, **settings)
    return list(tqdm(steps, "Fine-tuning", settings["steps"], unit=" steps", disable=not progress))
