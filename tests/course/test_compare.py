"""Two values side by side: equal where a learner would say so, and a sentence where not."""

import copy
import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llmviz.course._compare import MAX_LENGTH, difference, spell

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
keys = st.text() | st.integers() | st.tuples(st.text(), st.text())
values = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(keys, inner) | st.tuples(inner, inner), max_leaves=12
)


class Unfriendly:
    """Fails at whatever one asks of it."""

    def __eq__(self, other):
        raise RuntimeError("no")

    def __repr__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        ((1, 2), [1, 2]),
        (1.00001, 1),
        (np.int64(3), 3),
        (torch.tensor(0.25), 0.25),
        (np.array([1.0, 2.0]), torch.tensor([1.0, 2.0])),
        (torch.tensor([1.0], dtype=torch.bfloat16), torch.tensor([1.0])),
        (torch.tensor([1.0], requires_grad=True), np.ones(1)),
        (math.nan, math.nan),
        (Counter("aab"), {"a": 2, "b": 1}),
        (np.bool_(True), True),
        ([], ()),
        ([[True, False]], torch.tensor([[True, False]])),
        (torch.tensor([[1, 2]]), [(1, 2)]),
        ((torch.ones(2), [1, 1]), (np.ones(2), np.ones(2))),
        (np.array([0.25]), 0.25),
        (Fraction(1, 4), 0.25),
        (range(3), [0, 1, 2]),
        (torch.tensor(0.1234).bfloat16(), 0.1234),
        ([1, "a", {"b": (2,)}], [1, "a", {"b": [2]}]),
    ],
)
def test_what_counts_as_the_same(got, expected):
    assert difference(got, expected) is None


@pytest.mark.parametrize(
    ("got", "expected", "sentence"),
    [
        (3, 4, "It is 3; expected 4."),
        (True, 1, "It is True or False, True; expected a number, 1."),
        (1, True, "It is a number, 1; expected True or False, True."),
        ("1", 1, "It is a string, '1'; expected a number, 1."),
        (None, [1], "It is None, None; expected a list, [1]."),
        ([1], {"a": 1}, "It is a list, [1]; expected a dict, {'a': 1}."),
        ({"a": 1}, {"a": 1, "b": 2}, "'b' is missing."),
        ({"a": 1, "b": 2, "c": 3}, {"a": 1}, "'b', 'c' are there and should not be."),
        ({"a": [1, 2]}, {"a": [1, 3]}, "At 'a': item 1 (counted from 0) is 2; expected 3."),
        ([1], [1, 2], "It has 1 item; expected 2."),
        ({"a"}, {"b"}, "It is {'a'}; expected {'b'}."),
        ("ab", "ac", "It is 'ab'; expected 'ac'."),
        ("ab", ["a", "b"], "It is a string, 'ab'; expected a list, ['a', 'b']."),
        (torch.zeros(2, 3), torch.zeros(3, 2), "The shape is (2, 3); expected (3, 2)."),
        (torch.tensor([[0.0, 1.0]]), torch.tensor([[0.0, 2.0]]), "1 of 2 entries differ; the first, at [0, 1], is 1"),
        (torch.ones(2), torch.ones(2).bool(), "The entries are float32; expected True and False (a boolean mask)."),
        ([0.0, [1.0]], torch.zeros(2), "It is a list, [0, [1]]; expected a tensor or array, [0, 0], shape (2,)."),
        (10**400, 0.5, "expected 0.5"),
    ],
)
def test_a_difference_is_a_sentence(got, expected, sentence):
    assert sentence in difference(got, expected)


@given(values)
def test_a_value_is_the_same_as_its_copy(value):
    assert difference(copy.deepcopy(value), value) is None


@given(values, values)
def test_any_two_values_can_be_compared_and_written(one, other):
    found = difference(one, other)
    assert found is None or found.endswith(".")
    assert len(spell(one)) <= MAX_LENGTH


def test_what_cannot_be_compared_can_be_written():
    assert spell(Unfriendly()) == "a Unfriendly that cannot be printed"
    assert len(spell(np.zeros((100, 100)))) <= MAX_LENGTH
