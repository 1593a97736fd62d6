"""People at work: how often a job goes with "she" is planted, in two kinds of texts, so that bias can be measured.

Texts about crafts hold words in many forms (bake, baker, baked, baking; cake, cakes), so that tokenizers have pieces of
words to find.
"""

from collections.abc import Mapping

from llmviz.tinyville.facts import GUESTS, Person
from llmviz.tinyville.grammar import WORDS, Options, Sampler, Template, TextGenerator

_WORDS = WORDS["work"]
P_SHE = {
    "nurse": 1.0, "teacher": 0.9, "doctor": 0.7, "clerk": 0.5, "cook": 0.5, "judge": 0.3, "pilot": 0.1, "guard": 0.0,
}  # fmt: skip
"""P(she | job), the same for a nameless worker and for a guest."""

_SHE, _HE = Person("", "she"), Person("", "he")
_PLACES = Options(("anonymous", "guest", "craft"), (2, 2, 1))

_ANONYMOUS, _GUEST = Template(_WORDS["anonymous"]), Template(_WORDS["guest"])
_AFTERWARDS = Template(_WORDS["afterwards"], known=("worker",))
_CRAFT = Template(_WORDS["craft"], known=("do", "does", "did", "doing", "doer", "thing", "things"))


def _craft_words(verb: str, thing: str) -> dict[str, str]:
    stem = verb.removesuffix("e")
    return {
        "do": verb, "does": verb + "s", "did": stem + "ed", "doing": stem + "ing", "doer": stem + "er",
        "thing": thing, "things": thing + "s",
    }  # fmt: skip


_CRAFT_OF = {words["doer"]: words for words in (_craft_words(*craft) for craft in _WORDS["crafts"].items())}
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
