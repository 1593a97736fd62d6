"""Restore a lesson as it was shipped, from `lessons.zip` (which a bundle installs), else from git's HEAD.

The learner's version is kept beside it under another name.
"""

from __future__ import annotations

import difflib
import io
import re
import shutil
import subprocess
import zipfile
import zlib
from datetime import date
from pathlib import Path
from typing import NamedTuple

from llmviz.files import IS_INSTALLED, MINE, NOTEBOOKS, ROOT, learners_folder, lesson_files, quoted, write_atomically

_ARCHIVE = ROOT / "lessons.zip"


class _Restored(NamedTuple):
    """The lesson, what was done, in words, whether that changed it, and where the learner's version was kept."""

    lesson: Path
    message: str
    is_changed: bool = True
    copy: Path | None = None


def restore(name: str, folder: Path | None = None) -> _Restored:
    """Put a shipped lesson in place of the learner's, which is kept beside it.

    `name` is "3", "03_attention", "attention", a file name, a path, or a kept copy's name, which is put back. `folder`
    has the learner's notebooks; default: the path's, else the working directory's, else the checkout's. Raises
    ValueError where there is no such lesson, OSError where a file cannot be read or written; then nothing changed.
    """
    path = Path(name)
    folder = folder or (path.parent if path.parent != Path(".") else None)
    if folder and not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}; name the one with your notebooks, or leave it out")
    origin, shipped = _shipped()
    folder = folder or learners_folder(shipped)
    copy = folder / f"{path.name.removesuffix('.ipynb')}.ipynb" if MINE in path.name else None
    if copy and not copy.is_file():
        raise ValueError(f"there is no copy {copy.name} in {folder}; llmviz restore --list names those that there are")
    lesson = folder / (f"{path.name.partition(MINE)[0]}.ipynb" if copy else _find(path.name, list(shipped)))
    new, origin = (copy.read_bytes(), f"your copy {copy.name}") if copy else (shipped[lesson.name], origin)
    if not lesson.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(lesson, new)
        return _Restored(lesson, f"{lesson} was missing and is here, from {origin}.")
    old = lesson.read_bytes()
    if _same(old, new):
        said = f"{lesson} is as it should be (compared with {origin}); nothing was done."
        return _Restored(lesson, said, is_changed=False)
    said, kept = f"{lesson} is back, from {origin}.", None
    if lesson.name not in shipped or not _same(old, shipped[lesson.name]):
        kept = _keep(lesson, old)
        undo = quoted(kept.stem if folder == learners_folder(shipped) else kept)
        said += f"\nYours is kept beside it, as {kept.name}. To undo: llmviz restore {undo}"
    write_atomically(lesson, new)
    return _Restored(lesson, said, copy=kept)


def state(folder: Path | None = None) -> tuple[Path, list[tuple[str, str, list[str]]]]:
    """The folder, and of each shipped lesson: file name, "as shipped", "changed" or "missing", kept copies' names."""
    folder, rows = folder or learners_folder(_shipped()[1]), []
    for name, content in _shipped()[1].items():
        lesson = folder / name
        changed = lesson.exists() and not _same(lesson.read_bytes(), content)
        said = "changed" if changed else "as shipped" if lesson.exists() else "missing"
        rows.append((name, said, [copy.name for copy in _copies(lesson)]))
    return folder, rows


def _find(name: str, names: list[str]) -> str:
    """Find a lesson's file name by its number, title or stem."""
    wanted = name.removesuffix(".ipynb").strip().lower()
    by_stem = {other.removesuffix(".ipynb").lower(): other for other in names}
    for stem, found in by_stem.items():
        number, _, title = stem.partition("_")
        if wanted in (stem, title, number) or (wanted.isdecimal() and wanted.zfill(len(number)) == number):
            return found
    meant = "".join(f"Did you mean {one}? " for one in difflib.get_close_matches(wanted, by_stem, n=1))
    raise ValueError(f"there is no lesson {name!r}. {meant}There are {', '.join(sorted(by_stem))}.")


def _shipped() -> tuple[str, dict[str, bytes]]:
    """Where the shipped lessons come from, in words, and the content of each by its file name."""
    if IS_INSTALLED:
        return "the installed package", {path.name: path.read_bytes() for path in lesson_files(NOTEBOOKS)}
    if _ARCHIVE.exists():
        origin, data = _ARCHIVE.name, _ARCHIVE.read_bytes()
    elif (ROOT / ".git").exists() and shutil.which("git"):
        # Reading is safe in a checkout of another user, as on a shared machine.
        command = ["git", "-C", str(ROOT), "-c", f"safe.directory={ROOT.as_posix()}", "archive", "--format=zip"]
        done = subprocess.run([*command, f"HEAD:{NOTEBOOKS.name}"], capture_output=True)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines() or ["it gave no reason"]
            raise FileNotFoundError(f"git cannot read the shipped lessons in {ROOT}: {said[-1]}")
        origin, data = "git's committed version", done.stdout
    else:
        missing = f"the shipped lessons are not here: {ROOT} has neither {_ARCHIVE.name} nor git's history"
        raise FileNotFoundError(f"{missing}. Get llmviz anew into another folder; your notebooks stay as they are.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return origin, {name: archive.read(name) for name in sorted(archive.namelist()) if name.endswith(".ipynb")}
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        said = f"the archive of the shipped lessons, {_ARCHIVE}, is damaged ({error}). Install the bundle once more"
        raise FileNotFoundError(f"{said}: what you changed stays.") from None


def _same(one: bytes, other: bytes) -> bool:
    """Are two notebooks equal, apart from line endings?"""
    return one.replace(b"\r\n", b"\n") == other.replace(b"\r\n", b"\n")


def _copies(lesson: Path) -> list[Path]:
    """The kept copies of a lesson, oldest first."""
    pattern = re.compile(re.escape(lesson.stem + MINE) + r"(\d{4}-\d\d-\d\d)-(\d+)\.ipynb")
    found = ((pattern.fullmatch(path.name), path) for path in lesson.parent.glob("*.ipynb"))
    return [path for _, _, path in sorted((match[1], int(match[2]), path) for match, path in found if match)]


def _keep(lesson: Path, content: bytes) -> Path:
    """Copy a learner's notebook to a free name, unless a copy with the same content exists."""
    copies = _copies(lesson)
    if same := next((copy for copy in copies if copy.read_bytes() == content), None):
        return same
    number = 1
    while (copy := lesson.with_name(f"{lesson.stem}{MINE}{date.today().isoformat()}-{number}.ipynb")).exists():
        number += 1
    write_atomically(copy, content)
    return copy
