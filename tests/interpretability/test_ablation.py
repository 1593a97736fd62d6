"""What a head is worth, judged by models whose weights were zeroed by hand."""

import pytest
import torch
import torch.nn.functional as F
from fakes import SMALL, noisy_model, random_ids

from llmviz import interpretability

MODEL = noisy_model()
IDS = random_ids(3, 7)


def loss_by_hand(model, ids):
    """(position - 1,), through torch's own cross-entropy on the fast path."""
    with torch.inference_mode():
        logits = model(ids[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none").view(len(ids), -1).mean(dim=0)


def without(layer, head):
    changed = noisy_model()
    with torch.no_grad():
        changed.blocks[layer].attention.output.weight[:, 8 * head : 8 * head + 8] = 0
    return changed


def test_losses_are_those_of_the_fast_path():
    losses = interpretability.token_losses(MODEL, IDS)
    torch.testing.assert_close(losses, loss_by_hand(MODEL, IDS), rtol=1e-4, atol=1e-5)
    assert interpretability.token_losses(MODEL, IDS[0]).shape == (6,)


@pytest.mark.parametrize("positions", [slice(None), slice(3, None), slice(0, 1)])
def test_the_effect_is_the_loss_without_the_head_minus_the_loss_with_it(positions):
    effects = interpretability.head_effects(MODEL, IDS, positions=positions)
    assert effects.shape == (SMALL.n_layers, SMALL.n_heads)
    assert interpretability.all_heads(MODEL) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    for layer, head in interpretability.all_heads(MODEL):
        difference = loss_by_hand(without(layer, head), IDS) - loss_by_hand(MODEL, IDS)
        torch.testing.assert_close(effects[layer, head], difference[positions].mean(), rtol=1e-3, atol=1e-5)


def test_one_token_has_no_loss():
    with pytest.raises(ValueError, match="the first token is not predicted"):
        interpretability.token_losses(MODEL, torch.tensor([3]))
