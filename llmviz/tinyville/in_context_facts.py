"""Visits and changes: facts that only the text at hand tells, and that win over what is known by heart.

A guest tells two things, one of which is asked back later. There is news about somebody known: the value
of an attribute may be a new one, and is repeated, in the very words that elsewhere tell the old one.
"""

from llmviz.tinyville.facts import FACTS, NAME_FIRST, fact_sentence
from llmviz.tinyville.grammar import Options, Template, TextGenerator, as_options
from llmviz.tinyville.people import ATTRIBUTES, GUESTS, PEOPLE, VALUES

_GUESTS = Options(GUESTS)
_VALUES = {attribute: Options(values) for attribute, values in VALUES.items()}
_PERSON = {person.name: person for person in PEOPLE}

ARRIVAL = Template(
    "{guest} is visiting Tinyville [this week|for the first time|with a big suitcase|again].",
    draws={"guest": _GUESTS},
)
PAUSE = as_options(
    (
        "The weather is lovely.",
        "It has been raining all day.",
        "The town is very quiet.",
        "Everybody is curious.",
    )
)
THEMES = {"home": ("house", "pet"), "day": ("job", "food")}
"""What a guest tells about: two attributes, one of which is asked back."""

ASKED_BACK = {
    "house": "Soon {guest} will go back to the {value}.",
    "pet": "All the children want to see the {value}.",
    "job": "The town could really use a good {value}.",
    "food": "For dinner there will be {value}.",
}
"""How one of the two things comes back; the other way is "Remember, " and the guest's own sentence."""

NEWS = as_options(("There is news about", "People whisper about", "Everybody talks about", "The newspaper wrote about"))
UPDATES = {
    "house": ("Last month {she} moved to the {value}.", "Only yesterday {she} bought the {value}.",
              "This year the {value} became {his} new home."),
    "pet": ("Last month {she} adopted a {value}.", "Only yesterday {she} came home with a {value}.",
            "This year a {value} took its place."),
    "job": ("Last month {she} became a {value}.", "Only yesterday {she} learned to be a {value}.",
            "This year {she} found work as a {value}."),
    "food": ("Last month {she} discovered {value}.", "Only yesterday {she} tasted {value}.",
             "This year {she} eats nothing but {value}."),
}  # fmt: skip
HELD_OUT_UPDATES = {
    "house": "These days you will find {him} in the {value}.",
    "pet": "These days {she} is always seen with a {value}.",
    "job": "These days {she} earns {his} money as a {value}.",
    "food": "These days {she} dreams of {value}.",
}
"""One more wording of each update, which the world never says: for testing what a model generalises."""

SURPRISE = as_options(
    (
        "Nobody was surprised.",
        "It was a big change.",
        "The whole town talked about it.",
        "It happened on a Monday.",
    )
)
_OLD_VALUE = {(fact.person, fact.attribute): fact.value for fact in FACTS}
_COMPLETE = Options(
    [person.name for person in PEOPLE if all(_OLD_VALUE[person.name, attribute] for attribute in ATTRIBUTES)]
)
_VISITOR = Options(("guest", "known"))


def update_sentence(wording: str, name: str, value: str) -> str:
    """An update of somebody known, in words.

    >>> update_sentence(HELD_OUT_UPDATES["food"], "Mia", "soup")
    'These days she dreams of soup.'
    """
    person = _PERSON[name]
    return wording.format(she=person.she, him=person.him, his=person.his, value=value)


def generate_visit(teller: TextGenerator) -> None:
    """A guest's visit, or the change in the life of somebody known, half and half."""
    if teller.choose(_VISITOR, shapes=True) == "guest":
        _tell_guest(teller)
    else:
        _tell_change(teller)


def _tell_guest(teller: TextGenerator) -> None:
    name = ARRIVAL.tell(teller)["guest"].name
    theme = THEMES[teller.choose(tuple(THEMES), shapes=True)]
    told = {attribute: _say_value(teller, NAME_FIRST[attribute], name, attribute) for attribute in theme}
    teller.say_one_of(PAUSE)
    asked = teller.choose(theme, shapes=True)
    value = told[asked]
    again = fact_sentence(NAME_FIRST[asked][0], name, value)
    teller.say_one_of((ASKED_BACK[asked].format(guest=name, value=value), f"Remember, {again}"))
    teller.label(person=name, attribute=asked, value=value, moved=False)


def _tell_change(teller: TextGenerator) -> None:
    teller.say_one_of(NEWS)
    name = teller.say_one_of(_COMPLETE)
    teller.say(".")
    attribute = teller.choose(ATTRIBUTES, shapes=True)
    updates = [update_sentence(text, name, "{value}") for text in UPDATES[attribute]]
    value = _say_value(teller, updates, name, attribute)
    teller.say_one_of(SURPRISE)
    teller.say("Now")
    teller.say_one_of([fact_sentence(text, name, value) for text in NAME_FIRST[attribute]])
    old_value = _OLD_VALUE[name, attribute]
    teller.label(person=name, attribute=attribute, value=value, moved=value != old_value, old_value=old_value)


def _say_value(teller: TextGenerator, wordings, name: str, attribute: str) -> str:
    """Say one of the wordings, with a value drawn where it stands; returns the value."""
    rest_after = dict(wording.format(name=name, value="|").split("|") for wording in wordings)
    said = teller.say_one_of(tuple(rest_after), shapes=True)
    value = teller.say_one_of(_VALUES[attribute])
    teller.say(rest_after[said])
    return value
