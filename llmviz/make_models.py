"""Train again every model that ships (`make models`), and measure it.

python -m llmviz.make_models              all of them
python -m llmviz.make_models induction    only this one
"""

from __future__ import annotations

import itertools
import platform
import shutil
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from llmviz import corpora, evaluation, finetuning, training, translation
from llmviz.evaluation import api_hallucination as library_names
from llmviz.evaluation import capabilities
from llmviz.evaluation import recorded as limits
from llmviz.files import data_folder
from llmviz.generation.sampling import sample_texts
from llmviz.interpretability import ablation, heads, induction
from llmviz.model.transformer import DecoderOnly
from llmviz.pretrained import lesson_prompts
from llmviz.pretrained import recorded as real_models
from llmviz.tinyville.corpus import Tinyville
from llmviz.training import architectures, checkpoints, masked_lm, runs, shipped
from llmviz.training.loop import TrainingSettings
from llmviz.translation import model as translation_model

TINY_STEPS = 5_000
SEED = 0
COPY_PROMPTS = 50
SAMPLES = 200
INDUCTION_STEPS = 4_000
LIST_LENGTH = 20
MASKED_STEPS = 1_200
BLANKS = 2_000
MOODS_STEPS = 1_700
MOODS = 6_000
TEMPERATURE = 0.8


def main(names: list[str]) -> None:
    """Make the models that are named, or all, anew, in place of those that ship."""
    makers = {
        "tiny": (make_tiny, checkpoints.TINY),
        "induction": (make_induction, checkpoints.INDUCTION),
        "masked": (make_masked, checkpoints.MASKED),
        "moods": (make_moods, checkpoints.SENTIMENT),
        "race": (make_race, finetuning.RECORDING),
        "masked_long": (make_masked_long, checkpoints.MASKED_LONG),
        "skills": (make_skills, capabilities.SHIPPED),
        "recordings": (make_recordings, training.FOLDER),
        "names": (make_names, library_names.SHIPPED),
        "limits": (limits.make, limits.SHIPPED),
        "translator": (make_translator, translation_model.SHIPPED),
        "headlines": (make_headlines, finetuning.SHIPPED),
        "architectures": (architectures.make, architectures.SHIPPED),
        "real_recordings": (lesson_prompts.make, real_models.SHIPPED),
    }
    if unknown := set(names) - set(makers):
        raise SystemExit(f"No model is called {', '.join(sorted(unknown))}; there are: {', '.join(makers)}")
    for name in names or makers:
        make, folder = makers[name]
        make(data_folder() / folder)


def make_tiny(folder: Path) -> None:
    """Train the tiny GPT of all lessons on Tinyville, measure it, and put it into a folder without its optimizer."""
    command = f"llmviz train --steps {TINY_STEPS} --seed {SEED}"
    print(f"The tiny GPT: {command}", flush=True)
    corpus = corpora.tinyville(progress=True)
    run = runs.create(corpus, steps=TINY_STEPS, seed=SEED, command=command, progress=True)
    with (
        tempfile.TemporaryDirectory() as unfinished,
        tqdm(total=TINY_STEPS, desc="Training", unit=" steps") as bar,
    ):
        runs.train(run, unfinished, look=lambda step: bar.update())
    found = measure(run)
    for name, value in found.items():
        print(f"  {name}: {value}")
    checkpoint = run.checkpoint
    shutil.rmtree(folder, ignore_errors=True)
    record = {**checkpoint.record, "measured": found, "machine": machine()}
    checkpoints.save(folder, replace(checkpoint, record=record, optimizers=()))


def measure(run: runs.Run) -> dict[str, Any]:
    """What a model of Tinyville can do: gaps in nats per word, known facts, copying, and valid texts (shares)."""
    model, tokenizer = run.model, run.tokenizer
    world = Tinyville(run.corpus.recipe["counts"])
    texts = sample_texts(model, tokenizer, SAMPLES, temperature=TEMPERATURE)
    copied = evaluation.copy_accuracy(model, tokenizer, world.copy_prompts(COPY_PROMPTS, seed=SEED))
    return {
        "gap_nats_per_word": {kind: round(gap.gap, 3) for kind, gap in runs.world_gaps(run).items()},
        "known_facts_completed": round(evaluation.fact_accuracy(model, tokenizer, world.facts), 3),
        "copied_from_context": {word_class: round(share, 3) for word_class, share in copied.items()},
        f"valid_of_{SAMPLES}_samples_at_{TEMPERATURE}": sum(world.check(text).valid for text in texts) / SAMPLES,
    }


