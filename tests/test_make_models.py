"""What ships can be made again: a short form of the making, and what it leaves."""

import pytest

from llmviz import make_models
from llmviz.training import checkpoints


def test_the_base_of_fine_tuning_is_the_tiny_gpt_that_reads_on():
    made, shipped = make_models.trained_on_moods(steps=12, n_moods=300), checkpoints.load_sentiment()
    assert made.model.config == shipped.model.config and made.step == 12
    assert made.settings.learning_rate == shipped.settings.learning_rate
    gaps = made.record["measured"]["gap_nats_per_word"]
    assert set(gaps) == set(shipped.record["measured"]["gap_nats_per_word"])
    assert gaps["fact"] < 0.5  # it still knows what it knew
    assert gaps["mood"] > shipped.record["measured"]["gap_nats_per_word"]["mood"] + 0.1  # and has read too little yet


def test_a_model_of_another_name_is_refused_before_anything_is_made():
    with pytest.raises(SystemExit, match="No model is called sofa; there are: tiny, induction"):
        make_models.main(["tiny", "sofa"])
