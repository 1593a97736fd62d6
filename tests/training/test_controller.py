"""TrainingController: the weights of `train_steps`, still at a pause, initial after a restart, and errors."""

import time

import pytest
import torch
from fakes import SMALL, random_ids, same_weights

from llmviz.model.transformer import DecoderOnly
from llmviz.training.controller import TrainingController
from llmviz.training.loop import TrainingSettings, train

TEXT = random_ids(200)
SETTINGS = TrainingSettings(steps=60, batch_size=2)  # evaluated every 5 steps
SECONDS = 20.0


def initial_model():
    return DecoderOnly(SMALL, seed=3)


def controlled(**options):
    return TrainingController(initial_model(), TEXT, options.pop("settings", SETTINGS), **options)


def trained():
    model = initial_model()
    return model, train(model, TEXT, SETTINGS)


def wait_until(condition):
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)


def test_left_alone_it_ends_as_train_steps_does():
    run = controlled()
    steps = run.run()
    model, expected = trained()
    assert [step.loss for step in steps] == [step.loss for step in expected]
    assert same_weights(run.model, model)
    assert run.state == "done" and run.seconds_left == 0


def test_any_pauses_and_single_steps_change_nothing():
    run = controlled()
    run.run(1)
    run.run(3)
    assert (run.step, run.state) == (4, "paused")
    run.start(2)
    run.pause()
    assert run.step <= 6
    run.run()
    assert same_weights(run.model, trained()[0])


def test_a_pause_comes_between_two_steps_and_the_weights_are_still_when_it_returns():
    run = controlled(settings=TrainingSettings(steps=100_000, batch_size=1))
    run.start()
    wait_until(lambda: run.step > 2)
    run.pause()
    before, step = {name: one.clone() for name, one in run.model.state_dict().items()}, run.step
    time.sleep(0.03)
    assert run.state == "paused" and run.step == step
    assert all(torch.equal(one, before[name]) for name, one in run.model.state_dict().items())


def test_a_stop_leaves_a_model_that_works_and_nothing_goes_on():
    evaluated = []
    run = controlled(evaluate=lambda run: evaluated.append(run.step))
    run.run(7)
    run.stop()
    assert run.state == "stopped" and evaluated == [0, 5, 7]
    assert run.model(TEXT[None, :8]).isfinite().all()
    assert len(run.run()) == 7


def test_an_evaluation_that_stops_early_for_a_pause_is_made_up_for():
    evaluated = []

    def evaluate(run):
        if run.step == 5 and not evaluated.count("broken off"):
            evaluated.append("broken off")
            run.request_pause()
            return False
        evaluated.append(run.step)

    run = controlled(evaluate=evaluate)
    run.run()
    assert (run.state, run.step) == ("paused", 5)
    run.run()
    assert run.state == "done" and evaluated == [0, "broken off", *range(5, 61, 5)]


def test_restart_gives_the_initial_model_back_and_the_same_run_again():
    run = controlled()
    first = [step.loss for step in run.run()]
    run.restart()
    assert same_weights(run.model, initial_model()) and (run.step, run.state, run.steps) == (0, "ready", [])
    assert [step.loss for step in run.run()] == first


def test_the_multiplier_scales_the_schedule_from_the_next_step_on():
    run = controlled()
    run.run(3)
    run.lr_multiplier = 0.5
    run.run(1)
    run.lr_multiplier = 0.0
    before = {name: one.clone() for name, one in run.model.state_dict().items()}
    run.run(1)
    rates = [step.learning_rate for step in run.steps]
    plain = [step.learning_rate for step in trained()[1]]
    assert rates == pytest.approx([*plain[:3], plain[3] / 2, 0.0])
    assert all(torch.equal(one, before[name]) for name, one in run.model.state_dict().items())


@pytest.mark.parametrize("factor", [-1, 31, float("nan")])
def test_a_multiplier_out_of_range_is_refused(factor):
    with pytest.raises(ValueError, match="from 0 to 30, but was"):
        controlled().lr_multiplier = factor


def test_a_failing_step_is_a_sentence_and_a_restart_repairs_it():
    run = controlled()
    run.model.register_forward_hook(lambda *call: call[-1] * float("nan") if len(run.steps) == 4 else None)
    run.lr_multiplier = 2
    with pytest.raises(ArithmeticError, match=r"Step 5 failed: the loss is no longer a number.*2 times the scheduled"):
        run.run()
    assert run.state == "failed" and len(run.steps) == 4
    with pytest.raises(ArithmeticError, match="Restart to go back to the initial model"):
        run.run()
    run.restart()
    assert run.error == "" and len(run.run(3)) == 3
