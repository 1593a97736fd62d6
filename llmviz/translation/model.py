"""Translation: an encoder reads an English sentence, a decoder writes the French one, word by word.

Both languages share one vocabulary of words, as in Vaswani et al. 2017, section 5.1. The cross-attention aligns the
sentences, although that was not taught.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm.auto import tqdm

from llmviz import training
from llmviz.evaluation import text_overlap
from llmviz.generation.sampling import generate
from llmviz.model.attention import padding_mask
from llmviz.model.block import Memory
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import EncoderDecoder
from llmviz.tinyville.grammar import join
from llmviz.tokenizers.base import UNKNOWN
from llmviz.tokenizers.words import WordTokenizer, words
from llmviz.training.checkpoints import Checkpoint
from llmviz.training.loop import TrainingSettings, TrainingStep, pad_rows
from llmviz.translation.grammar import _Pair, _PairCorpus, corpus

STEPS = 450
_MOST_TOKENS = 20  # of a sentence, in either language
_TEST_BATCH = 100


@dataclass(frozen=True)
class _Translation:
    """cross_attention: (layer, head, target, source); row i belongs to the *prediction* of target token i."""

    english: str
    french: str
    source_tokens: tuple[str, ...]
    target_tokens: tuple[str, ...]
    cross_attention: Tensor

    @property
    def last_layer(self) -> Tensor:
        """The mean over the heads of the last layer: (target, source); each row sums to 1."""
        return self.cross_attention[-1].mean(dim=0)

    @property
    def alignment(self) -> list[int]:
        """For each target token, the source position with the most attention in the last layer."""
        return self.last_layer.argmax(dim=-1).tolist()


def _train_tokenizer(pairs: Sequence[_Pair]) -> WordTokenizer:
    """One vocabulary for both languages: every word of the pairs."""
    return WordTokenizer.train([text for pair in pairs for text in (pair.english, pair.french)])


def _new_model(tokenizer: WordTokenizer, seed: int) -> EncoderDecoder:
    sizes = {"d_model": 64, "n_layers": 2, "n_heads": 4, "d_ff": 128}
    return EncoderDecoder(ModelConfig(tokenizer.vocab_size, context_length=2 * _MOST_TOKENS, **sizes), seed=seed)


def _settings(steps: int, seed: int) -> TrainingSettings:
    return TrainingSettings(steps=steps, batch_size=64, learning_rate=0.05, seed=seed)


def _encode_pairs(tokenizer: WordTokenizer, pairs: Sequence[_Pair]) -> Tensor:
    """Each pair as one row: English, padded with ends to _MOST_TOKENS, then an end, French and an end, padded to
    _MOST_TOKENS + 1."""
    end = tokenizer.end_of_text
    rows = []
    for pair in pairs:
        source, target = tokenizer.encode(pair.english), [*tokenizer.encode_prompt(pair.french), end]
        if max(len(source), len(target) - 1) > _MOST_TOKENS:
            raise ValueError(f"a sentence has at most {_MOST_TOKENS - 1} tokens here; given {pair.english!r:.80}")
        rows.append(source + [end] * (_MOST_TOKENS - len(source)) + target + [end] * (_MOST_TOKENS + 1 - len(target)))
    return torch.tensor(rows)


def _translation_loss(model: EncoderDecoder, rows: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Cross-entropy in nats of the French tokens in rows of `_encode_pairs`, without the padding."""
    end = model.config.vocab_size - 1
    source, target = rows[:, :_MOST_TOKENS], rows[:, _MOST_TOKENS:]
    n_source = int((source != end).sum(dim=1).max())
    n_target = int((target != end).sum(dim=1).max()) + 1  # and its end
    source, given, wanted = source[:, :n_source], target[:, :n_target], target[:, 1 : n_target + 1]
    counts = (wanted != end) | ((wanted == end).cumsum(dim=1) == 1)  # the words and the first end
    logits = model(source, given, padding_mask(source, end))
    return F.cross_entropy(logits[counts], wanted[counts])


