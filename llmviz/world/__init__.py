"""Floor 0: Tinyville, the closed world whose texts have exactly known probabilities (no torch, no numpy)."""

from llmviz.world.checking import Check
from llmviz.world.facts import Fact
from llmviz.world.people import Person
from llmviz.world.tinyville import Text, Tinyville
from llmviz.world.words import END

__all__ = ["END", "Check", "Fact", "Person", "Text", "Tinyville"]
