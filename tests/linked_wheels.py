"""Wheels that hold no code, only a link to what is installed here: a whole environment in seconds, without a network.

Each has the real metadata of its package (name, version, needs, entry points), and a `.pth` file that leads to a folder
with links to that package's own modules and to nothing else. So pip resolves and installs as ever, and what a bundle
forgot cannot be imported.
"""

import importlib.metadata
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from packaging.requirements import Requirement

KEPT = ("METADATA", "entry_points.txt")


def write_wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> Path:
    """Write a wheel; keys of `files` that begin with "info/" go into its dist-info folder."""
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    texts = {"info/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n", **files}
    texts.setdefault("info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    placed = {place.replace("info/", f"{info}/"): text for place, text in texts.items()}
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for place, text in placed.items():
            wheel.writestr(place, text)
        wheel.writestr(f"{info}/RECORD", "".join(f"{place},,\n" for place in [*placed, f"{info}/RECORD"]))
    return path


class Linked:
    """Downloads wheels as `pip download` does, made of what is installed; its links are in a folder."""

    def __init__(self, links: Path):
        self.links = links

    def __call__(self, pins: Sequence[Requirement], system: str, python: str, folder: Path) -> Iterator[Path]:
        for pin in pins:
            if pin.marker is None or pin.marker.evaluate():
                found = importlib.metadata.distribution(pin.name)
                assert pin.specifier.contains(found.version), f"{pin} is pinned, {found.version} is installed"
                files = {f"info/{name}": text for name in KEPT if (text := found.read_text(name))}
                files[f"linked_{pin.name}.pth"] = f"{self._link(found, pin.name)}\n"
                yield write_wheel(folder, pin.name, found.version, files)

    def _link(self, found: importlib.metadata.Distribution, name: str) -> Path:
        place = self.links / name
        place.mkdir(parents=True)
        tops = {file.parts[0] for file in found.files if file.parts[0] not in ("..", "__pycache__")}
        for top in tops:
            if not top.endswith((".dist-info", ".pth")):
                (place / top).symlink_to(found.locate_file(top))
        return place
