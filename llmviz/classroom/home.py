"""A student's home: their own copy of the lessons, which follows the teacher's until they change it themselves."""

import hashlib
import json
import os
import shutil
from pathlib import Path

from llmviz import lab
from llmviz.files import lesson_files

LESSONS = "notebooks"
FIRST_LESSON = f"{LESSONS}/{lab.FIRST_LESSON.name}"
RECORD = ".copied.json"
FONTS = "matplotlib"


def prepare_home(home: Path, lessons: Path, shared: Path | None = None) -> list[str]:
    """Copy what is new and not yet touched, trust it, and bring the list of fonts; return the names that were copied.

    A lesson that the student wrote into stays as it is, whatever the teacher's copy became; one that they deleted
    comes back. Trusting means a signature in the student's own Jupyter folder, so that saved pictures show.
    """
    if not lesson_files(lessons):
        raise FileNotFoundError(f"there are no lessons in {lessons}; the class needs the whole checkout of llmviz")
    copied = copy_lessons(lessons, home / LESSONS)
    if copied:
        lab.trust_files(home / LESSONS / name for name in copied)
    if shared is not None:
        copy_fonts(shared / FONTS, Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / FONTS)
    return copied


def copy_lessons(lessons: Path, mine: Path) -> list[str]:
    """Bring a student's folder up to date with the teacher's; return the names that were copied."""
    mine.mkdir(parents=True, exist_ok=True)
    before = _read_record(mine / RECORD)
    record = dict(before)
    copied = []
    for lesson in lesson_files(lessons):
        target, new = mine / lesson.name, fingerprint(lesson)
        found = fingerprint(target) if target.exists() else None
        if found == new:
            record[lesson.name] = new
        elif found is None or found == record.get(lesson.name):
            part = target.with_suffix(".part")
            shutil.copyfile(lesson, part)
            part.replace(target)
            record[lesson.name] = new
            copied.append(lesson.name)
    if record != before:
        (mine / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return copied


def fingerprint(file: Path) -> str:
    """The hash of what somebody wrote into a notebook: JupyterLab saves one that was only opened, or run, as well.

    A file that is no notebook has the hash of its bytes, so that it counts as changed.
    """
    data = file.read_bytes()
    try:
        written = [[cell["cell_type"], "".join(cell["source"])] for cell in json.loads(data)["cells"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha256(json.dumps(written).encode()).hexdigest()


def _read_record(file: Path) -> dict[str, str]:
    """What was copied before; nothing where the record is lost, so that nothing of the student's is overwritten."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def copy_fonts(fonts: Path, cache: Path) -> None:
    """Bring matplotlib's list of fonts, which each fresh home would else gather anew, at a cost of seconds."""
    cache.mkdir(parents=True, exist_ok=True)
    for file in fonts.glob("fontlist-*.json"):
        if not (cache / file.name).exists():
            shutil.copyfile(file, cache / file.name)
