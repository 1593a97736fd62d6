"""Memorization: how much of a text stands word for word in the corpus that a model learned from (lesson 5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from llmviz.tokenizers.words import words

_BETWEEN_TEXTS = -1
_UNKNOWN = -2


@dataclass(frozen=True)
class Passage:
    """The longest run of words of a text that stands in a corpus, word for word.

    Attributes:
        start, n_words: where it begins among the words of the text, and how long it is.
        share: of the text's words, 0 to 1; 1 means that the whole text is a piece of the corpus.
        words: its words.
        document: which text of the corpus it stands in (the first of them); None where not one word is known.
    """

    start: int
    n_words: int
    share: float
    words: tuple[str, ...]
    document: int | None


def longest_run(words: Sequence[str], corpus: Sequence[str]) -> int:
    """Count the words of the longest run that stands in both, in the same order and without a gap.

    The plain form of `SubstringIndex`, which finds the same in a large corpus; a test holds the two together. Lesson 5.

    >>> longest_run(["a", "red", "kite"], ["found", "a", "red", "drum"])
    2
    """
    longest = 0
    for start in range(len(words)):
        for place in range(len(corpus)):
            n = 0
            while words[start + n : start + n + 1] == corpus[place + n : place + n + 1] != []:
                n += 1
            longest = max(longest, n)
    return longest


class SubstringIndex:
    """Finds what a text shares with a corpus, word for word; passages never run from one text into the next.

    Words are those of `tokenizers.words`: a punctuation mark is one too. Lesson 5.

    >>> finder = SubstringIndex(["Mia found a red kite.", "Tom lost a blue drum."])
    >>> finder.longest("Tom found a red kite!")
    Passage(start=1, n_words=4, share=0.6666666666666666, words=('found', 'a', 'red', 'kite'), document=0)
    """

    def __init__(self, documents: Iterable[str]):
        self._numbers: dict[str, int] = {}
        row, self._first = [_BETWEEN_TEXTS], []
        for document in documents:
            self._first.append(len(row))
            row += [self._numbers.setdefault(word, len(self._numbers)) for word in words(document)]
            row.append(_BETWEEN_TEXTS)
        if not self._first:
            raise ValueError("there is nothing to copy from: give at least one text")
        self._row = np.array(row)
        order = np.argsort(self._row, kind="stable")
        starts = np.searchsorted(self._row[order], np.arange(len(self._numbers) + 1))
        self._places = [order[start:stop] for start, stop in pairwise(starts)]

    def longest(self, text: str) -> Passage:
        """Find the longest passage of a text that the corpus holds; of several, the first."""
        spoken = words(text)
        numbers = [self._numbers.get(word, _UNKNOWN) for word in spoken]
        best, length, place = 0, 0, None
        for start in range(len(numbers)):
            if len(numbers) - start <= length:
                break
            found, where = self._from(numbers, start)
            if found > length:
                best, length, place = start, found, where
        document = None if place is None else int(np.searchsorted(self._first, place, side="right")) - 1
        share = length / len(spoken) if spoken else 0.0
        return Passage(best, length, share, tuple(spoken[best : best + length]), document)

    def _from(self, numbers: Sequence[int], start: int) -> tuple[int, int | None]:
        """How far the corpus goes along with the words from one on, and where in it."""
        if numbers[start] == _UNKNOWN:
            return 0, None
        places, length = self._places[numbers[start]], 1
        while start + length < len(numbers):
            going_on = places[self._row[places + length] == numbers[start + length]]
            if not len(going_on):
                break
            places, length = going_on, length + 1
        return length, int(places[0])

    def mean_share(self, texts: Sequence[str]) -> float:
        """The memorization meter: the mean over texts of the share that is one passage of the corpus."""
        if not texts:
            raise ValueError("the mean of no texts: give at least one")
        return float(np.mean([self.longest(text).share for text in texts]))
