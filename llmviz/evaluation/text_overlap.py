"""Word overlap of two texts: exact match, and ROUGE-1 from BLEU's clipped precision (lesson 7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple


class _Rouge(NamedTuple):
    """Shares from 0 to 1: of the candidate's words, of the reference's words, and their harmonic mean."""

    precision: float
    recall: float
    f1: float


def _clipped_precision(candidate: Sequence[str], reference: Sequence[str]) -> float:
    """BLEU's unigram precision: the share of the candidate's words that the reference has, each at most as often.

    Source: Papineni et al. 2002, "BLEU", section 2.1 (their modified unigram precision).

    >>> _clipped_precision("the the the the the the the".split(), "the cat is on the mat".split()) == 2 / 7
    True
    """
    for text in (candidate, reference):
        if isinstance(text, str):
            raise ValueError(f'give lists of words, such as "{text[:20]}".split(); given a string')
    n_common = sum((Counter(candidate) & Counter(reference)).values())
    return n_common / len(candidate) if len(candidate) else 0.0


def rouge_1(candidate: Sequence[str], reference: Sequence[str]) -> _Rouge:
    """ROUGE-1: compare two texts as bags of words.

    Source: Lin 2004, "ROUGE", section 2.

    >>> rouge_1("the red kite".split(), "a red kite flew".split())
    _Rouge(precision=0.6666666666666666, recall=0.5, f1=0.5714285714285715)
    """
    precision, recall = _clipped_precision(candidate, reference), _clipped_precision(reference, candidate)
    return _Rouge(precision, recall, 2 * precision * recall / (precision + recall) if precision else 0.0)


def exact_match(candidates: Sequence[str], references: Sequence[str]) -> float:
    """The share of texts that are equal to their references.

    >>> exact_match(["Le chat.", "La chien."], ["Le chat.", "Le chien."])
    0.5
    """
    if len(candidates) != len(references) or not references:
        raise ValueError(
            f"each text needs its reference; given {len(candidates)} texts and {len(references)} references"
        )
    return sum(one == other for one, other in zip(candidates, references, strict=True)) / len(references)
