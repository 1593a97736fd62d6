"""Could the world have said this? If not, where does it go wrong?"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz.tinyville import END, Tinyville
from llmviz.tinyville.corpus import PROGRAMS
from llmviz.tinyville.grammar import join

WORLD = Tinyville(dict.fromkeys(PROGRAMS, 100))
DOCTOR = "The doctor went home. She was tired. She made some tea."


@pytest.mark.parametrize("kind", list(PROGRAMS))
def test_all_samples_are_valid(kind):
    for text in WORLD.texts(seed=2, counts={kind: 50}):
        check = WORLD.check(text.text)
        assert (check.valid, check.kind, check.wrong_word, check.expected) == (True, kind, None, [])
        assert check.n_valid_words == len(WORLD.words(text.text))


@pytest.mark.parametrize(
    ("text", "n_valid", "wrong_word", "expected", "sentence"),
    [
        ("Mia has a kite.", 3, "kite", ["rabbit"], 'Word 4, "kite", is impossible here: after "Mia has a"'),
        ("The nurse went home. He", 5, "He", ["She"], 'Tinyville says "She"'),
        ("The doctor went home", 4, END, ["."], 'stops too early: after word 4 Tinyville goes on with "."'),
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
    assert not check.valid
    assert check.kind is None
    assert "empty" in check.message


@pytest.mark.parametrize(
    "text",
    ["x" * 2_000_000, "Mia " * 500_000, "\x00\x07", '"' * 9999, END, "民 " * 999, "💥", "\ud800", "\u202eb"],
    ids=["word", "name", "control", "quotes", "end", "Chinese", "emoji", "surrogate", "direction"],
)
def test_hostile_and_huge_texts_get_a_short_answer(text):
    check = WORLD.check(text)
    assert not check.valid
    assert check.n_valid_words <= 1
    assert len(check.message) < 400


@given(st.text())
def test_check_agrees_with_the_probability(text):
    assert WORLD.check(text).valid == (WORLD.log_probability(text) > float("-inf"))


@given(st.sampled_from(WORLD.texts(seed=4, counts={kind: 30 for kind in PROGRAMS})), st.data())
@settings(max_examples=200)
def test_a_changed_word_is_found_where_it_stands_or_the_text_is_possible(text, data):
    words = WORLD.words(text.text)
    i = data.draw(st.integers(0, len(words) - 1))
    words[i] = data.draw(st.sampled_from(["Tom", "kite", "red", ".", "was", "zebra"]))
    check = WORLD.check(join(words))
    assert check.valid == (WORLD.log_probability(join(words)) > float("-inf"))
    if not check.valid:
        assert check.n_valid_words >= i
        possible = WORLD.next_words(join(words[: check.n_valid_words]))
        assert check.expected == list(possible)
        assert check.wrong_word not in possible


def test_expected_words_are_ordered_by_probability():
    expected = WORLD.check("The doctor went home. It").expected
    assert expected == ["She", "He"]


def test_something_else_than_a_text_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="but was given list"):
        WORLD.check(["Mia"])
