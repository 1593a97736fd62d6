"""BERT's tokenizer: text is cleaned, cut at spaces and marks, and each word into the longest pieces (lesson 10)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from llmviz.tokenizers.base import Tokenizer, check_text
from llmviz.tokenizers.wordpiece import CONTINUES, longest_matches

UNKNOWN, START, END, MASK, PADDING = "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[PAD]"
LONGEST_WORD = 100
NO_TEXT = ("Cc", "Cf", "Co")  # control, format, private use
# The blocks of Chinese characters, which stand apart like words. Source: Devlin et al. 2019, their published code.
_CHINESE = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # fmt: skip


class BertTokenizer(Tokenizer):
    """WordPiece as BERT has it: [CLS], the pieces of each word, [SEP].

    Args:
        vocabulary: the pieces in the order of their ids, as in `vocab.txt`; "##" begins one that goes on in a word.
        lowercase: whether capital letters and accents are given up first.

    Attributes `start`, `end_of_text`, `mask`, `unknown`: the ids of [CLS], [SEP], [MASK] (None without one), [UNK].
    Raises ValueError where [UNK], [CLS] or [SEP] is missing.

    >>> tokenizer = BertTokenizer(["[UNK]", "[CLS]", "[SEP]", "kit", "##es", "!"])
    >>> tokenizer.tokens(tokenizer.encode("Kités!"))
    ['[CLS]', 'kit', '##es', '!', '[SEP]']
    """

    kind = "bert"

    def __init__(self, vocabulary: Sequence[str], *, lowercase: bool = True):
        self.pieces, self.lowercase = list(vocabulary), lowercase
        self._ids = {piece: place for place, piece in enumerate(self.pieces)}
        if missing := [token for token in (UNKNOWN, START, END) if token not in self._ids]:
            raise ValueError(f"this vocabulary has no {missing[0]}: it is not one of BERT")
        self.start, self.end_of_text, self.unknown = (self._ids[token] for token in (START, END, UNKNOWN))
        self.mask = self._ids.get(MASK)

    @property
    def vocab_size(self) -> int:
        """How many ids there are."""
        return len(self.pieces)

    def encode(self, text: str) -> list[int]:
        """Turn text into token ids, [CLS] before and [SEP] after them. Such names in the text are plain text."""
        pieces = (piece for word in self.split_words(text) for piece in self.split(word))
        return [self.start, *(self._ids[piece] for piece in pieces), self.end_of_text]

    def split_words(self, text: str) -> list[str]:
        """Clean a text, and cut it at white space and around marks."""
        words: list[str] = []
        for stretch in self._clean(check_text(text)).split():
            goes_on = False
            for character in stretch:
                if _is_mark(character) or not goes_on:
                    words.append(character)
                else:
                    words[-1] += character
                goes_on = not _is_mark(character)
        return words

    def split(self, word: str) -> list[str]:
        """Cut a word into the longest known pieces; [UNK] where that fails, or where it is longer than 100 letters."""
        pieces = list(longest_matches(word, self._ids, LONGEST_WORD)) if len(word) <= LONGEST_WORD else []
        return pieces if pieces and None not in pieces else [UNKNOWN]

    def decode(self, token_ids: Iterable[int]) -> str:
        """Turn ids back into words; capitals, accents and the spaces around marks are lost, special tokens left out."""
        left_out = {self.start, self.end_of_text, self._ids.get(PADDING)}
        pieces = [self.pieces[self._check_id(one)] for one in token_ids if one not in left_out]
        return " ".join(pieces).replace(f" {CONTINUES}", "")

    def tokens(self, token_ids: Iterable[int]) -> list[str]:
        """Show each token id as it stands in the vocabulary, one string per id."""
        return [self.pieces[self._check_id(one)] for one in token_ids]

    def _clean(self, text: str) -> str:
        cleaned = "".join(_cleaned(text))
        if not self.lowercase:
            return cleaned
        apart = unicodedata.normalize("NFD", cleaned)  # letter by letter: Σ becomes σ at the end of a word, too
        return "".join(character.lower() for character in apart if unicodedata.category(character) != "Mn")

    def __repr__(self) -> str:
        return f"BertTokenizer(vocab_size={self.vocab_size:,}, lowercase={self.lowercase})"


def _cleaned(text: str) -> Iterator[str]:
    """Drop what is no text, make all white space alike, and set Chinese characters apart."""
    for character in text:
        kind = unicodedata.category(character)
        if character in "\t\n\r" or kind[0] == "Z":
            yield " "
        elif any(first <= ord(character) <= last for first, last in _CHINESE):
            yield f" {character} "
        elif character != "\N{REPLACEMENT CHARACTER}" and kind not in NO_TEXT:
            yield character


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "P" or character in "$+<=>^`|~"
