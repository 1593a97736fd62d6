"""English sentences and their French: a small grammar that also knows which word comes from which.

In French, nouns have a gender, and articles and adjectives agree with it and with the number; most adjectives come
after their noun; "not" becomes ne … pas; and le, la, de, ne lose their vowel before another (elision). Both sentences
are generated together, so for each French word the English words behind it are known. The words are in words.toml.
"""

import hashlib
import tomllib
from collections import namedtuple
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import accumulate

from llmviz.tinyville.facts import PEOPLE
from llmviz.tinyville.grammar import Options, Sampler, join

_MOST_WORDS = 14
_MOST_TRIES = 60  # for each sentence that is wanted
_N_TRAINING, _N_TEST = 6000, 300

_Noun = namedtuple("_Noun", "english english_plural french french_plural gender kind")
# In the third person. objects: kinds of nouns. note: "definite" if its object needs the, this or my.
_Verb = namedtuple("_Verb", "english english_plural french french_plural objects note", defaults=((), ""))


class _Adjective(namedtuple("_Adjective", "before english masculine feminine masculine_plural vowel kinds note")):
    """before: its noun in French, too. vowel: masculine form before a vowel (un *vieil* oiseau). kinds: of nouns that
    it fits. note: "noun only" (not after "is"), "first" (among several in English), or ""."""

    def form(self, gender: str, plural: bool, next_word: str = "") -> str:
        """The form that agrees with a noun; `next_word` follows at once."""
        if gender == "f":
            return self.feminine + ("s" if plural else "")
        if plural:
            return self.masculine_plural
        return self.vowel if next_word and _elides(next_word) else self.masculine


_WORDS = tomllib.loads(files(__package__).joinpath("words.toml").read_text("utf-8"))
_NOUNS = [_Noun(*row, kind) for kind, rows in _WORDS["nouns"].items() for row in rows]
_ADJECTIVES = [
    _Adjective(place == "before", *forms, tuple(kinds.split()), note)
    for place, rows in _WORDS["adjectives"].items()
    for *forms, kinds, note in rows
]
_VERBS = [_Verb(*forms, tuple(objects.split()), note) for *forms, objects, note in _WORDS["verbs"]]
_PREPOSITIONS = {english: (french, tuple(kinds.split())) for english, (french, kinds) in _WORDS["prepositions"].items()}
_PERSONS = [person for person in PEOPLE if person.name in _WORDS["names"]]
_BE = _Verb("is", "are", "est", "sont")

_ANIMATE, _MOVABLE = ("animal", "man", "woman"), ("thing", "seat")
_IDIOMS = {("old", "boy"), ("old", "girl")}  # would mean something else: a *vieux garçon* has never married
_RELATIVES = ("uncle", "aunt")  # the only people with my, his, her: *ma femme* is my wife, *ma fille* my daughter
_VOWELS = "aeiouyàâéèêîôû"
_SILENT_H = {"homme", "hommes", "hôtel", "hôtels"}  # the h of "hibou" is silent, too, but forbids elision


def _elides(french: str) -> bool:
    """Whether le and la lose their vowel before this word: l'oiseau, l'homme, but le hibou.

    >>> [_elides(word) for word in ("oiseau", "homme", "hibou", "lampe")]
    [True, True, False, False]
    """
    return french[0] in _VOWELS or french in _SILENT_H


@dataclass(frozen=True)
class _Pair:
    """A sentence in both languages, and their alignment.

    links: for each French word or mark, the positions of the English ones that it translates. roles: for each French
    word: "determiner", "adjective", "noun", "name", "pronoun", "verb", "negation", "preposition", "conjunction" or
    "mark". Two words that elision joins (l'oiseau) have the role of the second.
    """

    english: str
    french: str
    links: tuple[tuple[int, ...], ...]
    roles: tuple[str, ...]

    @property
    def crossing(self) -> tuple[int, ...]:
        """The positions of French words that come after a word that is later in English: la lampe *rouge*."""
        pairs = zip(self.links, accumulate(map(min, self.links), max), strict=True)
        return tuple(place for place, (link, latest) in enumerate(pairs) if latest > max(link))


