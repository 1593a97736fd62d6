"""Stories, and drills: texts that repeat what they introduced, so that attention to earlier tokens pays off.

A story has a person, an object of some color, a place, a partner, a feeling, and an ending that fits it. A drill is a
list of words that is said three times; without enough of them, a small model learns to copy from its context late or
never.
"""

from llmviz.tinyville.facts import PEOPLE, VALUES
from llmviz.tinyville.grammar import WORDS, Options, Template, TextGenerator

_WORDS = WORDS["stories"]
OBJECTS, COLORS, PLACES, OPENINGS = (tuple(_WORDS[name]) for name in ("objects", "colors", "places", "openings"))
SCHEMAS, FEELINGS, ENDINGS, HEADLINES = (_WORDS[name] for name in ("schemas", "feelings", "endings", "headlines"))
"""The eight stories, the four feelings that each can leave, what a person does who feels like this, and a headline."""

HEROES = tuple(person for i, person in enumerate(PEOPLE) if i % 4 < 2)
PARTNERS = tuple(person for i, person in enumerate(PEOPLE) if i % 4 >= 2)
"""Half of the people have the adventures, the others are their partners."""

_DRAWS = {
    "person": Options(HEROES), "partner": Options(PARTNERS), "object": Options(OBJECTS), "color": Options(COLORS),
    "place": Options(PLACES),
}  # fmt: skip
_TEMPLATES = {schema: Template(text, draws=_DRAWS) for schema, text in SCHEMAS.items()}


def _generate_story(generator: TextGenerator) -> None:
    """One of eight stories, with or without an opening, and an ending that fits the feeling."""
    if generator.choose(("with", "without"), branching=True) == "with":
        generator.say_one_of(OPENINGS)
    schema = generator.choose(tuple(SCHEMAS), branching=True)
    slots = _TEMPLATES[schema].generate(generator)
    feeling = generator.say_one_of(FEELINGS[schema], branching=True)
    generator.say(".")
    generator.say_one_of([ending.format_map(slots) for ending in ENDINGS[feeling]])
    labels = {slot: str(value) for slot, value in slots.items()}
    generator.label(schema=schema, feeling=feeling, **labels)


_FEWEST_WORDS, _MOST_WORDS = 4, 9
WORD_CLASSES = {"name": tuple(person.name for person in PEOPLE), "object": OBJECTS, "color": COLORS, "place": PLACES}
"""The words that drills and stories copy, by class."""

_LEARNERS = Options(PEOPLE)
_ITEMS = Options([word for words in (*WORD_CLASSES.values(), *VALUES.values()) for word in words])
# After the k-th word the list goes on or ends, so that every length is equally likely.
_CONTINUE = {k: Options((",", "."), (_MOST_WORDS - k, 1)) for k in range(_FEWEST_WORDS, _MOST_WORDS + 1)}


def _generate_drill(generator: TextGenerator) -> None:
    """A list of names, objects, colors, places and attributes, learned by heart."""
    learner = generator.say_one_of(_LEARNERS)
    generator.say("learns a list by heart:")
    items: list[str] = []
    for position in range(1, _MOST_WORDS + 1):
        items.append(generator.say_one_of(_ITEMS))
        if position < _FEWEST_WORDS:
            generator.say(",")
        elif generator.say_one_of(_CONTINUE[position], branching=True) == ".":
            break
    generator.say(f"Again: {', '.join(items)}. And once more, {', '.join(items)}.")
    generator.label(person=learner.name, items=tuple(items))


GENERATORS = {"story": _generate_story, "copy": _generate_drill}
