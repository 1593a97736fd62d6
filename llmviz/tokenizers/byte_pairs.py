"""Byte-level byte-pair encoding (BPE), the tokenizer of GPT-2 and its successors. Lesson 1."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar, Self

import tiktoken

from llmviz.tokenizers.byte_pair_training import GPT2_PATTERN, N_BYTES, WORD, Merge, train_steps
from llmviz.tokenizers.texts import END_OF_TEXT, check_text, check_token_ids, decode_bytes, displayable

LONG_WHITE_SPACE = 100_000


def _printable_bytes() -> dict[int, str]:
    """Give each byte one visible character, as GPT-2's files do: "t" for 116, "Ġ" for the space."""
    visible = [byte for byte in range(N_BYTES) if chr(byte).isprintable() and chr(byte) != " "]
    hidden = [byte for byte in range(N_BYTES) if byte not in visible]
    return {byte: chr(byte) for byte in visible} | {byte: chr(N_BYTES + i) for i, byte in enumerate(hidden)}


BYTE_TO_LETTER = _printable_bytes()
LETTER_TO_BYTE = {letter: byte for byte, letter in BYTE_TO_LETTER.items()}


class BytePairTokenizer:
    """Text as bytes, and bytes joined to longer tokens in the order in which the joins were learned.

    Ids 0 to 255 are the bytes, then one id for each merge, and last `<|endoftext|>`. Every text can be
    written, and decoding what was encoded gives the same text. `merges` holds the pairs of bytes in the order
    in which they were learned.

    >>> tokenizer = BytePairTokenizer.train("the kite, the tree, the tent", vocab_size=260)
    >>> tokenizer.merges
    ((b' ', b't'), (b'h', b'e'), (b' t', b'he'))
    >>> for pieces in tokenizer.encode_steps(" then"):
    ...     print(pieces)
    [b' ', b't', b'h', b'e', b'n']
    [b' t', b'h', b'e', b'n']
    [b' t', b'he', b'n']
    [b' the', b'n']
    >>> tokenizer.tokens(tokenizer.encode("the then"))
    ['t', 'he', ' the', 'n']
    """

    kind: ClassVar[str] = "bpe"

    def __init__(self, merges: Iterable[tuple[bytes, bytes]], *, stopped_early: bool = False):
        self.merges = tuple((bytes(left), bytes(right)) for left, right in merges)
        self.stopped_early = stopped_early
        self._ids = {bytes([byte]): byte for byte in range(N_BYTES)}
        for number, (left, right) in enumerate(self.merges):
            self._learn(left, right, number)
        self._bytes = [*self._ids, END_OF_TEXT.encode()]
        self.end_of_text = len(self._ids)

    @classmethod
    def train_steps(
        cls, texts: str | Iterable[str], vocab_size: int = 1024, *, progress: bool = False
    ) -> Iterator[Merge]:
        """Yield the merges while they are learned; see `llmviz.tokenizers.byte_pair_training.train_steps`."""
        return train_steps(texts, vocab_size, progress=progress)

    @classmethod
    def train(cls, texts: str | Iterable[str], vocab_size: int = 1024, *, progress: bool = False) -> Self:
        """Learn merges from texts until there are `vocab_size` ids (256 bytes, merges, `<|endoftext|>`).

        If the texts run out of pairs before that, the vocabulary is smaller and `stopped_early` is True.
        """
        merges = [merge.pair for merge in cls.train_steps(texts, vocab_size, progress=progress)]
        return cls(merges, stopped_early=N_BYTES + len(merges) + 1 < vocab_size)

    @property
    def vocab_size(self) -> int:
        """How many ids there are."""
        return len(self._bytes)

    @property
    def special_tokens(self) -> dict[str, int]:
        """The tokens that stand for no text, and their ids."""
        return {END_OF_TEXT: self.end_of_text}

    def split_words(self, text: str) -> list[str]:
        """Cut a text into the words inside which bytes are joined; a space belongs to the word after it."""
        return WORD.findall(check_text(text))

    def encode_steps(self, text: str) -> Iterator[list[bytes]]:
        """Yield every split on the way from bytes to tokens, one join at a time.

        Of all neighbours that make a token together, the two whose token was learned first are joined, the
        leftmost if there are several. The last split holds the tokens. A text of several words is joined word
        after word. A piece is bytes; `displayable` shows it.
        """
        words = [[bytes([byte]) for byte in word.encode("utf-8")] for word in self.split_words(text)]
        done: list[bytes] = []
        yield [piece for word in words for piece in word]
        for number, pieces in enumerate(words):
            rest = [piece for word in words[number + 1 :] for piece in word]
            while (place := self._first_learned(pieces)) is not None:
                pieces = [*pieces[:place], pieces[place] + pieces[place + 1], *pieces[place + 2 :]]
                yield done + pieces + rest
            done += pieces

    def encode(self, text: str) -> list[int]:
        """Turn text into token ids: those of the last of `encode_steps`, by tiktoken's fast machinery.

        `<|endoftext|>` inside the text is text like any other. (Both ways split words by the Unicode tables
        of their regular-expression library, so characters younger than the older of the two may differ.)
        """
        if not has_long_white_space(check_text(text)):
            return self.fast_encoding.encode_ordinary(text)
        ids_of_words = map(self._word_encoding.encode_ordinary, WORD.findall(text))
        return [token_id for word in ids_of_words for token_id in word]

    def stretches(self, text: str) -> list[bytes]:
        """List the stretch of the text's UTF-8 bytes that each token of it stands for; joined, they are the text."""
        return [self._bytes[token_id] for token_id in self.encode(text)]

    def encode_batch(self, texts: Iterable[str]) -> list[list[int]]:
        """Encode each of several texts."""
        return [self.encode(text) for text in texts]

    def decode(self, token_ids: Iterable[int]) -> str:
        """Turn token ids back into text; bytes that are no valid UTF-8 become hex, such as ⟨e2 98⟩."""
        checked = check_token_ids(token_ids, self.vocab_size)
        return decode_bytes(b"".join(self._bytes[token_id] for token_id in checked))

    def tokens(self, token_ids: Iterable[int]) -> list[str]:
        """Show each token id as readable text, one string per id (bytes that are no text in hex)."""
        checked = check_token_ids(token_ids, self.vocab_size)
        return [displayable(self._bytes[token_id]) for token_id in checked]

    def token_bytes(self, token_id: int) -> bytes:
        """Give the bytes of one token."""
        (token_id,) = check_token_ids([token_id], self.vocab_size)
        return self._bytes[token_id]

    def token_id(self, piece: bytes) -> int:
        """Give the id of a token from its bytes, such as a piece from the last of `encode_steps`."""
        if piece not in self._ids:
            raise ValueError(f"{displayable(piece)!r} is not a token of this vocabulary; encode() splits it.")
        return self._ids[piece]

    @cached_property
    def fast_encoding(self) -> tiktoken.Encoding:
        """The same tokenizer as a `tiktoken.Encoding`, made from the same merges; `encode` uses it."""
        return self._encoding_with(GPT2_PATTERN)

    def to_dict(self) -> dict[str, Any]:
        """Give all that `llmviz.tokenizers.from_dict` needs to make this tokenizer again, ready for JSON.

        A merge is written as in GPT-2's `vocab.bpe`: "Ġt he", one visible letter a byte, Ġ for the space.
        """
        return {
            "kind": self.kind,
            "word_pattern": GPT2_PATTERN,
            "stopped_early": self.stopped_early,
            "merges": [f"{_letters(left)} {_letters(right)}" for left, right in self.merges],
        }

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """Make the tokenizer again from what `to_dict` gave; anything else is refused in a sentence."""
        if saved.get("word_pattern") != GPT2_PATTERN:
            raise ValueError(
                f"This saved BPE tokenizer cuts words by the pattern {saved.get('word_pattern')!r}, but this "
                f"version of llmviz knows only {GPT2_PATTERN!r}. Train the tokenizer again."
            )
        merges = saved.get("merges")
        if not isinstance(merges, list):
            raise ValueError('A saved BPE tokenizer needs "merges", a list of strings such as "Ġt he".')
        return cls(map(_pair_from_letters, merges), stopped_early=bool(saved.get("stopped_early", False)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BytePairTokenizer) and other.merges == self.merges

    def __hash__(self) -> int:
        return hash(self.merges)

    def __repr__(self) -> str:
        return f"BytePairTokenizer(vocab_size={self.vocab_size:,}, merges={len(self.merges):,})"

    def _learn(self, left: bytes, right: bytes, number: int) -> None:
        unknown = next((half for half in (left, right) if half not in self._ids), None)
        if unknown is not None:
            raise ValueError(
                f"Merge {number} joins {displayable(left)!r} and {displayable(right)!r}, but "
                f"{displayable(unknown)!r} is neither a byte nor an earlier merge: the list is damaged."
            )
        if left + right in self._ids:
            raise ValueError(f"Merge {number} makes {displayable(left + right)!r}, which is already a token.")
        self._ids[left + right] = len(self._ids)

    def _first_learned(self, pieces: list[bytes]) -> int | None:
        ids = [self._ids.get(left + right) for left, right in pairwise(pieces)]
        places = [place for place, token_id in enumerate(ids) if token_id is not None]
        return min(places, key=ids.__getitem__, default=None)

    @cached_property
    def _word_encoding(self) -> tiktoken.Encoding:
        """The same merges, for texts that are already cut into words."""
        return self._encoding_with(r"(?s).+")

    def _encoding_with(self, word_pattern: str) -> tiktoken.Encoding:
        return tiktoken.Encoding(
            "llmviz-bpe",
            pat_str=word_pattern,
            mergeable_ranks=self._ids,
            special_tokens=self.special_tokens,
        )


def has_long_white_space(text: str) -> bool:
    """Whether so much white space may be in one place that tiktoken's stack overflows (seen at a million)."""
    chunks = range(0, len(text) - LONG_WHITE_SPACE + 1, LONG_WHITE_SPACE)
    return any(text[start : start + LONG_WHITE_SPACE].isspace() for start in chunks)


def _letters(data: bytes) -> str:
    return "".join(BYTE_TO_LETTER[byte] for byte in data)


def _pair_from_letters(merge: Any) -> tuple[bytes, bytes]:
    halves = merge.split(" ") if isinstance(merge, str) else []
    if len(halves) != 2 or not all(half and set(half) <= LETTER_TO_BYTE.keys() for half in halves):
        raise ValueError(f'{merge!r:.80} is not a merge; one is two pieces with a space between: "Ġt he".')
    left, right = (bytes(LETTER_TO_BYTE[letter] for letter in half) for half in halves)
    return left, right
