"""Explorers: pictures that one can touch. Each is one Python file and one small ES module, on `llmviz.shell`."""

from llmviz.explorers.attention import AttentionExplorer
from llmviz.explorers.bias_dial import BiasDialExplorer
from llmviz.explorers.blanks import BlankExplorer, LiveBlankExplorer
from llmviz.explorers.blocks import BlockExplorer
from llmviz.explorers.embeddings import EmbeddingExplorer, LiveEmbeddingExplorer
from llmviz.explorers.fact_world import FactWorldExplorer
from llmviz.explorers.next_tokens import LiveNextTokenExplorer, NextTokenExplorer
from llmviz.explorers.race import LiveRaceExplorer, RaceExplorer
from llmviz.explorers.tokens import LiveTokenExplorer, TokenExplorer
from llmviz.explorers.training import TrainingExplorer
from llmviz.explorers.training_live import LiveTraining
from llmviz.explorers.trees import LiveTreeExplorer, TreeExplorer

__all__ = [
    "AttentionExplorer",
    "BiasDialExplorer",
    "BlankExplorer",
    "BlockExplorer",
    "EmbeddingExplorer",
    "FactWorldExplorer",
    "LiveBlankExplorer",
    "LiveEmbeddingExplorer",
    "LiveNextTokenExplorer",
    "LiveRaceExplorer",
    "LiveTokenExplorer",
    "LiveTraining",
    "LiveTreeExplorer",
    "NextTokenExplorer",
    "RaceExplorer",
    "TokenExplorer",
    "TrainingExplorer",
    "TreeExplorer",
]
