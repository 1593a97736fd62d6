"""Word vectors: from counts and from prediction, neighbors, analogies, projections, bias, and vectors in context.

All of it is numpy; only `embeddings.contextual` needs torch, and is imported by itself.
"""

from llmviz.embeddings.counts import cooccurrences, count_neighbors, count_vectors, vocabulary
from llmviz.embeddings.projection import align_frames, nearest_rows, neighbors_kept, pca, tsne
from llmviz.embeddings.trained import glove_loss, load_glove, nudge, train_glove, train_word2vec_steps
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
