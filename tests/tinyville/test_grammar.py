"""Templates and choices, words split and joined."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmviz.tinyville._scoring import score
from llmviz.tinyville.grammar import Options, Sampler, Template, join
from llmviz.tokenizers.words import words

ANIMALS = Options(("cat", "dog"), (3, 1))
TEMPLATE = Template("A {one} met a {two}. [It ran.|The {one} hid.]", draws={"one": ANIMALS, "two": ANIMALS})


def probability(text):
    return score(TEMPLATE.generate, words(text)).probability


def test_probability_is_the_product_of_the_choices_and_slots_never_share_a_value():
    assert probability("A cat met a dog. It ran.") == pytest.approx(3 / 4 * 1 * 1 / 2)
    assert probability("A dog met a cat. The dog hid.") == pytest.approx(1 / 4 * 1 * 1 / 2)
    assert probability("A cat met a cat. It ran.") == probability("A cat met a dog. The dog hid.") == 0
    for seed in range(20):
        sampler = Sampler(str(seed))
        TEMPLATE.generate(sampler)
        assert probability(sampler.text) > 0


def test_next_words_where_one_option_is_the_beginning_of_another():
    options = Options(("ice", "ice cream", ""), (1, 2, 1))

    def program(generator):
        generator.say_one_of(options)
        generator.say("!")

    assert score(program, ["ice"]).next_words == pytest.approx({"cream": 0.5, "!": 0.25})
    assert score(program, []).next_words == pytest.approx({"ice": 0.75, "!": 0.25})
    assert score(program, ["ice", "cream", "!"]).probability == pytest.approx(0.5)


@given(st.text())
def test_joined_words_are_split_where_they_were_joined(text):
    once = join(words(text))
    assert join(words(once)) == once
