"""A check: three outcomes, the sentence that names the mistake, and never an exception."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_lesson import LESSON, word_counts

from llmviz.course import Exercise, Mistake, check
from llmviz.model.attention import causal_mask

EXERCISE = LESSON.exercises["word_counts"]
MASK = Exercise(
    "causal_mask",
    task="Write `causal_mask(n)`.",
    minutes=5,
    difficulty=1,
    hints=("one", "two"),
    solution=causal_mask,
    why="since",
    cases=lambda: [1, 3],
    mistakes=[
        Mistake("You hide the past, not the future.", gives=lambda n: torch.ones(n, n, dtype=torch.bool).triu()),
        Mistake("A mask is boolean.", when=lambda got, n: got.dtype != torch.bool),
    ],
)


def by_spaces(text):
    counts = {}
    for word in text.split():
        counts[word] = counts.get(word, 0) + 1
    return counts


def letters(text):
    return {letter: text.count(letter) for letter in text}


def runs_over(text):
    return {text[len(text)]: 1}


def remembers(text, before=[]):  # noqa: B006, the mistake itself
    counts = word_counts(text)
    if text == "kite kite":
        counts["kite"] += len(before)
        before.append(text)
    return counts


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (by_spaces, "You drop the space in front of a word."),
        (letters, "You count letters."),
        (runs_over, "You run over the end of the text."),
        (remembers, "You remember the words of the call before."),
        (lambda text: sorted(word_counts(text)), "The result is not right yet. It is a list, [' a', ' b', 'a']; expe"),
        (lambda text: dict.fromkeys(word_counts(text), 2), "The result is not right yet. At 'a': it is 2; expected 1."),
        (lambda text: {"a": 1, " a": 1}, "The result is not right yet. ' b' is missing."),
        (lambda text: print(text), "Your function computes, but gives nothing back"),
        (lambda: {}, "Your function stops with an error before it has a result."),
        (lambda text: missing, "A name is not known here"),  # noqa: F821
        (lambda text: check.undefined, "Your function stops with an error before it has a result."),
        (by_spaces("a"), "The check takes your function itself, without parentheses after it; it was given a dict."),
    ],
)
def test_not_yet_names_the_mistake(answer, sentence):
    outcome = check(EXERCISE, answer)
    assert (outcome.status, outcome.name) == ("not yet", "word_counts")
    assert outcome.sentence.startswith(sentence)
    assert outcome.rows


def test_the_numbers_stand_beside_the_sentence():
    rows = dict(check(EXERCISE, by_spaces).rows)
    assert rows["given"] == "'a b a'"
    assert rows["got"] == "{'a': 2, 'b': 1}"
    assert rows["expected"] == "{'a': 1, ' b': 1, ' a': 1}"
    assert rows["difference"] == "' b', ' a' are missing."


def test_an_error_shows_the_learners_line():
    rows = dict(check(EXERCISE, runs_over).rows)
    assert rows["it stops with"] == "IndexError: string index out of range"
    assert rows["in your cell"].endswith(": return {text[len(text)]: 1}")


def test_a_mistake_that_explains_everything_goes_before_one_that_explains_the_first_case():
    exercise = Exercise(
        "double",
        task="", minutes=1, difficulty=1, hints=("", ""), solution=lambda n: 2 * n, why="",
        cases=[1, 5],
        mistakes=[Mistake("You give one.", gives=lambda n: 1), Mistake("You square.", gives=lambda n: n * n)],
    )  # fmt: skip
    assert check(exercise, lambda n: n * n).sentence == "You square."
    assert check(exercise, lambda n: n**3 if n == 1 else 7).sentence == "You give one."


def test_a_loop_without_end_is_named():
    def loops(text):
        while True:
            pass

    assert "whose condition never becomes false" in check(EXERCISE, loops).sentence


def test_tensors_are_judged_by_shape_and_type():
    assert check(MASK, causal_mask).status == "correct"
    assert check(MASK, lambda n: torch.ones(n, n).triu().bool()).sentence == "You hide the past, not the future."
    assert check(MASK, lambda n: torch.ones(n, n).tril()).sentence == "A mask is boolean."
    assert "The shape is (1,); expected (1, 1)." in check(MASK, lambda n: torch.ones(n).bool()).sentence


def test_printing_and_changing_inputs_do_no_harm(capsys):
    exercise = Exercise(
        "last", task="", minutes=1, difficulty=1, hints=("", ""), solution=lambda words: words[-1], why="",
        cases=[["a", "b"], ["c"]],
    )  # fmt: skip

    def pops(words):
        print("I see", words)
        return words.pop()

    outcome = check(exercise, pops)
    assert outcome.status == "correct"
    assert "changes what it is given" in outcome.note
    assert outcome.printed == "I see ['a', 'b']\nI see ['c']\n"
    assert capsys.readouterr().out == ""
    assert check(exercise, pops).status == "correct"  # the cases are as they were


def test_a_check_that_stumbles_over_a_result_says_so():
    def stumbles(call):
        call("a")["a"] / 0

    exercise = Exercise(
        "x", task="", minutes=1, difficulty=1, hints=("", ""), solution=word_counts, why="", check=stumbles
    )
    outcome = check(exercise, word_counts)
    assert outcome.status == "not yet"
    assert "The check could not cope with your result (ZeroDivisionError" in outcome.sentence


class Odd:
    """A result that fails at everything."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __eq__(self, other):
        raise RuntimeError("never equal")

    def __repr__(self):
        raise RuntimeError("cannot be written")


results = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.builds(Odd) | st.just(Ellipsis),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


@settings(max_examples=200)
@given(results)
def test_a_check_never_raises_whatever_comes_back(result):
    for exercise in (EXERCISE, MASK):
        outcome = check(exercise, lambda *given: result)
        assert outcome.status in ("not attempted", "not yet")
        assert outcome.sentence and str(outcome)


@given(results)
def test_a_check_never_raises_whatever_it_is_given(thing):
    assert check(EXERCISE, thing).status in ("not attempted", "not yet")
