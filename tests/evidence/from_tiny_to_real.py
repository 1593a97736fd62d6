"""Lesson 10: what five changes do to a tiny GPT, how far positions reach, and what a real model's heads are for."""

from statistics import fmean

import numpy as np
from claims import above, below, between, demo

from llmviz import artifacts
from llmviz.interpretability import head_scores
from llmviz.model import CHANGES, gpt2_like, with_changes
from llmviz.pretrained.probe import LISTS, open_probe
from llmviz.training import architectures
from llmviz.training.architectures import loss_by_position, train_side_by_side

TOKENIZER = artifacts.load_model("tiny").tokenizer
OTHERS = [name for name in CHANGES if name != "rotary positions"]


def compared(losses: dict[str, float]) -> dict[str, float]:
    """What the lesson says of the losses on held-out text."""
    first = losses["GPT-2"]
    return {
        "rotary_gains": first - losses["rotary positions"],
        "others_at_most": max(abs(losses[name] - first) for name in OTHERS),
        "all_five_gain": first - losses["all five"],
        "multi_query_costs": losses["multi-query attention"] - first,
    }


def combined(losses: dict[str, float]) -> dict[str, float]:
    """What the lesson says of rotary positions beside one other change, and of all changes but one."""
    rotary, together = losses["rotary positions"], losses["all five"]
    return {
        "one_beside_rotary_at_most": max(abs(losses[f"rotary and {name}"] - rotary) for name in OTHERS),
        "all_five_behind_rotary": together - rotary,
        "without_swiglu_back": together - losses["all but SwiGLU"],
        "with_biases_back": together - losses["all but no biases"],
    }


def recorded() -> dict[str, float]:
    """The mean losses of the recording that ships."""
    variants = artifacts.load_recording("architectures")["variants"]
    return {name: fmean(row["held_out"]) for name, row in variants.items()}


@demo(
    stand_in=lambda: compared(recorded()), rotary_gains=above(0.15), others_at_most=below(0.12),
    all_five_gain=above(0.1), multi_query_costs=between(0, 0.12),
)  # fmt: skip
def one_change_of_five_pays_in_a_tiny_model(seed: int) -> dict[str, float]:
    """Rotary positions lower the loss at once; each of the other four changes it little."""
    data = architectures.load_data(TOKENIZER)
    found = train_side_by_side(architectures.variants(TOKENIZER.vocab_size), data, seed=seed)
    return compared({name: one.held_out for name, one in found.items()})


@demo(
    stand_in=lambda: combined(recorded()), one_beside_rotary_at_most=below(0.06), all_five_behind_rotary=above(0.03),
    without_swiglu_back=above(0.01), with_biases_back=above(0.01),
)  # fmt: skip
def a_change_harmless_alone_may_harm_in_combination(seed: int) -> dict[str, float]:
    """No other change takes the gain of rotary positions away alone; without SwiGLU, or with biases, all five lose
    less.
    """
    first, data = gpt2_like(TOKENIZER.vocab_size), architectures.load_data(TOKENIZER)
    changes = {"rotary positions": ["rotary positions"], "all five": [*CHANGES]}
    changes |= {f"rotary and {name}": ["rotary positions", name] for name in OTHERS}
    changes |= {f"all but {name}": [one for one in CHANGES if one != name] for name in ("SwiGLU", "no biases")}
    configs = {name: with_changes(first, *names) for name, names in changes.items()}
    return combined({name: one.held_out for name, one in train_side_by_side(configs, data, seed=seed).items()})


@demo(induction_costs=above(1), others_cost=below(0.8), score_left=below(0.3), score_with_others_off=above(0.35))
def smollm2_needs_a_pair_of_heads(seed: int) -> dict[str, float]:
    """Without its induction heads SmolLM2 repeats a list worse; without previous-token heads these lose their pattern.
    A list for each seed; as a control, two shifts of these heads in their layers.
    """
    asked, text = open_probe("smollm2"), LISTS[seed]
    roles = head_scores(asked.attention(LISTS[0]), asked.tokens(LISTS[0]))
    induction, previous = (roles[role] > 0.5 for role in ("induction", "previous token"))
    before = asked.ablate(text, induction & False)[0]
    return {
        "induction_costs": asked.ablate(text, induction)[0] - before,
        "others_cost": max(asked.ablate(text, np.roll(induction, shift, axis=1))[0] for shift in (3, 6)) - before,
        "score_left": asked.ablate(text, previous)[1][induction].mean(),
        "score_with_others_off": min(
            asked.ablate(text, np.roll(previous, shift, axis=1))[1][induction].mean() for shift in (3, 6)
        ),
    }


@demo(rotary_gains=above(0.2), worse_outside=between(0.3, 1.5), outside=below(4.1), learned_stops=above(0.5))
def rotary_positions_read_on(seed: int) -> dict[str, float]:
    """After 150 steps on 64 places, rotary positions read on to 128, worse but far from guessing; learned ones
    cannot.
    """
    first, data = gpt2_like(TOKENIZER.vocab_size), architectures.load_data(TOKENIZER)
    configs = {"learned": first, "rotary": with_changes(first, "rotary positions")}
    found = train_side_by_side(configs, data, steps=150, seed=seed)
    by_place = loss_by_position(found["rotary"].model.with_context_length(128), data.held_out_windows(128))
    try:
        found["learned"].model.with_context_length(128)
        stops = 0.0
    except ValueError:
        stops = 1.0
    return {
        "rotary_gains": found["learned"].held_out - found["rotary"].held_out,
        "worse_outside": (by_place[64:].mean() - by_place[:64].mean()).item(),
        "outside": by_place[64:].mean().item(),
        "learned_stops": stops,
    }
