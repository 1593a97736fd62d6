"""Generation: from scores to text, one token at a time (lesson 7)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from llmviz.model.transformer import DecoderOnly


@dataclass(frozen=True)
class GenerationStep:
    """One choice of a token.

    Attributes:
        token_id: the chosen one.
        probabilities: (vocab,), after the temperature, before anything is cut; sums to 1.
        kept: (vocab,), bool, True = top-k and top-p leave this token in the draw.
        kept_probabilities: (vocab,), 0 where cut, renormalized; what the token was drawn from.
    """

    token_id: int
    probabilities: Tensor
    kept: Tensor
    kept_probabilities: Tensor


def apply_temperature(logits: Tensor, temperature: float) -> Tensor:
    """Turn scores (vocab,) into probabilities: softmax(logits / temperature); at 0 the best token gets everything.

    >>> apply_temperature(torch.tensor([2.0, 1.0]), 0).tolist()
    [1.0, 0.0]
    """
    if temperature == 0:
        probabilities = torch.zeros_like(logits)
        probabilities[logits.argmax()] = 1.0
        return probabilities
    if temperature == 1:
        return logits.softmax(dim=-1)
    below_best = (logits - logits.max()).double()  # so that a tiny temperature cannot make the best one infinite
    return (below_best / temperature).softmax(dim=-1).to(logits.dtype)


def keep_top_k(probabilities: Tensor, top_k: int | None) -> Tensor:
    """Keep the k most probable tokens: (vocab,), bool. Source: Fan et al. 2018, section 5.4.

    >>> keep_top_k(torch.tensor([0.5, 0.2, 0.3]), 2).tolist()
    [True, False, True]
    """
    kept = torch.ones_like(probabilities, dtype=torch.bool)
    if top_k is not None and top_k < len(probabilities):
        kept[probabilities.sort(descending=True, stable=True).indices[top_k:]] = False
    return kept


def keep_top_p(probabilities: Tensor, top_p: float | None) -> Tensor:
    """Keep the fewest tokens that together have at least probability p ("nucleus"): (vocab,), bool.

    Source: Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", section 3.1.

    >>> keep_top_p(torch.tensor([0.5, 0.2, 0.3]), 0.7).tolist()
    [True, False, True]
    """
    kept = torch.ones_like(probabilities, dtype=torch.bool)
    if top_p is not None:
        ordered = probabilities.sort(descending=True, stable=True)
        mass_before = ordered.values.cumsum(dim=-1) - ordered.values
        kept[ordered.indices[mass_before >= top_p]] = False
    return kept


def filter_logits(probabilities: Tensor, top_k: int | None, top_p: float | None) -> tuple[Tensor, Tensor]:
    """Cut the improbable tokens and share out what is left: who is kept (vocab,), bool, and the new probabilities."""
    if top_k is None and top_p is None:
        return torch.ones_like(probabilities, dtype=torch.bool), probabilities
    kept = keep_top_k(probabilities, top_k) & keep_top_p(probabilities, top_p)
    remaining = probabilities * kept
    return kept, remaining / remaining.sum()


def sample_token(probabilities: Tensor, generator: torch.Generator) -> int:
    """Draw a token id from its probabilities (vocab,): lay them end to end, and see where a random point falls.

    (Several times faster than `torch.multinomial` for one draw.)
    """
    edges = probabilities.cumsum(dim=-1)
    point = torch.rand(1, generator=generator) * edges[-1]
    token_id = int(torch.searchsorted(edges, point, right=True))
    return token_id if token_id < len(edges) else int(probabilities.nonzero()[-1])  # the point was rounded up


def _check(temperature: float, top_k: int | None, top_p: float | None, max_new_tokens: int) -> None:
    if not temperature >= 0:
        raise ValueError(f"the temperature is 0 (always the best token) or above; given {temperature}")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k keeps at least one token; given {top_k}")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p is a probability above 0 and at most 1; given {top_p}")
    if max_new_tokens < 0:
        raise ValueError(f"max_new_tokens cannot be negative; given {max_new_tokens}")


def _next_logits(model: DecoderOnly, token_ids: list[int], cache: list | None) -> Tensor:
    """Scores for the token after these; with a cache only the tokens it has not seen are computed."""
    limit = model.config.context_length
    if cache is None or len(token_ids) > limit:
        cache, unread = None, token_ids[-limit:]
    else:
        unread = token_ids[cache[0].length :]
    device = model.embedding.weight.device
    return model(torch.tensor([unread], device=device), cache)[0, -1]


def generate_steps(
    model: DecoderOnly,
    token_ids: Sequence[int],
    *,
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    stop_tokens: Collection[int] = (),
    seed: int = 0,
    use_cache: bool = True,
) -> Iterator[GenerationStep]:
    """Continue a text token by token, and show each choice as it is made (lesson 7).

    Args:
        token_ids: the prompt, at least one token (the end-of-text token begins a new text).
        max_new_tokens: stop after so many.
        temperature: 0 always takes the best token; below 1 sharpens, above 1 flattens the distribution.
        top_k, top_p: cut the improbable tokens before drawing; both may be given.
        stop_tokens: stop after one of these was chosen (it is yielded too).
        seed: the same seed gives the same text.
        use_cache: keep the keys and values of earlier tokens; faster, and the same text (a test holds it). When the
            text outgrows the context, the model sees only its last `context_length` tokens and the cache retires.

    Yields:
        a `GenerationStep` for each new token.
    """
    _check(temperature, top_k, top_p, max_new_tokens)
    token_ids = list(token_ids)
    if not token_ids:
        raise ValueError("generation needs at least one token to start from; begin with the end-of-text token")
    generator = torch.Generator().manual_seed(seed)
    cache = model.new_cache() if use_cache else None
    for _ in range(max_new_tokens):
        with torch.inference_mode():
            logits = _next_logits(model, token_ids, cache).cpu()
            probabilities = apply_temperature(logits, temperature)
            kept, remaining = filter_logits(probabilities, top_k, top_p)
            token_id = sample_token(remaining, generator)
        token_ids.append(token_id)
        yield GenerationStep(token_id, probabilities, kept, remaining)
        if token_id in stop_tokens:
            return


def generate(model: DecoderOnly, token_ids: Sequence[int], **settings) -> list[int]:
    """Continue a text and return only the new token ids; the settings are those of `generate_steps`."""
    return [step.token_id for step in generate_steps(model, token_ids, **settings)]


@torch.inference_mode()
def look_ahead(
    model: DecoderOnly, token_ids: Sequence[int], *, top_k: int, depth: int, stop_tokens: Collection[int] = ()
) -> dict[tuple[int, ...], Tensor]:
    """Follow the most probable tokens a few steps, every way they may go (lessons 0 and 7).

    Args:
        token_ids: the text so far, at least one token.
        top_k: how many tokens branch off at each step.
        depth: how many steps; there are up to top_k ** depth ways.
        stop_tokens: no way goes on after one of these.

    Returns:
        the tokens taken from here on → the probabilities of the next one, (vocab,). The empty way comes first.
    """
    found: dict[tuple[int, ...], Tensor] = {}
    ways: list[tuple[int, ...]] = [()]
    for _ in range(depth + 1):
        if not ways:
            break
        batch = torch.tensor([[*token_ids, *way] for way in ways], device=model.embedding.weight.device)
        probabilities = model(batch)[:, -1].softmax(dim=-1).cpu()
        found |= dict(zip(ways, probabilities, strict=True))
        best = probabilities.topk(min(top_k, probabilities.shape[1])).indices.tolist()
        ways = [
            (*way, token_id) for way, ids in zip(ways, best, strict=True) for token_id in ids
            if token_id not in stop_tokens
        ]  # fmt: skip
    return found
