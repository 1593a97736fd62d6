"""The words of the translator's two languages, with what French asks of them: gender, forms, place.

Plurals follow the rules below but for the exceptions in the tables; a test reads every form.
"""

from dataclasses import dataclass

from llmviz.tinyville.facts import PEOPLE

_ENGLISH_PLURALS = {"mouse": "mice", "man": "men", "woman": "women"}
_FRENCH_PLURALS = {"hibou": "hiboux", "cheval": "chevaux"}
_VOWELS = "aeiouyàâéèêîôû"
_SILENT_H = {"homme", "hommes", "hôtel", "hôtels"}  # the h of "hibou" is not heard either, but forbids l'


@dataclass(frozen=True)
class Noun:
    """A noun: its four forms, its gender ("m" or "f"), and what kind of thing it names."""

    english: str
    english_plural: str
    french: str
    french_plural: str
    gender: str
    kind: str


@dataclass(frozen=True)
class Adjective:
    """An adjective and its French forms; `before`: it stands before its noun in French, as it does in English.

    `vowel` is its masculine form before a vowel (un *vieil* oiseau), `kinds` what it may be said of, `predicative`
    whether also after "is", and `early` whether it comes first among several in English.
    """

    english: str
    masculine: str
    feminine: str
    vowel: str
    before: bool
    kinds: tuple[str, ...]
    predicative: bool = True
    early: bool = False

    def form(self, gender: str, plural: bool, next_word: str = "") -> str:
        """The form that agrees with a noun; `next_word` follows at once."""
        if plural:
            return french_plural(self.masculine if gender == "m" else self.feminine)
        if gender == "f":
            return self.feminine
        return self.vowel if next_word and elides(next_word) else self.masculine


@dataclass(frozen=True)
class Verb:
    """A verb in the third person; `objects` are the kinds of thing that it is done to, () if to nothing.

    `english` may have two words (looks for); `definite`: its object is a certain one (loves *the* cat).
    """

    english: str
    english_plural: str
    french: str
    french_plural: str
    objects: tuple[str, ...] = ()
    definite: bool = False


def elides(french: str) -> bool:
    """Whether le and la lose their vowel before this word: l'oiseau, l'homme, but le hibou.

    >>> [elides(word) for word in ("oiseau", "homme", "hibou", "lampe")]
    [True, True, False, False]
    """
    return french[0] in _VOWELS or french in _SILENT_H


def french_plural(word: str) -> str:
    """The regular plural, and the exceptions that we use.

    >>> [french_plural(word) for word in ("lampe", "souris", "bateau", "cheval")]
    ['lampes', 'souris', 'bateaux', 'chevaux']
    """
    if word[-1] in "sx":
        return word
    return _FRENCH_PLURALS.get(word) or word + ("x" if word.endswith("eau") else "s")


def english_plural(word: str) -> str:
    """The regular plural, and the exceptions that we use.

    >>> [english_plural(word) for word in ("lamp", "witch", "mouse", "bunny")]
    ['lamps', 'witches', 'mice', 'bunnies']
    """
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return _ENGLISH_PLURALS.get(word) or word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")


def _nouns(kind: str, table: str) -> tuple[Noun, ...]:
    rows = [entry.split() for entry in table.split(",")]
    return tuple(Noun(en, english_plural(en), fr, french_plural(fr), gender, kind) for en, fr, gender in rows)


NOUNS = (
    *_nouns("thing", """lamp lampe f, drum tambour m, ball ballon m, hat chapeau m, scarf écharpe f, bell cloche f,
        book livre m, coat manteau m, cup tasse f, flag drapeau m, flute flûte f, key clé f, ring anneau m,
        rope corde f, shell coquillage m, wheel roue f, spoon cuillère f, whistle sifflet m, bucket seau m,
        button bouton m, bottle bouteille f, mask masque m, candle bougie f, pillow oreiller m"""),
    *_nouns("seat", """chair chaise f, box boîte f, basket panier m, boat bateau m, table table f, bench banc m"""),
    *_nouns("building", """house maison f, church église f, school école f, tower tour f, hotel hôtel m,
        castle château m"""),
    *_nouns("animal", """cat chat m, dog chien m, horse cheval m, bird oiseau m, mouse souris f, cow vache f,
        hen poule f, rabbit lapin m, owl hibou m, squirrel écureuil m, turtle tortue f, bee abeille f"""),
    *_nouns("man", """boy garçon m, man homme m, king roi m, uncle oncle m, actor acteur m, prince prince m"""),
    *_nouns("woman", """girl fille f, woman femme f, queen reine f, aunt tante f, actress actrice f,
        witch sorcière f"""),
)  # fmt: skip
"""Seats are things that one can also sit on, or under."""

