"""Wing F: arrays and strings in, matplotlib Axes out.

Every view has one signature, ``view(data, labels, *, options, ax=None) -> Axes`` (a mosaic returns an
array of Axes), takes whatever ``numpy.asarray`` takes (a torch tensor too), and writes an alt text from its data.
``figures.show(axes)`` puts the picture into the page together with that text.
"""

from llmviz.plots.alignment import alignment_map
from llmviz.plots.answers import lens_table, shuffle_table
from llmviz.plots.attention import attention_heads, attention_map, attention_mosaic
from llmviz.plots.block import block_flow
from llmviz.plots.calibration import confidence_marks
from llmviz.plots.curves import curves, rate_finder
from llmviz.plots.display import alt_text, show, to_html, to_png
from llmviz.plots.embeddings import embedding_scatter
from llmviz.plots.losses import loss_curve
from llmviz.plots.next_token import next_token_bars
from llmviz.plots.power_law import power_law
from llmviz.plots.sampling_tree import sampling_tree
from llmviz.plots.token_losses import token_losses
from llmviz.plots.tokens import token_strip, token_strips
from llmviz.plots.two_sides import two_sides
from llmviz.plots.validation import finite_numbers, text_list
from llmviz.plots.weights import weight_changes

__all__ = [
    "alignment_map",
    "alt_text",
    "attention_heads",
    "attention_map",
    "attention_mosaic",
    "block_flow",
    "confidence_marks",
    "curves",
    "embedding_scatter",
    "finite_numbers",
    "lens_table",
    "loss_curve",
    "next_token_bars",
    "power_law",
    "rate_finder",
    "sampling_tree",
    "show",
    "shuffle_table",
    "text_list",
    "to_html",
    "to_png",
    "token_losses",
    "token_strip",
    "token_strips",
    "two_sides",
    "weight_changes",
]
