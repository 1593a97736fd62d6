"""Files: where they are, and reading and writing them safely."""

from __future__ import annotations

import codecs
import json
import os
import shlex
import subprocess
import time
import uuid
import warnings
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
    b"PK\x03\x04": "a zip archive (Word's .docx, .odt and .epub are such archives, too)",
    b"{\\rtf": "a text with formatting (RTF)",
    b"\xd0\xcf\x11\xe0": "an old Word file (.doc)",
    b"\x1f\x8b": "compressed with gzip",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}
_MARKS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
          (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
_CONTROLS = frozenset(map(chr, range(32))) - frozenset("\t\n\v\f\r\x1a\x1b")  # what no text holds


def data_folder() -> Path:
    """The folder of the data files: $LLMVIZ_DATA if set, else `data/` of the checkout or the wheel."""
    return Path(os.environ.get("LLMVIZ_DATA") or ROOT / "data").expanduser()


def cache_folder() -> Path:
    """The folder of downloads: $LLMVIZ_CACHE if set, else the user's cache folder of this system."""
    import pooch

    return Path(os.environ.get("LLMVIZ_CACHE") or pooch.os_cache("llmviz")).expanduser()


def data_path(name: str) -> Path:
    """The path of a data file or folder, such as "gpt2.merges.zlib"; raises FileNotFoundError if it is missing."""
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


def read_text_file(path: str | Path, encoding: str | None = None) -> tuple[str, int]:
    """Read a text file; returns its text, and how many line ends were changed to "\\n".

    UTF-8 unless an encoding is named; a byte order mark decides, too, and is removed. The text is taken out of a web
    page, with a warning. Raises FileNotFoundError, or ValueError for anything else: what the
    file is, how it would read in the encodings that it may have, and what to do. The size is checked first.
    """
    path = Path(path).expanduser()
    text = _text(path, _read_bytes(path), encoding).removeprefix("\ufeff")
    if not text.strip():
        raise ValueError(f"The file {path} holds no text, only white space. Choose a file with text in it.")
    if remark := _remark(path, text):
        warnings.warn(f"{path.name}: {remark}", stacklevel=3)
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


def _text(path: Path, data: bytes, encoding: str | None) -> str:
    for start, what in _OTHER_FORMATS.items():
        if data.startswith(start):
            raise ValueError(f"The file {path} is {what}, not plain text. Save its text as .txt in UTF-8.")
    text = _decode(path, data, encoding or next((name for mark, name in _MARKS if data.startswith(mark)), None))
    if text.lstrip("\ufeff \r\n\t")[:15].lower().startswith(("<!doctype html", "<html")):
        from bs4 import BeautifulSoup

        warnings.warn(f"{path.name} is a web page: its text was taken out.", stacklevel=4)
        return BeautifulSoup(text, "html.parser").get_text("\n")
    return text


def _decode(path: Path, data: bytes, encoding: str | None) -> str:
    try:
        text = data.decode(encoding or "utf-8")
        if not (zeros := text.count("\0")):
            return text
        # Else it may be UTF-16 without a byte order mark.
        if zeros < len(text) / 10 and not _CONTROLS.intersection(text.replace("\0", "")):
            raise ValueError(f"The file {path} is binary, not text: byte {data.index(0):,} is 0. Choose a text file.")
    except LookupError:
        raise ValueError(f"There is no encoding {encoding!r}. Known are utf-8, cp1252, gb18030 and others.") from None
    except UnicodeError as error:
        if encoding:
            raise ValueError(f"The file {path} is not {encoding}: {error}.") from None
        _refuse_damaged(path, data)
    if not (readings := _readings(data)):
        raise ValueError(f"The file {path} is binary, not text. Choose a text file.")
    shown = "; as ".join(f"{name}: {line!r}" for name, line in readings.items())
    best = next(iter(readings))
    raise ValueError(
        f"The file {path} is not UTF-8. Read as {shown}. Name the encoding in which it reads right, such as: "
        f'--encoding {best}, in Python corpora.from_file(path, encoding="{best}").'
    )


def _refuse_damaged(path: Path, data: bytes) -> None:
    """Raise ValueError for UTF-8 in which only few bytes are wrong: its other lines must not change."""
    whole = data.decode("utf-8", "ignore")
    n_bad, n_good = len(data) - len(whole.encode()), sum(not character.isascii() for character in whole)
    if n_bad > max(3, n_good // 10) or n_good <= 3:
        return
    before = data.decode("utf-8", "replace").partition("\ufffd")[0]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    raise ValueError(
        f"The file {path} is UTF-8 with damaged bytes ({n_bad}), the first in line {line:,}, column {column:,}, "
        f"after {before[-20:]!r}. Correct that place in an editor that saves UTF-8."
    )


def _readings(data: bytes) -> dict[str, str]:
    """How a file's first line that is not ASCII reads, by encoding, the most probable first; only what differs."""
    from charset_normalizer import from_bytes

    found = [match.encoding for match in from_bytes(data[:100_000])][:2]
    readings: dict[str, str] = {}
    for name in [*found, "cp1252", "mac_roman"]:
        with suppress(UnicodeError):
            text = data.decode(name)
            if not _CONTROLS.intersection(text):
                line = next((line.strip()[:40] for line in text.splitlines() if not line.isascii()), text[:40])
                if line not in readings.values():
                    readings[name] = line
    return readings


def _remark(path: Path, text: str) -> str:
    """What may be wrong with a text that can be read; empty if nothing is."""
    if n_lost := text.count("\ufffd"):
        return f"{n_lost:,} of its characters were lost before (\ufffd); take the file from which it was made."
    with suppress(UnicodeError):
        if (mended := text.encode("cp1252").decode("utf-8")) != text:
            line = next(line for line in mended.splitlines() if not line.isascii())
            return f"it was probably saved in a wrong encoding; a line should read {line.strip()[:40]!r}."
    return "it is a table; its separators are read, too." if path.suffix.lower() in (".csv", ".tsv") else ""
