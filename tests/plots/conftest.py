import numpy as np
import pytest
from matplotlib.text import Text


@pytest.fixture
def causal_weights():
    """Return a function that makes attention weights (…, query, key) of a causal model."""

    def make(*shape: int, seed: int = 0) -> np.ndarray:
        scores = np.random.default_rng(seed).normal(size=shape)
        scores = np.where(np.tri(shape[-1], dtype=bool), scores, -np.inf)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return weights / weights.sum(axis=-1, keepdims=True)

    return make


@pytest.fixture
def overlaps():
    """Return a function that says, by matplotlib's own measure, whether any two of the artists cover one another."""

    def extent(artist):
        return Text.get_window_extent(artist) if isinstance(artist, Text) else artist.get_window_extent()

    def any_two(artists) -> bool:
        artists = list(artists)
        artists[0].figure.figure.canvas.draw()
        boxes = [extent(artist) for artist in artists]
        return any(box.overlaps(other) for place, box in enumerate(boxes) for other in boxes[:place])

    return any_two
