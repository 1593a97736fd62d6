"""What a model can do at each training step, and how far back it copies from its context (lessons 5 and 8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from tqdm.auto import tqdm

from llmviz import artifacts, corpora
from llmviz.corpora import Corpus
from llmviz.evaluation.losses import copy_accuracy, fact_accuracy
from llmviz.generation.sampling import sample_texts
from llmviz.interpretability import zipf_sequences
from llmviz.model.transformer import DecoderOnly
from llmviz.tinyville.corpus import Tinyville
from llmviz.tokenizers.base import Tokenizer
from llmviz.training import runs
from llmviz.training.checkpoints import Checkpoint
from llmviz.training.loop import TrainingSettings, document_starts, train_steps

UNTIL, EVERY, SEEDS = 1_500, 60, (0, 1, 2)
_N_SAMPLES, _SAMPLE_TOKENS, _TEMPERATURE = 12, 40, 0.8
_N_FACTS, _N_COPIES = 80, 25
_N_SEQUENCES, _N_PREDICTED = 24, 6


@dataclass(frozen=True)
class _CapabilityCurves:
    """Capabilities of one model at some training steps; record: settings and corpus.

    shares: capability → (point), each from 0 to 1: of sampled words, those that exist; of facts asked for, those that
    are right; of words that the context determines, those that are copied right, by class.
    """

    steps: list[int]
    shares: Mapping[str, list[float]]
    record: Mapping[str, Any]

    def first_above(self, capability: str, share: float) -> int | None:
        """The first measured step at which a capability is above this share; None where it never is."""
        if capability not in self.shares:
            raise ValueError(f"no capability is called {capability!r}; there are {', '.join(self.shares)}")
        points = zip(self.steps, self.shares[capability], strict=True)
        return next((step for step, found in points if found > share), None)


class _CapabilityEval:
    """The same questions at every step: sampled words, facts, words to copy from the context."""

    def __init__(self, tokenizer: Tokenizer, corpus: Corpus, *, seed: int = 0):
        world = Tinyville(corpus.recipe["counts"])
        known = [fact for fact in world.facts if fact.known]
        self.tokenizer, self.seed = tokenizer, seed
        self.words = {word for document in corpus.documents for word in world.words(document)}
        self.facts = known[:: max(1, len(known) // _N_FACTS)]
        self.copies = world.copy_prompts(_N_COPIES, seed=seed)

    def measure(self, model: DecoderOnly) -> dict[str, float]:
        """Capability → share from 0 to 1."""
        settings = {"temperature": _TEMPERATURE, "max_new_tokens": _SAMPLE_TOKENS, "seed": self.seed}
        texts = sample_texts(model, self.tokenizer, _N_SAMPLES, **settings)
        written = [word for text in texts for word in Tinyville.words(text)[:-1]]  # the last may be cut off
        copied = copy_accuracy(model, self.tokenizer, self.copies)
        return {
            "spells words": sum(word in self.words for word in written) / max(1, len(written)),
            "knows facts": fact_accuracy(model, self.tokenizer, self.facts),
            **{f"copies {word_class}s": share for word_class, share in copied.items()},
        }


def _capability_steps(tiny: Checkpoint, settings: TrainingSettings) -> Iterator[tuple[int, dict[str, float]]]:
    """Train a model as the tiny GPT was trained, and measure it every `EVERY` steps: (step, capabilities)."""
    corpus, tokenizer = corpora.from_recipe(tiny.corpus), tiny.tokenizer
    evaluation = _CapabilityEval(tokenizer, corpus, seed=settings.seed)
    model = DecoderOnly(tiny.model.config, seed=settings.seed)
    token_ids = runs.corpus_tokens(corpus, tokenizer)
    yield 0, evaluation.measure(model)
    for step in train_steps(model, token_ids, settings, starts=document_starts(token_ids, tokenizer.end_of_text)):
        if step.step % EVERY == 0:
            yield step.step, evaluation.measure(model)
        if step.step >= UNTIL:
            return


def record_capabilities(*, seed: int = 0, progress: bool = False) -> _CapabilityCurves:
    """Train a model as the tiny GPT was trained, from another seed, and record its capability curves: minutes."""
    tiny = artifacts.load_model("tiny")
    settings = TrainingSettings(**{**asdict(tiny.settings), "seed": seed})
    found = _capability_steps(tiny, settings)
    found = tqdm(found, "Training", UNTIL // EVERY + 1, unit=" points", disable=not progress)
    steps, shares = zip(*found, strict=True)
    named = {capability: [round(one[capability], 3) for one in shares] for capability in shares[0]}
    return _CapabilityCurves(list(steps), named, {"settings": asdict(settings), "corpus": tiny.corpus})


def load_capabilities(seed: int = 0) -> _CapabilityCurves:
    """Load the recorded capability curves of one seed: 0 (that of the tiny GPT), 1 or 2."""
    found = artifacts.load_recording("capabilities")
    if seed not in range(len(found)):
        raise ValueError(f"the seeds from 0 to {len(found) - 1} were recorded; asked for {seed!r}")
    return _CapabilityCurves(**found[seed])


@torch.inference_mode()
def repeat_accuracy(model: DecoderOnly, length: int, *, seed: int = 0) -> float:
    """How often a model predicts the next token of a random sequence that it reads for the second time.

    The model sees its last `context_length` tokens only; of a longer sequence, the part to copy is out of sight.
    length: tokens in the sequence, at least 8: the distance to the token that is to be copied.
    """
    generator = torch.Generator().manual_seed(seed)
    sequences = zipf_sequences(model.config.vocab_size, _N_SEQUENCES, length, generator)
    texts = torch.cat((sequences, sequences[:, : _N_PREDICTED + 2]), dim=1)
    right = []
    for place in range(length + 2, length + 2 + _N_PREDICTED):
        window = texts[:, max(0, place - model.config.context_length) : place]
        right.append(model(window)[:, -1].argmax(dim=-1) == texts[:, place])
    return torch.stack(right).float().mean().item()
