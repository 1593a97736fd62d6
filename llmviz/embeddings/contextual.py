"""Vectors in context: the same word in two sentences, followed through the layers of a model."""

import re
from collections.abc import Sequence

import numpy as np
import torch

from llmviz.embeddings.vectors import directions
from llmviz.model.transformer import DecoderOnly, EncoderOnly
from llmviz.tokenizers.base import Tokenizer


def word_position(tokenizer: Tokenizer, text: str, word: str) -> int:
    """At which token is a word complete? The position, in the text's own tokens, of the last token of the word.

    The first occurrence as a whole word counts ("bat" is not in "bath"). Raises ValueError if there is none.
    """
    place = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) if word else None
    if not place:
        raise ValueError(f"the word {word[:40]!r} is not in the text {text[:80]!r}.")
    stretches = tokenizer.token_spans(text)
    before = text[: place.end()]
    n_needed = len(before.encode("utf-8")) if stretches and isinstance(stretches[0], bytes) else len(before)
    reached = np.cumsum([len(stretch) for stretch in stretches])
    return int(np.searchsorted(reached, n_needed))


def contextual_vectors(
    model: DecoderOnly | EncoderOnly, tokenizer: Tokenizer, texts: Sequence[str], word: str
) -> np.ndarray:
    """Follow a word through the layers in each of several texts: (layer + 1, text, d_model).

    Row 0 is the embedding, the same in all texts; row l the residual stream after l layers, at the word's last token
    (see `trace.Trace.residuals`). In a `DecoderOnly` what stands after the word cannot matter, because it never looks
    ahead; an `EncoderOnly` reads the whole text. The first occurrence in each text is taken. Raises ValueError if a
    text does not hold the word or is too long. Lesson 2.
    """
    if not texts:
        raise ValueError("there is no text; give at least one that holds the word.")
    rows, end = [], tokenizer.end_of_text
    for text in texts:
        position = word_position(tokenizer, text, word) + 1
        token_ids = [end, *tokenizer.encode(text)]
        token_ids = [*token_ids, end] if isinstance(model, EncoderOnly) else token_ids[: position + 1]
        with torch.inference_mode():
            rows.append(model.trace(torch.tensor(token_ids)).residuals[:, 0, position])
    return torch.stack(rows, dim=1).numpy()


def separation(vectors: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    """How far apart are the senses in each layer? Mean cosine within a sense minus mean cosine across senses: (layer).

    vectors: (layer, text, d_model); labels: one a text, each at least twice, at least two different. 0: no trace of
    the sense; the more, the further the senses have walked apart. Lesson 2.
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
    likeness = np.clip(rows @ rows.swapaxes(1, 2), -1, 1)
    return likeness[:, same & pairs].mean(axis=1) - likeness[:, ~same].mean(axis=1)
