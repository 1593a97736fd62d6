"""The tree of what may be written: its draws against `generate`'s own cuts, its numbers against the model."""

from collections import Counter

import numpy as np
import pytest
import torch
from fakes import noisy_model
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz.generation import Sampling, SamplingTree, apply_temperature
from llmviz.generation.sampling import _filter_logits
from llmviz.generation.sampling_tree import BIN_NATS, N_NAMED, _TokenDistribution

temperatures = st.sampled_from([0.1, 0.5, 1.0, 1.5, 2.0])
top_ks = st.one_of(st.none(), st.integers(1, 60))
top_ps = st.one_of(st.none(), st.sampled_from([0.3, 0.5, 0.9, 0.95]))


def scores(vocab_size: int, seed: int) -> torch.Tensor:
    return 2 * torch.randn(vocab_size, generator=torch.Generator().manual_seed(seed))


class TestTokenDistribution:
    @settings(max_examples=30)
    @given(st.integers(2, N_NAMED), st.integers(0, 10**6), temperatures, top_ks, top_ps)
    def test_where_all_tokens_are_named_it_cuts_and_shares_as_generate_does(self, n, seed, temperature, top_k, top_p):
        logits = scores(n, seed)
        found = _TokenDistribution.of(logits.log_softmax(dim=-1))
        masses, kept = found.probabilities(Sampling(temperature, top_k, top_p))
        probabilities = apply_temperature(logits, temperature)
        is_kept, remaining = _filter_logits(probabilities, top_k, top_p)
        order = found.order.tolist()
        assert masses == pytest.approx(probabilities[order].tolist(), abs=2e-3 / temperature)
        near = np.abs(np.cumsum(masses) - (top_p or 2)).min() < 0.02 / temperature  # on the border itself
        if not near:
            assert (kept > 0).tolist() == is_kept[order].tolist()
            mine = masses * kept
            assert mine / mine.sum() == pytest.approx(remaining[order].tolist(), abs=5e-3 / temperature)

    @given(st.integers(N_NAMED + 1, 300), st.integers(0, 10**6), temperatures)
    def test_the_bins_of_the_others_hold_their_mass_at_every_temperature(self, n, seed, temperature):
        logits = scores(n, seed)
        found = _TokenDistribution.of(logits.log_softmax(dim=-1))
        masses, _ = found.probabilities(Sampling(temperature))
        exact = apply_temperature(logits, temperature).sort(descending=True).values
        assert found.counts.sum() == n
        others = exact[N_NAMED:].sum().item()
        assert masses[N_NAMED:].sum() == pytest.approx(others, rel=0.1 / temperature**2, abs=0.005)
        assert np.diff(found.log_probabilities[:N_NAMED]).max() <= 0
        assert BIN_NATS < 1

    def test_a_draw_falls_on_each_token_as_often_as_it_is_probable(self):
        logits = scores(60, 3)
        distribution, setting = _TokenDistribution.of(logits.log_softmax(dim=-1)), Sampling(1.3, 40, 0.97)
        points = (np.arange(5_000) + 0.5) / 5_000
        drawn = Counter(int(distribution.order[distribution.sample(setting, float(point))]) for point in points)
        _, remaining = _filter_logits(apply_temperature(logits, 1.3), 40, 0.97)
        found = torch.tensor([drawn[token_id] / 5_000 for token_id in range(60)])
        assert (found - remaining).abs().max() < 0.015
        assert set(drawn) <= set(distribution.order[:40].tolist())


class TestTree:
    def test_the_same_dice_fall_on_another_token_only_where_a_border_moved(self):
        tree = SamplingTree(noisy_model(), [1, 2])
        dice = SamplingTree.uniform_draws(5, 4, seed=3)
        found = tree.sample([Sampling(0.0), Sampling(1.0), Sampling(1.0, top_k=1)], dice)
        assert len(set(found[Sampling(0.0)])) == 1
        assert found[Sampling(0.0)] == found[Sampling(1.0, top_k=1)]
        assert found[Sampling(1.0)] == tree.sample([Sampling(1.0)], dice)[Sampling(1.0)]
        assert len(set(found[Sampling(1.0)])) > 1

    def test_every_prefix_has_the_models_probabilities_and_is_asked_for_once(self):
        model = noisy_model()
        tree = SamplingTree(model, [1, 2])
        [way] = tree.sample([Sampling(1.0)], SamplingTree.uniform_draws(1, 4))[Sampling(1.0)]
        for stop in range(4):
            exact = model(torch.tensor([[1, 2, *way[:stop]]]))[0, -1].log_softmax(dim=-1)
            found = tree.distributions[way[:stop]]
            ours = [found.log_probability(token_id) for token_id in range(11)]
            assert ours == pytest.approx(exact.tolist(), abs=2e-3)
        assert sum(tree.log_probabilities(way)) == pytest.approx(sum(
            model(torch.tensor([[1, 2, *way[:stop]]]))[0, -1].log_softmax(dim=-1)[way[stop]].item() for stop in range(4)
        ), abs=1e-2)  # fmt: skip
        before = dict(tree.distributions)
        tree.expand([way[:2], way[:2]])
        assert tree.distributions == before
