"""Translation: an encoder reads an English sentence, a decoder writes the French one, word by word (lesson 7).

The pairs come from a small grammar (`translation.grammar`); both languages share one vocabulary of words, as in Vaswani
et al. 2017, section 5.1. The attention of the decoder to the source aligns the sentences, although that was not taught.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from llmviz import training
from llmviz.evaluation.text_overlap import exact_share
from llmviz.generation.sampling import generate
from llmviz.model.attention import padding_mask
from llmviz.model.block import Memory
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import EncoderDecoder
from llmviz.tinyville.grammar import join
from llmviz.tokenizers.base import UNKNOWN
from llmviz.tokenizers.words import WordTokenizer, words
from llmviz.training.checkpoints import Checkpoint
from llmviz.training.loop import TrainingSettings, TrainingStep
from llmviz.translation import grammar
from llmviz.translation.grammar import Pair, PairCorpus

MOST_TOKENS = 20  # of a sentence, in either language
STEPS = 450
BATCH_SIZE = 64
LEARNING_RATE = 0.05
_TEST_BATCH = 100


@dataclass(frozen=True)
class Translation:
    """A sentence, what the model made of it, and where it looked.

    Attributes:
        english, french: the sentences.
        source_tokens: the English tokens.
        target_tokens: the French tokens, in the order in which they were written, without the end of text.
        cross_attention: (layer, head, target, source); a row is the moment when that French token was *predicted*.
    """

    english: str
    french: str
    source_tokens: tuple[str, ...]
    target_tokens: tuple[str, ...]
    cross_attention: Tensor

    @property
    def last_layer(self) -> Tensor:
        """The mean over the heads of the last layer: (target, source); each row sums to 1."""
        return self.cross_attention[-1].mean(dim=0)


def train_tokenizer(pairs: Sequence[Pair]) -> WordTokenizer:
    """Learn one vocabulary for both languages: every word of the pairs."""
    return WordTokenizer.train([text for pair in pairs for text in (pair.english, pair.french)])


def new_model(tokenizer: WordTokenizer, *, n_layers: int = 2, seed: int = 0) -> EncoderDecoder:
    """Make an untrained encoder–decoder of the lesson's sizes: 64 wide, as many layers on either side."""
    config = ModelConfig(
        tokenizer.vocab_size, context_length=2 * MOST_TOKENS, d_model=64, n_layers=n_layers, n_heads=4, d_ff=128
    )
    return EncoderDecoder(config, seed=seed)


def default_settings(steps: int = STEPS, *, seed: int = 0) -> TrainingSettings:
    """The training that was measured: many pairs a step and large steps (data/README.md has the numbers)."""
    return TrainingSettings(steps=steps, batch_size=BATCH_SIZE, learning_rate=LEARNING_RATE, seed=seed)


def encode_pairs(tokenizer: WordTokenizer, pairs: Sequence[Pair]) -> Tensor:
    """Write each pair as one row: English, then an end, French, and an end; (pair, 2 × MOST_TOKENS + 1).

    Both halves are filled up with ends, the English to MOST_TOKENS, the French to MOST_TOKENS + 1.
    """
    end = tokenizer.end_of_text
    rows = []
    for pair in pairs:
        source, target = tokenizer.encode(pair.english), [end, *tokenizer.encode(pair.french), end]
        if max(len(source), len(target) - 1) > MOST_TOKENS:
            raise ValueError(f"a sentence has at most {MOST_TOKENS - 1} tokens here; given {pair.english!r:.80}")
        rows.append(source + [end] * (MOST_TOKENS - len(source)) + target + [end] * (MOST_TOKENS + 1 - len(target)))
    return torch.tensor(rows)


