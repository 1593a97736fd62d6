"""Templates: a first mention draws, a later one repeats."""

import pytest

from llmviz.tinyville.grammar import Options, Sampler, Template, split
from llmviz.tinyville.scoring import replay

ANIMALS = Options(("cat", "dog"), (3, 1))
TEMPLATE = Template("A {one} met a {two}. [It ran.|The {one} hid.]", draws={"one": ANIMALS, "two": ANIMALS})


def probability(text):
    return replay(TEMPLATE.tell, split(text)).probability


def test_probability_is_the_product_of_the_choices():
    assert probability("A cat met a dog. It ran.") == pytest.approx(3 / 4 * 1 * 1 / 2)
    assert probability("A dog met a cat. The dog hid.") == pytest.approx(1 / 4 * 1 * 1 / 2)


def test_two_slots_never_share_a_value_and_later_mentions_repeat():
    assert probability("A cat met a cat. It ran.") == 0
    assert probability("A cat met a dog. The dog hid.") == 0


def test_every_sample_has_its_replayed_probability():
    for seed in range(20):
        sampler = Sampler(str(seed))
        TEMPLATE.tell(sampler)
        assert probability(sampler.text) > 0


def test_options_of_weight_zero_are_never_said():
    options = Options(("cat", "yeti"), (1, 0))
    assert options.values == ("cat",)


def test_next_words_where_one_option_is_the_beginning_of_another():
    options = Options(("ice", "ice cream", ""), (1, 2, 1))

    def program(teller):
        teller.say_one_of(options)
        teller.say("!")

    assert replay(program, ["ice"]).next_words == pytest.approx({"cream": 0.5, "!": 0.25})
    assert replay(program, []).next_words == pytest.approx({"ice": 0.75, "!": 0.25})
    assert replay(program, ["ice", "cream", "!"]).probability == pytest.approx(0.5)
