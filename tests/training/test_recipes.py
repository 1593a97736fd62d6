"""The training recipe: its schedule, first weights and optimizers, and that clipping limits what it measures."""

from dataclasses import replace

import pytest
import torch

from llmviz import artifacts
from llmviz.training import architectures, recipes

DATA = architectures.load_data(artifacts.load_model("tiny").tokenizer)
SHORT = recipes.Recipe(steps=6, warm_up=2)


@pytest.mark.parametrize(("decay", "expected"), [
    ("cosine", [0.5, 1, 1, 0.8536, 0.5, 0.1464]), ("linear", [0.5, 1, 1, 0.75, 0.5, 0.25]),
    ("constant", [0.5, 1, 1, 1, 1, 1]),
])  # fmt: skip
def test_the_learning_rate_rises_then_falls(decay, expected):
    assert replace(SHORT, decay=decay).factors() == pytest.approx(expected, abs=1e-4)


def test_first_weights_have_the_asked_spread_and_each_weight_one_optimizer():
    for name, recipe in recipes.variants().items():
        model = recipe.model(seed=1)
        assert model.embedding.weight.std().item() == pytest.approx(recipe.init_std, rel=0.05), name
        held = [weight for one in recipe.optimizers(model) for group in one.param_groups for weight in group["params"]]
        assert sorted(map(id, held)) == sorted(map(id, model.parameters())), name


def test_a_run_is_a_plain_loop_of_torch():
    run = recipes.train_recipe(replace(SHORT, max_norm=None, warm_up=0, decay="constant"), DATA, seed=2)
    model, losses = SHORT.model(2), []
    adamw = torch.optim.AdamW(model.parameters(), lr=SHORT.learning_rate, betas=(0.9, 0.95), weight_decay=0.1)
    for step in range(6):
        windows = recipes.loop.sample_windows(DATA.token_ids, DATA.starts, 8, 64, seed=2, step=step)
        loss = recipes.loop.next_token_loss(model, windows)
        adamw.zero_grad()
        loss.backward()
        adamw.step()
        losses.append(loss.item())
    assert run.losses == pytest.approx(losses, abs=1e-5)
    assert run.held_out < run.losses[0]


def test_clipping_changes_nothing_where_gradients_are_short():
    clipped, plain = (recipes.train_recipe(replace(SHORT, max_norm=norm), DATA) for norm in (100.0, None))
    assert clipped.losses == pytest.approx(plain.losses)
    assert recipes.train_recipe(replace(SHORT, max_norm=0.01), DATA).losses != pytest.approx(plain.losses)
