"""Train again every model that ships (`make models`), and measure it: python -m llmviz.make_models."""

from __future__ import annotations

import platform
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from llmviz import checkpoints, corpora, evaluation, runs
from llmviz.data_files import data_folder
from llmviz.world import Tinyville

TINY_STEPS = 5_000
SEED = 0
COPY_PROMPTS = 50
SAMPLES = 200
TEMPERATURE = 0.8


def main() -> None:
    """Make every model anew, in place of the one that ships."""
    make_tiny(data_folder() / checkpoints.TINY)


def make_tiny(folder: Path) -> None:
    """Train the tiny GPT of all lessons on Tinyville, measure it, and put it into a folder without its optimizer."""
    command = f"llmviz train --steps {TINY_STEPS} --seed {SEED}"
    print(f"The tiny GPT: {command}", flush=True)
    corpus = corpora.tinyville(progress=True)
    run = runs.begin(corpus, steps=TINY_STEPS, seed=SEED, command=command, progress=True)
    with (
        tempfile.TemporaryDirectory() as unfinished,
        tqdm(total=TINY_STEPS, desc="Training", unit=" steps") as bar,
    ):
        runs.carry_on(run, unfinished, look=lambda step: bar.update())
    found = measure(run)
    for name, value in found.items():
        print(f"  {name}: {value}")
    checkpoint = run.checkpoint
    shutil.rmtree(folder, ignore_errors=True)
    record = {**checkpoint.record, "measured": found, "machine": machine()}
    checkpoints.save(folder, replace(checkpoint, record=record, optimizers=()))


def measure(run: runs.Run) -> dict[str, Any]:
    """What a model of Tinyville can do: gaps in nats per word, known facts, copying, and valid texts (shares)."""
    model, tokenizer = run.model, run.tokenizer
    world = Tinyville(run.corpus.recipe["counts"])
    texts = evaluation.sample_texts(model, tokenizer, SAMPLES, temperature=TEMPERATURE)
    copied = evaluation.copy_accuracy(model, tokenizer, world.copy_prompts(COPY_PROMPTS, seed=SEED))
    return {
        "gap_nats_per_word": {kind: round(gap.gap, 3) for kind, gap in runs.world_gaps(run).items()},
        "known_facts_completed": round(evaluation.fact_accuracy(model, tokenizer, world.facts), 3),
        "copied_from_context": {word_class: round(share, 3) for word_class, share in copied.items()},
        f"valid_of_{SAMPLES}_samples_at_{TEMPERATURE}": sum(world.check(text).valid for text in texts) / SAMPLES,
    }


def machine() -> dict[str, Any]:
    """On what it was made: another machine gets weights that differ in their last digits."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "processor": platform.machine(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }


if __name__ == "__main__":
    main()
