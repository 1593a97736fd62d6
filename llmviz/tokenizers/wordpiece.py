"""WordPiece: merge the pair of neighbors that makes the text most probable; encode by the longest match.

M. Schuster, K. Nakajima, "Japanese and Korean voice search" (2012), section 3. Training differs from byte-pair encoding
only in the score of a pair.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Self

import regex
from tqdm.auto import tqdm

from llmviz.tokenizers.base import UNKNOWN, _count_words
from llmviz.tokenizers.bpe import _WordTable
from llmviz.tokenizers.words import WordTokenizer

CONTINUES = "##"


@dataclass(frozen=True)
class _PieceMerge:
    """One step of training: two pieces, neighbors so many times ("##" begins one inside a word), become one."""

    pair: tuple[str, str]
    count: int
    score: float
    token_id: int

    @property
    def token(self) -> str:
        """The new piece."""
        return self.pair[0] + self.pair[1].removeprefix(CONTINUES)


def gain(pair_count: int, left_count: int, right_count: int, n_symbols: int) -> float:
    """How much the log-likelihood of the text changes by the merge, in nats; probabilities are shares of the text.

    The criterion of the paper, "the unit that increases the likelihood of the training data the most". The likelihood
    is Σ n(x) ln n(x) − N ln N; a merge changes n(a), n(b), n(ab) and N. (Two equal pieces count as two different ones.)
    """
    before = (left_count, right_count, n_symbols - pair_count)
    after = (left_count - pair_count, right_count - pair_count, pair_count, n_symbols)
    return sum(map(_n_log_n, after)) - sum(map(_n_log_n, before))


def _n_log_n(count: int) -> float:
    return count * math.log(count) if count else 0.0


_SCORES: dict[str, Callable[[int, int, int, int], float]] = {
    "gain": gain,
    "ratio": lambda pair_count, left, right, n: pair_count / (left * right),  # prefers rare pairs
    "count": lambda pair_count, left, right, n: pair_count,  # as Hugging Face's WordPiece trainer
}


def _longest_matches(word: str, vocabulary: Collection[str], longest: int) -> Iterator[str | None]:
    """Cut a word greedily: the longest known piece comes first; the next ones begin with "##".

    longest: length of the longest piece of the vocabulary. Where no piece fits, the last item is None.
    """
    start, mark = 0, ""
    while start < len(word):
        ends = range(min(len(word), start + longest - len(mark)), start, -1)
        end = next((end for end in ends if mark + word[start:end] in vocabulary), None)
        yield None if end is None else mark + word[start:end]
        if end is None:
            return
        start, mark = end, CONTINUES


def _letters(word: str) -> list[str]:
    """Cut a word into letters; the space before it belongs to the first, all others carry "##"."""
    start = 2 if word.startswith(" ") and len(word) > 1 else 1
    return [word[:start], *(CONTINUES + letter for letter in word[start:])]


class _Trainer:
    """The words of the texts, and the queue of the pairs that may be merged next.

    alphabet: the letters, the most frequent first; where there is no room for all, the rarest are left out, and words
    with them are ignored.
    """

    def __init__(self, word_counts: Mapping[str, int], n_pieces: int, score: str):
        if score not in _SCORES:
            raise ValueError(f"score must be one of {', '.join(map(repr, _SCORES))}, but was {score!r}.")
        self._score_pair, self.n_pieces = _SCORES[score], n_pieces
        letters: Counter[str] = Counter()
        for word, frequency in word_counts.items():
            for letter in _letters(word):
                letters[letter] += frequency
        self.alphabet = sorted(letters, key=lambda letter: (-letters[letter], letter))[:n_pieces]
        symbols = {piece: chr(number) for number, piece in enumerate(self.alphabet)}
        spelled = {word: [symbols.get(letter) for letter in _letters(word)] for word in word_counts}
        known = {word: "".join(spelling) for word, spelling in spelled.items() if None not in spelling}
        self._words = _WordTable(list(known.values()), [word_counts[word] for word in known])
        self._n_symbols = sum(self._words.symbol_counts.values())
        self._pairs_with: defaultdict[str, set[str]] = defaultdict(set)
        self._queued: dict[str, float] = {}  # the score with which each pair is in the queue
        self._queue: list[tuple[float, str]] = []
        self._queue_pairs(set(self._words.pair_counts))

    def merges(self) -> Iterator[_PieceMerge]:
        """Choose and make one merge after another, until there are `n_pieces` pieces or no word has two left.

        Ties: the pair with the smaller left id comes first, then the one with the smaller right id.
        """
        pieces = list(self.alphabet)
        while len(pieces) < self.n_pieces and (pair := self._best_pair()):
            left, right = (pieces[ord(symbol)] for symbol in pair)
            merge = _PieceMerge((left, right), self._words.pair_counts[pair], self._queued[pair], len(pieces))
            symbol = chr(merge.token_id)
            pieces.append(merge.token)
            new_pairs = self._words.merge(pair, symbol, least=1)
            self._n_symbols -= self._words.symbol_counts[symbol]
            self._queue_pairs(new_pairs.keys() | self._pairs_with[pair[0]] | self._pairs_with[pair[1]])
            yield merge

    def _queue_pairs(self, changed: set[str]) -> None:
        """Queue the pairs that are new, and those whose score grew because one half became rarer."""
        for pair in changed:
            if self._words.pair_counts[pair] <= 0:
                for half in pair:
                    self._pairs_with[half].discard(pair)
            elif (score := self._score(pair)) > self._queued.get(pair, -math.inf):
                self._queued[pair] = score
                heapq.heappush(self._queue, (-score, pair))
                for half in pair:
                    self._pairs_with[half].add(pair)

    def _best_pair(self) -> str | None:
        """The pair with the best score. A queued score is never too low: merges make the number of symbols smaller."""
        while self._queue:
            negative_score, pair = heapq.heappop(self._queue)
            if self._words.pair_counts[pair] <= 0 or -negative_score != self._queued[pair]:
                continue  # merged away, or queued again with another score
            score = self._score(pair)
            if score == self._queued[pair]:
                return pair
            self._queued[pair] = score
            heapq.heappush(self._queue, (-score, pair))
        return None

    def _score(self, pair: str) -> float:
        counts = self._words.symbol_counts
        return self._score_pair(self._words.pair_counts[pair], counts[pair[0]], counts[pair[1]], self._n_symbols)


class WordPieceTokenizer(WordTokenizer):
    """Words cut greedily into the longest known pieces; a piece that continues a word begins with "##".

    Words and spaces are those of `WordTokenizer`. A word that cannot be cut into known pieces to its end becomes one
    `<unk>`, as in BERT.

    >>> tokenizer = WordPieceTokenizer([" k", " kite", "##ite", "##s"])
    >>> tokenizer.tokens(tokenizer.encode("kites"))
    [' kite', '##s']
    >>> tokenizer.decode(tokenizer.encode("kites"))
    'kites'
    """

    kind: ClassVar[str] = "wordpiece"
    piece_name: ClassVar[str] = "piece of a word"
    piece_pattern = regex.compile(r"(?: ?(?!['’])|##)[\p{L}\p{M}\p{N}_'’]+| ?[^\s\p{L}\p{M}\p{N}_]|\s")

    def __init__(self, pieces: Iterable[str]):
        super().__init__(pieces)
        self._longest = max(map(len, self.pieces), default=0)
        self._split_word = lru_cache(maxsize=2**16)(self._cut)

    @classmethod
    def train_steps(
        cls, texts: str | Iterable[str], vocab_size: int = 1024, *, score: str = "gain", progress: bool = False
    ) -> Iterator[_PieceMerge]:
        """Yield the merges while they are learned.

        texts: one string, or an iterable of documents. vocab_size: number of ids at the end: the letters, the merges,
        `<unk>` and `<|endoftext|>`. score: "gain" (of the paper: what raises the likelihood of the text most), "ratio"
        (the formula of most tutorials) or "count" (as byte-pair encoding).
        """
        return cls._learn(texts, vocab_size, score, progress)[1]

    @classmethod
    def train(
        cls, texts: str | Iterable[str], vocab_size: int = 1024, *, score: str = "gain", progress: bool = False
    ) -> Self:
        """Learn pieces from texts until there are `vocab_size` ids, or every word is one piece; see `train_steps`."""
        alphabet, merges = cls._learn(texts, vocab_size, score, progress)
        return cls([*alphabet, *(merge.token for merge in merges)])

    @classmethod
    def _learn(
        cls, texts: str | Iterable[str], vocab_size: int, score: str, progress: bool
    ) -> tuple[list[str], Iterator[_PieceMerge]]:
        n_pieces = cls._n_pieces(vocab_size)
        trainer = _Trainer(_count_words(texts, cls(()).split_words), n_pieces, score)
        n_merges = n_pieces - len(trainer.alphabet)
        merges = tqdm(trainer.merges(), "merging pieces", n_merges, unit=" merges", disable=not progress)
        return trainer.alphabet, iter(merges)

    def _cut(self, word: str) -> Sequence[tuple[str, str]]:
        pieces = list(_longest_matches(word, self._ids, self._longest))
        return [(UNKNOWN, word)] if None in pieces else [(piece, self._surface(piece)) for piece in pieces]

    def _surface(self, piece: str) -> str:
        is_inside = piece.startswith(CONTINUES) and len(piece) > len(CONTINUES)
        return piece.removeprefix(CONTINUES) if is_inside else super()._surface(piece)
