"""Lay out a bundle: wheels, lessons, installer, the hash of each file; and the same as one archive."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from llmviz import __version__
from llmviz.bundle import installer, wheels
from llmviz.bundle.targets import Target
from llmviz.files import CHECKOUT, MINE, lesson_files

# What of the checkout goes along: all that a learner reads or runs. Tests and what makes a checkout stay at home.
PACKED = (
    "llmviz", "notebooks", "data", "docs", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE",
    "pyproject.toml", "constraints.txt",
)  # fmt: skip
STATIC = Path(__file__).resolve().parent / "static"
STARTERS = ("install.sh", "install.bat", "READ_ME_FIRST.txt")
_STORED = {".whl", ".zip", ".xz", ".npz", ".safetensors", ".gguf", ".png"}  # nothing is gained by packing them again


@dataclass(frozen=True)
class Bundle:
    """What was made: the folder, its archive if one was wanted, and bytes by part."""

    folder: Path
    archive: Path | None
    sizes: dict[str, int]


def pack(
    targets: Sequence[Target],
    out: Path,
    fetch: Callable[[Target], wheels.Fetch],
    *,
    models: Sequence[Path] = (),
    with_archive: bool = True,
) -> Bundle:
    """Make a bundle for some kinds of laptops in a folder of its own inside `out`.

    An older bundle of the same name is replaced when the new one is whole.

    Args:
        targets: for which laptops.
        out: made when it is not there.
        fetch: makes for a target what brings its wheels, such as `wheels.with_pip`.
        models: folders of real models that go along.
        with_archive: also make a .zip of it.

    Raises ValueError or FileNotFoundError with a sentence where something cannot be had.
    """
    folder = out / name_of(targets)
    part = out / f".{folder.name}.part"
    shutil.rmtree(part, ignore_errors=True)
    (part / installer.WHEELS).mkdir(parents=True)
    pyproject = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    constraints = (CHECKOUT / "constraints.txt").read_text(encoding="utf-8")
    copy_checkout(part / installer.LESSONS)
    for model in models:
        shutil.copytree(model, part / installer.MODELS / model.name)
    own_bytes = size(part)
    requirements, installed = {}, {}
    for one in targets:
        pinned = wheels.pins(constraints, one)
        found = wheels.gather(wheels.roots(pyproject), pinned, one, part / installer.WHEELS, fetch(one))
        key = f"{one.system} {one.python}"
        requirements[key] = [str(pin) for pin in found.pins]
        installed[key] = found.unpacked_bytes + own_bytes
    shutil.copy(Path(installer.__file__), part / "install.py")
    for name in STARTERS:
        shutil.copy(STATIC / name, part / name)
    about = {"version": __version__, "requirements": requirements, "installed_bytes": installed}
    (part / installer.ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    write_hashes(part)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    sizes = {path.name: size(path) for path in sorted(folder.iterdir()) if path.is_dir()}
    return Bundle(folder, write_archive(folder) if with_archive else None, sizes)


def name_of(targets: Sequence[Target]) -> str:
    """The bundle's name: version, systems, Pythons.

    >>> name_of([Target("win_amd64", "3.12"), Target("win_amd64", "3.13")])
    'llmviz-bundle-...-win_amd64-py3.12-py3.13'
    """
    systems = sorted({one.system for one in targets})
    pythons = [f"py{one}" for one in sorted({one.python for one in targets})]
    return "-".join(["llmviz-bundle", __version__, *systems, *pythons])


def copy_checkout(target: Path) -> None:
    """Copy what learners need of the checkout, and beside it the lessons as they are shipped, for `llmviz restore`."""
    ignored = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", f"*{MINE}*", "runs")
    target.mkdir()
    for name in PACKED:
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=ignored)
        else:
            shutil.copy(source, target / name)
    with zipfile.ZipFile(target / "lessons.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for lesson in lesson_files(target / "notebooks"):
            archive.write(lesson, lesson.name)


def size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; 0 where nothing is."""
    return sum(one.stat().st_size for one in files_in(path)) if path.is_dir() else 0


def files_in(folder: Path) -> Iterator[Path]:
    """Every file in a folder and below, in a fixed order."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def write_hashes(folder: Path) -> None:
    """Write SHA256SUMS, which the installer checks and `sha256sum -c SHA256SUMS` understands."""
    (folder / installer.SUMS).unlink(missing_ok=True)
    files = list(files_in(folder))
    lines = [f"{installer.sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in tqdm(files, "Hashes")]
    (folder / installer.SUMS).write_text("".join(lines), encoding="utf-8", newline="\n")


def write_archive(folder: Path) -> Path:
    """Put a folder into a .zip beside it."""
    archive = folder.with_name(f"{folder.name}.zip")
    part = archive.with_suffix(".part")
    with zipfile.ZipFile(part, "w") as packed:
        for path in tqdm(list(files_in(folder)), "Archive"):
            how = zipfile.ZIP_STORED if path.suffix in _STORED else zipfile.ZIP_DEFLATED
            packed.write(path, path.relative_to(folder.parent), how)
    part.replace(archive)
    return archive
