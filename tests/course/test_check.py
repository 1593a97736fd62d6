"""A check: three outcomes, the sentence that names the mistake, and never an exception or any harm."""

import itertools
import json
import threading
import time
from contextlib import suppress

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_lesson import LESSON, word_counts
from test_compare import Unfriendly

from llmviz.course import Checks, _check
from llmviz.course._check import check_exercise
from llmviz.course._schema import Exercise
from llmviz.model.attention import causal_mask

WORD_COUNTS = LESSON.content.exercises["word_counts"]


def exercise(solution, cases=(), mistakes=None, **checks):
    return Exercise("f", "", 1, 1, ("", ""), "", mistakes or {}, Checks(solution, cases, **checks))


MASK = exercise(
    causal_mask,
    [1, 3],
    {"past": "You hide the past, not the future.", "numbers": "A mask is boolean."},
    wrong_functions={"past": lambda n: torch.ones(n, n, dtype=torch.bool).triu()},
    conditions={"numbers": lambda result, n: result.ndim == 2 and result.dtype != bool},
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


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (by_spaces, "You drop the space in front of a word."),
        (letters, "You count letters."),
        (runs_over, "You run over the end of the text."),
        (lambda text: sorted(word_counts(text)), "The result is not right yet. It is a list, [' a', ' b', 'a']; expe"),
        (lambda text: dict.fromkeys(word_counts(text), 2), "The result is not right yet. At 'a': it is 2; expected 1."),
        (lambda text: {"a": 1, " a": 1}, "The result is not right yet. ' b' is missing."),
        (lambda text: print(text), "Your function returns None"),
        (lambda: {}, "Your function cannot be called with what is given"),
        (lambda text: missing, "A name is not known here"),  # noqa: F821
        (lambda text: _check.undefined, "Your function stops with an error before it has a result."),
        (by_spaces("a"), "Pass your function itself, without parentheses after its name."),
    ],
)
def test_not_yet_names_the_mistake(answer, sentence):
    outcome = check_exercise(WORD_COUNTS, answer)
    assert (outcome.status, outcome.name) == ("not yet", "word_counts")
    assert outcome.sentence.startswith(sentence)
    assert outcome.rows


def test_the_numbers_stand_beside_the_sentence():
    rows = dict(check_exercise(WORD_COUNTS, by_spaces).rows)
    assert rows["given"] == "'a b a'"
    assert rows["got"] == "{'a': 2, 'b': 1}"
    assert rows["expected"] == "{' a': 1, ' b': 1, 'a': 1}"
    assert rows["difference"] == "' b', ' a' are missing."


def test_an_error_shows_the_learners_line():
    rows = dict(check_exercise(WORD_COUNTS, runs_over).rows)
    assert rows["error"] == "IndexError: string index out of range"
    assert rows["in your code"].endswith(": return {text[len(text)]: 1}")

    def wrong(text):
        return json.loads(text)  # the error is deep in a library

    assert "return json.loads(text)" in dict(check_exercise(exercise(len, ["{"]), wrong).rows)["in your code"]


def test_a_mistake_that_explains_everything_goes_before_one_that_explains_the_first_case():
    double = exercise(
        lambda n: 2 * n,
        [1, 5],
        {"one": "You give one.", "square": "You square."},
        wrong_functions={"one": lambda n: 1, "square": lambda n: n * n},
    )
    assert check_exercise(double, lambda n: n * n).sentence == "You square."
    assert check_exercise(double, lambda n: n**3 if n == 1 else 7).sentence == "You give one."


def test_tensors_are_checked_by_shape_and_type():
    assert check_exercise(MASK, causal_mask).status == "correct"
    assert check_exercise(MASK, lambda n: torch.ones(n, n).triu() == 1).sentence == "You hide the past, not the future."
    assert check_exercise(MASK, lambda n: torch.ones(n, n).tril()).sentence == "A mask is boolean."
    assert "The shape is (1,); expected (1, 1)." in check_exercise(MASK, lambda n: torch.ones(n).bool()).sentence


def test_a_case_is_a_tuple_of_arguments_or_the_only_one():
    assert Checks(len, [(1, 2), [3], "a", ()]).inputs() == [(1, 2), ([3],), ("a",), ()]


def test_printing_and_changing_arguments_do_no_harm(capsys):
    last = exercise(lambda words: words[-1], [["a", ["b"]], ["c"]])

    def pops(words):
        print("I see", words)
        return words.pop()

    outcome = check_exercise(last, pops)
    assert outcome.status == "correct"
    assert "changes its arguments" in outcome.note
    assert outcome.printed == "I see ['a', ['b']]\nI see ['c']\n"
    assert check_exercise(last, pops).status == "correct"  # the cases are as they were
    assert len(check_exercise(last, lambda words: print("x" * 10_000) or words[-1]).printed) == _check.MAX_PRINTED
    assert capsys.readouterr().out == ""
    unlike_its_copy = object()
    assert check_exercise(exercise(lambda one: 1, [unlike_its_copy]), lambda one: 1).note == ""


