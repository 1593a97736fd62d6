"""What ships can be made again: a short form of the making, and what it leaves."""

from llmviz import artifacts, finetuning
from llmviz.finetuning import tasks


def test_the_base_of_fine_tuning_is_the_tiny_gpt_trained_further(monkeypatch):
    monkeypatch.setattr(tasks, "BASE_STEPS", 12)
    monkeypatch.setattr(tasks, "BASE_TEXTS", 300)
    made, shipped = finetuning.train_sentiment_base(), artifacts.load_model("sentiment")
    assert made.model.config == shipped.model.config and made.step == 12
    assert made.settings.learning_rate == shipped.settings.learning_rate
    gaps = made.record["measured"]["gap_nats_per_word"]
    assert set(gaps) == set(shipped.record["measured"]["gap_nats_per_word"])
    assert gaps["fact"] < 0.5  # it still knows what it knew
    assert gaps["mood"] > shipped.record["measured"]["gap_nats_per_word"]["mood"] + 0.1  # and has read too little yet
