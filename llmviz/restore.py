"""Bring a broken lesson back, and keep what the learner wrote beside it: `llmviz restore 03`.

The shipped lesson comes from the archive that an installation from a stick brings along (`lessons.zip`), or from git's
committed version. For a folder elsewhere, such as a student's home in a class, it is the checkout's own lesson, as it
was handed out. Nothing is ever overwritten: what was there is copied first, and a copy gets a name of its own.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import shutil
import subprocess
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from llmviz.files import CHECKOUT, MINE, NOTEBOOKS, lesson_files

# What an installation from a stick brings along beside its notebooks: the lessons as they were shipped.
ARCHIVE = CHECKOUT / "lessons.zip"
ALL = "all"


@dataclass(frozen=True)
class Shipped:
    """The lessons as they were shipped: their file names, where they come from in words, and how to read one."""

    names: Sequence[str]
    origin: str
    read: Callable[[str], bytes]


@dataclass(frozen=True)
class Restored:
    """What was done to one lesson.

    Attributes:
        lesson: the file that was brought back.
        origin: where it came from, in words.
        was_missing: there was no such file before.
        was_same: it was as shipped already, and nothing was done.
        copy: where the learner's own is now; None where there was nothing of theirs.
    """

    lesson: Path
    origin: str
    was_missing: bool = False
    was_same: bool = False
    copy: Path | None = None


def restore(name: str, folder: Path | None = None, *, day: date | None = None) -> Restored:
    """Put a shipped lesson in place; what was there before is kept beside it under another name.

    Args:
        name: "3", "03", "03_attention", "attention", a file name, a path, or the name of a copy that was kept
            (`03_attention.mine-2026-11-22-1`), which comes back in its turn.
        folder: with the learner's notebooks; default: see `learners_folder`.
        day: for the copy's name; default: today.

    Raises:
        ValueError: there is no such lesson.
        FileNotFoundError: the folder, or what was shipped, is not there.
        OSError: a file cannot be read or written; then nothing has changed.
    """
    path = Path(name)
    if folder is None and path.parent != Path("."):
        folder = path.parent
    folder = learners_folder() if folder is None else _existing(folder)
    source = shipped(folder)
    copy = _kept_copy(path.name, folder)
    lesson = folder / (_lesson_of(copy) if copy else find(path.name, source.names))
    new = _read(copy) if copy else source.read(lesson.name)
    origin = f"your copy {copy.name}" if copy else source.origin
    if not lesson.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _put(lesson, new)
        return Restored(lesson, origin, was_missing=True)
    old = _read(lesson)
    if _same(old, new):
        return Restored(lesson, origin, was_same=True)
    is_theirs = lesson.name not in source.names or not _same(old, source.read(lesson.name))
    kept = _keep(lesson, old, day or date.today()) if is_theirs else None
    _put(lesson, new)
    return Restored(lesson, origin, copy=kept)


def find(name: str, names: Sequence[str]) -> str:
    """Say which lesson is meant.

    >>> find("3", ["01_tokenization.ipynb", "03_attention.ipynb"])
    '03_attention.ipynb'
    """
    wanted = name.removesuffix(".ipynb").strip().lower()
    by_stem = {other.removesuffix(".ipynb").lower(): other for other in names}
    for stem, found in by_stem.items():
        number, _, title = stem.partition("_")
        if wanted in (stem, title) or (wanted.isdecimal() and number.isdecimal() and int(wanted) == int(number)):
            return found
    close = difflib.get_close_matches(wanted, by_stem, n=1)
    meant = f"Did you mean {close[0]}? " if close else ""
    raise ValueError(f"there is no lesson {name!r}. {meant}There are {', '.join(sorted(by_stem))}.")


def learners_folder() -> Path:
    """The folder whose lessons are meant: this one, `notebooks` in this one, else that of the checkout."""
    here = Path.cwd()
    names = {path.name for path in lesson_files(NOTEBOOKS)} or set(shipped(NOTEBOOKS).names)
    for folder in (here, here / "notebooks"):
        if any((folder / name).is_file() for name in names):
            return folder
    return NOTEBOOKS


def shipped(folder: Path) -> Shipped:
    """Find the shipped lessons for a learner's folder.

    Raises FileNotFoundError where there are none: no archive, no git, no lessons elsewhere.
    """
    if folder.resolve() != NOTEBOOKS.resolve() and lesson_files(NOTEBOOKS):
        names = [path.name for path in lesson_files(NOTEBOOKS)]
        return Shipped(names, f"the lessons in {NOTEBOOKS}", lambda name: _read(NOTEBOOKS / name))
    if ARCHIVE.exists():
        return _from_archive()
    if (CHECKOUT / ".git").exists():
        return _from_git()
    raise FileNotFoundError(
        f"the shipped lessons are not here: {CHECKOUT} has neither {ARCHIVE.name}, which an installation from a stick "
        "brings along, nor git's history. Get llmviz anew into another folder; your notebooks stay as they are."
    )


def state(folder: Path) -> list[tuple[str, str, list[str]]]:
    """Each shipped lesson's file name, how the learner's is ("as shipped", …), and the copies that were kept of it."""
    source = shipped(folder)
    rows = []
    for name in source.names:
        lesson = folder / name
        if not lesson.exists():
            said = "missing"
        else:
            said = "as shipped" if _same(_read(lesson), source.read(name)) else "changed"
        rows.append((name, said, [copy.name for copy in _copies(lesson)]))
    return rows


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}; name the one with your notebooks, or leave it out")
    return folder


def _from_archive() -> Shipped:
    with _archive() as archive:
        names = sorted(archive.namelist())

    def read(name: str) -> bytes:
        with _archive() as archive:
            return archive.read(name)

    return Shipped(names, ARCHIVE.name, read)


@contextlib.contextmanager
def _archive() -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(ARCHIVE) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise FileNotFoundError(
            f"the archive of the shipped lessons, {ARCHIVE}, is damaged ({error}). Install llmviz from the stick once "
            "more: what you changed stays."
        ) from None


def _from_git() -> Shipped:
    listed = _git("ls-tree", "--name-only", f"HEAD:{NOTEBOOKS.name}").decode().splitlines()
    names = sorted(name for name in listed if name.endswith(".ipynb"))
    return Shipped(names, "git's committed version", lambda name: _git("show", f"HEAD:{NOTEBOOKS.name}/{name}"))


def _git(*arguments: str) -> bytes:
    # Reading is safe in a checkout that belongs to somebody else, as on a shared machine.
    command = ["git", "-C", str(CHECKOUT), "-c", f"safe.directory={CHECKOUT.as_posix()}", *arguments]
    try:
        done = subprocess.run(command, capture_output=True)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"the shipped lessons are in git's history at {CHECKOUT}, and git is not installed here"
        ) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["it gave no reason"]
        raise FileNotFoundError(f"git cannot read the shipped lessons in {CHECKOUT}: {said[-1]}")
    return done.stdout


def _read(path: Path) -> bytes:
    """A file's bytes; an OSError says that nothing was changed."""
    try:
        return path.read_bytes()
    except IsADirectoryError:
        raise ValueError(f"{path} is a folder, not a notebook; rename it first. Nothing was changed.") from None
    except PermissionError:
        raise ValueError(f"you may not read {path}, so it cannot be kept. Nothing was changed.") from None


