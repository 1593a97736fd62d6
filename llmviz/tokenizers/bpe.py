"""Byte-pair encoding: merge the most frequent pair of neighboring tokens, and again, and again.

R. Sennrich, B. Haddow, A. Birch, "Neural machine translation of rare words with subword units" (2016), section 3.2; on
bytes, and never across the borders of words, as in GPT-2. First the training, then the tokenizer.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, repeat
from typing import Any, ClassVar, Self

import regex
import tiktoken
from tqdm.auto import tqdm

from llmviz.tokenizers.base import END_OF_TEXT, Tokenizer, _count_words, check_text, displayable

GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
WORD = regex.compile(GPT2_PATTERN)
N_BYTES = 256
_FEW = 16


@dataclass(frozen=True)
class Merge:
    """One step of training: a pair of tokens (bytes), neighbors so many times, becomes the token `token_id`."""

    pair: tuple[bytes, bytes]
    count: int
    token_id: int

    @property
    def token(self) -> bytes:
        """The bytes of the new token."""
        return self.pair[0] + self.pair[1]


class _WordTable:
    """The different words of the training texts as sequences of symbols, with counts that merges keep up to date.

    A symbol is the one character `chr(token_id)`; so a word is a string, a pair is a string of length 2, and a merge
    replaces it by one character. Only the words that hold the pair are visited.

    spellings: each different word. frequencies: how often each occurs. symbol_counts, pair_counts: how often each
    symbol and each pair of neighbors occurs in the texts.

    >>> words = _WordTable(["hot", "hop"], [3, 1])
    >>> dict(words.pair_counts)
    {'ho': 4, 'ot': 3, 'op': 1}
    >>> words.merge("ho", "H", least=1), words.spellings
    ({'Ht': 3, 'Hp': 1}, ['Ht', 'Hp'])
    """

    def __init__(self, spellings: Iterable[str], frequencies: Iterable[int]):
        self.spellings, self.frequencies = list(spellings), list(frequencies)
        self.symbol_counts: defaultdict[str, int] = defaultdict(int)
        self.pair_counts: defaultdict[str, int] = defaultdict(int)
        self._words_with: defaultdict[str, list[int]] = defaultdict(list)
        for index, (spelling, frequency) in enumerate(zip(self.spellings, self.frequencies, strict=True)):
            for symbol, times in _counted(spelling):
                self.symbol_counts[symbol] += frequency * times
            for pair, times in _counted([*_pairs(spelling)]):
                self.pair_counts[pair] += frequency * times
                self._words_with[pair].append(index)

    def merge(self, pair: str, symbol: str, least: int) -> dict[str, int]:
        """Replace the pair by the symbol everywhere; returns how often each new pair of neighbors occurs.

        least: new pairs that occur less often are left out, here and in `pair_counts`.
        """
        new_counts: defaultdict[str, int] = defaultdict(int)
        words_with: defaultdict[str, list[int]] = defaultdict(list)
        n_merged = 0
        for index in self._words_with.pop(pair):
            parts, frequency = self.spellings[index].split(pair), self.frequencies[index]
            if len(parts) == 1:  # an earlier merge took the pair away
                continue
            self.spellings[index] = symbol.join(parts)
            n_merged += frequency * (len(parts) - 1)
            for old, new, times in _changed_pairs(parts, pair, symbol):
                self.pair_counts[old] -= frequency * times
                new_counts[new] += frequency * times
                words_with[new].append(index)
        kept = {new: count for new, count in new_counts.items() if count >= least}
        self.pair_counts.update(kept)
        self._words_with.update((new, words_with[new]) for new in kept)
        self.pair_counts[pair] -= n_merged
        self.symbol_counts[symbol] += n_merged
        for half in pair:
            self.symbol_counts[half] -= n_merged
        return kept


def _pairs(spelling: str) -> Iterator[str]:
    return map(str.__add__, spelling, spelling[1:])


def _counted(items: Sequence[str]) -> Iterable[tuple[str, int]]:
    """Each item and how often it occurs; of a few items, which are faster taken one by one, each once."""
    return Counter(items).items() if len(items) > _FEW else zip(items, repeat(1))


def _changed_pairs(parts: Sequence[str], pair: str, symbol: str) -> Iterator[tuple[str, str, int]]:
    """The pairs of neighbors that a merge changes, before and after it, and how often: those at the merged pairs.

    parts: the word, cut at the merged pairs. So a long word costs no more than many short ones.
    """
    left, right = pair
    for letter, times in _counted([part[-1] for part in parts[:-1] if part]):
        yield letter + left, letter + symbol, times
    for letter, times in _counted([part[0] for part in parts[1:] if part]):
        yield right + letter, symbol + letter, times
    if times := parts[1:-1].count(""):  # merged pairs side by side
        yield right + left, symbol + symbol, times


def _merges(word_counts: Mapping[str, int], n_merges: int) -> Iterator[Merge]:
    """Choose and make one merge after another; ends early when no word has two tokens left.

    No two merges give the same bytes: inside the borders of a future token, each place where its bytes occur has been
    merged in the same way. Most pairs occur once: they are left out until no other pair is left, which saves time.
    """
    spellings = [word.encode("utf-8").decode("latin-1") for word in word_counts]
    tokens = [bytes([byte]) for byte in range(N_BYTES)]
    for least in (2, 1):
        if len(tokens) == N_BYTES + n_merges:
            return
        words = _WordTable(spellings, word_counts.values())
        spellings = words.spellings
        # The most frequent pair first; ties: smaller ids.
        queue = [(-count, pair) for pair, count in words.pair_counts.items() if count >= least]
        heapq.heapify(queue)
        while queue and len(tokens) < N_BYTES + n_merges:
            negative_count, pair = heapq.heappop(queue)
            count = words.pair_counts[pair]
            if least <= count < -negative_count:  # it has become rarer since it was queued: back into the queue
                heapq.heappush(queue, (-count, pair))
            if count < least or count != -negative_count:
                continue
            merge = Merge((tokens[ord(pair[0])], tokens[ord(pair[1])]), count, len(tokens))
            tokens.append(merge.token)
            for new_pair, count in words.merge(pair, chr(merge.token_id), least).items():
                heapq.heappush(queue, (-count, new_pair))
            yield merge


class BytePairTokenizer(Tokenizer):
    """Text as bytes, and bytes merged to longer tokens in the order in which the merges were learned.

    Ids 0 to 255 are the bytes, then comes one id for each merge, and last `<|endoftext|>`. Every text can be encoded,
    and decoding gives the same text. `merges`: the pairs of bytes in the order of learning.

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

    def __init__(self, merges: Iterable[tuple[bytes, bytes]]):
        self.merges = tuple((bytes(left), bytes(right)) for left, right in merges)
        self._ids = {bytes([byte]): byte for byte in range(N_BYTES)}
        for number, (left, right) in enumerate(self.merges):
            for half in (left, right):
                if half not in self._ids:
                    raise ValueError(f"Merge {number} joins {displayable(half)!r}, neither a byte nor an earlier merge")
            if left + right in self._ids:
                raise ValueError(f"Merge {number} makes {displayable(left + right)!r}, which is already a token.")
            self._ids[left + right] = len(self._ids)
        self._bytes = [*self._ids, END_OF_TEXT.encode()]
        self.end_of_text = len(self._ids)
        self.vocab_size = len(self._bytes)

    @classmethod
    def train_steps(
        cls, texts: str | Iterable[str], vocab_size: int = 1024, *, progress: bool = False
    ) -> Iterator[Merge]:
        """Learn from texts and yield each merge as soon as it is chosen.

        texts: one string, or an iterable of documents. vocab_size: number of ids at the end: 256 bytes, the merges,
        and `<|endoftext|>`. Of equally frequent pairs, the one with the smaller left id is merged first, then the one
        with the smaller right id. Ends early when no word has two tokens left.

        >>> for merge in BytePairTokenizer.train_steps("the kite, the tree, the tent", 258 + 1):
        ...     print(merge)
        Merge(pair=(b' ', b't'), count=4, token_id=256)
        Merge(pair=(b'h', b'e'), count=3, token_id=257)
        """
        smallest = N_BYTES + 1
        n_merges = cls._check_vocab_size(vocab_size, smallest, "there are 256 bytes and one special token") - smallest
        merges = _merges(_count_words(texts, WORD.findall), n_merges)
        return iter(tqdm(merges, "merging pairs", n_merges, unit=" merges", disable=not progress))

    @classmethod
    def train(cls, texts: str | Iterable[str], vocab_size: int = 1024, *, progress: bool = False) -> Self:
        """Learn merges from texts until there are `vocab_size` ids, or no pairs left; see `train_steps`."""
        return cls(merge.pair for merge in cls.train_steps(texts, vocab_size, progress=progress))

    @property
    def special_tokens(self) -> dict[str, int]:
        """The special tokens and their ids."""
        return {END_OF_TEXT: self.end_of_text}

    def split_words(self, text: str) -> list[str]:
        """Cut a text into the words inside which bytes are merged; a space belongs to the word after it."""
        return WORD.findall(check_text(text))

    def encode_steps(self, text: str) -> Iterator[list[bytes]]:
        """Yield every split on the way from bytes to tokens, one merge at a time, word after word.

        Of all neighbors that form a token, the pair that was learned first is merged, the leftmost if there are
        several. The last split holds the tokens. A piece is bytes; `displayable` shows it.
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

    def _first_learned(self, pieces: list[bytes]) -> int | None:
        ids = [self._ids.get(left + right) for left, right in pairwise(pieces)]
        places = [place for place, token_id in enumerate(ids) if token_id is not None]
        return min(places, key=ids.__getitem__, default=None)

    def encode(self, text: str) -> list[int]:
        """Turn text into token ids: those of the last of `encode_steps`, computed by tiktoken.

        `<|endoftext|>` inside the text is text like any other. (Both ways split words by the Unicode tables of their
        regular-expression library, so characters younger than the older of the two may differ.)
        """
        if not self._has_long_white_space(check_text(text)):
            return self.fast_encoding.encode_ordinary(text)
        encode_word = self.fast_encoding._encode_single_piece
        return [token_id for word in WORD.findall(text) for token_id in encode_word(word)]

    @cached_property
    def fast_encoding(self) -> tiktoken.Encoding:
        """The same tokenizer as a `tiktoken.Encoding`, made from the same merges; `encode` uses it."""
        special = self.special_tokens
        return tiktoken.Encoding("bpe", pat_str=GPT2_PATTERN, mergeable_ranks=self._ids, special_tokens=special)

    def token_bytes(self, token_id: int) -> bytes:
        return self._bytes[self._check_id(token_id)]

    def token_id(self, piece: bytes) -> int:
        """The id of a token, given its bytes, such as a piece from the last of `encode_steps`."""
        if piece not in self._ids:
            raise ValueError(f"{displayable(piece)!r} is not a token of this vocabulary; encode() splits it.")
        return self._ids[piece]

    def to_dict(self) -> dict[str, Any]:
        """The tokenizer as a dictionary for JSON; see `llmviz.tokenizers.from_dict`.

        A merge is written as in GPT-2's `vocab.bpe`: "Ġt he", one visible letter for each byte, Ġ for the space.
        """
        merges = [" ".join("".join(BYTE_TO_LETTER[byte] for byte in half) for half in pair) for pair in self.merges]
        return {"kind": self.kind, "word_pattern": GPT2_PATTERN, "merges": merges}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        if saved.get("word_pattern") != GPT2_PATTERN:
            raise ValueError(f"Not our word_pattern: {saved.get('word_pattern')!r:.50}. Train the tokenizer again.")
        merges = saved.get("merges")
        if not isinstance(merges, list):
            raise ValueError('A saved BPE tokenizer needs "merges", a list of strings such as "Ġt he".')
        return cls(map(_pair_from_letters, merges))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BytePairTokenizer) and other.merges == self.merges

    def __hash__(self) -> int:
        return hash(self.merges)


def _printable_bytes() -> dict[int, str]:
    visible = [byte for byte in range(N_BYTES) if chr(byte).isprintable() and chr(byte) != " "]
    hidden = [byte for byte in range(N_BYTES) if byte not in visible]
    return {byte: chr(byte) for byte in visible} | {byte: chr(N_BYTES + i) for i, byte in enumerate(hidden)}


BYTE_TO_LETTER = _printable_bytes()
"""Each byte as one visible character, as in GPT-2's files: "t" for 116, "Ġ" for the space."""
LETTER_TO_BYTE = {letter: byte for byte, letter in BYTE_TO_LETTER.items()}


def _pair_from_letters(merge: Any) -> tuple[bytes, bytes]:
    halves = merge.split(" ") if isinstance(merge, str) else []
    if len(halves) != 2 or not all(half and set(half) <= LETTER_TO_BYTE.keys() for half in halves):
        raise ValueError(f'{merge!r:.80} is not a merge; one is two pieces with a space between: "Ġt he".')
    left, right = (bytes(LETTER_TO_BYTE[letter] for letter in half) for half in halves)
    return left, right
