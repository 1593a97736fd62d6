"""A small English–French grammar, and an encoder–decoder that learns to translate."""

from llmviz.translation.grammar import corpus, phrase
from llmviz.translation.model import Writer, alignment_accuracy, exact_match, train, translate, word_by_word
