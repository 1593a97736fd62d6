"""Who comes to the class, where it runs and how: every wish is checked here, before anything is written."""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from llmviz.files import read_text_file

MODES = ("try", "systemd", "docker")
LOGINS = ("native", "oauth")
LARGEST = 500
NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}")
LARGEST_PORT = 65_535 - 2
# Containers reach the hub over Docker's own bridge, which has this address unless somebody changed it.
DOCKER_BRIDGE = "172.17.0.1"


@dataclass(frozen=True)
class ClassPlan:
    """What a hub is written from.

    Attributes:
        students: their user names; nobody else is let in.
        folder: where the configuration, its secrets and, in try mode, the homes are.
        mode: "try" (one account for all, this machine only), "systemd" or "docker" (each student kept apart).
        port: where the class is reached; the two ports above it serve the hub itself, on this machine only.
        address: where the class is reached from; "127.0.0.1" is this machine only.
        teacher: who may authorise and look after the others; nobody in try mode.
        login: "native" (students sign up, the teacher authorises) or "oauth" (a school's own accounts).
        certificate, key: of TLS; without them the class is reached from this machine only.
        image: of docker mode.
    """

    students: tuple[str, ...]
    folder: Path
    mode: str = "try"
    port: int = 8000
    address: str = "127.0.0.1"
    teacher: str = "teacher"
    login: str = "native"
    certificate: Path | None = None
    key: Path | None = None
    image: str = "llmviz-class"

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", Path(self.folder).resolve())
        _check_people(self.students, self.teacher)
        if self.mode not in MODES:
            raise ValueError(f"the mode is one of {', '.join(MODES)}; given {self.mode!r}")
        if not 1 <= self.port <= LARGEST_PORT:
            raise ValueError(f"a port is a whole number from 1 to {LARGEST_PORT}; given {self.port}")
        self._check_address()

    def _check_address(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("TLS takes two files, its certificate and its key; give both --certificate and --key")
        missing = [str(path) for path in (self.certificate, self.key) if path and not path.is_file()]
        if missing:
            raise ValueError(f"there is no file {missing[0]}; give the certificate and the key of this machine's name")
        if is_loopback(self.address):
            return
        if self.mode == "try":
            raise ValueError(
                f"try mode isolates nobody, so it answers on this machine only; given the address {self.address}. "
                "For a class over the network take --mode systemd or --mode docker"
            )
        if self.certificate is None:
            raise ValueError(
                f"passwords would travel to {self.address} for everybody to read; give --certificate and --key, or "
                "leave the address out and put a web server with TLS in front"
            )

    @property
    def url(self) -> str:
        """Where the proxy listens, as JupyterHub wants it written."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"http{'s' if self.certificate else ''}://{host}:{self.port}"

    @property
    def hub_url(self) -> str:
        """Where the hub itself answers, past the proxy."""
        return f"http://{DOCKER_BRIDGE if self.mode == 'docker' else '127.0.0.1'}:{self.port + 2}"

    @property
    def proxy_api_url(self) -> str:
        """Where the hub tells the proxy which way leads to whom."""
        return f"http://127.0.0.1:{self.port + 1}"


def is_loopback(address: str) -> bool:
    """Is this an address that only this machine reaches?"""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        raise ValueError(
            f"{address!r} is not an address of this machine; give one in digits, such as 127.0.0.1 or 0.0.0.0"
        ) from None


def numbered_students(size: int) -> tuple[str, ...]:
    """student01, student02, … as many as there are.

    >>> numbered_students(3)
    ('student01', 'student02', 'student03')
    """
    if not 1 <= size <= LARGEST:
        raise ValueError(f"a class has 1 to {LARGEST} students; given {size}")
    digits = max(2, len(str(size)))
    return tuple(f"student{number:0{digits}d}" for number in range(1, size + 1))


def read_students(path: str | Path) -> tuple[str, ...]:
    """Read user names from a text file, one a line; what follows a # is a note, and capitals become small letters."""
    lines = [line.split("#", 1)[0].strip().lower() for line in read_text_file(path)[0].splitlines()]
    for number, name in enumerate(lines, 1):
        if name and not NAME.fullmatch(name):
            raise ValueError(
                f"line {number} of {path} is no user name: {name!r}; a name begins with a letter a to z, goes on with "
                "letters, digits, - or _, and has at most 31 characters"
            )
    names = tuple(filter(None, lines))
    if not names:
        raise ValueError(f"{path} names no student; write one user name a line")
    return names


def _check_people(students: tuple[str, ...], teacher: str) -> None:
    twice = sorted({name for name in students if students.count(name) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} is named more than once; every student needs a name of their own")
    if not 1 <= len(students) <= LARGEST:
        raise ValueError(f"a class has 1 to {LARGEST} students; given {len(students)}")
    if not NAME.fullmatch(teacher):
        raise ValueError(f"{teacher!r} is no user name for the teacher; take letters a to z, digits, - and _")
    if teacher in students:
        raise ValueError(f"{teacher} is both the teacher and a student; name the teacher otherwise with --teacher")
