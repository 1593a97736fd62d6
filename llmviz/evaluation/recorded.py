"""The bias dial at one setting, and preference tuning step by step, as the recording "limitations" holds them."""

from __future__ import annotations

import copy

from llmviz.evaluation import bias
from llmviz.evaluation.facts import all_questions, ask
from llmviz.finetuning.dpo import preference_steps
from llmviz.model.transformer import DecoderOnly
from llmviz.tokenizers import Tokenizer
from llmviz.training.checkpoints import Checkpoint

RATIOS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
SEEDS = (0, 1, 2)
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


def preference_curves(tiny: Checkpoint, learning_rate: float) -> dict[str, list[float]]:
    """Prefer "He" to "She" for the teacher; P(she) of some jobs and the known facts, every five steps from 0 on."""
    model, curves = copy.deepcopy(tiny.model), {name: [] for name in (*WATCHED, "facts")}

    def measure() -> None:
        for job in WATCHED:
            curves[job].append(round(bias.she_probability(model, tiny.tokenizer, job), 3))
        curves["facts"].append(round(known_share(model, tiny.tokenizer), 3))

    measure()
    steps = preference_steps(model, tiny.tokenizer, bias.he_preferences(), steps=LAST_STEP, learning_rate=learning_rate)
    for step, _ in enumerate(steps, start=1):
        if step % EVERY == 0:
            measure()
    return curves
