"""Reference implementations of subword tokenization, as lesson 1 builds them: slow, and easy to check.

The tokenizers of this package compute the same faster; tests compare the two.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

from llmviz.tokenizers.base import UNKNOWN


def count_pairs(words: Sequence[Sequence[str]]) -> Counter[tuple[str, str]]:
    """Count how often two pieces are neighbors inside a word.

    words: each word as its list of pieces. (Sennrich and others 2016, section 3.2.)

    >>> count_pairs([["h", "e"], ["h", "e", "n"]])
    Counter({('h', 'e'): 2, ('e', 'n'): 1})
    """
    counts: Counter[tuple[str, str]] = Counter()
    for word in words:
        counts.update(pairwise(word))
    return counts


def merge_pair(pieces: Sequence[str], pair: tuple[str, str]) -> list[str]:
    """Merge the two pieces of a pair wherever they are neighbors, from left to right.

    (Sennrich and others 2016, section 3.2.)

    >>> merge_pair(["t", "h", "e", "t", "h"], ("t", "h"))
    ['th', 'e', 'th']
    """
    merged: list[str] = []
    place = 0
    while place < len(pieces):
        if tuple(pieces[place : place + 2]) == tuple(pair):
            merged.append(pair[0] + pair[1])
            place += 2
        else:
            merged.append(pieces[place])
            place += 1
    return merged


def longest_match(word: str, vocabulary: Collection[str]) -> list[str]:
    """Cut a word greedily: take the longest piece that fits, again and again.

    A piece that continues a word begins with "##" in the vocabulary. A word whose rest fits no piece becomes one
    `<unk>`. (WordPiece, as BERT encodes.)

    >>> longest_match("kites", {"k", "kite", "##s"}), longest_match("kitz", {"k", "kite", "##i"})
    (['kite', '##s'], ['<unk>'])
    """
    pieces: list[str] = []
    start = 0
    while start < len(word):
        mark = "##" if start else ""
        fitting = [end for end in range(len(word), start, -1) if mark + word[start:end] in vocabulary]
        if not fitting:
            return [UNKNOWN]
        pieces.append(mark + word[start : fitting[0]])
        start = fitting[0]
    return pieces


def encode_word(word: bytes, ranks: Mapping[bytes, int]) -> list[int]:
    """Encode the bytes of one word as GPT-2 does: merge, each time, the neighbors whose token has the lowest id.

    ranks: bytes of each token to its id, single bytes included; ids are in the order of learning.

    >>> encode_word(b"then", {b"t": 0, b"h": 1, b"e": 2, b"n": 3, b"he": 4, b"the": 5})
    [5, 3]
    """
    pieces = [word[place : place + 1] for place in range(len(word))]
    while True:
        joined = [left + right for left, right in pairwise(pieces)]
        known = [place for place, piece in enumerate(joined) if piece in ranks]
        if not known:
            return [ranks[piece] for piece in pieces]
        first = min(known, key=lambda place: ranks[joined[place]])
        pieces[first : first + 2] = [joined[first]]
