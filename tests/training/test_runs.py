"""Runs: begun, interrupted in every way, and taken up again with the same end, bit for bit."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from fakes import same_weights
from filelock import FileLock

from llmviz import corpora, training
from llmviz.model.config import ModelConfig
from llmviz.tinyville import Tinyville
from llmviz.tokenizers.words import CharacterTokenizer
from llmviz.training import checkpoints, loop, runs

LINES = "".join(f"Mia found {number} red kites, and {number * 7 % 10} of them flew.\n" for number in range(80))


@pytest.fixture
def small(monkeypatch):
    """Models and batches a hundredth of the usual size, and few held-out texts: the runs are the same."""
    monkeypatch.setattr(runs, "ModelConfig", partial(ModelConfig, d_model=16, n_layers=1, n_heads=2, d_ff=32))
    monkeypatch.setattr(runs, "TOKENS_PER_STEP", 256)
    monkeypatch.setattr(corpora, "_HELD_OUT_TEXTS", 30)


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "kites.txt"
    path.write_text(LINES, "utf-8")
    return corpora.from_file(path)


def begin(corpus, **settings) -> runs.Run:
    return runs.create(corpus, **{"tokenizer": "characters", "steps": 12, **settings})


class TestTokens:
    TOKENIZER = CharacterTokenizer("ab")  # a 0, b 1, <unk> 2, <|endoftext|> 3

    def test_one_long_text_stands_alone(self):
        assert runs.corpus_tokens(corpora.from_text("abba"), self.TOKENIZER).tolist() == [0, 1, 1, 0]

    def test_several_have_an_end_of_text_before_each_and_after_the_last(self):
        corpus = corpora.Corpus("two", ("ab", "a"), {})
        assert runs.corpus_tokens(corpus, self.TOKENIZER).tolist() == [3, 0, 1, 3, 0, 3]

    @pytest.mark.parametrize("n_documents, prompt, expected", [
        (2, "ab", [3, 0, 1]), (2, "", [3]), (1, "ab", [0, 1]), (1, "", [2]),
    ])  # fmt: skip
    def test_a_prompt_begins_as_the_texts_of_the_model_do(self, n_documents, prompt, expected):
        record = {"n_documents": n_documents}
        checkpoint = checkpoints.Checkpoint(None, self.TOKENIZER, {}, None, 0, record)
        assert runs.prompt_ids(checkpoint, prompt) == expected


class TestBegin:
    def test_holds_out_a_tenth_and_trains_the_tokenizer_on_the_rest(self, small, corpus):
        run = begin(corpus)
        assert run.corpus.text + run.held_out.text == LINES
        assert run.tokenizer == CharacterTokenizer.train(run.corpus.text)
        assert run.token_ids.tolist() == run.tokenizer.encode(run.corpus.text)
        assert (run.model.config.context_length, run.starts) == (64, None)
        assert run.settings.batch_size * 64 == runs.TOKENS_PER_STEP

    def test_lets_windows_begin_where_short_documents_do(self, small):
        run = begin(corpora.tinyville(counts={"fact": 50, "visit": 20}), tokenizer="bpe", vocab_size=400)
        assert run.model.config.context_length == 128
        assert (run.token_ids[run.starts] == run.tokenizer.end_of_text).all()

    @pytest.mark.parametrize("length", [{"steps": None}, {"steps": 3, "seconds": 3.0}])
    def test_wants_either_steps_or_seconds(self, corpus, length):
        with pytest.raises(ValueError, match="either a number of steps or a number of seconds"):
            begin(corpus, **length)

    def test_refuses_a_text_that_makes_too_few_tokens(self, tmp_path):
        (tmp_path / "a.txt").write_text("a" * 3000)
        with pytest.raises(ValueError, match=r"a\.txt.* makes .* tokens .* at least 65 and 2 are needed"):
            begin(corpora.from_file(tmp_path / "a.txt"), tokenizer="bpe")


class TestCarryOn:
    def test_saves_on_the_way_and_at_the_end(self, small, corpus, tmp_path, monkeypatch):
        saved = []
        monkeypatch.setattr(checkpoints, "save", lambda folder, checkpoint: saved.append(checkpoint))
        seen = []
        begin(corpus).train(tmp_path, save_every=5, callback=seen.append)
        assert [checkpoint.step for checkpoint in saved] == [0, 5, 10, 12]
        assert [step.step for step in seen] == list(range(1, 13))
        record = saved[-1].record
        assert [step for step, _ in record["history"]] == list(range(1, 13))
        assert record["seconds"] >= sum(step.seconds for step in seen) > 0
        assert record["tokens"] == 12 * 256
        assert json.loads(json.dumps(record)) is not None

    def test_measures_the_loss_of_each_held_out_token_once(self, small, corpus, tmp_path):
        run = begin(corpus)
        run.train(tmp_path)
        ids = torch.tensor(run.tokenizer.encode(run.held_out.text))
        assert run.validation_loss == pytest.approx(training.evaluate(run.model, ids), abs=1e-4)
        assert checkpoints.load(tmp_path).record["validation_loss"] == run.validation_loss

    def test_stops_when_the_wanted_loss_is_reached(self, small, corpus, tmp_path):
        run = begin(corpus, steps=200, until_loss=100.0)
        run.train(tmp_path)
        assert run.checkpoint.step == 25
        assert run.is_over
        again = runs.resume(tmp_path)
        assert again.is_over
        again.train(tmp_path)
        assert again.checkpoint.step == 25


class TestUnknownTokens:
    @pytest.mark.parametrize(
        "vocab_size, training, validation, said",
        [(3, 0.92, 0.92, "92% of the training text and 92%"), (1000, 0.0, 0.087, "0% of the training text and 9%")],
    )
    def test_much_of_it_is_a_warning(self, small, corpus, vocab_size, training, validation, said):
        with pytest.warns(UserWarning, match=said):
            run = begin(corpus, tokenizer="word", vocab_size=vocab_size)
        shares = {"training": pytest.approx(training, abs=0.01), "validation": pytest.approx(validation, abs=0.01)}
        assert run.record["unknown_tokens"] == shares

    def test_little_of_it_is_none(self, small, recwarn):
        """One new word at the end, of many that are known."""
        text = "Mia found a red kite.\n" * 200 + "Lucy lost it.\n"
        run = begin(corpora.from_text(text), tokenizer="word", vocab_size=1000)
        assert 0 < run.record["unknown_tokens"]["validation"] < 0.05
        assert not list(recwarn)

    def test_bytes_know_every_text(self, small, corpus):
        assert "unknown_tokens" not in begin(corpus, tokenizer="bpe", vocab_size=300).record


class SimulatedClock:
    """Stands for `perf_counter`: a step takes so many seconds, by the time at which it begins."""

    def __init__(self, seconds_per_step):
        self.now, self.seconds_per_step = 0.0, seconds_per_step

    def __call__(self) -> float:
        return self.now

    def steps(self, train_steps):
        """`train_steps`, each step of which takes its simulated time."""

        def timed(*arguments, **settings):
            for step in train_steps(*arguments, **settings):
                self.now += self.seconds_per_step(self.now)
                yield step

        return timed


SPEEDS = {
    "steady": lambda now: 0.1,
    "slower": lambda now: 0.1 if now < 20 else 0.5,
    "faster": lambda now: 0.4 if now < 20 else 0.1,
    "slow steps at first": lambda now: 1.0 if now < 3 else 0.1,
    "at the last moment": lambda now: 0.1 if now < 37 else 0.4,
    "slower and slower": lambda now: 0.05 * 1.05**now,
    "up and down": lambda now: 0.1 if int(now / 4) % 2 else 0.3,
}


class TestTimed:
    @pytest.fixture
    def tick(self, monkeypatch):
        def start(speed):
            clock = SimulatedClock(SPEEDS[speed])
            monkeypatch.setattr(runs, "perf_counter", clock)
            monkeypatch.setattr(loop, "train_steps", clock.steps(training.train_steps))
            return clock

        return start

    @pytest.mark.parametrize("speed", SPEEDS)
    def test_ends_within_five_percent_of_the_time_also_when_the_machine_slows_down(
        self, small, corpus, tmp_path, tick, speed
    ):
        clock, run = tick(speed), begin(corpus, steps=None, seconds=40)
        rates = []
        run.train(tmp_path, callback=lambda step: rates.append(step.learning_rate))
        assert clock.now == pytest.approx(40, rel=0.05) and run.seconds == pytest.approx(clock.now)
        assert run.settings.steps == run.checkpoint.step == len(rates) and run.is_over
        assert rates[0] == run.settings.learning_rate and rates[-1] < 0.15 * rates[0]

    @pytest.mark.slow
    def test_killed_and_resumed_it_ends_as_uninterrupted(self, small, corpus, tmp_path, tick):
        tick("slower")
        whole = begin(corpus, steps=None, seconds=40)
        whole.train(tmp_path / "whole", save_every=30)
        for last in (10, 45, 120, 200):
            clock, run = tick("slower"), begin(corpus, steps=None, seconds=40)
            with pytest.raises(SystemExit):
                run.train(tmp_path / str(last), save_every=30, callback=interrupt_at(last, SystemExit))
            run = runs.resume(tmp_path / str(last))
            clock.now = run.seconds
            run.train(tmp_path / str(last), save_every=30)
            assert (run.checkpoint.step, run.seconds) == (whole.checkpoint.step, pytest.approx(whole.seconds))
            assert same_weights(run.model, whole.model) and run.validation_loss == whole.validation_loss


class TestLonger:
    def test_a_finished_run_goes_on_for_so_many_steps_or_seconds(self, small, corpus, tmp_path):
        begin(corpus).train(tmp_path)
        longer = runs.resume(tmp_path, steps=10)
        longer.train(tmp_path)
        assert [step for step, _ in longer.history] == list(range(1, 23))
        done = longer.record["seconds"]
        timed = runs.resume(tmp_path, seconds=0.5)
        timed.train(tmp_path)
        assert timed.checkpoint.step > 22 and timed.seconds >= done + 0.4

    def test_the_wanted_loss_is_kept_and_can_be_changed(self, small, corpus, tmp_path):
        run = begin(corpus, steps=60, until_loss=100.0)
        with pytest.raises(KeyboardInterrupt):
            run.train(tmp_path, callback=interrupt_at(7))
        run = runs.resume(tmp_path)
        run.train(tmp_path)
        assert run.checkpoint.step == 25 and run.is_over
        run = runs.resume(tmp_path, until_loss=1e-3)
        run.train(tmp_path)
        assert run.checkpoint.step == 60 and "stopped_early" not in run.record
        assert "until_loss" not in runs.resume(tmp_path, steps=5).record

    def test_two_cannot_train_in_one_folder(self, small, corpus, tmp_path):
        run = begin(corpus)
        with FileLock(tmp_path / ".lock"), pytest.raises(ValueError, match="another program is training in"):
            run.train(tmp_path)
        run.train(tmp_path)
        assert not (tmp_path / ".lock").exists()


def interrupt_at(last: int, exception: type[BaseException] = KeyboardInterrupt):
    def interrupt(step):
        if step.step == last:
            raise exception

    return interrupt


class TestResume:
    @pytest.mark.parametrize("stop, is_documents", [(4, False), (11, False), (4, True)])
    def test_after_ctrl_c_ends_as_an_uninterrupted_run(self, small, corpus, tmp_path, stop, is_documents):
        corpus = corpora.tinyville(counts={"fact": 50, "visit": 20}) if is_documents else corpus
        whole = begin(corpus)
        whole.train(tmp_path / "whole")
        with pytest.raises(KeyboardInterrupt):
            begin(corpus).train(tmp_path / "parted", save_every=5, callback=interrupt_at(stop))
        run = runs.resume(tmp_path / "parted")
        assert run.checkpoint.step == stop
        run.train(tmp_path / "parted", save_every=5)
        assert same_weights(run.model, whole.model)
        assert run.history == whole.history
        assert run.validation_loss == whole.validation_loss
        assert same_weights(checkpoints.load(tmp_path / "parted").model, whole.model)

    def test_of_a_run_interrupted_inside_a_step_goes_on_from_what_was_saved_before(
        self, small, corpus, tmp_path, monkeypatch
    ):
        whole = begin(corpus)
        whole.train(tmp_path / "whole", save_every=5)
        train_steps = training.train_steps

        def interrupted_in_step_9(model, *arguments, **settings):
            for step in train_steps(model, *arguments, **settings):
                if step.step == 9:
                    raise KeyboardInterrupt
                yield step

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(loop, "train_steps", interrupted_in_step_9)
            begin(corpus).train(tmp_path / "parted", save_every=5)
        run = runs.resume(tmp_path / "parted")
        assert run.checkpoint.step == 5
        run.train(tmp_path / "parted", save_every=5)
        assert same_weights(run.model, whole.model)

    def test_of_a_run_killed_after_its_last_step_measures_its_loss(self, small, corpus, tmp_path, monkeypatch):
        def killed(run):
            raise SystemExit

        with monkeypatch.context() as patch, pytest.raises(SystemExit):
            patch.setattr(runs.Run, "_held_out_loss", killed)
            begin(corpus).train(tmp_path, save_every=6)
        run = runs.resume(tmp_path)
        assert run.is_over
        run.train(tmp_path)
        assert run.validation_loss == run._held_out_loss()
        assert runs.resume(tmp_path).validation_loss == run.validation_loss

    def test_needs_the_state_of_the_training(self, small, corpus, tmp_path):
        checkpoints.save(tmp_path, replace(begin(corpus).checkpoint, optimizers=()))
        with pytest.raises(ValueError, match="a model but not the state of its training, so it cannot be resumed"):
            runs.resume(tmp_path)

    def test_needs_the_same_text(self, small, corpus, tmp_path):
        begin(corpus).save(tmp_path / "run")
        assert runs.resume(tmp_path / "run").corpus.text + runs.resume(tmp_path / "run").held_out.text == LINES
        (tmp_path / "kites.txt").write_text(LINES + "One more.\n")
        with pytest.raises(ValueError, match=r"kites\.txt was changed; bring it back, or start anew"):
            runs.resume(tmp_path / "run")
        (tmp_path / "kites.txt").unlink()
        with pytest.raises(FileNotFoundError, match=r"There is no file .*kites\.txt"):
            runs.resume(tmp_path / "run")


class TestKilled:
    N_STEPS = 24

    @pytest.fixture
    def one_thread(self):
        n_threads = torch.get_num_threads()
        torch.set_num_threads(1)
        yield
        torch.set_num_threads(n_threads)

    @contextmanager
    def training(self, *arguments: str) -> Iterator[subprocess.Popen]:
        """A `llmviz train` in a process of its own, which is gone afterwards, however the test ends."""
        command = [sys.executable, "-W", "error", "-m", "llmviz", "train", *arguments]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(runs.__file__).parents[1])}
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    @pytest.mark.slow
    def test_by_the_system_and_resumed_it_ends_bit_for_bit_as_uninterrupted(self, corpus, tmp_path, one_thread):
        """A real `llmviz train`, killed without warning after its first checkpoint and before its end."""
        whole, parted = begin(corpus, steps=self.N_STEPS), tmp_path / "parted"
        whole.train(tmp_path / "whole")
        text = ("--text", corpus.recipe["path"], "--tokenizer", "characters", "--steps", str(self.N_STEPS))
        with self.training(*text, "--out", str(parted), "--save-every", "2") as process:
            while not self.n_saved(parted) and process.poll() is None:
                time.sleep(0.01)
            process.kill()
            process.communicate()
            assert process.returncode != 0, "it was over before it could be killed"
        assert 0 < self.n_saved(parted) < self.N_STEPS
        resumed = runs.resume(parted)
        resumed.train(parted)
        assert same_weights(resumed.model, whole.model) and resumed.validation_loss == whole.validation_loss

    def n_saved(self, folder: Path) -> int:
        """After how many steps the folder's checkpoint was made; 0 where there is none yet."""
        card = folder / checkpoints.CARD
        return json.loads(card.read_text("utf-8"))["step"] if card.exists() else 0

    @pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C reaches another program only on POSIX")
    def test_by_ctrl_c_it_saves_says_how_to_go_on_and_leaves_with_130(self, corpus, tmp_path):
        text = ("--text", corpus.recipe["path"], "--tokenizer", "characters", "--steps", "100000")
        with self.training(*text, "--out", str(tmp_path / "run"), "--save-every", "1") as process:
            while not self.n_saved(tmp_path / "run") and process.poll() is None:
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate()
            assert process.returncode == 130
        step = self.n_saved(tmp_path / "run")
        assert f"Saved after step {step}. Go on with: llmviz train --resume {tmp_path / 'run'}" in output
        assert errors.endswith("Stopped.\n")
        assert "Traceback" not in errors


