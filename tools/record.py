"""Record anew what the lessons show of long runs, and put it into data/recordings.

python tools/record.py                 all recordings but those of real models
python tools/record.py capabilities    only this one
python tools/record.py --out DIR tinyville    into another folder

"smollm2", "minilm", "coreference", "reviews" and "smollm2_limits" ask the models themselves, which must be here:
llmviz models add smollm2. "reviews" also downloads the reviews.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from record_alignment import alignment
from record_attention import coreference, long_range
from record_limitations import preferences, smollm2_limits
from record_reviews import reviews
from record_scaling import scale
from record_training import record_shipped, save_data, save_recording
from tqdm import tqdm
from train_models import machine

from llmviz import artifacts, evaluation, finetuning
from llmviz.evaluation import bias, capabilities
from llmviz.files import data_folder
from llmviz.interpretability import head_scores
from llmviz.model import CHANGES, DecoderOnly, with_changes
from llmviz.pretrained import probe
from llmviz.tokenizers import Tokenizer
from llmviz.training import architectures

FILTERS = {"nothing filtered": None, "nameless texts balanced": 0.5}
"""The share of "she" in texts about a nameless doctor, whatever was planted; texts about a guest stay as planted."""
ATTENTION_STEPS = 10_000  # attention weights are recorded in steps of 1 / 10,000
RATIOS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
SEEDS = (0, 1, 2)
LONGER_CONTEXT, POSITIONS_EACH = 128, 16


def main(arguments: Sequence[str]) -> None:
    """Record what is named, or all that needs no downloads."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(RECORDINGS))
    parser.add_argument("--out", type=Path, default=data_folder() / "recordings", metavar="DIR")
    given = parser.parse_args(arguments)
    if unknown := set(given.names) - set(RECORDINGS):
        raise SystemExit(f"No recording is called {', '.join(sorted(unknown))}; there are: {', '.join(RECORDINGS)}")
    for name in given.names or [name for name in RECORDINGS if name not in OF_REAL_MODELS]:
        artifact = artifacts.ARTIFACTS[name]
        print(f"{name}: {artifact.about}", flush=True)
        RECORDINGS[name](given.out / f"{name}.json", artifact.command)


def training_run(file: Path, command: str) -> None:
    """A training run at its saved steps: "tinyville" or "overfitted"."""
    made = record_shipped(file.stem, progress=True)
    save_recording(file, replace(made, record={**made.record, "machine": machine()}), command=command)


def capability_curves() -> list[dict[str, Any]]:
    """What three models can do during training."""
    return [asdict(evaluation.record_capabilities(seed=seed, progress=True)) for seed in capabilities.SEEDS]


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
    """The bias dial at every setting, and preference tuning with three betas; three seeds each."""
    tiny = artifacts.load_model("tiny")
    dial: dict[str, dict[str, list[list[float]]]] = {name: {} for name in FILTERS}
    settings = list(itertools.product(FILTERS.items(), RATIOS))
    for (name, filtered), ratio in tqdm(settings, desc="bias dial", unit=" settings"):
        runs = [dial_setting(tiny.tokenizer, ratio, filtered, seed) for seed in SEEDS]
        for curve in runs[0]:
            dial[name].setdefault(curve, []).append([round(run[curve], 3) for run in runs])
    return {"ratios": list(RATIOS), "seeds": list(SEEDS), "dial": dial, "preferences": preferences(tiny)}


def dial_setting(tokenizer: Tokenizer, ratio: float, filtered: float | None, seed: int) -> dict[str, float]:
    """The learned P(she) of the doctor in both places, greedy and not, and of the cook ("control").

    filtered: the planted share where the doctor has no name; None: `ratio`, nothing is filtered.
    """
    anonymous = ratio if filtered is None else filtered
    model = evaluation.train_on_ratio(tokenizer, anonymous, guest_ratio=ratio, seed=seed)
    found = {place: evaluation.she_probability(model, tokenizer, "doctor", place) for place in bias.PLACES}
    found |= {f"greedy {place}": evaluation.greedy_share(model, tokenizer, "doctor", place) for place in bias.PLACES}
    return found | {"control": evaluation.she_probability(model, tokenizer, "cook")}


