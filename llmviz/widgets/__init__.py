"""Widgets: interactive pictures, each one Python file and one ES module on `llmviz.widgets.base`."""

from llmviz.widgets.attention import AttentionExplorer
from llmviz.widgets.blocks import BlockExplorer
from llmviz.widgets.budget import BudgetExplorer
from llmviz.widgets.embeddings import EmbeddingExplorer
from llmviz.widgets.evaluation import BiasDialExplorer, ComparisonExplorer, FactWorldExplorer, RemedyExplorer
from llmviz.widgets.fill_mask import FillMaskExplorer
from llmviz.widgets.generation import NextTokenExplorer, SamplingTreeExplorer
from llmviz.widgets.page_model import ModelExplorer
from llmviz.widgets.tokens import TokenExplorer
from llmviz.widgets.training import LiveTraining, TrainingExplorer
