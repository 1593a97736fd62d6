"""The wrong functions behind lesson 5's exercises: the right one, with one thing done otherwise."""

import math
from collections.abc import Sequence

import numpy as np
import torch


def surprise(logits, token_ids, *, dim=-1, total=False, base=math.e, sign=-1):
    """Cross-entropy."""
    found = logits.log_softmax(dim=dim)[range(len(token_ids)), token_ids]
    return sign * (found.sum() if total else found.mean()) / math.log(base)


def chances(logits, token_ids) -> torch.Tensor:
    """The probability of each token that came, (position,)."""
    return logits.softmax(dim=-1)[range(len(token_ids)), token_ids]


def at_equal_places(words: Sequence[str], corpus: Sequence[str]) -> int:
    """The longest run of words that stand at the same places."""
    best = now = 0
    for one, other in zip(words, corpus, strict=False):
        now = now + 1 if one == other else 0
        best = max(best, now)
    return best


def with_gaps(words: Sequence[str], corpus: Sequence[str]) -> int:
    """The longest common subsequence: the order counts, gaps do not."""
    row = [0] * (len(corpus) + 1)
    for word in words:
        before, row = row, [0]
        for place, other in enumerate(corpus):
            row.append(before[place] + 1 if word == other else max(row[-1], before[place + 1]))
    return row[-1]


def in_letters(words: Sequence[str], corpus: Sequence[str]) -> int:
    """The letters and spaces of the longest run."""
    pieces = [words[start:stop] for start in range(len(words)) for stop in range(start + 1, len(words) + 1)]
    held = {tuple(corpus[start:stop]) for start in range(len(corpus)) for stop in range(start + 1, len(corpus) + 1)}
    return max((len(" ".join(piece)) for piece in pieces if tuple(piece) in held), default=0)


def law(sizes, excess, *, sign=-1.0, lift=math.exp, log_x=np.log, log_y=np.log) -> tuple[float, float]:
    """The power law, by a line through what `log_x` and `log_y` make of the numbers."""
    slope, height = np.polyfit(log_x(np.array(sizes, float)), log_y(np.array(excess, float)), 1)
    return float(lift(height)), float(sign * slope)


def through_two_points(sizes, excess) -> tuple[float, float]:
    """The power law through the first and the last trial."""
    exponent = -math.log(excess[-1] / excess[0]) / math.log(sizes[-1] / sizes[0])
    return excess[0] * sizes[0] ** exponent, exponent
