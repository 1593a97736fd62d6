"""Names that do not exist: a model that has read the names of Python's own library, and what it makes up (lesson 8)."""

from __future__ import annotations

import importlib
import platform
from collections.abc import Iterable, Iterator

import torch

from llmviz import training
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly
from llmviz.tokenizers.words import CharacterTokenizer
from llmviz.training.checkpoints import Checkpoint
from llmviz.training.loop import TrainingSettings

MODULES = (
    "argparse", "array", "ast", "asyncio", "base64", "bisect", "builtins", "calendar", "cmath", "codecs",
    "collections", "contextlib", "copy", "csv", "dataclasses", "datetime", "decimal", "difflib", "email", "enum",
    "fractions", "functools", "glob", "gzip", "hashlib", "heapq", "html", "inspect", "io", "itertools", "json",
    "logging", "math", "mimetypes", "operator", "os", "pathlib", "pickle", "pprint", "random", "re", "secrets",
    "shlex", "shutil", "socket", "sqlite3", "ssl", "statistics", "string", "struct", "subprocess", "tempfile",
    "textwrap", "threading", "time", "tokenize", "types", "typing", "unicodedata", "unittest", "uuid", "warnings",
    "weakref", "zipfile", "zlib",
)  # fmt: skip
N_STEPS = 700
SMALL = {"context_length": 48, "d_model": 96, "n_layers": 2, "n_heads": 4, "d_ff": 384}


def library_names() -> list[str]:
    """The public functions and classes of a part of Python's library, as "module.name", in this version of Python.

    >>> "math.sqrt" in library_names()
    True
    """
    return sorted(name for module in MODULES for name in _names_of(module))


def _names_of(module: str) -> Iterator[str]:
    for name, thing in vars(importlib.import_module(module)).items():
        if callable(thing) and not name.startswith("_"):
            yield f"{module}.{name}"


def exists(name: str) -> bool:
    """Has Python such a thing? Asked of Python itself.

    >>> exists("math.sqrt"), exists("math.square_root")
    (True, False)
    """
    module, _, rest = name.partition(".")
    return module in MODULES and hasattr(importlib.import_module(module), rest)


def names_settings(steps: int = N_STEPS, seed: int = 0) -> TrainingSettings:
    """How the model of names is trained."""
    return TrainingSettings(steps=steps, batch_size=24, seed=seed)


def trained(*, steps: int = N_STEPS, seed: int = 0, progress: bool = False) -> Checkpoint:
    """Train a small GPT, from nothing, to write such names letter by letter: about half a minute."""
    names = library_names()
    tokenizer = CharacterTokenizer.train(names)
    end = tokenizer.end_of_text
    token_ids = torch.tensor([token for name in names for token in (end, *tokenizer.encode(name))] + [end])
    model = DecoderOnly(ModelConfig(vocab_size=tokenizer.vocab_size, **SMALL), seed=seed)
    settings, starts = names_settings(steps, seed), training.document_starts(token_ids, end)
    with torch.enable_grad():
        training.train(model, token_ids, settings, starts=starts, progress=progress)
    recipe = {"source": "names of Python's library", "python_version": platform.python_version(), "n_names": len(names)}
    return Checkpoint(model, tokenizer, recipe, settings, steps, {"n_parameters": model.n_parameters})


def invented(names: Iterable[str]) -> list[str]:
    """Of some names, those that do not exist."""
    return [name for name in names if not exists(name)]
