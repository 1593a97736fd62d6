"""The three functions of lesson 10, with the mistakes that learners make in them: one switch a mistake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from torch import Tensor


def normed(
    x: Tensor,
    gain: Tensor,
    epsilon: float,
    *,
    centerd: bool = False,
    rooted: bool = True,
    summed: bool = False,
    stretched: bool = True,
    over_all: bool = False,
) -> Tensor:
    """RMSNorm, or something near it."""
    if centerd:
        x = x - x.mean(dim=-1, keepdim=True)
    squares = x.square()
    size = squares.mean() if over_all else (squares.sum if summed else squares.mean)(dim=-1, keepdim=True)
    size = (size + epsilon).sqrt() if rooted else size + epsilon
    return x / size * gain if stretched else x / size


def gated(
    x: Tensor, gate_proj: Tensor, up_proj: Tensor, down_proj: Tensor, *, bends: str = "gate", adds: bool = False
) -> Tensor:
    """SwiGLU, or something near it."""
    opened, widened = x @ gate_proj.T, x @ up_proj.T
    if bends in ("gate", "both"):
        opened = F.silu(opened)
    if bends in ("widened", "both"):
        widened = F.silu(widened)
    if bends == "sigmoid":
        opened = opened.sigmoid()
    return (opened + widened if adds else opened * widened) @ down_proj.T


def chat(
    messages: Sequence[Mapping[str, str]],
    *,
    opens: bool = True,
    closes: bool = False,
    after_role: str = "\n",
    after_turn: str = "\n",
    end: str = "<|im_end|>",
    roles: bool = True,
) -> str:
    """A conversation as one text, or something near it."""
    text = "".join(
        f"<|im_start|>{one['role'] if roles else ''}{after_role}{one['content']}{end}{after_turn}" for one in messages
    )
    return text + (f"<|im_start|>assistant{after_role}" if opens else "") + (f"{end}{after_turn}" if closes else "")
