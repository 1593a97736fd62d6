"""What every tokenizer needs to know about text: which text it takes, and how a token is shown."""

import codecs
import operator
from collections.abc import Iterable, Iterator

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
