"""Words as tokens: short sequences, a long vocabulary, and no way to write a word that was not learned."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import regex

from llmviz.tokenizers.base import UNKNOWN, VocabularyTokenizer, check_text

WORD_OR_MARK = regex.compile(
    r" ?[\p{L}\p{M}\p{N}_]+(?:['’][\p{L}\p{M}\p{N}]+)*"  # a word, with apostrophes inside: " don't"
    r"| ?[^\s\p{L}\p{M}\p{N}_]"  # one mark: ",", " «", "👍"
    r"|\s"  # one character of other white space: "\n"
)


class WordTokenizer(VocabularyTokenizer):
    """Words and punctuation marks are tokens; the space before a word belongs to it, as in SentencePiece.

    One space is put before the text and taken away again by `decode`, so that "Mia" at the start is the same
    token as " Mia" later. Lossless as long as no piece is `<unk>`. Lesson 1.

    >>> tokenizer = WordTokenizer.train("Mia found a kite. Then Mia ran.")
    >>> tokenizer.tokens(tokenizer.encode("Mia ran and found Mia."))
    [' Mia', ' ran', '<unk>', ' found', ' Mia', '.']
    >>> tokenizer.decode(tokenizer.encode("Then Mia found a kite."))
    'Then Mia found a kite.'
    """

    kind: ClassVar[str] = "word"
    piece_name: ClassVar[str] = "word or mark"

    def split(self, text: str) -> list[str]:
        """Cut a text into words and marks; joined again, they are the text with one space before it."""
        return WORD_OR_MARK.findall(" " + text) if text else []

    def token_spans(self, text: str) -> list[str]:
        """List the stretch of text that each token stands for: the first has no space before it."""
        first, *others = self.split(check_text(text)) or [""]
        return [first.removeprefix(" "), *others] if text else []

    def decode(self, token_ids: Iterable[int]) -> str:
        """Turn token ids back into text, without the space before the first word."""
        pieces = (" " + UNKNOWN if piece == UNKNOWN else piece for piece in self._look_up(token_ids))
        return "".join(pieces).removeprefix(" ")

    def _is_piece(self, piece: str) -> bool:
        return WORD_OR_MARK.fullmatch(piece) is not None


def words(text: str) -> list[str]:
    """List the words and punctuation marks of a text, without the white space between them.

    >>> words("Mia's kite, at last!")
    ["Mia's", 'kite', ',', 'at', 'last', '!']
    """
    return [piece.lstrip(" ") for piece in WORD_OR_MARK.findall(text) if not piece.isspace()]


class CharacterTokenizer(VocabularyTokenizer):
    """Every character (Unicode code point) is a token; one that was not in the training text becomes `<unk>`.

    Lesson 1. Short vocabulary, long sequences.

    >>> tokenizer = CharacterTokenizer.train("a red kite")
    >>> tokenizer.tokens(tokenizer.encode("tree!"))
    ['t', 'r', 'e', 'e', '<unk>']
    """

    kind: ClassVar[str] = "characters"
    piece_name: ClassVar[str] = "character"

    def split(self, text: str) -> list[str]:
        """Cut a text into its characters."""
        return list(text)
