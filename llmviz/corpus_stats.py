"""Statistics of a corpus: size, most frequent words and tokens, unigram and bigram entropy."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from llmviz.tokenizers.base import END_OF_TEXT, Tokenizer
from llmviz.tokenizers.words import words

if TYPE_CHECKING:
    from llmviz.corpora import Corpus

_N_KEPT, _N_SHOWN = 20, 8


@dataclass(frozen=True)
class _UnitCounts:
    """How often words (or tokens) occur in a corpus. The end of each text counts as one of them.

    n_distinct: without the end. unigram_entropy: the loss in nats of a model that knows only the frequencies;
    bigram_entropy: of one that also sees the unit before. Both are measured on the corpus itself: on new text, such
    models are worse, above all if the corpus is small.
    """

    unit: str
    n: int
    n_distinct: int
    most_frequent: tuple[tuple[str, int], ...]
    unigram_entropy: float
    bigram_entropy: float

    def __repr__(self) -> str:
        shown = ", ".join(f"{unit!r} {count:,}" for unit, count in self.most_frequent[:_N_SHOWN])
        return (
            f"{self.unit}s: {self.n:,} (with one for the end of each text), {self.n_distinct:,} different\n"
            f"  most frequent: {shown}\n  entropy in nats per {self.unit}: unigram {self.unigram_entropy:.3f}, "
            f"bigram {self.bigram_entropy:.3f}"
        )


@dataclass(frozen=True)
class CorpusStats:
    """The statistics of one corpus; printed, a short table."""

    name: str
    n_documents: int
    n_characters: int
    n_bytes: int
    words: _UnitCounts
    tokens: _UnitCounts | None

    def __repr__(self) -> str:
        texts = "1 text" if self.n_documents == 1 else f"{self.n_documents:,} texts"
        line = f"{self.name}: {texts}, {self.n_characters:,} characters, {self.n_bytes:,} bytes"
        return "\n".join([line, repr(self.words), *([repr(self.tokens)] if self.tokens else [])])


def corpus_stats(corpus: "Corpus", tokenizer: Tokenizer | None = None) -> CorpusStats:
    """Count characters, bytes, words, and tokens if there is a tokenizer.

    Entropies are in nats per word and per token: −Σ p ln p for single ones; for pairs −Σ p(a, b) ln p(b | a), where a
    text begins after the end of another (C. Shannon, "Prediction and entropy of printed English", 1951).
    """
    tokens = None
    if tokenizer is not None:
        tokens = _count("token", map(tokenizer.encode, corpus.documents), end=tokenizer.end_of_text)
        ids, counts = zip(*tokens.most_frequent, strict=True)
        tokens = replace(tokens, most_frequent=tuple(zip(tokenizer.tokens(ids), counts, strict=True)))
    n_bytes = sum(len(document.encode("utf-8")) for document in corpus.documents)
    counted = _count("word", map(words, corpus.documents), end=END_OF_TEXT)
    return CorpusStats(corpus.name, len(corpus.documents), corpus.n_characters, n_bytes, counted, tokens)


def _count(unit: str, sequences: Iterable[list], end) -> _UnitCounts:
    pairs = Counter(pair for sequence in sequences for pair in pairwise([end, *sequence, end]))
    singles: Counter = Counter()
    for (_, second), count in pairs.items():
        singles[second] += count
    unigram = _entropy(singles.values())
    frequent = sorted(((one, n) for one, n in singles.items() if one != end), key=lambda item: (-item[1], item[0]))
    shown = tuple(frequent[:_N_KEPT])
    return _UnitCounts(unit, singles.total(), len(frequent), shown, unigram, _entropy(pairs.values()) - unigram)


def _entropy(counts: Iterable[int]) -> float:
    counts = list(counts)
    total = sum(counts)
    return math.fsum(count / total * math.log(total / count) for count in counts)
