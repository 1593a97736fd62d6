"""Lesson 11: what each line of the recipe is worth, the best size for a budget, clipping, other texts, experts."""

from dataclasses import replace
from functools import cache

import numpy as np
import record_scaling
import torch
from claims import above, below, between, demo
from record_scaling import from_lesson

from llmviz import artifacts
from llmviz.training import architectures, recipes, scaling

RECORDED = artifacts.load_recording("scale")
CHANGED = ["no warm-up", "no weight decay", "first weights 50 times as large", "SGD, not AdamW", "Muon, not AdamW"]


@cache
def data():
    return architectures.load_data(artifacts.load_model("tiny").tokenizer)


def lines(high: dict[str, float], low: dict[str, float]) -> dict[str, float]:
    """What the lesson says of the losses at both learning rates."""
    cost = {name: high[name] - high["whole recipe"] for name in CHANGED}
    return {
        "first_weights_cost": cost["first weights 50 times as large"],
        "warm_up_gains": cost["no warm-up"],
        "warm_up_gains_at_half_the_rate": low["no warm-up"] - low["whole recipe"],
        "sgd_costs": cost["SGD, not AdamW"],
        "weight_decay_gains": cost["no weight decay"],
        "muon_gains": -cost["Muon, not AdamW"],
    }


def recorded_lines(seed: int = 0) -> dict[str, float]:
    rates = RECORDED["recipes"]
    return lines(*({name: losses[seed] for name, losses in rates[rate].items()} for rate in ("0.012", "0.006")))


@demo(
    stand_in=recorded_lines, first_weights_cost=above(2), warm_up_gains=above(0.4),
    warm_up_gains_at_half_the_rate=between(0.03, 0.25), sgd_costs=above(0.4), weight_decay_gains=below(0),
    muon_gains=above(0.2),
)  # fmt: skip
def lines_of_the_recipe_have_a_price(seed: int) -> dict[str, float]:
    """First weights, warm-up and AdamW matter most in a short run; warm-up less at half the rate; weight decay is not
    needed.
    """
    found = {}
    for rate in (0.012, 0.006):
        some = {name: one for name, one in recipes.variants().items() if name in ("whole recipe", *CHANGED)}
        found[rate] = {
            name: recipes.train_recipe(replace(one, learning_rate=rate), data(), seed=seed).held_out
            for name, one in some.items()
        }
    return lines(found[0.012], found[0.006])


def best_sizes(grid: list[dict], seed: int) -> dict[float, float]:
    """For each budget the size with the lowest loss: the lowest point of a parabola through four points."""
    found = {}
    for compute in sorted({one["compute"] for one in grid}):
        runs = sorted((one["loss"], one["n_parameters"]) for one in grid
                      if (one["compute"], one["seed"]) == (compute, seed))[:4]  # fmt: skip
        a, b, _ = np.polyfit(np.log([size for _, size in runs]), [loss for loss, _ in runs], 2)
        found[compute] = float(np.exp(-b / 2 / a))
    return found


def iso_flop_claims(curves: dict, seed: int) -> dict[str, float]:
    best = best_sizes(curves["runs"], seed)
    slower = best_sizes(curves["slower"], curves["slower"][0]["seed"])
    ratios = [compute / scaling.OPERATIONS / size**2 for compute, size in best.items()]
    top = [[one["loss"] for one in curves["runs"] if (one["compute"], one["seed"]) == (c, seed)] for c in best]
    return {
        "exponent": -scaling.power_law([*best], [*best.values()])[1],
        "fewest_tokens_a_parameter": min(ratios),
        "most_tokens_a_parameter": max(ratios),
        "largest_model_behind_the_best": min(losses[-1] - min(losses) for losses in top),
        "best_size_with_half_the_rate": slower[1e11] / best[1e11],
    }


@demo(
    stand_in=lambda: iso_flop_claims(RECORDED["iso_flop"], 0), exponent=between(0.2, 0.6),
    fewest_tokens_a_parameter=above(2), most_tokens_a_parameter=below(20), largest_model_behind_the_best=above(0.04),
    best_size_with_half_the_rate=between(0.4, 2.5),
)  # fmt: skip
def model_and_data_grow_together(seed: int) -> dict[str, float]:
    """The best size rises with the computation, and so do its tokens; a model that is too large loses."""
    return iso_flop_claims(record_scaling.iso_flop(seeds=(seed,), largest={}), seed)


