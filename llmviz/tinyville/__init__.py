"""Tinyville: a synthetic corpus whose texts have exactly known probabilities."""

from llmviz.tinyville._scoring import Check
from llmviz.tinyville.corpus import Text, Tinyville
from llmviz.tinyville.facts import VALUES, Fact, Person
from llmviz.tinyville.grammar import END
from llmviz.tinyville.token_distributions import next_tokens
