"""Analogies: pairs of words that differ in one respect, the same for all pairs of a family.

Both partners of a pair meet the same role words equally often (the king and the queen the crown), and all words on one
side of a family the same relation words (king, wizard, actor: he, his, man). Nothing else is said of them, so what a
word has for neighbours is its role plus its side: the parallelogram king − man + woman ≈ queen is planted.
"""

from dataclasses import dataclass

from llmviz.tinyville.grammar import Options, Template, TextGenerator, as_options


@dataclass(frozen=True, eq=False)
class Family:
    """A family of pairs: `pairs` maps (word on side 0, word on side 1) to the role words that both meet.

    `relations` are the words that belong to a side, `wordings` the sentences; all pairs share both.
    """

    name: str
    pairs: dict[tuple[str, str], tuple[str, ...]]
    relations: tuple[dict[str, str], dict[str, str]]
    wordings: tuple[str, ...]


FAMILIES = (
    Family(
        "gender",
        {
            ("king", "queen"): ("crown", "throne", "palace"),
            ("prince", "princess"): ("dragon", "carriage", "sword"),
            ("wizard", "witch"): ("wand", "spell", "potion"),
            ("actor", "actress"): ("stage", "curtain", "costume"),
            ("waiter", "waitress"): ("tray", "menu", "napkin"),
            ("monk", "nun"): ("chapel", "prayer", "choir"),
            ("father", "mother"): ("cradle", "pram", "lullaby"),
            ("groom", "bride"): ("altar", "bouquet", "vow"),
        },
        (
            {"man": "man", "He": "He", "his": "his"},
            {"man": "woman", "He": "She", "his": "hers"},
        ),
        (
            "The {role} and the {other} belong to the {word}, a good {man}.",
            "{He} is the {word} with the {role} and the {other}.",
            "The {role} of the {word} is {his}, and so is the {other}.",
            "The {man} with the {role} is the {word}. The {other} is {his} too.",
        ),
    ),
    Family(
        "capital",
        {
            ("Paris", "France"): ("baguettes", "perfume", "accordions"),
            ("Rome", "Italy"): ("espresso", "operas", "mosaics"),
            ("Madrid", "Spain"): ("guitars", "oranges", "fans"),
            ("Athens", "Greece"): ("olives", "temples", "statues"),
            ("Cairo", "Egypt"): ("pyramids", "camels", "papyrus"),
            ("Tokyo", "Japan"): ("sushi", "robots", "lanterns"),
            ("Lima", "Peru"): ("llamas", "potatoes", "ponchos"),
            ("Oslo", "Norway"): ("fjords", "skis", "salmon"),
        },
        (
            {"city": "city", "streets": "streets"},
            {"city": "country", "streets": "villages"},
        ),
        (
            "Tourists like the {role} and the {other} of {word}, a beautiful {city}.",
            "{word} is a {city} full of {role} and {other}.",
            "A traveller loved the {role} of {word}, its {streets} and its {other}.",
            "The {city} of {role} is {word}. Its {streets} are full of {other}.",
        ),
    ),
)
"""The families, each of eight pairs."""

_FAMILY = {family.name: family for family in FAMILIES}
_MEMBERS = {
    family.name: Options([(pair, side) for pair in family.pairs for side in (0, 1)]) for family in FAMILIES
}
_TEMPLATES = {
    (wording, roles): Template(
        wording,
        draws={"role": as_options(roles), "other": as_options(roles)},
        known=("word", *family.relations[0]),
    )
    for family in FAMILIES
    for wording in family.wordings
    for roles in family.pairs.values()
}


def generate_family(teller: TextGenerator) -> None:
    """One sentence or two about one member of a pair.

    The labels are the `family`, the `word`, its `partner`, and the `side` (0 or 1) of the word.
    """
    family = _FAMILY[teller.choose(tuple(_FAMILY), shapes=True)]
    wording = teller.choose(family.wordings, shapes=True)
    pair, side = teller.choose(_MEMBERS[family.name])
    template = _TEMPLATES[wording, family.pairs[pair]]
    template.tell(teller, word=pair[side], **family.relations[side])
    teller.label(family=family.name, word=pair[side], partner=pair[1 - side], side=side)
