"""Training in the page: gradients and AdamW steps of torch, with the same weights on the same batch."""

import dataclasses

import torch
import torch.nn.functional as F
from nodes import needs_node, node

from llmviz.model import DecoderOnly, ModelConfig
from llmviz.widgets.base import JS, pack

pytestmark = needs_node
CONFIG = ModelConfig(30, context_length=12, d_model=16, n_layers=2, n_heads=2, d_ff=40)
WEIGHTS = """
const weights = Object.fromEntries(Object.entries(given.weights).map(([name, { data }]) =>
  [name, new Float32Array(Uint8Array.from(atob(data), (one) => one.charCodeAt(0)).buffer)]));
const [ids, targets] = [given.ids.flat(), given.targets.flat()];
"""
GRADIENTS = """
const { loss, gradients } = lossAndGradients(given.config, weights, ids, targets, given.ids[0].length);
return { loss, gradients: Object.fromEntries(Object.entries(gradients).map(([name, one]) => [name, [...one]])) };
"""
STEPS = """
const update = adamW(weights, 0.01);
const losses = given.rates.map((rate) => {
  const { loss, gradients } = lossAndGradients(given.config, weights, ids, targets, given.ids[0].length);
  update(gradients, rate);
  return loss;
});
return { losses, weights: Object.fromEntries(Object.entries(weights).map(([name, one]) => [name, [...one]])) };
"""


def batch_and_model():
    generator = torch.Generator().manual_seed(3)
    model = DecoderOnly(CONFIG, seed=1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.2 * torch.randn(weight.shape, generator=generator))
    windows = torch.randint(30, (3, 13), generator=generator)
    weights = {name: pack(weight.detach(), "float32") for name, weight in model.named_parameters()}
    ids, targets = windows[:, :-1], windows[:, 1:]
    given = {"config": dataclasses.asdict(CONFIG), "weights": weights, "ids": ids.tolist(), "targets": targets.tolist()}
    return model, lambda: F.cross_entropy(model(ids).flatten(0, 1), targets.flatten()), given


def assert_near(found, wanted, tolerance):
    difference = (torch.tensor(found) - wanted.detach().flatten()).abs().max() / wanted.abs().max()
    assert difference < tolerance


def test_the_gradients_are_those_of_torch():
    model, loss, given = batch_and_model()
    wanted = loss()
    wanted.backward()
    found = node(JS / "gpt_training.js", WEIGHTS + GRADIENTS, given)
    assert abs(found["loss"] - wanted.item()) < 1e-5
    assert set(found["gradients"]) == {name for name, _ in model.named_parameters()}
    for name, weight in model.named_parameters():
        assert_near(found["gradients"][name], weight.grad, 1e-4)


def test_steps_of_adamw_are_those_of_torch():
    model, loss, given = batch_and_model()
    given["rates"] = [0.01, 0.01, 0.008, 0.006, 0.004]
    optimizer, losses = torch.optim.AdamW(model.parameters(), lr=1, weight_decay=0.01), []
    for rate in given["rates"]:
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        losses.append(loss())
        losses[-1].backward()
        optimizer.step()
    found = node(JS / "gpt_training.js", WEIGHTS + STEPS, given)
    assert_near(found["losses"], torch.stack(losses), 1e-4)
    for name, weight in model.named_parameters():
        assert_near(found["weights"][name], weight, 2e-3)


def test_the_first_weights_and_the_batches_follow_the_seed():
    model = DecoderOnly(CONFIG, seed=1)
    program = """
    const one = firstWeights(given, randomNumbers(7)), same = firstWeights(given, randomNumbers(7));
    const isSame = (name) => one[name].every((number, i) => number === same[name][i]);
    return Object.entries(one).map(([name, all]) => [name, all.length, isSame(name),
      Math.sqrt(all.reduce((sum, number) => sum + number ** 2, 0) / all.length)]);
    """
    for name, n, is_same, size in node(JS / "gpt_training.js", program, dataclasses.asdict(CONFIG)):
        weight = model.get_parameter(name)
        assert n == weight.numel() and is_same
        assert abs(size - weight.square().mean().sqrt().item()) < 0.1
