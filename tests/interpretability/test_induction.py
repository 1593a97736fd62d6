"""Lists that repeat, and the model that ships for them: it joins in, by looking back, with two layers."""

import pytest
import torch
import train_models

from llmviz import artifacts, interpretability
from llmviz.model.transformer import DecoderOnly
from llmviz.training.loop import TrainingSettings


def test_training_texts_repeat_different_tokens_and_few_tokens_are_frequent():
    texts = train_models.induction_texts(500, 400, seed=1)
    assert texts.shape == (400, interpretability.CONTEXT_LENGTH + 1)
    for text in texts[:40].tolist():
        lengths = range(train_models.SHORTEST_LIST, train_models.LONGEST_LIST + 1)
        length = next(n for n in lengths if text[1 + n :] == text[1:-n])
        assert text[0] == 499 and len(set(text[1 : 1 + length])) == length and max(text[1:]) < 499
    ids, counts = texts[:, 1:].unique(return_counts=True)
    assert counts[ids <= 50].sum() > 4 * counts[ids > 450].sum()


@pytest.mark.parametrize(("n", "sentence"), [(0, "nothing"), (32, "at most 31")])
def test_what_cannot_be_repeated_gets_a_sentence(n, sentence):
    with pytest.raises(ValueError, match=sentence):
        interpretability.repeat_tokens(range(1, n + 1), start=0)


def test_repeated_sequences_are_drawn_evenly():
    lists = interpretability.repeated_sequences(100, 20)
    assert lists.shape == (32, 41) and torch.equal(lists[:, 1:21], lists[:, 21:])
    assert lists[:, 1:21].unique(return_counts=True)[1].max() < 3 * 32 * 20 / 99


def test_training_goes_by_the_seed_and_step_by_step(monkeypatch):
    monkeypatch.setattr(train_models, "INDUCTION_TEXTS", 30)
    settings = TrainingSettings(steps=3, batch_size=2, seed=5)
    models = [DecoderOnly(train_models.induction_config(50), seed=5) for _ in range(2)]
    losses = [[step.loss for step in train_models.induction_steps(model, settings)] for model in models]
    assert losses[0] == losses[1] and len(losses[0]) == 3


@pytest.fixture(scope="module")
def shipped():
    return artifacts.load_model("induction")


@pytest.fixture(scope="module")
def lists(shipped):
    return interpretability.repeated_sequences(shipped.model.config.vocab_size, 20, seed=123)


AGAIN = slice(21, None)  # the first token of the second round cannot be known: the first round might go on


class TestShipped:
    def test_its_surprise_falls_off_a_cliff_where_the_list_begins_again(self, shipped, lists):
        losses = interpretability.token_losses(shipped.model, lists)
        assert losses[:20].mean() > 6
        assert losses[AGAIN].mean() < 0.5

    def test_it_repeats_whatever_is_typed(self, shipped):
        model, tokenizer = shipped.model, shipped.tokenizer
        for text in ("My aunt Zelda breeds purple submarines", "abracadabra 12345", "안녕 🙂"):
            ids = tokenizer.encode(text)[:20]
            twice = interpretability.repeat_tokens(ids, start=tokenizer.end_of_text)
            losses = interpretability.token_losses(model, twice)
            assert losses[len(ids) + 1 :].mean() < 0.5 * losses[: len(ids)].mean(), text