def make_induction(folder: Path) -> None:
    """Train the model that repeats after you on random lists of the tiny GPT's tokens, measure it, and put it there."""
    tokenizer = checkpoints.load_tiny().tokenizer
    print(f"The model that repeats: {INDUCTION_STEPS} steps", flush=True)
    model = DecoderOnly(induction.induction_config(tokenizer.vocab_size), seed=SEED)
    settings = TrainingSettings(steps=INDUCTION_STEPS, batch_size=16, seed=SEED)
    steps = induction.induction_steps(model, settings)
    steps = list(tqdm(steps, total=INDUCTION_STEPS, desc="Training", unit=" steps"))
    record = {
        "command": "python -m llmviz.make_models induction",
        "n_parameters": model.n_parameters,
        "seconds": round(sum(step.seconds for step in steps), 2),
        "tokens": INDUCTION_STEPS * settings.batch_size * model.config.context_length,
        "history": [(step.step, round(step.loss, 4)) for step in steps[:: INDUCTION_STEPS // 100]],
        "measured": measure_induction(model),
        "machine": machine(),
    }
    for name, value in record["measured"].items():
        print(f"  {name}: {value}")
    recipe = {"source": "random lists", "seed": SEED, "shortest": induction.SHORTEST, "longest": induction.LONGEST}
    shutil.rmtree(folder, ignore_errors=True)
    checkpoints.save(folder, checkpoints.Checkpoint(model, tokenizer, recipe, settings, INDUCTION_STEPS, record))


def measure_induction(model: DecoderOnly) -> dict[str, Any]:
    """How surprised it is in both rounds of fresh lists, where its heads look, and what each is worth (nats)."""
    lists = induction.repeated_sequences(model.config.vocab_size, LIST_LENGTH)
    losses, again = ablation.token_losses(model, lists), slice(LIST_LENGTH + 1, None)
    weights = model.trace(lists).attention_weights.detach()
    roles = {
        name: [[round(float(score), 3) for score in layer] for layer in scores]
        for name, scores in heads.head_scores(weights[:, 0], lists[0].tolist()).items()
    }
    effects = ablation.head_effects(model, lists, positions=again)
    layers_off = [
        ablation.token_losses(
            model, lists, ablate_heads=[head for head in ablation.all_heads(model) if head[0] == layer]
        )
        for layer in range(model.config.n_layers)
    ]
    return {
        "loss_in_the_first_round": round(losses[:LIST_LENGTH].mean().item(), 3),
        "loss_in_the_second_round": round(losses[again].mean().item(), 3),
        "head_scores": roles,
        "loss_added_without_the_head": [[round(effect, 3) for effect in layer] for layer in effects.tolist()],
        "loss_without_the_layer": [round(off[again].mean().item(), 3) for off in layers_off],
    }


def text_of(checkpoint: checkpoints.Checkpoint) -> tuple[Tensor, Tensor, list[str]]:
    """What a model read, as token ids (position,), where its documents begin, and unseen texts for measuring."""
    corpus, held_out = corpora.split(corpora.from_recipe(checkpoint.corpus, progress=True))
    token_ids = runs.corpus_tokens(corpus, checkpoint.tokenizer)
    starts = training.document_starts(token_ids, checkpoint.tokenizer.end_of_text)
    return token_ids, starts, list(held_out.documents[:BLANKS])


def make_masked(folder: Path) -> None:
    """Train a BERT on the tiny GPT's own text and tokenizer, and a GPT for as many steps beside it; compare the two."""
    tiny = checkpoints.load_tiny()
    token_ids, starts, texts = text_of(tiny)
    record: dict[str, Any] = {"command": "python -m llmviz.make_models masked", "machine": machine()}
    settings = TrainingSettings(steps=MASKED_STEPS, seed=SEED)
    for name, model, objective in (
        ("next_token", DecoderOnly(tiny.model.config, seed=SEED), training.next_token_loss),
        ("masked", masked_lm.new_model(tiny.model.config, seed=SEED), masked_lm.masked_token_loss),
    ):
        steps = training.train_steps(model, token_ids, settings, starts=starts, objective=objective)
        done = list(tqdm(steps, total=MASKED_STEPS, desc=name, unit=" steps"))
        record[name] = {
            "seconds": round(sum(step.seconds for step in done), 2),
            "history": [(step.step, round(step.loss, 4)) for step in done[:: MASKED_STEPS // 100]],
            "recovered": round(
                masked_lm.masked_accuracy(model, tiny.tokenizer, texts, seed=SEED).float().mean().item(), 3
            ),
        }
        print(f"  {name}: {record[name]['recovered']} of {len(texts)} blanks", flush=True)
    record["n_parameters"] = model.n_parameters
    shutil.rmtree(folder, ignore_errors=True)
    checkpoints.save(folder, checkpoints.Checkpoint(model, tiny.tokenizer, tiny.corpus, settings, MASKED_STEPS, record))


def make_masked_long(folder: Path) -> None:
    """Train a BERT on the tiny GPT's own text for as many steps as the tiny GPT, each text alone; compare the two."""
    tiny = checkpoints.load_tiny()
    objective = partial(masked_lm.masked_token_loss, end_of_text=tiny.tokenizer.end_of_text)
    token_ids, starts, texts = text_of(tiny)
    model = masked_lm.new_model(tiny.model.config, seed=SEED)
    settings = TrainingSettings(steps=TINY_STEPS, seed=SEED)
    steps = training.train_steps(model, token_ids, settings, starts=starts, objective=objective)
    done = list(tqdm(steps, total=TINY_STEPS, desc="masked", unit=" steps"))
    record = {
        "command": "python -m llmviz.make_models masked_long",
        "machine": machine(),
        "n_parameters": model.n_parameters,
        "seconds": round(sum(step.seconds for step in done), 2),
        "history": [(step.step, round(step.loss, 4)) for step in done[:: TINY_STEPS // 100]],
        "recovered": {
            name: round(masked_lm.masked_accuracy(one, tiny.tokenizer, texts, seed=SEED).float().mean().item(), 3)
            for name, one in (("masked", model), ("next_token", tiny.model))
        },
    }
    print(f"  recovered: {record['recovered']} of {len(texts)} blanks", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    checkpoints.save(folder, checkpoints.Checkpoint(model, tiny.tokenizer, tiny.corpus, settings, TINY_STEPS, record))


def make_moods(folder: Path) -> None:
    """Let the tiny GPT go on reading, with moods among its texts, measure it, and put it into a folder."""
    _keep(folder, trained_on_moods(), "moods")


def trained_on_moods(*, steps: int = MOODS_STEPS, n_moods: int = MOODS) -> checkpoints.Checkpoint:
    """The base of fine-tuning, made in front of you: the tiny GPT reads on, with moods among its texts (lesson 6)."""
    tiny = checkpoints.load_tiny()
    corpus = corpora.tinyville(tiny.corpus["seed"], {**tiny.corpus["counts"], "mood": n_moods}, progress=True)
    token_ids = runs.corpus_tokens(corpus, tiny.tokenizer)
    starts = training.document_starts(token_ids, tiny.tokenizer.end_of_text)
    settings = TrainingSettings(steps=steps, learning_rate=0.012, embedding_learning_rate=0.009, seed=SEED)
    done = training.train(tiny.model, token_ids, settings, starts=starts, progress=True)
    world = Tinyville(corpus.recipe["counts"])
    texts = world.texts(SEED + corpora.HELD_OUT_SEED_STEP, counts={**dict.fromkeys(world.counts, 150), "family": 0})
    gaps = evaluation.gaps(tiny.model, tiny.tokenizer, texts, world)
    record = {
        "begins_with": checkpoints.TINY,
        "n_parameters": tiny.model.n_parameters,
        "seconds": round(sum(step.seconds for step in done), 2),
        "history": [(step.step, round(step.loss, 4)) for step in done[:: max(1, steps // 100)]],
        "measured": {"gap_nats_per_word": {kind: round(gap.gap, 3) for kind, gap in gaps.items()}},
    }
    return checkpoints.Checkpoint(tiny.model, tiny.tokenizer, corpus.recipe, settings, steps, record)


def make_recordings(folder: Path) -> None:
    """Record the two runs of the training scrubber: on the whole of Tinyville, and on 300 texts of it."""
    shipped.make_all(folder, {"command": "python -m llmviz.make_models recordings", "machine": machine()})


def make_skills(path: Path) -> None:
    """Let three tiny GPTs grow up, examine them on the way, and write down what each could do when."""
    found = [capabilities.record(checkpoints.load_tiny(), seed=seed, progress=True) for seed in capabilities.SEEDS]
    path.parent.mkdir(parents=True, exist_ok=True)
    capabilities.save(path, found)


def make_race(path: Path) -> None:
    """Run the races of lesson 6 and write them down: both tasks, each with all numbers of labels."""
    base = checkpoints.load_sentiment()
    races = []
    for task, n_labels in itertools.product(finetuning.LABELS, finetuning.BUDGETS):
        print(f"The race: {task}, {n_labels} labels", flush=True)
        races.append(
            finetuning.run_comparison(
                base.model, base.tokenizer, task=task, n_labels=n_labels, seed=SEED, progress=True
            )
        )
    finetuning.save_comparisons(races, path)


def make_translator(folder: Path) -> None:
    """Train the encoder–decoder that translates into French, and put it there with what it can do."""
    _keep(folder, translation.trained(progress=True), "translator")


def make_headlines(folder: Path) -> None:
    """Teach the tiny GPT headlines, and put it there with what it can do."""
    _keep(folder, finetuning.trained(), "headlines")


def make_names(folder: Path) -> None:
    """Train the small GPT that writes names of Python's library, and put it there."""
    _keep(folder, library_names.trained(progress=True), "names")


def _keep(folder: Path, checkpoint: checkpoints.Checkpoint, name: str) -> None:
    record = {"command": f"python -m llmviz.make_models {name}", **checkpoint.record, "machine": machine()}
    for what, value in record.get("measured", {}).items():
        print(f"  {what}: {value}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    checkpoints.save(folder, replace(checkpoint, record=record))


def machine() -> dict[str, Any]:
    """On what it was made: another machine gets weights that differ in their last digits."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "processor": platform.machine(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }


if __name__ == "__main__":
    main(sys.argv[1:])
