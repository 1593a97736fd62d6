"""How alike two texts are, word by word: the yardsticks of translation and summarization (lesson 7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple


class TextOverlap(NamedTuple):
    """How much of a candidate stands in the reference, how much of the reference in the candidate, and both in one."""

    precision: float
    recall: float
    f1: float


def clipped_precision(candidate: Sequence[str], reference: Sequence[str]) -> float:
    """The share of the candidate's words that the reference has too, each counted at most as often as there.

    Source: Papineni et al. 2002, "BLEU", section 2.1 (their modified unigram precision). Lesson 7.

    >>> clipped_precision("the the the the the the the".split(), "the cat is on the mat".split()) == 2 / 7
    True
    """
    for text in (candidate, reference):
        if isinstance(text, str):
            raise ValueError(f'give lists of words, such as "{text[:20]}".split(); given a string')
    n_common = sum((Counter(candidate) & Counter(reference)).values())
    return n_common / len(candidate) if len(candidate) else 0.0


def overlap(candidate: Sequence[str], reference: Sequence[str]) -> TextOverlap:
    """Compare two texts as bags of words: precision, recall, and their harmonic mean.

    Source: Lin 2004, "ROUGE", section 2 (ROUGE-1). Lesson 7.

    >>> overlap("the red kite".split(), "a red kite flew".split())
    TextOverlap(precision=0.6666666666666666, recall=0.5, f1=0.5714285714285715)
    """
    precision, recall = clipped_precision(candidate, reference), clipped_precision(reference, candidate)
    return TextOverlap(precision, recall, 2 * precision * recall / (precision + recall) if precision else 0.0)


def exact_share(candidates: Sequence[str], references: Sequence[str]) -> float:
    """The share of the texts that are the wanted ones to the last sign.

    >>> exact_share(["Le chat.", "La chien."], ["Le chat.", "Le chien."])
    0.5
    """
    if len(candidates) != len(references) or not references:
        raise ValueError(
            f"each text needs its reference; given {len(candidates)} texts and {len(references)} references"
        )
    return sum(one == other for one, other in zip(candidates, references, strict=True)) / len(references)
