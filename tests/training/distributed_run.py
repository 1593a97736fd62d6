"""A small run in one of several processes: `torchrun … distributed_run.py FOLDER STEPS [LAST_OF_SECOND]`."""

import json
import os
import signal
import sys
from functools import partial
from pathlib import Path

from llmviz import corpora
from llmviz.model.config import ModelConfig
from llmviz.training import runs

LINES = "".join(f"Mia found {number} red kites, and {number * 7 % 10} of them flew.\n" for number in range(80))


def train(folder: Path, steps: int, last_of_second: int | None = None) -> list[float]:
    """Train on the kites.txt beside the folder; return the losses. The second process can be killed."""
    runs.ModelConfig = partial(ModelConfig, d_model=16, n_layers=1, n_heads=2, d_ff=32)
    losses = []

    def callback(step) -> None:
        losses.append(step.loss)
        if runs._rank() == 1 and step.step == last_of_second:
            os.kill(os.getpid(), signal.SIGKILL)

    run = runs.create(corpora.from_file(folder.parent / "kites.txt"), tokenizer="characters", steps=steps)
    run.train(folder, save_every=5, callback=callback)
    return losses


def main(folder: str, steps: str, last_of_second: str | None = None) -> None:
    """What torchrun starts in each process."""
    with runs.join_process_group() as is_main:
        losses = train(Path(folder), int(steps), int(last_of_second) if last_of_second else None)
        if is_main:
            Path(folder, "losses.json").write_text(json.dumps(losses), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
