"""Words and characters as tokens, and what a word is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import regex

from llmviz.tokenizers.base import UNKNOWN, _VocabularyTokenizer, check_text

# A word, with apostrophes inside ("don't"), or one mark (",", "👍").
WORD = regex.compile(r"[\p{L}\p{M}\p{N}_]+(?:['’][\p{L}\p{M}\p{N}]+)*|[^\s\p{L}\p{M}\p{N}_]")
_SPACED_WORD = regex.compile(rf" ?(?:{WORD.pattern})|\s")  # with the space before it; or one other white space


def words(text: str) -> list[str]:
    """The words and punctuation marks of a text, without white space.

    >>> words("Mia's kite, at last!")
    ["Mia's", 'kite', ',', 'at', 'last', '!']
    """
    return [word for word in WORD.findall(text) if not word.isspace()]


class WordTokenizer(_VocabularyTokenizer):
    """Words and punctuation marks are tokens; the space before a word belongs to it, as in SentencePiece.

    One space is put before the text and removed by `decode`, so that "Mia" at the start is the same token as " Mia"
    later. Lossless as long as no piece is `<unk>`.

    >>> tokenizer = WordTokenizer.train("Mia found a kite. Then Mia ran.")
    >>> tokenizer.tokens(tokenizer.encode("Mia ran and found Mia."))
    [' Mia', ' ran', '<unk>', ' found', ' Mia', '.']
    >>> tokenizer.decode(tokenizer.encode("Then Mia found a kite."))
    'Then Mia found a kite.'
    """

    kind: ClassVar[str] = "word"
    piece_name: ClassVar[str] = "word or mark"
    piece_pattern = _SPACED_WORD

    def split_words(self, text: str) -> list[str]:
        """Cut a text into words and marks; joined, they are the text with one space before it."""
        return _SPACED_WORD.findall(" " + check_text(text)) if text else []

    def split(self, text: str) -> list[str]:
        return [piece for word in self.split_words(text) for piece, _ in self._split_word(word)]

    def token_spans(self, text: str) -> list[str]:
        spans = [span for word in self.split_words(check_text(text)) for _, span in self._split_word(word)]
        return spans and [spans[0].removeprefix(" "), *spans[1:]]

    def decode(self, token_ids: Iterable[int]) -> str:
        surfaces = (self._surface(self._table[self._check_id(token_id)]) for token_id in token_ids)
        return "".join(surfaces).removeprefix(" ")

    def _split_word(self, word: str) -> Sequence[tuple[str, str]]:
        """The pieces of a word, each with the span of the word that it covers."""
        return [(word, word)]

    def _surface(self, piece: str) -> str:
        return " " + UNKNOWN if piece == UNKNOWN else piece

    def _is_piece(self, piece: str) -> bool:
        return self.piece_pattern.fullmatch(piece) is not None


class CharacterTokenizer(_VocabularyTokenizer):
    """Every character (Unicode code point) is a token; unknown ones become `<unk>`.

    >>> tokenizer = CharacterTokenizer.train("a red kite")
    >>> tokenizer.tokens(tokenizer.encode("tree!"))
    ['t', 'r', 'e', 'e', '<unk>']
    """

    kind: ClassVar[str] = "characters"
    piece_name: ClassVar[str] = "character"

    def split(self, text: str) -> list[str]:
        return list(text)
