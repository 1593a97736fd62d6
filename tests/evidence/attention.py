"""Lesson 3: what it says about attention holds on other seeds too."""

import torch
from claims import above, below, demo


@demo(raw=above(0.9), divided=below(0.5))
def without_the_root_one_random_key_takes_all(seed: int) -> dict[str, float]:
    """At d = 1024 the biggest of eight random keys takes nearly everything; divided by √d, less than half."""
    generator = torch.Generator().manual_seed(seed)
    query = torch.randn(500, 1, 1024, generator=generator)
    keys = torch.randn(500, 8, 1024, generator=generator)
    scores = (query * keys).sum(dim=-1)
    return {
        "raw": scores.softmax(dim=-1).amax(dim=-1).mean().item(),
        "divided": (scores / 1024**0.5).softmax(dim=-1).amax(dim=-1).mean().item(),
    }
