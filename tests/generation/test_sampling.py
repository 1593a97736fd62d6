"""Generation: distributions worked by hand, models whose answers are known, and the cache against none."""

import math
from dataclasses import replace

import pytest
import torch
from fakes import SMALL, bigram_model, noisy_model, scripted_model, uniform_model
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz import evaluation, widgets
from llmviz.generation import (
    FillMask,
    SamplingTree,
    apply_temperature,
    beam_search,
    complete,
    generate,
    generate_steps,
    look_ahead,
    sample_texts,
)
from llmviz.generation.sampling import _filter_logits, _sample_token, keep_top_p, new_text
from llmviz.model.transformer import DecoderOnly, EncoderDecoder, EncoderOnly
from llmviz.tokenizers.bpe import BytePairTokenizer
from llmviz.tokenizers.words import CharacterTokenizer, WordTokenizer
from llmviz.translation import translate

MODEL = noisy_model()
SAID = "Mia found a red kite."
WORDS = WordTokenizer.train("Mia found a red kite. Tara lost a map, Leo the cat; Ben has an owl")
HALVES = torch.tensor([0.25, 0.5, 0.1, 0.15])
seeds = st.integers(0, 2**31 - 1)
weights = st.lists(st.floats(0.001, 1.0), min_size=1, max_size=12)


def model_of(probabilities: torch.Tensor, **settings):
    """A model that gives each next token this probability, whatever came before."""
    return bigram_model(probabilities.log().expand(len(probabilities), -1), **settings)


class CountingModel(DecoderOnly):
    """A real model that writes down how many tokens it was given to read, call by call."""

    def forward(self, token_ids, cache=None):
        self.n_read = [*getattr(self, "n_read", []), token_ids.shape[1]]
        return super().forward(token_ids, cache)


class TestTemperature:
    def test_two_squares_the_odds_away_and_a_half_squares_them(self):
        logits = torch.tensor([math.log(4), 0.0])
        assert apply_temperature(logits, 1.0).tolist() == pytest.approx([4 / 5, 1 / 5])
        assert apply_temperature(logits, 2.0).tolist() == pytest.approx([2 / 3, 1 / 3])
        assert apply_temperature(logits, 0.5).tolist() == pytest.approx([16 / 17, 1 / 17])

    @pytest.mark.parametrize("temperature", [0, 1e-3, 1e-30, 1e-45, 1e-320, 5e-324])
    def test_near_zero_leaves_only_the_best(self, temperature):
        assert apply_temperature(torch.tensor([-80.0, -1.0, -3.0]), temperature).tolist() == [0, 1, 0]

class TestFilter:
    @pytest.mark.parametrize(
        "top_k, kept", [(1, "0100"), (2, "1100"), (3, "1101"), (4, "1111"), (9, "1111"), (None, "1111")]
    )
    def test_top_k_by_hand(self, top_k, kept):
        assert _filter_logits(HALVES, top_k, None)[0].tolist() == [letter == "1" for letter in kept]

    @pytest.mark.parametrize("top_p, kept", [
        (0.01, "0100"), (0.5, "0100"), (0.51, "1100"), (0.75, "1100"), (0.76, "1101"), (0.95, "1111"), (1.0, "1111"),
    ])  # fmt: skip
    def test_top_p_by_hand(self, top_p, kept):
        assert keep_top_p(HALVES, top_p).tolist() == [letter == "1" for letter in kept]

    def test_of_equals_the_first_stay(self):
        equal = torch.full((4,), 0.25)
        assert _filter_logits(equal, 2, None)[0].tolist() == [True, True, False, False]
        assert keep_top_p(equal, 0.5).tolist() == [True, True, False, False]

    def test_what_stays_is_shared_out_anew(self):
        model = model_of(HALVES)
        for chosen, expected in (
            ({"top_k": 2}, [1 / 3, 2 / 3, 0, 0]),
            ({"top_p": 0.8}, [0.25 / 0.9, 0.5 / 0.9, 0, 0.15 / 0.9]),
            ({"top_k": 3, "top_p": 0.6}, [1 / 3, 2 / 3, 0, 0]),
            ({"top_k": 1, "top_p": 1.0}, [0, 1, 0, 0]),
            # At temperature 1/2 the odds 25 : 50 : 10 : 15 become 25 : 100 : 4 : 9, and half of the mass is one token.
            ({"temperature": 0.5, "top_p": 0.5}, [0, 1, 0, 0]),
            ({"temperature": 0.5, "top_p": 0.8}, [0.2, 0.8, 0, 0]),
        ):
            (step,) = generate_steps(model, [0], max_new_tokens=1, **chosen)
            assert step.kept_probabilities.tolist() == pytest.approx(expected, abs=1e-6)
            assert step.kept.tolist() == [p > 0 for p in expected]
            assert step.probabilities.sum().item() == pytest.approx(1)


