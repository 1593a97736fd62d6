"""Training: what is read, what is measured, that it learns, and that it can be taken up bit for bit."""

import math
from collections import Counter
from itertools import islice, pairwise

import pytest
import torch
import torch.nn.functional as F
from fakes import SMALL, bigram_model, noisy_model, random_ids, same_weights, uniform_model
from hypothesis import given
from hypothesis import strategies as st

from llmviz.model.transformer import DecoderOnly
from llmviz.training.loop import (
    TrainingSettings,
    cross_entropy,
    document_starts,
    evaluate,
    make_optimizers,
    next_token_loss,
    optimize_steps,
    sample_windows,
    train,
    train_steps,
)

seeds = st.integers(0, 2**31 - 1)
TEXT = random_ids(200)


def bigram_entropy(token_ids: list[int]) -> float:
    """The least mean surprise, in nats per token, of anything that looks at the last token alone."""
    pairs, firsts = Counter(pairwise(token_ids)), Counter(token_ids[:-1])
    return -sum(n * math.log(n / firsts[first]) for (first, _), n in pairs.items()) / sum(pairs.values())


@given(st.integers(1, 6), st.integers(2, 9), seeds)
def test_cross_entropy_is_torchs(n_positions, vocab_size, seed):
    generator = torch.Generator().manual_seed(seed)
    logits = 20 * torch.randn(n_positions, vocab_size, generator=generator)
    token_ids = torch.randint(vocab_size, (n_positions,), generator=generator)
    torch.testing.assert_close(cross_entropy(logits, token_ids), F.cross_entropy(logits, token_ids))


class TestSettings:
    @pytest.mark.parametrize("changed, sentence", [
        ({"steps": 0}, r"of at least 1, seed is one; given \(0, 8, 0\)"),
        ({"steps": -3}, r"of at least 1, seed is one; given \(-3, 8, 0\)"),
        ({"batch_size": 0}, r"of at least 1, seed is one; given \(10, 0, 0\)"),
        ({"steps": 10.0}, "whole"),
        ({"batch_size": 2.5}, "whole"),
        ({"optimizer": "sgd"}, "\"muon\" and \"adamw\"; given 'sgd'"),
        ({"learning_rate": 0.0}, "above 0; given 0.0"),
        ({"learning_rate": math.nan}, "above 0; given nan"),
        ({"embedding_learning_rate": -1.0}, "above 0; given 0.02, -1.0"),
        ({"decay": 0.0}, "decay .* given 0"),
        ({"decay": 1.5}, "decay .* given 1.5"),
    ])  # fmt: skip
    def test_impossible_ones_get_a_sentence(self, changed, sentence):
        with pytest.raises(ValueError, match=sentence):
            TrainingSettings(**{"steps": 10, **changed})

    def test_the_schedule_by_hand(self):
        settings = TrainingSettings(steps=8, decay=0.5)
        assert [settings.schedule(step) for step in range(8)] == [1, 1, 1, 1, 1, 0.75, 0.5, 0.25]


class TestWindows:
    @given(st.integers(1, 12), st.integers(1, 20), seeds, st.integers(0, 10**6))
    def test_are_pieces_of_the_text_and_the_same_for_the_same_seed_and_step(self, n_windows, length, seed, step):
        text = torch.arange(40)
        windows = sample_windows(text, None, n_windows, length, seed=seed, step=step)
        assert windows.shape == (n_windows, length + 1)
        assert torch.equal(windows - windows[:, :1], torch.arange(length + 1).expand_as(windows))
        assert torch.equal(windows, sample_windows(text, None, n_windows, length, seed=seed, step=step))

    def test_of_documents_are_chains_of_whole_documents_cut_at_the_end(self):
        text = torch.tensor([9, 1, 2, 9, 3, 9, 4, 5, 9])
        starts = document_starts(text, end_of_text=9)
        assert starts.tolist() == [0, 3, 5, 8]
        windows = sample_windows(text, starts, 300, 3, seed=0, step=0)
        chains = [[9, 1, 2, 9], [9, 4, 5, 9], *([9, 3, *rest] for rest in ([9, 1], [9, 3], [9, 4]))]
        assert {tuple(row) for row in windows.tolist()} == set(map(tuple, chains))
        assert torch.equal(windows, sample_windows(text, starts, 300, 3, seed=0, step=0))

    def test_need_enough_text(self):
        with pytest.raises(ValueError, match="a window of 5 tokens needs a text of at least 6; given 5"):
            sample_windows(torch.arange(5), None, 1, 5, seed=0, step=0)
        assert sample_windows(torch.arange(6), None, 1, 5, seed=0, step=0).tolist() == [[0, 1, 2, 3, 4, 5]]
        with pytest.raises(ValueError, match=r"between end-of-text tokens \(id 9\); found 1"):
            document_starts(torch.tensor([9, 1, 2]), end_of_text=9)


class TestLoss:
    def test_is_the_mean_surprise_over_all_positions(self):
        model, windows = noisy_model(), random_ids(2, 6)
        nats = []
        for window in windows:
            probabilities = model(window[None, :-1])[0].softmax(-1)
            nats += [-math.log(probabilities[i, window[i + 1]].item()) for i in range(5)]
        assert next_token_loss(model, windows).item() == pytest.approx(sum(nats) / 10, rel=1e-4)


