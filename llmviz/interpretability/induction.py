"""Repeat after me: lists of random tokens that say themselves again, and what a model needs to join in (lesson 3).

Nothing but the list itself tells what comes next in its second round, so whoever predicts it must look back.
Source: Olsson et al. 2022, "In-context Learning and Induction Heads" (they measure with repeated random tokens).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from llmviz import training
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly
from llmviz.training.loop import TrainingSettings, TrainingStep

SHORTEST, LONGEST = 4, 24  # tokens in a list
CONTEXT_LENGTH = 64
RANK_SHIFT = 10  # token number r is drawn in proportion to 1 / (r + RANK_SHIFT)


def config(vocab_size: int) -> ModelConfig:
    """The sizes of a model that is nearly all attention: its feed-forward networks are 4 wide."""
    return ModelConfig(vocab_size, context_length=CONTEXT_LENGTH, d_model=64, n_layers=2, n_heads=4, d_ff=4)


def random_lists(
    vocab_size: int, n_texts: int, *, seed: int, shortest: int = SHORTEST, longest: int = LONGEST
) -> Tensor:
    """Draw lists of different tokens, each said again and again until the context is full.

    As in real text a few tokens come often and most come seldom (Zipf's law): the model learns the trick on the
    frequent ones and then only has to learn who the others are. With all tokens alike it takes far longer.

    Args:
        vocab_size: of the tokenizer; its last token is the end of text, as everywhere here, and begins each text.
        shortest, longest: how many tokens a list has.

    Returns:
        (text, CONTEXT_LENGTH + 1).
    """
    if not 1 <= shortest <= longest < vocab_size:
        raise ValueError(
            f"a list has from {shortest} to {longest} different tokens; that asks for 1 ≤ shortest ≤ longest "
            f"< vocab_size, which is {vocab_size}"
        )
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(shortest, longest + 1, (n_texts, 1), generator=generator)
    shares = 1 / (torch.arange(vocab_size - 1) + float(RANK_SHIFT))
    lists = torch.multinomial(shares.expand(n_texts, -1), longest, generator=generator)
    places = torch.arange(CONTEXT_LENGTH) % lengths
    return torch.cat((torch.full((n_texts, 1), vocab_size - 1), lists.gather(1, places)), dim=1)


def train_steps(model: DecoderOnly, settings: TrainingSettings, *, n_texts: int = 30_000) -> Iterator[TrainingStep]:
    """Train a model to repeat, and hand back control after each step; text and order come from the settings' seed."""
    texts = random_lists(model.config.vocab_size, n_texts, seed=settings.seed)
    token_ids = torch.cat((texts.flatten(), texts[:1, 0]))
    starts = torch.arange(n_texts + 1) * texts.shape[1]
    return training.train_steps(model, token_ids, settings, starts=starts)


def fresh_lists(vocab_size: int, length: int, *, times: int = 2, n_texts: int = 32, seed: int = 0) -> Tensor:
    """Draw lists of different tokens, all equally probable, each said a few times: (text, 1 + times · length)."""
    generator = torch.Generator().manual_seed(seed)
    lists = [torch.randperm(vocab_size - 1, generator=generator)[:length] for _ in range(n_texts)]
    return torch.stack([repeat(one.tolist(), times, start=vocab_size - 1) for one in lists])


def repeat(token_ids: Sequence[int], times: int = 2, *, start: int) -> Tensor:
    """Say the same tokens several times, after a token with which texts start: (1 + times · length,).

    >>> repeat([7, 8, 9], start=50).tolist()
    [50, 7, 8, 9, 7, 8, 9]
    """
    token_ids = list(token_ids)
    if not token_ids or times < 1:
        raise ValueError(f"there is nothing to repeat: {len(token_ids)} tokens, {times} times")
    if 1 + times * len(token_ids) > CONTEXT_LENGTH:
        most = (CONTEXT_LENGTH - 1) // times
        raise ValueError(
            f"these are {len(token_ids)} tokens, and {times} times that does not fit into the model's "
            f"{CONTEXT_LENGTH}; take at most {most} tokens"
        )
    return torch.tensor([start, *(token_ids * times)])
