"""Losses and answers compared with Tinyville, where every probability is known (lessons 5 and 8)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from llmviz.generation.sampling import complete
from llmviz.model.transformer import DecoderOnly
from llmviz.tinyville.corpus import Text, Tinyville
from llmviz.tinyville.facts import Fact
from llmviz.tokenizers.base import Tokenizer
from llmviz.training.loop import document_nats


@dataclass(frozen=True)
class _Gap:
    """How far a model's loss is above the entropy, on the same `n_texts` texts; all in nats per word.

    entropy: −ln p(text) / words under the generator of the texts: no model can do better on average.
    """

    entropy: float
    loss: float
    gap: float
    n_texts: int


def gaps(model: DecoderOnly, tokenizer: Tokenizer, texts: Iterable[Text], world: Tinyville) -> dict[str, _Gap]:
    """The gap between loss and entropy for each kind of text, in nats per word.

    A word is one of `world.words(text)`; the end of a text counts as one more.
    """
    by_kind: dict[str, list[Text]] = {}
    for text in texts:
        by_kind.setdefault(text.kind, []).append(text)
    found = {}
    for kind, members in by_kind.items():
        n_words = sum(len(world.words(text.text)) + 1 for text in members)
        entropy = -sum(text.log_probability for text in members) / n_words
        loss = sum(document_nats(model, tokenizer, [text.text for text in members])) / n_words
        found[kind] = _Gap(entropy, loss, loss - entropy, len(members))
    return found


def next_word(model: DecoderOnly, tokenizer: Tokenizer, prompt: str) -> str:
    """The next word by greedy decoding."""
    words = Tinyville.words(complete(model, tokenizer, prompt, temperature=0, max_new_tokens=6))
    return words[0] if words else ""


def fact_accuracy(model: DecoderOnly, tokenizer: Tokenizer, facts: Iterable[Fact]) -> float:
    """The share of the known facts' prompts that the model completes with the right value."""
    answers = [
        next_word(model, tokenizer, prompt) == fact.value for fact in facts if fact.known for prompt in fact.prompts
    ]
    return sum(answers) / len(answers)


def copy_accuracy(
    model: DecoderOnly, tokenizer: Tokenizer, prompts: Iterable[tuple[str, str, str]]
) -> dict[str, float]:
    """The share of copy prompts (see `Tinyville.copy_prompts`) answered from the context, by class of word."""
    answers: dict[str, list[bool]] = {}
    for prompt, answer, word_class in prompts:
        answers.setdefault(word_class, []).append(next_word(model, tokenizer, prompt) == answer)
    return {word_class: sum(right) / len(right) for word_class, right in answers.items()}
