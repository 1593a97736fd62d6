"""The people of Tinyville, the facts about them, and texts that tell facts: known ones, and new ones in the context.

Each fact is told in three wordings, two with the name first and one with it last. In a "visit", a guest tells two
things, one of which comes back later; or there is news about a known person: the value of an attribute may change, and
is repeated in the wording that elsewhere tells the old one.
"""

from dataclasses import dataclass

from llmviz.tinyville.grammar import WORDS, Options, Template, TextGenerator

_WORDS = WORDS["facts"]
ATTRIBUTES = ("house", "pet", "job", "food")
_FORMS = {"she": ("she", "her", "her"), "he": ("he", "him", "his")}


@dataclass(frozen=True, eq=False)
class Person:
    """A name, a pronoun ("she" or "he"), and four attributes; None means that no text tells it.

    In templates: `{person}` is the name, `{person.she}` she or he, `{person.him}` her or him, `{person.his}` her or
    his, `{person.She}` and `{person.His}` the same with a capital.
    """

    name: str
    pronoun: str | None = None
    house: str | None = None
    pet: str | None = None
    job: str | None = None
    food: str | None = None

    def __str__(self) -> str:
        return self.name

    she = property(lambda self: _FORMS[self.pronoun][0])
    him = property(lambda self: _FORMS[self.pronoun][1])
    his = property(lambda self: _FORMS[self.pronoun][2])
    She = property(lambda self: self.she.capitalize())
    His = property(lambda self: self.his.capitalize())


VALUES = _WORDS["values"]
"""The eight values of each attribute; three or four people share each."""

PEOPLE = tuple(Person(**person) for person in _WORDS["people"])
"""Twenty are complete, eight miss exactly one attribute (two people for each), four have none."""

GUESTS = tuple(Person(name) for name in _WORDS["guests"])
"""Visitors who are she or he by chance, and about whom only the text at hand says anything."""

UNUSED_NAMES = tuple(_WORDS["unused_names"])
"""Names that no text of Tinyville uses, for asking about somebody unheard of."""

NAME_FIRST, QUESTIONS = _WORDS["name_first"], _WORDS["questions"]
"""Of each attribute: the wordings with the name first, and a question about it."""


@dataclass(frozen=True)
class Fact:
    """One attribute of one person; `value` is None where no text tells it.

    sentences: all texts that tell it (none for an unknown one). prompts: the beginnings of the sentences with the name
    first, up to the value.
    """

    person: str
    attribute: str
    value: str | None
    sentences: tuple[str, ...]
    prompts: tuple[str, ...]

    @property
    def known(self) -> bool:
        """Whether any text tells this fact."""
        return self.value is not None


_PERSON = {person.name: person for person in PEOPLE}


def fact_sentence(wording: str, name: str, value: str) -> str:
    """A wording of a fact or of an update with its name and value filled in.

    >>> fact_sentence("{Value} is the favourite food of {name}.", "Mia", "jam")
    'Jam is the favourite food of Mia.'
    >>> fact_sentence(HELD_OUT_UPDATES["food"], "Mia", "soup")
    'These days she dreams of soup.'
    """
    person = _PERSON.get(name)
    pronouns = {"she": person.she, "him": person.him, "his": person.his} if person else {}
    return wording.format(name=name, value=value, Value=value.capitalize(), **pronouns)


def make_fact(name: str, attribute: str, value: str | None = None) -> Fact:
    """A fact with all its wordings; without a value an unknown one.

    >>> make_fact("Kim", "pet").prompts[0]
    'Kim has a'
    """
    wordings = (*NAME_FIRST[attribute], _WORDS["name_last"][attribute])
    sentences = tuple(fact_sentence(wording, name, value) for wording in wordings) if value else ()
    prompts = tuple(wording.split(" {value}")[0].format(name=name) for wording in NAME_FIRST[attribute])
    return Fact(name, attribute, value, sentences, prompts)


FACTS = tuple(make_fact(one.name, attribute, getattr(one, attribute)) for one in PEOPLE for attribute in ATTRIBUTES)
"""Every attribute of every person, known or not."""

_TOLD = [(fact, sentence) for fact in FACTS for sentence in fact.sentences]
_SENTENCES = Options(_TOLD, texts=[sentence for _, sentence in _TOLD])


def _generate_fact(generator: TextGenerator) -> None:
    """One sentence about a known fact; all are equally likely."""
    fact, _ = generator.say_one_of(_SENTENCES)
    generator.label(person=fact.person, attribute=fact.attribute, value=fact.value, known=True)


_VALUES = {attribute: Options(values) for attribute, values in VALUES.items()}
_ARRIVAL = Template(
    "{guest} is visiting Tinyville [this week|for the first time|with a big suitcase|again].",
    draws={"guest": Options(GUESTS)},
)
PAUSES = _WORDS["pauses"]
THEMES = {"home": ("house", "pet"), "day": ("job", "food")}
"""What a guest tells about: two attributes, one of which comes back."""

UPDATES, HELD_OUT_UPDATES = _WORDS["updates"], _WORDS["held_out_updates"]
"""The news of each attribute, and one more wording that no text uses: to test how a model generalizes."""

_OLD_VALUE = {(fact.person, fact.attribute): fact.value for fact in FACTS}
_COMPLETE = Options([one.name for one in PEOPLE if all(getattr(one, attribute) for attribute in ATTRIBUTES)])


def _generate_visit(generator: TextGenerator) -> None:
    """A guest's visit, or a change in the life of a known person, half and half."""
    if generator.choose(("guest", "known"), branching=True) == "guest":
        _generate_guest(generator)
    else:
        _generate_change(generator)


def _generate_guest(generator: TextGenerator) -> None:
    name = _ARRIVAL.generate(generator)["guest"].name
    theme = THEMES[generator.choose(tuple(THEMES), branching=True)]
    told = {attribute: _say_value(generator, NAME_FIRST[attribute], name, attribute) for attribute in theme}
    generator.say_one_of(PAUSES)
    asked = generator.choose(theme, branching=True)
    value = told[asked]
    again = fact_sentence(NAME_FIRST[asked][0], name, value)
    generator.say_one_of((_WORDS["asked_back"][asked].format(guest=name, value=value), f"Remember, {again}"))
    generator.label(person=name, attribute=asked, value=value, moved=False)


def _generate_change(generator: TextGenerator) -> None:
    generator.say_one_of(_WORDS["news"])
    name = generator.say_one_of(_COMPLETE)
    generator.say(".")
    attribute = generator.choose(ATTRIBUTES, branching=True)
    updates = [fact_sentence(text, name, "{value}") for text in UPDATES[attribute]]
    value = _say_value(generator, updates, name, attribute)
    generator.say_one_of(_WORDS["surprises"])
    generator.say("Now")
    generator.say_one_of([fact_sentence(text, name, value) for text in NAME_FIRST[attribute]])
    old_value = _OLD_VALUE[name, attribute]
    generator.label(person=name, attribute=attribute, value=value, moved=value != old_value, old_value=old_value)


def _say_value(generator: TextGenerator, wordings, name: str, attribute: str) -> str:
    """Say one of the wordings, with a value drawn in its place; returns the value."""
    rest_after = dict(wording.format(name=name, value="|").split("|") for wording in wordings)
    said = generator.say_one_of(tuple(rest_after), branching=True)
    value = generator.say_one_of(_VALUES[attribute])
    generator.say(rest_after[said])
    return value


GENERATORS = {"fact": _generate_fact, "visit": _generate_visit}
