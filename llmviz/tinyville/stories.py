"""Stories, and drills: texts that repeat what they introduced, so that attention to earlier tokens pays off.

A story has a person, an object of some color, a place, a partner, a feeling, and an ending that fits it. A drill is a
list of words that is said three times; without enough of them, a small model learns to copy from its context late or
never.
"""

from llmviz.tinyville.facts import PEOPLE, VALUES
from llmviz.tinyville.grammar import Options, Template, TextGenerator

OBJECTS = (
    "kite", "lamp", "drum", "boat", "ball", "hat", "scarf", "box", "basket", "bell", "book", "coat", "cup", "flag",
    "flute", "key", "chair", "map", "mirror", "pillow", "ring", "rope", "shell", "wheel", "spoon", "torch", "whistle",
    "bucket", "button", "bottle", "mask", "candle",
)  # fmt: skip
COLORS = (
    "red", "blue", "green", "yellow", "white", "black", "brown", "purple", "pink", "silver", "golden", "grey",
)  # fmt: skip
PLACES = (
    "harbour", "market", "bridge", "park", "station", "river", "lake", "beach", "school", "library", "museum",
    "fountain", "playground", "theatre", "pond", "zoo", "barn", "pool", "gate", "garden",
)  # fmt: skip

HEROES = tuple(person for i, person in enumerate(PEOPLE) if i % 4 < 2)
PARTNERS = tuple(person for i, person in enumerate(PEOPLE) if i % 4 >= 2)
"""Half of the people have the adventures, the others are their partners."""

OPENINGS = (
    "Yesterday", "One sunny morning,", "One rainy afternoon,", "On Monday,", "On Friday evening,", "Last summer,",
    "Last winter,", "During the holidays,", "After school,", "Before breakfast,", "A long time ago,", "On a windy day,",
)  # fmt: skip

ENDINGS = {
    "happy": ("{person.She} whistled all the way home.", "{person.She} bought ice cream for {partner}.",
              "{person.She} told the story to everyone at dinner."),
    "proud": ("{person.She} wrote about it in {person.his} diary.",
              "{person.She} called {person.his} grandmother at once.", "{person.She} asked {partner} to take a photo."),
    "relieved": ("{person.She} took a deep breath and laughed.", "{person.She} slept very well that night.",
                 "{person.She} thanked {partner} three times."),
    "curious": ("{person.She} asked {partner} a hundred questions.",
                "{person.She} went back to the {place} the next day.", "{person.She} lay awake for a long time."),
    "tired": ("{person.She} fell asleep on the bus.", "{person.She} went home and took off {person.his} shoes.",
              "{person.She} said good night at six."),
    "sad": ("{person.She} walked home in the rain.", "{person.She} drank some tea with {partner}, and that helped.",
            "{person.She} never talked about the {place} again."),
    "angry": ("{person.She} slammed the door.", "{person.She} did not speak to {partner} until Sunday.",
              "{person.She} kicked a stone all the way home."),
    "embarrassed": ("{person.His} ears turned red.", "{person.She} hid {person.his} face in {person.his} hands.",
                    "{person.She} asked {partner} not to tell anyone."),
}  # fmt: skip
"""What a person does who feels like this."""

