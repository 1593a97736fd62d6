"""TokenExplorer: one text under several tokenizers, aligned character by character (lesson 1)."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import accumulate, pairwise

import regex
import tiktoken

from llmviz import plots
from llmviz.plots import _validation as validation
from llmviz.plots._labels import count, spoken_prose, token_text
from llmviz.tokenizers.base import Tokenizer, displayable
from llmviz.tokenizers.bpe import BytePairTokenizer
from llmviz.tokenizers.tiktoken import VOCABULARIES, tiktoken_encoding
from llmviz.tokenizers.words import CharacterTokenizer
from llmviz.widgets.base import JS, Explorer, Table, pack

_MAX_CHARACTERS = 100_000
_MAX_SHOWN = 300  # graphemes; the counts are of the whole text

_GRAPHEME = regex.compile(r"\X")
_N_NAMED = 40
_N_DRAWN = 80


class TokenExplorer(Explorer):
    """The same text under several tokenizers: each token with its id, bytes and merges.

    Args:
        text: what is cut. Half characters (lone surrogates) become U+FFFD, and the sentence says so.
        tokenizers: one, a list, or names and tokenizers: ours, those of `pretrained.load`, a `tiktoken.Encoding`, or
            "gpt2", "gpt-4", "gpt-4o".
        corpus: texts in which to count how often each token is used; without them it is counted in `text`.
        merges: of BPE, how many merges are applied at first; None: all.

    Raises ValueError for no tokenizer, what is none, and more than 100,000 characters. Lesson 1.

    >>> from llmviz.tokenizers import BytePairTokenizer, CharacterTokenizer
    >>> text = "the kite, the tree"
    >>> TokenExplorer(text, [BytePairTokenizer.train(text, 260), CharacterTokenizer.train(text)])
    “the kite, the tree”: 18 characters, 18 bytes. BPE: 13 tokens. Characters: 18 tokens.
    """

    module = JS / "tokens.js"
    title = "Token explorer"
    answers_to = ("text",)

    def __init__(self, text: str, tokenizers, *, corpus: Iterable[str] = (), merges: int | None = None):
        corpus = [corpus] if isinstance(corpus, str) else list(corpus)
        self.sources = _sources(tokenizers, validation.text_list(corpus, "corpus") if corpus else [])
        self.page_model = " ".join(source.vocabulary for source in self.sources if source.vocabulary)
        self.most_merges = max(source.n_merges for source in self.sources)
        self.merges = None if merges is None else validation.whole_number(merges, "merges", 0, self.most_merges)
        self.text = text
        self._compute()

    def _compute(self) -> None:
        self.text, self.was_repaired = _well_formed(self.text)
        self.rows = [source.read(self.text) for source in self.sources]
        self.graphemes = _GRAPHEME.findall(self.text)

    def traits(self) -> dict:
        merges = self.most_merges if self.merges is None else self.merges
        return {"payload": self._payload(), "text": self.text, "merges": merges, "pins": [], "predict": False,
                "ids": True}  # fmt: skip

    def sentence(self) -> str:
        n_bytes = len(self.text.encode())
        repaired = " Half a character in it was replaced by U+FFFD." if self.was_repaired else ""
        cut = ""
        if len(self.graphemes) > _MAX_SHOWN:
            cut = f" The picture shows the first {_MAX_SHOWN} of {len(self.graphemes):,} characters."
        size = f"{count(len(self.graphemes), 'character')}, {count(n_bytes, 'byte')}.{repaired}{cut}"
        start = f"“{spoken_prose(self.text, 60)}”: {size}" if self.text else f"An empty text: {size}"
        counts = [f"{spoken_prose(source.name, 40)}: {count(len(row.token_ids), 'token')}."
                  for source, row in self._pairs()]  # fmt: skip
        return " ".join([start, *counts])

    def table(self) -> Table:
        rows = [[spoken_prose(source.name, 40), f"{source.vocab_size:,}", f"{len(row.token_ids):,}", self._listed(row)]
                for source, row in self._pairs()]  # fmt: skip
        columns = ["tokenizer", "vocabulary", "tokens", "the tokens"]
        return Table("The tokens of each tokenizer", columns, rows, is_computed=False)

    def picture(self) -> bytes | None:
        strips = {f"{source.name}: {count(len(row.token_ids), 'token')}": self._texts_of(row)[:_N_DRAWN]
                  for source, row in self._pairs() if row.token_ids}  # fmt: skip
        return plots.to_png(plots.token_strips(strips), dpi=110) if strips else None

    def _pairs(self) -> Iterable[tuple[_TokenSource, _Tokens]]:
        return zip(self.sources, self.rows, strict=True)

    def _texts_of(self, row: _Tokens) -> list[str]:
        """Each token as text; bytes that are none as hex."""
        data, place, texts = self.text.encode(), 0, []
        for label, size in zip(row.labels, row.sizes, strict=True):
            texts.append(label or displayable(data[place : place + size]))
            place += size
        return texts

    def _listed(self, row: _Tokens) -> str:
        texts = self._texts_of(row)
        more = f" … and {len(texts) - _N_NAMED:,} more" if len(texts) > _N_NAMED else ""
        return " | ".join(token_text(text) for text in texts[:_N_NAMED]) + more

    def _payload(self) -> dict:
        shown = self.graphemes[:_MAX_SHOWN]
        data = "".join(shown).encode()
        ends = list(accumulate(len(grapheme.encode()) for grapheme in shown))
        return {
            "bytes": pack(list(data), "uint8"), "ends": pack(ends, "int32"),
            "right_to_left": unicodedata.bidirectional(next(filter(str.isalpha, self.text), "a")) in ("R", "AL"),
            "n_characters": len(self.graphemes), "n_bytes": len(self.text.encode()), "most_merges": self.most_merges,
            "rows": [self._row(source, row, data) for source, row in self._pairs()],
        }  # fmt: skip

    def _row(self, source: _TokenSource, row: _Tokens, data: bytes) -> dict:
        """One tokenizer's tokens, as many as lie in the bytes that are shown."""
        n_shown = sum(end <= len(data) for end in accumulate(row.sizes))
        place, ids = sum(row.sizes[:n_shown]), row.token_ids[:n_shown]
        needed = set(ids) | set(row.joined_by[: max(0, place - 1)] if row.joined_by is not None else ())
        byte_ids = source.byte_ids(sorted(set(data)))
        uses = source.uses if source.corpus else Counter(row.token_ids)
        saved = None if self.is_live else source.saved
        everything = range(source.vocab_size if saved and source.corpus and not source.vocabulary else 0)
        used = {i: uses.get(i, 0) for i in sorted(needed.union(byte_ids.values(), everything)) if i >= 0}
        return {
            "name": spoken_prose(source.name, 40), "vocab_size": source.vocab_size, "n_merges": source.n_merges,
            "n_tokens": len(row.token_ids), "n_bytes": place, "saved": saved,
            "ids": pack(ids, "int32"), "sizes": pack(row.sizes[:n_shown], "int32"),
            "labels": None if source.pairs else [token_text(label) for label in row.labels[:n_shown]],
            "joined_by": pack(row.joined_by[: max(0, place - 1)], "int32") if row.joined_by is not None else None,
            "byte_ids": list(map(list, byte_ids.items())),
            "uses": list(map(list, used.items())), "n_uses": sum(uses.values()),
            "where": "the corpus" if source.corpus else "this text", "how": source.how, "code": source.code,
        }  # fmt: skip


