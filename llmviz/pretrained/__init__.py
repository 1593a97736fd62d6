"""Real models through the same glass: the weights of GPT-2, Llama and BERT models, run by our own block. Lesson 10.

`load("smollm2")` opens a model that `llmviz models add smollm2` brought here; a folder of safetensors, a GGUF file
and an address of the hub will do as well. The result is one of our own assemblies, so everything that looks at the
tiny GPT looks at it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from llmviz import pretrained
from llmviz.model.transformer import TransformerBase
from llmviz.pretrained import bert_tokenizer, hub
from llmviz.pretrained.convert import load_weights, open_source
from llmviz.pretrained.registry import KNOWN, KnownModel, add, installed, models_folder, remove
from llmviz.pretrained.weights import GGUFFile

__all__ = ["KNOWN", "KnownModel", "Pretrained", "add", "installed", "load", "models_folder", "remove"]


@dataclass(frozen=True)
class Pretrained:
    """A real model, ready to look into.

    Attributes:
        name: what it was asked for by.
        family: "gpt2", "llama" or "bert".
        model: a `DecoderOnly` or an `EncoderOnly`, float32; its weights take no gradients until you ask for them.
        tokenizer: its own, with `encode`, `decode`, `tokens`, `vocab_size` and `end_of_text`.
    """

    name: str
    family: str
    model: TransformerBase
    tokenizer: pretrained.TiktokenTokenizer | bert_tokenizer.BertTokenizer


def load(
    source: str | Path, *, context_length: int | None = None, device: str | torch.device = "cpu"
) -> Pretrained:
    """Open a real model.

    Args:
        source: a name that `llmviz models` lists ("smollm2", "minilm"); a folder with `config.json`, safetensors
            and the tokenizer's files; a GGUF file; or "hub:owner/name@revision".
        context_length: how many tokens it is to see; None: as many as it can, but at most 2,048.
        device: where it is to stand.

    Raises FileNotFoundError where it is not here, with what to do; ValueError for what our block cannot be.
    """
    path = _find(source)
    opened = open_source(path)
    model, made = load_weights(opened, context_length=context_length, device=device)
    is_gguf = isinstance(opened, GGUFFile)
    tokenizer = pretrained.from_gguf_fields(opened.fields) if is_gguf else pretrained.from_folder(path)
    if tokenizer.vocab_size > made.config.vocab_size:
        raise ValueError(
            f"{path} does not fit together: its model knows {made.config.vocab_size:,} tokens, its tokenizer "
            f"{tokenizer.vocab_size:,}"
        )
    return Pretrained(str(source), made.family, model, tokenizer)


def _find(source: str | Path) -> Path:
    """The folder or the file of what was asked for."""
    if str(source).startswith(hub.START):
        return hub.fetch(str(source))
    if source in KNOWN:
        here = installed(str(source))
        if here is None:
            raise FileNotFoundError(
                f"{source} is not on this machine: llmviz models add {source} brings it "
                f"({KNOWN[str(source)].megabytes} MB), and needs a network once"
            )
        return here
    path = Path(source).expanduser()
    if not path.exists():
        raise FileNotFoundError(
            f"there is no model {str(source)!r}: it is neither a folder or file here, nor one of "
            f"{', '.join(map(repr, KNOWN))} that llmviz models lists, nor an address such as {hub.EXAMPLE}"
        )
    return path
