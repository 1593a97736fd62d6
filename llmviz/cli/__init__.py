"""The command line, llmviz doctor · train · generate · check · models · lab · export: a module for each group."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from llmviz import __version__
from llmviz.cli import bundles, classes, lessons, models, texts, training
from llmviz.cli.parsing import FAILED, INTERRUPTED, OK, USAGE

__all__ = ["FAILED", "INTERRUPTED", "OK", "USAGE", "build_parser", "main"]

DESCRIPTION = "Learn how large language models work by touching a tiny one."
EPILOG = """\
examples:
  llmviz doctor                         is everything here, and how fast is this machine?
  llmviz train --seconds 60             train a tiny GPT on Tinyville for a minute
  llmviz generate "Mia found"           let the tiny GPT go on
  llmviz lab                            open the lessons
  llmviz class --size 30                a JupyterHub for a class of thirty, to rehearse with
  llmviz export                         the lessons as web pages that work without Python

exit codes: 0 all went well, 1 something is wrong (the last line says what), 2 the command was not understood,
130 stopped by Ctrl-C"""

# Each adds its commands, in the order in which the help lists them.
COMMANDS = (
    lessons.add_doctor, training.add, texts.add, models.add, lessons.add_lab, lessons.add_restore, classes.add,
    bundles.add, lessons.add_export,
)  # fmt: skip


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
    for add in COMMANDS:
        add(commands)
    return parser