@demo(sgd_spike=above(0.1), adamw_spike=above(0.05), clipped=below(0.1), sgd_spike_at_half_the_rate=above(0.05))
def clipping_prevents_a_spike(seed: int) -> dict[str, float]:
    """After a broken batch the loss is higher than in a run without it: little with clipping, more without."""
    after = from_lesson("after_a_broken_batch")["after_a_broken_batch"]
    makers = {
        "sgd": lambda weights: torch.optim.SGD(weights, lr=0.1, momentum=0.9),
        "adamw": lambda weights: torch.optim.AdamW(weights, lr=0.003, betas=(0.9, 0.95)),
        "half": lambda weights: torch.optim.SGD(weights, lr=0.05, momentum=0.9),
    }

    def excess(make, max_norm: float) -> float:
        runs = [after(make, norm, seed=seed, broken=step) for norm, step in ((max_norm, 8), (1.0, None))]
        return float(np.mean([broken - good for (broken, _), (good, _) in zip(*runs, strict=True)][9:]))

    sgd, adamw, half = (excess(make, float("inf")) for make in makers.values())
    clipped = max(excess(make, 1.0) for make in makers.values())
    return {"sgd_spike": sgd, "adamw_spike": adamw, "clipped": clipped, "sgd_spike_at_half_the_rate": half}


def text_claims(texts: dict, seed: int = 0) -> dict[str, float]:
    """What the lesson says of other texts."""
    filters = {name: losses[seed] for name, losses in texts["filters"].items()}
    only, few = ({kind: losses[seed] for kind, losses in texts["mixes"][share].items()} for share in ("1.0", "0.9"))
    leaked, other = (
        texts["leak"]["without"][half][seed] - texts["leak"]["with"][half][seed]
        for half in ("leaked half", "other half")
    )
    return {
        "filter_gains": filters["raw"] - filters["filtered"],
        "filtered_behind_clean": filters["filtered"] - filters["clean half"],
        "half_as_many_texts_cost": filters["clean half"] - filters["clean"],
        "duplicates_cost": filters["with duplicates"] - filters["clean"],
        "few_lists_gain_on_lists": only["copy"] - few["copy"],
        "few_lists_cost_stories": few["story"] - only["story"],
        "leaked_gain": leaked - other,
        "honest_gain": other,
    }


@demo(
    stand_in=lambda: text_claims(RECORDED["texts"]), filter_gains=above(0.4), filtered_behind_clean=between(0, 0.3),
    half_as_many_texts_cost=between(-0.2, 0.2), duplicates_cost=above(0.1), few_lists_gain_on_lists=above(4),
    few_lists_cost_stories=between(-0.2, 0.3), leaked_gain=above(0.1), honest_gain=between(-0.2, 0.2),
)  # fmt: skip
def texts_decide_the_loss(seed: int) -> dict[str, float]:
    """A filter lowers the loss on clean text, duplicates raise it, a few lists teach lists; leaked tests lie."""
    return text_claims(record_scaling.other_texts(seeds=(seed,)))


@demo(experts_gain=between(-0.3, 0.4), balanced_at_most=below(0.3))
def experts_gain_with_some_seeds_only(seed: int) -> dict[str, float]:
    """Eight experts are used evenly; whether they gain after 120 steps depends on the seed."""
    trained = from_lesson("Experts", "trained")["trained"]
    plain, (model, loss) = trained(seed)[1], trained(seed, 0.02)
    used = max(block.feed_forward.used.max().item() for block in model.blocks)
    return {"experts_gain": plain - loss, "balanced_at_most": used}


@demo(teacher_gains=above(0.02), eight_bits_cost=below(0.01), four_bits_cost=below(0.2), three_bits_cost=above(0.3))
def small_models_from_large_ones(seed: int) -> dict[str, float]:
    """A student learns faster from the teacher's probabilities; 8 bits cost nothing, 3 bits much."""
    scope = from_lesson("student", "rounded", "quantized")
    before = architectures.loss_by_position(scope["tiny"].model, data().held_out_windows(64)).mean().item()
    costs = {name: scope["quantized"](bits) - before for name, bits in (("eight", 8), ("four", 4), ("three", 3))}
    gain = scope["student"](False, seed) - scope["student"](True, seed)
    return {"teacher_gains": gain, **{f"{name}_bits_cost": cost for name, cost in costs.items()}}
