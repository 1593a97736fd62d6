"""The fast path of generation: one block on one new token (lesson 7).

For a single token most of the time goes into calling torch, so this path makes few calls: queries, keys and values are
one product, and rotation is a product with a small matrix. Tests hold it equal to `Block`.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from llmviz.model.attention import QUERY_GAIN, KVCache
from llmviz.model.block import Block


class BlockCache(KVCache):
    """The cache of one block of the default architecture, with joined weights.

    The weights are those at its creation: a cache does not outlive a training step, and no gradient flows through it.
    """

    def __init__(self, block: Block, context_length: int):
        super().__init__(context_length)
        attention, feed_forward = block.attention, block.feed_forward
        # A Linear stores its weight as (out, in); x @ weight needs (in, out).
        projections = (attention.query, attention.key, attention.value)
        self.query_key_value = torch.cat([part.weight.detach() for part in projections]).t()
        self.output = attention.output.weight.detach().t()
        self.up_proj = feed_forward.up_proj.weight.detach().t()
        self.down_proj = feed_forward.down_proj.weight.detach().t()
        self.n_heads, self.d_head = attention.n_heads, attention.d_head

    def read(self, x: Tensor, rotation: Tensor) -> Tensor:
        """Run the block on one new position and keep its key and value.

        Args:
            x: the residual stream at that position, (batch, d_model).
            rotation: the position's `RotaryEmbedding.matrix`.

        Returns:
            the stream after the block, (batch, d_model).
        """
        n_heads, d_model, d_head = self.n_heads, x.shape[-1:], (self.d_head,)
        heads = torch.mm(torch.layer_norm(x, d_model), self.query_key_value).view(-1, 3 * n_heads, 1, self.d_head)
        query_key = torch.layer_norm(heads[:, : 2 * n_heads], d_head) @ rotation
        keys, values = self.extend(query_key[:, n_heads:], heads[:, 2 * n_heads :])
        scale = QUERY_GAIN / math.sqrt(self.d_head)
        mixed = F.scaled_dot_product_attention(query_key[:, :n_heads], keys, values, scale=scale)
        x = torch.addmm(x, mixed.flatten(1), self.output)
        hidden = torch.mm(torch.layer_norm(x, d_model), self.up_proj).relu_().square_()
        return torch.addmm(x, hidden, self.down_proj)
