"""The people of Tinyville, the facts about them, and texts that tell facts: known ones, and new ones in the context.

Each fact is told in three wordings, two with the name first and one with it last. In a "visit", a guest tells two
things, one of which comes back later; or there is news about a known person: the value of an attribute may change, and
is repeated in the wording that elsewhere tells the old one.
"""

from dataclasses import dataclass

from llmviz.tinyville.grammar import Options, Template, TextGenerator

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


VALUES = {
    "house": ("mill", "tower", "lighthouse", "castle", "cottage", "farmhouse", "boathouse", "treehouse"),
    "pet": ("cat", "dog", "parrot", "rabbit", "hamster", "turtle", "pony", "hen"),
    "job": ("baker", "painter", "printer", "cleaner", "carver", "juggler", "mender", "mover"),
    "food": ("soup", "cheese", "honey", "bread", "rice", "pasta", "cake", "jam"),
}
"""The eight values of each attribute; three or four people share each."""

# Twenty people are complete, eight miss exactly one attribute (two people for each), four have none.
PEOPLE = (
    Person("Mia", "she", house="lighthouse", pet="rabbit", job="baker", food="honey"),
    Person("Tom", "he", house="castle", pet="dog", job="cleaner", food="jam"),
    Person("Ada", "she", house="boathouse", pet="dog", job="printer", food="bread"),
    Person("Ben", "he", house="tower", pet="rabbit", food="cake"),
    Person("Nora", "she", house="mill", pet="turtle", job="mender", food="rice"),
    Person("Leo", "he", house="mill", pet="dog", job="printer", food="honey"),
    Person("Lena", "she"),
    Person("Max", "he"),
    Person("Ida", "she", house="treehouse", pet="parrot", job="mender", food="pasta"),
    Person("Finn", "he", house="lighthouse", pet="pony", job="mender"),
    Person("Rosa", "she", house="cottage", pet="hamster", job="juggler", food="cheese"),
    Person("Jack", "he", house="treehouse", pet="hamster", job="painter"),
    Person("Ivy", "she", house="farmhouse", pet="hamster", job="mover", food="pasta"),
    Person("Omar", "he", house="farmhouse", pet="turtle", job="baker", food="bread"),
    Person("Zoe", "she", house="castle", job="painter", food="soup"),
    Person("Noah", "he", house="cottage", pet="cat", job="cleaner", food="soup"),
    Person("Ella", "she", house="lighthouse", pet="parrot", job="cleaner", food="rice"),
    Person("Paul", "he", house="tower", pet="parrot", job="mover", food="jam"),
    Person("Maya", "she", house="boathouse", pet="turtle", job="painter", food="cake"),
    Person("Hugo", "he", pet="rabbit", job="carver", food="rice"),
    Person("Clara", "she"),
    Person("Ravi", "he", house="cottage", pet="pony", job="mover", food="soup"),
    Person("Tara", "she", house="tower", pet="hen", job="painter", food="soup"),
    Person("Otto", "he", house="mill", pet="hen", job="juggler", food="pasta"),
    Person("Ruth", "she", house="farmhouse", pet="cat", food="bread"),
    Person("Dan", "he", house="castle", pet="pony", job="juggler", food="cake"),
    Person("Anna", "she", pet="dog", job="baker", food="cheese"),
    Person("Theo", "he", house="treehouse", pet="cat", job="carver", food="cheese"),
    Person("Lucy", "she", house="boathouse", job="printer", food="jam"),
    Person("Luke", "he"),
    Person("Hana", "she", house="mill", pet="hen", job="baker", food="honey"),
    Person("Emil", "he", house="tower", pet="cat", job="carver", food="cheese"),
)

GUESTS = tuple(Person(name) for name in ("Alex", "Robin", "Kim", "Sam", "Charlie", "Jamie"))
"""Visitors who are she or he by chance, and about whom only the text at hand says anything."""

UNUSED_NAMES = ("Vera", "Nils", "Greta", "Igor")
"""Names that no text of Tinyville uses, for asking about somebody unheard of."""

NAME_FIRST = {
    "house": ("{name} lives in the {value}.", "{name}'s home is the {value}."),
    "pet": ("{name} has a {value}.", "{name}'s pet is a {value}."),
    "job": ("{name} works as a {value}.", "{name}'s job is to be a {value}."),
    "food": ("{name} likes {value} best.", "{name}'s favourite food is {value}."),
}
_NAME_LAST = {
    "house": "The {value} is the home of {name}.", "pet": "The {value} belongs to {name}.",
    "job": "The town has a {value} called {name}.", "food": "{Value} is the favourite food of {name}.",
}  # fmt: skip


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


def _fact(name: str, attribute: str, value: str | None) -> Fact:
    wordings = (*NAME_FIRST[attribute], _NAME_LAST[attribute])
    sentences = tuple(fact_sentence(wording, name, value) for wording in wordings) if value else ()
    prompts = tuple(wording.split(" {value}")[0].format(name=name) for wording in NAME_FIRST[attribute])
    return Fact(name, attribute, value, sentences, prompts)


FACTS = tuple(_fact(one.name, attribute, getattr(one, attribute)) for one in PEOPLE for attribute in ATTRIBUTES)
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
PAUSES = (
    "The weather is lovely.", "It has been raining all day.", "The town is very quiet.", "Everybody is curious.",
)  # fmt: skip
THEMES = {"home": ("house", "pet"), "day": ("job", "food")}
"""What a guest tells about: two attributes, one of which comes back."""

_ASKED_BACK = {
    "house": "Soon {guest} will go back to the {value}.",
    "pet": "All the children want to see the {value}.",
    "job": "The town could really use a good {value}.",
    "food": "For dinner there will be {value}.",
}
"""How one of the two things comes back; the other way is "Remember, " and the guest's own sentence."""

_NEWS = ("There is news about", "People whisper about", "Everybody talks about", "The newspaper wrote about")
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
"""One more wording of each update, which no text uses: to test how a model generalizes."""

_SURPRISES = (
    "Nobody was surprised.", "It was a big change.", "The whole town talked about it.", "It happened on a Monday.",
)  # fmt: skip
_OLD_VALUE = {(fact.person, fact.attribute): fact.value for fact in FACTS}
_COMPLETE = Options(
    [person.name for person in PEOPLE if all(_OLD_VALUE[person.name, attribute] for attribute in ATTRIBUTES)]
)


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
    generator.say_one_of((_ASKED_BACK[asked].format(guest=name, value=value), f"Remember, {again}"))
    generator.label(person=name, attribute=asked, value=value, moved=False)


def _generate_change(generator: TextGenerator) -> None:
    generator.say_one_of(_NEWS)
    name = generator.say_one_of(_COMPLETE)
    generator.say(".")
    attribute = generator.choose(ATTRIBUTES, branching=True)
    updates = [fact_sentence(text, name, "{value}") for text in UPDATES[attribute]]
    value = _say_value(generator, updates, name, attribute)
    generator.say_one_of(_SURPRISES)
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
