"""Muon: by singular values, by hand, and against torch's own."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from llmviz.training import optimizers
from llmviz.training.optimizers import Muon, _orthogonalize

seeds = st.integers(0, 2**31 - 1)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def rotations(n: int, rank: int, seed: int) -> torch.Tensor:
    """A random matrix (n, rank) with orthogonal columns of length 1."""
    return torch.linalg.qr(noise(n, rank, seed=seed)).Q


class TestOrthogonalize:
    @given(st.integers(1, 16), st.integers(1, 16), seeds, st.floats(1e-3, 1e3))
    def test_brings_singular_values_near_one_and_keeps_the_directions(self, rows, columns, seed, size):
        rank = min(rows, columns)
        left, right = rotations(rows, rank, seed), rotations(columns, rank, seed + 1)
        values = 0.05 + torch.rand(rank, generator=torch.Generator().manual_seed(seed))
        matrix = size * left @ values.diag() @ right.T
        inside = left.T @ _orthogonalize(matrix[None])[0] @ right
        assert inside.diag().min() > 0.6
        assert inside.diag().max() < 1.3
        torch.testing.assert_close(inside, inside.diag().diag(), rtol=0, atol=2e-3)


class TestMuon:
    def take_steps(self, weight: nn.Parameter, gradients: list[torch.Tensor], optimizer) -> list[torch.Tensor]:
        """Where the weight is after each of these gradients."""
        places = []
        for gradient in gradients:
            weight.grad = gradient.clone()
            optimizer.step()
            places.append(weight.detach().clone())
        return places

    def test_two_steps_of_momentum_by_hand(self, monkeypatch):
        """Without orthogonalizing, a step is a weighted sum that one can do on paper; 4 rows and 1 column
        make it √4 = 2 times as long."""
        monkeypatch.setattr(optimizers, "_orthogonalize", lambda matrices: matrices)
        weight = nn.Parameter(torch.zeros(4, 1))
        first, second = torch.tensor([[1.0], [2], [0], [-1]]), torch.tensor([[-1.0], [0], [0], [-1]])
        muon = Muon([weight], learning_rate=0.1)
        one, two = self.take_steps(weight, [first, second], muon)
        # average = 0.05 g; direction = 0.05 g + 0.95 · 0.05 g = 0.0975 g
        torch.testing.assert_close(one, -0.2 * 0.0975 * first)
        # average = 0.0475 g + 0.05 h; direction = 0.05 h + 0.95 (0.0475 g + 0.05 h) = 0.045125 g + 0.0975 h
        torch.testing.assert_close(two - one, -0.2 * (0.045125 * first + 0.0975 * second))
        torch.testing.assert_close(muon.state[weight]["momentum"], 0.0475 * first + 0.05 * second)

    @pytest.mark.parametrize("shape", [(4, 6), (6, 4), (5, 5)])
    def test_equals_torchs_own_within_the_exactness_of_bf16(self, shape):
        ours, theirs = nn.Parameter(noise(*shape)), nn.Parameter(noise(*shape))
        gradients = [noise(*shape, seed=seed) for seed in range(1, 5)]
        judge = torch.optim.Muon([theirs], lr=0.02, momentum=0.95, nesterov=True, weight_decay=0.0)
        found = self.take_steps(ours, gradients, Muon([ours], learning_rate=0.02))
        expected = self.take_steps(theirs, gradients, judge)
        for mine, other in zip(found, expected, strict=True):
            torch.testing.assert_close(mine, other, rtol=0, atol=0.02 * 0.06 * 4)
        moved = (expected[-1] - noise(*shape)).norm()
        assert (found[-1] - expected[-1]).norm() < 0.05 * moved

    def test_weights_of_one_shape_together_move_as_they_do_alone(self):
        together = [nn.Parameter(noise(3, 5, seed=seed)) for seed in range(3)] + [nn.Parameter(noise(5, 3))]
        alone = [nn.Parameter(weight.detach().clone()) for weight in together]
        for weight, copy in zip(together, alone, strict=True):
            weight.grad = copy.grad = weight.detach().sin()
            Muon([copy]).step()
        Muon(together).step()
        for weight, copy in zip(together, alone, strict=True):
            torch.testing.assert_close(weight, copy, rtol=1e-4, atol=1e-5)

    def test_a_weight_without_a_gradient_stays(self):
        weights = [nn.Parameter(torch.ones(2, 3)) for _ in range(2)]
        weights[0].grad = torch.ones(2, 3)
        Muon(weights).step()
        assert not torch.equal(weights[0], torch.ones(2, 3))
        assert torch.equal(weights[1], torch.ones(2, 3))

    def test_refuses_what_is_no_matrix(self):
        with pytest.raises(ValueError, match=r"Muon steps matrices .* given a tensor \(3,\)"):
            Muon([nn.Parameter(torch.zeros(3))])
