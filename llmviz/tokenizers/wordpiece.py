"""How WordPiece learns: join the two neighbors whose token makes the text most probable, and again, and again.

M. Schuster, K. Nakajima, "Japanese and Korean voice search" (2012), section 3. Only the question asked of a pair
differs from byte-pair encoding: not "how often?" but "how much likelier does the text become?". Lesson 1.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Self

import regex

from llmviz.tokenizers.base import (
    END_OF_TEXT,
    UNKNOWN,
    VocabularyTokenizer,
    check_text,
    check_vocab_size,
    documents,
    with_progress,
)
from llmviz.tokenizers.word_table import WordTable
from llmviz.tokenizers.words import WORD_OR_MARK

CONTINUES = "##"
N_SPECIAL = 2


@dataclass(frozen=True)
class PieceMerge:
    """One thing learned: these two neighboring pieces become one.

    pair: both pieces ("##" marks one that goes on inside a word). count: how often they were neighbors when they
    were chosen. score: what the trainer compared. token_id: the id of the new piece.
    """

    pair: tuple[str, str]
    count: int
    score: float
    token_id: int

    @property
    def token(self) -> str:
        """The new piece."""
        return self.pair[0] + self.pair[1].removeprefix(CONTINUES)


def ratio(pair_count: int, left_count: int, right_count: int, n_symbols: int) -> float:
    """How much more often two pieces meet than chance would have it: n(ab) / (n(a) · n(b)).

    The formula by which WordPiece is usually described. It loves rare pairs that always stand together.

    >>> ratio(2, 2, 2, 100) > ratio(50, 60, 60, 100)
    True
    """
    return pair_count / (left_count * right_count)


def gain(pair_count: int, left_count: int, right_count: int, n_symbols: int) -> float:
    """How many nats likelier the text becomes by the join: n(ab) · ln( n(ab) · N / (n(a) · n(b)) ).

    The criterion of the paper, "the unit that increases the likelihood of the training data the most", with each
    piece's probability its share of the text (and the slow change of all other shares left out).
    """
    return pair_count * math.log(pair_count * n_symbols / (left_count * right_count))


def count(pair_count: int, left_count: int, right_count: int, n_symbols: int) -> float:
    """How often the pair stands there: the question of byte-pair encoding, and of Hugging Face's WordPiece trainer."""
    return pair_count


SCORES: dict[str, Callable[[int, int, int, int], float]] = {"gain": gain, "ratio": ratio, "count": count}


def first_pieces(word: str) -> list[str]:
    """Cut a word into its letters; the space before it belongs to the first, all others carry "##".

    >>> first_pieces(" kite")
    [' k', '##i', '##t', '##e']
    """
    start = 2 if word.startswith(" ") and len(word) > 1 else 1
    return [word[:start], *(CONTINUES + letter for letter in word[start:])]


