"""Induction heads: repeated random sequences, and a small model trained on them (lesson 3).

Nothing but the sequence itself determines its repetition, so predicting it requires attention to earlier tokens.
Source: Olsson et al. 2022, "In-context Learning and Induction Heads" (they measure with repeated random tokens).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly
from llmviz.training.loop import TrainingSettings, TrainingStep, train_steps

SHORTEST, LONGEST = 4, 24  # tokens in a training sequence
CONTEXT_LENGTH = 64
N_TEXTS = 30_000
RANK_SHIFT = 10  # token number r is drawn in proportion to 1 / (r + RANK_SHIFT)


def induction_config(vocab_size: int) -> ModelConfig:
    """The configuration of a model that is nearly attention-only: its MLPs are 4 wide."""
    return ModelConfig(vocab_size, context_length=CONTEXT_LENGTH, d_model=64, n_layers=2, n_heads=4, d_ff=4)


def zipf_sequences(vocab_size: int, n_texts: int, length: int, generator: torch.Generator) -> Tensor:
    """Sequences of different tokens, (text, length), drawn by Zipf's law; the last token (end of text) never occurs."""
    shares = 1 / (torch.arange(vocab_size - 1) + float(RANK_SHIFT))
    return torch.multinomial(shares.expand(n_texts, -1), length, generator=generator)


def _training_texts(vocab_size: int, n_texts: int, seed: int) -> Tensor:
    """Sequences that repeat until the context is full, each after an end of text: (text, CONTEXT_LENGTH + 1).

    As in real text a few tokens are frequent and most are rare: the model learns to copy the frequent ones first,
    and then only has to tell the others apart. With equal frequencies training takes far longer.
    """
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(SHORTEST, LONGEST + 1, (n_texts, 1), generator=generator)
    sequences = zipf_sequences(vocab_size, n_texts, LONGEST, generator)
    places = torch.arange(CONTEXT_LENGTH) % lengths
    return torch.cat((torch.full((n_texts, 1), vocab_size - 1), sequences.gather(1, places)), dim=1)


def induction_steps(model: DecoderOnly, settings: TrainingSettings) -> Iterator[TrainingStep]:
    """Train a model to repeat, yielding after each step; texts and order come from the settings' seed."""
    texts = _training_texts(model.config.vocab_size, N_TEXTS, settings.seed)
    token_ids = torch.cat((texts.flatten(), texts[:1, 0]))
    starts = torch.arange(N_TEXTS + 1) * texts.shape[1]
    return train_steps(model, token_ids, settings, starts=starts)


def repeated_sequences(vocab_size: int, length: int, *, seed: int = 0) -> Tensor:
    """32 sequences of different tokens, all equally probable, each repeated once: (text, 1 + 2 · length)."""
    generator = torch.Generator().manual_seed(seed)
    sequences = [torch.randperm(vocab_size - 1, generator=generator)[:length] for _ in range(32)]
    return torch.stack([repeat_tokens(one.tolist(), start=vocab_size - 1) for one in sequences])


def repeat_tokens(token_ids: Sequence[int], *, start: int) -> Tensor:
    """The same tokens twice, after a token with which texts start: (1 + 2 · length,).

    >>> repeat_tokens([7, 8, 9], start=50).tolist()
    [50, 7, 8, 9, 7, 8, 9]
    """
    token_ids = list(token_ids)
    if not token_ids:
        raise ValueError("there is nothing to repeat: 0 tokens")
    if 1 + 2 * len(token_ids) > CONTEXT_LENGTH:
        raise ValueError(
            f"these are {len(token_ids)} tokens, and twice as many do not fit into the model's context of "
            f"{CONTEXT_LENGTH}; take at most {(CONTEXT_LENGTH - 1) // 2} tokens"
        )
    return torch.tensor([start, *(token_ids * 2)])
