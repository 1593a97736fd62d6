"""Files: where they are, and reading and writing them safely."""

from __future__ import annotations

import hashlib
import json
import os
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

DATA_VARIABLE = "LLMVIZ_DATA"
CACHE_VARIABLE = "LLMVIZ_CACHE"


def data_folder() -> Path:
    """Say in which folder the data files should be: $LLMVIZ_DATA if set, else `data/` of the checkout."""
    chosen = os.environ.get(DATA_VARIABLE)
    return Path(chosen).expanduser() if chosen else Path(__file__).resolve().parent.parent / "data"


def cache_folder() -> Path:
    """Say where downloads are kept: $LLMVIZ_CACHE if set, else the user's cache folder of this system."""
    import pooch

    return Path(os.environ.get(CACHE_VARIABLE) or pooch.os_cache("llmviz")).expanduser()


def data_path(name: str) -> Path:
    """Find a shipped data file (or folder) by its name inside `data/`, such as "r50k_base.tiktoken.xz".

    Raises FileNotFoundError with a sentence that says where it looked and what to do.
    """
    folder = data_folder()
    if not folder.is_dir():
        raise FileNotFoundError(
            f"The folder with llmviz's data files was looked for at {folder} and is not there. Run llmviz "
            f"from its checkout (git clone, then make setup), or set {DATA_VARIABLE} to its data folder."
        )
    path = folder / name
    if not path.exists():
        raise FileNotFoundError(
            f"The data file {name!r} was looked for in {folder} and is not there. "
            "Bring it back with: git checkout -- data (data/README.md says what each file is)."
        )
    return path


CHECKOUT = Path(__file__).resolve().parent.parent
NOTEBOOKS = CHECKOUT / "notebooks"
# In the name of a copy that `llmviz restore` keeps of what a learner wrote: 03_attention.mine-2026-11-22-1.ipynb
MINE = ".mine-"


def lesson_files(folder: Path) -> list[Path]:
    """List the lessons in a folder in their order; copies that were kept beside them are none."""
    return sorted(path for path in folder.glob("*.ipynb") if MINE not in path.name)


LARGEST_FILE = 200_000_000
BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
UTF_16_STARTS = (b"\xff\xfe", b"\xfe\xff")
STARTS_OF_OTHER_FILES = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a zip archive (Word's .docx and .epub are such archives, too)",
    b"\x1f\x8b": "compressed with gzip",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}


def read_json(path: Path) -> Any:
    """Read a JSON file of ours or of others; raises ValueError with a sentence where it is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged or is not JSON ({error})") from None


def read_verified(path: Path, sha256: str) -> bytes:
    """Read a file whole; raises ValueError where its SHA-256 is another one."""
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ValueError(f"{path} is damaged or another file: its sha256 is {found[:12]}…, not {sha256[:12]}…")
    return content


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
    """Read a UTF-8 text file whole; give its text and how many line ends were changed to "\\n".

    A byte order mark at the start is left out; "\\r\\n" (Windows) and "\\r" become "\\n". Raises
    FileNotFoundError or ValueError, with a sentence, for whatever is no text file; the size is checked before
    anything is read.
    """
    path = Path(path).expanduser()
    data = _read_bytes(path)
    text = _decode(path, data).removeprefix(BYTE_ORDER_MARK)
    if not text.strip():
        raise ValueError(f"The file {path} holds no text, only white space. Choose a file with text in it.")
    return text.replace("\r\n", "\n").replace("\r", "\n"), text.count("\r")


def _read_bytes(path: Path) -> bytes:
    if path.is_dir():
        raise ValueError(f"{path} is a folder. Give the path of one text file in it.")
    if not path.exists():
        raise FileNotFoundError(f"There is no file {path} (seen from {Path.cwd()}). Check its spelling.")
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
    for start, what in STARTS_OF_OTHER_FILES.items():
        if data.startswith(start):
            raise ValueError(f"The file {path} is {what}, not plain text. Save its text as .txt in UTF-8.")
    if data.startswith(UTF_16_STARTS):
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
    return (
        "Convert it in Python: from pathlib import Path; "
        f'Path("new.txt").write_text(Path("FILE").read_text("{encoding}"), "utf-8")'
    )
