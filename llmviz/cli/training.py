"""llmviz train: a tiny GPT on Tinyville, or on a text of yours, in one process or several."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import signal
from pathlib import Path
from typing import Any

from llmviz.cli.parsing import OK, add_command, add_json, positive, positive_number, seed

DEFAULT_SECONDS = 60.0
DEFAULT_MOST_STEPS = 5_000


def add(commands) -> None:
    """Add the command to the parser."""
    description = "Train a tiny GPT on Tinyville, or on a text of yours, and keep it in a folder."
    command = add_command(commands, "train", _train, "train a tiny GPT", description)
    about = {
        "text": 'a UTF-8 text file of yours, or "shakespeare" (downloaded once), or "python" (Python\'s documents); '
        "without it: Tinyville",
        "seconds": f"train about so long: measure first, then fix the steps (default: {DEFAULT_SECONDS:.0f})",
        "until-loss": "stop as soon as the validation loss (nats per token) is this low; with --steps, "
        f"else within {DEFAULT_MOST_STEPS} steps",
        "seed": "of the first weights and the order of reading (default: 0)",
    }
    option = command.add_argument
    option("--text", metavar="FILE", help=about["text"])
    option("--tokenizer", choices=("bpe", "word", "characters"), help="default: bpe")
    option("--vocab-size", type=positive, metavar="N", help="tokens of bpe or word (default: 1024)")
    length = command.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=positive_number, metavar="S", help=about["seconds"])
    length.add_argument("--steps", type=positive, metavar="N", help="change the weights so many times")
    option("--until-loss", type=positive_number, metavar="X", help=about["until-loss"])
    option("--seed", type=seed, metavar="K", help=about["seed"])
    option("--out", metavar="DIR", help="where the model goes (default: the next free runs/NNN)")
    option("--resume", metavar="DIR", help="take up an interrupted run where it stopped")
    option("--save-every", type=positive, default=250, metavar="N", help="steps between checkpoints (default: 250)")
    add_json(command)


def _train(given: argparse.Namespace) -> int:
    from llmviz.training import distributed

    with distributed.join_process_group() as group, contextlib.ExitStack() as quiet:
        if not group.is_main_process:
            nowhere = quiet.enter_context(open(os.devnull, "w", encoding="utf-8"))
            quiet.enter_context(contextlib.redirect_stdout(nowhere))
            quiet.enter_context(contextlib.redirect_stderr(nowhere))
        return _train_in_group(given, group)


def _train_in_group(given: argparse.Namespace, group) -> int:
    from llmviz.training import runs

    if given.resume is not None:
        _refuse_with_resume(given)
        run, folder = runs.resume(given.resume, progress=not given.json), Path(given.resume)
        if run.is_over:
            print(f"The run in {folder} is over: all its {run.checkpoint.step} steps are done.")
    else:
        corpus = _corpus(given.text)
        folder = _new_folder(given.out) if group.is_main_process else Path(given.out or "")
        steps, seconds = given.steps, given.seconds
        if steps is None and seconds is None:
            steps, seconds = (DEFAULT_MOST_STEPS, None) if given.until_loss else (None, DEFAULT_SECONDS)
        run = runs.create(
            corpus, tokenizer=given.tokenizer or "bpe", vocab_size=given.vocab_size or 1024,
            steps=steps, seconds=seconds, seed=given.seed or 0, command=_spoken(given), progress=True, group=group,
        )  # fmt: skip
    group.broadcast(run.checkpoint.step)  # all are here, and have read what they need from the folder
    print(
        f"{run.corpus.name}: {len(run.token_ids):,} tokens; a GPT with {run.model.n_parameters:,} parameters; "
        f"{run.settings.steps:,} steps" + (f"; {group.size} processes" if group.size > 1 else ""), flush=True,
    )  # fmt: skip
    _train_with_progress(run, folder, given, group)
    if not group.is_main_process:
        return OK
    result = {**runs.report(run), "seed": run.settings.seed, "folder": str(folder)}
    _say_result(result)
    if given.json:
        print(json.dumps(result))
    return OK


def _refuse_with_resume(given: argparse.Namespace) -> None:
    fixed = ("text", "tokenizer", "vocab_size", "seconds", "steps", "seed", "out")
    named = [f"--{name.replace('_', '-')}" for name in fixed if getattr(given, name) is not None]
    if named:
        raise ValueError(
            f"a resumed run keeps its text, tokenizer, seed, folder and number of steps; "
            f"leave out {' and '.join(named)}, or start a new run without --resume"
        )


def _new_folder(out: str | None) -> Path:
    from llmviz.training import checkpoints

    if out is None:
        number = 1
        while (folder := Path("runs") / f"{number:03d}").exists():
            number += 1
        return folder
    if not out:
        raise ValueError("--out names a folder, and what was given is empty")
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--out names a folder, but {folder} is a file")
    if checkpoints.holds_checkpoint(folder):
        raise ValueError(
            f"{folder} already holds a model, which a new run would overwrite; "
            f"go on with it by --resume {folder}, or choose another --out"
        )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _corpus(text: str | None):
    from llmviz import corpora

    if text is None:
        return corpora.tinyville(progress=True)
    if text == "shakespeare" and not Path(text).exists():
        return corpora.tiny_shakespeare()
    if text == "python" and not Path(text).exists():
        return corpora.python_documentation()
    return corpora.from_file(text)


def _spoken(given: argparse.Namespace) -> str:
    """The command that makes this run again, without where it went."""
    words = ["llmviz", "train"]
    for name in ("text", "tokenizer", "vocab_size", "seconds", "steps", "until_loss", "seed"):
        value = getattr(given, name)
        if value is not None:
            value = Path(value).name if name == "text" else value
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(words)


def _train_with_progress(run, folder: Path, given: argparse.Namespace, group) -> None:
    from tqdm import tqdm

    from llmviz.training import runs

    interrupted = []
    stops = (signal.SIGINT, signal.SIGTERM)
    previous = {stop: signal.signal(stop, lambda number, frame: interrupted.append(number)) for stop in stops}
    bar = tqdm(total=run.settings.steps, initial=run.checkpoint.step, desc="Training", unit=" steps")

    def callback(step) -> None:
        bar.update()
        if step.step % 10 == 0:
            bar.set_postfix_str(f"loss {step.loss:.3f}", refresh=False)
        if interrupted:
            raise KeyboardInterrupt

    try:
        limits = {"until_loss": given.until_loss, "save_every": given.save_every}
        runs.train(run, folder, **limits, callback=callback, group=group)
    except KeyboardInterrupt:
        bar.close()
        print(f"Saved after step {run.checkpoint.step}. Go on with: llmviz train --resume {folder}")
        raise
    finally:
        bar.close()
        for stop, action in previous.items():
            signal.signal(stop, action)


def _say_result(result: dict[str, Any]) -> None:
    print(
        f"Trained {result['steps']:,} steps in {result['seconds']:.0f} s; "
        f"validation loss {result['validation_loss']:.3f} nats per token."
    )
    for kind, gap in result.get("gap", {}).items():
        print(
            f"  {kind:6s} {result['entropy'][kind]:.3f} nats per word are unavoidable; the model needs {gap:.3f} more"
        )
    print(f'The model is in {result["folder"]}. Try: llmviz generate --model {result["folder"]} "Mia found"')
