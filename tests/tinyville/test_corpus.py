"""Sampling, exact probabilities and exact next words of the whole corpus."""

import hashlib
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz.tinyville import END, Tinyville
from llmviz.tinyville._scoring import score
from llmviz.tinyville.corpus import GENERATORS
from llmviz.tinyville.grammar import join

WORLD = Tinyville(dict.fromkeys(GENERATORS, 100))
SMALL = dict.fromkeys(GENERATORS, 40)
TEXTS = WORLD.texts(seed=5, counts=SMALL)

HASHED = ("story", "fact", "visit", "work", "copy")
LABELED_HASH = "27da93e195ee0c9c4e3f696ae009dc7bb922f64538d37868464919e6bcf09693"
CORPUS_HASH = "231247be08e01620c5ad64ce6a0701fdba8b29d3eede249670167374478e9126"

any_text = st.builds(
    lambda kind, seed: WORLD.texts(seed, counts={kind: 1})[0], st.sampled_from(list(GENERATORS)), st.integers(0)
)


def test_the_same_seed_gives_the_same_corpus_on_any_machine():
    corpus = "\n".join(text.text for text in Tinyville().texts(seed=1, counts={kind: 60 for kind in HASHED}))
    assert hashlib.sha256(corpus.encode()).hexdigest() == CORPUS_HASH
    labeled = [(text.text, text.labels) for text in Tinyville().texts(seed=1, counts=dict.fromkeys(GENERATORS, 60))]
    assert hashlib.sha256(json.dumps(labeled, sort_keys=True).encode()).hexdigest() == LABELED_HASH


@pytest.mark.parametrize("kind", list(GENERATORS))
def test_other_counts_neither_change_nor_reorder_the_texts_of_a_kind(kind):
    before = [text.text for text in TEXTS if text.kind != kind]
    without = {other: count for other, count in SMALL.items() if other != kind}
    assert [text.text for text in WORLD.texts(seed=5, counts=without)] == before
    with_more = WORLD.texts(seed=5, counts={**SMALL, kind: 60})
    assert [text.text for text in with_more if text.kind != kind] == before
    longer = iter(text.text for text in with_more if text.kind == kind)
    assert all(text.text in longer for text in TEXTS if text.kind == kind)


@given(any_text)
@settings(max_examples=100)
def test_every_sample_has_one_derivation_of_its_own_probability(sample):
    found = score(WORLD.generate, WORLD.words(sample.text))
    assert (found.n_derivations, found.kind) == (1, sample.kind)
    assert WORLD.log_probability(sample.text) == pytest.approx(sample.log_probability, abs=1e-9)


@given(any_text)
@settings(max_examples=10)
def test_next_words_multiply_to_the_probability_of_the_text(sample):
    words = WORLD.words(sample.text)
    total = 0.0
    for i, word in enumerate([*words, END]):
        distribution = WORLD.next_words(join(words[:i]))
        assert math.fsum(distribution.values()) == pytest.approx(1, abs=1e-9)
        total += math.log(distribution[word])
    assert total == pytest.approx(sample.log_probability, abs=1e-9)


def test_a_prefix_may_end_in_a_space_but_must_be_possible():
    assert WORLD.next_words("Mia found a ") == WORLD.next_words("Mia found a")
    assert WORLD.next_words("Mia found an") == WORLD.next_words("Mia  found a") == {}


def test_the_text_can_end_only_where_it_ends():
    text = TEXTS[0].text
    assert WORLD.next_words(text) == {END: 1.0}
    assert END not in WORLD.next_words(join(WORLD.words(text)[:-1]))


def test_impossible_texts_have_log_probability_minus_infinity():
    text = TEXTS[0].text
    for wrong in ("", "Mia", text + " ", text + " Mia", text.replace(" ", "  ", 1), text[:-1], "kite " * 10_000):
        assert WORLD.log_probability(wrong) == -math.inf


def test_the_mix_sets_the_probability_of_a_kind():
    story = next(text for text in TEXTS if text.kind == "story")
    share = WORLD.counts["story"] / sum(WORLD.counts.values())
    difference = Tinyville({"story": 7}).log_probability(story.text) - story.log_probability
    assert difference == pytest.approx(-math.log(share))
    assert Tinyville({"fact": 7}).log_probability(story.text) == -math.inf


def test_bad_counts_are_refused():
    with pytest.raises(ValueError, match="no kind of text 'poem'; the kinds are story, fact"):
        Tinyville({"poem": 3})
    with pytest.raises(ValueError, match="count of 'story' is -1"):
        WORLD.texts(counts={"story": -1})
    with pytest.raises(ValueError, match="no text at all"):
        Tinyville({"story": 0})
    with pytest.raises(ValueError, match="was given int"):
        WORLD.log_probability(3)


def test_the_vocabulary_is_small_and_texts_fit_into_a_small_context():
    texts = [WORLD.words(text.text) for text in WORLD.texts(counts=dict.fromkeys(GENERATORS, 500))]
    forms = {word for text in texts for word in text}
    assert 400 <= len(forms) <= 900 and not forms & set(WORLD.unused_names)
    assert max(map(len, texts)) <= 90
