"""Beam search: keep several texts at once, and return the one that is most probable as a whole (lesson 7)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from llmviz.generation.sampling import _check_model, _check_settings, _checked_logits
from llmviz.model.transformer import DecoderOnly


class _Beam(NamedTuple):
    """A continuation: its new tokens, and the log-probability of all of them together, in nats."""

    token_ids: tuple[int, ...]
    log_probability: float


def extend_beams(beams: Sequence[tuple], log_probabilities: Tensor, n_best: int) -> list[_Beam]:
    """Extend each beam by each token, and keep the best of *all* results, best first (lesson 7).

    Args:
        beams: pairs (token_ids, log_probability).
        log_probabilities: (beam, vocab), of the next token after each beam, in nats.
        n_best: how many to keep.

    >>> extend_beams([((3,), -1.0)], torch.tensor([[0.6, 0.4]]).log(), 1)[0].token_ids
    (3, 0)
    """
    so_far = torch.tensor([log_probability for _, log_probability in beams], dtype=log_probabilities.dtype)
    together = (so_far[:, None] + log_probabilities).flatten()
    best = together.sort(descending=True, stable=True)
    found = []
    for score, place in zip(best.values[:n_best].tolist(), best.indices[:n_best].tolist(), strict=True):
        beam, token_id = divmod(place, log_probabilities.shape[1])
        found.append(_Beam((*beams[beam][0], token_id), score))
    return found


@torch.inference_mode()
def beam_search(model: DecoderOnly, token_ids: Sequence[int], *, beam_width: int, max_new_tokens: int,
                stop_tokens: Collection[int] = (), length_penalty: float = 0.0) -> list[_Beam]:  # fmt: skip
    """Keep the `beam_width` most probable continuations, and extend all of them step by step (lesson 7).

    The search ends when no unfinished beam can become better than the finished ones, or after `max_new_tokens`;
    beams that are still unfinished then count as finished. Source: Sutskever et al. 2014, "Sequence to Sequence
    Learning with Neural Networks", section 3.2; scores and ends are those of transformers' `generate(num_beams=…)`.

    Args:
        stop_tokens: a text is finished when it ends with one of these (it belongs to the text).
        length_penalty: finished texts are compared by log-probability / n_tokens ** length_penalty. At 0 short texts
            have an advantage, since each token costs; at 1 the mean per token counts.

    Returns:
        the finished texts, best first.
    """
    _check_model(model)
    token_ids = list(token_ids)
    if not token_ids:
        raise ValueError("beam search needs at least one token to start from; begin with the end-of-text token")
    if beam_width < 1:
        raise ValueError(f"beam_width is how many texts are kept, at least 1; given {beam_width}")
    _check_settings(1.0, None, None, max_new_tokens)

    def score(beam: _Beam) -> float:
        return beam.log_probability / len(beam.token_ids) ** length_penalty

    beams: list[_Beam] = [_Beam((), 0.0)]
    finished: list[_Beam] = []
    n_candidates = beam_width * max(2, 1 + len(stop_tokens))  # enough unfinished ones even if the best all end
    for n_new in range(1, max_new_tokens + 1):
        candidates = extend_beams(beams, _next_log_probabilities(model, token_ids, beams), n_candidates)
        ends = [beam.token_ids[-1] in stop_tokens or n_new == max_new_tokens for beam in candidates]
        finished += [beam for beam, is_end in zip(candidates[:beam_width], ends, strict=False) if is_end]
        finished = sorted(finished, key=score, reverse=True)[:beam_width]
        beams = [beam for beam, is_end in zip(candidates, ends, strict=True) if not is_end][:beam_width]
        if not beams or (len(finished) == beam_width and score(beams[0]) <= score(finished[-1])):
            break
    return finished


@torch.inference_mode()
def continuation_log_probability(model: DecoderOnly, token_ids: Sequence[int], new_ids: Sequence[int]) -> float:
    """The log-probability of exactly this continuation: the sum over its tokens, in nats.

    `token_ids` is the prompt and `new_ids` the continuation, both together at most `context_length` + 1 tokens.
    """
    ids = torch.tensor([*token_ids, *new_ids], device=model.embedding.weight.device)
    log_probabilities = model(ids[None, :-1])[0].log_softmax(dim=-1)[len(token_ids) - 1 :]
    return log_probabilities.gather(1, ids[len(token_ids) :, None]).sum().item()


def _next_log_probabilities(model: DecoderOnly, token_ids: list[int], beams: Sequence[_Beam]) -> Tensor:
    """(beam, vocab), of the token after each beam; the model sees its last `context_length` tokens."""
    limit = model.config.context_length
    rows = [[*token_ids, *beam.token_ids][-limit:] for beam in beams]
    logits = model(torch.tensor(rows, device=model.embedding.weight.device))[:, -1]
    return _checked_logits(logits, len(token_ids) + len(beams[0].token_ids)).log_softmax(dim=-1).cpu()
