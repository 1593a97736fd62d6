"""Floor 0: Tinyville, the closed world whose texts have exactly known probabilities (no torch, no numpy)."""

from llmviz.tinyville.corpus import Text, Tinyville
from llmviz.tinyville.facts import Fact
from llmviz.tinyville.grammar import END
from llmviz.tinyville.people import Person
from llmviz.tinyville.scoring import Check

__all__ = ["END", "Check", "Fact", "Person", "Text", "Tinyville"]
