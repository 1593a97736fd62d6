"""The bias dial at every setting, and preference tuning at every step: recorded, so that a page can turn them.

`python -m llmviz.make_models limits` records both again (lesson 8).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llmviz.evaluation import bias
from llmviz.evaluation.facts import all_questions, ask
from llmviz.files import data_path
from llmviz.finetuning.dpo import preference_steps
from llmviz.model.transformer import DecoderOnly
from llmviz.tokenizers.base import Tokenizer
from llmviz.training import checkpoints
from llmviz.training.checkpoints import Checkpoint

FORMAT = "llmviz limits 1"
SHIPPED = "recordings/limits.json"
RATIOS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
FILTERS = {"nothing filtered": None, "nameless texts balanced": 0.5}
"""What is done to the corpus before training: in the second, texts about a nameless doctor are half she, half he, and
those about a guest are left as they were planted."""
SEEDS = (0, 1, 2)
LEARNING_RATES = (3e-5, 1e-4, 3e-4)
WATCHED = ("teacher", "nurse", "cook")
LAST_STEP, EVERY = 60, 5


def dial_setting(tokenizer: Tokenizer, ratio: float, filtered: float | None, seed: int) -> dict[str, float]:
    """Train at one setting of the dial; the learned P(she) of the doctor in both places, and the cook's."""
    anonymous = ratio if filtered is None else filtered
    model = bias.train_on_ratio(tokenizer, anonymous, guest_ratio=ratio, seed=seed)
    found = {place: bias.she_probability(model, tokenizer, bias.DIAL_JOB, place) for place in bias.PLACES}
    found |= {f"greedy {place}": bias.greedy_share(model, tokenizer, bias.DIAL_JOB, place) for place in bias.PLACES}
    return found | {"control": bias.she_probability(model, tokenizer, bias.CONTROL_JOB)}


def known_share(model: DecoderOnly, tokenizer: Tokenizer) -> float:
    """The share of the known facts that the model still answers right."""
    return ask(model, tokenizer, [one for one in all_questions() if one.truth]).right.float().mean().item()


def preference_course(tiny: Checkpoint, learning_rate: float) -> dict[str, list[float]]:
    """Prefer "He" to "She" for the teacher; P(she) of some jobs and the known facts, every five steps from 0 on."""
    model, course = copy.deepcopy(tiny.model), {name: [] for name in (*WATCHED, "facts")}

    def look() -> None:
        for job in WATCHED:
            course[job].append(round(bias.she_probability(model, tiny.tokenizer, job), 3))
        course["facts"].append(round(known_share(model, tiny.tokenizer), 3))

    look()
    steps = preference_steps(model, tiny.tokenizer, bias.he_preferences(), steps=LAST_STEP, learning_rate=learning_rate)
    for step, _ in enumerate(steps, start=1):
        if step % EVERY == 0:
            look()
    return course


def record_steps(tiny: Checkpoint) -> Iterator[dict[str, Any]]:
    """Record everything, one training at a time; the last thing yielded is the whole recording."""
    dial: dict[str, dict[str, list[list[float]]]] = {}
    for name, filtered in FILTERS.items():
        for ratio in RATIOS:
            runs = []
            for seed in SEEDS:
                runs.append(dial_setting(tiny.tokenizer, ratio, filtered, seed))
                yield {}
            for curve in runs[0]:
                rows = dial.setdefault(name, {}).setdefault(curve, [])
                rows.append([round(run[curve], 3) for run in runs])
    courses = {}
    for learning_rate in LEARNING_RATES:
        courses[str(learning_rate)] = preference_course(tiny, learning_rate)
        yield {}
    steps = list(range(0, LAST_STEP + 1, EVERY))
    preferences = {"steps": steps, "learning_rates": courses}
    yield {"format": FORMAT, "ratios": list(RATIOS), "seeds": list(SEEDS), "dial": dial, "preferences": preferences}


def save(path: Path, recording: dict[str, Any]) -> None:
    """Write a recording as JSON that can be read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = json.dumps(recording, indent=None, ensure_ascii=False).replace('], "', '],\n "').replace('}, "', '},\n "')
    path.write_text(lines + "\n", encoding="utf-8")


def load() -> dict[str, Any]:
    """Read the recording that ships.

    Returns:
        "ratios" (setting); "dial": filter → curve → (setting, seed), the curves being "anonymous", "guest" (learned
        P(she)), the same with "greedy " before (share of texts), and "control"; "preferences": "steps" (look) and
        "learning_rates": rate → job or "facts" → (look).
    """
    path = data_path(SHIPPED)
    card = json.loads(Path(path).read_text(encoding="utf-8"))
    if card.get("format") != FORMAT:
        raise ValueError(f'{path} is not a recording of limits: its format is {card.get("format")!r}, not "{FORMAT}"')
    return card


def make(path: Path) -> None:
    """Record everything anew, some minutes (`python -m llmviz.make_models limits`)."""
    from tqdm import tqdm

    n_trainings = len(FILTERS) * len(RATIOS) * len(SEEDS) + len(LEARNING_RATES)
    steps = record_steps(checkpoints.load_tiny())
    *_, recording = tqdm(steps, total=n_trainings + 1, desc="Limits", unit=" trainings")
    save(path, recording)
