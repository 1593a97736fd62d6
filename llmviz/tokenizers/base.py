"""What every tokenizer needs to know about text: which text it takes, and how a token is shown."""

from __future__ import annotations

import codecs
import operator
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Self

END_OF_TEXT = "<|endoftext|>"
UNKNOWN = "<unk>"


def check_text(text: str) -> str:
    """Give the text back if it can be tokenized, else say in one sentence why not.

    A lone surrogate is half of a character: Python can hold it, but UTF-8 has no bytes for it.
    """
    if not isinstance(text, str):
        raise ValueError(f"A tokenizer takes text (str), but was given {type(text).__name__}: {text!r:.60}.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"The text holds half a character (the lone surrogate U+{ord(text[error.start]):04X}) at "
            f"position {error.start}, which has no UTF-8 bytes. Remove it, or read the text anew as UTF-8."
        ) from None
    return text


def documents(texts: str | Iterable[str]) -> Iterator[str]:
    """Walk over the documents to learn from: one string is one document, else each item is one."""
    if isinstance(texts, bytes):
        raise ValueError("A tokenizer learns from text (str), but was given bytes; use data.decode() first.")
    if not isinstance(texts, Iterable):
        raise ValueError(f"A tokenizer learns from text or a list of texts, but was given {texts!r:.60}.")
    for document in [texts] if isinstance(texts, str) else texts:
        yield check_text(document)


def check_vocab_size(vocab_size: int, smallest: int, why: str, largest: int = 1_000_000) -> int:
    """Give the vocabulary size back as an int if it lies within the bounds, else say what is possible."""
    try:
        size = operator.index(vocab_size)
    except TypeError:
        raise ValueError(f"vocab_size must be a whole number, but was {vocab_size!r}.") from None
    if not smallest <= size <= largest:
        raise ValueError(f"vocab_size={size} is not possible: {why}, so give {smallest:,} to {largest:,}.")
    return size


def check_token_ids(token_ids: Iterable[int], vocab_size: int) -> list[int]:
    """Give the ids back as plain ints if each one is in the vocabulary, else name the first that is not."""
    checked = []
    for token_id in token_ids:
        try:
            index = operator.index(token_id)
        except TypeError:
            raise ValueError(f"A token id is a whole number, but one given was {token_id!r}.") from None
        if not 0 <= index < vocab_size:
            raise ValueError(f"Token id {index} is not in this vocabulary, which ends at {vocab_size - 1}.")
        checked.append(index)
    return checked


def hex_form(data: bytes) -> str:
    """Show bytes that are no text as hex digits, such as ⟨e2 98⟩."""
    return f"⟨{data.hex(' ')}⟩"


def displayable(piece: bytes | str) -> str:
    """Show one piece of text: the text itself if its bytes are valid UTF-8, else their hex digits.

    >>> displayable(b"caf\\xc3\\xa9"), displayable(b"\\xe2\\x98")
    ('café', '⟨e2 98⟩')
    """
    data = piece.encode("utf-8") if isinstance(piece, str) else piece
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return hex_form(data)
    return hex_form(data) if "\N{REPLACEMENT CHARACTER}" in text else text


def decode_bytes(data: bytes) -> str:
    """Turn bytes into text; those that are no valid UTF-8 become hex, never the replacement character."""
    return data.decode("utf-8", errors="llmviz.hex")


