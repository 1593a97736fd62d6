"""How byte-pair encoding learns: join the most frequent pair of neighbours, and again, and again.

R. Sennrich, B. Haddow, A. Birch, "Neural machine translation of rare words with subword units" (2016),
section 3.2; on bytes, and never across the borders of words, as in GPT-2. Lesson 1.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import regex

from llmviz.tokenizers.texts import check_vocab_size, documents

GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
WORD = regex.compile(GPT2_PATTERN)
N_BYTES = 256


@dataclass(frozen=True)
class Merge:
    """One thing learned: these two neighbours become one token.

    pair: the bytes of both tokens. count: how often they were neighbours when they were chosen.
    token_id: the id of the new token.
    """

    pair: tuple[bytes, bytes]
    count: int
    token_id: int

    @property
    def token(self) -> bytes:
        """The bytes of the new token."""
        return self.pair[0] + self.pair[1]


def train_steps(
    texts: str | Iterable[str], vocab_size: int = 1024, *, progress: bool = False
) -> Iterator[Merge]:
    """Learn from texts and yield each merge as soon as it is chosen.

    texts: one string, or an iterable of documents. vocab_size: number of ids at the end: 256 bytes, the
    merges, and `<|endoftext|>`. Among pairs that are equally frequent, the one with the smaller left id wins,
    then the one with the smaller right id. Ends early, with fewer merges, when no word has two tokens left.

    >>> for merge in train_steps("the kite, the tree, the tent", 258 + 1):
    ...     print(merge)
    Merge(pair=(b' ', b't'), count=4, token_id=256)
    Merge(pair=(b'h', b'e'), count=3, token_id=257)
    """
    size = check_vocab_size(vocab_size, N_BYTES + 1, "there are 256 bytes and one special token")
    words = _Words(texts)
    if not words.spellings:
        raise ValueError("There is no text to learn merges from: the texts given are empty.")
    return _with_progress(words.merges(size - N_BYTES - 1), size - N_BYTES - 1, progress)


class _Words:
    """The words of the texts, each one once, with what training keeps up to date about them.

    A token is written as the one character `chr(token_id)`, so a word is a string, a pair is a string of
    length 2, and merging a pair is `str.replace`. Only the words that hold the pair are touched at a merge.
    """

    def __init__(self, texts: str | Iterable[str]):
        word_counts: Counter[str] = Counter()
        for document in documents(texts):
            word_counts.update(WORD.findall(document))
        self.spellings = [word.encode("utf-8").decode("latin-1") for word in word_counts]
        self.frequencies = list(word_counts.values())
        self.pair_counts: defaultdict[str, int] = defaultdict(int)
        self.words_with: defaultdict[str, set[int]] = defaultdict(set)
        for index, spelling in enumerate(self.spellings):
            for pair in _pairs(spelling):
                self.pair_counts[pair] += self.frequencies[index]
                self.words_with[pair].add(index)
        self.queue = [(-count, pair) for pair, count in self.pair_counts.items()]
        heapq.heapify(self.queue)

    def merges(self, n_merges: int) -> Iterator[Merge]:
        """Choose and make one merge after another. No two of them give the same bytes: inside the borders of
        a future token, each place where its bytes stand has been joined in the same way.
        """
        token_bytes = [bytes([byte]) for byte in range(N_BYTES)]
        while len(token_bytes) < N_BYTES + n_merges and (pair := self._most_frequent_pair()):
            left, right = (token_bytes[ord(symbol)] for symbol in pair)
            merge = Merge((left, right), self.pair_counts[pair], len(token_bytes))
            token_bytes.append(merge.token)
            self._merge(pair, chr(merge.token_id))
            yield merge

    def _most_frequent_pair(self) -> str | None:
        while self.queue:
            negative_count, pair = heapq.heappop(self.queue)
            count = self.pair_counts[pair]
            if count == -negative_count and count > 0:
                return pair
            if 0 < count < -negative_count:  # it has become rarer since it was queued: back in line
                heapq.heappush(self.queue, (-count, pair))
        return None

    def _merge(self, pair: str, token: str) -> None:
        counts, words_with = self.pair_counts, self.words_with
        grown = set()
        for index in words_with.pop(pair):
            before, frequency = self.spellings[index], self.frequencies[index]
            after = before.replace(pair, token)
            if len(after) == len(before):
                continue
            self.spellings[index] = after
            for old in _pairs(before):
                counts[old] -= frequency
            for new in _pairs(after):
                counts[new] += frequency
                if token in new:
                    words_with[new].add(index)
                    grown.add(new)
        for new in grown:
            heapq.heappush(self.queue, (-counts[new], new))


def _pairs(spelling: str) -> Iterator[str]:
    return map(str.__add__, spelling, spelling[1:])


def _with_progress(merges: Iterator[Merge], total: int, progress: bool) -> Iterator[Merge]:
    if not progress:
        return merges
    from tqdm.auto import tqdm

    return iter(tqdm(merges, desc="merging pairs", total=total, unit=" merges"))
