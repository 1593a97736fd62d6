"""The command line: llmviz doctor · train · generate · check · lab · export."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llmviz import __version__

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
DEFAULT_SECONDS = 60.0
DEFAULT_MOST_STEPS = 5_000

DESCRIPTION = "Learn how large language models work by touching a tiny one."
EPILOG = """\
examples:
  llmviz doctor                         is everything here, and how fast is this machine?
  llmviz train --seconds 60             train a tiny GPT on Tinyville for a minute
  llmviz generate "Mia found"           let the tiny GPT go on
  llmviz lab                            open the lessons
  llmviz export                         the lessons as web pages that work without Python

exit codes: 0 all went well, 1 something is wrong (the last line says what), 2 the command was not understood,
130 stopped by Ctrl-C"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; whatever is wrong with the input is said in one sentence."""
    parser = build_parser()
    given, rest = parser.parse_known_args(arguments)
    if rest and given.command != "lab":
        parser.error(f"not understood: {' '.join(rest)}; see llmviz {given.command} --help")
    given.rest = rest
    try:
        return given.run(given)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return FAILED
    except (ValueError, OSError, ArithmeticError) as error:
        print(f"llmviz {given.command}: {_sentence(error)}", file=sys.stderr)
        return FAILED


def _sentence(error: Exception) -> str:
    """What went wrong; where the system refused something, its reason without its number."""
    if isinstance(error, OSError) and error.strerror:
        place = f" at {error.filename}" if error.filename else ""
        return f"{error.strerror}{place}; is the folder there, may you write into it, and is there space?"
    if isinstance(error, UnicodeEncodeError):
        shown = ascii(error.object[error.start : error.end])
        return f"the output takes only {error.encoding}, which has no {shown}; try again with PYTHONUTF8=1 set"
    return str(error)


def build_parser() -> argparse.ArgumentParser:
    """Describe all commands."""
    parser = argparse.ArgumentParser(
        prog="llmviz",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"llmviz {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    _add_doctor(commands)
    _add_train(commands)
    _add_generate(commands)
    _add_check(commands)
    _add_lab(commands)
    _add_export(commands)
    return parser


def _command(commands, name: str, run, help_text: str, description: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=help_text, description=description)
    command.set_defaults(run=run)
    return command


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print one JSON object as the last line")


def _add_doctor(commands) -> None:
    description = "Look at Python, torch, the widgets and the data files, time a training step, and say what to mend."
    _add_json(_command(commands, "doctor", _doctor, "is everything here, and how fast is this machine?", description))


def _add_train(commands) -> None:
    description = "Train a tiny GPT on Tinyville, or on a text of yours, and keep it in a folder."
    command = _command(commands, "train", _train, "train a tiny GPT", description)
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
    option("--vocab-size", type=_positive, metavar="N", help="tokens of bpe or word (default: 1024)")
    length = command.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=_positive_number, metavar="S", help=about["seconds"])
    length.add_argument("--steps", type=_positive, metavar="N", help="change the weights so many times")
    option("--until-loss", type=_positive_number, metavar="X", help=about["until-loss"])
    option("--seed", type=_seed, metavar="K", help=about["seed"])
    option("--out", metavar="DIR", help="where the model goes (default: the next free runs/NNN)")
    option("--resume", metavar="DIR", help="take up an interrupted run where it stopped")
    option("--save-every", type=_positive, default=250, metavar="N", help="steps between checkpoints (default: 250)")
    _add_json(command)


def _add_generate(commands) -> None:
    description = "Let a model continue a text, or write texts of its own."
    command = _command(commands, "generate", _generate, "let a model go on with a text", description)
    option = command.add_argument
    option("prompt", nargs="?", default="", help='how the text begins, such as "Mia found"; default: empty')
    option("--model", metavar="DIR", help="a folder that llmviz train made (default: the tiny GPT that ships)")
    option("--samples", type=_positive, default=1, metavar="N", help="how many texts (default: 1)")
    option("--temperature", type=float, default=0.8, metavar="T", help="0 takes always the best token (default: 0.8)")
    option("--top-k", type=_positive, metavar="K", help="draw only from the K most probable tokens")
    option("--top-p", type=float, metavar="P", help="draw only from the fewest tokens with probability P together")
    option("--max-tokens", type=_positive, metavar="N", help="stop after so many tokens (default: the model's context)")
    option("--seed", type=_seed, default=0, metavar="K", help="same seed, same texts (default: 0)")
    _add_json(command)


def _add_check(commands) -> None:
    description = (
        "Say of each line of a file whether Tinyville could have produced it, and the first wrong word if not."
    )
    command = _command(commands, "check", _check, "could Tinyville have said this?", description)
    command.add_argument("file", metavar="FILE", help="one text a line, UTF-8; - reads from the keyboard or a pipe")
    _add_json(command)


def _add_lab(commands) -> None:
    description = (
        "Open the lessons in JupyterLab. What follows goes to JupyterLab, such as --no-browser or --port 8899."
    )
    _command(commands, "lab", _lab, "open the lessons in JupyterLab", description)


def _add_export(commands) -> None:
    description = "Write lessons as web pages: each one file that stays alive without Python and without a network."
    command = _command(commands, "export", _export, "the lessons as web pages", description)
    command.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="default: all lessons")
    command.add_argument("--out", default="build/html", metavar="DIR", help="where the pages go (default: build/html)")
    _add_json(command)


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return number


