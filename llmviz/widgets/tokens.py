"""TokenExplorer: one text under several tokenizers, aligned letter by letter, to touch (lesson 1)."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import regex
import traitlets

from llmviz import plots
from llmviz.plots.labels import count, spoken_prose, spoken_token
from llmviz.tokenizers.base import displayable
from llmviz.widgets.base import Explorer, LiveExplorer, Table, es_module, pack
from llmviz.widgets.token_sources import Tokens, TokenSource, sources

MODULE = Path(__file__).parent / "js" / "tokens.js"
MOST_CHARACTERS = 100_000
MOST_SHOWN = 300  # graphemes; the bill counts all

_GRAPHEME = regex.compile(r"\X")
_LETTER = regex.compile(r"\p{L}")
_RIGHT_TO_LEFT = regex.compile(r"[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]")
_N_NAMED = 40
_N_DRAWN = 80
_PICTURE_DPI = 110


class TokenExplorer(Explorer):
    """See the same text as the tokens of several tokenizers, and each token's id, bytes and merges.

    Args:
        text: what is cut. Half characters (lone surrogates) become U+FFFD, and the sentence says so.
        tokenizers: one, a list, or names and tokenizers: ours, a `tiktoken.Encoding`, or "gpt2", "gpt-4", "gpt-4o".
        corpus: texts in which to count how often each token is used; without them it is counted in `text`.
        merges: of byte pairs, how many joins are made; None: all. The slider starts there.
        predict: ask "how many tokens?" of each tokenizer before its row is shown.

    Raises ValueError for no tokenizer, what is none, and more than 100,000 characters. Lesson 1.

    >>> from llmviz.tokenizers import BytePairTokenizer, CharacterTokenizer
    >>> text = "the kite, the tree"
    >>> TokenExplorer(text, [BytePairTokenizer.train(text, 260), CharacterTokenizer.train(text)])
    “the kite, the tree”: 18 characters, 18 bytes. BPE: 13 tokens. Characters: 18 tokens.
    """

    module = MODULE
    title = "Token explorer"

    def __init__(
        self,
        text: str,
        tokenizers,
        *,
        corpus: Iterable[str] = (),
        merges: int | None = None,
        predict: bool = False,
    ):
        self.sources = tokenizers if _are_sources(tokenizers) else sources(tokenizers, _texts(corpus))
        self.text, self.was_mended = _mended(text)
        self.most_merges = max(source.n_merges for source in self.sources)
        self.merges, self.predict = _merges(merges, self.most_merges), bool(predict)
        self.rows = [source.read(self.text) for source in self.sources]
        self.graphemes = _GRAPHEME.findall(self.text)

    def live(self) -> "LiveTokenExplorer":
        """Return the same explorer with Python behind it, for typing."""
        return LiveTokenExplorer(self)

    def again(self, text: str) -> "TokenExplorer":
        """Return this explorer with another text."""
        return TokenExplorer(text, self.sources, merges=self.merges, predict=self.predict)

    def traits(self) -> dict:
        """Return the payload and the state that the module starts with."""
        merges = self.most_merges if self.merges is None else self.merges
        return {"payload": self._payload(), "merges": merges, "pins": [], "predict": self.predict, "ids": True}

    def inputs(self) -> list:
        """Return what makes the id: the text, the tokenizers' names and sizes, the choices."""
        of_sources = [[source.name, source.vocab_size] for source in self.sources]
        return [self.text, of_sources, self.merges, self.predict, [len(source.corpus) for source in self.sources]]

    def sentence(self) -> str:
        """Say how long the text is, and into how many tokens each tokenizer cuts it."""
        n_bytes = len(self.text.encode())
        mended = " Half a character in it was replaced by U+FFFD." if self.was_mended else ""
        size = f"{count(len(self.graphemes), 'character')}, {count(n_bytes, 'byte')}.{mended}"
        start = f"“{spoken_prose(self.text, 60)}”: {size}" if self.text else f"An empty text: {size}"
        if self.predict:
            return f"{start} How many tokens is that? Predict it first."
        bills = [
            f"{spoken_prose(source.name, 40)}: {count(len(row.token_ids), 'token')}." for source, row in self._pairs()
        ]
        return " ".join([start, *bills])

    def table(self) -> Table:
        """Return the bill: the tokens of each tokenizer, and how many they are."""
        rows = [
            [spoken_prose(source.name, 40), f"{source.vocab_size:,}", self._bill(row), self._listed(row)]
            for source, row in self._pairs()
        ]
        return Table("The token bill", ["tokenizer", "vocabulary", "tokens", "the tokens"], rows, is_computed=False)

    def picture(self) -> bytes | None:
        """Return the rows of tokens as PNG; none for an empty text."""
        strips = {
            f"{source.name}: {count(len(row.token_ids), 'token')}": self._texts_of(row)[:_N_DRAWN]
            for source, row in self._pairs()
            if row.token_ids
        }
        return plots.to_png(plots.token_strips(strips), dpi=_PICTURE_DPI) if strips and not self.predict else None

    def _pairs(self) -> Iterable[tuple[TokenSource, Tokens]]:
        return zip(self.sources, self.rows, strict=True)

    def _texts_of(self, row: Tokens) -> list[str]:
        """Each token as text; bytes that are none as hex."""
        data, place, texts = self.text.encode(), 0, []
        for label, size in zip(row.labels, row.sizes, strict=True):
            texts.append(label or displayable(data[place : place + size]))
            place += size
        return texts

    def _bill(self, row: Tokens) -> str:
        return "?" if self.predict else f"{len(row.token_ids):,}"

    def _listed(self, row: Tokens) -> str:
        if self.predict:
            return "predict first"
        texts = self._texts_of(row)
        more = f" … and {len(texts) - _N_NAMED:,} more" if len(texts) > _N_NAMED else ""
        return " | ".join(spoken_token(text, 24)[1:-1] for text in texts[:_N_NAMED]) + more

    def _payload(self) -> dict:
        shown = self.graphemes[:MOST_SHOWN]
        data = "".join(shown).encode()
        ends, place = [], 0
        for grapheme in shown:
            place += len(grapheme.encode())
            ends.append(place)
        return {
            "bytes": pack(list(data), "uint8"),
            "ends": pack(ends, "int32"),
            "right_to_left": _is_right_to_left(self.text),
            "n_characters": len(self.graphemes),
            "n_bytes": len(self.text.encode()),
            "most_merges": self.most_merges,
            "rows": [self._row(source, row, data) for source, row in self._pairs()],
        }

    def _row(self, source: TokenSource, row: Tokens, data: bytes) -> dict:
        """One tokenizer's tokens, as many as lie in the bytes that are shown."""
        n_shown, place = 0, 0
        while n_shown < len(row.sizes) and place + row.sizes[n_shown] <= len(data):
            place += row.sizes[n_shown]
            n_shown += 1
        ids = row.token_ids[:n_shown]
        needed = set(ids) | set(row.joined_by[: max(0, place - 1)] if row.joined_by is not None else ())
        byte_ids = source.byte_ids(sorted(set(data))) if source.has_merges else {}
        uses = source.uses() if source.corpus else {token_id: row.token_ids.count(token_id) for token_id in set(ids)}
        used = {number: uses.get(number, 0) for number in sorted(needed | set(byte_ids.values())) if number >= 0}
        return {
            "name": spoken_prose(source.name, 40),
            "vocab_size": source.vocab_size,
            "n_merges": source.n_merges,
            "n_tokens": len(row.token_ids),
            "n_bytes": place,
            "ids": pack(ids, "int32"),
            "sizes": pack(row.sizes[:n_shown], "int32"),
            "labels": None if source.has_merges else [spoken_token(label, 24)[1:-1] for label in row.labels[:n_shown]],
            "joined_by": pack(row.joined_by[: max(0, place - 1)], "int32") if row.joined_by is not None else None,
            "byte_ids": list(map(list, byte_ids.items())),
            "uses": list(map(list, used.items())),
            "n_uses": sum(uses.values()),
            "where": "the corpus" if source.corpus else "this text",
            "how": source.how(),
            "code": source.code(),
        }


