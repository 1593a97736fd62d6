"""Whatever a learner's function does, it does no harm, and what it did is reported."""

import itertools
import sys
from contextlib import suppress

import pytest

from llmviz.course.running import MOST_PRINTED, TimeLimitExceeded, call, is_untouched


def test_the_arguments_are_copies():
    words = ["a", ["b"]]

    def greedy(words):
        words[1].append("c")
        words.clear()
        return 1

    result = call(greedy, (words,))
    assert (words, result.got, result.changed) == (["a", ["b"]], 1, True)


def test_a_function_that_changes_nothing_is_not_accused():
    unlike_its_copy = object()
    assert not call(lambda one, other: 1, ([1], unlike_its_copy)).changed


def test_what_is_printed_is_kept_and_bounded(capsys):
    def chatty(n):
        for number in range(n):
            print("line", number)

    assert call(chatty, (2,)).printed == "line 0\nline 1\n"
    assert len(call(chatty, (100_000,)).printed) == MOST_PRINTED
    assert capsys.readouterr().out == ""


def test_an_error_comes_with_the_learners_line_not_ours():
    def wrong(text):
        counts = {}
        return sorted(text, key=lambda letter: counts[letter])

    result = call(wrong, ("ab",))
    assert isinstance(result.error, KeyError)
    assert result.where.endswith(": return sorted(text, key=lambda letter: counts[letter])")


def test_an_error_deep_in_a_library_is_put_at_the_learners_line():
    import json

    def wrong(text):
        return json.loads(text)

    assert call(wrong, ("{",)).where.endswith("return json.loads(text)")


@pytest.mark.parametrize("ending", [SystemExit, GeneratorExit, RecursionError, MemoryError])
def test_every_end_is_caught(ending):
    def wrong():
        raise ending

    assert isinstance(call(wrong, ()).error, ending)


def test_only_the_interrupt_gets_through():
    def stopped():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call(stopped, ())


def loop_forever():
    while True:
        pass


def loop_and_catch():
    while True:
        with suppress(Exception):  # an eager learner: catches everything
            sum(range(10))


def loop_in_another():
    loop_forever()


def yield_forever():
    number = 0
    while True:
        number -= number


@pytest.mark.parametrize("function", [loop_forever, loop_and_catch, loop_in_another])
def test_a_loop_without_end_ends(function):
    before = sys.gettrace()
    result = call(function, (), seconds=0.1)
    assert isinstance(result.error, TimeLimitExceeded)
    assert "still running after 0.1 seconds" in str(result.error)
    assert sys.gettrace() is before


def test_a_generator_is_run_and_an_endless_one_is_cut():
    def count():
        yield from range(3)

    def forever():
        yield from itertools.count()

    assert call(count, ()).got == [0, 1, 2]
    assert len(call(forever, ()).got) == 100_000


def says_nothing(x):
    """What to do."""


def dots(x):
    """What to do."""
    ...


def half_given(x):
    n = len(x)
    ...
    print(n)


def refuses(x):
    raise NotImplementedError("yours to write")


def nested(x):
    def inner(y):
        ...

    return inner(x)


@pytest.mark.parametrize("stub", [says_nothing, dots, half_given, refuses, lambda x: ..., lambda x: NotImplemented])
def test_a_stub_is_known(stub):
    assert is_untouched(stub, call(stub, ("ab",)))


def forgets_return(x):
    total = len(x)
    total += 1


def returns_before_the_dots(x):
    return len(x)
    ...


@pytest.mark.parametrize("tried", [forgets_return, returns_before_the_dots, lambda x: print(x), len])
def test_an_attempt_is_no_stub(tried):
    assert not is_untouched(tried, call(tried, ("ab",)))


@pytest.mark.parametrize(("body", "untouched"), [("...", True), ("pass", True), ("y = x", False), ("print(x)", False)])
def test_a_stub_without_its_source_is_known_by_its_code(body, untouched):
    scope = {}
    exec(f"def f(x):\n    {body}\n", scope)
    assert is_untouched(scope["f"], call(scope["f"], (1,))) is untouched
