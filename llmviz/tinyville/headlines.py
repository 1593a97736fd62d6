"""Stories with headlines, for summarization: one line that says what happened, not always in the words of the story."""

from dataclasses import dataclass

from llmviz.tinyville.corpus import Tinyville
from llmviz.tinyville.stories import COLORS, HEROES, OBJECTS, PARTNERS, PLACES
from llmviz.tokenizers.words import words

MARK = " Headline:"
"""Separates a story from its headline."""
_SEED_SHIFT = 3_000_000  # other stories than those of the corpus and of its validation part

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
        """The story, the mark, the headline, as a model reads them."""
        return f"{self.story}{MARK} {self.headline}"


def headlined_stories(n: int, *, seed: int = 0) -> tuple[Headlined, ...]:
    """Stories with their headlines; the same seed gives the same ones."""
    texts = Tinyville().texts(_SEED_SHIFT + seed, counts={"story": n})
    schemas = [text.labels["schema"] for text in texts]
    headlines = [WORDINGS[schema].format_map(text.labels) for schema, text in zip(schemas, texts, strict=True)]
    return tuple(map(Headlined, [text.text for text in texts], headlines, schemas))


def unsupported(story: str, summary: str) -> list[str]:
    """The names, objects, colors and places of a summary that its story does not mention: hallucinations.

    >>> unsupported("Mia tried to sell a red kite at the park.", "Mia sells a blue kite to Leo.")
    ['blue', 'Leo']
    """
    told = set(words(story))
    return [word for word in words(summary) if word in _FROM_THE_STORY and word not in told]