def _same(one: bytes, other: bytes) -> bool:
    """Are two notebooks the same, whatever a system makes of the ends of lines?"""
    return one.replace(b"\r\n", b"\n") == other.replace(b"\r\n", b"\n")


def _copies(lesson: Path) -> list[Path]:
    """The copies that were kept of a lesson, the oldest first."""
    pattern = re.compile(re.escape(lesson.stem + MINE) + r"(\d{4}-\d\d-\d\d)-(\d+)\.ipynb")
    found = [(match[1], int(match[2]), path) for path in lesson.parent.glob("*.ipynb")
             if (match := pattern.fullmatch(path.name))]  # fmt: skip
    return [path for _, _, path in sorted(found)]


def _kept_copy(name: str, folder: Path) -> Path | None:
    """The kept copy of this name; None if the name is that of a lesson."""
    if MINE not in name:
        return None
    copy = folder / f"{name.removesuffix('.ipynb')}.ipynb"
    if not copy.is_file():
        raise ValueError(f"there is no copy {copy.name} in {folder}; llmviz restore --list names those that there are")
    return copy


def _lesson_of(copy: Path) -> str:
    return copy.name.partition(MINE)[0] + ".ipynb"


def _keep(lesson: Path, content: bytes, day: date) -> Path:
    """Copy a learner's notebook to a name that is free; a copy that holds the same already will do."""
    for copy in _copies(lesson):
        if copy.read_bytes() == content:
            return copy
    number = 1
    while True:
        copy = lesson.with_name(f"{lesson.stem}{MINE}{day.isoformat()}-{number}.ipynb")
        try:
            file = copy.open("xb")  # fails where there is a file of this name
        except FileExistsError:
            number += 1
            continue
        try:
            with file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            copy.unlink()
            raise
        with contextlib.suppress(OSError):
            shutil.copystat(lesson, copy)  # its date says when it was written
        return copy


def _put(lesson: Path, content: bytes) -> None:
    """Write a file in one move: whatever happens meanwhile, the old or the new one is there, whole."""
    lesson = lesson.resolve()  # through a link, so that the link stays one
    handle, name = tempfile.mkstemp(dir=lesson.parent, prefix=f".{lesson.stem}-")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        part.chmod(lesson.stat().st_mode & 0o777 if lesson.exists() else 0o644)
        part.replace(lesson)
    except OSError:
        part.unlink()
        raise
