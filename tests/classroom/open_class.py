"""A class that runs, for tests: `llmviz class` as a teacher starts it, on free ports of this machine."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path


class OpenClass:
    """What the command said: where the class is, its password and folder; and its process."""

    def __init__(self, folder: Path, size: int, *options: str):
        self.folder, self.port = folder, free_ports()
        self.log = folder.with_suffix(".log")
        self.command = [
            *(sys.executable, "-m", "llmviz", "class", "--size", str(size)),
            *("--folder", str(folder), "--port", str(self.port), *options),
        ]
        self.process = start(self.command, self.log)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def password(self) -> str:
        return re.search(r"password +(\S+)", self.said())[1]

    def said(self) -> str:
        """What the command printed so far."""
        return self.log.read_text(encoding="utf-8")

    def wait_for(self, text: str, seconds: float = 120) -> None:
        """Wait until the command says this."""
        end = time.monotonic() + seconds
        while text not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, self.said()
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop it as Ctrl-C does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait(90)


def start(command: list[str], log: Path) -> subprocess.Popen:
    """Start a program that writes into a file; as in a shell, Ctrl-C reaches it."""
    with log.open("w") as lines:
        return subprocess.Popen(
            command,
            stdout=lines,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            cwd=log.parent,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )


@contextlib.contextmanager
def open_class(folder: Path, size: int, *options: str) -> Iterator[OpenClass]:
    """A class from the moment it is open until it is stopped."""
    found = OpenClass(folder, size, *options)
    try:
        found.wait_for("Ctrl-C stops")
        yield found
    finally:
        found.stop()


def free_ports(how_many: int = 3) -> int:
    """The first of so many free ports in a row."""
    for _ in range(50):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            first = free.getsockname()[1]
        if first + how_many <= 65_535 and all(_is_free(first + step) for step in range(how_many)):
            return first
    raise AssertionError("no three free ports in a row")


def _is_free(port: int) -> bool:
    with socket.socket() as door:
        return door.connect_ex(("127.0.0.1", port)) != 0