class Trainer:
    """The words of the texts, and the queue of pairs that may be joined next.

    alphabet: the letters with which the vocabulary begins, the most frequent first; where there is no room for all,
    the rarest are left out, and words with them are not learned from.
    """

    def __init__(self, texts: str | Iterable[str], n_pieces: int, score: str = "gain"):
        if score not in SCORES:
            raise ValueError(f"score must be one of {', '.join(map(repr, SCORES))}, but was {score!r}.")
        self.score, self.n_pieces = SCORES[score], n_pieces
        counts = _word_counts(texts)
        self.alphabet = _alphabet(counts)[:n_pieces]
        symbols = {piece: chr(number) for number, piece in enumerate(self.alphabet)}
        spelled = {word: [symbols.get(piece) for piece in first_pieces(word)] for word in counts}
        learned = {word: spelling for word, spelling in spelled.items() if None not in spelling}
        self.words = WordTable(list(map("".join, learned.values())), [counts[word] for word in learned])
        self.n_symbols = sum(self.words.symbol_counts.values())
        self.pairs_with: defaultdict[str, set[str]] = defaultdict(set)
        self.queued: dict[str, float] = {}
        self.queue: list[tuple[float, str]] = []
        self._queue_pairs(set(self.words.pair_counts))

    def merges(self) -> Iterator[PieceMerge]:
        """Choose and make one merge after another, until there are `n_pieces` pieces or no word has two left.

        Of pairs with the same score, the one with the smaller left id wins, then the one with the smaller right id.
        """
        pieces = list(self.alphabet)
        while len(pieces) < self.n_pieces and (pair := self._best_pair()):
            left, right = (pieces[ord(symbol)] for symbol in pair)
            merge = PieceMerge((left, right), self.words.pair_counts[pair], self.queued[pair], len(pieces))
            pieces.append(merge.token)
            grown = self.words.join(pair, chr(merge.token_id))
            self.n_symbols -= self.words.symbol_counts[chr(merge.token_id)]
            self._queue_pairs(grown | self.pairs_with[pair[0]] | self.pairs_with[pair[1]])
            yield merge

    def _queue_pairs(self, changed: set[str]) -> None:
        """Put pairs in line by their present score: those that are new, and those whose halves became rarer."""
        for pair in changed:
            if self.words.pair_counts[pair] <= 0:
                for half in pair:
                    self.pairs_with[half].discard(pair)
            elif (present := self._score(pair)) > self.queued.get(pair, -math.inf):
                self.queued[pair] = present
                heapq.heappush(self.queue, (-present, pair))
                for half in pair:
                    self.pairs_with[half].add(pair)

    def _best_pair(self) -> str | None:
        """Take the best pair. What is queued is never below the truth: as pairs are joined there are fewer symbols."""
        while self.queue:
            negative_score, pair = heapq.heappop(self.queue)
            if self.words.pair_counts[pair] <= 0 or -negative_score != self.queued[pair]:
                continue  # joined away, or in line again with another score
            present = self._score(pair)
            if present == self.queued[pair]:
                return pair
            self.queued[pair] = present
            heapq.heappush(self.queue, (-present, pair))
        return None

    def _score(self, pair: str) -> float:
        counts = self.words.symbol_counts
        return self.score(self.words.pair_counts[pair], counts[pair[0]], counts[pair[1]], self.n_symbols)


