"""The first mistake of a text, and the exact entropy against two judges: other representatives, and samples."""

import math
import random
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz.tinyville import END, Tinyville
from llmviz.tinyville._scoring import _EntropyEstimator, entropy
from llmviz.tinyville.corpus import GENERATORS
from llmviz.tinyville.grammar import Options, join

WORLD = Tinyville(dict.fromkeys(GENERATORS, 100))
DOCTOR = "The doctor went home. She was tired. She made some tea."


@pytest.mark.parametrize("kind", list(GENERATORS))
def test_all_samples_are_valid(kind):
    for text in WORLD.texts(seed=2, counts={kind: 20}):
        check = WORLD.check(text.text)
        assert (check.valid, check.kind, check.wrong_word, check.expected) == (True, kind, None, [])
        assert check.n_valid_words == len(WORLD.words(text.text))


@pytest.mark.parametrize(
    ("text", "n_valid", "wrong_word", "expected", "sentence"),
    [
        ("Mia has a kite.", 3, "kite", ["rabbit"], 'Word 4, "kite", is impossible here: after "Mia has a"'),
        ("The nurse went home. He", 5, "He", ["She"], 'Tinyville says "She"'),
        ("The doctor went home. It", 5, "It", ["She", "He"], 'Tinyville says "She" or "He"'),
        ("The doctor went home", 4, END, ["."], 'stops too early: after word 4 Tinyville continues with "."'),
        (DOCTOR + " Bye.", 14, "Bye", [END], "would end the text before word 15"),
        (DOCTOR + "\n", 14, END, [], "a space or a line break at the end"),
        (DOCTOR.replace(". She", " . She", 1), 4, ".", [], 'space before word 5, ".", is not that of normal'),
        ("Mia found a red kite on the moon.", 5, "on", ["at"], "after"),
    ],
)
def test_the_first_mistake_is_found(text, n_valid, wrong_word, expected, sentence):
    check = WORLD.check(text)
    assert not check.valid
    assert (check.n_valid_words, check.wrong_word, check.expected) == (n_valid, wrong_word, expected)
    assert sentence in check.message


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_an_empty_text_gets_a_clear_answer(text):
    check = WORLD.check(text)
    assert (check.valid, check.kind) == (False, None) and "empty" in check.message


@pytest.mark.parametrize(
    "text",
    ["x" * 2_000_000, "Mia " * 500_000, "\x00\x07", '"' * 9999, END, "民 " * 999, "💥", "\ud800", "\u202eb"],
    ids=["word", "name", "control", "quotes", "end", "Chinese", "emoji", "surrogate", "direction"],
)
def test_hostile_and_huge_texts_get_a_short_answer(text):
    check = WORLD.check(text)
    assert not check.valid and check.n_valid_words <= 1 and len(check.message) < 400


@given(st.sampled_from(WORLD.texts(seed=4, counts={kind: 30 for kind in GENERATORS})), st.data())
@settings(max_examples=60)
def test_a_changed_word_is_found_where_it_stands_or_the_text_is_possible(text, data):
    words = WORLD.words(text.text)
    i = data.draw(st.integers(0, len(words) - 1))
    words[i] = data.draw(st.sampled_from(["Tom", "kite", "red", ".", "was", "zebra"]) | st.text(max_size=5))
    changed = join(words)
    check = WORLD.check(changed)
    assert check.valid == (WORLD.log_probability(changed) > -math.inf)
    if not check.valid and changed == join(WORLD.words(changed)):
        assert check.n_valid_words >= i
        possible = WORLD.next_words(join(WORLD.words(changed)[: check.n_valid_words]))
        assert check.expected == list(possible) and check.wrong_word not in possible


def with_random_representatives(program, seed):
    def pick(self, remaining):  # the same on each path
        return self.__dict__.setdefault("chance", random.Random(seed)).choice(remaining)[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_EntropyEstimator, "_representative", pick)
        return entropy(program)


@pytest.mark.parametrize("kind", list(GENERATORS))
def test_it_does_not_matter_which_option_represents_the_others(kind):
    exact = entropy(GENERATORS[kind])
    for seed in range(3):
        assert with_random_representatives(GENERATORS[kind], seed) == pytest.approx(exact, rel=1e-12)


def test_a_branching_choice_that_is_not_marked_would_be_noticed():
    def program(generator):
        if generator.choose(Options(("long", "short"))) == "long":
            generator.say_one_of(("a", "b"))

    assert len({with_random_representatives(program, seed) for seed in range(10)}) == 2


@pytest.mark.parametrize("kind", list(GENERATORS))
def test_the_entropy_is_the_mean_over_samples(kind):
    values = [-text.log_probability for text in WORLD.texts(seed=3, counts={kind: 1500})]
    standard_error = statistics.stdev(values) / math.sqrt(len(values))
    assert statistics.fmean(values) == pytest.approx(WORLD.entropy(kind), abs=4 * standard_error + 1e-9)


def test_the_whole_is_the_mean_of_the_kinds_and_includes_the_choice_of_a_kind():
    total = sum(WORLD.counts.values())
    mean = sum(count / total * WORLD.entropy(kind) for kind, count in WORLD.counts.items())
    assert WORLD.entropy() == pytest.approx(mean)
    assert WORLD.entropy("fact") == pytest.approx(math.log(3 * 104) - math.log(WORLD.counts["fact"] / total))
    with pytest.raises(ValueError, match="no kind of text 'poem' in this mix"):
        WORLD.entropy("poem")
