"""Unigram tokenization: each piece has a probability, and a word is cut into its most probable pieces.

T. Kudo, "Subword regularization: improving neural network translation models with multiple subword candidates" (2018),
section 3.2. The probability of a split is the product of its pieces; that of a word, the sum over all its splits.
Training begins with far too many pieces and repeats: estimate the probabilities by expectation maximization, then drop
the pieces whose loss costs the least likelihood.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any, ClassVar, Self

import numpy as np
import regex
from tqdm.auto import tqdm

from llmviz.tokenizers.base import UNKNOWN, _count_words
from llmviz.tokenizers.words import WordTokenizer

_LONGEST_PIECE = 16  # letters
_LONGEST_WORD = 64  # letters; a longer word is learned in parts, since the time grows with the longest
_KEPT_EACH_ROUND = 0.75
_EM_STEPS = 2
_FIRST_PIECES = 10  # times as many as at the end
_LEAST_COUNT = 0.5  # of a letter that is hardly used, so that every word can be encoded
_UNKNOWN_PENALTY = 10.0  # nats below the rarest piece, as in SentencePiece


@dataclass(frozen=True)
class _UnigramRound:
    """One round of training, in nats. log_probabilities: of the pieces at its end. log_likelihood: of the text before
    pieces were dropped. dropped: the pieces dropped, in the order of the likelihood that they cost."""

    log_probabilities: dict[str, float]
    log_likelihood: float
    dropped: tuple[str, ...]


class _Lattice:
    """All ways to cut all words into pieces: a node at each border between letters, an edge for each piece.

    start, end, piece, word: of each edge, its two nodes and the numbers of its piece and word (n_edges,), in the order
    of where in the word it ends.
    """

    def __init__(self, words: Mapping[str, int], pieces: Sequence[str]):
        self.counts = np.array(list(words.values()), float)
        number_of = {piece: number for number, piece in enumerate(pieces)}
        longest = max(map(len, pieces))
        lengths = np.array([len(word) for word in words])
        self.first = np.concatenate([[0], np.cumsum(lengths + 1)[:-1]])
        self.last = self.first + lengths
        edges = [
            (first + start, first + end, number_of[word[start:end]], index, end)
            for index, (word, first) in enumerate(zip(words, self.first.tolist(), strict=True))
            for end in range(1, len(word) + 1)
            for start in range(max(0, end - longest), end)
            if word[start:end] in number_of
        ]
        self.start, self.end, self.piece, self.word, self.place = np.array(sorted(edges, key=itemgetter(4)), int).T

    def expected_counts(self, log_probabilities: np.ndarray) -> tuple[np.ndarray, float]:
        """The expected number of uses of each piece, over all splits of all words (forward-backward algorithm).

        log_probabilities: of each piece, in nats. Returns the counts (n_pieces,), and the log-likelihood of the text
        in nats. forward[node]: log of the sum over all splits of the word up to here; backward[node]: from here on.
        """
        forward = np.full(self.last[-1] + 1, -np.inf)
        backward = forward.copy()
        forward[self.first] = backward[self.last] = 0.0
        score = log_probabilities[self.piece]
        borders = np.flatnonzero(np.diff(self.place, prepend=0, append=0))
        levels = [slice(start, end) for start, end in pairwise(borders)]
        for edges in levels:
            start, end = self.start[edges], self.end[edges]
            np.logaddexp.at(forward, end, forward[start] + score[edges])
        for edges in reversed(levels):
            start, end = self.start[edges], self.end[edges]
            np.logaddexp.at(backward, start, backward[end] + score[edges])
        total = forward[self.last]
        use = np.exp(forward[self.start] + score + backward[self.end] - total[self.word])
        counts = np.bincount(self.piece, use * self.counts[self.word], minlength=len(log_probabilities))
        return counts, float(total @ self.counts)

    def keep(self, kept: np.ndarray) -> None:
        """Remove the edges of the pieces that were dropped; kept: True for each piece that stays (n_pieces,)."""
        edges = np.stack([self.start, self.end, (np.cumsum(kept) - 1)[self.piece], self.word, self.place])
        self.start, self.end, self.piece, self.word, self.place = edges[:, kept[self.piece]]


def _rounds(words: Mapping[str, int], n_pieces: int) -> Iterator[_UnigramRound]:
    """Train on words and their counts; the last round has `n_pieces` pieces, or as many as there were.

    Where there is no room for all letters, the rarest are left out, and words with them are ignored.
    """
    parts: Counter[str] = Counter()
    for word, count in words.items():
        for start in range(0, len(word), _LONGEST_WORD):
            parts[word[start : start + _LONGEST_WORD]] += count
    counts = _count_parts(parts, longest=1)
    letters = sorted(counts, key=lambda letter: (-counts[letter], letter))[:n_pieces]
    known = set(letters)
    words = {word: count for word, count in parts.items() if known.issuperset(word)}
    pieces, weights = _first_pieces(words, letters, _FIRST_PIECES * n_pieces)
    lattice, log_p = _Lattice(words, pieces), np.log(weights / weights.sum())
    while True:
        for _ in range(_EM_STEPS):
            expected, log_likelihood = lattice.expected_counts(log_p)
            counts = np.where([len(piece) == 1 for piece in pieces], np.maximum(expected, _LEAST_COUNT), expected)
            log_p = np.log(np.maximum(counts, 1e-300) / counts.sum())
        n_kept = max(n_pieces, int(len(pieces) * _KEPT_EACH_ROUND))
        order = np.argsort(_likelihood_lost(pieces, counts, log_p), kind="stable")
        dropped = order[: max(0, len(pieces) - n_kept)]
        kept = ~np.isin(np.arange(len(pieces)), dropped)
        names = tuple(pieces[number] for number in dropped)
        pieces, log_p = [piece for piece, stays in zip(pieces, kept, strict=True) if stays], log_p[kept]
        yield _UnigramRound(dict(zip(pieces, log_p.tolist(), strict=True)), log_likelihood, names)
        if not names:
            return
        lattice.keep(kept)


def _first_pieces(words: Mapping[str, int], letters: Sequence[str], most: int) -> tuple[list[str], np.ndarray]:
    """The letters, and parts of words that occur twice or more, those that cover the most text first.

    Returns the pieces, and their weights: how often each occurs, times its length (n_pieces,).
    """
    counts = _count_parts(words, _LONGEST_PIECE)
    repeated = (part for part in counts if len(part) > 1 and counts[part] > 1)
    pieces = [*letters, *sorted(repeated, key=lambda part: (-counts[part] * len(part), part))[:most]]
    return pieces, np.array([max(counts[piece] * len(piece), _LEAST_COUNT) for piece in pieces], float)


def _count_parts(words: Mapping[str, int], longest: int) -> Counter[str]:
    """Count all parts of the words, up to so many letters."""
    counts: Counter[str] = Counter()
    for word, count in words.items():
        for start in range(len(word)):
            for end in range(start + 1, min(len(word), start + longest) + 1):
                counts[word[start:end]] += count
    return counts


def _best_split(text: str, log_probabilities: Mapping[str, float], longest: int, unknown: float) -> list[str]:
    """The most probable way to cut a text into pieces (Viterbi algorithm) and unknown letters.

    best[end]: the log-probability of the best split of text[:end], and where its last piece starts; ties: the longest.
    unknown: log-probability of a letter that is not a piece.
    """
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(text) + 1):
        here = (-np.inf, end - 1)
        for start in range(max(0, end - longest), end):
            score = log_probabilities.get(text[start:end], unknown if end - start == 1 else -np.inf)
            if best[start][0] + score > here[0]:
                here = (best[start][0] + score, start)
        best.append(here)
    pieces: list[str] = []
    end = len(text)
    while end:
        start = best[end][1]
        pieces.append(text[start:end])
        end = start
    return pieces[::-1]


def _likelihood_lost(pieces: Sequence[str], counts: np.ndarray, log_p: np.ndarray) -> np.ndarray:
    """The log-likelihood in nats that the text would lose if each piece were replaced by its next best split; letters
    are never dropped: inf. Returns (n_pieces,)."""
    table = dict(zip(pieces, log_p.tolist(), strict=True))
    lost = np.full(len(pieces), np.inf)
    for number, piece in enumerate(pieces):
        if len(piece) > 1:
            own = table.pop(piece)
            parts = _best_split(piece, table, _LONGEST_PIECE, -np.inf)
            lost[number] = counts[number] * (own - sum(table[part] for part in parts))
            table[piece] = own
    return lost


class UnigramTokenizer(WordTokenizer):
    """Every piece has a probability, and a word is cut in the way whose pieces have the greatest product.

    Words and spaces are those of `WordTokenizer`. Letters that are not in a piece become `<unk>`, several in a row one.
    `log_probabilities` (nats) belong to `pieces`, which begin with the most probable.

    >>> tokenizer = UnigramTokenizer({" un": -2.0, "do": -2.5, " und": -3.0, "o": -4.0, " ": -5.0})
    >>> tokenizer.tokens(tokenizer.encode("undo"))
    [' un', 'do']
    """

    kind: ClassVar[str] = "unigram"
    piece_name: ClassVar[str] = "piece of a word"
    piece_pattern = regex.compile(r" ?[\p{L}\p{M}\p{N}_'’]+| ?[^\s\p{L}\p{M}\p{N}_]|\s")

    def __init__(self, log_probabilities: Mapping[str, float]):
        super().__init__(sorted(log_probabilities, key=lambda piece: (-log_probabilities[piece], piece)))
        self._log_p = {piece: float(log_probabilities[piece]) for piece in self.pieces}
        wrong = next((piece for piece, value in self._log_p.items() if not -1e300 < value <= 0), None)
        if wrong is not None:
            raise ValueError(f"A log-probability is 0 or less, but that of {wrong!r} is {self._log_p[wrong]}.")
        self._longest = max(map(len, self.pieces), default=1)
        self._unknown_log_p = min(self._log_p.values(), default=0.0) - _UNKNOWN_PENALTY
        self._split_word = lru_cache(maxsize=2**16)(self._cut)

    @property
    def log_probabilities(self) -> tuple[float, ...]:
        """The log-probability of each piece, in nats; one for each of `pieces`."""
        return tuple(self._log_p.values())

    @classmethod
    def train_steps(
        cls, texts: str | Iterable[str], vocab_size: int = 1024, *, progress: bool = False
    ) -> Iterator[_UnigramRound]:
        """Yield each round of training: the probabilities are estimated, then pieces are dropped.

        texts: one string, or an iterable of documents. vocab_size: number of ids at the end: the pieces, `<unk>` and
        `<|endoftext|>`.
        """
        n_pieces = cls._n_pieces(vocab_size)
        rounds = _rounds(_count_words(texts, WordTokenizer(()).split_words), n_pieces)
        return iter(tqdm(rounds, "unigram training", unit=" rounds", disable=not progress))

    @classmethod
    def train(cls, texts: str | Iterable[str], vocab_size: int = 1024, *, progress: bool = False) -> Self:
        """Learn pieces from texts until only those of `vocab_size` ids are left; see `train_steps`."""
        *_, last = cls.train_steps(texts, vocab_size, progress=progress)
        return cls(last.log_probabilities)

    def log_probability(self, pieces: Iterable[str]) -> float:
        """The log-probability of a split, in nats: the sum over its pieces."""
        return sum(self._log_p.get(piece, self._unknown_log_p) for piece in pieces)

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "log_probabilities": list(self.log_probabilities)}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        pieces = cls._saved_pieces(saved)
        values = saved.get("log_probabilities")
        if not isinstance(values, list) or len(values) != len(pieces) or not {*map(type, values)} <= {int, float}:
            raise ValueError(f'A saved {cls.kind!r} tokenizer needs "log_probabilities", one number for each piece.')
        if len(set(pieces)) < len(pieces):
            raise ValueError(f"A piece is in this saved {cls.kind!r} tokenizer more than once.")
        return cls(dict(zip(pieces, values, strict=True)))

    def _cut(self, word: str) -> Sequence[tuple[str, str]]:
        split = _best_split(word, self._log_p, self._longest, self._unknown_log_p)
        found: list[tuple[str, str]] = []
        for is_known, group in groupby(split, key=self._log_p.__contains__):
            pieces = list(group)
            found += zip(pieces, pieces, strict=True) if is_known else [(UNKNOWN, "".join(pieces))]
        return found

    def _surface(self, piece: str) -> str:
        return piece
