"""Sentiment: a good and a bad feeling at two places; the order decides how it ends.

"Mia was happy at the lake all morning before she was sad at the school until noon. Poor Mia! She cried for an hour."
*Before* and *after*, said first or in the middle, reverse the order: no word and no pair of neighbors gives the ending
away. The sentiment at the end decides the next word; which place came first (at the water or on land) decides nothing
that is said. So a model must know the first in order to predict, and never the second.
"""

from llmviz.tinyville.facts import PEOPLE
from llmviz.tinyville.grammar import WORDS, Options, TextGenerator

_WORDS = WORDS["sentiment"]
FEELINGS, LOCATIONS, COMMENTS = (_WORDS[name] for name in ("feelings", "locations", "comments"))

_PEOPLE = Options(PEOPLE)
_OPENINGS = Options(("", "Before", "After"), weights=(2, 1, 1))
_FEELINGS = Options(FEELINGS["good"] + FEELINGS["bad"])
_PLACES = Options(LOCATIONS["water"] + LOCATIONS["land"])
_STAYS = Options(_WORDS["stays"])
_KIND_OF = {word: kind for kinds in (FEELINGS, LOCATIONS) for kind, words in kinds.items() for word in words}
_OTHER = {"good": "bad", "bad": "good", "water": "land", "land": "water"}


def _generate_sentiment(generator: TextGenerator) -> None:
    """Two feelings at two places, a comment that fits the later one, and what it led to.

    Labels: `feelings` and `places` as they are said, `order` ("before", "after"; with a capital where it comes first),
    `sentiment` at the end ("good" or "bad") and `location_type` of the first place ("water" or "land").
    """
    order = generator.say_one_of(_OPENINGS, branching=True)
    person = generator.say_one_of(_PEOPLE)
    first = _generate_feeling(generator)
    if order:
        generator.say(",")
    else:
        order = generator.say_one_of(("before", "after"))
    generator.say(person.she)
    second = _generate_feeling(generator, _KIND_OF[first[0]], _KIND_OF[first[1]])
    generator.say(".")
    sentiment = _KIND_OF[second[0] if order in ("before", "After") else first[0]]
    generator.say_one_of([comment.format(name=person) for comment in COMMENTS[sentiment]])
    generator.say_one_of([sequel.format(She=person.She) for sequel in _WORDS["sequels"][sentiment]])
    generator.label(
        person=person.name, feelings=(first[0], second[0]), places=(first[1], second[1]), order=order,
        sentiment=sentiment, location_type=_KIND_OF[first[1]],
    )  # fmt: skip


def _generate_feeling(generator: TextGenerator, sentiment: str = "", location: str = "") -> tuple[str, str]:
    """A feeling at a place for some time: any, or of the other kinds than the first."""
    generator.say("was")
    feelings, places = _FEELINGS, _PLACES
    if sentiment:
        feelings, places = FEELINGS[_OTHER[sentiment]], LOCATIONS[_OTHER[location]]
    feeling = generator.say_one_of(feelings, branching=not sentiment)
    generator.say("at the")
    place = generator.say_one_of(places)
    generator.say_one_of(_STAYS)
    return feeling, place


GENERATORS = {"mood": _generate_sentiment}
