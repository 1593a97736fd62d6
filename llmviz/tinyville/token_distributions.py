"""Exact distributions of Tinyville for a model's tokens: of the next token, and of masked words.

Tinyville counts in words, a model in tokens, which may be parts of words or several marks in one. So each text that can
follow is tokenized, and adds its probability to that of the token. Masked words follow by Bayes' rule over whole texts:
P(word | all other words) ∝ P(the text with this word).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

from llmviz.tinyville.corpus import Tinyville
from llmviz.tinyville.grammar import END, join
from llmviz.tokenizers.base import Tokenizer
from llmviz.tokenizers.words import WORD

_MOST_TEXTS = 3_000


def next_tokens(world: Tinyville, tokenizer: Tokenizer, token_ids: Sequence[int]) -> dict[int, float]:
    """The exact distribution of the next token after a text that begins with these tokens.

    token_ids: the text so far, without an end-of-text token before it; it may stop inside a word. Returns
    {token id: probability}, the most probable first; {} where no text of Tinyville begins with these tokens.

    >>> from llmviz.tokenizers import BytePairTokenizer
    >>> letters = BytePairTokenizer([])
    >>> exact = next_tokens(Tinyville(), letters, letters.encode("Mia lives in the lightho"))
    >>> letters.tokens(exact), list(exact.values())
    (['u'], [1.0])
    """
    token_ids = list(token_ids)
    n_seen = len(token_ids)
    weights: defaultdict[int, float] = defaultdict(float)
    for text, has_ended, probability in _continuations(world, tokenizer.decode(token_ids)):
        all_ids = tokenizer.encode(text) + [tokenizer.end_of_text] * has_ended
        if all_ids[:n_seen] == token_ids and len(all_ids) > n_seen:
            weights[all_ids[n_seen]] += probability
    return _normalized(weights)


def next_pieces(world: Tinyville, text: str, split: Callable[[str], list[str]]) -> dict[str, float]:
    """The exact distribution of the next piece after a text that ends where a word ends.

    split: cuts a text into words and marks, or several marks in one. "<|endoftext|>" is the end of the text.
    """
    n_before = len(split(text))
    weights: defaultdict[str, float] = defaultdict(float)
    for longer, has_ended, probability in _continuations(world, text):
        pieces = [*split(longer), *[END] * has_ended]
        if len(pieces) > n_before:
            weights[pieces[n_before].strip()] += probability
    return _normalized(weights)


def _continuations(world: Tinyville, text: str) -> Iterator[tuple[str, bool, float]]:
    """Every longer text (has it ended?) with its probability, up to one factor that all share.

    The last two words are generated again: the text may stop inside one, as in "Mia'" before "Mia's".
    """
    yield from _generate_on(world, text, world.words(text)[:-2], 1.0)


def _generate_on(
    world: Tinyville, text: str, words: list[str], probability: float
) -> Iterator[tuple[str, bool, float]]:
    """Add one word after another, as long as they spell the text, and one word more.

    After a mark yet another one, because a token may hold two marks, such as `."`.
    """
    said = join(words)
    for word, share in world.next_words(said).items():
        longer = said if word == END else join([*words, word])
        if word == END:
            if said.startswith(text):
                yield said, True, probability * share
        elif longer.startswith(text) and longer != text and word[0].isalnum():
            yield longer, False, probability * share
        elif longer.startswith(text) or text.startswith(longer):
            yield from _generate_on(world, text, [*words, word], probability * share)


def word_spans(token_spans: Sequence[str | bytes]) -> list[tuple[int, int]]:
    """The tokens of each word or mark, (first, past the last), without gaps from left to right.

    token_spans: as `tokenizer.token_spans(text)` gives them. A token that holds two marks, such as `."`, keeps them
    together; the space before a word belongs to it where the tokenizer puts it there.

    >>> word_spans(["Mia", " lo", "st", " it", "."])
    [(0, 1), (1, 3), (3, 4), (4, 5)]
    """
    raw = [span if isinstance(span, bytes) else _bytes(span) for span in token_spans]
    text = b"".join(raw).decode("utf-8", "surrogatepass")
    offsets = [0, *accumulate(len(_bytes(character)) for character in text)]
    inside = set()
    for word in WORD.finditer(text):
        inside.update(range(offsets[word.start()] + 1, offsets[word.end()]))
    borders = set(offsets) - inside
    found, place = [], 0
    for number, end in enumerate(accumulate(map(len, raw)), start=1):
        if end in borders:
            found.append((place, number))
            place = number
    return found


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def masked_words(world: Tinyville, words: Sequence[str], masked: Sequence[tuple[int, int]],
                 fits: Callable[[str], bool] = lambda text: True) -> list[dict[str, float]]:  # fmt: skip
    """The exact distribution of each masked span, given all other words.

    Args:
        words: the words and marks of a whole text, as `world.words(text)` gives them; masked ones are ignored.
        masked: (first, past the last) word of each masked span, from left to right.
        fits: which texts count; all without it.

    Returns:
        for each span {what is filled in: probability}, the most probable first; empty where no text is possible, or
        more than 3,000 fillings would have to be tried.

    >>> masked_words(Tinyville(), ["___", "lives", "in", "the", "treehouse", "."], [(0, 1)])[0]
    {'Ida': 0.333..., 'Jack': 0.333..., 'Theo': 0.333...}
    """
    beginnings: list[tuple[list[str], list[str]]] = [([], [])]  # the words so far, and what was filled in
    place = 0
    for first, last in masked:
        before = [([*begun, *words[place:first]], filled) for begun, filled in beginnings]
        beginnings = [
            ([*begun, *more], [*filled, join([*begun, *more])[len(join(begun)) :].strip()])
            for begun, filled in before
            for more in _next(world, begun, last - first)
        ]
        if len(beginnings) > _MOST_TEXTS:
            return [{} for _ in masked]
        place = last
    weights: list[defaultdict[str, float]] = [defaultdict(float) for _ in masked]
    for begun, filled in beginnings:
        text = join([*begun, *words[place:]])
        probability = math.exp(world.log_probability(text))
        if probability and fits(text):
            for weight, span in zip(weights, filled, strict=True):
                weight[span] += probability
    return [_normalized(weight) for weight in weights]


def _next(world: Tinyville, begun: list[str], n_words: int) -> list[list[str]]:
    """All continuations by so many words."""
    ways: list[list[str]] = [[]]
    for _ in range(n_words):
        ways = [[*way, word] for way in ways for word in world.next_words(join([*begun, *way])) if word != END]
    return ways


def _normalized(weights: dict) -> dict:
    """Divide by the sum; the most probable first."""
    total = math.fsum(weights.values())
    ordered = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    return {key: weight / total for key, weight in ordered}
