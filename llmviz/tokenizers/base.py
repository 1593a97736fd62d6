"""The base classes of all tokenizers, and the checks of their input."""

from __future__ import annotations

import codecs
import operator
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Self

from tqdm.auto import tqdm

END_OF_TEXT = "<|endoftext|>"
UNKNOWN = "<unk>"
N_SPECIAL = 2  # of a `_VocabularyTokenizer`: the two above
_LARGEST_VOCABULARY = 1_000_000
_LONG_WHITE_SPACE = 100_000


def check_text(text: str) -> str:
    """Return the text if it can be tokenized; raises ValueError for other types and for lone surrogates."""
    if not isinstance(text, str):
        raise ValueError(f"A tokenizer takes text (str), but was given {type(text).__name__}: {text!r:.60}.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        found = f"the lone surrogate U+{ord(text[error.start]):04X}"
        raise ValueError(f"The text holds half a character ({found}) at position {error.start}. Remove it.") from None
    return text


def _count_words(
    texts: str | Iterable[str], split: Callable[[str], list[str]], *, progress: bool = False
) -> Counter[str]:
    """Count the words of the training texts: one string is one document, else each item is one.

    split: cuts a document into words. Raises ValueError for bytes and other types, and where there are no words.
    """
    if isinstance(texts, bytes):
        raise ValueError("A tokenizer learns from text (str), but was given bytes; use data.decode() first.")
    if not isinstance(texts, Iterable):
        raise ValueError(f"A tokenizer learns from text or a list of texts, but was given {texts!r:.60}.")
    counts: Counter[str] = Counter()
    documents = [texts] if isinstance(texts, str) else texts
    for document in tqdm(documents, "counting words", unit=" texts", disable=not progress):
        counts.update(split(check_text(document)))
    if not counts:
        raise ValueError("There is no text to learn from: the texts given are empty.")
    return counts


def displayable(piece: bytes | str) -> str:
    """Show one token: its text if the bytes are valid UTF-8, else their hex digits.

    >>> displayable(b"caf\\xc3\\xa9"), displayable(b"\\xe2\\x98")
    ('café', '⟨e2 98⟩')
    """
    data = piece.encode("utf-8") if isinstance(piece, str) else piece
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return _hex(data)
    return _hex(data) if "\N{REPLACEMENT CHARACTER}" in text else text


def _hex(data: bytes) -> str:
    return f"⟨{data.hex(' ')}⟩"


def _hex_for_invalid_bytes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return _hex(error.object[error.start : error.end]), error.end


codecs.register_error("llmviz.hex", _hex_for_invalid_bytes)


class Tokenizer:
    """Base of all tokenizers: text to token ids and back.

    A subclass has `vocab_size`, `end_of_text` (the id of `<|endoftext|>`), `encode` and `token_bytes`.
    """

    kind: ClassVar[str]
    vocab_size: int
    end_of_text: int

    def encode(self, text: str) -> list[int]:
        """Turn text into token ids."""
        raise NotImplementedError

    def token_bytes(self, token_id: int) -> bytes:
        """The UTF-8 bytes of one token."""
        raise NotImplementedError

    def encode_prompt(self, text: str) -> list[int]:
        """Turn text into token ids, with `<|endoftext|>` before them: in training, each text follows one."""
        return [self.end_of_text, *self.encode(text)]

    def encode_batch(self, texts: Iterable[str]) -> list[list[int]]:
        """Encode each of several texts."""
        return [self.encode(text) for text in texts]

    def decode(self, token_ids: Iterable[int]) -> str:
        """Turn token ids back into text; bytes that are not valid UTF-8 become hex, such as ⟨e2 98⟩."""
        return b"".join(map(self.token_bytes, token_ids)).decode("utf-8", errors="llmviz.hex")

    def tokens(self, token_ids: Iterable[int]) -> list[str]:
        """Each token id as readable text (bytes that are not valid UTF-8 in hex)."""
        return [displayable(self.token_bytes(token_id)) for token_id in token_ids]

    def token_spans(self, text: str) -> list[bytes] | list[str]:
        """The span of the text that each token covers; joined, they are the text (its UTF-8 bytes)."""
        return [self.token_bytes(token_id) for token_id in self.encode(text)]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(vocab_size={self.vocab_size:,})"

    def _check_id(self, token_id: int) -> int:
        try:
            index = operator.index(token_id)
        except TypeError:
            raise ValueError(f"A token id is a whole number, but one given was {token_id!r}.") from None
        if not 0 <= index < self.vocab_size:
            raise ValueError(f"Token id {index} is not in this vocabulary, which ends at {self.vocab_size - 1}.")
        return index

    @staticmethod
    def _check_vocab_size(vocab_size: int, smallest: int, why: str) -> int:
        try:
            size = operator.index(vocab_size)
        except TypeError:
            raise ValueError(f"vocab_size must be a whole number, but was {vocab_size!r}.") from None
        if not smallest <= size <= _LARGEST_VOCABULARY:
            raise ValueError(f"vocab_size={size} is not possible: {why}; give {smallest:,} to {_LARGEST_VOCABULARY:,}.")
        return size

    @staticmethod
    def _has_long_white_space(text: str) -> bool:
        """Whether white space may be so long that tiktoken's stack overflows (seen at a million characters)."""
        chunks = range(0, len(text) - _LONG_WHITE_SPACE + 1, _LONG_WHITE_SPACE)
        return any(text[start : start + _LONG_WHITE_SPACE].isspace() for start in chunks)


class _VocabularyTokenizer(Tokenizer):
    """A tokenizer that cuts text by a fixed rule and looks each piece up in a list.

    Ids count the known pieces from 0; then come `<unk>` for every other piece, and last `<|endoftext|>`.
    """

    piece_name: ClassVar[str]

    def __init__(self, pieces: Iterable[str]):
        self.pieces = tuple(pieces)
        self.unknown = len(self.pieces)
        self.end_of_text = len(self.pieces) + 1
        self.vocab_size = len(self.pieces) + N_SPECIAL
        self._table = (*self.pieces, UNKNOWN, END_OF_TEXT)
        self._ids = {piece: token_id for token_id, piece in enumerate(self.pieces)}
        if len(self._ids) < len(self.pieces):
            twice = next(piece for piece, count in Counter(self.pieces).items() if count > 1)
            raise ValueError(f"The {self.piece_name} {twice!r} is in this vocabulary more than once.")
        for piece in self.pieces:
            if not self._is_piece(check_text(piece)):
                raise ValueError(f"{piece!r} is not one {self.piece_name}: it cannot be in this vocabulary.")

    def split(self, text: str) -> list[str]:
        """Cut a text into pieces by the rule of this tokenizer."""
        raise NotImplementedError

    @classmethod
    def train(cls, texts: str | Iterable[str], vocab_size: int | None = None, *, progress: bool = False) -> Self:
        """Learn the vocabulary: the most frequent pieces of the texts (all of them without a `vocab_size`).

        texts: one string, or an iterable of documents. vocab_size: number of ids, `<unk>` and `<|endoftext|>`
        included. Ties are broken by code point order.
        """
        n_pieces = None if vocab_size is None else cls._n_pieces(vocab_size)
        counts = _count_words(texts, cls(()).split, progress=progress)
        return cls(sorted(counts, key=lambda piece: (-counts[piece], piece))[:n_pieces])

    @classmethod
    def _n_pieces(cls, vocab_size: int) -> int:
        why = f"there are {UNKNOWN}, {END_OF_TEXT} and at least one {cls.piece_name}"
        return cls._check_vocab_size(vocab_size, N_SPECIAL + 1, why) - N_SPECIAL

    @property
    def special_tokens(self) -> dict[str, int]:
        """The special tokens and their ids."""
        return {UNKNOWN: self.unknown, END_OF_TEXT: self.end_of_text}

    def token_spans(self, text: str) -> list[str]:
        """The span of the text that each token covers, `<unk>` included; joined, they are the text."""
        return self.split(check_text(text))

    def encode(self, text: str) -> list[int]:
        return [self._ids.get(piece, self.unknown) for piece in self.split(check_text(text))]

    def token_bytes(self, token_id: int) -> bytes:
        return self._table[self._check_id(token_id)].encode("utf-8")

    def to_dict(self) -> dict[str, Any]:
        """The tokenizer as a dictionary for JSON; see `llmviz.tokenizers.from_dict`."""
        return {"kind": self.kind, "pieces": list(self.pieces)}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """Restore a tokenizer from `to_dict`; raises ValueError where the dictionary is damaged."""
        return cls(cls._saved_pieces(saved))

    @classmethod
    def _saved_pieces(cls, saved: dict[str, Any]) -> list[str]:
        pieces = saved.get("pieces")
        if not isinstance(pieces, list) or not all(isinstance(piece, str) for piece in pieces):
            raise ValueError(f'A saved {cls.kind!r} tokenizer needs "pieces", a list of strings.')
        return pieces

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.to_dict() == self.to_dict()

    def __hash__(self) -> int:
        return hash((self.kind, self.pieces))

    def _is_piece(self, piece: str) -> bool:
        return self.split(piece) == [piece]
