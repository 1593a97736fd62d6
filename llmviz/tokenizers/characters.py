"""The simplest tokenizer: every character is a token."""

from typing import ClassVar

from llmviz.tokenizers.pieces import PieceTokenizer


class CharacterTokenizer(PieceTokenizer):
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
