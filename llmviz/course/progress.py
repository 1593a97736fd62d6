"""What a learner has done, in a small file of their own: a list of events per lesson, so that each can be undone."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PROGRESS_VARIABLE = "LLMVIZ_PROGRESS"
FORMAT = 1
_STALE_SECONDS = 10.0

Event = list
"""["predict", name, said, answer] · ["check", name, status] · ["quiz", name, option] · ["reset"]"""


def progress_path() -> Path:
    """Say where the progress of this learner is kept: $LLMVIZ_PROGRESS (a file, or a folder), else their own data
    folder, as the system has it. Where several learners share one account, the variable keeps them apart.
    """
    chosen = os.environ.get(PROGRESS_VARIABLE)
    if chosen:
        path = Path(chosen).expanduser()
        return path / "progress.json" if path.is_dir() else path
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "llmviz" / "progress.json"


class EventLog:
    """The events of one lesson, in the learner's file. Never raises: what is wrong with the file stands in `trouble`.

    When the file cannot be written, the events of this session are remembered until the kernel ends.
    """

    def __init__(self, lesson: str):
        self.lesson = lesson
        self.trouble = ""
        self._unsaved: list[Event] | None = None

    def events(self) -> list[Event]:
        """What happened, the oldest first; what came before the last reset is left out."""
        events = self._all()
        resets = [index for index, event in enumerate(events) if event[0] == "reset"]
        return events[resets[-1] + 1 :] if resets else events

    def add(self, *event: object) -> None:
        """Write down one event."""
        self._change(lambda events: [*events, list(event)])

    def undo(self) -> None:
        """Take the last event back, be it a reset."""
        self._change(lambda events: events[:-1])

    def _all(self) -> list[Event]:
        return self._unsaved if self._unsaved is not None else self._read().get(self.lesson, [])

    def _change(self, change) -> None:
        if self._unsaved is not None:
            self._unsaved = change(self._unsaved)
            return
        try:
            path = progress_path()
            path.parent.mkdir(parents=True, exist_ok=True)
            with _locked(path):
                lessons = self._read()
                lessons[self.lesson] = change(lessons.get(self.lesson, []))
                if self._unsaved is None:
                    _write(path, lessons)
                else:  # a newer llmviz wrote this file: not ours to change
                    self._unsaved = lessons[self.lesson]
        except OSError as error:
            self._unsaved = change(self._all())
            self.trouble = (
                f"Your progress cannot be kept in {progress_path()} ({error.strerror}); it lasts until the kernel ends."
            )

    def _read(self) -> dict[str, list[Event]]:
        path = progress_path()
        try:
            content = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except UnicodeDecodeError:
            content = ""
        except OSError as error:
            self.trouble = f"Your progress in {path} cannot be read ({error.strerror})."
            return {}
        try:
            return _lessons(json.loads(content))
        except _Newer:
            self.trouble = f"{path} was written by a newer llmviz; it stays as it is, and this session is not kept."
            self._unsaved = []
        except (ValueError, RecursionError):
            self._set_aside(path)
        return {}

    def _set_aside(self, path: Path) -> None:
        aside = next(
            name for number in range(1, 1_000_000) if not (name := path.with_suffix(f".broken-{number}.json")).exists()
        )
        try:
            os.replace(path, aside)
            self.trouble = f"Your progress could not be understood. It was set aside as {aside}; a new file begins."
        except OSError as error:
            self._unsaved = []
            self.trouble = f"Your progress in {path} cannot be understood, nor set aside ({error.strerror})."


class _Newer(Exception):
    """The file has a format that this version does not know."""


def _lessons(content: object) -> dict[str, list[Event]]:
    """The lessons in a file's content; ValueError when it is not such a file."""
    if not isinstance(content, dict) or not isinstance(content.get("format"), int):
        raise ValueError("not a progress file")
    if content["format"] > FORMAT:
        raise _Newer
    lessons = content.get("lessons")
    if not isinstance(lessons, dict) or not all(_are_events(events) for events in lessons.values()):
        raise ValueError("not a progress file")
    return lessons


def _are_events(events: object) -> bool:
    sizes = {"predict": 4, "check": 3, "quiz": 3, "reset": 1}
    return isinstance(events, list) and all(
        isinstance(event, list) and event and isinstance(event[0], str) and sizes.get(event[0]) == len(event)
        and all(isinstance(name, str) for name in event[1:2])
        for event in events
    )  # fmt: skip


def _write(path: Path, lessons: dict[str, list[Event]]) -> None:
    """Replace the file in one go: whoever reads sees the old one or the new one, never half of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".new")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"format": FORMAT, "lessons": lessons}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        _replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def _replace(name: str, path: Path, attempts: int = 20) -> None:
    for attempt in range(attempts):
        try:
            return os.replace(name, path)
        except PermissionError:  # on Windows, while another reads it
            if attempt == attempts - 1:
                raise
            time.sleep(0.05)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One writer at a time: two notebooks of one learner must not lose each other's events."""
    lock = path.with_name(path.name + ".lock")
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            break
        except (FileExistsError, PermissionError) as refused:
            if isinstance(refused, PermissionError) and not lock.exists():
                raise  # not a lock that is just going away, but a folder that is not ours
            with suppress(OSError):
                if time.time() - lock.stat().st_mtime > _STALE_SECONDS:
                    lock.unlink()  # whoever held it has died
            time.sleep(0.01)
    try:
        yield
    finally:
        with suppress(OSError):
            lock.unlink()
