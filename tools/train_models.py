"""Train every model that ships anew, measure it, and put it into data/models.

python tools/train_models.py              all of them (make models)
python tools/train_models.py induction    only this one
"""

from __future__ import annotations

import copy
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from llmviz import artifacts, corpora, evaluation, finetuning, training, translation
from llmviz.files import data_folder
from llmviz.finetuning import summarization
from llmviz.generation import sample_texts
from llmviz.interpretability import (
    CONTEXT_LENGTH,
    all_heads,
    head_effects,
    head_scores,
    repeated_sequences,
    token_losses,
    zipf_sequences,
)
from llmviz.model import DecoderOnly, ModelConfig
from llmviz.tinyville import Tinyville
from llmviz.training import TrainingSettings, TrainingStep, masked_lm, runs
from llmviz.training.checkpoints import Checkpoint, save

SEED = 0
TINY_STEPS, INDUCTION_STEPS, HEADLINE_STEPS = 5_000, 4_000, 400
COPY_PROMPTS, SAMPLES, TEMPERATURE = 50, 200, 0.8
LIST_LENGTH = 20
SHORTEST_LIST, LONGEST_LIST = 4, 24  # tokens, in training
INDUCTION_TEXTS = 30_000
MASKED_TEXTS = 2_000


def main(names: Sequence[str]) -> None:
    """Train the models that are named, or all, in place of those that ship."""
    if unknown := set(names) - set(MODELS):
        raise SystemExit(f"No model is called {', '.join(sorted(unknown))}; there are: {', '.join(MODELS)}")
    for name in names or MODELS:
        print(f"{name}: {artifacts.ARTIFACTS[name].about}", flush=True)
        checkpoint = MODELS[name]()
        record = {"command": artifacts.ARTIFACTS[name].command, **checkpoint.record, "machine": machine()}
        for key, value in record.get("measured", {}).items():
            print(f"  {key}: {value}", flush=True)
        folder = data_folder() / artifacts.ARTIFACTS[name].file
        shutil.rmtree(folder, ignore_errors=True)
        save(folder, replace(checkpoint, record=record, optimizers=()))


def train_tiny_gpt() -> Checkpoint:
    """The tiny GPT of all lessons: the same run as `llmviz train`."""
    command = f"llmviz train --steps {TINY_STEPS} --seed {SEED}"
    run = runs.create(corpora.tinyville(progress=True), steps=TINY_STEPS, seed=SEED, command=command, progress=True)
    with tempfile.TemporaryDirectory() as folder, tqdm(total=TINY_STEPS, desc="tiny", unit=" steps") as bar:
        run.train(folder, callback=lambda step: bar.update())
    return replace(run.checkpoint, record={**run.checkpoint.record, "measured": measure_tiny(run)})


def measure_tiny(run: runs.Run) -> dict[str, Any]:
    """Gaps to the exact entropy in nats per word, and shares of known facts, copied words and valid texts."""
    model, tokenizer = run.model, run.tokenizer
    world = Tinyville(run.corpus.recipe["counts"])
    texts = sample_texts(model, tokenizer, SAMPLES, temperature=TEMPERATURE)
    copied = evaluation.copy_accuracy(model, tokenizer, world.copy_prompts(COPY_PROMPTS, seed=SEED))
    return {
        "gap_nats_per_word": {kind: round(gap.gap, 3) for kind, gap in run.gaps().items()},
        "known_facts_completed": round(evaluation.fact_accuracy(model, tokenizer, world.facts), 3),
        "copied_from_context": {word_class: round(share, 3) for word_class, share in copied.items()},
        f"valid_of_{SAMPLES}_samples_at_{TEMPERATURE}": sum(world.check(text).valid for text in texts) / SAMPLES,
    }


def train_induction() -> Checkpoint:
    """The attention-only model, trained on random lists of the tiny GPT's tokens that repeat."""
    tokenizer = artifacts.load_model("tiny").tokenizer
    model = DecoderOnly(induction_config(tokenizer.vocab_size), seed=SEED)
    settings = TrainingSettings(steps=INDUCTION_STEPS, batch_size=16, seed=SEED)
    steps = induction_steps(model, settings)
    steps = list(tqdm(steps, total=INDUCTION_STEPS, desc="induction", unit=" steps"))
    record = {
        "n_parameters": model.n_parameters,
        "tokens": INDUCTION_STEPS * settings.batch_size * model.config.context_length,
        **history(steps),
        "measured": measure_induction(model),
    }
    recipe = {"source": "random lists", "seed": SEED, "shortest": SHORTEST_LIST, "longest": LONGEST_LIST}
    return Checkpoint(model, tokenizer, recipe, settings, INDUCTION_STEPS, record)


def induction_config(vocab_size: int) -> ModelConfig:
    """The configuration of a model that is nearly attention-only: its MLPs are 4 wide."""
    return ModelConfig(vocab_size, context_length=CONTEXT_LENGTH, d_model=64, n_layers=2, n_heads=4, d_ff=4)


def induction_texts(vocab_size: int, n_texts: int, seed: int) -> Tensor:
    """Sequences that repeat until the context is full, each after an end of text: (text, CONTEXT_LENGTH + 1).

    As in real text a few tokens are frequent and most are rare: the model learns to copy the frequent ones first,
    and then only has to tell the others apart. With equal frequencies training takes far longer.
    """
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(SHORTEST_LIST, LONGEST_LIST + 1, (n_texts, 1), generator=generator)
    sequences = zipf_sequences(vocab_size, n_texts, LONGEST_LIST, generator)
    places = torch.arange(CONTEXT_LENGTH) % lengths
    return torch.cat((torch.full((n_texts, 1), vocab_size - 1), sequences.gather(1, places)), dim=1)


