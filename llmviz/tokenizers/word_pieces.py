"""WordPiece, the tokenizer of BERT: always the longest piece that fits. Lesson 1."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import ClassVar, Self

import regex

from llmviz.tokenizers.pieces import PieceTokenizer, with_progress
from llmviz.tokenizers.texts import END_OF_TEXT, UNKNOWN, check_text, check_vocab_size
from llmviz.tokenizers.word_piece_training import CONTINUES, N_SPECIAL, PieceMerge, Trainer
from llmviz.tokenizers.words import WORD_OR_MARK

PIECE = regex.compile(
    r" ?[\p{L}\p{M}\p{N}_][\p{L}\p{M}\p{N}_'’]*| ?[^\s\p{L}\p{M}\p{N}_]|\s|" + CONTINUES + r"[\p{L}\p{M}\p{N}_'’]+"
)


class WordPieceTokenizer(PieceTokenizer):
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

    def stretches(self, text: str) -> list[str]:
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
