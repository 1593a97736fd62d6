"""Split a text into words and punctuation marks, and put them together again.

>>> split('"Where is it?" asked Mia.')
('"', 'Where', 'is', 'it', '?', '"', 'asked', 'Mia', '.')
>>> join(split('"Where is it?" asked Mia.'))
'"Where is it?" asked Mia.'
"""

import re
from functools import lru_cache
from itertools import islice

END = "<|endoftext|>"
"""Stands for "the text ends here" wherever a next word is asked for."""

WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
_CLOSING_MARKS = frozenset(".,:;!?")


@lru_cache(maxsize=100_000)
def split(text: str) -> tuple[str, ...]:
    """The words and punctuation marks of a short text, in order (remembered: phrases come back often)."""
    return tuple(WORD.findall(text))


def first_words(text: str, limit: int) -> list[str]:
    """At most `limit` words from the start of a text of any size."""
    return [match.group() for match in islice(WORD.finditer(text), limit)]


def join(words) -> str:
    """The words as one line of normal English: no space before a full stop or inside quotation marks."""
    pieces: list[str] = []
    inside_quotation, after_opening_mark = False, True
    for word in words:
        if word == '"':
            inside_quotation = not inside_quotation
            pieces.append('"' if after_opening_mark or not inside_quotation else ' "')
            after_opening_mark = inside_quotation
        else:
            pieces.append(word if after_opening_mark or word in _CLOSING_MARKS else " " + word)
            after_opening_mark = False
    return "".join(pieces)
