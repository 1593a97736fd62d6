"""Reading one more token, fast: what a cached step of generation runs instead of the whole model (lesson 7).

The numbers are those of `Block`; what is saved is the way there. For one token the arithmetic is so small that most
of the time goes into *calling* torch, so this path makes as few calls as it can: queries, keys and values come out
of one product, queries and keys are normalized and turned together, and turning is one product with a small matrix.
A test holds this path and the open one (`DecoderOnly.trace`) together.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from llmviz.model.attention import QUERY_GAIN, KVCache, RotaryEmbedding, apply_rotary


def rotation_matrix(rotation: RotaryEmbedding) -> Tensor:
    """The rotation of one position as a matrix (d_head, d_head): `rotate(x, rotation)` equals `x @ matrix`.

    Any linear map is written down by what it does to the unit vectors; here they are turned.
    """
    unit_vectors = torch.eye(rotation.cos.shape[-1], dtype=rotation.cos.dtype, device=rotation.cos.device)
    return apply_rotary(unit_vectors, rotation)


class BlockCache(KVCache):
    """The cache of one block, with the block's weights laid out for reading one token at a time.

    Like the keys and values in it, the joined weights are those at the time it was made: a cache does not outlive
    a training step, and no gradient flows through it.

    Args:
        block: a `Block`.
        batch: how many texts are written at once.
        context_length: how many positions to hold.
    """

    def __init__(self, block: nn.Module, batch: int, context_length: int):
        attention, feed_forward = block.attention, block.feed_forward
        # A Linear keeps its weight as (out, in); x @ weight wants (in, out).
        projections = (attention.query, attention.key, attention.value)
        self.query_key_value = torch.cat([part.weight.detach() for part in projections]).t()
        self.output = attention.output.weight.detach().t()
        self.up_proj = feed_forward.up_proj.weight.detach().t()
        self.down_proj = feed_forward.down_proj.weight.detach().t()
        self.n_heads, self.d_head = attention.n_heads, attention.d_head
        super().__init__(batch, self.n_heads, context_length, self.d_head, like=self.output)

    def read(self, x: Tensor, turn: Tensor) -> Tensor:
        """Run the block on one new position, and remember its key and value.

        Args:
            x: the residual stream at that position, (batch, d_model).
            turn: the position's `rotation_matrix`.

        Returns:
            the stream after the block, (batch, d_model).
        """
        n_heads, d_model, d_head = self.n_heads, x.shape[-1:], (self.d_head,)
        heads = torch.mm(torch.layer_norm(x, d_model), self.query_key_value).view(-1, 3 * n_heads, 1, self.d_head)
        query_key = torch.layer_norm(heads[:, : 2 * n_heads], d_head) @ turn
        keys, values = self.extend(query_key[:, n_heads:], heads[:, 2 * n_heads :])
        # The QUERY_GAIN is applied where the scores are divided by √d_head.
        scale = QUERY_GAIN / math.sqrt(self.d_head)
        mixed = F.scaled_dot_product_attention(query_key[:, :n_heads], keys, values, scale=scale)
        x = torch.addmm(x, mixed.flatten(1), self.output)
        hidden = torch.mm(torch.layer_norm(x, d_model), self.up_proj).relu_().square_()
        return torch.addmm(x, hidden, self.down_proj)
