"""The model that reads moods: the tiny GPT with one skill more, and none less."""

import pytest

from llmviz import artifacts, evaluation
from llmviz.finetuning import tasks
from llmviz.tinyville import Tinyville
from llmviz.tinyville.sentiment import COMMENTS

MOODS = artifacts.load_model("sentiment")
FIRST_WORDS = {mood: {comment.split()[0] for comment in comments} for mood, comments in COMMENTS.items()}


def test_is_near_the_worlds_own_surprise_in_moods_and_still_in_all_it_knew():
    assert all(gap < 0.06 for gap in MOODS.record["measured"]["gap_nats_per_word"].values())
    world = Tinyville(MOODS.corpus["counts"])
    texts = world.texts(31, counts={"mood": 40, "fact": 40, "visit": 20})
    for gap in evaluation.gaps(MOODS.model, MOODS.tokenizer, texts, world).values():
        assert gap.gap == pytest.approx(0, abs=0.12)


def test_knows_the_mood_as_soon_as_the_first_sentence_ends():
    right = []
    for text in Tinyville({"mood": 1}).texts(32, counts={"mood": 40}):
        said = evaluation.next_word(MOODS.model, MOODS.tokenizer, text.text.partition(".")[0] + ".")
        right.append(said in FIRST_WORDS[text.labels["sentiment"]])
    assert sum(right) / len(right) > 0.95


@pytest.mark.slow
def test_it_can_be_trained_again(monkeypatch):
    """In a short form."""
    monkeypatch.setattr(tasks, "_BASE_STEPS", 12)
    monkeypatch.setattr(tasks, "_BASE_TEXTS", 300)
    made = tasks.train_sentiment_base()
    assert made.model.config == MOODS.model.config and made.step == 12
    assert made.settings.learning_rate == MOODS.settings.learning_rate
    gaps, shipped = (one.record["measured"]["gap_nats_per_word"] for one in (made, MOODS))
    assert gaps.keys() == shipped.keys()
    assert gaps["fact"] < 0.5  # it still knows what it knew
    assert gaps["mood"] > shipped["mood"] + 0.1  # and has read too little yet
