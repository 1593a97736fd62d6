"""Making a recording: train, stop at the saved steps, and measure everything that the scrubber shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from llmviz import corpus_stats
from llmviz.corpora import Corpus
from llmviz.embeddings.vectors import directions
from llmviz.evaluation.memorization import SubstringIndex
from llmviz.generation.sampling import sample_texts
from llmviz.model.transformer import DecoderOnly
from llmviz.tinyville.corpus import Text, Tinyville
from llmviz.tinyville.next_tokens import next_tokens
from llmviz.tokenizers.base import Tokenizer
from llmviz.tokenizers.words import words as words_of
from llmviz.training import loop, runs
from llmviz.training.loop import TrainingSettings
from llmviz.training.recording import AttentionFrames, Bars, Recording, Sample

FRAMES, FIRST_SAVED = 22, 8
TEMPERATURE = 0.8
BARS = 8
MEASURED_TEXTS = 300
KEPT_SAMPLES = 4


@dataclass(frozen=True)
class ProbeSet:
    """What is looked at in every frame.

    Attributes:
        prompts: how the samples begin, one each; the meters are means over them, the first four are kept.
        prefixes: beginnings of texts, for the bars of the next token.
        sentences: for the attention maps.
        words: word → group, for the map of embeddings; those that are no single token are left out.
    """

    prompts: Sequence[str] = ("",)
    prefixes: Sequence[str] = ()
    sentences: Sequence[str] = ()
    words: Mapping[str, str] | None = None


def saved_steps(n_steps: int, n_frames: int = FRAMES) -> list[int]:
    """At which steps to look: before the first, then closer together at the start, where most happens.

    >>> saved_steps(1000, 6)
    [0, 8, 27, 89, 299, 1000]
    """
    spaced = np.geomspace(min(FIRST_SAVED, n_steps), n_steps, n_frames - 1)
    return sorted({0, *(round(step) for step in spaced)})


def baselines(corpus: Corpus, texts: Sequence[Text], tokenizer: Tokenizer) -> dict[str, float]:
    """What a loss means, in nats per token: guessing blindly, counting, counting pairs, knowing the world.

    Args:
        corpus: large, since counts made on a small one flatter.
        texts: of the world, with their exact probabilities, to measure the floor on.
    """
    counted = corpus_stats.corpus_stats(corpus, tokenizer).tokens
    n_tokens = sum(len(tokenizer.encode(text.text)) + 1 for text in texts)
    return {
        "ln V": float(np.log(tokenizer.vocab_size)),
        "unigram": counted.unigram_entropy,
        "bigram": counted.bigram_entropy,
        "exact entropy": -sum(text.log_probability for text in texts) / n_tokens,
    }


def record(
    name: str,
    model: DecoderOnly,
    corpus: Corpus,
    tokenizer: Tokenizer,
    settings: TrainingSettings,
    subject: ProbeSet,
    *,
    held_out: Sequence[str],
    lines: Mapping[str, float],
    world: Tinyville | None = None,
    fresh: Sequence[str] = (),
    n_frames: int = FRAMES,
    progress: bool = False,
) -> Recording:
    """Train a model on a corpus, and keep what it is like at the saved steps.

    Args:
        model: is trained in place.
        subject: what to look at.
        held_out: texts that the corpus does not hold.
        lines: the yardsticks, in nats per token.
        world: judges the samples and gives the exact bars, where the corpus is of this world.
        fresh: new texts of the world that begin as the prompts do: how much is copied by chance.
    """
    camera = _Recorder(model, corpus, tokenizer, subject, list(held_out), world)
    seconds = 0.0
    saved = saved_steps(settings.steps, n_frames)
    for step in _with_bar(_steps(model, corpus, tokenizer, settings), settings.steps, name, progress):
        seconds += step.seconds if step else 0.0
        if (step.step if step else 0) in saved:
            camera.shoot()
    return Recording(
        name, np.array(saved), **camera.films(), yardsticks=dict(lines),
        copied_by_the_world=round(camera.finder.mean_share(fresh), 4) if fresh else None,
        record={"settings": asdict(settings), "corpus": dict(corpus.recipe), "n_documents": len(corpus.documents),
                "n_parameters": model.n_parameters, "seconds_of_training": round(seconds, 1)},
    )  # fmt: skip


def _steps(model, corpus: Corpus, tokenizer: Tokenizer, settings: TrainingSettings) -> Iterator:
    """None for the newborn model, then the steps of the run."""
    yield None
    token_ids = runs.corpus_tokens(corpus, tokenizer)
    starts = loop.document_starts(token_ids, tokenizer.end_of_text) if len(corpus.documents) > 1 else None
    yield from loop.train_steps(model, token_ids, settings, starts=starts)


def _with_bar(steps: Iterator, n_steps: int, name: str, progress: bool) -> Iterator:
    if not progress:
        return steps
    from tqdm.auto import tqdm

    return tqdm(steps, total=n_steps + 1, desc=name, unit=" steps")


class _Recorder:
    """Looks at a model, again and again in the same way."""

    def __init__(self, model, corpus: Corpus, tokenizer: Tokenizer, subject: ProbeSet, held_out: list[str], world):
        self.model, self.tokenizer, self.subject, self.world = model, tokenizer, subject, world
        self.texts = {"training_losses": list(corpus.documents[:MEASURED_TEXTS]), "held_out_losses": held_out}
        self.finder = SubstringIndex(corpus.documents)
        self.words = _single_tokens(tokenizer, subject.words or {})
        self.shots: list[dict] = []

    @torch.no_grad()
    def shoot(self) -> None:
        """Add a frame."""
        losses = {name: self._loss(texts) for name, texts in self.texts.items()}
        written = [
            sample_texts(self.model, self.tokenizer, 1, prompt=prompt, seed=number, temperature=TEMPERATURE)
            for number, prompt in enumerate(self.subject.prompts)
        ]
        samples = [self._judged(text) for [text] in written]
        vectors = self.model.embedding.weight.detach().numpy()[list(self.words.values())]
        self.shots.append({
            **losses,
            "samples": samples,
            "copied": np.mean([self.finder.longest(sample.text).share for sample in samples]),
            "valid": np.mean([sample.wrong is None for sample in samples]),
            "bars": [self._probabilities(prefix) for prefix in self.subject.prefixes],
            "attention": [self._attention(sentence) for sentence in self.subject.sentences],
            "vectors": directions(vectors) if len(vectors) else vectors,
        })  # fmt: skip

    def _loss(self, texts: list[str]) -> float:
        return loop.evaluate_documents(self.model, self.tokenizer, texts)

    def _judged(self, text: str) -> Sample:
        passage = self.finder.longest(text)
        copied = _characters(text, words_of(text), passage.start, passage.n_words)
        verdict = self.world.check(text) if self.world else None
        if verdict is None or verdict.valid:
            return Sample(text, copied)
        return Sample(text, copied, _characters(text, Tinyville.words(text), verdict.n_valid_words, 1))

    def _ids(self, text: str) -> Tensor:
        return torch.tensor([self.tokenizer.encode_prompt(text)])

    def _probabilities(self, prefix: str) -> np.ndarray:
        return self.model(self._ids(prefix))[0, -1].softmax(dim=-1).numpy()

    def _attention(self, sentence: str) -> np.ndarray:
        """(layer, head, query, key)."""
        return self.model.trace(self._ids(sentence)).attention_weights[:, 0].numpy()

    def films(self) -> dict:
        """Everything that was shot, frame by frame, as a `Recording` takes it."""
        series = {name: np.array([shot[name] for shot in self.shots])
                  for name in ("training_losses", "held_out_losses", "copied")}  # fmt: skip
        kept = [shot["samples"][:KEPT_SAMPLES] for shot in self.shots]
        return {
            **series,
            "samples": kept,
            "valid": np.array([shot["valid"] for shot in self.shots]) if self.world else None,
            "bars": [self._bars(number, prefix) for number, prefix in enumerate(self.subject.prefixes)],
            "attention": [
                AttentionFrames(
                    tuple(self.tokenizer.tokens(self._ids(sentence)[0].tolist())),
                    np.stack([shot["attention"][number] for shot in self.shots]),
                )
                for number, sentence in enumerate(self.subject.sentences)
            ],
            **self._map(),
        }

    def _bars(self, number: int, prefix: str) -> Bars:
        """The tokens that the world allows first, then those that the model ever thought most of."""
        film = np.stack([shot["bars"][number] for shot in self.shots])
        exact = next_tokens(self.world, self.tokenizer, self.tokenizer.encode(prefix)) if self.world else {}
        last, most = film[-1], film.max(axis=0)
        allowed = sorted(exact, key=lambda token_id: (-exact[token_id], -last[token_id]))[: BARS // 2]
        others = [token_id for token_id in np.argsort(-most).tolist() if token_id not in allowed]
        chosen = [*allowed, *others[: BARS - len(allowed)]]
        return Bars(
            prefix,
            tuple(self.tokenizer.tokens(chosen)),
            film[:, chosen],
            tuple(round(exact.get(token_id, 0.0), 4) for token_id in chosen) if exact else (),
        )

    def _map(self) -> dict:
        """One plane for all frames: the two main directions of the last one (PCA)."""
        if len(self.words) < 3:
            return {}
        vectors = np.stack([shot["vectors"] for shot in self.shots])
        middle = vectors[-1].mean(axis=0)
        _, _, main = np.linalg.svd(vectors[-1] - middle, full_matrices=False)
        points = (vectors - middle) @ main[:2].T
        centerd = vectors - vectors.mean(axis=1, keepdims=True)
        shown = ((centerd @ main[:2].T) ** 2).sum(axis=(1, 2)) / (centerd**2).sum(axis=(1, 2))
        groups = [self.subject.words[word] for word in self.words]
        return {"words": list(self.words), "groups": groups, "points": points, "variance": shown}


def _single_tokens(tokenizer: Tokenizer, words: Mapping[str, str]) -> dict[str, int]:
    """The words that are one token in the middle of a text, and its id."""
    encoded = {word: tokenizer.encode(f" {word}") for word in words}
    return {word: ids[0] for word, ids in encoded.items() if len(ids) == 1}


def _characters(text: str, spoken: Sequence[str], start: int, n_words: int) -> tuple[int, int]:
    """Where some words of a text begin and end, in characters; at its end where there is no such word."""
    if start >= len(spoken):
        return len(text), len(text)
    place, first = 0, 0
    for number, word in enumerate(spoken[: start + n_words]):
        place = text.index(word, place)
        first = place if number == start else first
        place += len(word)
    return (first, place) if n_words else (0, 0)
