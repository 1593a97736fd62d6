"""Explorers: pictures that one can touch. Each is one Python file and one small ES module, on `llmviz.widgets.base`."""

from llmviz.widgets.attention import AttentionExplorer
from llmviz.widgets.bias_dial import BiasDialExplorer
from llmviz.widgets.blocks import BlockExplorer
from llmviz.widgets.comparison import ComparisonExplorer, LiveComparisonExplorer
from llmviz.widgets.embeddings import EmbeddingExplorer, LiveEmbeddingExplorer
from llmviz.widgets.fact_world import FactWorldExplorer
from llmviz.widgets.fill_mask import FillMaskExplorer, LiveFillMaskExplorer
from llmviz.widgets.live_training import LiveTraining
from llmviz.widgets.next_tokens import LiveNextTokenExplorer, NextTokenExplorer
from llmviz.widgets.sampling_tree import LiveSamplingTreeExplorer, SamplingTreeExplorer
from llmviz.widgets.tokens import LiveTokenExplorer, TokenExplorer
from llmviz.widgets.training import TrainingExplorer

__all__ = [
    "AttentionExplorer",
    "BiasDialExplorer",
    "BlockExplorer",
    "ComparisonExplorer",
    "EmbeddingExplorer",
    "FactWorldExplorer",
    "FillMaskExplorer",
    "LiveComparisonExplorer",
    "LiveEmbeddingExplorer",
    "LiveFillMaskExplorer",
    "LiveNextTokenExplorer",
    "LiveSamplingTreeExplorer",
    "LiveTokenExplorer",
    "LiveTraining",
    "NextTokenExplorer",
    "SamplingTreeExplorer",
    "TokenExplorer",
    "TrainingExplorer",
]