def _seed(text: str) -> int:
    number = int(text) if text.isdecimal() else -1
    if not 0 <= number < 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {2**31 - 1}")
    return number


def _positive_number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def _doctor(given: argparse.Namespace) -> int:
    from llmviz import doctor

    return doctor.run(as_json=given.json)


def _lab(given: argparse.Namespace) -> int:
    from llmviz import lab

    return lab.run(given.rest)


def _export(given: argparse.Namespace) -> int:
    from llmviz.export import export

    pages = export([Path(name) for name in given.notebooks], Path(given.out))
    print(f"{len(pages)} pages. Open {pages[0]} in a browser.")
    if given.json:
        print(json.dumps({"pages": list(map(str, pages))}))
    return OK


def _train(given: argparse.Namespace) -> int:
    from llmviz import parallel

    with parallel.joined_team() as team, contextlib.ExitStack() as quiet:
        if not team.is_first:
            nowhere = quiet.enter_context(open(os.devnull, "w", encoding="utf-8"))
            quiet.enter_context(contextlib.redirect_stdout(nowhere))
            quiet.enter_context(contextlib.redirect_stderr(nowhere))
        return _train_in_team(given, team)


def _train_in_team(given: argparse.Namespace, team) -> int:
    from llmviz import runs

    if given.resume is not None:
        _refuse_with_resume(given)
        run, folder = runs.resume(given.resume, progress=not given.json), Path(given.resume)
        if run.is_over:
            print(f"The run in {folder} is over: all its {run.checkpoint.step} steps are done.")
    else:
        corpus = _corpus(given.text)
        folder = _new_folder(given.out) if team.is_first else Path(given.out or "")
        steps, seconds = given.steps, given.seconds
        if steps is None and seconds is None:
            steps, seconds = (DEFAULT_MOST_STEPS, None) if given.until_loss else (None, DEFAULT_SECONDS)
        run = runs.begin(
            corpus, tokenizer=given.tokenizer or "bpe", vocab_size=given.vocab_size or 1024,
            steps=steps, seconds=seconds, seed=given.seed or 0, command=_spoken(given), progress=True, team=team,
        )  # fmt: skip
    team.agreed(run.checkpoint.step)  # all are here, and have read what they need from the folder
    print(
        f"{run.corpus.name}: {len(run.token_ids):,} tokens; a GPT with {run.model.n_parameters:,} parameters; "
        f"{run.settings.steps:,} steps" + (f"; {team.size} processes" if team.size > 1 else ""), flush=True,
    )  # fmt: skip
    _train_with_progress(run, folder, given, team)
    if not team.is_first:
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
    from llmviz import checkpoints

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


def _train_with_progress(run, folder: Path, given: argparse.Namespace, team) -> None:
    from tqdm import tqdm

    from llmviz import runs

    interrupted = []
    stops = (signal.SIGINT, signal.SIGTERM)
    previous = {stop: signal.signal(stop, lambda number, frame: interrupted.append(number)) for stop in stops}
    bar = tqdm(total=run.settings.steps, initial=run.checkpoint.step, desc="Training", unit=" steps")

    def look(step) -> None:
        bar.update()
        if step.step % 10 == 0:
            bar.set_postfix_str(f"loss {step.loss:.3f}", refresh=False)
        if interrupted:
            raise KeyboardInterrupt

    try:
        runs.carry_on(run, folder, until_loss=given.until_loss, save_every=given.save_every, look=look, team=team)
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


def _generate(given: argparse.Namespace) -> int:
    from llmviz import checkpoints, evaluation, generation, runs

    checkpoint = checkpoints.load_tiny() if given.model is None else checkpoints.load(given.model)
    model, tokenizer = checkpoint.model, checkpoint.tokenizer
    start = runs.prompt_ids(checkpoint, given.prompt)
    texts = []
    for number in range(given.samples):
        new_ids = generation.generate(
            model, start, max_new_tokens=given.max_tokens or model.config.context_length,
            temperature=given.temperature, top_k=given.top_k, top_p=given.top_p,
            stop_tokens={tokenizer.end_of_text}, seed=given.seed + number,
        )  # fmt: skip
        texts.append(given.prompt + evaluation.added_text(tokenizer, start, new_ids))
        print(texts[-1], flush=True)
    if given.json:
        print(json.dumps({"texts": texts}, ensure_ascii=False))
    return OK


def _check(given: argparse.Namespace) -> int:
    from llmviz.text_files import read_text_file
    from llmviz.world import Tinyville

    text = _piped_text() if given.file == "-" else read_text_file(given.file)[0]
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise ValueError("there was nothing to read; write one text a line")
    world = Tinyville()
    n_valid = 0
    for number, line in enumerate(lines, 1):
        found = world.check(line)
        n_valid += found.valid
        print(f"{number:4d}  {'yes' if found.valid else 'no '}  {found.message}")
    print(f"{n_valid} of {len(lines)} could come from Tinyville.")
    if given.json:
        print(json.dumps({"valid": n_valid, "total": len(lines)}))
    return OK


def _piped_text() -> str:
    data = sys.stdin.buffer.read()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"what came through the pipe is not UTF-8 text: byte 0x{data[error.start]:02x} at position {error.start:,}"
        ) from None
