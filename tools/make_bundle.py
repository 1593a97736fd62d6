"""Pack wheels, lessons and an installer into one folder, so that laptops install from a stick, offline: `make bundle`.

pip reads the markers of requirements for the machine it runs on, so it cannot resolve for another system. Here nothing
is left to resolve: constraints.txt pins every version, and each wheel's metadata say what it needs on the target.
"""

import argparse
import email
import hashlib
import importlib.metadata
import json
import platform
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections import Counter
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name, parse_wheel_filename

from llmviz import __version__
from llmviz.files import MINE, ROOT, lesson_files

INSTALLER = Path(__file__).resolve().parent / "bundle"
PACKED = ("llmviz", "notebooks", "data", "docs", "tools", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE",
          "pyproject.toml", "constraints.txt")  # fmt: skip
# Of each system: the platforms that pip is asked for, best first, and what markers of requirements read there.
MANYLINUX = ("_2_28", "_2_27", "_2_24", "_2_17", "2014", "_2_12", "2010", "_2_5", "1")
MARKERS = ("sys_platform", "platform_machine", "os_name", "platform_system")
SYSTEMS = {
    "linux_x86_64": ([f"manylinux{v}_x86_64" for v in MANYLINUX], ("linux", "x86_64", "posix", "Linux")),
    "linux_aarch64": ([f"manylinux{v}_aarch64" for v in MANYLINUX], ("linux", "aarch64", "posix", "Linux")),
    "macosx_arm64": (["macosx_14_0_arm64"], ("darwin", "arm64", "posix", "Darwin")),
    "win_amd64": (["win_amd64"], ("win32", "AMD64", "nt", "Windows")),
}
VERSIONS = SpecifierSet(importlib.metadata.metadata("llmviz")["Requires-Python"])
PYTHONS = [f"3.{minor}" for minor in range(30) if f"3.{minor}" in VERSIONS]


def counts(requirement, system, python, extras=()):
    """Whether a requirement counts on a system and any patch version of a Python, for a package with these extras."""
    return requirement.marker is None or any(
        requirement.marker.evaluate({
            **dict(zip(MARKERS, SYSTEMS[system][1], strict=True)), "extra": extra, "python_version": python,
            "python_full_version": f"{python}.{patch}", "implementation_version": f"{python}.{patch}",
            "implementation_name": "cpython", "platform_python_implementation": "CPython",
        })
        for patch in (0, 99) for extra in ("", *extras)
    )  # fmt: skip


