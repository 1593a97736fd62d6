"""Inside a whole model: parameters by part, and the logit lens (lesson 4)."""

from __future__ import annotations

from torch import Tensor

from llmviz.model.block import normalize


def parameters_by_part(vocab_size: int, d_model: int, n_layers: int, d_ff: int) -> dict[str, int]:
    """How many parameters each part of a GPT has, all layers together, without biases and gains.

    Heads do not appear: they share the width among themselves.

    >>> parameters_by_part(vocab_size=10, d_model=4, n_layers=2, d_ff=16)
    {'embedding': 40, 'attention': 128, 'feed-forward': 256, 'unembedding': 40}
    """
    return {
        "embedding": vocab_size * d_model,
        "attention": n_layers * 4 * d_model * d_model,  # query, key, value, output
        "feed-forward": n_layers * 2 * d_model * d_ff,  # up_proj, down_proj
        "unembedding": vocab_size * d_model,
    }


def logit_lens(residuals: Tensor, unembedding: Tensor) -> Tensor:
    """The logit lens: unembed the residual stream after each layer, as if it were the last one.

    Source: nostalgebraist 2020, "interpreting GPT: the logit lens".

    Args:
        residuals: (layer, ..., d_model), the stream after each layer, such as `trace.residuals`.
        unembedding: (vocab, d_model), the weight of the unembedding.

    Returns:
        (layer, ..., vocab), probabilities; each row sums to 1.
    """
    logits = normalize(residuals) @ unembedding.T
    return logits.softmax(dim=-1)
