"""Ambiguous words, and analogies.

An ambiguous word means two things, and a cue earlier in the text says which. The words between the cue and the word are
the same for both senses, and the next word already depends on the sense: so a model has to carry the cue to the place
of the ambiguous word.

Analogies are families of pairs that differ in one respect. Both partners of a pair occur with the same role words
equally often (the king and the queen with the crown), and all words on one side of a family with the same relation
words (king, wizard, actor: he, his, man). So the neighbors of a word are its role plus its side: the parallelogram king
− man + woman ≈ queen is planted.
"""

from dataclasses import dataclass

from llmviz.tinyville.grammar import Options, Template, TextGenerator, join
from llmviz.tokenizers.words import words


@dataclass(frozen=True, eq=False)
class _Sense:
    """One meaning of a word: its name, the two continuations after the word, and the six cues before it."""

    word: str
    name: str
    continuations: tuple[str, ...]
    cues: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.word} ({self.name})"

    @property
    def beginnings(self) -> tuple[str, ...]:
        """All texts up to and with the word, cue by cue.

        >>> SENSES[0].beginnings[0]
        'Somebody with a purse walked to the bank'
        """
        middles = MIDDLES[self.word]
        return tuple(join(words(f"Somebody {cue} {middle} {self.word}")) for cue in self.cues for middle in middles)


MIDDLES = {
    "bank": ("walked to the", "waited at the", "came back from the", "stopped near the"),
    "bat": ("saw a", "was looking for a", "dreamed of a", "pointed at a"),
    "May": ("was waiting for", "was dreaming of", "often talked about", "wrote a poem about"),
    "Will": ('asked, "', 'whispered, "', 'called out, "', 'said again, "'),
    "Rose": ('said, "', 'wrote, "', 'read aloud, "', 'repeated, "'),
}
"""The words between the cue and the word, whatever the sense: 6 cues × 4 middles = 24 left contexts for each sense."""

SENSES = (
    _Sense("bank", "money", ("to borrow some money.", "because the safe was full."), (
        "with a purse", "with ten coins", "with a gold ring", "with an unpaid bill", "in need of a loan",
        "with a rich uncle",
    )),
    _Sense("bank", "river", ("where the ducks sleep.", "under the willow trees."), (
        "with a fishing rod", "with two oars", "with a wet dog", "in a small canoe", "in rubber boots", "with a paddle",
    )),
    _Sense("bat", "animal", ("hanging upside down.", "sleeping through the day."), (
        "in a cave", "under the roof", "in the dark attic", "in a haunted house", "with a lantern", "near the ruins",
    )),
    _Sense("bat", "sport", ("made of wood.", "for the next game."), (
        "on the field", "in the stadium", "with a helmet", "at the match", "with the other players",
        "on the winning team",
    )),
    _Sense("May", "month", ("when the gardens bloom.", "and its long days."), (
        "with a calendar", "tired of the snow", "in a winter coat", "planning a picnic", "with frozen fingers",
        "sick of the cold",
    )),
    _Sense("May", "name", (", who had promised to call.", ", whose train was late."), (
        "in love", "with a bunch of flowers", "in a wedding dress", "with two tickets", "at the airport",
        "planning a date",
    )),
    _Sense("Will", "question", ('it rain today?"', 'the sun come back?"'), (
        "with an umbrella", "with a weather map", "under a grey sky", "on a sailing boat", "with wet socks",
        "watching the clouds",
    )),
    _Sense("Will", "name", (', are you at home?"', ', can you hear me?"'), (
        "at the front door", "on the telephone", "at the foot of the stairs", "looking for a brother",
        "with a sleeping friend", "outside the window",
    )),
    _Sense("Rose", "flower", ('bushes need water."', 'petals smell sweet."'), (
        "with a watering can", "in the greenhouse", "with a thorn in one thumb", "selling flowers", "with a spade",
        "among the bees",
    )),
    _Sense("Rose", "name", ('was born today."', 'lives next door."'), (
        "with a new baby", "at the hospital", "at the birthday party", "with a baby photo", "visiting the neighbours",
        "proud of a daughter",
    )),
)  # fmt: skip
"""Each ambiguous word in its two senses."""

_BEGINNINGS = Options(
    [(sense, cue) for sense in SENSES for cue in sense.cues],
    texts=[f"Somebody {cue}" for sense in SENSES for cue in sense.cues],
)


