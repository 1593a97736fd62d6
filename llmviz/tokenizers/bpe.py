"""How byte-pair encoding learns: join the most frequent pair of neighbors, and again, and again.

R. Sennrich, B. Haddow, A. Birch, "Neural machine translation of rare words with subword units" (2016),
section 3.2; on bytes, and never across the borders of words, as in GPT-2. Lesson 1.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar, Self

import regex
import tiktoken

from llmviz.tokenizers.base import (
    END_OF_TEXT,
    Tokenizer,
    check_text,
    check_token_ids,
    check_vocab_size,
    decode_bytes,
    displayable,
    documents,
)
from llmviz.tokenizers.word_table import WordTable

GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
WORD = regex.compile(GPT2_PATTERN)
N_BYTES = 256


@dataclass(frozen=True)
class Merge:
    """One thing learned: these two neighbors become one token.

    pair: the bytes of both tokens. count: how often they were neighbors when they were chosen.
    token_id: the id of the new token.
    """

    pair: tuple[bytes, bytes]
    count: int
    token_id: int

    @property
    def token(self) -> bytes:
        """The bytes of the new token."""
        return self.pair[0] + self.pair[1]


def train_steps(
    texts: str | Iterable[str], vocab_size: int = 1024, *, progress: bool = False
) -> Iterator[Merge]:
    """Learn from texts and yield each merge as soon as it is chosen.

    texts: one string, or an iterable of documents. vocab_size: number of ids at the end: 256 bytes, the
    merges, and `<|endoftext|>`. Among pairs that are equally frequent, the one with the smaller left id wins,
    then the one with the smaller right id. Ends early, with fewer merges, when no word has two tokens left.

    >>> for merge in train_steps("the kite, the tree, the tent", 258 + 1):
    ...     print(merge)
    Merge(pair=(b' ', b't'), count=4, token_id=256)
    Merge(pair=(b'h', b'e'), count=3, token_id=257)
    """
    size = check_vocab_size(vocab_size, N_BYTES + 1, "there are 256 bytes and one special token")
    words = _Words(texts)
    if not words.spellings:
        raise ValueError("There is no text to learn merges from: the texts given are empty.")
    return _with_progress(words.merges(size - N_BYTES - 1), size - N_BYTES - 1, progress)


class _Words(WordTable):
    """The words of the texts, spelled in bytes, with the pairs in the order in which they will be joined."""

    def __init__(self, texts: str | Iterable[str]):
        counts = word_counts(texts)
        spellings = [word.encode("utf-8").decode("latin-1") for word in counts]
        super().__init__(spellings, list(counts.values()))
        self.queue = [(-count, pair) for pair, count in self.pair_counts.items()]
        heapq.heapify(self.queue)

    def merges(self, n_merges: int) -> Iterator[Merge]:
        """Choose and make one merge after another. No two of them give the same bytes: inside the borders of
        a future token, each place where its bytes stand has been joined in the same way.
        """
        token_bytes = [bytes([byte]) for byte in range(N_BYTES)]
        while len(token_bytes) < N_BYTES + n_merges and (pair := self._most_frequent_pair()):
            left, right = (token_bytes[ord(symbol)] for symbol in pair)
            merge = Merge((left, right), self.pair_counts[pair], len(token_bytes))
            token_bytes.append(merge.token)
            for grown in self.join(pair, chr(merge.token_id)):
                heapq.heappush(self.queue, (-self.pair_counts[grown], grown))
            yield merge

    def _most_frequent_pair(self) -> str | None:
        while self.queue:
            negative_count, pair = heapq.heappop(self.queue)
            count = self.pair_counts[pair]
            if count == -negative_count and count > 0:
                return pair
            if 0 < count < -negative_count:  # it has become rarer since it was queued: back in line
                heapq.heappush(self.queue, (-count, pair))
        return None


def word_counts(texts: str | Iterable[str]) -> Counter[str]:
    """Count each word of the texts, cut as GPT-2 cuts them."""
    counts: Counter[str] = Counter()
    for document in documents(texts):
        counts.update(WORD.findall(document))
    return counts


def _with_progress(merges: Iterator[Merge], total: int, progress: bool) -> Iterator[Merge]:
    if not progress:
        return merges
    from tqdm.auto import tqdm

    return iter(tqdm(merges, desc="merging pairs", total=total, unit=" merges"))


LONG_WHITE_SPACE = 100_000


def _printable_bytes() -> dict[int, str]:
    """Give each byte one visible character, as GPT-2's files do: "t" for 116, "Ġ" for the space."""
    visible = [byte for byte in range(N_BYTES) if chr(byte).isprintable() and chr(byte) != " "]
    hidden = [byte for byte in range(N_BYTES) if byte not in visible]
    return {byte: chr(byte) for byte in visible} | {byte: chr(N_BYTES + i) for i, byte in enumerate(hidden)}


BYTE_TO_LETTER = _printable_bytes()
LETTER_TO_BYTE = {letter: byte for byte, letter in BYTE_TO_LETTER.items()}


class BytePairTokenizer(Tokenizer):
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
        """Yield the merges while they are learned; see `llmviz.tokenizers.bpe.train_steps`."""
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

        Of all neighbors that make a token together, the two whose token was learned first are joined, the
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

    def token_spans(self, text: str) -> list[bytes]:
        """List the stretch of the text's UTF-8 bytes that each token of it stands for; joined, they are the text."""
        return [self._bytes[token_id] for token_id in self.encode(text)]

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
