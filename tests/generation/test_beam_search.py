"""Beam search: worked by hand, against every possible text, and against transformers' own."""

import itertools
import math

import pytest
import torch
from fakes import bigram_model, noisy_model
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz.generation import beam_search, continuation_log_probability, extend_beams, generate

# The wide road or the narrow road: after 0 comes 1 with 0.6 and then forks; 2 with 0.4 has one way to go on, 5.
ROADS = torch.full((6, 6), 1e-6)
ROADS[0, [1, 2]] = torch.tensor([0.6, 0.4])
ROADS[1, [3, 4]] = torch.tensor([0.5, 0.5])
ROADS[2, 5], ROADS[3, 5], ROADS[4, 5], ROADS[5, 5] = 1.0, 1.0, 1.0, 1.0
ROADS /= ROADS.sum(dim=1, keepdim=True)


def roads():
    return bigram_model(ROADS.log())


class TestExtending:
    def test_the_best_of_all_beams_together_stay(self):
        beams = [((7,), math.log(0.5)), ((8,), math.log(0.3))]
        found = extend_beams(beams, torch.tensor([[0.9, 0.1], [0.8, 0.2]]).log(), 3)
        assert [beam.token_ids for beam in found] == [(7, 0), (8, 0), (8, 1)]
        assert [math.exp(beam.log_probability) for beam in found] == pytest.approx([0.45, 0.24, 0.06])

class TestSearching:
    def test_finds_the_narrow_road_that_greedy_passes_by(self):
        greedy = generate(roads(), [0], max_new_tokens=2, temperature=0)
        assert greedy == [1, 3]
        best, second = beam_search(roads(), [0], beam_width=2, max_new_tokens=2)
        assert best.token_ids == (2, 5)
        assert math.exp(best.log_probability) == pytest.approx(0.4, abs=1e-3)
        assert second.token_ids in ((1, 3), (1, 4))
        assert continuation_log_probability(roads(), [0], greedy) == pytest.approx(math.log(0.3), abs=1e-3)

    def test_one_beam_is_greedy(self):
        model = noisy_model()
        for prompt in ([1], [2, 3], [4, 4, 4]):
            [beam] = beam_search(model, prompt, beam_width=1, max_new_tokens=4)
            assert list(beam.token_ids) == generate(model, prompt, max_new_tokens=4, temperature=0)

    @settings(max_examples=10)
    @given(st.integers(0, 2**31 - 1), st.integers(1, 4))
    def test_with_room_for_all_it_finds_the_most_probable_text(self, seed, length):
        logits = 2 * torch.randn(4, 4, generator=torch.Generator().manual_seed(seed))
        model, log_probabilities = bigram_model(logits), logits.log_softmax(dim=-1)
        beams = beam_search(model, [0], beam_width=4**length, max_new_tokens=length)

        def nats(text):
            return sum(log_probabilities[one, other].item() for one, other in itertools.pairwise((0, *text)))

        texts = sorted(itertools.product(range(4), repeat=length), key=nats, reverse=True)
        assert len(beams) == 4**length
        assert beams[0].log_probability == pytest.approx(nats(texts[0]), abs=1e-4)
        assert [beam.log_probability for beam in beams] == pytest.approx([nats(text) for text in texts], abs=1e-4)

    def test_a_finished_text_is_kept_while_others_grow(self):
        model = roads()
        found = beam_search(model, [0], beam_width=2, max_new_tokens=5, stop_tokens={5})
        assert found[0].token_ids == (2, 5) and model.n_calls < 5


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("width, length_penalty", [(2, 0.0), (4, 0.0), (4, 1.0), (3, 2.0)])
def test_transformers_finds_the_same(seed, width, length_penalty):
    """The judge: `generate(num_beams=…)` on a GPT-2 with random weights that ends its texts now and then."""
    from small_gpt2 import small_gpt2

    judge = small_gpt2(vocab_size=13, context_length=32, seed=seed)
    prompt, end = [1, 2, 3], 0
    theirs, scores = judge.beam_search(prompt, width, 10, end, length_penalty)
    settings = {"max_new_tokens": 10, "stop_tokens": {end}, "length_penalty": length_penalty}
    ours = beam_search(judge, prompt, beam_width=width, **settings)
    assert [list(beam.token_ids) for beam in ours] == theirs
    found = [beam.log_probability / len(beam.token_ids) ** length_penalty for beam in ours]
    assert found == pytest.approx(scores, abs=1e-4)


@pytest.mark.parametrize("arguments, sentence", [
    ({"beam_width": 0}, "beam_width is how many texts are kept, at least 1; given 0"),
    ({"max_new_tokens": -1}, "max_new_tokens is a whole number from 0 on; given -1"),
    ({"token_ids": []}, "at least one token to start from; begin with the end-of-text token"),
])  # fmt: skip
def test_refuses_with_a_sentence(arguments, sentence):
    arguments = {"token_ids": [0], "beam_width": 2, "max_new_tokens": 2, **arguments}
    with pytest.raises(ValueError, match=sentence):
        beam_search(roads(), arguments.pop("token_ids"), **arguments)