def _train_steps(
    model: EncoderDecoder, tokenizer: WordTokenizer, pairs: Sequence[_Pair], settings: TrainingSettings
) -> Iterator[TrainingStep]:
    rows = _encode_pairs(tokenizer, pairs)
    starts = torch.arange(len(rows) + 1) * rows.shape[1]
    token_ids = torch.cat((rows.flatten(), rows[:1, -1]))
    return training.train_steps(model, token_ids, settings, objective=_translation_loss, starts=starts)


def train(*, seed: int = 0, progress: bool = False) -> Checkpoint:
    """Train a translator for `STEPS` steps, and evaluate it on sentences that it has never read."""
    data = corpus(seed=seed)
    tokenizer = _train_tokenizer(data.training)
    model, settings = _new_model(tokenizer, seed), _settings(STEPS, seed)
    steps = _train_steps(model, tokenizer, data.training, settings)
    done = list(tqdm(steps, "Training", STEPS, unit=" steps", disable=not progress))
    record = {
        "n_parameters": model.n_parameters,
        "seconds": round(sum(step.seconds for step in done), 2),
        "history": [(step.step, round(step.loss, 4)) for step in done[:: max(1, STEPS // 100)]],
        "measured": _evaluate(model, tokenizer, data),
    }
    recipe = {"source": "french", "seed": seed, "pairs": len(data.training)}
    return Checkpoint(model, tokenizer, recipe, settings, STEPS, record)


def _evaluate(model: EncoderDecoder, tokenizer: WordTokenizer, data: _PairCorpus) -> dict:
    aligned = alignment_accuracy(model, tokenizer, data.unseen)
    return {
        "exact": round(exact_match(model, tokenizer, data.unseen), 3),
        "exact_of_unseen_combinations": round(exact_match(model, tokenizer, data.unseen_combinations), 3),
        "aligned": {role: round(share, 3) for role, share in aligned.items()},
    }


class Writer:
    """The decoder with an encoded source, as a language model: `generate` and `beam_search` take it for a GPT.

    english: the sentence to translate; ValueError if it is empty, too long, or holds an unknown word.
    """

    def __init__(self, model: EncoderDecoder, tokenizer: WordTokenizer, english: str):
        if not isinstance(model, EncoderDecoder):
            raise ValueError(f"translating needs an EncoderDecoder; given a {type(model).__name__}")
        self.model, self.config, self.embedding = model, model.config, model.embedding
        source_ids = _encode_source(tokenizer, english)
        with torch.inference_mode():
            self._memory = model.encode(torch.tensor([source_ids], device=model.embedding.weight.device))

    def new_cache(self) -> None:
        """None: sentences are short, so the target is computed anew for each token."""

    def __call__(self, token_ids: Tensor, cache: None = None) -> Tensor:
        """Logits of the next token at each position: (batch, position) → (batch, position, vocab)."""
        states = self._memory.states
        return self.model.decode(token_ids, Memory(states.expand(len(token_ids), *states.shape[1:])))


def translate(model: EncoderDecoder, tokenizer: WordTokenizer, english: str) -> _Translation:
    """Translate one sentence with greedy decoding, and return it with the cross-attention."""
    english = " ".join(english.split())
    english = english[:1].upper() + english[1:] + ("" if english.endswith(".") else ".")
    writer, end = Writer(model, tokenizer, english), tokenizer.end_of_text
    new_ids = generate(writer, [end], max_new_tokens=_MOST_TOKENS, temperature=0, stop_tokens={end})
    return _trace(model, tokenizer, english, [one for one in new_ids if one != end])


def _encode_source(tokenizer: WordTokenizer, english: str) -> list[int]:
    tokens = [token.strip() for token in tokenizer.split(english)]
    if not 2 <= len(tokens) < _MOST_TOKENS:
        raise ValueError(f"give a sentence of at most {_MOST_TOKENS - 2} words; given {len(tokens) - 1}")
    token_ids = tokenizer.encode(english)
    if strange := [word for word, one in zip(tokens, token_ids, strict=True) if tokenizer.tokens([one]) == [UNKNOWN]]:
        raise ValueError(f"the translator has never read {', '.join(map(repr, strange))}; it knows only its own words")
    return token_ids


@torch.inference_mode()
def _trace(model: EncoderDecoder, tokenizer: WordTokenizer, english: str, target_ids: Sequence[int]) -> _Translation:
    """The cross-attention while the model predicts exactly this French."""
    source_ids = _encode_source(tokenizer, english)
    trace = model.trace(torch.tensor(source_ids), torch.tensor([tokenizer.end_of_text, *target_ids]))
    rows = trace.cross_attention_weights[:, 0, :, : len(target_ids)]  # the row of a token is that of the one before it
    tokens = (tuple(tokenizer.tokens(source_ids)), tuple(tokenizer.tokens(target_ids)))
    return _Translation(english, tokenizer.decode(target_ids), *tokens, rows)


@torch.inference_mode()
def _translate_all(model: EncoderDecoder, tokenizer: WordTokenizer, sentences: Sequence[str]) -> list[str]:
    """Greedy translations of many sentences, in batches."""
    end, found = tokenizer.end_of_text, []
    for first in range(0, len(sentences), _TEST_BATCH):
        batch = sentences[first : first + _TEST_BATCH]
        source = pad_rows([_encode_source(tokenizer, english) for english in batch], end)
        memory = model.encode(source, padding_mask(source, end))
        target = torch.full((len(batch), 1), end)
        while target.shape[1] <= _MOST_TOKENS and not (target[:, 1:] == end).any(dim=1).all():
            best = model.decode(target, memory)[:, -1].argmax(dim=-1, keepdim=True)
            target = torch.cat((target, best), dim=1)
        for row in target[:, 1:].tolist():
            found.append(tokenizer.decode(row[: row.index(end)] if end in row else row))
    return found


def exact_match(model: EncoderDecoder, tokenizer: WordTokenizer, pairs: Sequence[_Pair]) -> float:
    """The share of the pairs whose French is translated exactly."""
    translations = _translate_all(model, tokenizer, [one.english for one in pairs])
    return text_overlap.exact_match(translations, [one.french for one in pairs])


def alignment_accuracy(model: EncoderDecoder, tokenizer: WordTokenizer, pairs: Sequence[_Pair]) -> dict[str, float]:
    """How often the last layer attends most to a word that the French word translates.

    Returns the share by role ("noun", …); "crossing adjectives": those that changed places with their noun;
    "content words": adjectives, nouns, names and verbs together.
    """
    hits: defaultdict[str, list[bool]] = defaultdict(list)
    for pair in pairs:
        alignment = _trace(model, tokenizer, pair.english, tokenizer.encode(pair.french)).alignment
        for place, (source, link, role) in enumerate(zip(alignment, pair.links, pair.roles, strict=True)):
            hits[role].append(source in link)
            if role in ("adjective", "noun", "name", "verb"):
                hits["content words"].append(source in link)
            if role == "adjective" and place in pair.crossing:
                hits["crossing adjectives"].append(source in link)
    return {name: sum(found) / len(found) for name, found in hits.items()}


def word_by_word(pairs: Sequence[_Pair], sentences: Sequence[str]) -> list[str]:
    """A baseline: replace each English word by the French word that most often translates it.

    Words that no French word translates alone ("does") are left out.
    """
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for pair in pairs:
        english = words(pair.english)
        for word, link in zip(words(pair.french), pair.links, strict=True):
            if len(link) == 1:
                counts[english[link[0]]][word] += 1
    dictionary = {word: found.most_common(1)[0][0] for word, found in counts.items()}
    return [join([dictionary[word] for word in words(one) if word in dictionary]) for one in sentences]
