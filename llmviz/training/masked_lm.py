"""Masked language modeling: hide some tokens, and learn to predict them from both sides (lesson 5).

An encoder sees the whole text, so the next token would be no task for it. Instead some tokens are replaced by a mask
token, the last id of its vocabulary, which no text contains.
Source: Devlin et al. 2019, "BERT", section 3.1 (there some of the chosen tokens stay or become another one).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from llmviz.model.attention import padding_mask
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly, EncoderOnly, TransformerBase
from llmviz.tokenizers.base import Tokenizer
from llmviz.training.loop import pad_rows

_MASK_RATE = 0.3  # BERT's is 0.15; 0.3 teaches more a step (Wettig et al. 2023, "Should You Mask 15% …?", section 3)
MASK_TOKEN = "___"
_BATCH_SIZE = 64


def new_model(config: ModelConfig, *, seed: int = 0) -> EncoderOnly:
    """An encoder of these sizes with one token more: the mask token."""
    return EncoderOnly(replace(config, vocab_size=config.vocab_size + 1), seed=seed)


def mask_token_id(model: EncoderOnly) -> int:
    """The id of the mask token: the last one, which the tokenizer does not use."""
    return model.config.vocab_size - 1


def _mask_tokens(token_ids: Tensor, mask_id: int, *, rate: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Replace random tokens by the mask token, at least one in each row.

    Returns the masked ids, and which are masked (bool), both (text, position) as the given ids.
    """
    draws = torch.rand(token_ids.shape, generator=generator)
    is_masked = ((draws < rate) | (draws == draws.amin(dim=-1, keepdim=True))).to(token_ids.device)
    return token_ids.masked_fill(is_masked, mask_id), is_masked


def masked_token_loss(
    model: EncoderOnly, windows: Tensor, generator: torch.Generator, *, end_of_text: int | None = None
) -> Tensor:
    """Mean of −ln p(token) over the masked positions, in nats; an objective for `train_steps`.

    Args:
        windows: (window, position + 1); the last column is for the next-token objective and ignored here.
        end_of_text: if given, documents that share a window do not attend to each other (`functools.partial` sets it).
    """
    token_ids = windows[:, :-1]
    masked, is_masked = _mask_tokens(token_ids, mask_token_id(model), rate=_MASK_RATE, generator=generator)
    mask = None if end_of_text is None else _same_document(token_ids, end_of_text)
    return F.cross_entropy(model(masked, mask)[is_masked], token_ids[is_masked])


def _same_document(token_ids: Tensor, end_of_text: int) -> Tensor:
    """Which positions are in the same document: (text, position) → (text, 1, query, key), bool.

    >>> _same_document(torch.tensor([[9, 1, 9, 2]]), end_of_text=9)[0, 0].int().tolist()
    [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]
    """
    number = (token_ids == end_of_text).cumsum(dim=-1)
    return (number[:, :, None] == number[:, None, :])[:, None]


@torch.inference_mode()
def masked_accuracy(model: TransformerBase, tokenizer: Tokenizer, texts: Sequence[str], *, seed: int = 0) -> Tensor:
    """Mask one token of each text: is the most probable token the right one? (text,), bool.

    The same seed masks the same tokens for every model. An encoder reads both sides, a decoder only what comes before.
    """
    generator = torch.Generator().manual_seed(seed)
    rows = [[*tokenizer.encode_prompt(text), tokenizer.end_of_text] for text in texts]
    if short := [text for text, row in zip(texts, rows, strict=True) if len(row) < 3]:
        raise ValueError(f"a text needs at least one token to hide; given {short[0]!r}")
    places = torch.tensor([int(torch.randint(1, len(row) - 1, (), generator=generator)) for row in rows])
    found = [torch.zeros(0, dtype=torch.bool)]
    for first in range(0, len(rows), _BATCH_SIZE):
        batch = slice(first, first + _BATCH_SIZE)
        found.append(_is_right(model, pad_rows(rows[batch], -1), places[batch], tokenizer.vocab_size))
    return torch.cat(found)


def _is_right(model: TransformerBase, rows: Tensor, places: Tensor, vocab_size: int) -> Tensor:
    """For rows (text, position), padded with −1, and the position of the masked token in each."""
    device, each = model.embedding.weight.device, torch.arange(len(rows))
    rows = rows.to(device)
    wanted = rows[each, places]
    if isinstance(model, DecoderOnly):
        logits = model(rows[:, :-1].clamp_min(0))[each, places - 1]
    else:
        masked = rows.clamp_min(0)
        masked[each, places] = mask_token_id(model)
        logits = model(masked, padding_mask(rows, -1))[each, places]
    return (logits[:, :vocab_size].argmax(dim=-1) == wanted).cpu()