class TestReport:
    def test_of_texts_longer_than_the_context_compares_with_nothing(self, small, tmp_path):
        run = begin(corpora.tinyville(counts={"story": 20}), steps=1)
        run.train(tmp_path)
        assert run.starts is None and "gap" not in run.report()

    @pytest.mark.filterwarnings("ignore:.*unknown tokens")
    def test_of_tinyville_compares_with_the_world_kind_by_kind(self, small, tmp_path):
        run = begin(corpora.tinyville(counts={"fact": 60, "copy": 20}), tokenizer="word", steps=2)
        run.train(tmp_path)
        report = run.report()
        assert report["entropy"].keys() == report["gap"].keys() == report["compared"].keys() == {"fact", "copy"}
        assert sum(report["compared"].values()) == len(run.held_out.documents)
        assert all(gap > 0 for gap in report["gap"].values())
        # All words and ends together: the model's nats are those of the world and of the gap.
        words = {"fact": 0, "copy": 0}
        for text in Tinyville().texts(run.held_out.recipe["seed"], counts=run.held_out.recipe["counts"]):
            words[text.kind] += len(Tinyville.words(text.text)) + 1
        nats = sum(words[kind] * (report["entropy"][kind] + report["gap"][kind]) for kind in words)
        n_tokens = sum(len(run.tokenizer.encode(text)) + 1 for text in run.held_out.documents)
        assert nats == pytest.approx(run.validation_loss * n_tokens, rel=1e-3)
