"""What all commands share: exit codes, how a command is added, and how its numbers are read."""

from __future__ import annotations

import argparse

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def add_command(commands, name: str, run, help_text: str, description: str) -> argparse.ArgumentParser:
    """Add a command: its name, what it runs, its line in the list of all, and what its own help begins with."""
    command = commands.add_parser(name, help=help_text, description=description)
    command.set_defaults(run=run)
    return command


def add_json(command: argparse.ArgumentParser) -> None:
    """Let a command end with one JSON object."""
    command.add_argument("--json", action="store_true", help="print one JSON object as the last line")


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return number


def seed(text: str) -> int:
    """Read a seed: a whole number from 0 to 2**31 - 1."""
    number = int(text) if text.isdecimal() else -1
    if not 0 <= number < 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {2**31 - 1}")
    return number


def positive_number(text: str) -> float:
    """Read a number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number
