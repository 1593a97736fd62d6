"""Masked language modeling: the loss counts masked tokens only, documents may be kept apart, both sides are read."""

import math

import pytest
import torch
from fakes import SMALL, noisy_model, random_ids
from hypothesis import given
from hypothesis import strategies as st

from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly, EncoderOnly
from llmviz.tokenizers.words import CharacterTokenizer
from llmviz.training.loop import TrainingSettings, next_token_loss, train
from llmviz.training.masked_lm import (
    _mask_tokens,
    masked_accuracy,
    masked_token_loss,
)

MODEL = noisy_model(SMALL, 0, EncoderOnly)
TOKENIZER = CharacterTokenizer("abcdefg ")  # 8 characters, <unk> and <|endoftext|>: ids 0 to 9, and 10 is the blank


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class TestMaskTokens:
    @given(st.integers(1, 5), st.integers(1, 30), st.floats(0.01, 1), st.integers(0, 99))
    def test_masks_where_it_says_and_leaves_everything_else(self, n_texts, n_positions, rate, seed):
        ids = random_ids(n_texts, n_positions, seed=seed)
        masked, is_masked = _mask_tokens(ids, 99, rate=rate, generator=generator(seed))
        assert (masked == 99).equal(is_masked)
        assert masked[~is_masked].equal(ids[~is_masked])
        assert is_masked.any(dim=1).all()


class TestLoss:
    WINDOWS = random_ids(4, 9, vocab_size=10)

    def test_is_the_mean_surprise_at_the_blanks(self):
        blanked, hidden = _mask_tokens(self.WINDOWS[:, :-1], 10, rate=0.3, generator=generator(5))
        probabilities = MODEL(blanked).softmax(-1).detach()
        by_hand = [-math.log(probabilities[text, place, self.WINDOWS[text, place]])
                   for text, place in hidden.nonzero().tolist()]  # fmt: skip
        found = masked_token_loss(MODEL, self.WINDOWS, generator(5)).item()
        assert found == pytest.approx(sum(by_hand) / len(by_hand), rel=1e-5)

    def test_texts_of_one_window_see_each_other_only_if_nothing_is_said(self):
        """With end_of_text, the loss is that of each text alone, wherever it stands in the window."""
        windows = torch.tensor([[9, 1, 2, 9, 3, 4, 9, 5, 0]])
        blanked, hidden = _mask_tokens(windows[:, :-1], 10, rate=0.3, generator=generator(5))
        alone = []
        for first, last in ((0, 3), (3, 6), (6, 8)):
            log_shares = MODEL(blanked[:, first:last])[0].log_softmax(-1).detach()
            alone += [-log_shares[place, windows[0, first + place]].item()
                      for place in range(last - first) if hidden[0, first + place]]  # fmt: skip
        found = masked_token_loss(MODEL, windows, generator(5), end_of_text=9).item()
        assert found == pytest.approx(sum(alone) / len(alone), rel=1e-4)
        assert found != pytest.approx(masked_token_loss(MODEL, windows, generator(5)).item(), rel=1e-4)


class TestRecovered:
    TEXTS = ("abc", "g", "a b c", "fedcba", "bb")

    def test_is_right_where_the_best_guess_is_the_hidden_token(self):
        """An encoder sees both sides of the hidden token, a decoder only what comes before it."""
        decoder, draws, end = noisy_model(), generator(3), TOKENIZER.end_of_text
        found = [masked_accuracy(model, TOKENIZER, self.TEXTS, seed=3).tolist() for model in (MODEL, decoder)]
        for text, by_encoder, by_decoder in zip(self.TEXTS, *found, strict=True):
            ids = TOKENIZER.encode(text)
            place = int(torch.randint(1, len(ids) + 1, (), generator=draws)) - 1
            row = torch.tensor([[end, *ids[:place], 10, *ids[place + 1 :], end]])
            assert by_encoder == (int(MODEL(row)[0, place + 1, :10].argmax()) == ids[place])
            assert by_decoder == (int(decoder(row[:, : place + 1])[0, -1, :10].argmax()) == ids[place])

    def test_an_empty_text_gets_a_sentence(self):
        with pytest.raises(ValueError, match="at least one token to hide; given ''"):
            masked_accuracy(MODEL, TOKENIZER, ["ab", ""])


def test_a_word_that_only_its_right_neighbor_tells_is_learned_by_the_masked_objective_alone():
    """Texts "xy", y drawn at random, x its partner: from the left x is a guess, from the right it is certain."""
    tokenizer = CharacterTokenizer("abcdefgABCDEFG")
    texts = [letter + letter.upper() for letter in "abcdefg"]
    end = tokenizer.end_of_text
    row = torch.tensor([*(token for text in texts * 10 for token in (end, *tokenizer.encode(text))), end])
    starts = torch.arange(0, len(row), 3)
    settings = TrainingSettings(steps=150, batch_size=16)
    right = {}
    for kind, objective in ((EncoderOnly, masked_token_loss), (DecoderOnly, next_token_loss)):
        model = kind(ModelConfig(17, context_length=9, d_model=32, n_layers=1, n_heads=4, d_ff=64))
        train(model, row, settings, objective=objective, starts=starts)
        right[kind] = masked_accuracy(model, tokenizer, texts * 40).float().mean().item()
    assert right[EncoderOnly] > 0.85
    assert right[DecoderOnly] == pytest.approx((1 + 1 / 7) / 2, abs=0.1)