def _hex_instead(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return hex_form(error.object[error.start : error.end]), error.end


codecs.register_error("llmviz.hex", _hex_instead)


class Tokenizer:
    """Base of all tokenizers: text to token ids and back."""

    kind: ClassVar[str]
    vocab_size: int
    end_of_text: int

    def encode(self, text: str) -> list[int]:
        """Turn text into token ids."""
        raise NotImplementedError

    def encode_prompt(self, text: str) -> list[int]:
        """Turn text into token ids, with `<|endoftext|>` before them: in training, each text follows one."""
        return [self.end_of_text, *self.encode(text)]

    def encode_batch(self, texts: Iterable[str]) -> list[list[int]]:
        """Encode each of several texts."""
        return [self.encode(text) for text in texts]


class VocabularyTokenizer(Tokenizer):
    """A tokenizer that cuts text by a fixed rule and looks every piece up in a list.

    The ids count the known pieces from 0; then come `<unk>` for every other piece, and last `<|endoftext|>`.
    """

    piece_name: ClassVar[str]

    def __init__(self, pieces: Iterable[str]):
        self.pieces = tuple(pieces)
        self.unknown = len(self.pieces)
        self.end_of_text = len(self.pieces) + 1
        self._table = (*self.pieces, UNKNOWN, END_OF_TEXT)
        self._ids = {piece: token_id for token_id, piece in enumerate(self.pieces)}
        self._check_pieces()

    def split(self, text: str) -> list[str]:
        """Cut a text into pieces by the rule of this tokenizer."""
        raise NotImplementedError

    @classmethod
    def train(
        cls, texts: str | Iterable[str], vocab_size: int | None = None, *, progress: bool = False
    ) -> Self:
        """Learn the vocabulary: the most frequent pieces of the texts (all of them without a `vocab_size`).

        texts: one string, or an iterable of documents. vocab_size: number of ids, `<unk>` and `<|endoftext|>`
        included. Of equally frequent pieces the one earlier in code point order comes first, so that the
        result is always the same.
        """
        if vocab_size is not None:
            why = f"there are {UNKNOWN}, {END_OF_TEXT} and at least one {cls.piece_name}"
            vocab_size = check_vocab_size(vocab_size, 3, why)
        counts: Counter[str] = Counter()
        splitter = cls(())
        for document in with_progress(documents(texts), progress, "counting", " texts"):
            counts.update(splitter.split(document))
        if not counts:
            raise ValueError("There is no text to learn a vocabulary from: the texts given are empty.")
        by_frequency = sorted(counts, key=lambda piece: (-counts[piece], piece))
        return cls(by_frequency if vocab_size is None else by_frequency[: vocab_size - 2])

    @property
    def vocab_size(self) -> int:
        """How many ids there are."""
        return len(self._table)

    @property
    def special_tokens(self) -> dict[str, int]:
        """The tokens that stand for no text, and their ids."""
        return {UNKNOWN: self.unknown, END_OF_TEXT: self.end_of_text}

    def token_spans(self, text: str) -> list[str]:
        """List the stretch of text that each token of it stands for, also those of `<unk>`; joined, they are the text.

        A token that stands for no character of the text (the space before its first word) has the stretch "".
        """
        return self.split(check_text(text))

    def encode_steps(self, text: str) -> Iterator[list[str]]:
        """Yield the splits on the way to tokens: the whole text, its pieces, the pieces with `<unk>`."""
        check_text(text)
        yield [text] if text else []
        pieces = self.split(text)
        yield pieces
        yield [piece if piece in self._ids else UNKNOWN for piece in pieces]

    def encode(self, text: str) -> list[int]:
        """Turn text into token ids; a piece that was not learned becomes the id of `<unk>`."""
        return [self._ids.get(piece, self.unknown) for piece in self.split(check_text(text))]

    def decode(self, token_ids: Iterable[int]) -> str:
        """Turn token ids back into text; lossless if none of them is `<unk>`."""
        return "".join(self._look_up(token_ids))

    def tokens(self, token_ids: Iterable[int]) -> list[str]:
        """Show each token id as readable text, one string per id."""
        return [displayable(piece) for piece in self._look_up(token_ids)]

    def token_bytes(self, token_id: int) -> bytes:
        """Give the UTF-8 bytes of one token."""
        (piece,) = self._look_up([token_id])
        return piece.encode("utf-8")

    def to_dict(self) -> dict[str, Any]:
        """Give all that `llmviz.tokenizers.from_dict` needs to make this tokenizer again, ready for JSON."""
        return {"kind": self.kind, "pieces": list(self.pieces)}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """Make the tokenizer again from what `to_dict` gave; anything else is refused in a sentence."""
        return cls(cls.checked_pieces(cls.kind, saved))

    @staticmethod
    def checked_pieces(kind: str, saved: dict[str, Any]) -> list[str]:
        """Give the list of pieces out of a saved tokenizer, or say that there is none."""
        pieces = saved.get("pieces")
        if not isinstance(pieces, list) or not all(isinstance(piece, str) for piece in pieces):
            raise ValueError(f'A saved {kind!r} tokenizer needs "pieces", a list of strings.')
        return pieces

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.pieces == self.pieces

    def __hash__(self) -> int:
        return hash((self.kind, self.pieces))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(vocab_size={self.vocab_size:,})"

    def _check_pieces(self) -> None:
        if len(self._ids) < len(self.pieces):
            twice = next(piece for piece, count in Counter(self.pieces).items() if count > 1)
            raise ValueError(f"The {self.piece_name} {twice!r} is in this vocabulary more than once.")
        for piece in self.pieces:
            if not self._is_piece(check_text(piece)):
                raise ValueError(f"{piece!r} is not one {self.piece_name}: it cannot be in this vocabulary.")

    def _look_up(self, token_ids: Iterable[int]) -> list[str]:
        return [self._table[token_id] for token_id in check_token_ids(token_ids, self.vocab_size)]

    def _is_piece(self, piece: str) -> bool:
        return self.split(piece) == [piece]


def with_progress(items: Iterable, progress: bool, doing: str, unit: str, total: int | None = None) -> Iterable:
    """Walk over the items, with a progress bar if one is wanted."""
    if not progress:
        return items
    from tqdm.auto import tqdm

    return tqdm(items, desc=doing, unit=unit, total=total)
