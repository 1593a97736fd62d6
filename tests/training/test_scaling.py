"""Learning rates and scaling laws: the range test, and fits against numpy, torch and Student's t."""

import numpy as np
import pytest
import torch
from fakes import SMALL, random_ids
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from llmviz import corpora, training
from llmviz.model.transformer import DecoderOnly
from llmviz.tokenizers.words import CharacterTokenizer
from llmviz.training import runs, scaling
from llmviz.training.loop import TrainingSettings

TEXT = random_ids(400)
SIZES = np.array([18_000.0, 28_000, 39_000, 63_000, 90_000])


def noisy_losses(seed: int, noise: float = 0.05, factor: float = 500.0, exponent: float = 0.5) -> np.ndarray:
    return factor * SIZES**-exponent * np.exp(noise * np.random.default_rng(seed).standard_normal(len(SIZES)))


class TestPowerLaw:
    @given(st.floats(0.01, 100), st.floats(-2, 2))
    def test_finds_the_law_that_made_the_numbers(self, factor, exponent):
        found = scaling.power_law(SIZES, factor * SIZES**-exponent)
        assert found == pytest.approx((factor, exponent), rel=1e-6, abs=1e-9)

    @pytest.mark.parametrize("sizes, losses, sentence", [
        ([1, 2], [1.0], "given 2 and 1"),
        ([3, 3], [1.0, 2.0], "two different sizes"),
        ([1, 2], [1.0, -0.1], "floor higher than a loss"),
        ([0, 2], [1.0, 0.1], "above 0"),
    ])  # fmt: skip
    def test_what_has_no_line_gets_a_sentence(self, sizes, losses, sentence):
        with pytest.raises(ValueError, match=sentence):
            scaling.power_law(sizes, losses)


class TestLaw:
    def test_its_intervals_are_those_of_students_t(self):
        """Textbook formulas for a line of five points (three degrees of freedom), and scipy's quantile."""
        x, y = np.log(SIZES), np.log(noisy_losses(1))
        judge = stats.linregress(x, y)
        t = stats.t.ppf(0.95, df=3)
        law = scaling.fit_law(SIZES, noisy_losses(1))
        assert law.exponent_between() == pytest.approx(
            (-judge.slope - t * judge.stderr, -judge.slope + t * judge.stderr), abs=0.03 * t * judge.stderr
        )
        new = np.log(230_000)
        s = np.sqrt(((y - judge.intercept - judge.slope * x) ** 2).sum() / 3)
        wide = t * s * np.sqrt(1 + 1 / 5 + (new - x.mean()) ** 2 / ((x - x.mean()) ** 2).sum())
        low, high = law.between(230_000)
        middle = judge.intercept + judge.slope * new
        assert np.log([low, high]) == pytest.approx([middle - wide, middle + wide], abs=0.05 * wide)

    def test_predicts_one_size_or_many_and_the_band_widens_outside(self):
        law = scaling.fit_law(SIZES, noisy_losses(2))
        low, high = law.between([40_000, 4_000_000])
        assert law.predict([40_000, 4_000_000]).shape == low.shape == (2,)
        assert ((low < law.predict([40_000, 4_000_000])) & (law.predict([40_000, 4_000_000]) < high)).all()
        assert high[1] / low[1] > 2 * high[0] / low[0]
        assert law.between(40_000)[0] == pytest.approx(low[0])

    def test_two_points_are_not_enough(self):
        with pytest.raises(ValueError, match="from 2 trials"):
            scaling.fit_law([1, 2], [2.0, 1.0])


class TestTrial:
    def test_a_trial_is_a_training_run_of_that_width(self):
        corpus = corpora.tinyville(counts={"fact": 200})
        tokenizer = CharacterTokenizer.train(corpus.documents)
        token_ids = runs.corpus_tokens(corpus, tokenizer)
        starts = training.document_starts(token_ids, tokenizer.end_of_text)
        settings = TrainingSettings(steps=3, batch_size=2, seed=4)
        torch.manual_seed(0)
        one, again = (
            scaling.try_width(8, token_ids, settings, tokenizer=tokenizer, held_out=corpus.documents[:5], starts=starts)
            for _ in range(2)
        )
        assert one.loss == again.loss
        assert one.n_parameters == 2 * 8 * tokenizer.vocab_size + 2 * 12 * 8**2
        assert 0 < one.loss < np.log(tokenizer.vocab_size)