def translation_loss(model: EncoderDecoder, rows: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """The mean surprise −ln p(French token), given the English sentence and the French before it, in nats.

    Args:
        rows: as `encode_pairs` makes them; this is an objective for `training.train_steps`.
    """
    end = model.config.vocab_size - 1
    source, target = rows[:, :MOST_TOKENS], rows[:, MOST_TOKENS:]
    n_source = int((source != end).sum(dim=1).max())
    n_target = int((target != end).sum(dim=1).max()) + 1  # and its end
    source, given, wanted = source[:, :n_source], target[:, :n_target], target[:, 1 : n_target + 1]
    is_told = (wanted != end) | ((wanted == end).cumsum(dim=1) == 1)  # the words and the first end, not the filling
    logits = model(source, given, padding_mask(source, end))
    return F.cross_entropy(logits[is_told], wanted[is_told])


def train_steps(
    model: EncoderDecoder, tokenizer: WordTokenizer, pairs: Sequence[Pair], settings: TrainingSettings
) -> Iterator[TrainingStep]:
    """Train on sentence pairs, and hand back control after each step."""
    rows = encode_pairs(tokenizer, pairs)
    starts = torch.arange(len(rows) + 1) * rows.shape[1]
    token_ids = torch.cat((rows.flatten(), rows[:1, -1]))
    return training.train_steps(model, token_ids, settings, objective=translation_loss, starts=starts)


class Writer:
    """A decoder that has read its source: `generate` and `beam_search` take it for a GPT.

    The source is read once; what the encoder made of it is kept and looked up at every step.

    Args:
        model: an encoder–decoder.
        source_ids: the sentence to translate.
    """

    def __init__(self, model: EncoderDecoder, source_ids: Sequence[int]):
        self.model, self.config, self.embedding = model, model.config, model.embedding
        with torch.inference_mode():
            self.memory = model.encode(torch.tensor([list(source_ids)], device=model.embedding.weight.device))

    def new_cache(self) -> None:
        """None: sentences are short, so the target is read anew for each token."""

    def __call__(self, token_ids: Tensor, cache: None = None) -> Tensor:
        """Each position's scores for the next token: (batch, position) → (batch, position, vocab)."""
        states = self.memory.states
        return self.model.decode(token_ids, Memory(states.expand(len(token_ids), *states.shape[1:])))


def translate(model: EncoderDecoder, tokenizer: WordTokenizer, english: str) -> Translation:
    """Translate one sentence, always taking the best next token, and keep where the model looked.

    Raises ValueError for a sentence that is empty, too long, or holds a word that the model has never read.
    """
    english = _tidy(english)
    source_ids, end = encode_source(tokenizer, english), tokenizer.end_of_text
    writer = Writer(model, source_ids)
    new_ids = generate(writer, [end], max_new_tokens=MOST_TOKENS, temperature=0, stop_tokens={end})
    return read_back(model, tokenizer, english, [one for one in new_ids if one != end])


def _tidy(english: str) -> str:
    """A capital at the start and a full stop at the end, as all sentences have that the model knows."""
    english = " ".join(english.split())
    return english[:1].upper() + english[1:] + ("" if english.endswith(".") else ".")


def encode_source(tokenizer: WordTokenizer, english: str) -> list[int]:
    """The token ids of a sentence; refuses one that the model cannot know, in a sentence."""
    tokens = [token.strip() for token in tokenizer.split(english)]
    if not 2 <= len(tokens) < MOST_TOKENS:
        raise ValueError(f"give a sentence of at most {MOST_TOKENS - 2} words; given {len(tokens) - 1}")
    token_ids = tokenizer.encode(english)
    if strange := [word for word, one in zip(tokens, token_ids, strict=True) if tokenizer.tokens([one]) == [UNKNOWN]]:
        raise ValueError(f"the translator has never read {', '.join(map(repr, strange))}; it knows only its own words")
    return token_ids


@torch.inference_mode()
def read_back(model: EncoderDecoder, tokenizer: WordTokenizer, english: str, target_ids: Sequence[int]) -> Translation:
    """Show where the model looks when it writes exactly this French."""
    source_ids = encode_source(tokenizer, english)
    trace = model.trace(torch.tensor(source_ids), torch.tensor([tokenizer.end_of_text, *target_ids]))
    rows = trace.cross_attention_weights[:, 0, :, : len(target_ids)]  # the row of a token is that of the one before it
    tokens = (tuple(tokenizer.tokens(source_ids)), tuple(tokenizer.tokens(target_ids)))
    return Translation(english, tokenizer.decode(target_ids), *tokens, rows)


@torch.inference_mode()
def translate_all(model: EncoderDecoder, tokenizer: WordTokenizer, sentences: Sequence[str]) -> list[str]:
    """Translate many sentences side by side, always taking the best next token; only the French."""
    end, found = tokenizer.end_of_text, []
    for first in range(0, len(sentences), _TEST_BATCH):
        rows = [encode_source(tokenizer, english) for english in sentences[first : first + _TEST_BATCH]]
        longest = max(map(len, rows))
        source = torch.tensor([row + [end] * (longest - len(row)) for row in rows])
        memory = model.encode(source, padding_mask(source, end))
        target = torch.full((len(rows), 1), end)
        while target.shape[1] <= MOST_TOKENS and not (target[:, 1:] == end).any(dim=1).all():
            best = model.decode(target, memory)[:, -1].argmax(dim=-1, keepdim=True)
            target = torch.cat((target, best), dim=1)
        for row in target[:, 1:].tolist():
            found.append(tokenizer.decode(row[: row.index(end)] if end in row else row))
    return found


def align(cross_attention: Tensor) -> list[int]:
    """For each target word, the source word at which the heads together look most.

    Args:
        cross_attention: (head, target, source).

    >>> align(torch.tensor([[[0.9, 0.1], [0.6, 0.4]], [[0.8, 0.2], [0.0, 1.0]]]))
    [0, 1]
    """
    return cross_attention.mean(dim=0).argmax(dim=-1).tolist()


def alignment_accuracy(model: EncoderDecoder, tokenizer: WordTokenizer, pairs: Sequence[Pair]) -> dict[str, float]:
    """How often the last layer looks most at a word that the French word really comes from.

    Returns:
        the share by role ("noun", "adjective", …); "crossing adjectives" are those that changed places with their noun,
        "content words" the adjectives, nouns, names and verbs together.
    """
    hits: dict[str, list[bool]] = {}
    for pair in pairs:
        looked = align(read_back(model, tokenizer, pair.english, tokenizer.encode(pair.french)).cross_attention[-1])
        for place, (key, link, role) in enumerate(zip(looked, pair.links, pair.roles, strict=True)):
            names = [role]
            names += ["content words"] if role in ("adjective", "noun", "name", "verb") else []
            names += ["crossing adjectives"] if role == "adjective" and place in pair.crossing else []
            for name in names:
                hits.setdefault(name, []).append(key in link)
    return {name: sum(found) / len(found) for name, found in hits.items()}


def word_by_word(pairs: Sequence[Pair], sentences: Sequence[str]) -> list[str]:
    """Translate with a dictionary alone: each English word becomes the French word that most often comes from it.

    The baseline: no order, no agreement. A word that no French word comes from by itself (does) is left out.
    """
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for pair in pairs:
        english = words(pair.english)
        for word, link in zip(words(pair.french), pair.links, strict=True):
            if len(link) == 1:
                counts[english[link[0]]][word] += 1
    dictionary = {word: found.most_common(1)[0][0] for word, found in counts.items()}
    return [join([dictionary[word] for word in words(one) if word in dictionary]) for one in sentences]


def trained(steps: int = STEPS, *, seed: int = 0, progress: bool = False) -> Checkpoint:
    """Make the pairs, train a translator on them, and examine it on sentences it has never read."""
    corpus = grammar.corpus(seed=seed)
    tokenizer = train_tokenizer(corpus.training)
    model, settings = new_model(tokenizer, seed=seed), default_settings(steps, seed=seed)
    done = train_steps(model, tokenizer, corpus.training, settings)
    if progress:
        from tqdm.auto import tqdm

        done = tqdm(done, total=steps, desc="Training", unit=" steps")
    done = list(done)
    record = {
        "n_parameters": model.n_parameters,
        "seconds": round(sum(step.seconds for step in done), 2),
        "history": [(step.step, round(step.loss, 4)) for step in done[:: max(1, steps // 100)]],
        "measured": examined(model, tokenizer, corpus),
    }
    recipe = {"source": "french", "seed": seed, "pairs": len(corpus.training)}
    return Checkpoint(model, tokenizer, recipe, settings, steps, record)


def examined(model: EncoderDecoder, tokenizer: WordTokenizer, corpus: PairCorpus) -> dict[str, Any]:
    """What a translator can do with sentences that it has never read: shares that are exact, and aligned by role."""
    aligned = alignment_accuracy(model, tokenizer, corpus.unseen)
    return {
        "exact": round(exact(model, tokenizer, corpus.unseen), 3),
        "exact_of_unseen_combinations": round(exact(model, tokenizer, corpus.unseen_combinations), 3),
        "aligned": {role: round(share, 3) for role, share in aligned.items()},
    }


def exact(model: EncoderDecoder, tokenizer: WordTokenizer, pairs: Sequence[Pair]) -> float:
    """The share of the pairs whose French is written to the last letter."""
    return exact_share(translate_all(model, tokenizer, [one.english for one in pairs]), [one.french for one in pairs])
