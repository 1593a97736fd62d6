"""llmviz: learn how large language models work by touching a tiny one."""

__version__ = "0.1.0"
