"""Two processes, one run: the same losses as alone, and a good checkpoint when one of them dies."""

import json
import os
import subprocess
import sys
from pathlib import Path

import distributed_run
import pytest
import torch

from llmviz.training import checkpoints, runs

PROGRAM = Path(distributed_run.__file__)


def torchrun(*arguments: object) -> subprocess.CompletedProcess:
    """Start two processes of a program, as `torchrun` does."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, timeout=240,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


@pytest.fixture(autouse=True)
def text(tmp_path):
    (tmp_path / "kites.txt").write_text(distributed_run.LINES, "utf-8")


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """Fifty steps in this process: (losses, checkpoint)."""
    monkeypatch.setattr(runs, "ModelConfig", runs.ModelConfig)  # put back what the run makes small
    losses = distributed_run.train(tmp_path / "alone", 50)
    return losses, checkpoints.load(tmp_path / "alone")


@pytest.mark.slow
def test_two_processes_have_the_losses_of_one(tmp_path, alone):
    done = torchrun(PROGRAM, tmp_path / "two", 50)
    assert done.returncode == 0, done.stderr
    losses, checkpoint = alone
    assert json.loads((tmp_path / "two" / "losses.json").read_text()) == pytest.approx(losses, abs=1e-5)
    assert losses[-1] < losses[0] - 1
    together = checkpoints.load(tmp_path / "two").model.state_dict()
    for name, weight in checkpoint.model.state_dict().items():
        torch.testing.assert_close(together[name], weight, atol=1e-4, rtol=0)


@pytest.mark.slow
def test_a_killed_process_leaves_a_good_checkpoint(tmp_path, alone):
    done = torchrun(PROGRAM, tmp_path / "broken", 50, 23)
    assert done.returncode != 0
    assert not (tmp_path / "broken" / "losses.json").exists()
    run = runs.resume(tmp_path / "broken")
    assert 20 <= run.checkpoint.step <= 23
    losses, checkpoint = alone
    rest = []
    run.train(tmp_path / "broken", callback=lambda step: rest.append(step.loss))
    assert rest == pytest.approx(losses[-len(rest) :], abs=1e-4)
    assert run.checkpoint.step == checkpoint.step == 50


@pytest.mark.slow
def test_the_command_speaks_once(tmp_path):
    options = ["--tokenizer", "characters", "--steps", "2", "--out", tmp_path / "run", "--json"]
    done = torchrun("-m", "llmviz", "train", "--text", tmp_path / "kites.txt", *options)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("2 processes") == done.stdout.count("Trained 2 steps") == 1
    assert json.loads(done.stdout.splitlines()[-1])["tokens"] == 2 * runs.TOKENS_PER_STEP


def test_windows_that_cannot_be_shared_evenly_are_refused(monkeypatch):
    monkeypatch.setattr(runs, "n_processes", lambda: 3)
    runs._check_batch(9)
    with pytest.raises(ValueError, match="3 processes cannot share 8 windows a step evenly"):
        runs._check_batch(8)
