"""What Python hands to a page arrives there bit by bit, and no text can break out of it."""

import base64
import json

import numpy as np
import pytest
from counter import MODULE
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from nodes import needs_node, node

from llmviz.widgets.base import _stable_id, pack, to_json, well_formed

DTYPES = ["uint8", "uint16", "int8", "int16", "int32", "float32"]
any_text = st.text(st.characters(exclude_categories=()))  # lone surrogates too
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_packed_numbers_come_back_bit_by_bit(dtype, data):
    numbers = st.floats(-1e9, 1e9, width=32) if dtype == "float32" else None
    values = data.draw(arrays(dtype, array_shapes(), elements=numbers))
    packed = pack(values, dtype)
    back = np.frombuffer(base64.b64decode(packed["data"]), np.dtype(dtype).newbyteorder("<")).reshape(packed["shape"])
    assert np.array_equal(back, values)


@needs_node
def test_the_page_reads_what_python_packed():
    chance = np.random.default_rng(3)
    values = {name: chance.integers(0, 100, (2, 3, 5)) - (50 if name[0] != "u" else 0) for name in DTYPES}
    packed = [pack(array, name) for name, array in values.items()]
    found = node(MODULE, "return given.map((one) => { const v = unpack(one); return [v.shape, [...v]]; })", packed)
    assert found == [[[2, 3, 5], array.ravel().tolist()] for array in values.values()]


@pytest.mark.parametrize(
    ("values", "dtype", "sentence"),
    [
        ([1, 256], "uint8", "uint8 holds 0 to 255, but the numbers go from 1 to 256"),
        ([-1], "uint16", "go from -1 to -1"),
        ([0.5, float("nan")], "float32", "must be finite, but 1 of them are not"),
        ([1], "float64", "dtype must be one of uint8, .* but is 'float64'"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(values, dtype, sentence):
    with pytest.raises(ValueError, match=sentence):
        pack(values, dtype)


def test_nothing_at_all_can_be_packed():
    assert pack([], "uint8") == {"dtype": "uint8", "shape": [0], "data": ""}


@given(json_values)
def test_json_says_the_same_and_stays_inside_its_script(value):
    text = to_json(value)
    assert json.loads(text) == json.loads(json.dumps(value))
    assert text.isascii() and not set("<>&") & set(text)


def test_json_refuses_what_a_page_cannot_read():
    with pytest.raises(ValueError):
        to_json({"loss": float("nan")})


@given(any_text)
def test_any_text_can_be_saved_and_good_text_is_left_alone(text):
    mended = well_formed(text)
    mended.encode("utf-8")
    assert "\x00" not in mended and well_formed(mended) == mended
    if "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text):
        assert mended == text


@given(st.lists(json_values, max_size=3), st.lists(json_values, max_size=3))
def test_equal_inputs_have_one_id_and_others_another(one, other):
    assert _stable_id(*one) == _stable_id(*json.loads(to_json(one)))
    assert (_stable_id(*one) == _stable_id(*other)) == (to_json(one) == to_json(other))
    assert len(_stable_id(*one)) == 12 and _stable_id(*one).isalnum()