def _word_counts(texts: str | Iterable[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for document in documents(texts):
        if document:
            counts.update(WORD_OR_MARK.findall(" " + document))
    if not counts:
        raise ValueError("There is no text to learn pieces from: the texts given are empty.")
    return counts


def _alphabet(counts: Counter[str]) -> list[str]:
    letters: Counter[str] = Counter()
    for word, frequency in counts.items():
        for piece in first_pieces(word):
            letters[piece] += frequency
    return sorted(letters, key=lambda piece: (-letters[piece], piece))


PIECE = regex.compile(
    r" ?[\p{L}\p{M}\p{N}_][\p{L}\p{M}\p{N}_'’]*| ?[^\s\p{L}\p{M}\p{N}_]|\s|" + CONTINUES + r"[\p{L}\p{M}\p{N}_'’]+"
)


class WordPieceTokenizer(VocabularyTokenizer):
    """Words cut greedily into the longest known pieces; a piece that goes on inside a word begins with "##".

    The words are those of `WordTokenizer`: a space belongs to the word after it, and the text gets one before its first
    word. A word that cannot be cut into known pieces to its end becomes one `<unk>`, as in BERT. Lesson 1.

    >>> tokenizer = WordPieceTokenizer([" k", " kite", "##ite", "##s"])
    >>> for pieces in tokenizer.encode_steps("kites"):
    ...     print(pieces)
    [' kites']
    [' kite', '##s']
    >>> tokenizer.decode(tokenizer.encode("kites"))
    'kites'
    """

    kind: ClassVar[str] = "wordpiece"
    piece_name: ClassVar[str] = "piece of a word"

    def __init__(self, pieces: Iterable[str]):
        super().__init__(pieces)
        self._longest = max(map(len, self.pieces), default=0)
        self._cut_once = lru_cache(maxsize=2**16)(self._cut)

    @classmethod
    def train_steps(
        cls, texts: str | Iterable[str], vocab_size: int = 1024, *, score: str = "gain", progress: bool = False
    ) -> Iterator[PieceMerge]:
        """Yield the merges while they are learned.

        texts: one string, or an iterable of documents. vocab_size: number of ids at the end: the letters, the merges,
        `<unk>` and `<|endoftext|>`. score: "gain" (the paper's: what raises the likelihood of the text most), "ratio"
        (the formula by which WordPiece is usually described) or "count" (as byte-pair encoding).
        """
        trainer = cls._trainer(texts, vocab_size, score)
        return cls._merges(trainer, progress)

    @classmethod
    def train(
        cls, texts: str | Iterable[str], vocab_size: int = 1024, *, score: str = "gain", progress: bool = False
    ) -> Self:
        """Learn pieces from texts until there are `vocab_size` ids, or every word is one piece; see `train_steps`."""
        trainer = cls._trainer(texts, vocab_size, score)
        return cls([*trainer.alphabet, *(merge.token for merge in cls._merges(trainer, progress))])

    @staticmethod
    def _trainer(texts: str | Iterable[str], vocab_size: int, score: str) -> Trainer:
        why = f"there are {UNKNOWN}, {END_OF_TEXT} and at least one letter"
        return Trainer(texts, check_vocab_size(vocab_size, N_SPECIAL + 1, why) - N_SPECIAL, score)

    @staticmethod
    def _merges(trainer: Trainer, progress: bool) -> Iterator[PieceMerge]:
        n_merges = trainer.n_pieces - len(trainer.alphabet)
        return iter(with_progress(trainer.merges(), progress, "merging pieces", " merges", n_merges))

    def split(self, text: str) -> list[str]:
        """Cut a text into known pieces; `<unk>` stands for each word that cannot be cut."""
        return [piece for word in self.split_words(text) for piece in self._cut_once(word)]

    def split_words(self, text: str) -> list[str]:
        """Cut a text into words and marks, with one space before the first."""
        return WORD_OR_MARK.findall(" " + check_text(text)) if text else []

    def token_spans(self, text: str) -> list[str]:
        """List the stretch of text that each token stands for; an `<unk>` stands for its whole word."""
        found = []
        for word in self.split_words(text):
            pieces = self._cut_once(word)
            found += [word] if UNKNOWN in pieces else [self._surface(piece) for piece in pieces]
        return found and [found[0].removeprefix(" "), *found[1:]]

    def encode_steps(self, text: str) -> Iterator[list[str]]:
        """Yield every split on the way from words to tokens: one by one, the longest piece is taken off a word."""
        words = self.split_words(text)
        done: list[str] = []
        yield words
        for number, word in enumerate(words):
            pieces, *later = self._word_steps(word)
            for pieces in later:
                yield done + pieces + words[number + 1 :]
            done += pieces

    def decode(self, token_ids: Iterable[int]) -> str:
        """Turn token ids back into text; lossless if none of them is `<unk>`."""
        return "".join(map(self._surface, self._look_up(token_ids))).removeprefix(" ")

    def _cut(self, word: str) -> tuple[str, ...]:
        pieces = tuple(self._matches(word))
        return (UNKNOWN,) if None in pieces else pieces

    def _matches(self, word: str) -> Iterator[str | None]:
        """Take the longest known piece off what is left of the word, again and again; None where nothing fits."""
        start, mark = 0, ""
        while start < len(word):
            longest = min(len(word), start + self._longest - len(mark))
            candidates = (mark + word[start:end] for end in range(longest, start, -1))
            piece = next((candidate for candidate in candidates if candidate in self._ids), None)
            yield piece
            if piece is None:
                return
            start, mark = start + len(piece) - len(mark), CONTINUES

    def _word_steps(self, word: str) -> Iterator[list[str]]:
        found: list[str] = []
        start = 0
        yield [word]
        for piece in self._matches(word):
            if piece is None:
                yield [UNKNOWN]
                return
            found.append(piece)
            start += len(self._surface(piece))
            if start < len(word):
                yield [*found, CONTINUES + word[start:]]

    @staticmethod
    def _surface(piece: str) -> str:
        if piece == UNKNOWN:
            return " " + UNKNOWN
        return piece.removeprefix(CONTINUES) if len(piece) > len(CONTINUES) else piece

    def _is_piece(self, piece: str) -> bool:
        return PIECE.fullmatch(piece) is not None
