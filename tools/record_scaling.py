"""Lesson 11: models of several sizes, each trained with the same computation (iso-FLOP); the training recipe with one
line changed. `record.py` writes both to data/recordings.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from llmviz import artifacts, corpora
from llmviz.model import DecoderOnly
from llmviz.training import TrainingSettings, architectures, loop, recipes, runs, scaling

CONTEXT, WINDOWS = 64, 8  # 512 tokens a step
SEEDS = (0, 1, 2)
CORPUS_SEEDS, HELD_OUT_SEED, HELD_OUT_WINDOWS = (0, 1, 2), 1_000_000, 512
WIDTHS = dict.fromkeys((3e10, 1e11, 3e11), (16, 24, 32, 48, 64, 96))
"""For each number of operations, the widths of the models that get so many; three seeds each."""
LARGEST = {1e12: (32, 48, 64, 96)}
"""One seed: the law is fitted without it, and has to predict it."""
SLOWER = {1e11: (16, 24, 32, 48, 64, 96)}
"""The same with half the learning rate, one seed."""


def iso_flop(seeds: tuple[int, ...] = SEEDS) -> dict[str, Any]:
    """Models of several sizes, trained with the same computation.

    "runs": a list of {"compute", "d_model", "n_parameters" (without the embedding table), "tokens", "seed", "loss"
    (nats per token, on unseen texts)}; "largest" and "slower" (see above) like it.
    """
    tokenizer = artifacts.load_model("tiny").tokenizer
    tokens = [runs.corpus_tokens(corpora.tinyville(seed), tokenizer) for seed in CORPUS_SEEDS]
    token_ids = torch.cat(tokens)
    held_out = runs.corpus_tokens(corpora.tinyville(HELD_OUT_SEED), tokenizer)
    starts, held_out_starts = (loop.document_starts(one, tokenizer.end_of_text) for one in (token_ids, held_out))
    windows = loop.sample_windows(held_out, held_out_starts, HELD_OUT_WINDOWS, CONTEXT, seed=0, step=0)

    def trained(compute: float, d_model: int, seed: int, rate: float = 1.0) -> dict[str, float]:
        config = replace(scaling.config_of_width(d_model, tokenizer.vocab_size), context_length=CONTEXT)
        n_parameters = config.n_parameters - config.vocab_size * d_model
        steps = round(compute / (scaling.OPERATIONS * n_parameters * CONTEXT * WINDOWS))
        model, usual = DecoderOnly(config, seed=seed), TrainingSettings(steps, WINDOWS, seed=seed)
        rates = {name: rate * getattr(usual, name) for name in ("learning_rate", "embedding_learning_rate")}
        loop.train(model, token_ids, replace(usual, **rates), starts=starts)
        with torch.inference_mode():
            loss = sum(loop.next_token_loss(model, part, None).item() for part in windows.split(64)) / 8
        return {"compute": compute, "d_model": d_model, "n_parameters": n_parameters,
                "tokens": steps * CONTEXT * WINDOWS, "seed": seed, "loss": round(loss, 4)}  # fmt: skip

    def grid(widths: dict[float, tuple[int, ...]], seeds: tuple[int, ...], rate: float = 1.0) -> list[dict[str, float]]:
        settings = [(compute, width, seed) for seed in seeds for compute in widths for width in widths[compute]]
        return [trained(*one, rate) for one in tqdm(settings, unit=" models")]

    return {"runs": grid(WIDTHS, seeds), "largest": grid(LARGEST, seeds[:1]), "slower": grid(SLOWER, seeds[:1], 0.5)}


RATES = (0.012, 0.006)
FITS, LARGEST_LOSS, FLOOR = 20, 1.2, 0.4576  # the floor: the exact entropy of Tinyville, in nats per token
"""How often the law is fitted to runs drawn with replacement; models above this loss do not copy yet (lesson 5)."""


def fits(found: list[dict[str, float]]) -> list[list[float]]:
    """The law fitted to all runs with a loss below 1.2, then to as many drawn with replacement, 20 times."""
    kept = np.array([(one["n_parameters"], one["tokens"], one["loss"]) for one in found if one["loss"] < LARGEST_LOSS])
    rng, laws = np.random.default_rng(0), [scaling.fit_loss_law(*kept.T, floor=FLOOR)]
    for _ in range(FITS):
        drawn = kept[rng.integers(len(kept), size=len(kept))]
        laws.append(scaling.fit_loss_law(*drawn.T, floor=FLOOR))
    return [[float(f"{number:.5g}") for number in law] for law in laws]


def one_line_changed() -> dict[str, dict[str, list[float]]]:
    """The loss on held-out text: learning rate → change → with each seed."""
    data = architectures.load_data(artifacts.load_model("tiny").tokenizer)

    def losses(recipe: recipes.Recipe) -> list[float]:
        return [round(recipes.train_recipe(recipe, data, seed=seed).held_out, 3) for seed in SEEDS]

    return {
        str(rate): {name: losses(replace(one, learning_rate=rate)) for name, one in tqdm(recipes.variants().items())}
        for rate in RATES
    }


def scale() -> dict[str, Any]:
    """ "iso_flop" (see `iso_flop`), "laws" (see `fits`) and "recipes" (see `one_line_changed`)."""
    curves = iso_flop()
    return {"iso_flop": curves, "laws": fits(curves["runs"]), "recipes": one_line_changed()}
