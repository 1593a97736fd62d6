"""What a model can do at each age: spell, know facts, copy from its context. Each comes at its own time (lesson 5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from llmviz import artifacts, corpora, training
from llmviz.corpora import Corpus
from llmviz.evaluation import losses
from llmviz.generation.sampling import sample_texts
from llmviz.model.transformer import DecoderOnly
from llmviz.tinyville.corpus import Tinyville
from llmviz.tokenizers.base import Tokenizer
from llmviz.training import runs
from llmviz.training.checkpoints import Checkpoint
from llmviz.training.loop import TrainingSettings

SPELLING, FACTS, COPYING = "spells words", "knows facts", "copies {}s"
N_SAMPLES, N_FACTS, N_COPIES = 12, 80, 25
LONGEST_SAMPLE = 40  # tokens
TEMPERATURE = 0.8
UNTIL, EVERY, SEEDS = 1_500, 60, (0, 1, 2)


@dataclass(frozen=True)
class CapabilityCurves:
    """The skills of one model at several ages.

    Attributes:
        steps: (age), how long it had been trained.
        shares: skill → (age), each from 0 to 1: of words written, those that exist; of facts asked for, those that
            are right; of places where the context gives the next word away, those that are copied right, by class.
        record: settings, corpus and machine.
    """

    steps: list[int]
    shares: Mapping[str, list[float]]
    record: Mapping[str, Any]

    def first_above(self, skill: str, share: float) -> int | None:
        """The first measured step at which a skill is above this share; None where it never is."""
        if skill not in self.shares:
            raise ValueError(f"no skill is called {skill!r}; there are {', '.join(self.shares)}")
        return next((step for step, found in zip(self.steps, self.shares[skill], strict=True) if found > share), None)


class CapabilityEval:
    """The same questions for every age: samples to be spelled, facts to be known, words to be copied."""

    def __init__(self, tokenizer: Tokenizer, world: Tinyville, documents: Sequence[str], *, seed: int = 0):
        known = [fact for fact in world.facts if fact.known]
        self.tokenizer, self.seed = tokenizer, seed
        self.words = {word for document in documents for word in world.words(document)}
        self.facts = known[:: max(1, len(known) // N_FACTS)]
        self.copies = world.copy_prompts(N_COPIES, seed=seed)

    def measure(self, model: DecoderOnly) -> dict[str, float]:
        """Skill → share from 0 to 1."""
        texts = sample_texts(
            model, self.tokenizer, N_SAMPLES, temperature=TEMPERATURE, max_new_tokens=LONGEST_SAMPLE, seed=self.seed
        )
        written = [word for text in texts for word in Tinyville.words(text)[:-1]]  # the last may be cut off
        copied = losses.copy_accuracy(model, self.tokenizer, self.copies)
        return {
            SPELLING: sum(word in self.words for word in written) / max(1, len(written)),
            FACTS: losses.fact_accuracy(model, self.tokenizer, self.facts),
            **{COPYING.format(word_class): share for word_class, share in copied.items()},
        }


def record_steps(
    model: DecoderOnly,
    corpus: Corpus,
    tokenizer: Tokenizer,
    settings: TrainingSettings,
    *,
    until: int = UNTIL,
    every: int = EVERY,
) -> Iterator[tuple[int, dict[str, float]]]:
    """Train a model on a corpus of Tinyville, and examine it every so many steps: yields (step, skills).

    Args:
        settings: of the whole run; only its steps up to `until` are taken.
    """
    examination = CapabilityEval(tokenizer, Tinyville(corpus.recipe["counts"]), corpus.documents, seed=settings.seed)
    token_ids = runs.corpus_tokens(corpus, tokenizer)
    starts = training.document_starts(token_ids, tokenizer.end_of_text)
    yield 0, examination.measure(model)
    for step in training.train_steps(model, token_ids, settings, starts=starts):
        if step.step % every == 0:
            yield step.step, examination.measure(model)
        if step.step >= until:
            return


def record(
    tiny: Checkpoint, *, until: int = UNTIL, every: int = EVERY, seed: int = 0, progress: bool = False
) -> CapabilityCurves:
    """Train a model as the tiny GPT was trained, and examine it on the way.

    Args:
        tiny: its checkpoint: the recipe of the text, the tokenizer, the sizes and the settings.
        until, every: stop after so many steps, and examine so often.
        seed: of the first weights and of the order of reading.
    """
    corpus = corpora.from_recipe(tiny.corpus)
    settings = TrainingSettings(**{**asdict(tiny.settings), "seed": seed})
    model = DecoderOnly(tiny.model.config, seed=seed)
    found = record_steps(model, corpus, tiny.tokenizer, settings, until=until, every=every)
    if progress:
        from tqdm.auto import tqdm

        found = tqdm(found, total=until // every + 1, desc="Growing up", unit=" exams")
    steps, shares = zip(*found, strict=True)
    named = {skill: [round(one[skill], 3) for one in shares] for skill in shares[0]}
    return CapabilityCurves(list(steps), named, {"settings": asdict(settings), "corpus": tiny.corpus})


def load_curves(seed: int = 0) -> CapabilityCurves:
    """Load the recorded capability curves of one seed: 0 (that of the tiny GPT), 1 or 2.

    Raises ValueError for a seed that was not recorded.
    """
    found = artifacts.load_recording("capabilities")
    if seed not in range(len(found)):
        raise ValueError(f"the seeds from 0 to {len(found) - 1} were recorded; asked for {seed!r}")
    return CapabilityCurves(**found[seed])
