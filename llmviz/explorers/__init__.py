"""Explorers: pictures that one can touch. Each is one Python file and one small ES module, on `llmviz.shell`."""

from llmviz.explorers.attention import AttentionExplorer

__all__ = ["AttentionExplorer"]
