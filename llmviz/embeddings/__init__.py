"""Word vectors: from counts and from prediction, neighbors, analogies, projections, bias, and vectors in context.

All of it is numpy; only `contextual_vectors` needs torch, and loads it when it is first used.
"""

from llmviz.embeddings.counts import cooccurrences, count_neighbors, count_vectors, vocabulary
from llmviz.embeddings.glove import load_glove, train_glove
from llmviz.embeddings.projection import align_frames, nearest_rows, neighbors_kept, pca, tsne
from llmviz.embeddings.vectors import (
    WordVectors,
    analogy_accuracy,
    analogy_questions,
    cosine,
    direction,
    directions,
    solve_analogy,
    weat,
)
from llmviz.embeddings.word2vec import nudge, train_word2vec_steps

_CONTEXTUAL = ("contextual_vectors", "separation")


def __getattr__(name: str):
    if name in _CONTEXTUAL:
        from llmviz.embeddings import contextual

        return getattr(contextual, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
