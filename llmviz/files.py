"""Files: where they are, and reading and writing them safely."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).resolve().parent
IS_INSTALLED = (_PACKAGE / "_course").is_dir()
"""Whether this package came from a wheel, which carries the course, and not from a checkout."""
ROOT = _PACKAGE / "_course" if IS_INSTALLED else _PACKAGE.parent
"""The folder that holds `data`, `docs` and `notebooks`."""
NOTEBOOKS = ROOT / "notebooks"
REPAIR = "Install llmviz again, with pip's option --force-reinstall" if IS_INSTALLED else "git checkout -- data"
LESSONS_FOLDER = "llmviz-lessons"
"""Where `llmviz lab` of an installed package puts the lessons."""
MINE = ".mine-"
"""Marks a learner's copy that `llmviz restore` keeps: 03_attention.mine-2026-11-22-1.ipynb."""
LARGEST_FILE = 200_000_000
_LONGEST_NAME = 200  # characters; systems allow 255 bytes
_OTHER_FORMATS = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a zip archive (Word's .docx and .epub are such archives, too)",
    b"\x1f\x8b": "compressed with gzip",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}


def data_folder() -> Path:
    """The folder of the data files: $LLMVIZ_DATA if set, else `data/` of the checkout or the wheel."""
    return Path(os.environ.get("LLMVIZ_DATA") or ROOT / "data").expanduser()


def cache_folder() -> Path:
    """The folder of downloads: $LLMVIZ_CACHE if set, else the user's cache folder of this system."""
    import pooch

    return Path(os.environ.get("LLMVIZ_CACHE") or pooch.os_cache("llmviz")).expanduser()


def data_path(name: str) -> Path:
    """The path of a data file or folder, such as "r50k_base.tiktoken.xz"; raises FileNotFoundError if it is missing."""
    folder = data_folder()
    if not folder.is_dir():
        raise FileNotFoundError(
            f"The folder with llmviz's data files was looked for at {folder} and is not there. Install llmviz from "
            f"its wheel or its checkout (git clone, then make setup), or set LLMVIZ_DATA to its data folder."
        )
    path = folder / name
    if not path.exists():
        raise FileNotFoundError(f"{name!r} was looked for in {folder} in vain. Bring it back: {REPAIR}")
    return path


def quoted(path: str | Path) -> str:
    """A path as it is written in a command line: in quotation marks where it needs them."""
    return subprocess.list2cmdline([str(path)]) if os.name == "nt" else shlex.quote(str(path))


def learners_folder(names: Iterable[str] = ()) -> Path:
    """The folder of the learner's notebooks: the working directory, or one in it, where it holds a lesson (`names`).

    Else that of the checkout; where llmviz is installed, the one that `llmviz lab` makes here.
    """
    places = [Path.cwd() / name for name in ("", "notebooks", LESSONS_FOLDER, f"{LESSONS_FOLDER}/notebooks")]
    names = [path.name for path in lesson_files(NOTEBOOKS)] or list(names)
    elsewhere = places[-1] if IS_INSTALLED else NOTEBOOKS
    return next((place for place in places if any((place / name).is_file() for name in names)), elsewhere)


def lesson_files(folder: Path) -> list[Path]:
    """The lesson notebooks of a folder in order, without the copies that `restore` kept."""
    return sorted(path for path in folder.glob("*.ipynb") if MINE not in path.name)


def read_json(path: Path) -> Any:
    """Read a JSON file; raises ValueError where it is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged or is not JSON ({error})") from None


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file in one step: after a crash, and for other readers, it holds the old content or the new one.

    The content goes to a temporary file beside it, is flushed to the disk (fsync), and renamed (os.replace). Symbolic
    links are followed, permissions kept.
    """
    path = Path(path).resolve()
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            part.chmod(path.stat().st_mode & 0o777)
        _replace(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def _replace(part: Path, path: Path) -> None:
    for _ in range(20):
        try:
            return os.replace(part, path)
        except PermissionError:  # on Windows, while another process reads the file
            time.sleep(0.05)
    os.replace(part, path)


def read_text_file(path: str | Path) -> tuple[str, int]:
    """Read a UTF-8 text file; returns its text, and how many line ends were changed to "\\n".

    A byte order mark is removed. Raises FileNotFoundError, or ValueError for anything but a text file; the size is
    checked before anything is read.
    """
    path = Path(path).expanduser()
    data = _read_bytes(path)
    text = _decode(path, data).removeprefix("\ufeff")
    if not text.strip():
        raise ValueError(f"The file {path} holds no text, only white space. Choose a file with text in it.")
    return text.replace("\r\n", "\n").replace("\r", "\n"), text.count("\r")


def _read_bytes(path: Path) -> bytes:
    if "\n" in str(path) or len(path.name) > _LONGEST_NAME:
        raise ValueError(f"{str(path)[:40]!r} … is a text, not the path of a file; corpora.from_text takes a text")
    if path.is_dir():
        raise ValueError(f"{path} is a folder. Give the path of one text file in it.")
    if not path.exists():
        text = " (A text itself goes into corpora.from_text.)" if " " in path.name and not path.suffix else ""
        raise FileNotFoundError(f"There is no file {path} (seen from {Path.cwd()}). Check its spelling.{text}")
    if not path.is_file():
        raise ValueError(f"{path} is a device or a pipe, not a file. Save its text to a file first.")
    try:
        size = path.stat().st_size
        data = b""
        if size <= LARGEST_FILE:
            with path.open("rb") as file:
                data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ValueError(f"The file {path} cannot be read: {error.strerror}.") from None
    if max(size, len(data)) > LARGEST_FILE:
        raise ValueError(
            f"The file {path} has {size / 1e6:,.0f} MB; at most {LARGEST_FILE / 1e6:,.0f} MB are read, since "
            "a tiny model cannot learn from more. Cut a part from it, such as its first 100,000 lines: "
            "head -n 100000 FILE > part.txt"
        )
    if not data:
        raise ValueError(f"The file {path} is empty. Choose a file with text in it.")
    return data


def _decode(path: Path, data: bytes) -> str:
    for start, what in _OTHER_FORMATS.items():
        if data.startswith(start):
            raise ValueError(f"The file {path} is {what}, not plain text. Save its text as .txt in UTF-8.")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError(f"The file {path} is not UTF-8 but probably UTF-16. {_how_to_convert('utf-16')}")
    if b"\0" in data:
        place = data.index(b"\0")
        raise ValueError(f"The file {path} is binary, not text: its byte {place:,} is 0. Choose a text file.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"The file {path} is not UTF-8: byte 0x{data[error.start]:02x} at position {error.start:,} (line "
            f"{line:,}) is no part of a character. Is it cp1252 (Windows)? {_how_to_convert('cp1252')}"
        ) from None


def _how_to_convert(encoding: str) -> str:
    code = f'Path("new.txt").write_text(Path("FILE").read_text("{encoding}"), "utf-8")'
    return f"Convert it in Python: from pathlib import Path; {code}"
