"""Lists that repeat, and the model that ships for them: it joins in, by looking back, with two layers."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llmviz.files import data_path
from llmviz.interpretability import ablation, heads, induction
from llmviz.model.transformer import DecoderOnly
from llmviz.training import checkpoints
from llmviz.training.loop import TrainingSettings


class TestLists:
    @given(st.integers(2, 8), st.integers(0, 8), st.integers(0, 1000))
    def test_each_text_says_different_tokens_again_and_again(self, shortest, more, seed):
        texts = induction.random_lists(40, 5, seed=seed, shortest=shortest, longest=shortest + more)
        assert texts.shape == (5, induction.CONTEXT_LENGTH + 1)
        for text in texts.tolist():
            [length] = [n for n in range(shortest, shortest + more + 1) if text[1 + n :] == text[1:-n]][:1]
            assert text[0] == 39 and len(set(text[1 : 1 + length])) == length
            assert min(text[1:]) >= 0 and max(text[1:]) < 39

    def test_the_same_seed_draws_the_same(self):
        one, other, third = (induction.random_lists(40, 5, seed=seed) for seed in (1, 1, 2))
        assert torch.equal(one, other) and not torch.equal(one, third)

    def test_few_tokens_come_often(self):
        ids, counts = induction.random_lists(500, 400, seed=0)[:, 1:].unique(return_counts=True)
        assert counts[ids <= 50].sum() > 4 * counts[ids > 450].sum()

    @pytest.mark.parametrize("sizes", [(0, 4), (5, 4), (4, 40)])
    def test_impossible_lengths_get_a_sentence(self, sizes):
        with pytest.raises(ValueError, match=f"from {sizes[0]} to {sizes[1]} different tokens"):
            induction.random_lists(40, 5, seed=0, shortest=sizes[0], longest=sizes[1])

    @given(st.lists(st.integers(1, 99), min_size=1, max_size=20), st.integers(1, 3))
    def test_repeating_is_repeating(self, ids, times):
        assert induction.repeat(ids, times, start=100).tolist() == [100] + ids * times

    @pytest.mark.parametrize(("n", "times", "sentence"), [(0, 2, "nothing"), (3, 0, "nothing"), (32, 2, "at most 31")])
    def test_what_cannot_be_repeated_gets_a_sentence(self, n, times, sentence):
        with pytest.raises(ValueError, match=sentence):
            induction.repeat(range(1, n + 1), times, start=0)

    def test_fresh_lists_are_drawn_evenly(self):
        lists = induction.fresh_lists(100, 20, times=3, n_texts=200)
        assert lists.shape == (200, 61)
        assert torch.equal(lists[:, 1:21], lists[:, 41:])
        assert lists[:, 1:21].unique(return_counts=True)[1].max() < 3 * 200 * 20 / 99


def test_training_goes_by_the_seed_and_step_by_step():
    settings = TrainingSettings(steps=3, batch_size=2, seed=5)
    models = [DecoderOnly(induction.config(50), seed=5) for _ in range(2)]
    losses = [[step.loss for step in induction.train_steps(model, settings, n_texts=30)] for model in models]
    assert losses[0] == losses[1] and len(losses[0]) == 3


@pytest.fixture(scope="module")
def shipped():
    return checkpoints.load_induction()


@pytest.fixture(scope="module")
def lists(shipped):
    return induction.fresh_lists(shipped.model.config.vocab_size, 20, n_texts=40, seed=123)


AGAIN = slice(21, None)  # the first token of the second round cannot be known: the first round might go on


class TestShipped:
    def test_it_is_small_and_says_how_it_was_made(self, shipped):
        files = list(data_path(checkpoints.INDUCTION).iterdir())
        assert {path.suffix for path in files} == {".safetensors", ".json"}
        assert sum(path.stat().st_size for path in files) < 1_000_000
        assert shipped.record["command"] == "python -m llmviz.make_models induction"
        assert shipped.record["seconds"] > 0 and shipped.step == shipped.settings.steps
        assert shipped.tokenizer.vocab_size == shipped.model.config.vocab_size
        assert shipped.tokenizer.end_of_text == shipped.model.config.vocab_size - 1

    def test_its_surprise_falls_off_a_cliff_where_the_list_begins_again(self, shipped, lists):
        losses = ablation.token_losses(shipped.model, lists)
        assert losses[:20].mean() > 6
        assert losses[AGAIN].mean() < 0.5

    def test_it_repeats_whatever_is_typed(self, shipped):
        model, tokenizer = shipped.model, shipped.tokenizer
        for text in ("My aunt Zelda breeds purple submarines", "abracadabra 12345", "안녕 🙂"):
            ids = tokenizer.encode(text)[:20]
            losses = ablation.token_losses(model, induction.repeat(ids, start=tokenizer.end_of_text))
            assert losses[len(ids) + 1 :].mean() < 0.5 * losses[: len(ids)].mean(), text

    def test_induction_heads_are_in_the_second_layer_and_previous_token_heads_in_the_first(self, shipped, lists):
        weights = shipped.model.trace(lists[:8]).attention_weights.detach().numpy()
        scores = sum(heads.induction_score(weights[:, row], lists[row].tolist()) for row in range(8)) / 8
        previous = sum(heads.previous_token_score(weights[:, row]) for row in range(8)) / 8
        assert scores[1].max() > 0.4 > 5 * scores[0].max()
        assert previous[0].max() > 0.4 > 5 * previous[1].max()

    def test_a_layer_is_needed_whole_and_an_induction_head_alone_is_not(self, shipped, lists):
        model = shipped.model
        effects = ablation.head_effects(model, lists, positions=AGAIN)
        assert effects[0].max() > 2, "one head of the first layer carries the news of who stood before"
        assert effects[1].max() < 1, "the induction heads stand in for one another"
        for layer in (0, 1):
            off = ablation.token_losses(model, lists, ablate_heads=[(layer, head) for head in range(4)])
            assert off[AGAIN].mean() > 5
