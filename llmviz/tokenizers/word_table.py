"""The words of a text while a tokenizer learns to join their symbols: which neighbors there are, how often, where."""

from collections import defaultdict
from collections.abc import Iterator, Sequence


class WordTable:
    """Each different word once, spelled in symbols, with the counts that training keeps up to date.

    A symbol is written as the one character `chr(token_id)`, so a word is a string, a pair is a string of
    length 2, and joining a pair is `str.replace`. Only the words that hold the pair are touched when it is joined.
    Lesson 1.

    >>> words = WordTable(["hot", "hop"], [3, 1])
    >>> dict(words.pair_counts)
    {'ho': 4, 'ot': 3, 'op': 1}
    >>> sorted(words.join("ho", "H")), words.spellings
    (['Hp', 'Ht'], ['Ht', 'Hp'])
    """

    def __init__(self, spellings: Sequence[str], frequencies: Sequence[int]):
        self.spellings = list(spellings)
        self.frequencies = list(frequencies)
        self.symbol_counts: defaultdict[str, int] = defaultdict(int)
        self.pair_counts: defaultdict[str, int] = defaultdict(int)
        self.words_with: defaultdict[str, set[int]] = defaultdict(set)
        for index, spelling in enumerate(self.spellings):
            for symbol in spelling:
                self.symbol_counts[symbol] += self.frequencies[index]
            for pair in pairs(spelling):
                self.pair_counts[pair] += self.frequencies[index]
                self.words_with[pair].add(index)

    def join(self, pair: str, symbol: str) -> set[str]:
        """Write the symbol wherever the pair stands; return the pairs that became neighbors by it."""
        counts, words_with = self.pair_counts, self.words_with
        grown, n_joined = set(), 0
        for index in words_with.pop(pair):
            before, frequency = self.spellings[index], self.frequencies[index]
            after = before.replace(pair, symbol)
            if len(after) == len(before):
                continue
            self.spellings[index] = after
            n_joined += frequency * (len(before) - len(after))
            for old in pairs(before):
                counts[old] -= frequency
            for new in pairs(after):
                counts[new] += frequency
                if symbol in new:
                    words_with[new].add(index)
                    grown.add(new)
        self.symbol_counts[symbol] += n_joined
        for half in pair:
            self.symbol_counts[half] -= n_joined
        return grown


def pairs(spelling: str) -> Iterator[str]:
    """Walk over the neighbors in a word."""
    return map(str.__add__, spelling, spelling[1:])
