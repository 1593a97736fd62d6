"""The tree of all ways in which a model may go on, as far as somebody has walked it (lesson 7)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from llmviz.model.transformer import DecoderOnly

N_NAMED = 20
"""So many of the most probable tokens are kept by name at each place; the others only by how probable they are."""
BIN_NATS = 0.5
"""How finely the others are sorted into bins by their log-probability."""
LEAST = -40.0


class Sampling(NamedTuple):
    """How a token is drawn; the same as in `generate_steps`."""

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None


@dataclass(frozen=True)
class TokenDistribution:
    """What may come next after one beginning, most probable first: some tokens by name, all others in bins.

    Attributes:
        order: (vocab,), token ids by rank.
        log_probabilities: (entry,), in nats: one for each named token, then the mean of each bin.
        counts: (entry,), how many tokens an entry stands for: 1, or a bin's size.
    """

    order: np.ndarray
    log_probabilities: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, log_probabilities: Tensor) -> TokenDistribution:
        """Sort the tokens of one distribution (vocab,), in nats."""
        ordered = log_probabilities.double().clamp_min(LEAST).sort(descending=True, stable=True)
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
        """The how-manieth most probable a token is, counted from 0."""
        return int(np.flatnonzero(self.order == token_id)[0])

    def log_probability(self, token_id: int) -> float:
        """The log-probability of a token in nats; of one in a bin, the bin's mean."""
        entry = np.searchsorted(np.cumsum(self.counts), self.rank(token_id), side="right")
        return float(self.log_probabilities[entry])

    def shares(self, sampling: Sampling) -> tuple[np.ndarray, np.ndarray]:
        """The probability of each entry after the temperature, and how many of its tokens are kept by the cuts."""
        temperature, top_k, top_p = sampling
        if temperature == 0:
            masses = np.eye(1, len(self.counts))[0]
        else:
            masses = self.counts * np.exp((self.log_probabilities - self.log_probabilities[0]) / temperature)
            masses /= masses.sum()
        kept = self.counts.copy()
        if top_k is not None:
            kept = np.minimum(kept, np.maximum(0, top_k - (np.cumsum(self.counts) - self.counts)))
        if top_p is not None:
            each, before = masses / self.counts, np.cumsum(masses) - masses
            room = np.where(each > 0, np.ceil((top_p - before) / np.maximum(each, 1e-300) - 1e-9), 0)
            kept = np.minimum(kept, np.clip(room, 0, self.counts).astype(int))
            kept[0] = max(1, kept[0])
        return masses, kept

    def draw(self, sampling: Sampling, point: float) -> int:
        """The rank of the token on which a point from 0 to 1 falls, when the kept ones are laid end to end."""
        masses, kept = self.shares(sampling)
        remaining = masses / self.counts * kept
        edges = np.cumsum(remaining)
        wanted = point * edges[-1]
        entry = min(int(np.searchsorted(edges, wanted, side="right")), int(np.flatnonzero(remaining > 0)[-1]))
        inside = (wanted - (edges[entry] - remaining[entry])) / remaining[entry] * kept[entry]
        return int(self.counts[:entry].sum()) + min(max(0, int(inside)), int(kept[entry]) - 1)


class SamplingTree:
    """Remembers every fork that was looked at; asks the model only for new ones, all of a depth at once.

    Args:
        model: whose texts.
        token_ids: the prompt, at least one token.
        stop_tokens: no way goes on after one of these.
    """

    def __init__(self, model: DecoderOnly, token_ids: Sequence[int], *, stop_tokens: Collection[int] = ()):
        if not len(token_ids):
            raise ValueError("a tree needs at least one token to grow from; begin with the end-of-text token")
        self.model, self.token_ids, self.stop_tokens = model, list(token_ids), frozenset(stop_tokens)
        self.forks: dict[tuple[int, ...], TokenDistribution] = {}

    @torch.inference_mode()
    def look(self, paths: Iterable[tuple[int, ...]]) -> None:
        """Ask the model what may come after each of these ways, which are equally long."""
        new = [path for path in dict.fromkeys(paths) if path not in self.forks]
        if not new:
            return
        rows = [[*self.token_ids, *path] for path in new]
        batch = torch.tensor(rows, device=self.model.embedding.weight.device)
        found = self.model(batch)[:, -1].log_softmax(dim=-1).cpu()
        self.forks |= {path: TokenDistribution.of(one) for path, one in zip(new, found, strict=True)}

    def walk(self, samplings: Sequence[Sampling], dice: Sequence[Sequence[float]]) -> dict[Sampling, list[tuple]]:
        """Let several texts grow under several settings, all by the same dice.

        `dice` (text, step) are points from 0 to 1: the same point falls on another token only where a setting moves
        the borders, so what changes between two settings is their doing.

        Returns:
            setting → for each text its tokens, up to and with a stop token.
        """
        ways = {sampling: [() for _ in dice] for sampling in samplings}
        for step in range(len(dice[0]) if len(dice) else 0):
            growing = [(one, text) for one in samplings for text, way in enumerate(ways[one]) if self._grows(way)]
            self.look(ways[one][text] for one, text in growing)
            for one, text in growing:
                way = ways[one][text]
                fork = self.forks[way]
                ways[one][text] = (*way, int(fork.order[fork.draw(one, dice[text][step])]))
        return ways

    def follow(self, path: Sequence[int]) -> float:
        """Look at each fork along a way, and return the log-probability of the whole way in nats."""
        total = 0.0
        for step, token_id in enumerate(path):
            way = tuple(path[:step])
            self.look([way])
            total += self.forks[way].log_probability(token_id)
        return total

    def _grows(self, way: tuple[int, ...]) -> bool:
        return not way or way[-1] not in self.stop_tokens


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread for a while: with models this small, several wait for each other more than they work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def uniform_draws(n_texts: int, n_tokens: int, seed: int = 0) -> list[list[float]]:
    """Throw the dice for so many texts: points from 0 to 1, (text, step), with four decimals."""
    return np.random.default_rng(seed).random((n_texts, n_tokens)).round(4).tolist()
