"""Scaling: the fitted line and its uncertainty against numpy, Student's t and known truth; trials are what they say."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from llmviz import corpora, training
from llmviz.tokenizers.words import CharacterTokenizer
from llmviz.training import runs, scaling
from llmviz.training.loop import TrainingSettings

SIZES = np.array([18_000.0, 28_000, 39_000, 63_000, 90_000])


def noisy_losses(seed: int, noise: float = 0.05, factor: float = 500.0, exponent: float = 0.5) -> np.ndarray:
    return factor * SIZES**-exponent * np.exp(noise * np.random.default_rng(seed).standard_normal(len(SIZES)))


class TestPowerLaw:
    @given(st.floats(0.01, 100), st.floats(-2, 2))
    def test_finds_the_law_that_made_the_numbers(self, factor, exponent):
        found = scaling.power_law(SIZES, factor * SIZES**-exponent)
        assert found == pytest.approx((factor, exponent), rel=1e-6, abs=1e-9)

    @pytest.mark.parametrize("sizes, losses, sentence", [
        ([1, 2], [1.0], "2 sizes and 1 losses"),
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
