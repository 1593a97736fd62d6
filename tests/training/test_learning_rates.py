"""Learning rates: what a range test does step by step, where it stops, and the usual schedule against torch's own."""

import pytest
import torch
from fakes import SMALL, random_ids

from llmviz.model.transformer import DecoderOnly
from llmviz.training import warm_up_and_cosine
from llmviz.training.scaling import RangeTest, _smooth, range_test

TEXT = random_ids(400)


def test_the_rate_rises_by_the_same_factor_each_step():
    found = range_test(DecoderOnly(SMALL), TEXT, RangeTest(steps=6, batch_size=2, learning_rate=0.1, lowest=1e-6))
    ratios = [later / rate for rate, later in zip(found.learning_rates, found.learning_rates[1:], strict=False)]
    assert found.learning_rates[0] == pytest.approx(1e-6)
    assert found.learning_rates[-1] == pytest.approx(0.1)
    assert ratios == pytest.approx([10.0] * 5)


def test_it_stops_where_the_loss_has_climbed_and_chooses_before_that():
    settings = RangeTest(steps=200, batch_size=4, learning_rate=1e3, lowest=1e-4, optimizer="adamw")
    found = range_test(DecoderOnly(SMALL), TEXT % 3, settings)
    assert len(found.losses) < 200
    assert found.smoothed[-1] > min(found.smoothed) + 1
    assert found.best == found.learning_rates[found.smoothed.index(min(found.smoothed))]
    assert found.chosen == pytest.approx(found.best / 3)


def test_a_loss_that_is_no_number_ends_the_test_and_not_the_program():
    model = DecoderOnly(SMALL)
    with torch.no_grad():
        model.unembedding.weight.fill_(float("inf"))
    with pytest.raises(ValueError, match="first step"):
        range_test(model, TEXT, RangeTest(steps=5, batch_size=2))


@pytest.mark.parametrize("lowest, highest", [(0.0, 1.0), (1.0, 1.0), (2.0, 1.0)])
def test_rates_that_do_not_rise_get_a_sentence(lowest, highest):
    with pytest.raises(ValueError, match=f"given {lowest} and {highest}"):
        RangeTest(steps=5, learning_rate=highest, lowest=lowest)


def test_smoothing_by_hand():
    assert _smooth([1.0, 3.0]) == pytest.approx([1.0, (0.09 * 1 + 0.1 * 3) / 0.19])


def test_the_usual_schedule_is_torchs():
    """The cosine of torch's own scheduler, after a straight rise."""
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    judge = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
    expected = []
    for _ in range(20):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        judge.step()
    assert warm_up_and_cosine(20, 0) == pytest.approx(expected)
    assert warm_up_and_cosine(24, warm_up=4) == pytest.approx([0.25, 0.5, 0.75, 1.0, *expected])
    with pytest.raises(ValueError, match="from 0 to 9 steps; given 10"):
        warm_up_and_cosine(10, warm_up=10)
