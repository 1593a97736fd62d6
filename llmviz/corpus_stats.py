"""What a corpus is, in numbers: how much text, which words and tokens, and how surprising the next one is."""

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

N_KEPT, N_SHOWN = 20, 8


@dataclass(frozen=True)
class UnitCounts:
    """How often words (or tokens) occur in a corpus. The end of each text counts as one more of them.

    n: how many there are, with one for the end of each text. n_distinct: how many different ones, without the
    end. most_frequent: the most frequent ones with their counts. unigram_entropy: the best mean loss of a
    guesser who knows only how frequent each one is, in nats. bigram_entropy: the same, of one who also sees
    the one before. Both are measured on the corpus itself, so on a small one they flatter: on new text, such
    a guesser does worse.
    """

    unit: str
    n: int
    n_distinct: int
    most_frequent: tuple[tuple[str, int], ...]
    unigram_entropy: float
    bigram_entropy: float

    def __repr__(self) -> str:
        shown = ", ".join(f"{unit!r} {count:,}" for unit, count in self.most_frequent[:N_SHOWN])
        return (
            f"{self.unit}s: {self.n:,} (with one for the end of each text), {self.n_distinct:,} different\n"
            f"  most frequent: {shown}\n"
            f"  entropy in nats per {self.unit}: unigram {self.unigram_entropy:.3f}, "
            f"bigram {self.bigram_entropy:.3f}"
        )


@dataclass(frozen=True)
class CorpusStats:
    """The numbers of one corpus; printed, it is a short table."""

    name: str
    n_documents: int
    n_characters: int
    n_bytes: int
    words: UnitCounts
    tokens: UnitCounts | None

    def __repr__(self) -> str:
        texts = "1 text" if self.n_documents == 1 else f"{self.n_documents:,} texts"
        lines = [f"{self.name}: {texts}, {self.n_characters:,} characters, {self.n_bytes:,} bytes"]
        return "\n".join([*lines, repr(self.words), *([repr(self.tokens)] if self.tokens else [])])


def corpus_stats(corpus: "Corpus", tokenizer: Tokenizer | None = None) -> CorpusStats:
    """Count what is in a corpus: characters, bytes, words, and tokens if there is a tokenizer. Lessons 1, 5.

    Entropies are in nats per word and per token: −Σ p ln p for single ones; for pairs −Σ p(a, b) ln p(b | a),
    where a text begins after the end of another (C. Shannon, "Prediction and entropy of printed English",
    1951).
    """
    tokens = None
    if tokenizer is not None:
        sequences = (tokenizer.encode(document) for document in corpus.documents)
        counted = count_units("token", sequences, end=tokenizer.end_of_text)
        ids, counts = zip(*counted.most_frequent, strict=True)
        named = tuple(zip(tokenizer.tokens(ids), counts, strict=True))
        tokens = replace(counted, most_frequent=named)
    return CorpusStats(
        name=corpus.name,
        n_documents=len(corpus.documents),
        n_characters=corpus.n_characters,
        n_bytes=sum(len(document.encode("utf-8")) for document in corpus.documents),
        words=count_units("word", map(words, corpus.documents), end=END_OF_TEXT),
        tokens=tokens,
    )


def count_units(unit: str, sequences: Iterable[list], end) -> UnitCounts:
    """Count units and pairs of neighbors in sequences, each of which begins after an end and gets an end."""
    pairs: Counter[tuple] = Counter()
    for sequence in sequences:
        pairs.update(pairwise([end, *sequence, end]))
    singles: Counter = Counter()
    for (_, second), count in pairs.items():
        singles[second] += count
    unigram_entropy = _entropy(singles.values())
    without_end = [(single, count) for single, count in singles.items() if single != end]
    frequent = sorted(without_end, key=lambda item: (-item[1], item[0]))
    return UnitCounts(
        unit=unit,
        n=singles.total(),
        n_distinct=len(frequent),
        most_frequent=tuple(frequent[:N_KEPT]),
        unigram_entropy=unigram_entropy,
        bigram_entropy=_entropy(pairs.values()) - unigram_entropy,
    )


def _entropy(counts: Iterable[int]) -> float:
    """−Σ p ln p in nats, of the probabilities that are in proportion to the counts."""
    counts = list(counts)
    total = sum(counts)
    return math.fsum(count / total * math.log(total / count) for count in counts)
