"""The tree of sampled texts: every next-token distribution that sampling meets, evaluated once (lesson 7)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from llmviz.generation.sampling import _check_model, _check_settings, _checked_logits, _n_kept
from llmviz.model.transformer import DecoderOnly

N_NAMED = 20
"""So many of the most probable tokens have an entry each; the others are binned by probability."""
BIN_NATS = 0.5
"""The width of a bin, in log-probability."""
_MIN_LOG_PROBABILITY = -40.0
_MOST_PATHS = 20_000  # of `look_ahead`


class Sampling(NamedTuple):
    """Settings of sampling; the same as in `generate_steps`."""

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None


@dataclass(frozen=True)
class _TokenDistribution:
    """A next-token distribution, most probable first: some tokens have an entry each, all others share bins.

    order: (vocab,), token ids by rank. log_probabilities: (entry,), in nats: one for each named token, then the mean of
    each bin. counts: (entry,), how many tokens an entry stands for: 1, or a bin's size.
    """

    order: np.ndarray
    log_probabilities: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, log_probabilities: Tensor) -> _TokenDistribution:
        """Sort and bin one distribution (vocab,), in nats."""
        ordered = log_probabilities.double().clamp_min(_MIN_LOG_PROBABILITY).sort(descending=True, stable=True)
        values, order = ordered.values.numpy(), ordered.indices.numpy()
        named, others = values[:N_NAMED], values[N_NAMED:]
        bins, counts = np.unique(np.floor(-others / BIN_NATS), return_counts=True)
        stops = np.cumsum(counts)
        means = [np.log(np.exp(others[stop - n : stop]).mean()) for stop, n in zip(stops, counts, strict=True)]
        entries = np.round(np.concatenate([named, np.array(means).reshape(len(bins))]), 3)
        return cls(order, entries, np.concatenate([np.ones(len(named), dtype=int), counts]))

    @property
    def named(self) -> np.ndarray:
        """The ids of the tokens that have an entry of their own, by rank."""
        return self.order[:N_NAMED]

    def rank(self, token_id: int) -> int:
        """Rank of the token by probability, from 0."""
        return int(np.flatnonzero(self.order == token_id)[0])

    def log_probability(self, token_id: int) -> float:
        """The log-probability of a token in nats; of one in a bin, the bin's mean."""
        entry = np.searchsorted(np.cumsum(self.counts), self.rank(token_id), side="right")
        return float(self.log_probabilities[entry])

    def probabilities(self, sampling: Sampling) -> tuple[np.ndarray, np.ndarray]:
        """The probability of each entry after the temperature, and how many of its tokens top-k and top-p keep."""
        if sampling.temperature == 0:
            masses = np.eye(1, len(self.counts))[0]
        else:
            masses = self.counts * np.exp((self.log_probabilities - self.log_probabilities[0]) / sampling.temperature)
            masses /= masses.sum()
        n_kept = _n_kept(np.repeat(masses / self.counts, self.counts), sampling.top_k, sampling.top_p)
        return masses, np.clip(n_kept - (np.cumsum(self.counts) - self.counts), 0, self.counts)

    def sample(self, sampling: Sampling, point: float) -> int:
        """The rank of the token at this point (0 to 1) of the cumulative distribution of the kept tokens."""
        masses, kept = self.probabilities(sampling)
        remaining = masses / self.counts * kept
        edges = np.cumsum(remaining)
        wanted = point * edges[-1]
        entry = min(int(np.searchsorted(edges, wanted, side="right")), int(np.flatnonzero(remaining > 0)[-1]))
        inside = (wanted - (edges[entry] - remaining[entry])) / remaining[entry] * kept[entry]
        return int(self.counts[:entry].sum()) + min(max(0, int(inside)), int(kept[entry]) - 1)


