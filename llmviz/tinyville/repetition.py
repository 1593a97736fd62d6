"""Copy drills: somebody says the same list of words three times, so that looking back pays off.

Without enough of these, a small model learns to copy from its context late or never.
"""

from llmviz.tinyville.grammar import Options, TextGenerator
from llmviz.tinyville.people import PEOPLE, VALUES
from llmviz.tinyville.stories import COLORS, OBJECTS, PLACES

FEWEST_WORDS, MOST_WORDS = 4, 9

WORD_CLASSES = {
    "name": tuple(person.name for person in PEOPLE),
    "object": OBJECTS,
    "color": COLORS,
    "place": PLACES,
}
"""The words that drills and stories copy, by class."""

_LEARNERS = Options(PEOPLE)
_ITEMS = Options([word for words in (*WORD_CLASSES.values(), *VALUES.values()) for word in words])
# After the k-th word the list goes on or ends, so that every length is equally likely.
_GO_ON = {k: Options((",", "."), (MOST_WORDS - k, 1)) for k in range(FEWEST_WORDS, MOST_WORDS + 1)}


def generate_drill(teller: TextGenerator) -> None:
    """A list of names, objects, colors, places and whatever visits tell, learned by heart."""
    learner = teller.say_one_of(_LEARNERS)
    teller.say("learns a list by heart:")
    items: list[str] = []
    for position in range(1, MOST_WORDS + 1):
        items.append(teller.say_one_of(_ITEMS))
        if position < FEWEST_WORDS:
            teller.say(",")
        elif teller.say_one_of(_GO_ON[position], shapes=True) == ".":
            break
    teller.say(f"Again: {', '.join(items)}. And once more, {', '.join(items)}.")
    teller.label(person=learner.name, items=tuple(items))
