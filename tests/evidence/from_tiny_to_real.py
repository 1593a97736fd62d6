"""Lesson 10: what the five changes do to a tiny GPT, and how far positions reach, holds on other seeds too."""

from statistics import fmean

from claims import above, below, between, demo

from llmviz import artifacts
from llmviz.model import CHANGES, gpt2_like, with_changes
from llmviz.training import architectures
from llmviz.training.architectures import loss_by_position, train_side_by_side

TOKENIZER = artifacts.load_model("tiny").tokenizer
OTHERS = [name for name in CHANGES if name != "rotary positions"]


def compared(losses: dict[str, float]) -> dict[str, float]:
    """What the lesson says of the losses on unread text."""
    first = losses["GPT-2"]
    return {
        "rotary_gains": first - losses["rotary positions"],
        "others_at_most": max(abs(losses[name] - first) for name in OTHERS),
        "all_five_behind_rotary": losses["all five"] - losses["rotary positions"],
    }


def recorded() -> dict[str, float]:
    """The same of the recording that ships."""
    variants = artifacts.load_recording("architectures")["variants"]
    return compared({name: fmean(row["held_out"]) for name, row in variants.items()})


@demo(stand_in=recorded, rotary_gains=above(0.15), others_at_most=below(0.12), all_five_behind_rotary=above(0.02))
def one_change_of_five_pays_in_a_tiny_model(seed: int) -> dict[str, float]:
    """Rotary positions lower the loss at once; the other four do little, and all five together are not the best."""
    data = architectures.load_data(TOKENIZER)
    found = train_side_by_side(architectures._variants(TOKENIZER.vocab_size), data, seed=seed)
    return compared({name: one.held_out for name, one in found.items()})


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
