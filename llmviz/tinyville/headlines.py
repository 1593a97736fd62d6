"""A headline for each story: one line that says what happened, not always in the words of the story (lesson 7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmviz.tinyville.corpus import Text, Tinyville
from llmviz.tinyville.grammar import split
from llmviz.tinyville.stories import COLORS, HEROES, OBJECTS, PARTNERS, PLACES

MARK = " Headline:"
"""What stands between a story and its headline."""
SEED_SHIFT = 3_000_000  # headlines have stories of their own: none of those in the corpus, nor those held out from it

WORDINGS = {
    "found": "{person} gives back the {color} {object} of {partner}.",
    "lost": "{partner} helps {person} find the {color} {object}.",
    "gift": "{person} hides a {color} {object} for {partner}.",
    "borrowed": "{person} breaks the {color} {object} of {partner}.",
    "thief": "{partner} saves the {color} {object} of {person}.",
    "mystery": "{partner} lets a {color} {object} fly at the {place}.",
    "sale": "{person} sells a {color} {object} to {partner}.",
    "dream": "{person} and {partner} dream of a {color} {object}.",
}
"""One wording for each of the eight kinds of story."""

_FROM_THE_STORY = frozenset([*(person.name for person in (*HEROES, *PARTNERS)), *OBJECTS, *COLORS, *PLACES])


@dataclass(frozen=True)
class Headlined:
    """A story and its headline."""

    story: str
    headline: str
    schema: str

    @property
    def text(self) -> str:
        """Both in one, as a model reads them: the story, the mark, the headline."""
        return f"{self.story}{MARK} {self.headline}"


def headline(labels: Mapping[str, Any]) -> str:
    """Say what happened in a story, from its labels.

    >>> headline(dict(schema="sale", person="Mia", partner="Leo", object="kite", color="red", place="park"))
    'Mia sells a red kite to Leo.'
    """
    return WORDINGS[labels["schema"]].format_map(labels)


def headlined_stories(n: int, *, seed: int = 0) -> tuple[Headlined, ...]:
    """Invent stories with their headlines; the same seed gives the same ones, and no other kind of text uses it."""
    return tuple(_headlined(text) for text in Tinyville().texts(SEED_SHIFT + seed, counts={"story": n}))


def _headlined(text: Text) -> Headlined:
    return Headlined(text.text, headline(text.labels), text.labels["schema"])


def unsupported(story: str, summary: str) -> list[str]:
    """The names, objects, colors and places of a summary that its story does not mention: what was made up.

    >>> unsupported("Mia tried to sell a red kite at the park.", "Mia sells a blue kite to Leo.")
    ['blue', 'Leo']
    """
    told = set(split(story))
    return [word for word in split(summary) if word in _FROM_THE_STORY and word not in told]
