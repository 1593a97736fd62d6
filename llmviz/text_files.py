"""Reading a text file of the learner's: UTF-8, or one clear sentence about what it is instead."""

import json
from pathlib import Path
from typing import Any

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