class TestSampleToken:
    @pytest.mark.parametrize("point, token_id", [(0.0, 1), (0.2499, 1), (0.25, 3), (0.9999, 3), (1.0, 3)])
    def test_takes_the_token_on_which_the_point_falls(self, monkeypatch, point, token_id):
        """Laid end to end, token 1 reaches to 0.25 and token 3 to 1; the others have no room."""
        monkeypatch.setattr(torch, "rand", lambda n, generator: torch.full((n,), point))
        assert _sample_token(torch.tensor([0.0, 0.25, 0.0, 0.75, 0.0]), torch.Generator()) == token_id

    def test_depends_on_its_seed_alone(self):
        model = uniform_model(50)

        def text(seed):
            return generate(model, [0], max_new_tokens=30, seed=seed)

        torch.manual_seed(1)
        one = text(3)
        torch.manual_seed(2)
        state = torch.get_rng_state()
        assert text(3) == one
        assert torch.equal(torch.get_rng_state(), state)
        assert len({tuple(text(seed)) for seed in range(20)}) == 20


class TestLength:
    def test_follows_a_script_to_its_stop_token_which_is_given_too(self):
        script = [5, 3, 8, 2, 9, 4]
        model = scripted_model(10, script, prompt_length=2)
        assert generate(model, [9, 1], max_new_tokens=20, stop_tokens={9}) == [5, 3, 8, 2, 9]
        assert generate(model, [9, 1], max_new_tokens=20, stop_tokens=(4, 8)) == [5, 3, 8]


class TestCache:
    @settings(max_examples=10)
    @given(st.lists(st.integers(0, 10), min_size=1, max_size=12), st.sampled_from([0, 0.7, 1.5]), seeds)
    def test_gives_the_same_text_as_none_also_beyond_the_context(self, prompt, temperature, seed):
        runs = [
            list(generate_steps(
                MODEL, prompt, max_new_tokens=14, temperature=temperature, seed=seed, use_cache=use_cache
            ))
            for use_cache in (True, False)
        ]  # fmt: skip
        assert [step.token_id for step in runs[0]] == [step.token_id for step in runs[1]]
        for cached, uncached in zip(*runs, strict=True):
            torch.testing.assert_close(cached.probabilities, uncached.probabilities, rtol=0, atol=1e-4)

    def test_means_reading_each_token_once_while_the_text_fits(self):
        model = CountingModel(SMALL)
        generate(model, [1, 2, 3], max_new_tokens=9)
        assert model.n_read == [3, 1, 1, 1, 1, 1, 8, 8, 8]
        model.n_read = []
        generate(model, [1, 2, 3], max_new_tokens=7, use_cache=False)
        assert model.n_read == [3, 4, 5, 6, 7, 8, 8]


class TestLookAhead:
    def test_each_way_has_the_probabilities_that_the_model_gives_after_it(self):
        found = look_ahead(MODEL, [1, 2], top_k=3, depth=2)
        assert len(found) == 1 + 3 + 9
        assert next(iter(found)) == ()
        for way, probabilities in found.items():
            expected = MODEL(torch.tensor([[1, 2, *way]]))[0, -1].softmax(dim=-1)
            torch.testing.assert_close(probabilities, expected, rtol=1e-4, atol=1e-5)

    def test_the_best_branch_off_and_none_goes_on_after_the_end(self):
        model = model_of(HALVES)
        assert set(look_ahead(model, [0], top_k=2, depth=1)) == {(), (1,), (0,)}
        assert set(look_ahead(model, [0], top_k=2, depth=2, stop_tokens={0})) == {(), (1,), (1, 1)}
        assert set(look_ahead(model, [0], top_k=9, depth=0)) == {()}
        assert set(look_ahead(model_of(HALVES[1:2]), [0], top_k=9, depth=9, stop_tokens={0})) == {()}


class TestComplete:
    TOKENIZERS = (
        WORDS, CharacterTokenizer.train(SAID), BytePairTokenizer.train(SAID * 3, 280), BytePairTokenizer(()),
    )  # fmt: skip

    @pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=lambda tokenizer: tokenizer.kind)
    @pytest.mark.parametrize("prompt", ["", "Mia", "Mia found", "Mia found a red kite"])
    def test_goes_on_where_the_prompt_ends_and_stops_at_the_end_of_the_text(self, tokenizer, prompt):
        script = [*tokenizer.encode(SAID)[len(tokenizer.encode(prompt)) :], tokenizer.end_of_text, 0, 0]
        model = scripted_model(tokenizer.vocab_size, script, 1 + len(tokenizer.encode(prompt)))
        assert complete(model, tokenizer, prompt, temperature=0) == SAID[len(prompt) :]
        assert sample_texts(model, tokenizer, 2, prompt=prompt) == [SAID, SAID]

    def test_adds_no_end_of_text(self):
        end = WORDS.end_of_text
        assert new_text(WORDS, [end], [*WORDS.encode("Mia found"), end]) == "Mia found"
        assert new_text(WORDS, [end, *WORDS.encode("Mia")], WORDS.encode("found a")) == " found a"
        assert new_text(WORDS, WORDS.encode("Bob"), WORDS.encode("found")) == " found"
        assert new_text(WORDS, [end], [end]) == ""

    def test_ends_at_the_models_context_where_the_text_does_not(self):
        model = scripted_model(WORDS.vocab_size, WORDS.encode("Mia"), 1, context_length=5)
        assert complete(model, WORDS, "", temperature=0) == "Mia Mia Mia Mia Mia"
        assert complete(model, WORDS, "", temperature=0, max_new_tokens=2) == "Mia Mia"

