"""Record anew what the lessons show of long runs, and put it into data/recordings.

python tools/record.py                 all recordings but those of real models
python tools/record.py capabilities    only this one

"smollm2" and "minilm" ask the models themselves, which must be here: llmviz models add smollm2.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm
from train_models import machine

from llmviz import artifacts, finetuning, pretrained
from llmviz.evaluation import capabilities, recorded
from llmviz.files import data_folder
from llmviz.pretrained import probe
from llmviz.training import architectures, recorder, save_recording

FILTERS = {"nothing filtered": None, "nameless texts balanced": 0.5}
"""The share of "she" in texts about a nameless doctor, whatever was planted; texts about a guest stay as planted."""
LEARNING_RATES = (3e-5, 1e-4, 3e-4)


def main(names: Sequence[str]) -> None:
    """Record what is named, or all that needs no downloads."""
    if unknown := set(names) - set(RECORDINGS):
        raise SystemExit(f"No recording is called {', '.join(sorted(unknown))}; there are: {', '.join(RECORDINGS)}")
    for name in names or [name for name in RECORDINGS if name not in probe.LESSON_TEXTS]:
        artifact = artifacts.ARTIFACTS[name]
        print(f"{name}: {artifact.about}", flush=True)
        RECORDINGS[name](data_folder() / artifact.file, artifact.command)


def training_run(file: Path, command: str) -> None:
    """A training run at its saved steps: "tinyville" or "overfitted"."""
    made = recorder.record_shipped(file.stem, progress=True)
    save_recording(file, replace(made, record={**made.record, "machine": machine()}), command=command)


def capability_curves() -> list[dict[str, Any]]:
    """What three models can do during training."""
    tiny = artifacts.load_model("tiny")
    return [asdict(capabilities.record(tiny, seed=seed, progress=True)) for seed in capabilities.SEEDS]


def comparison() -> list[dict[str, Any]]:
    """The methods of fine-tuning side by side: both tasks, each with all numbers of labels."""
    base, found = artifacts.load_model("sentiment"), []
    for task, n_labels in itertools.product(finetuning.LABELS, finetuning.BUDGETS):
        print(f"  {task}, {n_labels} labels", flush=True)
        run = finetuning.run_comparison(
            base.model, base.tokenizer, task=task, n_labels=n_labels, seed=0, progress=True
        )
        found.append(_rounded(asdict(run)))
    return found


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return round(value, 4)
        case dict():
            return {key: _rounded(one) for key, one in value.items()}
        case list():
            return [_rounded(one) for one in value]
    return value


def limitations() -> dict[str, Any]:
    """The bias dial at every setting, with three seeds, and preference tuning with three learning rates."""
    tiny = artifacts.load_model("tiny")
    dial: dict[str, dict[str, list[list[float]]]] = {name: {} for name in FILTERS}
    settings = list(itertools.product(FILTERS.items(), recorded.RATIOS))
    for (name, filtered), ratio in tqdm(settings, desc="bias dial", unit=" settings"):
        runs = [recorded.dial_setting(tiny.tokenizer, ratio, filtered, seed) for seed in recorded.SEEDS]
        for curve in runs[0]:
            dial[name].setdefault(curve, []).append([round(run[curve], 3) for run in runs])
    rates = tqdm(LEARNING_RATES, desc="preferences", unit=" rates")
    return {
        "ratios": list(recorded.RATIOS),
        "seeds": list(recorded.SEEDS),
        "dial": dial,
        "preferences": {
            "steps": list(range(0, recorded.LAST_STEP + 1, recorded.EVERY)),
            "learning_rates": {str(rate): recorded.preference_curves(tiny, rate) for rate in rates},
        },
    }


def five_changes() -> dict[str, Any]:
    """From GPT-2 to Llama, each change alone and all together."""
    *_, found = architectures.record_steps(progress=True)
    return found


def real_model(file: Path, command: str) -> None:
    """What a real model answers to the questions of lesson 10."""
    live = probe.LiveModelProbe(pretrained.load(file.stem))
    data, arrays = probe.record_answers(live, probe.LESSON_TEXTS[file.stem])
    artifacts.save_recording(file, data, command=command, arrays=arrays)


def _save(make: Callable[[], Any], file: Path, command: str) -> None:
    artifacts.save_recording(file, make(), command=command)


RECORDINGS: dict[str, Callable[[Path, str], None]] = {
    "tinyville": training_run,
    "overfitted": training_run,
    "capabilities": partial(_save, capability_curves),
    "comparison": partial(_save, comparison),
    "limitations": partial(_save, limitations),
    "architectures": partial(_save, five_changes),
    "smollm2": real_model,
    "minilm": real_model,
}

if __name__ == "__main__":
    main(sys.argv[1:])
