"""English sentences and their French: a small real grammar, which also knows which word comes from which (lesson 7).

French wants more than other words. Nouns have a gender, and article and adjectives agree with it and with the number;
most adjectives stand after their noun; "not" becomes ne … pas; and le, la, de, ne lose their vowel before another.
The program says both sentences at the same time, so it knows for each French word the English words behind it.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from llmviz.tinyville.grammar import Options, Sampler, join
from llmviz.translation.words import (
    ADJECTIVES,
    BE,
    BODIES,
    GOODS,
    IDIOMS,
    NAMES,
    NOUNS,
    PREPOSITIONS,
    RELATIVES,
    VERBS,
    Adjective,
    Noun,
    Verb,
    elides,
)

_HELD_OUT_ONE_IN = 10
_MOST_WORDS = 14
_MOST_TRIES = 60  # for each sentence that is wanted


@dataclass(frozen=True)
class Pair:
    """A sentence in both languages, and which word comes from which.

    Attributes:
        english, french: the sentences.
        links: for each French word or mark, the positions of the English ones that it says.
        roles: for each French word: "determiner", "adjective", "noun", "name", "pronoun", "verb", "negation",
            "preposition", "conjunction" or "mark". Two words that elision has made one (l'oiseau) are their second.
    """

    english: str
    french: str
    links: tuple[tuple[int, ...], ...]
    roles: tuple[str, ...]

    @property
    def crossing(self) -> tuple[int, ...]:
        """The French words (positions) before which a word stands that comes later in English: la lampe *rouge*."""
        return tuple(
            place
            for place, link in enumerate(self.links)
            if any(min(other) > max(link) for other in self.links[:place])
        )


@dataclass(frozen=True)
class PairCorpus:
    """Sentence pairs to learn from, and two kinds that the learner never sees.

    Attributes:
        training: no sentence twice.
        unseen: other sentences of the same kind.
        unseen_combinations: sentences with an adjective and a noun that never meet in `training`.
    """

    training: tuple[Pair, ...]
    unseen: tuple[Pair, ...]
    unseen_combinations: tuple[Pair, ...]


@dataclass
class _Draft:
    """A sentence while it is being said: English words; French words, each with its links and its role."""

    english: list[str] = field(default_factory=list)
    french: list[tuple[str, tuple[int, ...], str]] = field(default_factory=list)
    combinations: set[tuple[str, str]] = field(default_factory=set)

    def hear(self, words: str) -> tuple[int, ...]:
        """Say English words; their positions."""
        start = len(self.english)
        self.english += words.split()
        return tuple(range(start, len(self.english)))

    def say(self, word: str, links: tuple[int, ...], role: str) -> None:
        """Say a French word. One that ends in an apostrophe becomes one with the next."""
        if self.french and self.french[-1][0].endswith("'"):
            before, others, _ = self.french.pop()
            word, links = before + word, (*others, *links)
        self.french.append((word, links, role))

    def pair(self) -> Pair:
        dot = self.hear(".")
        self.say(".", dot, "mark")
        words, links, roles = zip(*self.french, strict=True)
        return Pair(_capital(join(self.english)), _capital(join(words)), links, roles)


@dataclass(frozen=True)
class _Subject:
    """What the verb and the predicate must agree with."""

    gender: str
    plural: bool
    kinds: frozenset[str]
    nouns: tuple[str, ...] = ()
    owner: str | None = None  # "his" or "her", where the subject may own something


def pairs(n: int, *, seed: int = 0, without: Collection[str] = (), held_out: bool = False) -> tuple[Pair, ...]:
    """Invent sentence pairs, all different; the same seed gives the same ones.

    Args:
        n: how many.
        seed: of a stream of random numbers that nothing else in Tinyville uses.
        without: English sentences that must not come.
        held_out: whether each holds an adjective and a noun of which `is_held_out` is true, or none does.
    """
    found: dict[str, Pair] = {}
    for number in range(_MOST_TRIES * n + 1):
        if len(found) == n:
            return tuple(found.values())
        pair, combinations = _invent(Sampler(f"{seed}/french/{number}"))
        fits = any(is_held_out(*one) for one in combinations) == held_out
        if fits and pair.english not in without and len(pair.links) <= _MOST_WORDS:
            found.setdefault(pair.english, pair)
    raise ValueError(f"only {len(found):,} different sentences came in {_MOST_TRIES * n:,} tries; asked for {n:,}")


def corpus(n_training: int = 6000, n_test: int = 300, *, seed: int = 0) -> PairCorpus:
    """Invent pairs to learn from and pairs to test with; no test sentence is a training sentence."""
    training = pairs(n_training, seed=seed)
    known = {pair.english for pair in training}
    unseen = pairs(n_test, seed=seed + 1_000_000, without=known)
    return PairCorpus(training, unseen, pairs(n_test, seed=seed + 2_000_000, held_out=True))


def is_held_out(adjective: str, noun: str) -> bool:
    """Whether this adjective and this noun (in English) never meet in training: about every tenth combination."""
    digest = hashlib.sha256(f"{adjective} {noun}".encode()).digest()
    return digest[0] % _HELD_OUT_ONE_IN == 0


def phrase(determiner: str, adjectives: Sequence[str], noun: str, *, plural: bool = False) -> Pair:
    """Say a noun with its article and adjectives, given in English and in the singular.

    >>> [phrase("the", ["small", "red"], noun).french for noun in ("lamp", "hat", "bird")]
    ['La petite lampe rouge.', 'Le petit chapeau rouge.', 'Le petit oiseau rouge.']
    >>> phrase("the", ["old"], "bird").french, phrase("the", [], "bird").french
    ('Le vieil oiseau.', "L'oiseau.")
    """
    draft = _Draft()
    _say_noun(draft, determiner, [_known(ADJECTIVES, one) for one in adjectives], _known(NOUNS, noun), plural)
    return draft.pair()


def _known(entries: tuple, english: str):
    found = next((entry for entry in entries if entry.english == english), None)
    if found is None:
        raise ValueError(f"the grammar has no word {english!r}; it knows {', '.join(e.english for e in entries)}")
    return found


_ARTICLES = {
    # English: French before (a masculine noun, a feminine one, a vowel, a plural)
    "the": ("le", "la", "l'", "les"),
    "a": ("un", "une", None, "des"),
    "this": ("ce", "cette", None, "ces"),
    "my": ("mon", "ma", None, "mes"),
    "his": ("son", "sa", None, "ses"),
    "her": ("son", "sa", None, "ses"),
}
_PLURALS = {"a": "some", "this": "these"}
_BEFORE_VOWEL = {"ce": "cet", "ma": "mon", "sa": "son"}  # un, une, cette, mon and son stay as they are


def _determiner(english: str, noun: Noun, plural: bool, next_word: str, negated: bool) -> str:
    """The French word for the, a, this, my …; `negated`: in the object of a negated verb, "a" becomes de."""
    masculine, feminine, vowel, many = _ARTICLES[english]
    if english == "a" and (negated or (plural and next_word not in (noun.french, noun.french_plural))):
        return "d'" if elides(next_word) else "de"  # pas de lampe; de vieux bateaux
    if plural:
        return many
    word = masculine if noun.gender == "m" else feminine
    if not elides(next_word):
        return word
    return vowel or _BEFORE_VOWEL.get(word, word)


def _say_noun(
    draft: _Draft, determiner: str, adjectives: Sequence[Adjective], noun: Noun, plural: bool, *, negated: bool = False
) -> None:
    """English: the happy old king. French: le vieux roi heureux."""
    ordered = sorted(adjectives, key=lambda one: (not one.early, not one.before))
    english_noun = noun.english_plural if plural else noun.english
    first = ordered[0].english if ordered else english_noun
    spoken = _PLURALS.get(determiner, determiner) if plural else determiner
    if determiner == "a":
        spoken = ("any" if negated else "some") if plural else ("an" if first[0] in "aeiou" else "a")
    link = draft.hear(spoken)
    links = {one: draft.hear(one.english) for one in ordered}
    noun_link = draft.hear(english_noun)

    french_noun = noun.french_plural if plural else noun.french
    words = [(french_noun, noun_link, "noun")]
    for one in (one for one in ordered if one.before):
        words.insert(0, (one.form(noun.gender, plural, words[0][0]), links[one], "adjective"))
    words += [(one.form(noun.gender, plural), links[one], "adjective") for one in ordered if not one.before]
    draft.say(_determiner(determiner, noun, plural, words[0][0], negated), link, "determiner")
    for word in words:
        draft.say(*word)
    draft.combinations |= {(one.english, noun.english) for one in ordered}


_OWNED = ("my", "his", "her")
_CERTAIN = ("the", "the", "this", "my")
_ANY = (*_CERTAIN, "a", "a")
_BY_KIND = {kind: tuple(noun for noun in NOUNS if noun.kind == kind) for kind in {noun.kind for noun in NOUNS}}
_N_ADJECTIVES = Options(("none", "one", "one", "before and after"), (2, 2, 2, 1))
_NUMBER = Options(("singular", "plural"), (3, 2))
_YES_OR_NO = Options(("yes", "no"), (1, 2))


def _draw_noun_phrase(
    teller: Sampler, draft: _Draft, kinds: Sequence[str], determiners: Sequence[str], *, negated: bool = False
) -> _Subject:
    """Say a noun with up to two adjectives: one that stands before it in French, one after."""
    noun = teller.choose(Options([noun for kind in kinds for noun in _BY_KIND[kind]]))
    plural = teller.choose(_NUMBER) == "plural"
    is_nobodys = noun.kind in ("man", "woman") and noun.english not in RELATIVES
    determiner = teller.choose([one for one in determiners if not (is_nobodys and one in _OWNED)])
    fitting = [one for one in ADJECTIVES if noun.kind in one.kinds and (one.english, noun.english) not in IDIOMS]
    match teller.choose(_N_ADJECTIVES):
        case "none":
            adjectives = []
        case "one":
            adjectives = [teller.choose(Options(fitting))]
        case _:
            sides = ([one for one in fitting if one.before is before] for before in (True, False))
            adjectives = [teller.choose(Options(side)) for side in sides]
    _say_noun(draft, determiner, adjectives, noun, plural, negated=negated)
    owner = {"man": "his", "woman": "her"}.get(noun.kind)
    return _Subject(noun.gender, plural, frozenset([noun.kind]), (noun.english,), None if plural else owner)


def _draw_name(teller: Sampler, draft: _Draft) -> _Subject:
    person = teller.choose(Options(NAMES))
    draft.say(person.name, draft.hear(person.name), "name")
    return _single("f" if person.she == "she" else "m")


def _single(gender: str) -> _Subject:
    """One person, a woman or a man."""
    kind, owner = ("woman", "her") if gender == "f" else ("man", "his")
    return _Subject(gender, False, frozenset([kind]), (), owner)


def _draw_pronoun(teller: Sampler, draft: _Draft) -> _Subject:
    she = teller.choose(("she", "he")) == "she"
    draft.say("elle" if she else "il", draft.hear("she" if she else "he"), "pronoun")
    return _single("f" if she else "m")


def _draw_subject(teller: Sampler, draft: _Draft, determiners: Sequence[str]) -> _Subject:
    """Somebody: a noun, a name, she or he, or two joined by "and"."""
    match teller.choose(Options(("noun", "name", "pronoun", "two"), (6, 2, 1, 2))):
        case "noun":
            return _draw_noun_phrase(teller, draft, BODIES, determiners)
        case "name":
            return _draw_name(teller, draft)
        case "pronoun":
            return _draw_pronoun(teller, draft)
    first = _draw_name(teller, draft) if teller.choose(_YES_OR_NO) == "yes" else _draw_one(teller, draft, determiners)
    draft.say("et", draft.hear("and"), "conjunction")
    second = _draw_one(teller, draft, determiners)
    gender = "f" if first.gender == second.gender == "f" else "m"  # one masculine member is enough
    return _Subject(gender, True, first.kinds | second.kinds, first.nouns + second.nouns)


def _draw_one(teller: Sampler, draft: _Draft, determiners: Sequence[str]) -> _Subject:
    return _draw_noun_phrase(teller, draft, BODIES, [one for one in determiners if one != "a"])


def _say_verb(draft: _Draft, verb: Verb, plural: bool, negated: bool) -> None:
    """English: does not see, is not. French: ne voit pas, n'est pas."""
    english, french = (verb.english_plural, verb.french_plural) if plural else (verb.english, verb.french)
    if not negated:
        draft.say(french, draft.hear(english), "verb")
        return
    if verb is BE:
        links, no = draft.hear(english), draft.hear("not")
    else:
        helper, no = draft.hear("do" if plural else "does"), draft.hear("not")
        no, links = helper + no, draft.hear(verb.english_plural)
    draft.say("n'" if elides(french) else "ne", no, "negation")
    draft.say(french, links, "verb")
    draft.say("pas", no, "negation")


def _draw_place(teller: Sampler, draft: _Draft, prepositions: Collection[str]) -> None:
    english = teller.choose(tuple(prepositions))
    french, kinds = PREPOSITIONS[english]
    draft.say(french, draft.hear(english), "preposition")
    _draw_noun_phrase(teller, draft, kinds, ("the", "the", "a", "this", "my"))


_PLACES = tuple(english for english in PREPOSITIONS if english != "with")
_TO_SOMETHING = Options([verb for verb in VERBS if verb.objects])
_ALONE = Options([verb for verb in VERBS if not verb.objects])
_KIND_OF_SENTENCE = Options(("is so", "does to", "does", "is there"), (4, 6, 2, 1))


def _invent(teller: Sampler) -> tuple[Pair, set[tuple[str, str]]]:
    """One sentence, and which adjectives meet which nouns in it."""
    draft, negated = _Draft(), teller.choose(_YES_OR_NO) == "yes"
    determiners = _CERTAIN if negated else _ANY
    match teller.choose(_KIND_OF_SENTENCE):
        case "is so":
            _tell_how(teller, draft, negated)
        case "does to":
            subject = _draw_subject(teller, draft, determiners)
            verb = teller.choose(_TO_SOMETHING)
            _say_verb(draft, verb, subject.plural, negated)
            _draw_object(teller, draft, verb, subject.owner, negated)
            if verb.english in ("sees", "finds", "hides", "draws") and teller.choose(_YES_OR_NO) == "yes":
                _draw_place(teller, draft, _PLACES)
        case "does":
            subject = _draw_subject(teller, draft, determiners)
            _say_verb(draft, teller.choose(_ALONE), subject.plural, negated)
            if teller.choose(_YES_OR_NO) == "no":
                _draw_place(teller, draft, PREPOSITIONS)
        case _:
            subject = _draw_noun_phrase(teller, draft, (*GOODS, *BODIES), _CERTAIN)
            _say_verb(draft, BE, subject.plural, negated)
            _draw_place(teller, draft, _PLACES)
    return draft.pair(), draft.combinations


def _tell_how(teller: Sampler, draft: _Draft, negated: bool) -> None:
    """The lamps are not red: the adjective agrees with the subject across the verb."""
    if teller.choose(("things", "bodies")) == "things":
        subject = _draw_noun_phrase(teller, draft, (*GOODS, "building"), _CERTAIN)
    else:
        subject = _draw_subject(teller, draft, _CERTAIN)
    _say_verb(draft, BE, subject.plural, negated)
    fitting = [one for one in ADJECTIVES if one.predicative and subject.kinds <= set(one.kinds)]
    adjective = teller.choose(Options(fitting))
    draft.say(adjective.form(subject.gender, subject.plural), draft.hear(adjective.english), "adjective")
    draft.combinations |= {(adjective.english, noun) for noun in subject.nouns}


def _draw_object(teller: Sampler, draft: _Draft, verb: Verb, owner: str | None, negated: bool) -> None:
    if set(BODIES) <= set(verb.objects) and teller.choose(Options(("name", "noun"), (1, 5))) == "name":
        _draw_name(teller, draft)
        return
    determiners = _CERTAIN if verb.definite else _ANY
    determiners = (*determiners, owner, owner) if owner else determiners
    _draw_noun_phrase(teller, draft, verb.objects, determiners, negated=negated)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