class TestRefuses:
    @pytest.mark.parametrize("settings, sentence", [
        ({"temperature": -0.1}, "temperature is 0 .* or above; given -0.1"),
        ({"temperature": math.nan}, "temperature .* given nan"),
        ({"top_k": 0}, "top_k keeps at least one token; given 0"),
        ({"temperature": math.inf}, "temperature .* given inf"),
        ({"temperature": "hot"}, "temperature .* given 'hot'"),
        ({"top_k": 2.5}, "top_k keeps at least one token; given 2.5"),
        ({"top_p": True}, "top_p .* given True"),
        ({"max_new_tokens": None}, "max_new_tokens is a whole number from 0 on; given None"),
        ({"top_p": 0.0}, "top_p .* above 0 and at most 1; given 0.0"),
        ({"top_p": math.nan}, "top_p .* given nan"),
        ({"max_new_tokens": -1}, "max_new_tokens is a whole number from 0 on; given -1"),
    ])  # fmt: skip
    def test_impossible_settings_with_a_sentence(self, settings, sentence):
        with pytest.raises(ValueError, match=sentence):
            generate(uniform_model(4), [0], **{"max_new_tokens": 1, **settings})

    @pytest.mark.parametrize("score", [math.nan, math.inf])
    def test_scores_that_are_no_numbers(self, score):
        model = noisy_model()
        with torch.no_grad():
            model.embedding.weight.fill_(score)
        for options in ({}, {"temperature": 0}, {"top_k": 2}, {"top_p": 0.5}):
            with pytest.raises(ValueError, match="scores for token 3 are no numbers: damaged weights"):
                generate(model, [1, 2], max_new_tokens=2, **options)
        for write in (
            lambda: look_ahead(model, [1, 2], top_k=2, depth=1),
            lambda: beam_search(model, [1, 2], beam_width=2, max_new_tokens=1),
            lambda: SamplingTree(model, [1, 2]).expand([()]),
        ):
            with pytest.raises(ValueError, match="scores for token 3"):
                write()

    @pytest.mark.parametrize("model", [
        EncoderOnly(SMALL), EncoderOnly(replace(SMALL, unembedding="none")), EncoderDecoder(SMALL), None, "tiny",
    ], ids=["masked", "encoder", "translator", "none", "text"])  # fmt: skip
    @pytest.mark.parametrize("write", [
        lambda model: generate(model, [0], max_new_tokens=1),
        lambda model: complete(model, WORDS, "Mia"),
        lambda model: look_ahead(model, [0], top_k=2, depth=1),
        lambda model: beam_search(model, [0], beam_width=2, max_new_tokens=1),
        lambda model: SamplingTree(model, [0]),
        lambda model: FillMask(EncoderOnly(SMALL), model, WORDS),
        lambda model: evaluation.ask(model, WORDS, []),
        lambda model: widgets.NextTokenExplorer(model, WORDS, "Mia"),
        lambda model: widgets.SamplingTreeExplorer(model, WORDS, "Mia"),
        lambda model: widgets.FactWorldExplorer(model, WORDS),
    ])  # fmt: skip
    def test_a_model_that_writes_no_text_with_one_sentence(self, write, model):
        with pytest.raises(ValueError, match="a text needs a DecoderOnly, which predicts the next token; given"):
            write(model)

    def test_a_prompt_as_text_too_many_paths_and_a_translator_that_is_none(self):
        with pytest.raises(ValueError, match="from token ids; given text: use complete"):
            generate(MODEL, "Mia", max_new_tokens=1)
        with pytest.raises(ValueError, match="top_k=11 and depth=6 make more than 20,000 paths"):
            look_ahead(MODEL, [0], top_k=11, depth=6)
        with pytest.raises(ValueError, match=r"the tokenizer is one of .*; given 'gpt2'"):
            complete(MODEL, "gpt2", "Mia")
        with pytest.raises(ValueError, match="translating needs an EncoderDecoder; given a DecoderOnly"):
            translate(MODEL, WORDS, "Mia sings.")

    def test_an_empty_prompt_and_unknown_tokens_with_a_sentence(self):
        with pytest.raises(ValueError, match="at least one token to start from; begin with the end-of-text token"):
            generate(noisy_model(), [], max_new_tokens=1)
        with pytest.raises(ValueError, match=r"from 0 to 10; given 11\. Is this the tokenizer"):
            generate(noisy_model(), [11], max_new_tokens=1)
