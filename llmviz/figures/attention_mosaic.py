"""Very many attention heads at a glance: one image in one Axes, a tile for each head."""

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes

from llmviz.figures import checks
from llmviz.figures.labels import count
from llmviz.figures.showing import describe
from llmviz.figures.style import HATCH_INK, MAX_WIDTH, axes_or_new, styled

_MAX_CELLS = 30_000  # of all tiles together; of more tokens, each cell shows the largest weight of its block
_TILE = (6, 24)  # fewest and most cells along the side of a tile
_GAP = 2
_MAX_NAMED = 32


@styled
def attention_mosaic(attention_weights, tokens, *, mask=None, ax: Axes | None = None) -> Axes:
    """Draw the attention of very many heads as small tiles of one image: a row of tiles for each layer.

    Where `attention_heads` draws each head with care, this one is quick and small for hundreds of them.
    `attention_weights` (layer, head, query, key); `tokens`, one per position; `mask` (query, key) as in
    `attention_map`: masked cells are grey. Raises ValueError like `attention_map`. Lesson 3.

    >>> axes = attention_mosaic([[[[1, 0], [0.5, 0.5]]] * 3] * 2, ["Mia", " ran"])
    >>> axes.get_xlabel(), axes.get_ylabel()
    ('head', 'layer')
    """
    weights, tokens, mask = checks.attention(attention_weights, tokens, mask, 4)
    n_layers, n_heads = weights.shape[:2]
    image, step = _tiles(np.where(mask, weights, np.nan))
    ax = axes_or_new(ax, MAX_WIDTH, MAX_WIDTH * image.shape[0] / image.shape[1] + 0.8)
    colours = colormaps["viridis"].with_extremes(bad=HATCH_INK)
    ax.imshow(np.ma.masked_invalid(image), cmap=colours, vmin=0, vmax=1, interpolation="nearest")
    ax.spines[:].set_visible(False)
    middle = (step - _GAP) / 2
    for axis, size in ((ax.xaxis, n_heads), (ax.yaxis, n_layers)):
        named = range(0, size, -(-size // _MAX_NAMED))
        axis.set_ticks([number * step + middle for number in named], [str(number) for number in named], size=8)
    ax.tick_params(length=0)
    ax.set(xlabel="head", ylabel="layer")
    heads = f"{count(n_layers, 'layer')} × {count(n_heads, 'head')}"
    describe(ax, f"Attention of {heads} over {count(len(tokens), 'token')}: one small tile for each head.")
    return ax


def _tiles(weights: np.ndarray) -> tuple[np.ndarray, int]:
    """All heads side by side, white between them; and how far it is from one tile to the next."""
    n_layers, n_heads, n_tokens = weights.shape[:3]
    block = -(-n_tokens // int(np.clip((_MAX_CELLS / (n_layers * n_heads)) ** 0.5, *_TILE)))
    size = -(-n_tokens // block)
    padded = np.full((n_layers, n_heads, size * block, size * block), -1.0)
    padded[..., :n_tokens, :n_tokens] = np.nan_to_num(weights, nan=-1.0)
    tiles = padded.reshape(n_layers, n_heads, size, block, size, block).max(axis=(3, 5))
    step = size + _GAP
    image = np.full((n_layers, step, n_heads, step), -1.0)
    image[:, :size, :, :size] = tiles.transpose(0, 2, 1, 3)
    image = image.reshape(n_layers * step, n_heads * step)[:-_GAP, :-_GAP]
    return np.where(image < 0, np.nan, image), step
