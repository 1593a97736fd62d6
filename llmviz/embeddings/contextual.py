"""Contextual embeddings: the same word in several sentences, layer by layer (lesson 2)."""

import re
from collections.abc import Sequence

import numpy as np
import torch

from llmviz.embeddings.vectors import directions
from llmviz.model.transformer import DecoderOnly, EncoderOnly
from llmviz.tokenizers.base import Tokenizer


def _word_position(tokenizer: Tokenizer, text: str, word: str) -> int:
    """The position of a word's last token; the first occurrence as a whole word counts ("bat" is not in "bath")."""
    place = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) if word else None
    if not place:
        raise ValueError(f"the word {word[:40]!r} is not in the text {text[:80]!r}.")
    spans = tokenizer.token_spans(text)
    before = text[: place.end()]
    n_needed = len(before.encode("utf-8")) if spans and isinstance(spans[0], bytes) else len(before)
    reached = np.cumsum([len(span) for span in spans])
    return int(np.searchsorted(reached, n_needed))


def contextual_vectors(
    model: DecoderOnly | EncoderOnly, tokenizer: Tokenizer, texts: Sequence[str], word: str
) -> np.ndarray:
    """The residual stream at a word's last token in each of several texts: (layer + 1, text, d_model). Lesson 2.

    Row 0 is the embedding, the same in all texts. A `DecoderOnly` reads the text up to the word, an `EncoderOnly` the
    whole text. Raises ValueError if a text does not hold the word or is too long.
    """
    if not texts:
        raise ValueError("there is no text; give at least one that holds the word.")
    rows, end = [], tokenizer.end_of_text
    for text in texts:
        position = _word_position(tokenizer, text, word) + 1
        token_ids = [end, *tokenizer.encode(text)]
        token_ids = [*token_ids, end] if isinstance(model, EncoderOnly) else token_ids[: position + 1]
        with torch.inference_mode():
            rows.append(model.trace(torch.tensor(token_ids)).residuals[:, 0, position])
    return torch.stack(rows, dim=1).numpy()


def separation(vectors: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    """The mean cosine within a sense minus the mean cosine across senses: (layer); 0: the senses are not separated.

    vectors: (layer, text, d_model); labels: one a text, each at least twice, at least two different. Lesson 2.
    """
    labels = list(labels)
    if vectors.ndim != 3 or vectors.shape[1] != len(labels):
        raise ValueError(f"vectors must be (layer, {len(labels)} texts, d_model); given {vectors.shape}.")
    alone = [label for label in dict.fromkeys(labels) if labels.count(label) < 2]
    if alone or len(set(labels)) < 2:
        raise ValueError("separation compares at least two labels, each with at least two texts.")
    same = np.array([[a == b for b in labels] for a in labels])
    pairs = ~np.eye(len(labels), dtype=bool)
    rows = directions(vectors)
    cosines = np.clip(rows @ rows.swapaxes(1, 2), -1, 1)
    return cosines[:, same & pairs].mean(axis=1) - cosines[:, ~same].mean(axis=1)
