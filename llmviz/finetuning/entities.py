"""Named entity recognition: which words of a text name a person or a place? One label a word (lesson 6)."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from llmviz.finetuning.loop import Examples, predict
from llmviz.model.transformer import TransformerBase
from llmviz.tinyville.corpus import Tinyville
from llmviz.tinyville.grammar import join
from llmviz.tinyville.stories import HEROES, PARTNERS
from llmviz.tokenizers.base import Tokenizer
from llmviz.training.loop import IGNORE_INDEX

ENTITY_LABELS = ("other", "person", "place")
AMBIGUOUS = ("May", "Will", "Rose")
"""Each is a name in half of the texts about word senses, and something else in the other half."""
TAUGHT = frozenset(person.name for cast in (HEROES, PARTNERS) for person in cast[::2])
"""Half of the people: stories about the others are never labeled."""


@dataclass(frozen=True)
class _TaggedText:
    """The words of a text, and the label of each, one of `ENTITY_LABELS`."""

    words: tuple[str, ...]
    labels: tuple[str, ...]


def entity_texts(n_texts: int, names: str = "taught", *, seed: int = 0) -> list[_TaggedText]:
    """Texts with their people and places labeled.

    Args:
        names: "taught": stories of one half of the people; "untaught": of the other half, who are in the model's
            pretraining but never labeled; "ambiguous": texts with May, Will or Rose: a name, or a month, a verb, a
            flower.
    """
    if names not in ("taught", "untaught", "ambiguous"):
        raise ValueError(f'names are "taught", "untaught" or "ambiguous"; given {names!r}')
    kind, n_drawn = ("sense", 3 * n_texts + 30) if names == "ambiguous" else ("story", 6 * n_texts + 60)
    found: list[_TaggedText] = []
    for text in Tinyville({kind: 1}).texts(seed, counts={kind: n_drawn}):
        labels = text.labels
        if names == "ambiguous":
            fits, people, places = labels["word"] in AMBIGUOUS, {labels["word"]}, set()
            people = people if labels["sense"] == "name" else set()
        else:
            people, places = {labels["person"], labels["partner"]}, {labels["place"]}
            fits = all((name in TAUGHT) == (names == "taught") for name in people)
        if fits and len(found) < n_texts:
            found.append(_tagged(text.text, people, places))
    return found


def _tagged(text: str, people: Collection[str], places: Collection[str]) -> _TaggedText:
    words = Tinyville.words(text)
    labels = ("person" if word in people else "place" if word in places else "other" for word in words)
    return _TaggedText(tuple(words), tuple(labels))


def entity_examples(tokenizer: Tokenizer, texts: Sequence[_TaggedText]) -> Examples:
    """Examples with the label of a word at its first token (Devlin et al. 2019, section 5.3)."""
    rows, labels = [], []
    for text in texts:
        row, places = _word_places(tokenizer, text.words)
        marks = [IGNORE_INDEX] * len(row)
        for place, label in zip(places, text.labels, strict=True):
            if marks[place] == IGNORE_INDEX:
                marks[place] = ENTITY_LABELS.index(label)
        rows.append(row)
        labels.append(marks)
    return Examples.of_rows(rows, labels)


def _word_places(tokenizer: Tokenizer, words: Sequence[str]) -> tuple[list[int], list[int]]:
    """The tokens of a text, an end-of-text token at either end, and in which of them each word begins.

    Two punctuation marks may share a token.
    """
    text = join(words)
    token_ids = tokenizer.encode(text)
    ends = list(accumulate(len(tokenizer.token_bytes(token_id)) for token_id in token_ids))
    before_text = ends[-1] - len(text.encode())  # the space that the first token may begin with
    places, at = [], 0
    for word in words:
        at = text.index(word, at)
        places.append(1 + bisect_right(ends, before_text + len(text[:at].encode())))
        at += len(word)
    return [*tokenizer.encode_prompt(text), tokenizer.end_of_text], places


def f1(found: Tensor, right: Tensor, label: int) -> float:
    """F1 of one label: 2 · hits / (found + right), the harmonic mean of precision and recall, 0 to 1.

    Where nothing was to be found and nothing was found, it is 1.

    >>> round(f1(torch.tensor([1, 1, 0]), torch.tensor([1, 0, 0]), 1), 2)
    0.67
    """
    hits = int(((found == label) & (right == label)).sum())
    n_found, n_right = int((found == label).sum()), int((right == label).sum())
    return 2 * hits / (n_found + n_right) if n_found + n_right else 1.0


def entity_f1(model: TransformerBase, examples: Examples) -> dict[str, float]:
    """F1 of persons and of places."""
    found, right = predict(model, examples)
    return {ENTITY_LABELS[label]: f1(found, right, label) for label in (1, 2)}


def dictionary_f1(learned: Sequence[_TaggedText], texts: Sequence[_TaggedText]) -> dict[str, float]:
    """F1 of the baseline that gives each word its most frequent label in the learned texts, "other" to new words."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for text in learned:
        for word, label in zip(text.words, text.labels, strict=True):
            seen[word][label] += 1
    pairs = [
        (seen[word].most_common(1)[0][0] if word in seen else "other", label)
        for text in texts
        for word, label in zip(text.words, text.labels, strict=True)
    ]
    found, right = (torch.tensor([ENTITY_LABELS.index(pair[side]) for pair in pairs]) for side in (0, 1))
    return {ENTITY_LABELS[label]: f1(found, right, label) for label in (1, 2)}
