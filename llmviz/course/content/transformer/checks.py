"""Lesson 4: solutions, inputs and wrong answers of the exercises."""

from functools import partial

import numpy as np
import torch
from torch.nn import functional as F

from llmviz.course._schema import Checks, random_tensor, with_mistake
from llmviz.generation.sampling import generate as library_generate
from llmviz.model.block import Block, normalize


def _normalize(x, *, dim=-1, center=True, power=0.5, correction=0):
    centered = x - x.mean(dim=dim, keepdim=True) if center else x
    return centered / (x.var(dim=dim, keepdim=True, correction=correction) + 1e-5) ** power


def gpt_block(x, attention, mlp, normalize):
    """One block: attention, then the MLP, each added to the stream that it reads a normalized copy of."""
    x = x + attention(normalize(x))
    return x + mlp(normalize(x))


def generate(gpt, token_ids, end, max_new_tokens):
    """Append the most probable token, again and again."""
    token_ids = [*token_ids]
    for _ in range(max_new_tokens):
        token_ids.append(int(gpt(torch.tensor(token_ids))[-1].argmax()))
        if token_ids[-1] == end:
            break
    return token_ids


def add_up(token_ids):
    """A model of seven tokens: the next one is the sum of all so far, modulo 7; longer texts make it surer."""
    return torch.arange(1.0, 1 + len(token_ids))[:, None] * F.one_hot(torch.as_tensor(token_ids).cumsum(0) % 7, 7)


CHECKS = {
    "normalize": Checks(
        solution=normalize,
        cases=[*map(torch.tensor, ([[1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0], [10.0, 20.0, 60.0]], [[5.0, 5.0, 5.0]])),
               random_tensor(2, 3, 8, seed=0, scale=3.0)],
        wrong_functions={
            "variance": partial(_normalize, power=1.0),
            "n_minus_1": partial(_normalize, correction=1),
            "mean_over_everything": partial(_normalize, dim=None),
            "over_tokens": partial(_normalize, dim=0),
            "no_mean": partial(_normalize, center=False),
            "rms_norm": lambda x: x / (x.square().mean(dim=-1, keepdim=True) + 1e-5).sqrt(),
            "unit_length": (F.normalize, lambda x: F.normalize(x, dim=-1), lambda x: F.normalize(normalize(x), dim=-1)),
        },
        conditions={"zero_by_zero": lambda result, x: np.isnan(result).any()},
        exceptions={"lost_axis": "Error: .*(size|shape|dim)"},
    ),
    "gpt_block": Checks(
        solution=gpt_block,
        shown_with_solution=(Block.forward,),
        cases=[(random_tensor(n, 4, seed=n), torch.flipud, torch.relu, normalize) for n in (1, 3, 5)],
        wrong_functions={
            "not_added": [
                lambda x, attention, mlp, norm: mlp(norm(attention(norm(x)))),
                *(with_mistake(gpt_block, f"x + {part}", part) for part in ("attention", "mlp"))],
            "not_normalized": [
                lambda x, attention, mlp, norm: gpt_block(x, attention, mlp, torch.clone),
                *(with_mistake(gpt_block, f"{part}(normalize(x))", f"{part}(x)") for part in ("attention", "mlp"))],
            "post_norm": lambda x, attention, mlp, norm: norm((y := norm(x + attention(x))) + mlp(y)),
            "stream_normalized": lambda x, attention, mlp, norm: (z := norm((y := norm(x)) + attention(y))) + mlp(z),
            "side_by_side": lambda x, attention, mlp, norm: x + attention(norm(x)) + mlp(norm(x)),
            "mlp_first": lambda x, attention, mlp, norm: gpt_block(x, mlp, attention, norm),
        },
    ),
    "generate": Checks(
        solution=generate,
        shown_with_solution=(library_generate,),
        cases=[(add_up, [3], 6, 9), (add_up, [0, 1], 4, 9), (add_up, [2, 5], 1, 1), (add_up, [1, 0, 1], 1, 9)],
        wrong_functions={
            "no_end": with_mistake(generate, "== end", "== -1"),
            "end_in_prompt": lambda gpt, ids, end, n: ids if end in ids else generate(gpt, ids, end, n),
            "end_left_out": lambda gpt, ids, end, n: generate(gpt, ids, end, n)[: None if n == 1 else -1],
            "new_tokens_only": lambda gpt, ids, end, n: generate(gpt, ids, end, n)[len(ids) :],
            "last_position": [with_mistake(generate, "[-1].argmax", place) for place in ("[0].argmax", ".argmax")],
            "last_token_only": with_mistake(generate, "tensor(token_ids)", "tensor(token_ids[-1:])"),
            "one_token": lambda gpt, ids, end, n: generate(gpt, ids, end, 1),
        },
        exceptions={"not_a_list": "has no attribute 'append'"},
    ),
}
