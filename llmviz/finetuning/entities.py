"""Entities: which words of a text name a person, and which a place? One label a word (lesson 6)."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from llmviz.finetuning.loop import IGNORE_INDEX, Examples, as_rows, predict
from llmviz.model.transformer import TransformerBase
from llmviz.tinyville.corpus import Tinyville
from llmviz.tinyville.grammar import join
from llmviz.tinyville.stories import HEROES, PARTNERS
from llmviz.tokenizers.base import Tokenizer

ENTITY_LABELS = ("other", "person", "place")
AMBIGUOUS = ("May", "Will", "Rose")
"""Each is somebody's name in half of the texts of the kind "sense", and something else in the other half."""
TAUGHT = frozenset(person.name for cast in (HEROES, PARTNERS) for person in cast[::2])
"""Half of the people: stories about the others are never labeled."""
_UNHEARD = {"she": ("Vera", "Greta"), "he": ("Nils", "Igor")}
_PRONOUN = {person.name: person.pronoun for person in (*HEROES, *PARTNERS)}


@dataclass(frozen=True)
class Tagged:
    """The words of a text, and what each names: "person", "place" or "other"."""

    words: tuple[str, ...]
    labels: tuple[str, ...]


def story_entities(n_texts: int, *, names: str = "taught", seed: int = 0) -> list[Tagged]:
    """Stories with their people and places marked.

    Args:
        names: "taught": stories of one half of the people; "untaught": of the other half, whom the model knows from
            reading, but never met with a label; "unheard": names that stand in no text it ever read.
    """
    if names not in ("taught", "untaught", "unheard"):
        raise ValueError(f'names are "taught", "untaught" or "unheard"; given {names!r}')
    found: list[Tagged] = []
    for text in Tinyville({"story": 1}).texts(seed, counts={"story": 6 * n_texts + 60}):
        people = (text.labels["person"], text.labels["partner"])
        if len(found) < n_texts and all((name in TAUGHT) == (names == "taught") for name in people):
            renamed = _unheard(people) if names == "unheard" else dict(zip(people, people, strict=True))
            found.append(_tagged(text.text, renamed, {text.labels["place"]}))
    return found


def sense_entities(n_texts: int, *, seed: int = 0) -> list[Tagged]:
    """Texts with May, Will or Rose in them: a name, or a month, a question, a flower."""
    found: list[Tagged] = []
    for text in Tinyville({"sense": 1}).texts(seed, counts={"sense": 3 * n_texts + 30}):
        word, is_name = text.labels["word"], text.labels["sense"] == "name"
        if len(found) < n_texts and word in AMBIGUOUS:
            found.append(_tagged(text.text, {word: word} if is_name else {}, set()))
    return found


def _unheard(people: Sequence[str]) -> dict[str, str]:
    """A new name of the same pronoun for each."""
    left = {pronoun: list(names) for pronoun, names in _UNHEARD.items()}
    return {name: left[_PRONOUN[name]].pop(0) for name in people}


def _tagged(text: str, renamed: Mapping[str, str], places: Collection[str]) -> Tagged:
    words = Tinyville.words(text)
    labels = tuple("person" if word in renamed else "place" if word in places else "other" for word in words)
    return Tagged(tuple(renamed.get(word, word) for word in words), labels)


def entity_examples(tokenizer: Tokenizer, texts: Sequence[Tagged]) -> Examples:
    """Ready for `fine_tune`: the label of a word stands at its first token (Devlin et al. 2019, section 5.3)."""
    rows, labels = [], []
    for text in texts:
        row, places = word_places(tokenizer, text.words)
        marks = [IGNORE_INDEX] * len(row)
        for place, label in zip(places, text.labels, strict=True):
            if marks[place] == IGNORE_INDEX:
                marks[place] = ENTITY_LABELS.index(label)
        rows.append(row)
        labels.append(marks)
    return Examples(as_rows(rows, -1), as_rows(labels, IGNORE_INDEX))


def word_places(tokenizer: Tokenizer, words: Sequence[str]) -> tuple[list[int], list[int]]:
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
    return [tokenizer.end_of_text, *token_ids, tokenizer.end_of_text], places


def f1(found: Tensor, right: Tensor, label: int) -> float:
    """Precision and recall of one label in one number: 2 · hits / (found + right), their harmonic mean, 0 to 1.

    Where nothing was to be found and nothing was found, it is 1.

    >>> round(f1(torch.tensor([1, 1, 0]), torch.tensor([1, 0, 0]), 1), 2)
    0.67
    """
    hits = int(((found == label) & (right == label)).sum())
    n_claimed, n_true = int((found == label).sum()), int((right == label).sum())
    return 2 * hits / (n_claimed + n_true) if n_claimed + n_true else 1.0


def entity_f1(model: TransformerBase, examples: Examples) -> dict[str, float]:
    """F1 of persons and of places."""
    found, right = predict(model, examples)
    return {ENTITY_LABELS[label]: f1(found, right, label) for label in (1, 2)}


def dictionary_f1(learned: Sequence[Tagged], texts: Sequence[Tagged]) -> dict[str, float]:
    """F1 of who looks each word up in a list of all words that were labeled, and takes the most frequent label."""
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
