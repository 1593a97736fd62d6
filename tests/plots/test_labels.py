"""Any string as a label."""

import unicodedata

import hostile
import pytest
from hypothesis import given, settings

from llmviz.plots import _labels as labels
from llmviz.plots._labels import prose_label, spoken_token, text_width, token_label


@pytest.fixture
def only_dejavu(monkeypatch):
    """Judge as on a machine without further fonts."""
    monkeypatch.setattr(labels, "OTHER_FONTS", ())
    labels.font_families.cache_clear()
    labels._drawable_codes.cache_clear()
    yield
    labels.font_families.cache_clear()
    labels._drawable_codes.cache_clear()


@pytest.mark.parametrize(
    ("token", "label"),
    [
        (" kite", "·kite"),
        ("\n\n", "↵↵"),
        ("\t", "⇥"),
        ("", "∅"),
        ("$x$", "$x$"),
        ("안녕", "U+C548 U+B155"),
        ("a안b", "aU+C548b"),
        ("مرحبا", "مرحبا"),
        ("\ud83d", "U+D83D"),
        ("\u0301", "◌\u0301"),
        ("\xa0", "U+00A0"),
    ],
)
def test_what_a_token_shows_as(token, label, only_dejavu):
    assert token_label(token) == label


@settings(max_examples=40, deadline=None)
@given(hostile.tokens)
def test_a_label_is_short_visible_and_drawable(token):
    label = token_label(token, 12)
    assert label
    assert len(label) <= 12 or label.endswith("…"), "only one undrawable character may be longer than its place"
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Cn", "Zl", "Zp") for character in label)
    assert text_width(label, 10) > 0  # would warn of a missing glyph


@settings(max_examples=40, deadline=None)
@given(hostile.tokens)
def test_spoken_tokens_and_prose_can_be_written_to_a_file(token):
    for text in (spoken_token(token), prose_label(token), labels.spoken_prose(token)):
        assert "\n" not in text
        assert text.encode("utf-8").decode("utf-8") == text