def five_changes() -> dict[str, Any]:
    """From GPT-2 to Llama: each change alone, rotary positions with each other one, all but one, and all together.

    "seeds"; "positions" (part); "variants": name → "n_parameters", "held_out" (seed) and "by_position" (seed, part; as
    far as it can see) in nats per token.
    """
    tokenizer = artifacts.load_model("tiny").tokenizer
    data, configs = architectures.load_data(tokenizer), architectures.variants(tokenizer.vocab_size)
    others = [name for name in CHANGES if name != "rotary positions"]
    configs |= {f"rotary and {name}": with_changes(configs["GPT-2"], "rotary positions", name) for name in others}
    configs |= {
        f"all but {name}": with_changes(configs["GPT-2"], *(one for one in CHANGES if one != name)) for name in others
    }
    found = [architectures.train_side_by_side(configs, data, seed=seed) for seed in tqdm(SEEDS, unit=" seeds")]
    return {
        "seeds": list(SEEDS),
        "positions": list(range(POSITIONS_EACH, LONGER_CONTEXT + 1, POSITIONS_EACH)),
        "variants": {
            name: {
                "n_parameters": config.n_parameters,
                "held_out": [round(one[name].held_out, 4) for one in found],
                "by_position": [by_position(one[name].model, data) for one in found],
            }
            for name, config in configs.items()
        },
    }


def by_position(model: DecoderOnly, data: architectures._Data) -> list[float]:
    """The loss of each 16 positions, as far as the model can see."""
    longer = model if model.config.positions == "learned" else model.with_context_length(LONGER_CONTEXT)
    losses = architectures.loss_by_position(longer, data.held_out_windows(longer.config.context_length))
    return [round(part.mean().item(), 4) for part in losses.split(POSITIONS_EACH)]


def real_model(file: Path, command: str) -> None:
    """What a real model answers to the questions of lesson 10."""
    live = probe.open_probe(file.stem)
    if live.is_recorded:
        raise SystemExit(f"{file.stem} is not here to be asked: llmviz models add {file.stem}")
    data, arrays = record_answers(live, probe.LESSON_TEXTS[file.stem])
    save_data(file, data, command=command, arrays=arrays)


def record_answers(
    asked: probe.ModelProbe, texts: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Ask a model all that is in `texts` (see `LESSON_TEXTS`): the data and arrays for `save_data`."""
    answers: dict[str, dict[str, Any]] = {question: {} for question in texts}
    arrays: dict[str, np.ndarray] = {}
    for text in texts.get("tokens", ()):
        answers["tokens"][text] = asked.tokens(text)
    for number, text in enumerate(texts.get("attention", ())):
        arrays[f"attention-{number}"] = np.round(asked.attention(text) * ATTENTION_STEPS).astype(np.uint16)
        answers["attention"][text] = f"attention-{number}"
    for number, text in enumerate(texts.get("ablate", ())):
        answers["ablate"][text] = {}
        for step, heads in enumerate(ablated_heads(asked, texts["ablate"][0])):
            loss, scores = asked.ablate(text, heads)
            arrays[f"ablate-{number}-{step}"] = scores.astype(np.float16)
            answers["ablate"][text][str(np.argwhere(heads).tolist())] = [round(loss, 4), f"ablate-{number}-{step}"]
    for text in texts.get("logit_lens", ()):
        layers = asked.logit_lens(text)
        answers["logit_lens"][text] = [[(token, float(f"{share:.4g}")) for token, share in layer] for layer in layers]
    for text in texts.get("complete", ()):
        answers["complete"][text] = asked.complete(text)
    for number, (text, token) in enumerate(texts.get("token_states", {}).items()):
        arrays[f"token_states-{number}"] = asked.token_states(text, token).astype(np.float16)
        answers["token_states"][text] = {token: f"token_states-{number}"}
    return {"config": asdict(asked.config), "answers": answers}, arrays


def ablated_heads(asked: probe.ModelProbe, text: str) -> list[np.ndarray]:
    """No head; then those of each role, and twice as many other heads of the same layers: each (layer, head)."""
    roles = head_scores(asked.attention(text), asked.tokens(text))
    found = [roles[role] > 0.5 for role in ("induction", "previous token")]
    return [np.zeros_like(found[0]), *(np.roll(one, shift, axis=1) for one in found for shift in (0, 3, 6))]


def _save(make: Callable[[], Any], file: Path, command: str) -> None:
    save_data(file, make(), command=command)


def _save_arrays(make: Callable[[], tuple[Any, dict[str, np.ndarray]]], file: Path, command: str) -> None:
    data, arrays = make()
    save_data(file, data, command=command, arrays=arrays)


RECORDINGS: dict[str, Callable[[Path, str], None]] = {
    "tinyville": training_run,
    "overfitted": training_run,
    "capabilities": partial(_save, capability_curves),
    "comparison": partial(_save, comparison),
    "limitations": partial(_save, limitations),
    "alignment": partial(_save, alignment),
    "architectures": partial(_save, five_changes),
    "long_range": partial(_save, long_range),
    "scale": partial(_save, scale),
    "smollm2": real_model,
    "minilm": real_model,
    "coreference": partial(_save_arrays, coreference),
    "reviews": partial(_save_arrays, reviews),
    "smollm2_limits": partial(_save, smollm2_limits),
}
OF_REAL_MODELS = {*probe.LESSON_TEXTS, "coreference", "reviews", "smollm2_limits"}

if __name__ == "__main__":
    main(sys.argv[1:])
