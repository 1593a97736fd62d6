"""What the token explorer asks a tokenizer, whatever its kind: its tokens of a text, and how each was joined."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import tiktoken

from llmviz.tokenizers import TOKENIZERS, Tokenizer
from llmviz.tokenizers.bpe import BytePairTokenizer
from llmviz.tokenizers.tiktoken import tiktoken_encoding

N_BYTES = 256
NEVER = -1
ACCEPTED = (tiktoken.Encoding, *TOKENIZERS.values())
HOW = {
    "wordpiece": "the longest piece that fits here",
    "unigram": "part of the most probable split",
    "word": "a whole word or mark",
    "characters": "a single character",
}
KIND_NAMES = {"bpe": "BPE", "wordpiece": "WordPiece", "unigram": "Unigram", "word": "Words", "characters": "Characters"}


@dataclass(frozen=True)
class Tokens:
    """A text under one tokenizer.

    token_ids: one int a token. labels: how each token is written in the vocabulary. sizes: how many of the text's UTF-8
    bytes each stands for; they add up to the text. joined_by: for byte pairs, one int for each byte of the text but the
    first: the id of the token by which the border before this byte vanished, or NEVER; else None.
    """

    token_ids: list[int]
    labels: list[str]
    sizes: list[int]
    joined_by: list[int] | None


class TokenSource:
    """One of the tokenizers that are compared.

    name: as a learner reads it. tokenizer: one of ours, or a `tiktoken.Encoding`. corpus: texts in which to count how
    often each token is used; counted when first asked for.
    """

    def __init__(self, name: str, tokenizer: Tokenizer | tiktoken.Encoding, corpus: Sequence[str] = ()):
        self.name, self.tokenizer, self.corpus = name, tokenizer, corpus
        self.is_real = isinstance(tokenizer, tiktoken.Encoding)
        self.has_merges = self.is_real or isinstance(tokenizer, BytePairTokenizer)
        self.vocab_size = tokenizer.n_vocab if self.is_real else tokenizer.vocab_size
        self.n_merges = self._n_ordinary() - N_BYTES if self.has_merges else 0
        self.joins = cache(self._joins)
        self.uses = cache(self._uses)

    def read(self, text: str) -> Tokens:
        """Cut a text into tokens."""
        ids = self.encode(text)
        if not self.has_merges:
            sizes = [len(stretch.encode("utf-8")) for stretch in self.tokenizer.token_spans(text)]
            return Tokens(ids, self.tokenizer.tokens(ids), sizes, None)
        pieces = [self._token_bytes(token_id) for token_id in ids]
        joined_by = [border for piece in pieces for border in (NEVER, *self.joins(piece))]
        return Tokens(ids, [""] * len(ids), list(map(len, pieces)), joined_by[1:])

    def encode(self, text: str) -> list[int]:
        """Give the token ids; special tokens inside the text are text."""
        return self.tokenizer.encode_ordinary(text) if self.is_real else self.tokenizer.encode(text)

    def byte_ids(self, values: Iterable[int]) -> dict[int, int]:
        """Give the ids of single bytes, by their value from 0 to 255."""
        return {value: self._token_id(bytes([value])) for value in values}

    def how(self) -> str:
        """Say why a token is one, where it was not joined from pairs."""
        return "" if self.has_merges else HOW[self.tokenizer.kind]

    def code(self) -> str:
        """The line of Python by which the ids come about; `text` and `tokenizer` are the learner's names."""
        if self.is_real:
            return f'tiktoken_encoding("{self.tokenizer.name}").encode_ordinary(text)'
        return "tokenizer.encode(text)"

    def _joins(self, piece: bytes) -> tuple[int, ...]:
        """Join the bytes of one token as in training, and give for each border the id of the token that took it away.

        Inside the borders of a token, bytes are joined in the same way whatever stands around it; so the borders that
        are left after the first n merges are those whose number here is larger.
        """
        parts = [piece[place : place + 1] for place in range(len(piece))]
        borders = list(range(1, len(piece)))
        taken = [NEVER] * max(0, len(piece) - 1)
        while borders:
            ids = [self._token_id(parts[number] + parts[number + 1]) for number in range(len(parts) - 1)]
            first = min(range(len(ids)), key=lambda number: (ids[number] == NEVER, ids[number]))
            if ids[first] == NEVER:  # a token that no joins lead to: all at once
                return tuple(self._token_id(piece) if by == NEVER else by for by in taken)
            taken[borders.pop(first) - 1] = ids[first]
            parts[first : first + 2] = [parts[first] + parts[first + 1]]
        return tuple(taken)

    def _uses(self) -> Counter[int]:
        return Counter(token_id for text in self.corpus for token_id in self.encode(text))

    def _n_ordinary(self) -> int:
        """How many ids stand for bytes; they come first, before the special tokens and the ids kept free for more."""
        if not self.is_real:
            return self.vocab_size - len(self.tokenizer.special_tokens)
        special = map(self.tokenizer.encode_single_token, self.tokenizer.special_tokens_set)
        end = min(special, default=self.vocab_size)
        while end and not self._is_token(end - 1):
            end -= 1
        return end

    def _is_token(self, token_id: int) -> bool:
        try:
            self.tokenizer.decode_single_token_bytes(token_id)
        except KeyError:
            return False
        return True

    def _token_bytes(self, token_id: int) -> bytes:
        if self.is_real:
            return self.tokenizer.decode_single_token_bytes(token_id)
        return self.tokenizer.token_bytes(token_id)

    def _token_id(self, piece: bytes) -> int:
        try:
            return self.tokenizer.encode_single_token(piece) if self.is_real else self.tokenizer.token_id(piece)
        except (KeyError, ValueError):
            return NEVER


def sources(tokenizers, corpus: Sequence[str] = ()) -> list[TokenSource]:
    """Make the sources of what a learner gave: one tokenizer, several, or names and tokenizers; "gpt-4o" is one too."""
    given = tokenizers
    if isinstance(given, (str, *ACCEPTED)):
        given = [given]
    if isinstance(given, Mapping):
        named = [(str(name), _tokenizer(value)) for name, value in given.items()]
    elif isinstance(given, Iterable):
        found = [_tokenizer(value) for value in given]
        named = list(zip(_names(found), found, strict=True))
    else:
        _tokenizer(given)
    if not named:
        raise ValueError("There is no tokenizer to look through: give at least one, such as [tokenizer, 'gpt-4o'].")
    return [TokenSource(name, tokenizer, corpus) for name, tokenizer in named]


def _tokenizer(value):
    if isinstance(value, str):
        return tiktoken_encoding(value)
    if not isinstance(value, ACCEPTED):
        raise ValueError(
            f"A tokenizer is one of llmviz.tokenizers, a tiktoken.Encoding, or a name such as 'gpt-4o', but this is "
            f"{value!r:.60}."
        )
    return value


def _names(tokenizers: Sequence) -> list[str]:
    """Name each tokenizer by its kind, and by its size where a kind is there twice."""
    kinds = [one.name if isinstance(one, tiktoken.Encoding) else KIND_NAMES[one.kind] for one in tokenizers]
    names: list[str] = []
    for kind, tokenizer in zip(kinds, tokenizers, strict=True):
        size = tokenizer.n_vocab if isinstance(tokenizer, tiktoken.Encoding) else tokenizer.vocab_size
        name = kind if kinds.count(kind) == 1 else f"{kind} {size:,}"
        names.append(name if name not in names else f"{name} ({len(names) + 1})")
    return names