def _well_formed(text: str) -> tuple[str, bool]:
    if not isinstance(text, str):
        raise ValueError(f"text must be a str, but is {type(text).__name__}: {text!r:.60}.")
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(f"This text has {len(text):,} characters; at most {_MAX_CHARACTERS:,} can be shown.")
    repaired = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return repaired, repaired != text


_N_BYTES = 256
_NEVER = -1
_HOW = {"bpe": "joined from pairs, in the order of training", "wordpiece": "the longest piece that fits here",
        "unigram": "part of the most probable split", "word": "a whole word or mark",
        "characters": "a single character"}  # fmt: skip
_KIND_NAMES = {"bpe": "BPE", "wordpiece": "WordPiece", "unigram": "Unigram", "word": "Words",
               "characters": "Characters"}  # fmt: skip


@dataclass(frozen=True)
class _Tokens:
    """The tokens of one text.

    labels: without byte pairs, how each token is written in the vocabulary. sizes: how many of the text's UTF-8
    bytes each stands for; they add up to the text. joined_by: for byte pairs, one int for each byte of the text but the
    first: the id of the token by which the border before this byte vanished, or _NEVER; else None.
    """

    token_ids: list[int]
    labels: list[str]
    sizes: list[int]
    joined_by: list[int] | None


class _TokenSource:
    """One of the tokenizers that are compared: one of ours, one of a real model, or a `tiktoken.Encoding`.

    Of a real model's are needed `kind`, `vocab_size`, `tokens`, `token_spans` and `encode_ordinary`, as many ids as
    spans; nothing is taken for granted about the order of its ids.

    name: as a learner reads it. pairs: where pairs of bytes are joined and the ids follow the order of learning, the
    encoding that knows them. how: why a token is one, where it was not joined from pairs. code: the line of Python by
    which the ids come about. corpus: texts in which to count how often each token is used. saved: where a page can
    encode with it (see `tokens_answer.js`), the tokenizer as a dictionary. vocabulary: the name of a real one, or "".
    """

    def __init__(self, tokenizer: Tokenizer | tiktoken.Encoding, corpus: Sequence[str] = ()):
        self.tokenizer, self.corpus, self.how, self.code = tokenizer, corpus, "", "tokenizer.encode(text)"
        if isinstance(tokenizer, tiktoken.Encoding):
            self.name, self.vocab_size, self.encode = tokenizer.name, tokenizer.n_vocab, tokenizer.encode_ordinary
            self.pairs, self.code = tokenizer, f'tiktoken_encoding("{tokenizer.name}").encode_ordinary(text)'
        elif isinstance(tokenizer, Tokenizer):
            self.name, self.vocab_size = _KIND_NAMES[tokenizer.kind], tokenizer.vocab_size
            self.encode = getattr(tokenizer, "encode_ordinary", tokenizer.encode)  # of real models: no [CLS] around it
            self.pairs = tokenizer.fast_encoding if isinstance(tokenizer, BytePairTokenizer) else None
            self.how = "" if self.pairs else _HOW[tokenizer.kind]
        else:
            known = "one of llmviz.tokenizers, a tiktoken.Encoding, or a name such as 'gpt-4o'"
            raise ValueError(f"A tokenizer is {known}, but this is {tokenizer!r:.60}.")
        self.n_merges = len(self.pairs.token_byte_values()) - _N_BYTES if self.pairs else 0
        is_real = self.name in VOCABULARIES and tokenizer is tiktoken_encoding(self.name)
        self.vocabulary = self.name if is_real else ""
        self.saved = {"kind": "vocabulary", "name": self.name} if is_real else None
        if isinstance(tokenizer, BytePairTokenizer | CharacterTokenizer):
            self.saved = tokenizer.to_dict()
        self.joins = cache(self._joins)

    def read(self, text: str) -> _Tokens:
        """Cut a text into tokens; special tokens inside it are text."""
        ids = self.encode(text)
        if not self.pairs:
            spans = self.tokenizer.token_spans(text)
            sizes = [len(span.encode("utf-8") if isinstance(span, str) else span) for span in spans]
            return _Tokens(ids, self.tokenizer.tokens(ids), sizes, None)
        pieces = self.pairs.decode_tokens_bytes(ids)
        joined_by = [border for piece in pieces for border in (_NEVER, *self.joins(piece))]
        return _Tokens(ids, [""] * len(ids), list(map(len, pieces)), joined_by[1:])

    def byte_ids(self, values: Iterable[int]) -> dict[int, int]:
        """Give the ids of single bytes, by their value from 0 to 255; without byte pairs there are none."""
        return {value: self._token_id(bytes([value])) for value in values} if self.pairs else {}

    @cached_property
    def uses(self) -> Counter[int]:
        """How often each token is used in the corpus."""
        return Counter(token_id for text in self.corpus for token_id in self.encode(text))

    def _joins(self, piece: bytes) -> tuple[int, ...]:
        """Join the bytes of one token as in training, and give for each border the id of the token that took it away.

        Inside the borders of a token, bytes are joined in the same way whatever stands around it; so the borders that
        are left after the first n merges are those whose number here is larger.
        """
        parts = [piece[place : place + 1] for place in range(len(piece))]
        borders = list(range(1, len(piece)))
        taken = [_NEVER] * max(0, len(piece) - 1)
        while borders:
            ids = [self._token_id(left + right) for left, right in pairwise(parts)]
            first = min(range(len(ids)), key=lambda number: (ids[number] == _NEVER, ids[number]))
            if ids[first] == _NEVER:  # a token that no joins lead to: all at once
                return tuple(self._token_id(piece) if by == _NEVER else by for by in taken)
            taken[borders.pop(first) - 1] = ids[first]
            parts[first : first + 2] = [parts[first] + parts[first + 1]]
        return tuple(taken)

    def _token_id(self, piece: bytes) -> int:
        try:
            return self.pairs.encode_single_token(piece)
        except KeyError:
            return _NEVER


def _sources(given, corpus: Sequence[str] = ()) -> list[_TokenSource]:
    """Make the sources of what a learner gave: one tokenizer, several, or names and tokenizers; "gpt-4o" is one too."""
    if not isinstance(given, Iterable) or isinstance(given, str):
        given = [given]
    tokenizers = list(given.values() if isinstance(given, Mapping) else given)
    if not tokenizers:
        raise ValueError("There is no tokenizer: give at least one, such as [tokenizer, 'gpt-4o'].")
    sources = [_TokenSource(tiktoken_encoding(one) if isinstance(one, str) else one, corpus) for one in tokenizers]
    names = map(str, given) if isinstance(given, Mapping) else _names(sources)
    for source, name in zip(sources, names, strict=True):
        source.name = name
    return sources


def _names(sources: Sequence[_TokenSource]) -> list[str]:
    """Name each tokenizer by its kind, and by its size where a kind is there twice."""
    kinds = [source.name for source in sources]
    names: list[str] = []
    for kind, source in zip(kinds, sources, strict=True):
        name = kind if kinds.count(kind) == 1 else f"{kind} {source.vocab_size:,}"
        names.append(name if name not in names else f"{name} ({len(names) + 1})")
    return names
