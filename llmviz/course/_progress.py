"""What a learner has done: an event log in a file of their own, and its summary. Every step can be undone."""

from __future__ import annotations

import itertools
import json
import os
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import platformdirs
from filelock import FileLock

from llmviz.course._schema import Question
from llmviz.files import write_atomically

_FORMAT = 1

Event = list
"""["predict", name, prediction, answer] · ["check", name, status] · ["quiz", name, option] · ["reset"]"""
_LENGTHS = {"predict": 4, "check": 3, "quiz": 3, "reset": 1}
_RENAMED = tomllib.loads(files("llmviz").joinpath("old_names.toml").read_text("utf-8"))["progress"]


def _progress_path() -> Path:
    """Where the progress of this learner is stored: $LLMVIZ_PROGRESS (a file, or a folder), else the user's data folder
    of the operating system. Where several learners share one account, the variable keeps them apart.
    """
    if chosen := os.environ.get("LLMVIZ_PROGRESS"):
        path = Path(chosen).expanduser()
        return path / "progress.json" if path.is_dir() else path
    return platformdirs.user_data_path("llmviz", appauthor=False) / "progress.json"


@dataclass
class ProgressSummary:
    """Prediction → values predicted, exercise → status, question → options chosen; each list in order."""

    predictions: dict[str, list] = field(default_factory=dict)
    checks: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def from_events(cls, events: Iterable[Event]) -> ProgressSummary:
        """Sum up the events of a lesson."""
        summary = cls()
        for kind, name, *rest in events:
            if kind == "predict":
                summary.predictions.setdefault(name, []).append(rest[0])
            elif kind == "check":
                summary.checks[name] = rest[0]
            elif kind == "quiz":
                summary.choices.setdefault(name, []).append(rest[0])
        return summary

    def score(self, questions: Sequence[Question]) -> str:
        """The result of a quiz so far, in a sentence."""
        first = [self.choices[one.name][0] == one.answer for one in questions if self.choices.get(one.name)]
        n_open = len(questions) - len(first)
        return f"Right at the first choice: {sum(first)} of {len(first)}; {n_open} not answered yet." if first else ""


class EventLog:
    """The events of one lesson, in the learner's file. Never raises: `problem` says what is wrong with the file.

    If the file cannot be written, the events of this session are kept in memory until the kernel stops.
    """

    def __init__(self, lesson: str):
        self.lesson = lesson
        self.problem = ""
        self._unsaved: list[Event] | None = None

    def events(self) -> list[Event]:
        """The events since the last reset, oldest first."""
        events = self._unsaved if self._unsaved is not None else self._read().get(self.lesson, [])
        resets = [index for index, event in enumerate(events) if event[0] == "reset"]
        return events[resets[-1] + 1 :] if resets else events

    def add(self, *event: object) -> None:
        """Append an event."""
        self._change(lambda events: [*events, list(event)])

    def undo(self) -> None:
        """Remove the last event, even if it is a reset."""
        self._change(lambda events: events[:-1])

    def _change(self, change: Callable[[list[Event]], list[Event]]) -> None:
        path = _progress_path()
        lessons = self._read() if self._unsaved is None else {}  # says what is wrong with the file
        if self._unsaved is None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with FileLock(path.with_name(f".{path.name}.lock"), timeout=3):  # two notebooks of one learner
                    lessons = self._read()
                    lessons[self.lesson] = change(lessons.get(self.lesson, []))
                    content = json.dumps({"format": _FORMAT, "lessons": lessons}, indent=1)
                    return write_atomically(path, content.encode("utf-8"))
            except (OSError, NotImplementedError) as error:  # the latter: a file system without locks
                self._unsaved = lessons.get(self.lesson, [])
                reason = getattr(error, "strerror", None) or error
                self.problem = f"Your progress cannot be saved in {path} ({reason}); it lasts until the kernel stops."
        self._unsaved = change(self._unsaved)

    def _read(self) -> dict[str, list[Event]]:
        path = _progress_path()
        try:
            if path.exists() and not path.is_file():  # a device, a pipe, a folder: not ours to read or replace
                self.problem = f"{path} is not a regular file: your progress lasts until the kernel stops."
                self._unsaved = self._unsaved or []
                return {}
            content = json.loads(path.read_text(encoding="utf-8"))
            version = content.get("format") if isinstance(content, dict) else None
            if isinstance(version, int) and version <= _FORMAT:
                return _lessons(content)
            if not isinstance(version, int):
                raise ValueError("not a progress file")
            self.problem = f"{path} was written by a newer llmviz; it stays unchanged, and this session is not saved."
            self._unsaved = []
        except FileNotFoundError:
            return {}
        except OSError as error:
            self.problem = f"Your progress in {path} cannot be read ({error.strerror})."
        except (ValueError, RecursionError):
            self._move_aside(path)
        return {}

    def _move_aside(self, path: Path) -> None:
        """Rename a file that is no progress file, so that nothing in it is lost."""
        names = (path.with_suffix(f".broken-{number}.json") for number in itertools.count(1))
        aside = next(name for name in names if not name.exists())
        try:
            os.replace(path, aside)
            self.problem = f"Your progress could not be read. The file was moved to {aside}; a new file was started."
        except OSError as error:
            self._unsaved = []
            self.problem = f"Your progress in {path} can neither be read nor moved ({error.strerror})."


def _lessons(content: dict) -> dict[str, list[Event]]:
    """The lessons in a file's content; ValueError if it is not a progress file."""
    lessons = content.get("lessons")
    if not isinstance(lessons, dict) or not all(map(_are_events, lessons.values())):
        raise ValueError("not a progress file")
    return {
        name: [[_RENAMED.get(part, part) if isinstance(part, str) else part for part in event] for event in events]
        for name, events in lessons.items()
    }


def _are_events(events: object) -> bool:
    return isinstance(events, list) and all(
        isinstance(event, list) and event and isinstance(event[0], str) and _LENGTHS.get(event[0]) == len(event)
        and all(isinstance(name, str) for name in event[1:2])
        for event in events
    )  # fmt: skip