@dataclass(frozen=True)
class _PairCorpus:
    """Sentence pairs for training, without duplicates; `unseen`: other pairs of the same distribution;
    `unseen_combinations`: pairs with an adjective and a noun that never occur together in `training`."""

    training: tuple[_Pair, ...]
    unseen: tuple[_Pair, ...]
    unseen_combinations: tuple[_Pair, ...]


def _pairs(n: int, *, seed: int = 0, without: Collection[str] = (), held_out: bool = False) -> tuple[_Pair, ...]:
    """Sentence pairs, all different; the same seed gives the same ones.

    without: English sentences to leave out. held_out: whether each pair holds a held-out combination of an adjective
    and a noun, or none does.
    """
    found: dict[str, _Pair] = {}
    for number in range(_MOST_TRIES * n + 1):
        if len(found) == n:
            return tuple(found.values())
        pair, combinations = _Draft(Sampler(f"{seed}/french/{number}")).sentence()
        fits = any(_is_held_out(*one) for one in combinations) == held_out
        if fits and pair.english not in without and len(pair.links) <= _MOST_WORDS:
            found.setdefault(pair.english, pair)
    raise ValueError(f"only {len(found):,} different sentences came in {_MOST_TRIES * n:,} tries; asked for {n:,}")


def corpus(*, seed: int = 0) -> _PairCorpus:
    """6,000 pairs for training and twice 300 for testing; no test sentence is a training sentence."""
    training = _pairs(_N_TRAINING, seed=seed)
    unseen = _pairs(_N_TEST, seed=seed + 1_000_000, without={pair.english for pair in training})
    return _PairCorpus(training, unseen, _pairs(_N_TEST, seed=seed + 2_000_000, held_out=True))


def _is_held_out(adjective: str, noun: str) -> bool:
    """Whether this combination (in English) never occurs in training: about one in ten."""
    return hashlib.sha256(f"{adjective} {noun}".encode()).digest()[0] % 10 == 0


def phrase(determiner: str, adjectives: Sequence[str], noun: str) -> _Pair:
    """A noun with its article and adjectives, given in English.

    >>> [phrase("the", ["small", "red"], noun).french for noun in ("lamp", "hat", "bird")]
    ['La petite lampe rouge.', 'Le petit chapeau rouge.', 'Le petit oiseau rouge.']
    >>> phrase("the", ["old"], "bird").french, phrase("the", [], "bird").french
    ('Le vieil oiseau.', "L'oiseau.")
    """
    draft = _Draft(Sampler(""))
    draft.add_noun(determiner, [_known(_ADJECTIVES, one) for one in adjectives], _known(_NOUNS, noun), plural=False)
    return draft.pair()


def _known(entries: list, english: str):
    found = next((entry for entry in entries if entry.english == english), None)
    if found is None:
        raise ValueError(f"the grammar has no word {english!r}; it knows {', '.join(e.english for e in entries)}")
    return found


def _determiner(english: str, noun: _Noun, plural: bool, next_word: str, negated: bool) -> str:
    """The French word for the, a, this, my …; `negated`: in the object of a negated verb, "a" becomes de."""
    forms = _WORDS["determiners"][english]
    if english == "a" and (negated or (plural and next_word not in (noun.french, noun.french_plural))):
        return "d'" if _elides(next_word) else "de"  # pas de lampe; de vieux bateaux
    return forms["plural"] if plural else forms[noun.gender][_elides(next_word)]


_OWNED = ("my", "his", "her")
_DEFINITE = ("the", "the", "this", "my")
_ANY = (*_DEFINITE, "a", "a")
_BY_KIND = {kind: [noun for noun in _NOUNS if noun.kind == kind] for kind in _WORDS["nouns"]}
_N_ADJECTIVES = Options(("none", "one", "one", "before and after"), (2, 2, 2, 1))
_NUMBER = Options(("singular", "plural"), (3, 2))
_YES_OR_NO = Options(("yes", "no"), (1, 2))
_SUBJECTS = Options(("noun", "name", "pronoun", "two"), (6, 2, 1, 2))
_OBJECTS = Options(("name", "noun"), (1, 5))
_PLACES = tuple(english for english in _PREPOSITIONS if english != "with")
_TRANSITIVE = [verb for verb in _VERBS if verb.objects]
_INTRANSITIVE = [verb for verb in _VERBS if not verb.objects]
_SENTENCES = Options(("adjective", "transitive", "intransitive", "place"), (4, 6, 2, 1))

