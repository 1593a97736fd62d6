"""The moves that the exercises of lesson 9 change on the page (docs/one_page.py), one short function each.

The library makes the same moves elsewhere, for many texts at once; tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

IGNORE_INDEX = -100
"""As a target: nothing is asked here. `torch.nn.functional.cross_entropy` leaves these out."""


def shifted_windows(token_ids: Tensor, starts: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Cut pieces out of a text, and the same pieces one token later: what is read, and what comes next.

    Source: Radford et al. 2018, section 3.1 (their context window of k tokens is our length). Lessons 5 and 9.

    Args:
        token_ids: (position,), the whole text.
        starts: (window,), where the pieces begin; the last may begin `length + 1` tokens before the end.
        length: tokens in a piece.

    Returns:
        ids and targets, both (window, length).

    >>> ids, targets = shifted_windows(torch.tensor([5, 6, 7, 8, 9]), torch.tensor([0, 2]), 2)
    >>> ids.tolist(), targets.tolist()
    ([[5, 6], [7, 8]], [[6, 7], [8, 9]])
    """
    if not len(starts) or int(starts.min()) < 0 or int(starts.max()) + length + 1 > len(token_ids):
        raise ValueError(
            f"a piece of {length} tokens and the one after it must lie inside a text of {len(token_ids)}; "
            f"given the starts {starts.tolist()}"
        )
    cut = token_ids[starts[:, None] + torch.arange(length + 1)]
    return cut[:, :-1], cut[:, 1:]


def sliding_window_mask(n_positions: int, window: int) -> Tensor:
    """Let each token see itself and the few before it, and nothing else: (query, key), bool, True = may attend.

    Source: Beltagy et al. 2020, "Longformer", section 3.1 (there to both sides). Lesson 9.

    Args:
        n_positions: how many tokens there are.
        window: how many of them each may see, itself included.

    >>> sliding_window_mask(4, 2).int().tolist()
    [[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]
    """
    if n_positions < 1 or window < 1:
        raise ValueError(f"each token sees at least itself; given {n_positions} positions and a window of {window}")
    return torch.ones(n_positions, n_positions, dtype=torch.bool).tril().triu(1 - window)


def answer_targets(question: Sequence[int], answer: Sequence[int], end: int) -> list[int]:
    """Say what is to be learned where a question and its answer are read: the answer and its end, nothing else.

    One target for each token of question + answer: the token after it, or −100 where nothing is asked. The last
    token of the question already has one: there the answer begins. Lessons 6 and 9.

    >>> answer_targets([11, 12, 13], [21, 22], end=0)
    [-100, -100, 21, 22, 0]
    """
    if not question:
        raise ValueError("the answer begins after the question, so the question needs at least one token")
    return [IGNORE_INDEX] * (len(question) - 1) + [*answer, end]
