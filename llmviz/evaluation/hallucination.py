"""Hallucination: its rate, coverage and accuracy, and invented names of library functions (lesson 8)."""

from __future__ import annotations

import importlib
import platform
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly
from llmviz.tokenizers.words import CharacterTokenizer
from llmviz.training.checkpoints import Checkpoint
from llmviz.training.loop import TrainingSettings, document_starts, train


def hallucination_rate(answers: Sequence[str | None], truths: Sequence[str | None]) -> float:
    """The share of all questions whose answer is not true.

    Args:
        answers: what was said; None where the model abstained, which is never a hallucination.
        truths: the right answers; None where there is none, so that every answer is a hallucination.

    >>> hallucination_rate(["mill", "tower", None, "soup"], ["mill", "castle", "cat", None])
    0.5
    """
    invented = [answer is not None and answer != truth for answer, truth in zip(answers, truths, strict=True)]
    return sum(invented) / len(invented)


def coverage_and_accuracy(confidence: Tensor, right: Tensor, threshold: float) -> tuple[float, float]:
    """Answer only where the confidence is at least the threshold: (share answered, share right of the answered).

    Where nothing is answered, the accuracy is 1. Source: Geifman and El-Yaniv 2017, "Selective Classification for Deep
    Neural Networks", section 2 (their coverage, and 1 − their selective risk).

    >>> coverage_and_accuracy(torch.tensor([0.9, 0.6, 0.8, 0.3]), torch.tensor([True, False, True, True]), 0.5)
    (0.75, 0.6666666666666666)
    """
    answered = confidence >= threshold
    n_answered = int(answered.sum())
    return n_answered / len(confidence), int((right & answered).sum()) / n_answered if n_answered else 1.0


MODULES = (
    "argparse", "array", "ast", "asyncio", "base64", "bisect", "builtins", "calendar", "cmath", "codecs",
    "collections", "contextlib", "copy", "csv", "dataclasses", "datetime", "decimal", "difflib", "email", "enum",
    "fractions", "functools", "glob", "gzip", "hashlib", "heapq", "html", "inspect", "io", "itertools", "json",
    "logging", "math", "mimetypes", "operator", "os", "pathlib", "pickle", "pprint", "random", "re", "secrets",
    "shlex", "shutil", "socket", "sqlite3", "ssl", "statistics", "string", "struct", "subprocess", "tempfile",
    "textwrap", "threading", "time", "tokenize", "types", "typing", "unicodedata", "unittest", "uuid", "warnings",
    "weakref", "zipfile", "zlib",
)  # fmt: skip

API_SETTINGS = TrainingSettings(steps=700, batch_size=24, seed=0)


def api_exists(name: str) -> bool:
    """Whether this Python's library has such a function or class.

    >>> api_exists("math.sqrt"), api_exists("math.square_root")
    (True, False)
    """
    module, _, rest = name.partition(".")
    return module in MODULES and hasattr(importlib.import_module(module), rest)


def _api_names() -> Iterator[str]:
    """The public functions and classes of a part of this Python's library, as "module.name"."""
    for module in MODULES:
        for name, thing in vars(importlib.import_module(module)).items():
            if callable(thing) and not name.startswith("_"):
                yield f"{module}.{name}"


def train_on_api_names(*, progress: bool = False) -> Checkpoint:
    """Train a small GPT from scratch on names of Python's library, letter by letter: about half a minute."""
    names, settings = sorted(_api_names()), API_SETTINGS
    tokenizer = CharacterTokenizer.train(names)
    end = tokenizer.end_of_text
    token_ids = torch.tensor([token for name in names for token in (end, *tokenizer.encode(name))] + [end])
    config = ModelConfig(tokenizer.vocab_size, context_length=48, d_model=96, n_layers=2, n_heads=4, d_ff=384)
    model = DecoderOnly(config, seed=settings.seed)
    train(model, token_ids, settings, starts=document_starts(token_ids, end), progress=progress)
    recipe = {"source": "names of Python's library", "python_version": platform.python_version(), "n_names": len(names)}
    return Checkpoint(model, tokenizer, recipe, settings, settings.steps, {"n_parameters": model.n_parameters})
