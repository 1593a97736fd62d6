"""Plot functions: arrays and strings in, matplotlib Axes out.

Each has one signature, ``plot(data, labels, *, options) -> Axes``, takes whatever ``numpy.asarray`` takes (a torch
tensor too), and writes an alternative text from its data. ``plots.show(axes)`` puts the plot into the page with it.
``plots.diagrams`` holds pictures without data, such as ``plots.diagrams.self_attention()``.
"""

from llmviz.plots import diagrams
from llmviz.plots._style import alt_text, show, to_html, to_png
from llmviz.plots.attention import alignment_map, attention_arcs, attention_heads, attention_heatmap
from llmviz.plots.embeddings import embedding_scatter
from llmviz.plots.lines import curves, loss_curve, power_law, rate_finder
from llmviz.plots.model import block_flow, lens_table, shuffle_table, weight_changes
from llmviz.plots.probabilities import bars, confidence_marks, next_token_bars
from llmviz.plots.tokens import token_losses, token_strip, token_strips, token_tree
