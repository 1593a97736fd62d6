"""Overlap of texts: exact match, ROUGE-1 and BLEU (lesson 7), and the longest passage from a corpus (lesson 5)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from llmviz.tokenizers.words import words


def rouge_1(candidate: Sequence[str], reference: Sequence[str]) -> float:
    """ROUGE-1: F1 of two texts as bags of words, from 0 to 1: 2 · common words / words of both.

    Source: Lin 2004, "ROUGE", section 2.

    >>> rouge_1("the red kite".split(), "a red kite flew".split())
    0.5714285714285714
    """
    for text in (candidate, reference):
        if isinstance(text, str):
            raise ValueError(f'give lists of words, such as "{text[:20]}".split(); given a string')
    n_common = sum((Counter(candidate) & Counter(reference)).values())
    return 2 * n_common / (len(candidate) + len(reference)) if n_common else 0.0


def bleu(candidates: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> float:
    """BLEU of a set of translations, each with one reference, as lists of words: from 0 to 1.

    The geometric mean of the shares of word sequences of length 1 to 4 that are in the reference, times a penalty for
    translations that are too short. Source: Papineni et al. 2002, "BLEU", section 2.3.

    >>> round(bleu(["the red kite flew far away".split()], ["the red kite flew away".split()]), 3)
    0.537
    """
    n_common, n_all = [0] * 4, [0] * 4
    for pair in zip(candidates, references, strict=True):
        for n in range(4):
            ours, theirs = (Counter(zip(*(text[start:] for start in range(n + 1)), strict=False)) for text in pair)
            n_common[n] += (ours & theirs).total()
            n_all[n] += ours.total()
    if not all(n_common):
        return 0.0
    brevity_penalty = min(1.0, math.exp(1 - sum(map(len, references)) / sum(map(len, candidates))))
    return brevity_penalty * math.prod(one / all_ for one, all_ in zip(n_common, n_all, strict=True)) ** 0.25


def exact_match(candidates: Sequence[str], references: Sequence[str]) -> float:
    """The share of texts that are equal to their references.

    >>> exact_match(["Le chat.", "La chien."], ["Le chat.", "Le chien."])
    0.5
    """
    if len(candidates) != len(references) or not references:
        raise ValueError(f"each text needs its reference; given {len(candidates)} texts, {len(references)} references")
    return sum(one == other for one, other in zip(candidates, references, strict=True)) / len(references)


@dataclass(frozen=True)
class _Passage:
    """The longest passage of a text that a corpus contains: its words, and where it begins among those of the text.

    share: of the text's words, 0 to 1.
    """

    start: int
    n_words: int
    share: float
    words: tuple[str, ...]


def longest_run(words: Sequence[str], corpus: Sequence[str]) -> int:
    """The length of the longest common substring, in words. The plain form of `SubstringIndex`.

    >>> longest_run(["a", "red", "kite"], ["found", "a", "red", "drum"])
    2
    """
    longest = 0
    for start in range(len(words)):
        for place in range(len(corpus)):
            n = 0
            while start + n < len(words) and place + n < len(corpus) and words[start + n] == corpus[place + n]:
                n += 1
            longest = max(longest, n)
    return longest


class SubstringIndex:
    """Finds the longest passages that texts share with a corpus; a passage lies within one document.

    Words are those of `tokenizers.words`: a punctuation mark is one too.

    >>> finder = SubstringIndex(["Mia found a red kite.", "Tom lost a blue drum."])
    >>> finder.longest("Tom found a red kite!")
    _Passage(start=1, n_words=4, share=0.6666666666666666, words=('found', 'a', 'red', 'kite'))
    """

    def __init__(self, documents: Iterable[str]):
        self._corpus = "\n".join(f" {' '.join(words(document))} " for document in documents)
        if not self._corpus:
            raise ValueError("the corpus is empty: give at least one text")

    def longest(self, text: str) -> _Passage:
        """The longest passage of a text that the corpus contains; of several, the first."""
        text_words, best, length = words(text), 0, 0
        for start in range(len(text_words)):
            while start + length < len(text_words):
                if f" {' '.join(text_words[start : start + length + 1])} " not in self._corpus:
                    break
                best, length = start, length + 1
        share = length / len(text_words) if text_words else 0.0
        return _Passage(best, length, share, tuple(text_words[best : best + length]))

    def mean_share(self, texts: Sequence[str]) -> float:
        """The mean over texts of the share that is one passage of the corpus."""
        if not texts:
            raise ValueError("the mean of no texts: give at least one")
        return sum(self.longest(text).share for text in texts) / len(texts)
