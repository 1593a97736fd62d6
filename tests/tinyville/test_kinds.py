"""Work, stories and drills: what is planted in them, and what must be copied."""

import statistics

import pytest

from llmviz.tinyville import Tinyville
from llmviz.tinyville.people import VALUES
from llmviz.tinyville.stories import ENDINGS, FEELINGS, SCHEMAS
from llmviz.tinyville.work import CRAFTS, P_SHE, craft_words

WORLD = Tinyville()
STORIES = WORLD.texts(seed=7, counts={"story": 600})


def test_the_planted_probabilities_are_those_of_the_design():
    assert sorted(P_SHE.values(), reverse=True) == [1, 0.9, 0.7, 0.5, 0.5, 0.3, 0.1, 0]


@pytest.mark.parametrize("job", P_SHE)
@pytest.mark.parametrize(
    "text",
    ["The {} went home.", "Alex is the new {} in town. Today was the first day."],
    ids=["anonymous", "guest"],
)
def test_she_has_the_planted_probability_in_two_places(job, text):
    distribution = WORLD.next_words(text.format(job))
    assert distribution.get("She", 0) == pytest.approx(P_SHE[job])
    assert distribution.get("He", 0) == pytest.approx(1 - P_SHE[job])


def test_the_labels_of_work_tell_job_and_pronoun():
    texts = WORLD.texts(counts={"work": 300})
    assert {text.labels["place"] for text in texts} == {"anonymous", "guest", "craft"}
    for text in texts:
        assert text.labels["job"] in text.text
        if text.labels["place"] != "craft":
            assert WORLD.words(text.text).count(text.labels["pronoun"].capitalize()) == 2


def test_crafts_have_their_shapes():
    shapes = {word for craft in CRAFTS for word in craft_words(*craft).values()}
    assert {"bake", "bakes", "baker", "baked", "baking", "cake", "cakes", "mended", "juggling"} <= shapes


def test_stories_are_long_and_uncertain_enough():
    assert statistics.fmean(len(text.text.split()) for text in STORIES) >= 45
    assert WORLD.entropy("story") >= 25


def test_no_story_is_told_twice():
    assert len({text.text for text in STORIES}) == len(STORIES)


def test_stories_repeat_what_they_are_about():
    assert {text.labels["schema"] for text in STORIES} == set(SCHEMAS)
    for text in STORIES:
        words = WORLD.words(text.text)
        for slot in ("person", "object", "color", "place", "partner"):
            assert words.count(text.labels[slot]) >= 2, (slot, text.text)
        assert text.labels["person"] != text.labels["partner"]


def test_feelings_fit_the_story_and_endings_the_feeling():
    assert {feeling for feelings in FEELINGS.values() for feeling in feelings} == set(ENDINGS)
    for text in STORIES:
        assert text.labels["feeling"] in FEELINGS[text.labels["schema"]]
        assert f"felt {text.labels['feeling']}." in text.text


def test_pronouns_follow_the_person():
    assert "he" not in WORLD.next_words("Mia borrowed a red kite from Otto. On the way to the park,")
    assert WORLD.next_words("Tom borrowed a red kite from Ada. On the way to the park,") == {"he": 1.0}


def test_a_drill_says_its_list_three_times():
    lengths = set()
    for text in WORLD.texts(counts={"copy": 300}):
        items = text.labels["items"]
        lengths.add(len(items))
        assert text.text.count(" " + ", ".join(items) + ".") == 3
        assert text.text.startswith(text.labels["person"])
    assert lengths == set(range(4, 10))


def test_copy_prompts_are_answered_by_their_context():
    prompts = WORLD.copy_prompts(7, seed=1)
    assert len(prompts) == len(set(prompts)) == 28
    for word_class in ("name", "object", "color", "place"):
        answers = [answer for _, answer, of_class in prompts if of_class == word_class]
        assert len(answers) == 7
        assert set(answers) <= set(WORLD.word_classes[word_class])
    for prompt, answer, _ in prompts:
        assert WORLD.next_words(prompt) == {answer: 1.0}
        assert answer in WORLD.words(prompt)
    assert sum("by heart" in prompt for prompt, _, _ in prompts) == 16


def test_copy_prompts_come_from_texts_outside_the_corpus_and_from_the_kinds_there_are():
    only_stories = Tinyville({"story": 1}).copy_prompts(2)
    assert len(only_stories) == 8
    with pytest.raises(ValueError, match="this mix has neither"):
        Tinyville({"fact": 1}).copy_prompts(2)


def test_no_word_stands_twice_among_what_drills_draw():
    words = [word for words in (*WORLD.word_classes.values(), *VALUES.values()) for word in words]
    assert len(set(words)) == len(words)
