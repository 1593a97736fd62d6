"""The exact entropy, against two judges: other stand-ins, and the mean over samples."""

import math
import statistics

import pytest

from llmviz.tinyville import Tinyville
from llmviz.tinyville.corpus import PROGRAMS
from llmviz.tinyville.grammar import Options
from llmviz.tinyville.scoring import entropy_and_length

WORLD = Tinyville(dict.fromkeys(PROGRAMS, 100))


@pytest.mark.parametrize("kind", list(PROGRAMS))
def test_it_does_not_matter_which_options_stand_in_for_the_others(kind):
    exact = entropy_and_length(PROGRAMS[kind])
    for seed in range(5):
        assert entropy_and_length(PROGRAMS[kind], stand_in_seed=seed) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("kind", list(PROGRAMS))
def test_entropy_and_length_are_the_means_over_samples(kind):
    texts = WORLD.texts(seed=3, counts={kind: 3000})
    for values, exact in (
        ([-text.log_probability for text in texts], WORLD.entropy(kind)),
        ([len(WORLD.words(text.text)) + 1 for text in texts], WORLD.mean_words(kind)),
    ):
        standard_error = statistics.stdev(values) / math.sqrt(len(values))
        assert statistics.fmean(values) == pytest.approx(exact, abs=4 * standard_error + 1e-9)


def test_a_wrong_mark_would_be_noticed():
    def program(teller):
        if teller.choose(Options(("long", "short"))) == "long":
            teller.say_one_of(("a", "b"))

    assert len({entropy_and_length(program, stand_in_seed=seed) for seed in range(10)}) == 2


def test_entropy_of_a_program_that_can_be_worked_out_by_hand():
    def program(teller):
        if teller.say_one_of(Options(("heads", "tails"), (1, 3)), shapes=True) == "heads":
            teller.say_one_of(("a", "b", "c d", "e f"))

    nats, words = entropy_and_length(program)
    assert nats == pytest.approx(math.log(4) / 4 + 3 / 4 * math.log(4 / 3) + math.log(4) / 4)
    assert words == pytest.approx(1 + 1.5 / 4)


def test_the_whole_is_the_mean_of_the_kinds_and_includes_the_choice_of_a_kind():
    total = sum(WORLD.counts.values())
    mean = sum(count / total * WORLD.entropy(kind) for kind, count in WORLD.counts.items())
    assert WORLD.entropy() == pytest.approx(mean)
    assert WORLD.entropy("fact") == pytest.approx(math.log(3 * 104) - math.log(WORLD.counts["fact"] / total))
    assert WORLD.entropy_per_word() == pytest.approx(WORLD.entropy() / WORLD.mean_words())


def test_an_unknown_kind_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="no kind of text 'poem' in this mix"):
        WORLD.entropy("poem")
