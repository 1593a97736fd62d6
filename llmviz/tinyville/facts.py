"""Facts about the people: each is told in three wordings, two with the name first and one with it last."""

from dataclasses import dataclass

from llmviz.tinyville.grammar import Options, TextGenerator
from llmviz.tinyville.people import ATTRIBUTES, PEOPLE

NAME_FIRST = {
    "house": ("{name} lives in the {value}.", "{name}'s home is the {value}."),
    "pet": ("{name} has a {value}.", "{name}'s pet is a {value}."),
    "job": ("{name} works as a {value}.", "{name}'s job is to be a {value}."),
    "food": ("{name} likes {value} best.", "{name}'s favourite food is {value}."),
}
NAME_LAST = {
    "house": ("The {value} is the home of {name}.",),
    "pet": ("The {value} belongs to {name}.",),
    "job": ("The town has a {value} called {name}.",),
    "food": ("{Value} is the favourite food of {name}.",),
}


@dataclass(frozen=True)
class Fact:
    """One attribute of one person; `value` is None where the world never tells it.

    `sentences` are all the texts that tell it (none for an unknown one); `prompts` are the beginnings
    of the sentences with the name first, up to but not including the value.
    """

    person: str
    attribute: str
    value: str | None
    sentences: tuple[str, ...]
    prompts: tuple[str, ...]

    @property
    def known(self) -> bool:
        """Does any text of the world tell this fact?"""
        return self.value is not None


def fact_sentence(wording: str, name: str, value: str) -> str:
    """A wording with its name and value filled in.

    >>> fact_sentence("{Value} is the favourite food of {name}.", "Mia", "jam")
    'Jam is the favourite food of Mia.'
    """
    return wording.format(name=name, value=value, Value=value.capitalize())


def _fact(name: str, attribute: str, value: str | None) -> Fact:
    wordings = NAME_FIRST[attribute] + NAME_LAST[attribute]
    sentences = tuple(fact_sentence(wording, name, value) for wording in wordings) if value else ()
    prompts = tuple(wording.split(" {value}")[0].format(name=name) for wording in NAME_FIRST[attribute])
    return Fact(name, attribute, value, sentences, prompts)


FACTS = tuple(
    _fact(person.name, attribute, getattr(person, attribute))
    for person in PEOPLE
    for attribute in ATTRIBUTES
)
"""Every attribute of every person of the town, known or not."""

_TOLD = [(fact, sentence) for fact in FACTS for sentence in fact.sentences]
_SENTENCES = Options(_TOLD, texts=[sentence for _, sentence in _TOLD])


def generate_fact(teller: TextGenerator) -> None:
    """One sentence about one of the known facts; all sentences are equally likely."""
    fact, _ = teller.say_one_of(_SENTENCES)
    teller.label(person=fact.person, attribute=fact.attribute, value=fact.value, known=True)
