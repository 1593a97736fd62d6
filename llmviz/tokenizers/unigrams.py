"""The unigram tokenizer, that of T5 and of many multilingual models: the most probable split wins. Lesson 1."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import groupby
from typing import Any, ClassVar, Self

import regex

from llmviz.tokenizers.pieces import PieceTokenizer, with_progress
from llmviz.tokenizers.texts import END_OF_TEXT, UNKNOWN, check_text, check_vocab_size, documents
from llmviz.tokenizers.unigram_training import UnigramRound, best_split, rounds
from llmviz.tokenizers.words import WORD_OR_MARK

PIECE = regex.compile(r" ?[\p{L}\p{M}\p{N}_'’]+| ?[^\s\p{L}\p{M}\p{N}_]|\s")
N_SPECIAL = 2
UNKNOWN_PENALTY = 10.0  # nats below the rarest piece, as in SentencePiece


class UnigramTokenizer(PieceTokenizer):
    """Every piece has a probability, and a word is cut in the way whose pieces have the greatest product.

    The words are those of `WordTokenizer`: a space belongs to the word after it, and the text gets one before its first
    word. Letters that are no piece become `<unk>`, several in a row one. `log_probabilities` (nats) belong to `pieces`,
    which begin with the most probable. Lesson 1.

    >>> tokenizer = UnigramTokenizer({" un": -2.0, "do": -2.5, " und": -3.0, "o": -4.0, " ": -5.0})
    >>> for pieces in tokenizer.encode_steps("undo"):
    ...     print(pieces)
    [' ']
    [' ', '<unk>']
    [' un']
    [' und']
    [' un', 'do']
    """

    kind: ClassVar[str] = "unigram"
    piece_name: ClassVar[str] = "piece of a word"

    def __init__(self, log_probabilities: Mapping[str, float]):
        super().__init__(sorted(log_probabilities, key=lambda piece: (-log_probabilities[piece], piece)))
        self._log_p = {piece: float(log_probabilities[piece]) for piece in self.pieces}
        wrong = next((piece for piece, value in self._log_p.items() if not -1e300 < value <= 0), None)
        if wrong is not None:
            raise ValueError(f"A log-probability is 0 or less, but that of {wrong!r} is {self._log_p[wrong]}.")
        self._longest = max(map(len, self.pieces), default=1)
        self._unknown_log_p = min(self._log_p.values(), default=0.0) - UNKNOWN_PENALTY
        self._cut_once = lru_cache(maxsize=2**16)(self._cut)

    @property
    def log_probabilities(self) -> tuple[float, ...]:
        """The log-probability of each piece, in nats; one for each of `pieces`."""
        return tuple(self._log_p.values())

    @classmethod
    def train_steps(
        cls, texts: str | Iterable[str], vocab_size: int = 1024, *, progress: bool = False
    ) -> Iterator[UnigramRound]:
        """Yield each round of learning: the pieces are weighed, then the least missed are dropped.

        texts: one string, or an iterable of documents. vocab_size: number of ids at the end: the pieces, `<unk>` and
        `<|endoftext|>`.
        """
        why = f"there are {UNKNOWN}, {END_OF_TEXT} and at least one letter"
        n_pieces = check_vocab_size(vocab_size, N_SPECIAL + 1, why) - N_SPECIAL
        counts: Counter[str] = Counter()
        for document in documents(texts):
            if document:
                counts.update(WORD_OR_MARK.findall(" " + document))
        if not counts:
            raise ValueError("There is no text to learn pieces from: the texts given are empty.")
        return iter(with_progress(rounds(counts, n_pieces), progress, "weighing pieces", " rounds"))

    @classmethod
    def train(cls, texts: str | Iterable[str], vocab_size: int = 1024, *, progress: bool = False) -> Self:
        """Learn pieces from texts until only those of `vocab_size` ids are left; see `train_steps`."""
        *_, last = cls.train_steps(texts, vocab_size, progress=progress)
        return cls(last.log_probabilities)

    def split(self, text: str) -> list[str]:
        """Cut a text into its most probable pieces; `<unk>` stands for letters that are no piece."""
        return [piece or UNKNOWN for word in self.split_words(text) for piece, _ in self._cut_once(word)]

    def split_words(self, text: str) -> list[str]:
        """Cut a text into words and marks, with one space before the first."""
        return WORD_OR_MARK.findall(" " + check_text(text)) if text else []

    def stretches(self, text: str) -> list[str]:
        """List the stretch of text that each token stands for; the first has no space before it."""
        found = [stretch for word in self.split_words(text) for _, stretch in self._cut_once(word)]
        return found and [found[0].removeprefix(" "), *found[1:]]

    def encode_steps(self, text: str) -> Iterator[list[str]]:
        """Yield the best split of ever longer starts of each word, letter by letter, word after word."""
        done: list[str] = []
        yield from [] if text else [done]
        for word in self.split_words(text):
            for end in range(1, len(word) + 1):
                pieces = [piece or UNKNOWN for piece, _ in self._cut(word[:end])]
                yield done + pieces
            done += pieces

    def log_probability(self, pieces: Iterable[str]) -> float:
        """Add up the log-probabilities of pieces: that of the split which they make, in nats."""
        return sum(self._log_p.get(piece, self._unknown_log_p) for piece in pieces)

    def decode(self, token_ids: Iterable[int]) -> str:
        """Turn token ids back into text; lossless if none of them is `<unk>`."""
        return "".join(self._look_up(token_ids)).removeprefix(" ")

    def to_dict(self) -> dict[str, Any]:
        """Give all that `llmviz.tokenizers.from_dict` needs to make this tokenizer again, ready for JSON."""
        return {**super().to_dict(), "log_probabilities": list(self.log_probabilities)}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """Make the tokenizer again from what `to_dict` gave; anything else is refused in a sentence."""
        pieces = cls.checked_pieces(cls.kind, saved)
        values = saved.get("log_probabilities")
        if not isinstance(values, list) or len(values) != len(pieces) or not all(map(_is_number, values)):
            raise ValueError(f'A saved {cls.kind!r} tokenizer needs "log_probabilities", one number for each piece.')
        if len(set(pieces)) < len(pieces):
            raise ValueError(f"A piece is in this saved {cls.kind!r} tokenizer more than once.")
        return cls(dict(zip(pieces, values, strict=True)))

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and other._log_p == self._log_p

    def __hash__(self) -> int:
        return super().__hash__()

    def _cut(self, word: str) -> tuple[tuple[str | None, str], ...]:
        """The pieces of a word, each with its stretch of the word; None for letters that are no piece."""
        found: list[tuple[str | None, str]] = []
        place = 0
        split = best_split(word, self._log_p, self._longest, self._unknown_log_p)
        for is_unknown, group in groupby(split, key=lambda piece: piece is None):
            pieces = list(group)
            if is_unknown:
                found.append((None, word[place : place + len(pieces)]))
            else:
                found += [(piece, piece) for piece in pieces]
            place = sum(len(stretch) for _, stretch in found)
        return tuple(found)

    def _is_piece(self, piece: str) -> bool:
        return PIECE.fullmatch(piece) is not None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
