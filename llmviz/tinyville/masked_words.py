"""A text with a hidden word: what can stand there, and exactly how probable each word is.

From both sides it is Bayes' rule over whole texts: P(word | all other words) ∝ P(the text with this word). From the
left alone it is the world's distribution of the next word.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import accumulate

from llmviz.tinyville.corpus import Tinyville
from llmviz.tinyville.grammar import END, WORD, join
from llmviz.tinyville.next_tokens import continuations

MOST_TEXTS = 3_000


def word_stretches(pieces: Sequence[str | bytes]) -> list[tuple[int, int]]:
    """Say which tokens make up each word or mark: (first, past the last) of each, without a gap from left to right.

    `pieces` are the stretches of a text that its tokens stand for (`tokenizer.token_spans(text)`). A token that holds
    two marks, such as `."`, keeps them together; the space before a word belongs to it where the tokenizer says so.

    >>> word_stretches(["Mia", " lo", "st", " it", "."])
    [(0, 1), (1, 3), (3, 4), (4, 5)]
    """
    raw = [piece if isinstance(piece, bytes) else _bytes(piece) for piece in pieces]
    ends = list(accumulate(map(len, raw)))
    text = b"".join(raw).decode("utf-8", "surrogatepass")
    sizes = [0, *accumulate(len(_bytes(character)) for character in text)]
    inside, place = set(), 0
    for word in WORD.finditer(text):
        inside.update(range(sizes[word.start()] + 1, sizes[word.end()]))
    borders = set(sizes) - inside
    found = []
    for number, end in enumerate(ends, start=1):
        if end in borders:
            found.append((place, number))
            place = number
    return found


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def hidden_words(
    world: Tinyville,
    words: Sequence[str],
    hidden: Sequence[tuple[int, int]],
    fits: Callable[[str], bool] = lambda text: True,
) -> list[dict[str, float]]:
    """Say exactly how probable each filling of each hidden stretch is, given all words that are not hidden.

    Args:
        words: the words and marks of a whole text, as `world.words(text)` gives them; what stands at a hidden place
            is not looked at.
        hidden: (first, past the last) word of each hidden stretch, from left to right.
        fits: which of the world's texts count; all, if it is left out.

    Returns:
        for each stretch {what is filled in: probability}, the most probable first; empty where the world says no such
        text, or more than 3,000 fillings would have to be tried.

    >>> hidden_words(Tinyville(), ["___", "lives", "in", "the", "treehouse", "."], [(0, 1)])[0]
    {'Ida': 0.333..., 'Jack': 0.333..., 'Theo': 0.333...}
    """
    nothing: list[dict[str, float]] = [{} for _ in hidden]
    beginnings: list[tuple[list[str], list[str]]] = [([], [])]
    place = 0
    for first, last in hidden:
        told = [([*begun, *words[place:first]], said) for begun, said in beginnings]
        beginnings = [
            ([*begun, *more], [*said, join([*begun, *more])[len(join(begun)) :].strip()])
            for begun, said in told
            for more in _next(world, begun, last - first)
        ]
        if len(beginnings) > MOST_TEXTS:
            return nothing
        place = last
    votes: list[defaultdict[str, float]] = [defaultdict(float) for _ in hidden]
    for begun, said in beginnings:
        text = join([*begun, *words[place:]])
        probability = math.exp(world.log_probability(text))
        if probability and fits(text):
            for vote, stretch in zip(votes, said, strict=True):
                vote[stretch] += probability
    return [_shares(vote) for vote in votes]


def next_stretches(world: Tinyville, text: str, cut: Callable[[str], list[str]]) -> dict[str, float]:
    """Say exactly how probable each next word or mark is after a text that ends where a word ends.

    `cut` cuts a text into words and marks; marks that it keeps together come together. "<|endoftext|>" is the end.
    """
    n_before = len(cut(text))
    votes: defaultdict[str, float] = defaultdict(float)
    for longer, has_ended, probability in continuations(world, text):
        pieces = [*cut(longer), *[END] * has_ended]
        if len(pieces) > n_before:
            votes[pieces[n_before].strip()] += probability
    return _shares(votes)


def _next(world: Tinyville, begun: list[str], n_words: int) -> list[list[str]]:
    """All ways to go on by so many words."""
    ways: list[list[str]] = [[]]
    for _ in range(n_words):
        ways = [[*way, word] for way in ways for word in world.next_words(join([*begun, *way])) if word != END]
    return ways


def _shares(votes: dict[str, float]) -> dict[str, float]:
    total = math.fsum(votes.values())
    ordered = sorted(votes.items(), key=lambda vote: (-vote[1], vote[0]))
    return {word: probability / total for word, probability in ordered}
