"""How byte-pair encoding learns: join the most frequent pair of neighbours, and again, and again.

R. Sennrich, B. Haddow, A. Birch, "Neural machine translation of rare words with subword units" (2016),
section 3.2; on bytes, and never across the borders of words, as in GPT-2. Lesson 1.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import regex

from llmviz.tokenizers.spelled_words import SpelledWords
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


class _Words(SpelledWords):
    """The words of the texts, spelled in bytes, with the pairs in the order in which they will be joined."""

    def __init__(self, texts: str | Iterable[str]):
        counts = word_counts(texts)
        spellings = [word.encode("utf-8").decode("latin-1") for word in counts]
        super().__init__(spellings, list(counts.values()))
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
            for grown in self.join(pair, chr(merge.token_id)):
                heapq.heappush(self.queue, (-self.pair_counts[grown], grown))
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


def word_counts(texts: str | Iterable[str]) -> Counter[str]:
    """Count each word of the texts, cut as GPT-2 cuts them."""
    counts: Counter[str] = Counter()
    for document in documents(texts):
        counts.update(WORD.findall(document))
    return counts


def _with_progress(merges: Iterator[Merge], total: int, progress: bool) -> Iterator[Merge]:
    if not progress:
        return merges
    from tqdm.auto import tqdm

    return iter(tqdm(merges, desc="merging pairs", total=total, unit=" merges"))
