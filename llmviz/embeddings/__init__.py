"""Word vectors: from counts and from prediction, neighbors, analogies, projections, bias, and vectors in context.

All of it is numpy; only `contextual_vectors` needs torch, and loads it when it is first used.
"""

from llmviz.embeddings.bias import direction, direction_cosines, weat
from llmviz.embeddings.counts import cooccurrences, count_neighbors, count_vectors, vocabulary
from llmviz.embeddings.projection import align, align_frames, nearest_rows, neighbors_kept, pca, tsne
from llmviz.embeddings.vectors import (
    WordVectors,
    analogy_accuracy,
    analogy_questions,
    cosine,
    directions,
    load_glove,
    solve_analogy,
)
from llmviz.embeddings.word2vec import EmbeddingStep, nudge, train_glove, train_glove_steps, train_word2vec_steps

__all__ = [
    "EmbeddingStep",
    "WordVectors",
    "align",
    "align_frames",
    "analogy_accuracy",
    "analogy_questions",
    "contextual_vectors",
    "cooccurrences",
    "cosine",
    "count_neighbors",
    "count_vectors",
    "direction",
    "direction_cosines",
    "directions",
    "load_glove",
    "nearest_rows",
    "neighbors_kept",
    "nudge",
    "pca",
    "separation",
    "solve_analogy",
    "train_glove",
    "train_glove_steps",
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