def test_rows_are_drawn_whole_and_as_documents_of_their_length():
    rows = random_ids(6, 9, seed=1)
    drawn = sample_windows(rows, None, 20, 8, seed=2, step=3)
    starts = torch.arange(len(rows) + 1) * 9
    assert torch.equal(drawn, sample_windows(rows.flatten(), starts, 20, 8, seed=2, step=3))
    assert {tuple(row) for row in drawn.tolist()} <= {tuple(row) for row in rows.tolist()}


def test_one_loop_serves_any_loss_and_schedule():
    """Gradient descent on x² / 2: each step takes away lr · factor of x."""
    x = torch.nn.Parameter(torch.tensor(1.0))
    steps = optimize_steps(
        lambda step: x.square() / 2, [torch.optim.SGD([x], lr=0.5)], 3, schedule=lambda step: 1 - step / 3
    )
    with torch.no_grad():  # as a caller may have it
        done = list(steps)
    assert [step.learning_rate for step in done] == pytest.approx([0.5, 1 / 3, 1 / 6])
    assert x.item() == pytest.approx(0.5 * (2 / 3) * (5 / 6))
    assert [step.loss for step in done] == pytest.approx([1 / 2, 0.5**2 / 2, (1 / 3) ** 2 / 2])


class TestEvaluate:
    def test_of_a_model_that_knows_nothing_is_the_logarithm_of_the_vocabulary(self):
        assert evaluate(uniform_model(7, context_length=5), random_ids(33, vocab_size=7)) == pytest.approx(math.log(7))

    @given(st.integers(2, 40), st.integers(1, 9), seeds)
    def test_predicts_each_token_but_the_first_exactly_once(self, n_tokens, context_length, seed):
        """A model that sees only the last token has the same surprise however the text is cut."""
        logits = torch.randn(4, 4, generator=torch.Generator().manual_seed(seed))
        ids = random_ids(n_tokens, vocab_size=4, seed=seed)
        log_probabilities = logits.log_softmax(-1)
        expected = [-log_probabilities[one, other].item() for one, other in pairwise(ids.tolist())]
        found = evaluate(bigram_model(logits, context_length=context_length), ids)
        assert found == pytest.approx(sum(expected) / len(expected), rel=1e-4)

    @pytest.mark.parametrize("n_tokens", [0, 1])
    def test_needs_something_to_predict(self, n_tokens):
        with pytest.raises(ValueError, match=f"from the second token on; given {n_tokens}"):
            evaluate(uniform_model(4), random_ids(n_tokens, vocab_size=4))


class TestTraining:
    SETTINGS = TrainingSettings(steps=10, batch_size=4)

    @pytest.mark.parametrize("optimizer, learning_rate", [("muon", 0.02), ("adamw", 0.01)])
    def test_learns_what_the_last_token_alone_cannot_tell(self, optimizer, learning_rate):
        """After 0 comes 1, 2 or 3, as it came the time before last: one needs to look back."""
        ids = torch.tensor([0, 1, 0, 2, 0, 3, 0, 4, 0, 5] * 40)
        model = DecoderOnly(SMALL)
        steps = train(model, ids, TrainingSettings(
            steps=120, batch_size=8, optimizer=optimizer, learning_rate=learning_rate))  # fmt: skip
        assert steps[0].loss == pytest.approx(math.log(11), rel=1e-4)
        # The first positions of a window cannot know where in the text they stand, hence the last one here.
        with torch.inference_mode():
            last = model(ids.unfold(0, 8, 1)[:-1])[:, -1]
        assert F.cross_entropy(last, ids[8:]).item() < 0.3 * bigram_entropy(ids.tolist())

    def test_reads_only_from_the_places_given(self):
        ids = torch.cat((torch.zeros(50, dtype=torch.long), torch.ones(50, dtype=torch.long)))
        model, untouched = noisy_model(), noisy_model()
        train(model, ids, self.SETTINGS, starts=torch.tensor([0, 7, 20]))
        changed = (model.embedding.weight != untouched.embedding.weight).any(dim=1)
        assert changed.tolist() == [True] + 10 * [False]

    @pytest.mark.parametrize("n_first", [1, 5, 9])
    @pytest.mark.parametrize("optimizer", ["muon", "adamw"])
    def test_in_two_parts_ends_bit_for_bit_as_in_one(self, optimizer, n_first):
        settings = TrainingSettings(steps=10, batch_size=4, optimizer=optimizer)
        whole, parted = noisy_model(), noisy_model()
        expected = train(whole, TEXT, settings)
        optimizers = make_optimizers(parted, settings)
        steps = list(islice(train_steps(parted, TEXT, settings, optimizers=optimizers), n_first))
        assert not same_weights(whole, parted)
        steps += train_steps(parted, TEXT, settings, optimizers=optimizers, first_step=n_first)
        assert [(step.loss, step.learning_rate) for step in steps] == [
            (step.loss, step.learning_rate) for step in expected
        ]
        assert same_weights(whole, parted)

    def test_says_when_the_learning_rate_is_too_high(self):
        settings = TrainingSettings(steps=10, optimizer="adamw", learning_rate=1e30)
        with pytest.raises(ArithmeticError, match=r"no longer a number at step .* too high\? Try a tenth"):
            train(noisy_model(), TEXT, settings)