SCHEMAS = {
    "found": """
        {person} found a {color} {object} at the {place}. {person.She} asked [all the neighbours|the whole
        school|every shopkeeper|a police officer], but only {partner} knew the answer. "That is my {color}
        {object}," said {partner}. "I left it at the {place} [last week|after lunch|during the storm|by mistake]."
        {person} gave it back and felt""",
    "lost": """
        {person} lost a {color} {object}. {person.She} looked [under the bed|behind the sofa|in every cupboard|on
        top of the fridge], but it was not there. "Think," said {partner}. "Where did you see it last?" "At the
        {place}!" shouted {person}. {person} and {partner} [ran|raced|cycled|hurried] to the {place}, and there was
        the {color} {object}, [next to a sleeping cat|under a wet newspaper|full of sand|exactly where it had been].
        {person} felt""",
    "gift": """
        {person} wanted to surprise {partner}. {person.She} had [no money|only two coins|very little time|no better
        idea], so {person.she} painted an old {object} {color} and hid it at the {place}. Then {person.she} [drew a
        map|wrote a riddle|waited|sent a secret letter]. It took {partner} [an hour|five minutes|all afternoon|three
        days] to get to the {place} and find the {color} {object}. "Is this {object} for me?" asked {partner}.
        {person} nodded and felt""",
    "borrowed": """
        {person} borrowed a {color} {object} from {partner}. On the way to the {place}, {person.she}
        [slipped|tripped over a cat|fell off {person.his} bike|ran into a lamp post], and the {object} broke [in
        two|into three pieces|with a loud crack|at once]. "I broke your {color} {object} near the {place}," said
        {person}. {partner} [laughed|shrugged|sighed|smiled]. "It was never a good {object}," said {partner}.
        {person} felt""",
    "thief": """
        {person} was [eating lunch|reading|waiting|taking a nap] at the {place} when a [seagull|monkey|goat|fox]
        stole {person.his} {color} {object}. {partner} saw it and had an idea. {partner.She} offered the thief [a
        sandwich|a banana|half a pizza|some chips], and it dropped the {color} {object} in the mud. "[Welcome|Be
        careful|Do not fall asleep|Never eat] at the {place}," said {partner}. {person} picked up the {object} and
        felt""",
    "mystery": """
        {person} saw a {color} {object} in a tree near the {place}. {person.She} [wrote to the newspaper|took a
        photo of it|called the mayor|blamed the wind]. [A week later|A month later|At midnight|The next morning],
        {partner} whispered, "It was me. I only wanted to know how high a {object} can fly." {person} promised
        {partner} never to tell anyone about the {color} {object} at the {place}, and felt""",
    "sale": """
        {person} tried to sell a {color} {object} at the {place}. The first customer [wanted to pay with eggs|only
        asked for the time|sat down on it|said it was too small]. In the end {partner} bought the {object} for
        [two|three|five|ten] coins. [Ten minutes|An hour|Two days|A week] later, {partner} sold the same {color}
        {object} for a hundred. Everybody at the {place} heard about it. {person} felt""",
    "dream": """
        {person} dreamed about a {object} as big as the {place}. It was {color}, and it could talk. "[Be brave|Eat
        more vegetables|Call your grandmother|Do your homework]," said the {object}. In the morning {person} told
        {partner} about the {color} {object}. {partner} [did not laugh|turned pale|dropped a cup|closed the window].
        "I had the same dream," said {partner}. They walked to the {place} and found nothing there. {person} felt""",
}
FEELINGS = {
    "found": ("happy", "proud", "sad", "embarrassed"), "lost": ("happy", "relieved", "tired", "embarrassed"),
    "gift": ("happy", "proud", "relieved", "tired"), "borrowed": ("relieved", "sad", "angry", "embarrassed"),
    "thief": ("relieved", "curious", "tired", "angry"), "mystery": ("proud", "curious", "sad", "tired"),
    "sale": ("happy", "curious", "angry", "embarrassed"), "dream": ("curious", "sad", "proud", "angry"),
}  # fmt: skip
"""How each story can leave its person feeling."""

_DRAWS = {
    "person": Options(HEROES), "partner": Options(PARTNERS), "object": Options(OBJECTS), "color": Options(COLORS),
    "place": Options(PLACES),
}  # fmt: skip
_TEMPLATES = {schema: Template(text, draws=_DRAWS) for schema, text in SCHEMAS.items()}


def _generate_story(generator: TextGenerator) -> None:
    """One of eight stories, with or without an opening, and an ending that fits the feeling."""
    if generator.choose(("with", "without"), branching=True) == "with":
        generator.say_one_of(OPENINGS)
    schema = generator.choose(tuple(SCHEMAS), branching=True)
    slots = _TEMPLATES[schema].generate(generator)
    feeling = generator.say_one_of(FEELINGS[schema], branching=True)
    generator.say(".")
    generator.say_one_of([ending.format_map(slots) for ending in ENDINGS[feeling]])
    labels = {slot: str(value) for slot, value in slots.items()}
    generator.label(schema=schema, feeling=feeling, **labels)


_FEWEST_WORDS, _MOST_WORDS = 4, 9
WORD_CLASSES = {"name": tuple(person.name for person in PEOPLE), "object": OBJECTS, "color": COLORS, "place": PLACES}
"""The words that drills and stories copy, by class."""

_LEARNERS = Options(PEOPLE)
_ITEMS = Options([word for words in (*WORD_CLASSES.values(), *VALUES.values()) for word in words])
# After the k-th word the list goes on or ends, so that every length is equally likely.
_CONTINUE = {k: Options((",", "."), (_MOST_WORDS - k, 1)) for k in range(_FEWEST_WORDS, _MOST_WORDS + 1)}


def _generate_drill(generator: TextGenerator) -> None:
    """A list of names, objects, colors, places and attributes, learned by heart."""
    learner = generator.say_one_of(_LEARNERS)
    generator.say("learns a list by heart:")
    items: list[str] = []
    for position in range(1, _MOST_WORDS + 1):
        items.append(generator.say_one_of(_ITEMS))
        if position < _FEWEST_WORDS:
            generator.say(",")
        elif generator.say_one_of(_CONTINUE[position], branching=True) == ".":
            break
    generator.say(f"Again: {', '.join(items)}. And once more, {', '.join(items)}.")
    generator.label(person=learner.name, items=tuple(items))


GENERATORS = {"story": _generate_story, "copy": _generate_drill}
