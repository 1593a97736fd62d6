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

from llmviz.tinyville.grammar import WORDS, Options, Template, TextGenerator, join
from llmviz.tokenizers.words import words

_WORDS = WORDS["word_meanings"]


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


MIDDLES = _WORDS["middles"]
"""The words between the cue and the word, whatever the sense: 6 cues × 4 middles = 24 left contexts for each sense."""

SENSES = tuple(_Sense(**sense) for sense in _WORDS["senses"])
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


FAMILIES = tuple(
    _Family(family["name"], {(one, other): tuple(roles) for one, other, *roles in family["pairs"]},
            family["relations"], family["wordings"])
    for family in _WORDS["families"]
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
