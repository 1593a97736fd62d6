"""Twenty kill −9 during training, and damaged checkpoints: nothing is lost, and a sentence says what is wrong."""

import json
import os
import random
import shutil
import signal
import sys
import time
import warnings
from functools import partial
from pathlib import Path

import pytest
from fakes import same_weights

from llmviz import cli, corpora
from llmviz.model.config import ModelConfig
from llmviz.training import checkpoints, runs

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="POSIX: fork and kill")]

LINES = "".join(f"Mia found {number} red kites, and {number * 7 % 10} of them flew.\n" for number in range(80))
N_STEPS, N_KILLS = 60, 5


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(runs, "ModelConfig", partial(ModelConfig, d_model=16, n_layers=1, n_heads=2, d_ff=32))
    monkeypatch.setattr(runs, "TOKENS_PER_STEP", 256)
    monkeypatch.setattr(corpora, "_HELD_OUT_TEXTS", 30)


@pytest.fixture
def text(tmp_path) -> Path:
    (tmp_path / "kites.txt").write_text(LINES, "utf-8")
    return tmp_path / "kites.txt"


def begin(text: Path, **settings) -> runs.Run:
    return runs.create(corpora.from_file(text), **{"tokenizer": "characters", "steps": N_STEPS, **settings})


def train_in_a_process(run: runs.Run, folder: Path, save_every: int, seconds: float) -> bool:
    """Train in a fork of this process, and kill it after some seconds; whether that came before its end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork of a process with threads
        child = os.fork()
    if not child:
        try:
            run.train(folder, save_every=save_every, callback=lambda step: time.sleep(0.005))
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def step_of(folder: Path) -> int:
    return checkpoints.load(folder).step if (folder / checkpoints.CARD).exists() else -1


@pytest.mark.parametrize("seed, save_every", [(0, 1), (1, 1), (2, 4), (3, 20)])
def test_killed_and_resumed_a_run_ends_as_uninterrupted(text, tmp_path, seed, save_every):
    """Four runs, each killed five times."""
    whole, folder, draw = begin(text), tmp_path / "parted", random.Random(seed)
    whole.train(tmp_path / "whole", save_every=save_every)
    n_killed, last, steps = 0, -1, []
    while n_killed < N_KILLS:
        run = begin(text) if last < 0 else runs.resume(folder)
        if run.is_over:
            shutil.rmtree(folder)
            last = -1
            continue
        n_killed += train_in_a_process(run, folder, save_every, draw.uniform(0.02, 0.4))
        assert step_of(folder) >= last
        last = step_of(folder)
        steps.append(last)
    run = begin(text) if last < 0 else runs.resume(folder)
    run.train(folder, save_every=save_every)
    assert run.history == whole.history and run.validation_loss == whole.validation_loss
    assert same_weights(checkpoints.load(folder).model, whole.model)
    print(f"\n{n_killed} times killed, at the steps {steps}")


def changed(*path, to):
    """A change of one entry of checkpoint.json."""

    def damage(folder: Path) -> None:
        card = json.loads((folder / "checkpoint.json").read_text("utf-8"))
        inner = card
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = to
        (folder / "checkpoint.json").write_text(json.dumps(card), "utf-8")

    return damage


def file_changed(pattern: str, change):
    def damage(folder: Path) -> None:
        [path] = folder.glob(pattern)
        content = change(path.read_bytes())
        path.unlink() if content is None else path.write_bytes(content)

    return damage


DAMAGES = {
    "weights cut": file_changed("weights-*", lambda content: content[:-100]),
    "weights empty": file_changed("weights-*", lambda content: b""),
    "one bit of the weights": file_changed("weights-*", lambda content: content[:500] + b"\0" + content[501:-1] + b"!"),
    "no weights": file_changed("weights-*", lambda content: None),
    "no optimizer": file_changed("optimizer-*", lambda content: None),
    "card cut": file_changed("checkpoint.json", lambda content: content[: len(content) // 2]),
    "card empty": file_changed("checkpoint.json", lambda content: b""),
    "card is binary": file_changed("checkpoint.json", lambda content: b"\xff\0" * 99),
    "card is a list": file_changed("checkpoint.json", lambda content: b"[1, 2]"),
    "card is deep": file_changed("checkpoint.json", lambda content: b"[" * 100_000),
    "a negative step": changed("step", to=-3),
    "a step that is text": changed("step", to="three"),
    "a huge context": changed("model", "context_length", to=10**7),
    "a huge batch": changed("training", "batch_size", to=10**9),
    "a huge width": changed("model", "d_model", to=10**9),
    "many layers": changed("model", "n_layers", to=10**9),
    "a width that is text": changed("model", "d_model", to="16"),
    "heads that do not fit": changed("model", "n_heads", to=3),
    "a width of 0": changed("model", "d_model", to=0),
    "an unknown option": changed("model", "n_experts", to=8),
    "a damaged history": changed("record", "history", to=[[1, 2.0], "x", None]),
    "a history that is no list": changed("record", "history", to=7),
    "seconds that are text": changed("record", "seconds", to="long"),
    "a rate that is no number": changed("training", "learning_rate", to=float("nan")),
    "steps that are text": changed("training", "steps", to="9"),
    "no tokenizer": changed("tokenizer", to=None),
    "another tokenizer": changed("tokenizer", to={"kind": "sounds"}),
    "no corpus": changed("corpus", to=None),
    "files outside": changed("files", "weights", "name", to="../../../etc/passwd"),
    "no files": changed("files", to={}),
    "no record": changed("record", to=None),
}


@pytest.fixture(scope="module")
def totals():
    counts = {"damaged checkpoints": 0, "longest, in seconds": 0.0}
    yield counts
    print(f"\n{counts}")


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_checkpoint_gets_one_sentence_and_stays_as_it_is(text, tmp_path, capsys, totals, damage):
    begin(text, steps=4).train(tmp_path / "run")
    damage(tmp_path / "run")
    before = {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    for command in (["train", "--resume", "{}", "--steps", "2"], ["generate", "Mia", "--model", "{}"]):
        began = time.process_time()
        assert cli.main([word.format(tmp_path / "run") for word in command]) == cli.FAILED
        totals["longest, in seconds"] = max(totals["longest, in seconds"], time.process_time() - began)
        [line] = capsys.readouterr().err.splitlines()
        assert line.startswith(f"llmviz {command[0]}: ") and len(line) < 600, line
        assert "run" in line  # the place
    assert {path: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before
    assert totals["longest, in seconds"] < 10
    totals["damaged checkpoints"] += 1
