"""Lesson 11: models of several sizes, each trained with the same computation (iso-FLOP); the training recipe with one
line changed; the recipe on other texts. `record.py` writes all of it to data/recordings.
"""

from __future__ import annotations

import ast
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from llmviz import artifacts, corpora, training
from llmviz.model import DecoderOnly
from llmviz.tinyville import Tinyville
from llmviz.training import TrainingSettings, architectures, loop, recipes, runs, scaling

LESSON = Path(__file__).parents[1] / "notebooks" / "11_training_at_scale.ipynb"

CONTEXT, WINDOWS = 64, 8  # 512 tokens a step
SEEDS = (0, 1, 2)
CORPUS_SEEDS, HELD_OUT_SEED, HELD_OUT_WINDOWS = (0, 1, 2), 1_000_000, 512
WIDTHS = dict.fromkeys((3e10, 1e11, 3e11), (12, 16, 24, 32, 48, 64, 96))
"""For each number of operations, the widths of the models that get so many; three seeds each."""
LARGEST = {1e12: (32, 48, 64, 96)}
"""One seed: the law is fitted without it, and has to predict it."""
SLOWER = {1e11: (16, 24, 32, 48, 64, 96)}
"""The same with half the learning rate, one seed."""


def iso_flop(seeds: tuple[int, ...] = SEEDS, largest: dict[float, tuple[int, ...]] = LARGEST) -> dict[str, Any]:
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

    return {"runs": grid(WIDTHS, seeds), "largest": grid(largest, seeds[:1]), "slower": grid(SLOWER, seeds[:1], 0.5)}


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


def from_lesson(*names: str) -> dict[str, Any]:
    """The functions and classes of these names, as the lesson's cells define them, with what they need."""
    tiny = artifacts.load_model("tiny")
    data, tokenizer = architectures.load_data(tiny.tokenizer), tiny.tokenizer
    scope = {"artifacts": artifacts, "data": data, "tiny": tiny, "torch": torch, "F": torch.nn.functional,
             "replace": replace, "encode": tokenizer.encode_prompt, "end": tokenizer.end_of_text,
             "clean": tokenizer.decode(data.token_ids.tolist()).split("<|endoftext|>")[1:-1]}  # fmt: skip
    scope |= {"training": training, "architectures": architectures, "recipes": recipes, "Tinyville": Tinyville}
    for cell in json.loads(LESSON.read_text(encoding="utf-8"))["cells"]:
        tree = ast.parse("".join(cell["source"])) if cell["cell_type"] == "code" else ast.Module([], [])
        tree.body = [node for node in tree.body if getattr(node, "name", "") in names]
        exec(compile(tree, LESSON.name, "exec"), scope)
    return scope


SHARES_OF_STORIES = (1.0, 0.9, 0.5, 0.1)
N_STORIES, N_LISTS, N_TESTED = 1000, 2000, 100
"""Texts of one kind alone: about as many tokens of each; lists are "copy"."""


def other_texts(seeds: tuple[int, ...] = SEEDS) -> dict[str, dict[str, list[float]]]:
    """The recipe on other texts, as many steps on each; losses in nats per token, each with every seed.

    "filters": held-out loss after training on texts of which half are damaged ("raw"), on those that pass the lesson's
    filter ("filtered"), on those that are not damaged ("clean half"), and on all before the damage, with 32 of them
    101 times ("with duplicates") or once ("clean").
    "mixes": share of stories → loss on new stories and on new lists. "leak": loss on the leaked half of a test and on
    the other half, after training with and without the leak.
    """
    lesson = from_lesson("packed", "damaged", "passes")
    tokenizer, clean = lesson["tiny"].tokenizer, lesson["clean"]
    found: dict[str, dict[str, Any]] = {"filters": {}, "mixes": {}, "leak": {}}

    def trained(texts: Sequence[str], seed: int) -> Any:
        return recipes.train_recipe(recipes.Recipe(), lesson["packed"](texts), seed=seed)

    def loss(model: DecoderOnly, texts: Sequence[str]) -> float:
        token_ids = [token for one in texts for token in tokenizer.encode_prompt(one)]
        return round(training.evaluate(model, torch.tensor(token_ids)), 3)

    def texts_of(seed: int, **counts: int) -> list[str]:
        return [one.text for one in Tinyville().texts(seed, counts=counts)]

    for seed in tqdm(seeds, desc="other texts", unit=" seeds"):
        draw = random.Random(seed)
        raw = [lesson["damaged"](one, draw) if draw.random() < 0.5 else one for one in clean]
        kept = {"raw": raw, "filtered": list(filter(lesson["passes"], raw))}
        kept["clean half"] = [one for one, before in zip(raw, clean, strict=True) if one == before]
        kept |= {"with duplicates": [*clean, *clean[:32] * 100], "clean": clean}
        for name, texts in kept.items():
            found["filters"].setdefault(name, []).append(round(trained(texts, seed).held_out, 3))
        for share in SHARES_OF_STORIES:
            counts = {"story": round(share * N_STORIES), "copy": round((1 - share) * N_LISTS)}
            model, row = trained(texts_of(seed, **counts), seed).model, found["mixes"].setdefault(str(share), {})
            for kind in counts:
                row.setdefault(kind, []).append(loss(model, texts_of(HELD_OUT_SEED, **{kind: N_TESTED})))
        test = texts_of(9 + seed, story=60)
        for name, first in (("with", 0), ("without", 40)):  # each leaked story 20 times; without: stories of no test
            model = trained([*clean, *test[first : first + 20] * 20], seed).model
            row = found["leak"].setdefault(name, {})
            for half, texts in (("leaked half", test[:20]), ("other half", test[20:40])):
                row.setdefault(half, []).append(loss(model, texts))
    return found


def scale() -> dict[str, Any]:
    """ "iso_flop", "laws" (see `fits`), "recipes" (see `one_line_changed`) and "texts" (see `other_texts`)."""
    texts, curves = other_texts(), iso_flop()
    return {"iso_flop": curves, "laws": fits(curves["runs"]), "recipes": one_line_changed(), "texts": texts}
