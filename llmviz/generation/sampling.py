"""Sampling: from logits to text, one token at a time (lesson 7)."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from numbers import Integral, Real

import torch
from torch import Tensor

from llmviz.model.transformer import DecoderOnly, EncoderDecoder, EncoderOnly
from llmviz.tokenizers import Tokenizer


@dataclass(frozen=True)
class _GenerationStep:
    """One sampled token. probabilities: (vocab,), after the temperature, before any filter.

    kept: (vocab,), bool: whether top-k and top-p keep a token. kept_probabilities: (vocab,), 0 where filtered out,
    renormalized; the token was drawn from these.
    """

    token_id: int
    probabilities: Tensor
    kept: Tensor
    kept_probabilities: Tensor


def apply_temperature(logits: Tensor, temperature: float) -> Tensor:
    """Turn logits (vocab,) into probabilities: softmax(logits / temperature); at 0 the best token gets everything.

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


def _n_kept(ordered, top_k: int | None, top_p: float | None) -> int:
    """How many tokens top-k and top-p keep of those whose probabilities these are, most probable first (vocab,).

    Takes a tensor or an array.
    """
    n_kept = len(ordered) if top_k is None else min(top_k, len(ordered))
    if top_p is not None:
        mass_before = ordered.cumsum(0) - ordered
        n_kept = min(n_kept, int((mass_before < top_p).sum()))
    return n_kept


def _filter(probabilities: Tensor, top_k: int | None, top_p: float | None) -> Tensor:
    kept = torch.zeros_like(probabilities, dtype=torch.bool)
    ordered = probabilities.sort(descending=True, stable=True)
    kept[ordered.indices[: _n_kept(ordered.values, top_k, top_p)]] = True
    return kept


def keep_top_p(probabilities: Tensor, top_p: float) -> Tensor:
    """Keep the fewest tokens that together have at least probability p (nucleus sampling): (vocab,), bool.

    Source: Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", section 3.1.

    >>> keep_top_p(torch.tensor([0.5, 0.2, 0.3]), 0.7).tolist()
    [True, False, True]
    """
    return _filter(probabilities, None, top_p)


def _filter_logits(probabilities: Tensor, top_k: int | None, top_p: float | None) -> tuple[Tensor, Tensor]:
    """Top-k (Fan et al. 2018, section 5.4) and top-p: which tokens are kept (vocab,), bool, and the new probabilities.

    >>> _filter_logits(torch.tensor([0.5, 0.2, 0.3]), 2, None)[0].tolist()
    [True, False, True]
    """
    if top_k is None and top_p is None:
        return torch.ones_like(probabilities, dtype=torch.bool), probabilities
    kept = _filter(probabilities, top_k, top_p)
    remaining = probabilities * kept
    return kept, remaining / remaining.sum()


def _sample_token(probabilities: Tensor, generator: torch.Generator) -> int:
    """Draw a token id from its probabilities (vocab,), by the inverse of the cumulative distribution.

    (Several times faster than `torch.multinomial` for one draw.)
    """
    edges = probabilities.cumsum(dim=-1)
    point = torch.rand(1, generator=generator) * edges[-1]
    token_id = int(torch.searchsorted(edges, point, right=True))
    return token_id if token_id < len(edges) else int(probabilities.nonzero()[-1])  # the point was rounded up


_OTHERS = {"EncoderOnly": "it fills in masks (FillMask)", "EncoderDecoder": "it translates (translation.translate)"}


def _check_model(model, *tokenizers: Tokenizer) -> None:
    """Raise ValueError for a model that cannot continue a text, and for what is no tokenizer."""
    for tokenizer in tokenizers:
        if not isinstance(tokenizer, Tokenizer):
            raise ValueError(f"the tokenizer is one of llmviz.tokenizers or of a real model; given {tokenizer!r:.60}")
    if isinstance(model, EncoderOnly | EncoderDecoder) or not hasattr(model, "config"):
        name = type(model).__name__
        other = f": {_OTHERS[name]}" if name in _OTHERS else ""
        raise ValueError(f"writing a text needs a DecoderOnly, which predicts the next token; given {name}{other}")


def _check_settings(temperature: float, top_k: int | None, top_p: float | None, max_new_tokens: int) -> None:
    if not _is_number(temperature) or not 0 <= temperature < math.inf:
        raise ValueError(f"the temperature is 0 (always the best token) or above; given {temperature!r}")
    if top_k is not None and (not _is_number(top_k, Integral) or top_k < 1):
        raise ValueError(f"top_k keeps at least one token; given {top_k!r}")
    if top_p is not None and (not _is_number(top_p) or not 0 < top_p <= 1):
        raise ValueError(f"top_p is a probability above 0 and at most 1; given {top_p!r}")
    if not _is_number(max_new_tokens, Integral) or max_new_tokens < 0:
        raise ValueError(f"max_new_tokens is a whole number from 0 on; given {max_new_tokens!r}")


