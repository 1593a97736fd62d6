"""The world's exact distribution of the next *token*: what a model's next-token bars are to be compared with.

Tinyville counts in words, a model in tokens, which may be pieces of words or several marks in one. So each text that
the world could go on to say is tokenized, and votes with its probability for the token that comes next.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Protocol

from llmviz.tinyville.corpus import Tinyville
from llmviz.tinyville.grammar import END, join


class _Tokenizer(Protocol):
    end_of_text: int

    def encode(self, text: str) -> list[int]: ...
    def decode(self, token_ids: Sequence[int]) -> str: ...


def next_tokens(world: Tinyville, tokenizer: _Tokenizer, token_ids: Sequence[int]) -> dict[int, float]:
    """Say exactly how probable each next token is, when the world goes on after a text that begins like this.

    `token_ids`: the text so far, without an end-of-text token before it; it may stop in the middle of a word.
    Returns {token id: probability}, the most probable first; {} where no text of the world begins with these tokens.
    Lessons 0 and 5.

    >>> from llmviz.tokenizers import BytePairTokenizer
    >>> letters = BytePairTokenizer([])
    >>> exact = next_tokens(Tinyville(), letters, letters.encode("Mia lives in the lightho"))
    >>> letters.tokens(exact), list(exact.values())
    (['u'], [1.0])
    """
    token_ids = list(token_ids)
    n_seen = len(token_ids)
    votes: defaultdict[int, float] = defaultdict(float)
    for text, has_ended, probability in continuations(world, tokenizer.decode(token_ids)):
        all_ids = tokenizer.encode(text) + [tokenizer.end_of_text] * has_ended
        if all_ids[:n_seen] == token_ids and len(all_ids) > n_seen:
            votes[all_ids[n_seen]] += probability
    total = sum(votes.values())
    ordered = sorted(votes.items(), key=lambda vote: (-vote[1], vote[0]))
    return {token_id: probability / total for token_id, probability in ordered}


def continuations(world: Tinyville, text: str) -> Iterator[tuple[str, bool, float]]:
    """Every longer text (has it ended?) with its probability, up to one factor that all of them share.

    The last two words are told again: the text may stop inside one, as in "Mia'" before "Mia's".
    """
    yield from _tell_on(world, text, world.words(text)[:-2], 1.0)


def _tell_on(world: Tinyville, text: str, words: list[str], probability: float) -> Iterator[tuple[str, bool, float]]:
    """Tell one word after another, as long as they spell the text, and one word more.

    After a mark yet another one, because a token may hold two marks, such as `."`.
    """
    told = join(words)
    for word, share in world.next_words(told).items():
        longer = told if word == END else join([*words, word])
        if word == END:
            if told.startswith(text):
                yield told, True, probability * share
        elif longer.startswith(text) and longer != text and word[0].isalnum():
            yield longer, False, probability * share
        elif longer.startswith(text) or text.startswith(longer):
            yield from _tell_on(world, text, [*words, word], probability * share)