class SamplingTree:
    """Samples texts under several settings; each prefix is evaluated by the model once, all of a depth in one batch.

    token_ids: the prompt, at least one token. stop_tokens: a text ends with one of these.
    """

    def __init__(self, model: DecoderOnly, token_ids: Sequence[int], *, stop_tokens: Collection[int] = ()):
        _check_model(model)
        if not len(token_ids):
            raise ValueError("a tree needs at least one token to start from; begin with the end-of-text token")
        self.model, self.token_ids, self.stop_tokens = model, list(token_ids), frozenset(stop_tokens)
        self.distributions: dict[tuple[int, ...], _TokenDistribution] = {}

    @staticmethod
    def uniform_draws(n_texts: int, n_tokens: int, seed: int = 0) -> list[list[float]]:
        """Random numbers from 0 to 1, (text, step), with four decimals."""
        return np.random.default_rng(seed).random((n_texts, n_tokens)).round(4).tolist()

    @torch.inference_mode()
    def expand(self, paths: Iterable[tuple[int, ...]]) -> None:
        """Evaluate the model after each of these paths, which are equally long."""
        new = [path for path in dict.fromkeys(paths) if path not in self.distributions]
        if not new:
            return
        rows = [[*self.token_ids, *path] for path in new]
        batch = torch.tensor(rows, device=self.model.embedding.weight.device)
        found = _checked_logits(self.model(batch)[:, -1], batch.shape[1]).log_softmax(dim=-1).cpu()
        self.distributions |= {path: _TokenDistribution.of(one) for path, one in zip(new, found, strict=True)}

    def sample(self, samplings: Sequence[Sampling], draws: Sequence[Sequence[float]]) -> dict[Sampling, list[tuple]]:
        """Sample texts under several settings from the same random numbers, `draws` (text, step) from 0 to 1.

        So two texts differ only where a setting changed the distribution. Returns for each setting the tokens of each
        text, up to and including a stop token.
        """
        paths = {sampling: [() for _ in draws] for sampling in samplings}
        for step in range(len(draws[0]) if len(draws) else 0):
            growing = [
                (one, text) for one in samplings for text, path in enumerate(paths[one]) if not self._is_finished(path)
            ]
            self.expand(paths[one][text] for one, text in growing)
            for one, text in growing:
                path = paths[one][text]
                distribution = self.distributions[path]
                token_id = int(distribution.order[distribution.sample(one, draws[text][step])])
                paths[one][text] = (*path, token_id)
        return paths

    def log_probabilities(self, path: Sequence[int]) -> list[float]:
        """The log-probability of each token of a path, in nats; each prefix of it is evaluated."""
        prefixes = [tuple(path[:step]) for step in range(len(path))]
        for prefix in prefixes:
            self.expand([prefix])
        return [self.distributions[one].log_probability(token) for one, token in zip(prefixes, path, strict=True)]

    def _is_finished(self, path: tuple[int, ...]) -> bool:
        return bool(path) and path[-1] in self.stop_tokens


@torch.inference_mode()
def look_ahead(
    model: DecoderOnly, token_ids: Sequence[int], *, top_k: int, depth: int, stop_tokens: Collection[int] = ()
) -> dict[tuple[int, ...], Tensor]:
    """Expand the `top_k` most probable tokens `depth` steps deep; no path continues after a stop token (lessons 0, 7).

    Returns the new tokens of each path → the probabilities of the next one, (vocab,). The empty path comes first.
    """
    _check_model(model)
    _check_settings(1.0, top_k, None, depth)
    found: dict[tuple[int, ...], Tensor] = {}
    paths: list[tuple[int, ...]] = [()]
    for _ in range(depth + 1):
        if not paths:
            break
        if len(paths) > _MOST_PATHS:
            raise ValueError(f"top_k={top_k} and depth={depth} make more than {_MOST_PATHS:,} paths; give smaller ones")
        batch = torch.tensor([[*token_ids, *path] for path in paths], device=model.embedding.weight.device)
        probabilities = _checked_logits(model(batch)[:, -1], batch.shape[1]).softmax(dim=-1).cpu()
        found |= dict(zip(paths, probabilities, strict=True))
        best = probabilities.topk(min(top_k, probabilities.shape[1])).indices.tolist()
        paths = [
            (*path, token_id) for path, ids in zip(paths, best, strict=True) for token_id in ids
            if token_id not in stop_tokens
        ]  # fmt: skip
    return found
