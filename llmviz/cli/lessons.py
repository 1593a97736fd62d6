"""llmviz doctor · lab · export: is everything here, open the lessons, write them as web pages."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from llmviz.cli.parsing import OK, add_command, add_json


def add_doctor(commands) -> None:
    """Add the command to the parser."""
    description = "Look at Python, torch, the widgets and the data files, time a training step, and say what to mend."
    add_json(add_command(commands, "doctor", _doctor, "is everything here, and how fast is this machine?", description))


def add_lab(commands) -> None:
    """Add the command to the parser."""
    description = (
        "Open the lessons in JupyterLab. What follows goes to JupyterLab, such as --no-browser or --port 8899."
    )
    add_command(commands, "lab", _lab, "open the lessons in JupyterLab", description)


def add_export(commands) -> None:
    """Add the command to the parser."""
    description = "Write lessons as web pages: each one file that stays alive without Python and without a network."
    command = add_command(commands, "export", _export, "the lessons as web pages", description)
    command.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="default: all lessons")
    command.add_argument("--out", default="build/html", metavar="DIR", help="where the pages go (default: build/html)")
    add_json(command)


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