def _generate_sense(generator: TextGenerator) -> None:
    """Somebody, a cue, the ambiguous word, and a continuation that fits its sense.

    The labels are the `word`, its `sense`, and the `cue` before it.
    """
    sense, cue = generator.say_one_of(_BEGINNINGS, branching=True)
    generator.say_one_of(MIDDLES[sense.word])
    generator.say(sense.word)
    generator.say_one_of(sense.continuations)
    generator.label(word=sense.word, sense=sense.name, cue=cue)


@dataclass(frozen=True, eq=False)
class _Family:
    """A family of pairs: `pairs` maps (word on side 0, word on side 1) to the role words of both.

    relations: the words that belong to each side. wordings: the sentences; all pairs share both.
    """

    name: str
    pairs: dict[tuple[str, str], tuple[str, ...]]
    relations: tuple[dict[str, str], dict[str, str]]
    wordings: tuple[str, ...]


FAMILIES = (
    _Family(
        "gender",
        {
            ("king", "queen"): ("crown", "throne", "palace"), ("prince", "princess"): ("dragon", "carriage", "sword"),
            ("wizard", "witch"): ("wand", "spell", "potion"), ("actor", "actress"): ("stage", "curtain", "costume"),
            ("waiter", "waitress"): ("tray", "menu", "napkin"), ("monk", "nun"): ("chapel", "prayer", "choir"),
            ("father", "mother"): ("cradle", "pram", "lullaby"), ("groom", "bride"): ("altar", "bouquet", "vow"),
        },
        ({"man": "man", "He": "He", "his": "his"}, {"man": "woman", "He": "She", "his": "hers"}),
        (
            "The {role} and the {other} belong to the {word}, a good {man}.",
            "{He} is the {word} with the {role} and the {other}.",
            "The {role} of the {word} is {his}, and so is the {other}.",
            "The {man} with the {role} is the {word}. The {other} is {his} too.",
        ),
    ),
    _Family(
        "capital",
        {
            ("Paris", "France"): ("baguettes", "perfume", "accordions"),
            ("Rome", "Italy"): ("espresso", "operas", "mosaics"),
            ("Madrid", "Spain"): ("guitars", "oranges", "fans"), ("Athens", "Greece"): ("olives", "temples", "statues"),
            ("Cairo", "Egypt"): ("pyramids", "camels", "papyrus"), ("Tokyo", "Japan"): ("sushi", "robots", "lanterns"),
            ("Lima", "Peru"): ("llamas", "potatoes", "ponchos"), ("Oslo", "Norway"): ("fjords", "skis", "salmon"),
        },
        ({"city": "city", "streets": "streets"}, {"city": "country", "streets": "villages"}),
        (
            "Tourists like the {role} and the {other} of {word}, a beautiful {city}.",
            "{word} is a {city} full of {role} and {other}.",
            "A traveller loved the {role} of {word}, its {streets} and its {other}.",
            "The {city} of {role} is {word}. Its {streets} are full of {other}.",
        ),
    ),
)  # fmt: skip
"""The families, each of eight pairs."""

_FAMILY = {family.name: family for family in FAMILIES}
_MEMBERS = {family.name: Options([(pair, side) for pair in family.pairs for side in (0, 1)]) for family in FAMILIES}
_TEMPLATES = {
    (wording, roles): Template(
        wording, draws={"role": Options(roles), "other": Options(roles)}, known=("word", *family.relations[0])
    )
    for family in FAMILIES
    for wording in family.wordings
    for roles in family.pairs.values()
}


def _generate_family(generator: TextGenerator) -> None:
    """One or two sentences about one member of a pair.

    The labels are the `family`, the `word`, its `partner`, and the `side` (0 or 1) of the word.
    """
    family = _FAMILY[generator.choose(tuple(_FAMILY), branching=True)]
    wording = generator.choose(family.wordings, branching=True)
    pair, side = generator.choose(_MEMBERS[family.name])
    template = _TEMPLATES[wording, family.pairs[pair]]
    template.generate(generator, word=pair[side], **family.relations[side])
    generator.label(family=family.name, word=pair[side], partner=pair[1 - side], side=side)


GENERATORS = {"sense": _generate_sense, "family": _generate_family}
