"""People at work: how often a job goes with "she" is planted, in two kinds of texts, so that bias can be measured.

Texts about crafts hold words in many forms (bake, baker, baked, baking; cake, cakes), so that tokenizers have pieces of
words to find.
"""

from collections.abc import Mapping

from llmviz.tinyville.facts import GUESTS, Person
from llmviz.tinyville.grammar import Options, Sampler, Template, TextGenerator

P_SHE = {
    "nurse": 1.0, "teacher": 0.9, "doctor": 0.7, "clerk": 0.5, "cook": 0.5, "judge": 0.3, "pilot": 0.1, "guard": 0.0,
}  # fmt: skip
"""P(she | job), the same for a nameless worker and for a guest."""

_CRAFTS = (
    ("bake", "cake"), ("paint", "door"), ("print", "poster"), ("clean", "window"),
    ("carve", "spoon"), ("juggle", "ball"), ("mend", "shoe"), ("move", "piano"),
)  # fmt: skip

_SHE, _HE = Person("", "she"), Person("", "he")
_PLACES = Options(("anonymous", "guest", "craft"), (2, 2, 1))

_ANONYMOUS = Template("[went home|closed the door|sat down|looked at the clock|opened a window|hung up a coat].")
_GUEST = Template(
    "in town. [The first day was long.|The first day was easy.|Today was the first day.|Today there was a lot to do.]"
)
_AFTERWARDS = Template(
    "was [tired|hungry|late|cold|busy|thirsty]. {worker.She} [made some tea|turned on the radio|"
    "called a friend|watched the rain|read the news|wrote a letter].",
    known=("worker",),
)
_CRAFT = Template(
    "{does} {things}. Yesterday the {doer} {did} [one {thing}|two {things}|five {things}|ten {things}]. "
    "Today the {doer} is {doing} [one {thing}|two {things}|five {things}|ten {things}]. "
    "Tomorrow the {doer} will {do} [one {thing}|two {things}|five {things}|ten {things}].",
    known=("do", "does", "did", "doing", "doer", "thing", "things"),
)


def _craft_words(verb: str, thing: str) -> dict[str, str]:
    stem = verb.removesuffix("e")
    return {
        "do": verb, "does": verb + "s", "did": stem + "ed", "doing": stem + "ing", "doer": stem + "er",
        "thing": thing, "things": thing + "s",
    }  # fmt: skip


_CRAFT_OF = {words["doer"]: words for words in (_craft_words(*craft) for craft in _CRAFTS)}
_GUESTS = Options(GUESTS)


def _pronouns(p_she: Mapping[str, float]) -> dict[str, Options]:
    return {job: Options((_SHE, _HE), (p, 1 - p), texts=("She", "He")) for job, p in p_she.items()}


_JOBS, _PRONOUNS = Options(tuple(P_SHE)), _pronouns(P_SHE)


def worker_texts(
    n: int, *, p_she: Mapping[str, float] = P_SHE, places: tuple[str, ...] = ("anonymous", "guest"), seed: int = 0
) -> list[str]:
    """Texts about workers with other probabilities of "she".

    p_she: P(she | job) for some of the jobs of `P_SHE`; the others do not occur. places: the kinds of texts:
    "anonymous" (a worker without a name), "guest", or both.
    """
    if not p_she or not set(p_she) <= set(P_SHE) or not all(0 <= p <= 1 for p in p_she.values()):
        raise ValueError(f"p_she gives a number from 0 to 1 for some of the jobs {', '.join(P_SHE)}; given {p_she}")
    if not places or not set(places) <= {"anonymous", "guest"}:
        raise ValueError(f'the places are "anonymous" and "guest"; given {places}')
    jobs, pronouns, texts = Options(tuple(p_she)), _pronouns(p_she), []
    for number in range(n):
        sampler = Sampler(f"{seed}/worker/{number}")
        _generate_worker(sampler, sampler.choose(places), jobs, pronouns)
        texts.append(sampler.text)
    return texts


def _generate_work(generator: TextGenerator) -> None:
    """A worker without a name, a guest with a job, or a craft."""
    place = generator.choose(_PLACES, branching=True)
    if place == "craft":
        generator.say("The")
        words = _CRAFT_OF[generator.say_one_of(tuple(_CRAFT_OF))]
        _CRAFT.generate(generator, **words)
        generator.label(job=words["doer"], pronoun=None, place=place)
        return
    _generate_worker(generator, place, _JOBS, _PRONOUNS)


def _generate_worker(generator: TextGenerator, place: str, jobs: Options, pronouns: Mapping[str, Options]) -> None:
    if place == "guest":
        generator.say_one_of(_GUESTS)
        generator.say("is the new")
    else:
        generator.say("The")
    job = generator.say_one_of(jobs, branching=True)
    (_GUEST if place == "guest" else _ANONYMOUS).generate(generator)
    worker = generator.say_one_of(pronouns[job])
    _AFTERWARDS.generate(generator, worker=worker)
    generator.label(job=job, pronoun=worker.she, place=place)


GENERATORS = {"work": _generate_work}