class LiveTokenExplorer(LiveExplorer):
    """The token explorer while one types. Its traits are the whole state."""

    _esm = es_module(MODULE)

    text = traitlets.Unicode(help="what is cut into tokens").tag(sync=True)
    merges = traitlets.Int(help="how many joins are made").tag(sync=True)
    pins = traitlets.List(help="up to two pinned tokens: [row, first byte]").tag(sync=True)
    predict = traitlets.Bool(help="guess before a row is shown").tag(sync=True)
    ids = traitlets.Bool(True, help="whether ids are written below the tokens").tag(sync=True)

    def __init__(self, explorer: TokenExplorer):
        start = explorer.traits()
        super().__init__(text=explorer.text, **start)
        self.explorer = explorer
        self.observe(self._cut, "text")

    def _cut(self, change) -> None:
        self.answer(lambda: self.explorer.again(change["new"]))


def _are_sources(given) -> bool:
    return isinstance(given, list) and bool(given) and all(isinstance(one, TokenSource) for one in given)


def _texts(corpus: Iterable[str]) -> Sequence[str]:
    if isinstance(corpus, str):
        return [corpus]
    texts = list(corpus)
    wrong = next((text for text in texts if not isinstance(text, str)), None)
    if wrong is not None:
        raise ValueError(f"corpus must be texts, but one of them is {wrong!r:.60}. Try corpus.documents.")
    return texts


def _mended(text: str) -> tuple[str, bool]:
    if not isinstance(text, str):
        raise ValueError(f"text must be a str, but is {type(text).__name__}: {text!r:.60}.")
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"This text has {len(text):,} characters; at most {MOST_CHARACTERS:,} can be looked at.")
    mended = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return mended, mended != text


def _merges(merges: int | None, most: int) -> int | None:
    if merges is None:
        return None
    if not isinstance(merges, int) or isinstance(merges, bool) or merges < 0:
        raise ValueError(f"merges must be a whole number from 0 to {most:,}, or None for all, but is {merges!r}.")
    return min(merges, most)


def _is_right_to_left(text: str) -> bool:
    first = _LETTER.search(text)
    return bool(first and _RIGHT_TO_LEFT.match(first[0]))
