"""Ambiguous words: the same letters mean two things, and a cue earlier in the text says which.

The words between the cue and the ambiguous word are the same for both senses, and the very next word already depends
on the sense: so a model has to carry the cue to the place where the ambiguous word stands.
"""

from dataclasses import dataclass

from llmviz.tinyville.grammar import Options, TextGenerator, as_options, join, split


@dataclass(frozen=True, eq=False)
class Sense:
    """One meaning of a word: its name, the six cues that announce it, and the two ways to go on after the word."""

    word: str
    name: str
    cues: tuple[str, ...]
    rests: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.word} ({self.name})"

    @property
    def beginnings(self) -> tuple[str, ...]:
        """All texts up to and with the word, those of one cue after another: all that a model can know there.

        >>> SENSES[0].beginnings[0]
        'Somebody with a purse walked to the bank'
        """
        middles = MIDDLES[self.word]
        return tuple(join(split(f"Somebody {cue} {middle} {self.word}")) for cue in self.cues for middle in middles)


MIDDLES = {
    "bank": ("walked to the", "waited at the", "came back from the", "stopped near the"),
    "bat": ("saw a", "was looking for a", "dreamed of a", "pointed at a"),
    "May": ("was waiting for", "was dreaming of", "often talked about", "wrote a poem about"),
    "Will": ('asked, "', 'whispered, "', 'called out, "', 'said again, "'),
    "Rose": ('said, "', 'wrote, "', 'read aloud, "', 'repeated, "'),
}
"""What stands between the cue and the word, whatever the sense: 6 cues × 4 middles = 24 left contexts a sense."""

SENSES = (
    Sense("bank", "money",
          ("with a purse", "with ten coins", "with a gold ring", "with an unpaid bill", "in need of a loan",
           "with a rich uncle"),
          ("to borrow some money.", "because the safe was full.")),
    Sense("bank", "river",
          ("with a fishing rod", "with two oars", "with a wet dog", "in a small canoe", "in rubber boots",
           "with a paddle"),
          ("where the ducks sleep.", "under the willow trees.")),
    Sense("bat", "animal",
          ("in a cave", "under the roof", "in the dark attic", "in a haunted house", "with a lantern",
           "near the ruins"),
          ("hanging upside down.", "sleeping through the day.")),
    Sense("bat", "sport",
          ("on the field", "in the stadium", "with a helmet", "at the match", "with the other players",
           "on the winning team"),
          ("made of wood.", "for the next game.")),
    Sense("May", "month",
          ("with a calendar", "tired of the snow", "in a winter coat", "planning a picnic", "with frozen fingers",
           "sick of the cold"),
          ("when the gardens bloom.", "and its long days.")),
    Sense("May", "name",
          ("in love", "with a bunch of flowers", "in a wedding dress", "with two tickets", "at the airport",
           "planning a date"),
          (", who had promised to call.", ", whose train was late.")),
    Sense("Will", "question",
          ("with an umbrella", "with a weather map", "under a grey sky", "on a sailing boat", "with wet socks",
           "watching the clouds"),
          ('it rain today?"', 'the sun come back?"')),
    Sense("Will", "name",
          ("at the front door", "on the telephone", "at the foot of the stairs", "looking for a brother",
           "with a sleeping friend", "outside the window"),
          (', are you at home?"', ', can you hear me?"')),
    Sense("Rose", "flower",
          ("with a watering can", "in the greenhouse", "with a thorn in one thumb", "selling flowers",
           "with a spade", "among the bees"),
          ('bushes need water."', 'petals smell sweet."')),
    Sense("Rose", "name",
          ("with a new baby", "at the hospital", "at the birthday party", "with a baby photo",
           "visiting the neighbours", "proud of a daughter"),
          ('was born today."', 'lives next door."')),
)  # fmt: skip
"""Each ambiguous word in its two senses."""

_BEGINNINGS = Options(
    [(sense, cue) for sense in SENSES for cue in sense.cues],
    texts=[f"Somebody {cue}" for sense in SENSES for cue in sense.cues],
)


def generate_sense(teller: TextGenerator) -> None:
    """Somebody, a cue, the ambiguous word, and something that fits its sense.

    The labels are the `word`, its `sense`, and the `cue` before it.
    """
    sense, cue = teller.say_one_of(_BEGINNINGS, shapes=True)
    teller.say_one_of(as_options(MIDDLES[sense.word]))
    teller.say(sense.word)
    teller.say_one_of(as_options(sense.rests))
    teller.label(word=sense.word, sense=sense.name, cue=cue)
