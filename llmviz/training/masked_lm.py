"""Masked-word training: hide some tokens, and learn to say from both sides what stood there (lesson 5).

An encoder sees the whole text, so asking it for the next token would be asking for what it sees. Instead some tokens
are replaced by a *blank*, the last id of its vocabulary, which no text contains.
Source: Devlin et al. 2019, "BERT", section 3.1 (theirs stay visible or become another word one time in five).
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

SHARE = 0.3
"""Of the tokens, hidden in training. BERT hides .15; with .3 each step teaches twice as much (Wettig et al. 2023,
"Should You Mask 15% in Masked Language Modeling?", section 3)."""
MASK_TOKEN = "___"
BATCH_SIZE = 64


def new_model(config: ModelConfig, *, seed: int = 0) -> EncoderOnly:
    """Make an encoder of the sizes of a GPT, with one token more: the blank."""
    return EncoderOnly(replace(config, vocab_size=config.vocab_size + 1), seed=seed)


def mask_token_id(model: EncoderOnly) -> int:
    """The id that says "something stood here": the last one, which no tokenizer gives out."""
    return model.config.vocab_size - 1


def mask_tokens(
    token_ids: Tensor, blank: int, *, share: float = SHARE, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Put blanks in place of some tokens, drawn at random, at least one a text.

    Returns:
        the text with blanks (text, position), and where they are (text, position), bool.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share is the part of the tokens to hide, above 0 and at most 1; given {share}")
    draws = torch.rand(token_ids.shape, generator=generator)
    hidden = (draws < share) | (draws == draws.amin(dim=-1, keepdim=True))
    hidden = hidden.to(token_ids.device)
    return token_ids.masked_fill(hidden, blank), hidden


def masked_token_loss(
    model: EncoderOnly,
    windows: Tensor,
    generator: torch.Generator,
    *,
    share: float = SHARE,
    end_of_text: int | None = None,
) -> Tensor:
    """The mean surprise −ln p(token) over the hidden positions alone, in nats; an objective for `train_steps`.

    Args:
        windows: (window, position + 1); the last column belongs to the next-token objective and is left out here.
        generator: decides what is hidden.
        end_of_text: the token that begins each text. If it is given, the texts that share a window do not see each
            other, so that the model meets each one alone, as it will be asked later (`functools.partial` sets it).
    """
    token_ids = windows[:, :-1]
    blanked, hidden = mask_tokens(token_ids, mask_token_id(model), share=share, generator=generator)
    mask = None if end_of_text is None else same_text(token_ids, end_of_text)
    return F.cross_entropy(model(blanked, mask)[hidden], token_ids[hidden])


def same_text(token_ids: Tensor, end_of_text: int) -> Tensor:
    """Say which positions stand in the same text: (text, position) → (text, 1, query, key), bool, True = may attend.

    >>> same_text(torch.tensor([[9, 1, 9, 2]]), end_of_text=9)[0, 0].int().tolist()
    [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]
    """
    number = (token_ids == end_of_text).cumsum(dim=-1)
    return (number[:, :, None] == number[:, None, :])[:, None]


@torch.inference_mode()
def fill_blanks(model: EncoderOnly, tokenizer: Tokenizer, text: str) -> tuple[list[int], Tensor]:
    """Say for each blank of a text how probable each token is there, given all that stands on both sides.

    Args:
        text: with "___" in place of one token or more, such as "Mia ___ a red kite."

    Returns:
        the token ids with their blanks, an end-of-text token at either end; and the probabilities (blank, vocab) of
        the tokenizer's tokens, each row with sum 1.
    """
    pieces = text.split(MASK_TOKEN)
    if len(pieces) == 1:
        raise ValueError(f'write "{MASK_TOKEN}" where a word is to be filled in; given {text!r:.60}')
    blank, end = mask_token_id(model), tokenizer.end_of_text
    ids = [end]
    for piece in pieces[:-1]:
        ids += [*tokenizer.encode(piece.removesuffix(" ")), blank]  # a token begins with its space
    ids += [*tokenizer.encode(pieces[-1]), end]
    row = torch.tensor([ids], device=model.embedding.weight.device)
    return ids, model(row)[row == blank][:, :blank].softmax(dim=-1)


@torch.inference_mode()
def generate_by_mask_filling(
    model: EncoderOnly, tokenizer: Tokenizer, n_texts: int, *, temperature: float = 1.0, seed: int = 0
) -> list[str]:
    """Let a model that fills blanks write whole texts from left to right: one blank at the end, filled, and again.

    It was never asked to: in training a blank has something on its right, and most texts end. Drawn at the
    temperature until the end-of-text token comes, or the context is full.
    """
    generator, blank, end = torch.Generator().manual_seed(seed), mask_token_id(model), tokenizer.end_of_text
    rows = torch.full((n_texts, 1), end)
    has_ended = torch.zeros(n_texts, dtype=torch.bool)
    while rows.shape[1] < model.config.context_length and not has_ended.all():
        asked = torch.cat([rows, torch.full((n_texts, 1), blank)], dim=1).to(model.embedding.weight.device)
        logits = model(asked)[:, -1, :blank].cpu()
        drawn = torch.multinomial((logits / temperature).softmax(dim=-1), 1, generator=generator)
        has_ended |= drawn[:, 0] == end
        rows = torch.cat([rows, drawn.masked_fill(has_ended[:, None], end)], dim=1)
    return [tokenizer.decode([token_id for token_id in row if token_id != end]) for row in rows.tolist()]


@torch.inference_mode()
def masked_accuracy(model: TransformerBase, tokenizer: Tokenizer, texts: Sequence[str], *, seed: int = 0) -> Tensor:
    """Hide one token of each text, and say for which texts the model's best guess is right: (text,), bool.

    The same seed hides the same tokens from every model. An encoder reads what stands on both sides of the blank, a
    decoder what stands before it, as each was trained to.
    """
    generator = torch.Generator().manual_seed(seed)
    rows = [[*tokenizer.encode_prompt(text), tokenizer.end_of_text] for text in texts]
    if short := [text for text, row in zip(texts, rows, strict=True) if len(row) < 3]:
        raise ValueError(f"a text needs at least one token to hide; given {short[0]!r}")
    places = torch.tensor([int(torch.randint(1, len(row) - 1, (), generator=generator)) for row in rows])
    found = []
    for first in range(0, len(rows), BATCH_SIZE):
        batch = slice(first, first + BATCH_SIZE)
        found.append(_right(model, rows[batch], places[batch], tokenizer.vocab_size))
    return torch.cat(found) if found else torch.zeros(0, dtype=torch.bool)


def _right(model: TransformerBase, rows: list[list[int]], places: Tensor, vocab_size: int) -> Tensor:
    device, longest = model.embedding.weight.device, max(map(len, rows))
    nothing = -1
    padded = torch.tensor([row + [nothing] * (longest - len(row)) for row in rows], device=device)
    wanted = padded.gather(1, places[:, None].to(device))[:, 0]
    each = torch.arange(len(rows), device=device)
    if isinstance(model, DecoderOnly):
        logits = model(padded[:, :-1].clamp_min(0))[each, places - 1]
    else:
        blanked = padded.clamp_min(0)
        blanked[each, places] = mask_token_id(model)
        logits = model(blanked, padding_mask(padded, nothing))[each, places]
    return (logits[:, :vocab_size].argmax(dim=-1) == wanted).cpu()
