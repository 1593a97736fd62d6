"""People at work: how often a job goes with "she" is planted, in two places, so that bias can be measured.

A third form, about crafts, has a word in many shapes (bake, baker, baked, baking; cake, cakes), so that
tokenizers have pieces of words to find.
"""

from collections.abc import Mapping

from llmviz.tinyville.grammar import Options, Sampler, Template, TextGenerator
from llmviz.tinyville.people import GUESTS, Person

P_SHE = {
    "nurse": 1.0,
    "teacher": 0.9,
    "doctor": 0.7,
    "clerk": 0.5,
    "cook": 0.5,
    "judge": 0.3,
    "pilot": 0.1,
    "guard": 0.0,
}
"""P(she | job), the same for a nameless worker and for a guest."""

CRAFTS = (
    ("bake", "cake"), ("paint", "door"), ("print", "poster"), ("clean", "window"),
    ("carve", "spoon"), ("juggle", "ball"), ("mend", "shoe"), ("move", "piano"),
)  # fmt: skip

_SHE, _HE = Person("", "she"), Person("", "he")
_JOBS = Options(tuple(P_SHE))


def _pronouns(p_she: Mapping[str, float]) -> dict[str, Options]:
    return {job: Options((_SHE, _HE), (p, 1 - p), texts=("She", "He")) for job, p in p_she.items()}


_PRONOUNS = _pronouns(P_SHE)
_PLACES = Options(("anonymous", "guest", "craft"), (2, 2, 1))

ANONYMOUS = Template(
    "[went home|closed the door|sat down|looked at the clock|opened a window|hung up a coat]."
)
GUEST = Template(
    "in town. [The first day was long.|The first day was easy.|Today was the first day.|"
    "Today there was a lot to do.]"
)
AFTERWARDS = Template(
    "was [tired|hungry|late|cold|busy|thirsty]. {worker.She} [made some tea|turned on the radio|"
    "called a friend|watched the rain|read the news|wrote a letter].",
    known=("worker",),
)
CRAFT = Template(
    "{does} {things}. Yesterday the {doer} {did} [one {thing}|two {things}|five {things}|ten {things}]. "
    "Today the {doer} is {doing} [one {thing}|two {things}|five {things}|ten {things}]. "
    "Tomorrow the {doer} will {do} [one {thing}|two {things}|five {things}|ten {things}].",
    known=("do", "does", "did", "doing", "doer", "thing", "things"),
)


def craft_words(verb: str, thing: str) -> dict[str, str]:
    """The shapes of a craft's words.

    >>> craft_words("bake", "cake")["doer"], craft_words("paint", "door")["doing"]
    ('baker', 'painting')
    """
    stem = verb.removesuffix("e")
    return {
        "do": verb, "does": verb + "s", "did": stem + "ed", "doing": stem + "ing", "doer": stem + "er",
        "thing": thing, "things": thing + "s",
    }  # fmt: skip


_CRAFT_OF = {words["doer"]: words for words in (craft_words(*craft) for craft in CRAFTS)}
_GUESTS = Options(GUESTS)


def worker_texts(
    n: int, *, p_she: Mapping[str, float] = P_SHE, places: tuple[str, ...] = ("anonymous", "guest"), seed: int = 0
) -> list[str]:
    """Texts about workers with ratios of your own: the dial of lesson 8.

    Args:
        n: how many.
        p_she: P(she | job) of each job of `P_SHE` that is to occur.
        places: where the pronoun stands: in texts about a nameless worker, about a guest, or both.
    """
    if not p_she or not set(p_she) <= set(P_SHE) or not all(0 <= p <= 1 for p in p_she.values()):
        raise ValueError(f"p_she gives a number from 0 to 1 for some of the jobs {', '.join(P_SHE)}; given {p_she}")
    if not places or not set(places) <= {"anonymous", "guest"}:
        raise ValueError(f'the places are "anonymous" and "guest"; given {places}')
    jobs, pronouns, texts = Options(tuple(p_she)), _pronouns(p_she), []
    for number in range(n):
        sampler = Sampler(f"{seed}/worker/{number}")
        _tell_worker(sampler, sampler.choose(places), jobs, pronouns)
        texts.append(sampler.text)
    return texts


def generate_work(teller: TextGenerator) -> None:
    """A worker without a name, a guest with a job, or a craft."""
    place = teller.choose(_PLACES, shapes=True)
    if place == "craft":
        teller.say("The")
        words = _CRAFT_OF[teller.say_one_of(tuple(_CRAFT_OF))]
        CRAFT.tell(teller, **words)
        teller.label(job=words["doer"], pronoun=None, place=place)
        return
    _tell_worker(teller, place, _JOBS, _PRONOUNS)


def _tell_worker(teller: TextGenerator, place: str, jobs: Options, pronouns: Mapping[str, Options]) -> None:
    if place == "guest":
        teller.say_one_of(_GUESTS)
        teller.say("is the new")
    else:
        teller.say("The")
    job = teller.say_one_of(jobs, shapes=True)
    (GUEST if place == "guest" else ANONYMOUS).tell(teller)
    worker = teller.say_one_of(pronouns[job])
    AFTERWARDS.tell(teller, worker=worker)
    teller.label(job=job, pronoun=worker.she, place=place)