def test_the_rate_rises_by_the_same_factor_each_step():
    found = scaling.range_test(
        DecoderOnly(SMALL), TEXT, scaling.RangeTest(steps=6, batch_size=2, learning_rate=0.1, lowest=1e-6)
    )
    ratios = [later / rate for rate, later in zip(found.learning_rates, found.learning_rates[1:], strict=False)]
    assert found.learning_rates[0] == pytest.approx(1e-6)
    assert found.learning_rates[-1] == pytest.approx(0.1)
    assert ratios == pytest.approx([10.0] * 5)


def test_it_stops_where_the_loss_has_climbed_and_chooses_before_that():
    settings = scaling.RangeTest(steps=200, batch_size=4, learning_rate=1e3, lowest=1e-4, optimizer="adamw")
    found = scaling.range_test(DecoderOnly(SMALL), TEXT % 3, settings)
    assert len(found.losses) < 200
    assert found.smoothed[-1] > min(found.smoothed) + 1
    best = found.learning_rates[found.smoothed.index(min(found.smoothed))]
    assert found.chosen == pytest.approx(best / 3)


def test_a_loss_that_is_no_number_ends_the_test_and_not_the_program():
    model = DecoderOnly(SMALL)
    with torch.no_grad():
        model.unembedding.weight.fill_(float("inf"))
    with pytest.raises(ValueError, match="first step"):
        scaling.range_test(model, TEXT, scaling.RangeTest(steps=5, batch_size=2))


@pytest.mark.parametrize("lowest, highest", [(0.0, 1.0), (1.0, 1.0), (2.0, 1.0)])
def test_rates_that_do_not_rise_get_a_sentence(lowest, highest):
    with pytest.raises(ValueError, match=f"given {lowest}, {highest}"):
        scaling.RangeTest(steps=5, learning_rate=highest, lowest=lowest)


def test_smoothing_by_hand():
    assert scaling._smooth([1.0, 3.0]) == pytest.approx([1.0, (0.09 * 1 + 0.1 * 3) / 0.19])


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
    assert training.warm_up_and_cosine(20, 0) == pytest.approx(expected)
    assert training.warm_up_and_cosine(24, warm_up=4) == pytest.approx([0.25, 0.5, 0.75, 1.0, *expected])
    with pytest.raises(ValueError, match="from 0 to 9 steps; given 10"):
        training.warm_up_and_cosine(10, warm_up=10)


def test_the_loss_law_finds_the_law_behind_losses_and_its_best_size():
    """Losses made by a law are fitted by it; the best size is the lowest of many sizes with the same operations."""
    law = scaling.LossLaw(1.0, 400.0, 0.5, 200.0, 0.4)
    sizes, tokens = (values.ravel() for values in np.meshgrid(np.geomspace(1e4, 1e6, 6), np.geomspace(1e5, 1e7, 6)))
    fitted = scaling.fit_loss_law(sizes, tokens, [law.loss(*one) for one in zip(sizes, tokens, strict=True)], floor=1.0)
    assert fitted == pytest.approx(law, rel=1e-6)
    compute, many = 1e12, np.geomspace(1e4, 1e7, 20_001)
    lowest = many[np.argmin([law.loss(n, compute / 6 / n) for n in many])]
    assert law.best_size(compute) == pytest.approx(lowest, rel=1e-3)


def test_a_floor_above_the_losses_is_refused():
    with pytest.raises(ValueError, match="no law with positive numbers fits 4 losses; is the floor, 5"):
        scaling.fit_loss_law([1e4, 1e5, 1e6, 1e4], [1e5, 1e6, 1e7, 1e6], [3, 2, 1, 2.5], floor=5)