def test_a_check_that_cannot_handle_a_result_says_so():
    outcome = check_exercise(exercise(lambda text: 1 / 0, ["a"]), word_counts)
    assert outcome.status == "not yet"
    assert "The check cannot handle your result (ZeroDivisionError" in outcome.sentence


@pytest.mark.parametrize("ending", [SystemExit, GeneratorExit, RecursionError, MemoryError])
def test_every_end_is_caught(ending):
    def wrong(text):
        raise ending

    assert check_exercise(WORD_COUNTS, wrong).status == "not yet"


def test_only_the_interrupt_gets_through():
    def stopped(text):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_exercise(WORD_COUNTS, stopped)


def loop_forever(text):
    while True:
        pass


def loop_and_catch(text):
    while True:
        with suppress(Exception):  # an eager learner: catches everything
            sum(range(10))


def loop_in_another(text):
    loop_forever(text)


# fmt: off
def loop_in_one_line(text):
    while True: pass  # noqa: E701
# fmt: on


def loop_and_catch_everything(text):
    while True:
        try:
            while True:
                try:
                    TURNS.append(sum(range(10_000)))
                except:  # noqa: E722
                    continue
        except:  # noqa: E722
            pass


TURNS = []


def sleep_for_ever(text):
    threading.Event().wait()


class Endless:
    """A list without end, whose text has none either."""

    def __iter__(self):
        while True:
            pass

    __repr__ = __iter__


class EndlessText:
    def __repr__(self):
        while True:
            pass


@pytest.mark.parametrize("function", [
    loop_forever, loop_and_catch, loop_in_another, loop_in_one_line, loop_and_catch_everything, sleep_for_ever,
    lambda text: Endless(), lambda text: [EndlessText()], lambda text: {"a": Endless()}, EndlessText(),
])  # fmt: skip
def test_a_loop_without_end_ends(function, monkeypatch, capsys):
    monkeypatch.setattr(_check, "TIME_LIMIT", 0.1)
    outcome = check_exercise(WORD_COUNTS, function)
    if callable(function):
        assert "still running after 0.1 seconds" in outcome.sentence
        assert "whose condition never becomes false" in outcome.sentence
    assert outcome.status == "not yet"
    monkeypatch.setattr(_check, "TIME_LIMIT", 10)
    turns = [-1]
    while turns[-1] != len(TURNS) and len(turns) < 50:  # it stops soon: nothing runs on
        turns.append(len(TURNS))
        assert check_exercise(WORD_COUNTS, word_counts).status == "correct"
        time.sleep(0.1)
    assert turns[-1] == len(TURNS)
    assert capsys.readouterr() == ("", "")


class ExitingText:
    def __repr__(self):
        raise SystemExit


def contains_itself(text):
    found = []
    found += [found, found]
    return found


@pytest.mark.parametrize("function", [lambda text: ExitingText(), lambda text: [ExitingText()], contains_itself])
def test_a_result_that_cannot_be_shown_is_a_wrong_one(function):
    assert check_exercise(WORD_COUNTS, function).status == "not yet"


def test_a_generator_is_run_and_an_endless_one_is_cut():
    def count(n):
        yield from range(n)

    assert check_exercise(exercise(lambda n: list(range(n)), [3]), count).status == "correct"
    assert "It has 100000 items" in check_exercise(exercise(lambda n: [1], [3]), lambda n: iterate()).sentence


def iterate():
    yield from itertools.count()


def says_nothing(x):
    """What to do."""


def dots(x):
    """What to do."""
    ...


def refuses(x):
    raise NotImplementedError("yours to write")


def forgets_return(x):
    total = len(x)
    total += 1


def returns_before_the_dots(x):
    return len(x)
    ...


def from_text(body):
    """A function without its source."""
    scope = {}
    exec(f"def f(x):\n    {body}\n", scope)
    return scope["f"]


@pytest.mark.parametrize("stub", [says_nothing, dots, refuses, lambda x: ..., lambda x: NotImplemented,
                                  from_text("..."), from_text("pass"), None, ...])  # fmt: skip
def test_a_stub_is_known(stub):
    assert check_exercise(WORD_COUNTS, stub).status == "not attempted"


@pytest.mark.parametrize("tried", [forgets_return, returns_before_the_dots, lambda x: print(x), len,
                                   from_text("y = x"), from_text("print(x)")])  # fmt: skip
def test_an_attempt_is_no_stub(tried):
    assert check_exercise(WORD_COUNTS, tried).status == "not yet"


class Odd(Unfriendly):
    """A result that fails at everything."""

    def __getattr__(self, name):
        raise RuntimeError(name)


results = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.builds(Odd) | st.just(Ellipsis),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


@settings(max_examples=100)
@given(results)
def test_a_check_never_raises_whatever_comes_back_or_it_is_given(result):
    for one in (WORD_COUNTS, MASK):
        outcome = check_exercise(one, lambda *inputs: result)
        assert outcome.status in ("not attempted", "not yet")
        assert outcome.sentence and str(outcome)
    assert check_exercise(WORD_COUNTS, result).status in ("not attempted", "not yet")
