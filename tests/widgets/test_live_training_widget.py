"""LiveTraining by its traits and by the messages of its buttons: what a page sends and what it gets to see."""

import time

import pytest
import torch
from fakes import same_weights

from llmviz import artifacts, corpora, training
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly
from llmviz.training import runs
from llmviz.training.loop import TrainingSettings
from llmviz.widgets import LiveTraining

TOKENIZER = artifacts.load_model("tiny").tokenizer
CORPUS = corpora.tinyville(0, {"fact": 30})
SIZES = ModelConfig(vocab_size=TOKENIZER.vocab_size, context_length=48, d_model=16, n_layers=1, n_heads=2, d_ff=16)
IDS = runs.corpus_tokens(CORPUS, TOKENIZER)
STARTS = training.document_starts(IDS, TOKENIZER.end_of_text)
SETTINGS = TrainingSettings(steps=12, batch_size=2)
ENDLESS = TrainingSettings(steps=100_000, batch_size=1)
LINES = {"ln V": 6.93, "<b>floor</b>": 0.5}


def live_run(settings=SETTINGS, **options):
    options = {"tokenizer": TOKENIZER, "held_out": CORPUS.documents[:5], "baselines": LINES} | options
    return LiveTraining(DecoderOnly(SIZES, seed=1), IDS, settings, **{"starts": STARTS, **options})


def press(live, action):
    """What arrives through the comm when a button is clicked."""
    live._handle_msg({"content": {"data": {"method": "custom", "content": {"do": action}}}, "buffers": []})


def turn(live, rate):
    """What arrives when the dial is turned."""
    update = {"method": "update", "state": {"rate": rate}, "buffer_paths": []}
    live._handle_msg({"content": {"data": update}, "buffers": []})


def wait_for(live, *states):
    end = time.monotonic() + 20
    while live.state not in states:
        assert time.monotonic() < end, live.state
        time.sleep(0.002)


def test_a_live_run_ends_with_the_weights_of_train_steps():
    live = live_run()
    steps = live.run()
    model = DecoderOnly(SIZES, seed=1)
    expected = training.train(model, IDS, SETTINGS, starts=STARTS)
    assert [step.loss for step in steps] == [step.loss for step in expected]
    assert same_weights(live.model, model) and live.state == "done"


def test_the_page_sees_the_losses_the_dots_and_what_it_writes():
    live = live_run()
    assert live.payload["step"] == 0 and live.payload["seconds_left"] is None
    live.run()
    payload = live.payload
    assert (payload["step"], payload["n_steps"], payload["seconds_left"]) == (12, 12, 0)
    assert [step for step, _ in payload["held_out"]] == list(range(13)) == [step for step, _ in live.samples]
    assert payload["losses"]["shape"] == [12] and payload["baselines"][1] == ["<b>floor</b>", 0.5]
    assert live.held_out_losses[-1][1] < live.held_out_losses[0][1] == pytest.approx(6.93, abs=0.01)


def test_a_click_on_pause_acts_at_once_and_the_next_on_start_goes_on():
    live = live_run(ENDLESS)
    press(live, "start")
    wait_for(live, "training")
    press(live, "pause")
    wait_for(live, "paused")
    done = len(live.steps)
    press(live, "one_step")
    assert len(live.steps) == done + 1 and live.state == "paused"
    press(live, "start")
    wait_for(live, "training")
    press(live, "stop")
    assert live.state == "stopped" and live.model(IDS[None, :9]).isfinite().all()
    press(live, "restart")
    assert live.state == "ready" and live.held_out_losses == live.samples == live.steps == []
    assert same_weights(live.model, DecoderOnly(SIZES, seed=1))


def test_the_dial_turns_the_rate_of_a_run_that_goes_on():
    live = live_run()
    live.run(2)
    turn(live, 0.25)
    live.run(1)
    assert live.steps[2].learning_rate == pytest.approx(0.25 * 0.02 * SETTINGS.schedule(2))
    turn(live, 1000.0)
    assert live.rate == 0.25 and "lr_multiplier must be from 0 to 30" in live.problem


def test_a_step_that_fails_is_a_sentence_in_its_place_and_an_error_in_the_cell():
    live = live_run()
    live.run(3)
    live.model.embedding.weight.data.fill_(float("nan"))
    press(live, "start")
    wait_for(live, "failed")
    assert live.problem.startswith("Step 4 failed: the loss is no longer a number")
    with pytest.raises(ArithmeticError, match="Step 4 failed"):
        live.run()
    press(live, "restart")
    assert (live.state, live.problem) == ("ready", "")


@pytest.mark.parametrize("content", [None, {}, {"do": "__init__"}, {"do": ["start"]}, "start"])
def test_other_messages_do_nothing(content):
    live = live_run()
    live._handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})
    assert live.state == "ready"


def test_its_words_are_the_same_on_every_machine():
    live = live_run()
    assert repr(live) == "Live training: 0 of 12 steps, not yet begun."
    live.run(5)
    assert repr(live) == "Live training: 5 of 12 steps, paused."
    live.run()
    assert repr(live) == "Live training: 12 of 12 steps."
    bundle = live._repr_mimebundle_()
    assert bundle["text/plain"] == repr(live) and bundle["text/html"].count("<img") == 1
    assert "12 of 12 steps" in bundle["text/html"] and "<script" not in bundle["text/html"]
    assert "<img" not in live_run()._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize(("options", "sentence"), [
    ({"settings": None}, "give a model and its settings"),
    ({"tokenizer": "gpt2"}, "the tokenizer is one of"),
    ({"held_out": "Mia"}, "held_out must be a list of strings, not one string"),
    ({"baselines": [1.0]}, "baselines must be a dict"),
    ({"prompt": 3}, "takes text"),
    ({"starts": STARTS * 0}, "starts are the beginnings of the documents"),
])  # fmt: skip
def test_what_it_cannot_train_on_is_refused_before_the_first_click(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        live_run(**options)
    with pytest.raises(ValueError, match="token_ids must be a tensor of whole numbers; given 'Mia'"):
        LiveTraining(DecoderOnly(SIZES, seed=1), "Mia", SETTINGS)


def test_a_run_pauses_when_its_seconds_are_over_and_goes_on_later():
    live = live_run(TrainingSettings(steps=2000, batch_size=1), held_out=(), tokenizer=None)
    n_steps = len(live.run(seconds=0.2))
    assert 0 < n_steps < 2000 and live.state == "paused"
    assert len(live.run(5)) == n_steps + 5


def test_baselines_are_numbers():
    with pytest.raises(ValueError, match="baselines"):
        live_run(baselines={"ln V": float("nan")})


def test_many_steps_are_a_few_hundred_points():
    live = live_run(TrainingSettings(steps=900, batch_size=1, decay=1.0), held_out=(), tokenizer=None)
    live.run(850)
    assert 250 <= live.payload["losses"]["shape"][0] <= 400
    assert torch.isfinite(live.model.embedding.weight).all()
