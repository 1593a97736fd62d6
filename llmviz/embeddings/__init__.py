"""Floor 2: words as points. Vectors from counts and from guesses, what is near what, and how far to trust a picture.

The arithmetic is numpy; only `contextual_vectors`, which asks a model, needs torch, and loads it when it is asked.
"""

from llmviz.embeddings.bias import AssociationTest, along, association, direction, weat
from llmviz.embeddings.counts import Vocabulary, cooccurrences, count_vectors, ppmi, sentences, svd_vectors, vocabulary
from llmviz.embeddings.projection import Projection, align, align_frames, nearest_rows, neighbors_kept, pca, tsne
from llmviz.embeddings.vectors import WordVectors, analogy_accuracy, analogy_questions, cosine, load_glove
from llmviz.embeddings.word2vec import (
    EmbeddingStep,
    glove_loss,
    negative_sampling,
    train_glove,
    train_glove_steps,
    train_word2vec,
    train_word2vec_steps,
)

__all__ = [
    "AssociationTest",
    "EmbeddingStep",
    "Projection",
    "Vocabulary",
    "WordVectors",
    "align",
    "align_frames",
    "along",
    "analogy_accuracy",
    "analogy_questions",
    "association",
    "contextual_vectors",
    "cooccurrences",
    "cosine",
    "count_vectors",
    "direction",
    "glove_loss",
    "load_glove",
    "nearest_rows",
    "negative_sampling",
    "neighbors_kept",
    "pca",
    "ppmi",
    "sentences",
    "separation",
    "svd_vectors",
    "train_glove",
    "train_glove_steps",
    "train_word2vec",
    "train_word2vec_steps",
    "tsne",
    "vocabulary",
    "weat",
]


def __getattr__(name: str):
    if name in ("contextual_vectors", "separation"):
        from llmviz.embeddings import contextual

        return getattr(contextual, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