BODIES = ("animal", "man", "woman")
GOODS = ("thing", "seat")
_INANIMATE = (*GOODS, "building")
_ALL = (*_INANIMATE, *BODIES)
_COLORED = (*_INANIMATE, "animal")


def _after(english: str, masculine: str, feminine: str, kinds: tuple[str, ...], *, early: bool = False) -> Adjective:
    return Adjective(english, masculine, feminine, masculine, False, kinds, early=early)


ADJECTIVES = (
    Adjective("small", "petit", "petite", "petit", True, _ALL),
    Adjective("big", "grand", "grande", "grand", True, _COLORED),
    Adjective("old", "vieux", "vieille", "vieil", True, _ALL),
    Adjective("young", "jeune", "jeune", "jeune", True, BODIES),
    Adjective("beautiful", "beau", "belle", "bel", True, (*_COLORED, "woman")),
    Adjective("pretty", "joli", "jolie", "joli", True, (*_COLORED, "woman")),
    Adjective("new", "nouveau", "nouvelle", "nouvel", True, _INANIMATE, predicative=False),
    Adjective("good", "bon", "bonne", "bon", True, (*GOODS, "animal"), predicative=False),
    _after("red", "rouge", "rouge", _COLORED),
    _after("blue", "bleu", "bleue", _COLORED),
    _after("green", "vert", "verte", _COLORED),
    _after("yellow", "jaune", "jaune", _COLORED),
    _after("white", "blanc", "blanche", _COLORED),
    _after("black", "noir", "noire", _COLORED),
    _after("brown", "brun", "brune", _COLORED),
    _after("grey", "gris", "grise", _COLORED),
    _after("purple", "violet", "violette", _COLORED),
    _after("pink", "rose", "rose", _COLORED),
    _after("round", "rond", "ronde", _INANIMATE),
    _after("heavy", "lourd", "lourde", GOODS),
    _after("dirty", "sale", "sale", (*GOODS, *BODIES), early=True),
    _after("broken", "cassé", "cassée", GOODS, early=True),
    _after("tired", "fatigué", "fatiguée", BODIES, early=True),
    _after("happy", "heureux", "heureuse", BODIES, early=True),
    _after("sad", "triste", "triste", BODIES, early=True),
    _after("brave", "courageux", "courageuse", BODIES, early=True),
    _after("clever", "intelligent", "intelligente", BODIES, early=True),
)

IDIOMS = {("old", "boy"), ("old", "girl")}
"""What would mean something else in French: a *vieux garçon* has never married."""
RELATIVES = ("uncle", "aunt")
"""The only people who are said to be somebody's: *ma femme* is my wife, *ma fille* my daughter."""

BE = Verb("is", "are", "est", "sont")
VERBS = (
    Verb("sees", "see", "voit", "voient", _ALL),
    Verb("finds", "find", "trouve", "trouvent", (*GOODS, *BODIES)),
    Verb("has", "have", "a", "ont", (*GOODS, "animal")),
    Verb("wants", "want", "veut", "veulent", (*GOODS, "animal")),
    Verb("buys", "buy", "achète", "achètent", _COLORED),
    Verb("sells", "sell", "vend", "vendent", _COLORED),
    Verb("paints", "paint", "peint", "peignent", _ALL),
    Verb("draws", "draw", "dessine", "dessinent", _ALL),
    Verb("washes", "wash", "lave", "lavent", (*GOODS, "animal")),
    Verb("carries", "carry", "porte", "portent", GOODS),
    Verb("loses", "lose", "perd", "perdent", GOODS),
    Verb("hears", "hear", "entend", "entendent", BODIES),
    Verb("follows", "follow", "suit", "suivent", BODIES),
    Verb("looks for", "look for", "cherche", "cherchent", _ALL),
    Verb("listens to", "listen to", "écoute", "écoutent", BODIES),
    Verb("loves", "love", "aime", "aiment", _ALL, definite=True),
    Verb("hides", "hide", "cache", "cachent", GOODS),
    Verb("sleeps", "sleep", "dort", "dorment"),
    Verb("sings", "sing", "chante", "chantent"),
    Verb("waits", "wait", "attend", "attendent"),
    Verb("laughs", "laugh", "rit", "rient"),
    Verb("dances", "dance", "danse", "dansent"),
)

PREPOSITIONS = {
    "under": ("sous", ("seat",)),
    "on": ("sur", ("seat",)),
    "behind": ("derrière", ("seat", "building")),
    "in front of": ("devant", ("seat", "building")),
    "with": ("avec", BODIES),
}
"""English to French, and what may stand after it."""

_NAMES = {"Mia", "Tom", "Nora", "Ben", "Rosa", "Max", "Clara", "Hugo"}
NAMES = tuple(person for person in PEOPLE if person.name in _NAMES)