def _is_number(value, kind: type = Real) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _checked_logits(logits: Tensor, n_tokens: int) -> Tensor:
    """The logits after so many tokens; raises ValueError where there is no number to draw by."""
    if not all(map(math.isfinite, logits.amax(dim=-1).view(-1).tolist())):
        raise ValueError(f"the scores for token {n_tokens + 1} are no numbers: damaged weights, or training diverged")
    return logits


def _next_logits(model: DecoderOnly, token_ids: list[int], cache: list | None) -> Tensor:
    """Logits of the token after these, (vocab,); with a cache only the tokens it does not hold are computed."""
    limit = model.config.context_length
    if cache is None or len(token_ids) > limit:
        cache, new_ids = None, token_ids[-limit:]
    else:
        new_ids = token_ids[cache[0].length :]
    device = model.embedding.weight.device
    return _checked_logits(model(torch.tensor([new_ids], device=device), cache)[0, -1], len(token_ids))


def generate_steps(model: DecoderOnly, token_ids: Sequence[int], *, max_new_tokens: int, temperature: float = 1.0,
                   top_k: int | None = None, top_p: float | None = None, stop_tokens: Collection[int] = (),
                   seed: int = 0, use_cache: bool = True) -> Iterator[_GenerationStep]:  # fmt: skip
    """Continue a text token by token; yields a step for each: `token_id`, `probabilities`, `kept` … (lesson 7).

    Args:
        token_ids: the prompt, at least one token (the end-of-text token begins a new text).
        temperature: 0 always takes the best token; below 1 sharpens, above 1 flattens the distribution.
        top_k, top_p: filter out the improbable tokens before drawing; both may be given.
        stop_tokens: stop after one of these was chosen (it is yielded too).
        use_cache: keep the keys and values of earlier tokens; faster, and the same text. When the text is longer than
            the context, the model sees only its last `context_length` tokens and the cache is not used any more.
    """
    _check_model(model)
    _check_settings(temperature, top_k, top_p, max_new_tokens)
    if isinstance(token_ids, str):
        raise ValueError("generation starts from token ids; given text: use complete(model, tokenizer, prompt)")
    token_ids = list(token_ids)
    if not token_ids:
        raise ValueError("generation needs at least one token to start from; begin with the end-of-text token")
    generator = torch.Generator().manual_seed(seed)
    cache = model.new_cache() if use_cache else None
    for _ in range(max_new_tokens):
        with torch.inference_mode():
            logits = _next_logits(model, token_ids, cache).cpu()
            probabilities = apply_temperature(logits, temperature)
            kept, remaining = _filter_logits(probabilities, top_k, top_p)
            token_id = _sample_token(remaining, generator)
        token_ids.append(token_id)
        yield _GenerationStep(token_id, probabilities, kept, remaining)
        if token_id in stop_tokens:
            return


def generate(model: DecoderOnly, token_ids: Sequence[int], **settings) -> list[int]:
    """Continue a text and return only the new token ids; the settings are those of `generate_steps`."""
    return [step.token_id for step in generate_steps(model, token_ids, **settings)]


def complete(model: DecoderOnly, tokenizer: Tokenizer, prompt: str, **settings) -> str:
    """Continue a text up to its end; returns the new text only. The settings are those of `generate_steps`."""
    _check_model(model, tokenizer)
    ids = tokenizer.encode_prompt(prompt)
    settings.setdefault("max_new_tokens", model.config.context_length)
    new_ids = generate(model, ids, stop_tokens={tokenizer.end_of_text}, **settings)
    return new_text(tokenizer, ids, new_ids)


def new_text(tokenizer: Tokenizer, prompt_ids: Sequence[int], new_ids: Sequence[int]) -> str:
    """What new tokens add to the text of a prompt, without end-of-text tokens.

    Both are decoded together, since the first word of a text loses the space before it.
    """
    prompt = [token_id for token_id in prompt_ids if token_id != tokenizer.end_of_text]
    new = [token_id for token_id in new_ids if token_id != tokenizer.end_of_text]
    return tokenizer.decode(prompt + new)[len(tokenizer.decode(prompt)) :]


def sample_texts(
    model: DecoderOnly, tokenizer: Tokenizer, n_texts: int, *, prompt: str = "", seed: int = 0, **settings
) -> list[str]:
    """Sample whole texts that begin with the prompt; text i with seed + i."""
    return [prompt + complete(model, tokenizer, prompt, seed=seed + number, **settings) for number in range(n_texts)]
