"""Wing F: arrays and strings in, matplotlib Axes out.

Every view has one signature, ``view(data, labels, *, options, ax=None) -> Axes`` (a mosaic returns an
array of Axes), takes whatever ``numpy.asarray`` takes (a torch tensor too), and writes an alt text from its data.
``figures.show(axes)`` puts the picture into the page together with that text.
"""

from llmviz.figures.alignment import alignment_map
from llmviz.figures.answers import lens_table, shuffle_table
from llmviz.figures.attention import attention_heads, attention_map
from llmviz.figures.attention_mosaic import attention_mosaic
from llmviz.figures.block import block_flow
from llmviz.figures.curves import curves, rate_finder
from llmviz.figures.embeddings import embedding_scatter
from llmviz.figures.losses import loss_curve
from llmviz.figures.next_token import next_token_bars
from llmviz.figures.power_law import power_law
from llmviz.figures.showing import alt_text, show, to_html, to_png
from llmviz.figures.token_losses import token_losses
from llmviz.figures.tokens import token_strip, token_strips
from llmviz.figures.trees import text_tree
from llmviz.figures.truth import confidence_marks
from llmviz.figures.two_sides import two_sides
from llmviz.figures.weights import weight_changes

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
    "lens_table",
    "loss_curve",
    "next_token_bars",
    "power_law",
    "rate_finder",
    "show",
    "shuffle_table",
    "text_tree",
    "to_html",
    "to_png",
    "token_losses",
    "token_strip",
    "token_strips",
    "two_sides",
    "weight_changes",
]
