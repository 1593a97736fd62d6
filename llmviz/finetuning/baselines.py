"""What anyone should try first: counting words, and a straight line through the counts (lesson 6)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from llmviz.tokenizers.words import words

STEPS = 60
MOST_WORDS = 400


def ngrams(text: str, n: int) -> list[str]:
    """All runs of n neighboring words, in small letters; n = 1 gives the bag of words.

    >>> ngrams("Mia was sad.", 2)
    ['mia was', 'was sad', 'sad .']
    """
    found = [word.lower() for word in words(text)[:MOST_WORDS]]
    return [" ".join(found[i : i + n]) for i in range(len(found) - n + 1)]


def ngram_counts(texts: Sequence[str], n: int, known: Sequence[str] | None = None) -> tuple[Tensor, list[str]]:
    """How often each run of n words stands in each text: (text, run), and the runs.

    Args:
        known: the runs to count; None takes those of the texts.
    """
    runs = sorted({run for text in texts for run in ngrams(text, n)}) if known is None else list(known)
    place = {run: i for i, run in enumerate(runs)}
    counts = torch.zeros(len(texts), len(runs))
    for row, text in enumerate(texts):
        for run in ngrams(text, n):
            if run in place:
                counts[row, place[run]] += 1
    return counts, runs


def train_probe(features: Tensor, labels: Tensor, n_labels: int, *, penalty: float = 1.0) -> tuple[Tensor, Tensor]:
    """Logistic regression: the straight border that separates the labels best; what a frozen head learns.

    The sum of −ln p(label) and penalty / 2 times the squared weights is made as small as it can be (L-BFGS).

    Args:
        features: (example, feature).
        labels: (example,), from 0 to n_labels − 1.
        penalty: keeps the weights small where there are more features than examples.

    Returns:
        weight (label, feature) and bias (label,).
    """
    weight = torch.zeros(n_labels, features.shape[1], requires_grad=True)
    bias = torch.zeros(n_labels, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        scores = features @ weight.T + bias
        loss = F.cross_entropy(scores, labels, reduction="sum") + penalty / 2 * weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return weight.detach(), bias.detach()


def probe_accuracy(features: Tensor, labels: Tensor, probe: tuple[Tensor, Tensor]) -> float:
    """The share of labels on the right side of the border."""
    weight, bias = probe
    return ((features @ weight.T + bias).argmax(dim=-1) == labels).float().mean().item()


def ngram_accuracy(
    texts: Sequence[str], labels: Tensor, new_texts: Sequence[str], new_labels: Tensor, *, n: int = 1
) -> float:
    """What a straight line through the counts of words (n = 1) or pairs (n = 2) gets right in new texts."""
    counts, runs = ngram_counts(texts, n)
    probe = train_probe(counts, labels, int(labels.max()) + 1)
    return probe_accuracy(ngram_counts(new_texts, n, runs)[0], new_labels, probe)
