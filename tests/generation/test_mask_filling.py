"""Filling in by two models: probabilities by hand, what each may see, blanks that are typed, and bad input."""

import pytest
import torch
from fakes import noisy_model, predict_masked
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz import artifacts
from llmviz.generation import FillMask
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import EncoderOnly
from llmviz.tinyville import Tinyville
from llmviz.tokenizers.bpe import BytePairTokenizer
from llmviz.tokenizers.words import WORD, CharacterTokenizer
from llmviz.training.masked_lm import mask_token_id

TINY = artifacts.load_model("tiny")
TOKENIZER = BytePairTokenizer.train("Mia found a red kite. Otto found a blue kite in the tree.", 267)
SIZES = {"context_length": 40, "d_model": 16, "n_layers": 1, "n_heads": 2, "d_ff": 16}
MASKED = noisy_model(ModelConfig(TOKENIZER.vocab_size + 1, **SIZES), 0, EncoderOnly)
CAUSAL = noisy_model(ModelConfig(TOKENIZER.vocab_size, **SIZES))
FILLER = FillMask(MASKED, CAUSAL, TOKENIZER)
FILLER.beam_width = TOKENIZER.vocab_size  # every token is tried
TEXT = "Mia found a kite"
SHIPPED = FillMask(artifacts.load_model("masked_long").model, TINY.model, TINY.tokenizer, world=Tinyville())


def test_a_word_of_one_token_gets_the_masked_models_own_probability():
    ids, words = FILLER.read(TEXT)
    assert [word.text for word in words] == TEXT.split() and [words[2].start, words[2].stop] == [6, 7]
    [filling] = FILLER.fill(TEXT, [2])
    row = torch.tensor([ids])
    row[0, 6] = mask_token_id(MASKED)
    expected = MASKED(row)[0, 6, :-1].softmax(-1)
    assert filling.both_sides["a"] >= expected[ids[6]].item() - 1e-6  # "a" is also spelled without the space
    assert sum(filling.both_sides.values()) == pytest.approx(1, abs=1e-5)


def test_a_word_of_several_tokens_is_filled_from_left_to_right():
    text = "a kite"  # short: every pair of tokens is tried
    ids, words = FILLER.read(text)
    word = next(word for word in words if word.stop - word.start == 2)
    row = torch.tensor([ids])
    row[0, word.start : word.stop] = mask_token_id(MASKED)
    masked = row[0].clone()
    first = MASKED(row)[0, word.start, :-1].softmax(-1)[ids[word.start]]
    row[0, word.start] = ids[word.start]
    second = MASKED(row)[0, word.start + 1, :-1].softmax(-1)[ids[word.start + 1]]
    wide = FillMask(MASKED, CAUSAL, TOKENIZER)
    wide.beam_width = TOKENIZER.vocab_size**2
    found = wide._fill_word(masked, word)
    assert found[word.text] >= (first * second).item() - 1e-6
    assert sum(found.values()) == pytest.approx(1, abs=1e-4)


def test_the_left_side_is_blind_to_the_right_and_the_masked_model_is_not():
    one, other = (FILLER.fill(f"Mia found a {word}", [1])[0] for word in ("kite", "tree"))
    assert one.left_side == other.left_side
    assert one.both_sides != other.both_sides


def test_the_left_sides_word_ends_where_it_is_likely_to_end():
    """The chance of a word is that of its tokens times that of not going on."""
    [filling] = FILLER.fill("Mia found", [1])
    [end] = [TOKENIZER.end_of_text]
    before = [end, *TOKENIZER.encode("Mia")]
    goes_on = torch.tensor([WORD.match("a" + token)[0] != "a" for token in TOKENIZER.tokens(range(end + 1))])
    chances = CAUSAL(torch.tensor([before]))[0, -1].softmax(-1)
    a = TOKENIZER.encode(" a")[0]
    after = CAUSAL(torch.tensor([[*before, a]]))[0, -1].softmax(-1)
    expected = chances[a] / chances[~goes_on].sum() * (1 - after[goes_on].sum())
    assert filling.left_side["a"] == pytest.approx(expected.item(), rel=0.01)


def test_a_typed_blank_is_the_same_as_a_hidden_word():
    [typed], [hidden] = FILLER.fill("Mia found ___ kite"), FILLER.fill("Mia found a kite", [2])
    assert typed.word.text is None and hidden.word.text == "a"
    assert typed.both_sides == pytest.approx(hidden.both_sides)
    assert typed.left_side == pytest.approx(hidden.left_side)
    probabilities = predict_masked(MASKED, TOKENIZER, "Mia found ___ kite")
    best = TOKENIZER.decode([int(probabilities.argmax())]).strip()
    assert best in list(typed.both_sides)[:2]


def test_several_blanks_are_all_hidden_and_the_left_side_reads_its_own_guess():
    first, second = SHIPPED.fill("Mia lives in the tower.", [2, 4])
    assert next(iter(first.left_side)) == "in" and next(iter(second.left_side)) == "lighthouse"
    first, second = SHIPPED.fill("Tom likes jam best.", [1, 2])
    guess = next(iter(first.left_side))
    assert guess != "likes"
    [alone] = SHIPPED.fill(f"Tom {guess} jam best.", [2])
    assert second.left_side == pytest.approx(alone.left_side, abs=1e-4)
    assert first.both_sides != SHIPPED.fill("Tom likes jam best.", [1])[0].both_sides


def test_the_worlds_answers_are_for_what_each_can_know():
    [filling] = SHIPPED.fill("The doctor went home. She was tired. She made some tea.", [5])
    assert filling.word.text == "She"
    assert filling.exact_both == {"She": 1.0}
    assert filling.exact_left == pytest.approx({"She": 0.7, "He": 0.3})
    assert filling.left_side["She"] == pytest.approx(0.7, abs=0.15)
    assert SHIPPED.fill("Mia ___ a submarine.")[0].exact_both == {}
    assert FILLER.fill(TEXT, [1])[0].exact_left == {}


@given(st.text(max_size=30), st.integers(0, 5))
@settings(max_examples=20)
def test_anything_typed_is_filled_or_refused_in_a_sentence(text, place):
    try:
        found = FillMask(MASKED, CAUSAL, TOKENIZER).fill(text, [place])
    except ValueError as error:
        assert str(error)[-1].isprintable()
        return
    for filling in found:
        for share in (filling.both_sides, filling.left_side):
            assert 0 < sum(share.values()) <= 1 + 1e-4


def test_bad_input_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="hide a word: give its number"):
        FILLER.fill(TEXT)
    with pytest.raises(ValueError, match="has 4 words, numbered from 0; there is no number 4"):
        FILLER.fill(TEXT, [4])
    with pytest.raises(ValueError, match="see 40 tokens at once"):
        FILLER.fill("Mia " * 40, [0])
    with pytest.raises(ValueError, match="models of the same tokenizer"):
        FillMask(MASKED, CAUSAL, CharacterTokenizer.train("ab"))
    with pytest.raises(ValueError, match="the masked model is an EncoderOnly with an unembedding; given DecoderOnly"):
        FillMask(CAUSAL, CAUSAL, TOKENIZER)
