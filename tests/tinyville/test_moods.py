"""Moods: the order alone decides how they end, and what happens next is sure as soon as that is."""

from collections import Counter, defaultdict
from itertools import pairwise

import pytest

from llmviz.tinyville import Tinyville
from llmviz.tinyville.grammar import join
from llmviz.tinyville.sentiment import COMMENTS, FEELINGS, GROUNDS

WORLD = Tinyville({"mood": 1})
TEXTS = WORLD.texts(seed=4, counts={"mood": 3000})
FIRST_WORDS = {mood: {comment.split()[0] for comment in comments} for mood, comments in COMMENTS.items()}


def first_sentence(text):
    return text.text.partition(".")[0] + "."


@pytest.mark.parametrize(("sentence", "mood"), [
    ("Mia was happy at the lake all morning before she was sad at the school until noon.", "bad"),
    ("Mia was happy at the lake all morning after she was sad at the school until noon.", "good"),
    ("Before Mia was happy at the lake all morning, she was sad at the school until noon.", "good"),
    ("After Mia was happy at the lake all morning, she was sad at the school until noon.", "bad"),
])  # fmt: skip
def test_before_and_after_turn_the_order_round(sentence, mood):
    assert set(WORLD.next_words(sentence)) == FIRST_WORDS[mood]


def test_the_labels_tell_the_mood_at_the_end_and_the_first_place():
    for text in TEXTS[:300]:
        assert set(WORLD.next_words(first_sentence(text))) == FIRST_WORDS[text.labels["mood"]]
        assert text.labels["places"][0] in GROUNDS[text.labels["ground"]]


def test_each_text_holds_one_of_each_kind_and_no_word_leans_to_a_label():
    leaning = defaultdict(Counter)
    for text in TEXTS:
        words = WORLD.words(first_sentence(text))
        for kinds in (FEELINGS, GROUNDS):
            for members in kinds.values():
                assert sum(word in members for word in words) == 1
        for word in set(words):
            leaning[word][text.labels["mood"]] += 1
    for word, counts in leaning.items():
        n = sum(counts.values())
        assert abs(counts["good"] / n - 0.5) < 5 * (0.25 / n) ** 0.5, word


def test_no_pair_of_neighbours_holds_a_feeling_and_what_orders_it():
    for text in TEXTS[:500]:
        words = [word.lower() for word in WORLD.words(first_sentence(text))]
        for pair in pairwise(words):
            assert not (set(pair) & {"before", "after"} and set(pair) & {*FEELINGS["good"], *FEELINGS["bad"]})


def test_both_labels_and_all_four_orders_are_equally_frequent_and_independent():
    counts = Counter((text.labels["mood"], text.labels["ground"]) for text in TEXTS)
    assert len(counts) == 4 and min(counts.values()) > 0.2 * len(TEXTS)
    orders = Counter(text.labels["order"] for text in TEXTS)
    assert set(orders) == {"before", "after", "Before", "After"} and min(orders.values()) > 0.2 * len(TEXTS)


def test_what_comes_after_the_comment_fits_too():
    text = next(text for text in TEXTS if text.labels["mood"] == "bad")
    words = WORLD.words(text.text)
    end = words.index("!") + 2
    assert set(WORLD.next_words(join(words[:end]))) == {"cried", "sulked", "shouted"}
