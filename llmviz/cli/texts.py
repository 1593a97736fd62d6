"""llmviz generate · check: a model goes on with a text, and whether Tinyville could have said it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from llmviz.cli.parsing import OK, add_command, add_json, positive, seed


def add(commands) -> None:
    """Add the commands to the parser."""
    _add_generate(commands)
    _add_check(commands)


def _add_generate(commands) -> None:
    description = "Let a model continue a text, or write texts of its own."
    command = add_command(commands, "generate", _generate, "let a model go on with a text", description)
    option = command.add_argument
    option("prompt", nargs="?", default="", help='how the text begins, such as "Mia found"; default: empty')
    about = "a folder that llmviz train made, or a real model (see llmviz models); default: the tiny GPT that ships"
    option("--model", metavar="MODEL", help=about)
    option("--samples", type=positive, default=1, metavar="N", help="how many texts (default: 1)")
    option("--temperature", type=float, default=0.8, metavar="T", help="0 takes always the best token (default: 0.8)")
    option("--top-k", type=positive, metavar="K", help="draw only from the K most probable tokens")
    option("--top-p", type=float, metavar="P", help="draw only from the fewest tokens with probability P together")
    option("--max-tokens", type=positive, metavar="N", help="stop after so many tokens (default: the model's context)")
    option("--seed", type=seed, default=0, metavar="K", help="same seed, same texts (default: 0)")
    add_json(command)


def _add_check(commands) -> None:
    description = (
        "Say of each line of a file whether Tinyville could have produced it, and the first wrong word if not."
    )
    command = add_command(commands, "check", _check, "could Tinyville have said this?", description)
    command.add_argument("file", metavar="FILE", help="one text a line, UTF-8; - reads from the keyboard or a pipe")
    add_json(command)


def _generate(given: argparse.Namespace) -> int:
    from llmviz.generation.sampling import generate, new_text

    model, tokenizer, start = _writer(given.model, given.prompt)
    texts = []
    for number in range(given.samples):
        new_ids = generate(
            model, start, max_new_tokens=given.max_tokens or model.config.context_length,
            temperature=given.temperature, top_k=given.top_k, top_p=given.top_p,
            stop_tokens={tokenizer.end_of_text}, seed=given.seed + number,
        )  # fmt: skip
        texts.append(given.prompt + new_text(tokenizer, start, new_ids))
        print(texts[-1], flush=True)
    if given.json:
        print(json.dumps({"texts": texts}, ensure_ascii=False))
    return OK


def _writer(name: str | None, prompt: str):
    """The model that is to write, its tokenizer, and the tokens to begin with."""
    from llmviz import artifacts, pretrained
    from llmviz.training import checkpoints, runs

    if name is not None and _is_real(name):

        from llmviz.model.transformer import DecoderOnly

        real = pretrained.load(name)
        if not isinstance(real.model, DecoderOnly):
            raise ValueError(f"{name} reads texts and writes none: it is an encoder")
        return real.model, real.tokenizer, real.tokenizer.encode(prompt) or [real.tokenizer.end_of_text]
    checkpoint = artifacts.load_model("tiny") if name is None else checkpoints.load(name)
    return checkpoint.model, checkpoint.tokenizer, runs.prompt_ids(checkpoint, prompt)


def _is_real(name: str) -> bool:
    """Whether a model was not trained by llmviz: one by name, of the hub, a GGUF file, a folder as the hubs have it."""
    from llmviz.pretrained import hub, registry, weights

    path = Path(name).expanduser()
    if path.exists():
        return path.suffix == ".gguf" or (path / weights.CARD).is_file()
    return name in registry.KNOWN or name.startswith(hub.START)


def _check(given: argparse.Namespace) -> int:
    from llmviz.files import read_text_file
    from llmviz.tinyville.corpus import Tinyville

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
