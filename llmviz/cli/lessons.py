"""llmviz doctor · lab · export · restore: is everything here, open the lessons, write them as pages, bring one back."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from llmviz.cli.parsing import OK, add_command, add_json

if TYPE_CHECKING:
    from llmviz.restore import Restored


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


def add_restore(commands) -> None:
    """Add the command to the parser."""
    description = "Bring broken lessons back as they were shipped. What was there is kept beside, under another name."
    command = add_command(commands, "restore", _restore, "bring a broken lesson back, and keep yours beside it",
                          description)  # fmt: skip
    command.add_argument("lessons", nargs="*", metavar="LESSON", help="3, 03_attention, a file, a kept copy; or all")
    command.add_argument("--folder", type=Path, metavar="DIR", help="where your notebooks are")
    command.add_argument("--list", action="store_true", help="which lessons are changed or missing, what is kept")
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


def _restore(given: argparse.Namespace) -> int:
    from llmviz import restore

    if given.list or not given.lessons:
        folder = given.folder or restore.learners_folder()
        rows = restore.state(folder)
        print(f"The lessons in {folder}:")
        for name, said, copies in rows:
            print(f"  {name:28}{said:12}{'kept: ' + ', '.join(copies) if copies else ''}".rstrip())
        print("Bring one back: llmviz restore 03. What is there is kept beside it.")
        if given.json:
            print(json.dumps([{"lesson": name, "state": said, "kept": copies} for name, said, copies in rows]))
        return OK
    folder = given.folder or (restore.learners_folder() if restore.ALL in given.lessons else None)
    names = restore.shipped(folder).names if restore.ALL in given.lessons else given.lessons
    done = []
    for name in names:
        done.append(restore.restore(name, folder))
        _tell(done[-1], is_default=done[-1].lesson.parent == restore.learners_folder())
    if any(not one.was_same for one in done):
        print("If it is open in JupyterLab: File › Reload Notebook from Disk.")
    if given.json:
        print(json.dumps([{"lesson": str(one.lesson), "kept": one.copy and str(one.copy)} for one in done]))
    return OK


def _tell(one: Restored, *, is_default: bool) -> None:
    """Say what was done to a lesson, and how to undo it."""
    if one.was_same:
        print(f"{one.lesson} is as it should be (compared with {one.origin}); nothing was done.")
        return
    print(f"{one.lesson} {'was missing and is here' if one.was_missing else 'is back'}, from {one.origin}.")
    if one.copy:
        copy = one.copy.stem if is_default else f'"{one.copy}"'
        print(f"Yours is kept beside it, as {one.copy.name}. To undo: llmviz restore {copy}")