# What verb and predicate agree with. owner: "his" or "her", where the subject can own something.
_Subject = namedtuple("_Subject", "gender plural kinds nouns owner", defaults=((), None))
_SHE = _Subject("f", False, frozenset(["woman"]), owner="her")
_HE = _Subject("m", False, frozenset(["man"]), owner="his")


class _Draft:
    """A sentence under construction: draw_… methods make choices with the sampler, add_… methods append words."""

    def __init__(self, sampler: Sampler):
        self._choose = sampler.choose
        self._english: list[str] = []
        self._french: list[tuple[str, tuple[int, ...], str]] = []  # the word, its links, its role
        self._combinations: set[tuple[str, str]] = set()  # the adjectives and nouns that occur together

    def sentence(self) -> tuple[_Pair, set[tuple[str, str]]]:
        """One sentence, and the combinations of adjective and noun in it."""
        negated = self._draw_yes()
        determiners = _DEFINITE if negated else _ANY
        match self._choose(_SENTENCES):
            case "adjective":
                self._draw_predicate(negated)
            case "transitive":
                subject = self._draw_subject(determiners)
                verb = self._choose(_TRANSITIVE)
                self._add_verb(verb, subject.plural, negated)
                self._draw_object(verb, subject.owner, negated)
                if verb.english in ("sees", "finds", "hides", "draws") and self._draw_yes():
                    self._draw_place(_PLACES)
            case "intransitive":
                subject = self._draw_subject(determiners)
                self._add_verb(self._choose(_INTRANSITIVE), subject.plural, negated)
                if not self._draw_yes():
                    self._draw_place(tuple(_PREPOSITIONS))
            case _:
                subject = self._draw_noun((*_MOVABLE, *_ANIMATE), _DEFINITE)
                self._add_verb(_BE, subject.plural, negated)
                self._draw_place(_PLACES)
        return self.pair(), self._combinations

    def pair(self) -> _Pair:
        self._add(".", ".", "mark")
        words, links, roles = zip(*self._french, strict=True)
        english, french = join(self._english), join(words)
        return _Pair(english[0].upper() + english[1:], french[0].upper() + french[1:], links, roles)

    def _add(self, english: str, french: str, role: str) -> None:
        self._add_french(french, self._add_english(english), role)

    def _add_english(self, words: str) -> tuple[int, ...]:
        """Append English words; returns their positions."""
        start = len(self._english)
        self._english += words.split()
        return tuple(range(start, len(self._english)))

    def _add_french(self, word: str, links: tuple[int, ...], role: str) -> None:
        """Append a French word; one that ends in an apostrophe is joined with the next."""
        if self._french and self._french[-1][0].endswith("'"):
            before, others, _ = self._french.pop()
            word, links = before + word, (*others, *links)
        self._french.append((word, links, role))

    def add_noun(
        self, determiner: str, adjectives: Sequence[_Adjective], noun: _Noun, plural: bool, negated: bool = False
    ) -> None:
        """English: the happy old king. French: le vieux roi heureux."""
        ordered = sorted(adjectives, key=lambda one: (one.note != "first", not one.before))
        english_noun = noun.english_plural if plural else noun.english
        first = ordered[0].english if ordered else english_noun
        spoken = "these" if plural and determiner == "this" else determiner
        if determiner == "a":
            spoken = ("any" if negated else "some") if plural else ("an" if first[0] in "aeiou" else "a")
        link = self._add_english(spoken)
        links = {one: self._add_english(one.english) for one in ordered}
        words = [(noun.french_plural if plural else noun.french, self._add_english(english_noun), "noun")]
        for one in ordered:
            if one.before:
                words.insert(0, (one.form(noun.gender, plural, words[0][0]), links[one], "adjective"))
        words += [(one.form(noun.gender, plural), links[one], "adjective") for one in ordered if not one.before]
        self._add_french(_determiner(determiner, noun, plural, words[0][0], negated), link, "determiner")
        for word in words:
            self._add_french(*word)
        self._combinations |= {(one.english, noun.english) for one in ordered}

    def _add_verb(self, verb: _Verb, plural: bool, negated: bool) -> None:
        """English: does not see, is not. French: ne voit pas, n'est pas."""
        english, french = (verb.english_plural, verb.french_plural) if plural else (verb.english, verb.french)
        if not negated:
            self._add(english, french, "verb")
            return
        if verb is _BE:
            links, no = self._add_english(english), self._add_english("not")
        else:
            no = self._add_english("do not" if plural else "does not")
            links = self._add_english(verb.english_plural)
        self._add_french("n'" if _elides(french) else "ne", no, "negation")
        self._add_french(french, links, "verb")
        self._add_french("pas", no, "negation")

    def _draw_yes(self) -> bool:
        return self._choose(_YES_OR_NO) == "yes"

    def _draw_noun(self, kinds: Sequence[str], determiners: Sequence[str], negated: bool = False) -> _Subject:
        """A noun with up to two adjectives: one that comes before it in French, one after."""
        noun = self._choose([noun for kind in kinds for noun in _BY_KIND[kind]])
        plural = self._choose(_NUMBER) == "plural"
        owner = {"man": "his", "woman": "her"}.get(noun.kind)
        if owner and noun.english not in _RELATIVES:
            determiners = [one for one in determiners if one not in _OWNED]
        determiner = self._choose(determiners)
        fitting = [one for one in _ADJECTIVES if noun.kind in one.kinds and (one.english, noun.english) not in _IDIOMS]
        match self._choose(_N_ADJECTIVES):
            case "none":
                adjectives = []
            case "one":
                adjectives = [self._choose(fitting)]
            case _:
                sides = ([one for one in fitting if one.before is before] for before in (True, False))
                adjectives = [self._choose(side) for side in sides]
        self.add_noun(determiner, adjectives, noun, plural, negated)
        return _Subject(noun.gender, plural, frozenset([noun.kind]), (noun.english,), None if plural else owner)

    def _draw_name(self) -> _Subject:
        person = self._choose(_PERSONS)
        self._add(person.name, person.name, "name")
        return _SHE if person.she == "she" else _HE

    def _draw_subject(self, determiners: Sequence[str]) -> _Subject:
        """A noun, a name, she or he, or two joined by "and"."""
        match self._choose(_SUBJECTS):
            case "noun":
                return self._draw_noun(_ANIMATE, determiners)
            case "name":
                return self._draw_name()
            case "pronoun":
                she = self._choose(("she", "he")) == "she"
                self._add(*("she", "elle") if she else ("he", "il"), "pronoun")
                return _SHE if she else _HE
        definite = [one for one in determiners if one != "a"]
        first = self._draw_name() if self._draw_yes() else self._draw_noun(_ANIMATE, definite)
        self._add("and", "et", "conjunction")
        second = self._draw_noun(_ANIMATE, definite)
        gender = "f" if first.gender == second.gender == "f" else "m"  # one masculine member is enough
        return _Subject(gender, True, first.kinds | second.kinds, first.nouns + second.nouns)

    def _draw_predicate(self, negated: bool) -> None:
        """The lamps are not red: the adjective agrees with the subject across the verb."""
        if self._choose(("thing", "animate")) == "thing":
            subject = self._draw_noun((*_MOVABLE, "building"), _DEFINITE)
        else:
            subject = self._draw_subject(_DEFINITE)
        self._add_verb(_BE, subject.plural, negated)
        fitting = [one for one in _ADJECTIVES if one.note != "noun only" and subject.kinds <= set(one.kinds)]
        adjective = self._choose(fitting)
        self._add(adjective.english, adjective.form(subject.gender, subject.plural), "adjective")
        self._combinations |= {(adjective.english, noun) for noun in subject.nouns}

    def _draw_object(self, verb: _Verb, owner: str | None, negated: bool) -> None:
        if set(_ANIMATE) <= set(verb.objects) and self._choose(_OBJECTS) == "name":
            self._draw_name()
            return
        determiners = _DEFINITE if verb.note == "definite" else _ANY
        self._draw_noun(verb.objects, (*determiners, owner, owner) if owner else determiners, negated)

    def _draw_place(self, prepositions: Sequence[str]) -> None:
        english = self._choose(prepositions)
        french, kinds = _PREPOSITIONS[english]
        self._add(english, french, "preposition")
        self._draw_noun(kinds, ("the", "the", "a", "this", "my"))