def collect_wheels(system, python, folder, download):
    """Download the wheels of the lessons' packages and of all that these need; return the pins, unpacked bytes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    texts = project["project"]["dependencies"] + project["build-system"]["requires"]
    waiting = [Requirement(text) for text in texts]
    pins, needs, followed, n_bytes = {}, {}, set(), 0
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#") and counts(pin := Requirement(line), system, python):
            pins.setdefault(canonicalize_name(pin.name), []).append(pin)
    while waiting:
        names = sorted({canonicalize_name(one.name) for one in waiting} - needs.keys())
        if missing := set(names) - pins.keys():
            raise ValueError(f"not pinned in constraints.txt, so no wheel can be taken: {', '.join(sorted(missing))}")
        for wheel in download([pin for name in names for pin in pins[name]], system, python, folder) if names else ():
            with zipfile.ZipFile(wheel) as archive:
                n_bytes += sum(one.file_size for one in archive.infolist())
                [name] = [one for one in archive.namelist() if one.count("/") == 1 and one.endswith("-info/METADATA")]
                metadata = email.message_from_bytes(archive.read(name))
            wanted = [Requirement(text) for text in metadata.get_all("Requires-Dist") or ()]
            needs.setdefault(canonicalize_name(parse_wheel_filename(wheel.name)[0]), []).extend(wanted)
        new = {(canonicalize_name(one.name), frozenset(one.extras)) for one in waiting} - followed
        followed |= new
        waiting = [need for name, extras in new for need in needs[name] if counts(need, system, python, extras)]
    return [str(pin) for name in sorted(needs) for pin in pins[name]], n_bytes


def pip_download(given):
    """Make the function that downloads wheels: exactly these versions, wheels only, for the target."""

    def download(pins, system, python, folder):
        calls, seen, found = {}, Counter(), []
        for pin in pins:  # a call takes one version of a package; torch may have an index of its own
            index = given.torch_index if pin.name == "torch" else ""
            calls.setdefault((seen[pin.name], index), []).append(f"{pin.name}{pin.specifier}")
            seen[pin.name] += 1
        options = [option for tag in SYSTEMS[system][0] for option in ("--platform", tag)]
        options += ["--implementation", "cp", "--python-version", f"{python}.99"]
        options += ["--find-links", str(given.wheels)] if given.wheels else []
        options += ["--no-index"] if given.offline else []
        for (_, index), names in calls.items():
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
                pip += ["--only-binary=:all:", "--dest", scratch, *options, *(["--index-url", index] if index else [])]
                done = subprocess.run([*pip, *names], stderr=subprocess.PIPE, text=True)
                if done.returncode:
                    reason = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
                    raise FileNotFoundError(
                        f"a wheel is missing for {system}, Python {python}, or the index cannot be reached: {reason}. "
                        "Try another --platform or --python, or --wheels DIR"
                    )
                found += [wheel.replace(folder / wheel.name) for wheel in Path(scratch).glob("*.whl")]
        return found

    return download


def copy_checkout(target):
    """Copy what learners need of the checkout, and the lessons once more, for `llmviz restore`."""
    ignored = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", f"*{MINE}*")
    target.mkdir()
    for source in (ROOT / name for name in PACKED):
        if source.is_dir():
            shutil.copytree(source, target / source.name, ignore=ignored)
        else:
            shutil.copy(source, target)
    with zipfile.ZipFile(target / "lessons.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for lesson in lesson_files(target / "notebooks"):
            archive.write(lesson, lesson.name)


def make_bundle(systems, pythons, out, download, models):
    """Make the bundle in a folder of its own inside `out`, and the same as a .zip; return the folder.

    An older bundle of the same name is replaced when the new one is complete.
    """
    folder = out / "-".join(["llmviz-bundle", __version__, *systems, *(f"py{python}" for python in pythons)])
    part = out / f".{folder.name}.part"
    shutil.rmtree(part, ignore_errors=True)
    (part / "wheels").mkdir(parents=True)
    copy_checkout(part / "lessons")
    for model in models:
        shutil.copytree(model, part / "models" / model.name)
    own_bytes = sum(path.stat().st_size for path in files_in(part))
    about = {"version": __version__, "requirements": {}, "installed_bytes": {}}
    for system, python in [(system, python) for system in systems for python in pythons]:
        print(f"Wheels for {system}, Python {python}:")
        pins, n_bytes = collect_wheels(system, python, part / "wheels", download)
        about["requirements"][f"{system} {python}"] = pins
        about["installed_bytes"][f"{system} {python}"] = n_bytes + own_bytes
    for file in INSTALLER.glob("*.*"):
        shutil.copy(file, part)
    (part / "bundle.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    write_hashes(part)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    shutil.make_archive(str(folder), "zip", out, folder.name)
    return folder


def files_in(folder):
    """Every file in a folder and below, sorted."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def write_hashes(folder):
    """Write SHA256SUMS, which the installer checks and `sha256sum -c SHA256SUMS` understands."""
    sums = folder / "SHA256SUMS"
    sums.unlink(missing_ok=True)
    hashes = {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()) for path in files_in(folder)}
    lines = [f"{digest.hexdigest()}  {name}\n" for name, digest in hashes.items()]
    sums.write_text("".join(lines), encoding="utf-8", newline="\n")


def this_system():
    """The name of the system of this machine."""
    here = (sys.platform, platform.machine())
    found = [name for name, (_, markers) in SYSTEMS.items() if markers[:2] == here]
    return found[0] if found else sys.exit(f"This machine is none of {', '.join(SYSTEMS)}; name one with --platform.")


def main():
    """Make a bundle; return the exit code."""
    parser = argparse.ArgumentParser(description="Pack wheels, lessons and an installer into one folder.")
    option = parser.add_argument
    option("--platform", action="append", choices=SYSTEMS, help="may be given again (default: this one)")
    option("--python", action="append", choices=PYTHONS, help="may be given again (default: this one)")
    option("--torch-index", default="", metavar="ADDRESS", help="an index for torch alone: its CPU one")
    option("--wheels", type=Path, metavar="DIR", help="look for wheels in this folder too")
    option("--offline", action="store_true", help="look for wheels in that folder only")
    option("--models", action="store_true", help="take along the real models that are on this machine")
    option("--out", type=Path, default=Path("build"), metavar="DIR", help="default: build")
    given = parser.parse_args()
    from llmviz.pretrained import registry

    models = [model.folder for model in registry.KNOWN.values() if given.models and registry.installed(model.name)]
    pythons = given.python or [f"{sys.version_info[0]}.{sys.version_info[1]}"]
    try:
        folder = make_bundle(given.platform or [this_system()], pythons, given.out, pip_download(given), models)
    except (ValueError, OSError) as error:
        print(f"No bundle was made: {error}", file=sys.stderr)
        return 1
    if any(folder.glob("wheels/nvidia_*.whl")):
        print("torch brings CUDA, several GB. For laptops: make bundle TORCH_INDEX=<CPU index of PyTorch>")
    print(f"{folder}: {sum(path.stat().st_size for path in files_in(folder)) / 1e6:.0f} MB, also as {folder.name}.zip.")
    print("Copy it to a stick. On each laptop: install.bat (Windows), or sh install.sh.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
