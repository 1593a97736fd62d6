"""Every wheel that the lessons need on a target, in the pinned versions: pip fetches, we follow what each one needs.

pip reads the markers of requirements for the machine it runs on, so it cannot resolve for another system. Here nothing
is left to resolve: constraints.txt pins every version, and a wheel's own metadata say what it needs on the target.
"""

from __future__ import annotations

import email
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename
from tqdm import tqdm

from llmviz.bundle.targets import Target

Fetch = Callable[[Sequence[Requirement], Path], None]


@dataclass(frozen=True)
class Index:
    """Where pip looks.

    Attributes:
        torch: the address of an index for torch alone, such as PyTorch's CPU index; "" for the usual one.
        folder: a folder with wheels that is looked into as well.
        is_offline: nowhere else.
    """

    torch: str = ""
    folder: Path | None = None
    is_offline: bool = False

    def options(self, name: str) -> list[str]:
        """What tells pip where to look for a package."""
        options = ["--find-links", str(self.folder)] if self.folder else []
        if self.is_offline:
            return [*options, "--no-index"]
        return [*options, "--index-url", self.torch] if self.torch and name == "torch" else options


def roots(pyproject: str) -> list[Requirement]:
    """What the lessons need themselves, and what builds the package: requirements of a pyproject.toml."""
    project = tomllib.loads(pyproject)
    return [Requirement(text) for text in project["project"]["dependencies"] + project["build-system"]["requires"]]


def pins(constraints: str, target: Target) -> dict[str, list[Requirement]]:
    """The pinned versions that count on a target, by package; more than one where it depends on Python's patch."""
    found: dict[str, list[Requirement]] = {}
    for line in constraints.splitlines():
        if line.strip() and not line.startswith("#"):
            pin = Requirement(line)
            if target.wants(pin):
                found.setdefault(canonicalize_name(pin.name), []).append(pin)
    return found


@dataclass(frozen=True)
class Gathered:
    """The packages that a target needs: their pins, and how many bytes they take when they are unpacked."""

    pins: list[Requirement]
    unpacked_bytes: int


def gather(
    wanted: Iterable[Requirement],
    pinned: Mapping[str, Sequence[Requirement]],
    target: Target,
    folder: Path,
    fetch: Fetch,
) -> Gathered:
    """Bring the wheels of these packages, and of all that they need, into a folder.

    Raises ValueError where a package is pinned to no version.
    """
    waiting = list(wanted)
    followed: set[tuple[str, frozenset[str]]] = set()
    needs_of: dict[str, list[Requirement]] = {}
    unpacked = 0
    bar = tqdm(desc=f"Wheels for {target}", unit=" packages", total=0)
    while waiting:
        names = {canonicalize_name(one.name) for one in waiting} - needs_of.keys()
        if missing := sorted(names - pinned.keys()):
            raise ValueError(f"not pinned in constraints.txt, so no wheel can be taken: {', '.join(missing)}")
        bar.total += len(names)
        for wheel in _fetched([pin for name in sorted(names) for pin in pinned[name]], folder, fetch):
            needs_of.setdefault(package_of(wheel), []).extend(needs_of_wheel(wheel))
            unpacked += unpacked_bytes(wheel)
        bar.update(len(names))
        following, waiting = waiting, []
        for one in following:
            key = canonicalize_name(one.name), frozenset(one.extras)
            if key not in followed:
                followed.add(key)
                waiting += [need for need in needs_of[key[0]] if target.wants(need, key[1])]
    bar.close()
    return Gathered([pin for name in sorted(needs_of) for pin in pinned[name]], unpacked)


def _fetched(wanted: Sequence[Requirement], folder: Path, fetch: Fetch) -> list[Path]:
    """Fetch wheels into the folder, and say which they are."""
    if not wanted:
        return []
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching-") as scratch:
        fetch(wanted, Path(scratch))
        found = [wheel.replace(folder / wheel.name) for wheel in sorted(Path(scratch).glob("*.whl"))]
    if lacking := sorted({canonicalize_name(pin.name) for pin in wanted} - set(map(package_of, found))):
        raise FileNotFoundError(f"pip brought no wheel of {', '.join(lacking)}")
    return found


def package_of(wheel: Path) -> str:
    """The package that a wheel holds, by its file name."""
    return canonicalize_name(parse_wheel_filename(wheel.name)[0])


def unpacked_bytes(wheel: Path) -> int:
    """How many bytes a wheel takes when it is installed."""
    with zipfile.ZipFile(wheel) as archive:
        return sum(one.file_size for one in archive.infolist())


def needs_of_wheel(wheel: Path) -> list[Requirement]:
    """What a wheel says in its metadata that it needs."""
    with zipfile.ZipFile(wheel) as archive:
        [name] = [one for one in archive.namelist() if one.count("/") == 1 and one.endswith(".dist-info/METADATA")]
        metadata = email.message_from_bytes(archive.read(name))
    return [Requirement(text) for text in metadata.get_all("Requires-Dist") or ()]


def with_pip(target: Target, index: Index) -> Fetch:
    """Make what fetches wheels for a target: `pip download`, of exactly these versions, and wheels only."""

    def fetch(wanted: Sequence[Requirement], folder: Path) -> None:
        calls: list[tuple[list[str], dict[str, str]]] = []
        for pin in wanted:  # one call of pip takes one version of a package, from one index
            name = canonicalize_name(pin.name)
            options = index.options(name)
            call = next((names for other, names in calls if other == options and name not in names), None)
            if call is None:
                calls.append((options, call := {}))
            call[name] = f"{name}{pin.specifier}"
        for options, names in calls:
            command = [
                sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--no-deps", "--quiet",
                "--only-binary=:all:", "--dest", str(folder), *target.options(), *options, *names.values(),
            ]  # fmt: skip
            done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
            if done.returncode:
                raise FileNotFoundError(_reason(done.stderr, target))

    return fetch


def _reason(said: str, target: Target) -> str:
    """What pip complains about, in a sentence."""
    lines = [line.removeprefix("ERROR: ") for line in said.splitlines() if line.startswith("ERROR: ")]
    lacking = next((line.rpartition(" ")[2] for line in lines if line.startswith("No matching distribution")), None)
    if lacking:
        return (
            f"there is no wheel of {lacking} for {target}, or the package index cannot be reached. "
            "With another --platform or --python there may be one; without a network, --wheels DIR names a folder."
        )
    return f"pip could not fetch the wheels for {target}: {(lines or said.splitlines() or ['it gave no reason'])[-1]}"