def induction_steps(model: DecoderOnly, settings: TrainingSettings) -> Iterator[TrainingStep]:
    """Train a model to repeat; texts and order come from the settings' seed."""
    texts = induction_texts(model.config.vocab_size, INDUCTION_TEXTS, settings.seed)
    token_ids = torch.cat((texts.flatten(), texts[:1, 0]))
    starts = torch.arange(INDUCTION_TEXTS + 1) * texts.shape[1]
    return training.train_steps(model, token_ids, settings, starts=starts)


def measure_induction(model: DecoderOnly) -> dict[str, Any]:
    """Losses (nats) in both rounds of new lists, head scores, and losses without heads and layers."""
    lists = repeated_sequences(model.config.vocab_size, LIST_LENGTH)
    losses, second = token_losses(model, lists), slice(LIST_LENGTH + 1, None)
    weights = model.trace(lists).attention_weights.detach()
    scores = head_scores(weights[:, 0], lists[0].tolist())
    effects = head_effects(model, lists, positions=second)
    layers = [
        [head for head in all_heads(model) if head[0] == layer] for layer in range(model.config.n_layers)
    ]
    without = [token_losses(model, lists, ablate_heads=layer) for layer in layers]
    return {
        "loss_in_the_first_round": round(losses[:LIST_LENGTH].mean().item(), 3),
        "loss_in_the_second_round": round(losses[second].mean().item(), 3),
        "head_scores": {
            name: [[round(float(score), 3) for score in layer] for layer in found] for name, found in scores.items()
        },
        "loss_added_without_the_head": [[round(effect, 3) for effect in layer] for layer in effects.tolist()],
        "loss_without_the_layer": [round(off[second].mean().item(), 3) for off in without],
    }


def corpus_of(checkpoint: Checkpoint) -> tuple[Tensor, Tensor, list[str]]:
    """What a model was trained on: token ids (position,), where its documents begin, and held-out texts."""
    corpus, held_out = corpora.split(corpora.from_recipe(checkpoint.corpus, progress=True))
    token_ids = runs.corpus_tokens(corpus, checkpoint.tokenizer)
    starts = training.document_starts(token_ids, checkpoint.tokenizer.end_of_text)
    return token_ids, starts, list(held_out.documents[:MASKED_TEXTS])


def train_masked_long() -> Checkpoint:
    """A BERT of the tiny GPT's sizes, trained on its corpus for as many steps, each text in a window of its own."""
    base = artifacts.load_model("tiny")
    objective = partial(masked_lm.masked_token_loss, end_of_text=base.tokenizer.end_of_text)
    token_ids, starts, texts = corpus_of(base)
    model = masked_lm.new_model(base.model.config, seed=SEED)
    settings = TrainingSettings(steps=TINY_STEPS, seed=SEED)
    steps = training.train_steps(model, token_ids, settings, starts=starts, objective=objective)
    done = list(tqdm(steps, total=TINY_STEPS, desc="masked", unit=" steps"))
    found = {"masked": recovered(model, base, texts), "next_token": recovered(base.model, base, texts)}
    record = {"n_parameters": model.n_parameters, **history(done), "recovered": found}
    return Checkpoint(model, base.tokenizer, base.corpus, settings, TINY_STEPS, record)


def train_headlines() -> Checkpoint:
    """The tiny GPT, fine-tuned to write headlines, and its scores beside those of two baselines on new stories."""
    tiny, tests = artifacts.load_model("tiny"), finetuning.new_stories()
    stories, settings = [text.story for text in tests], finetuning.headline_settings(HEADLINE_STEPS, seed=SEED)
    model = copy.deepcopy(tiny.model)
    for _ in finetuning.headline_steps(model, tiny.tokenizer, settings):
        pass
    summaries = {
        "headlines": finetuning.summarize(model, tiny.tokenizer, stories),
        "first_sentence": [story.partition(". ")[0] + "." for story in stories],
        "without_fine_tuning": finetuning.summarize(tiny.model, tiny.tokenizer, stories),
    }
    scores = {name: asdict(finetuning.score_summaries(some, tests)) for name, some in summaries.items()}
    measured = {name: {key: round(value, 3) for key, value in one.items()} for name, one in scores.items()}
    recipe = {"source": "headlines", "seed": SEED, "stories": summarization.N_STORIES, "base": "models/tiny"}
    record = {"n_parameters": model.n_parameters, "measured": measured}
    return Checkpoint(model, tiny.tokenizer, recipe, settings, HEADLINE_STEPS, record)


def recovered(model, base: Checkpoint, texts: Sequence[str]) -> float:
    """The share of masked tokens that a model recovers, one in each text."""
    return round(masked_lm.masked_accuracy(model, base.tokenizer, texts, seed=SEED).float().mean().item(), 3)


def history(steps: Sequence[TrainingStep]) -> dict[str, Any]:
    """Seconds, and about a hundred (step, loss) of a run."""
    every = max(1, len(steps) // 100)
    return {
        "seconds": round(sum(step.seconds for step in steps), 2),
        "history": [(step.step, round(step.loss, 4)) for step in steps[::every]],
    }


def machine() -> dict[str, Any]:
    """The machine: another one gets weights that differ in their last digits."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "processor": platform.machine(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }


MODELS = {
    "tiny": train_tiny_gpt,
    "induction": train_induction,
    "masked_long": train_masked_long,
    "sentiment": partial(finetuning.train_sentiment_base, progress=True),
    "headlines": train_headlines,
    "translator": partial(translation.train, progress=True),
    "chat": finetuning.train_chat,
    "library_names": partial(evaluation.train_on_api_names, progress=True),
}

if __name__ == "__main__":
    main(sys.argv[1:])
