"""Pack wheels, lessons and an installer into one folder, so that laptops install from a stick, offline: `make bundle`.

pip reads the markers of requirements for the machine it runs on, so it cannot resolve for another system. Here nothing
is left to resolve: constraints.txt pins every version, and each wheel's metadata say what it needs on the target.
"""

import argparse
import email
import hashlib
import json
import platform
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from llmviz import __version__
from llmviz.files import CHECKOUT, MINE, lesson_files

INSTALLER = Path(__file__).resolve().parent / "bundle"
PACKED = ("llmviz", "notebooks", "data", "docs", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE",
          "pyproject.toml", "constraints.txt")  # fmt: skip
# Of each system: the platforms that pip is asked for, best first, and what markers of requirements read there.
MANYLINUX = ("2_28", "2_27", "2_24", "2_17", "2014", "2_12", "2010", "2_5", "1")
SYSTEMS = {
    f"linux_{machine}": (
        [*(f"manylinux{'' if v.isdecimal() else '_'}{v}_{machine}" for v in MANYLINUX), f"linux_{machine}"],
        {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux", "platform_machine": machine},
    )
    for machine in ("x86_64", "aarch64")
} | {
    "macosx_arm64": (
        ["macosx_14_0_arm64"],
        {"os_name": "posix", "sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
    ),
    "win_amd64": (
        ["win_amd64"],
        {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows", "platform_machine": "AMD64"},
    ),
}
PYTHONS = ("3.11", "3.12", "3.13")


def counts(requirement, system, python, extras=()):
    """Whether a requirement counts on a system and any patch version of a Python, for a package with these extras."""
    return requirement.marker is None or any(
        requirement.marker.evaluate({
            **SYSTEMS[system][1], "python_version": python, "python_full_version": f"{python}.{patch}", "extra": extra,
            "implementation_version": f"{python}.{patch}", "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
        })
        for patch in (0, 99) for extra in ("", *extras)
    )  # fmt: skip


def collect_wheels(system, python, folder, download):
    """Download the wheels of the lessons' packages and of all that these need; return the pins, unpacked bytes."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    texts = project["project"]["dependencies"] + project["build-system"]["requires"]
    waiting = [Requirement(text) for text in texts]
    pins, needs, followed, n_bytes = {}, {}, set(), 0
    for line in (CHECKOUT / "constraints.txt").read_text(encoding="utf-8").splitlines():
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
            needs.setdefault(package(wheel), []).extend(wanted)
        if lacking := set(names) - needs.keys():
            raise FileNotFoundError(f"pip brought no wheel of {', '.join(sorted(lacking))}")
        new = {(canonicalize_name(one.name), frozenset(one.extras)) for one in waiting} - followed
        followed |= new
        waiting = [need for name, extras in new for need in needs[name] if counts(need, system, python, extras)]
    return [str(pin) for name in sorted(needs) for pin in pins[name]], n_bytes


def package(wheel):
    """The name of the package in a wheel."""
    return canonicalize_name(parse_wheel_filename(wheel.name)[0])


def pip_download(given):
    """Make the function that downloads wheels: exactly these versions, wheels only, for the target."""

    def download(pins, system, python, folder):
        target = [option for tag in SYSTEMS[system][0] for option in ("--platform", tag)]
        target += ["--implementation", "cp", "--python-version", f"{python}.99"]
        found = []
        for pin in pins:  # one call a package: some are pinned to two versions, and torch has an index of its own
            where = ["--find-links", str(given.wheels)] if given.wheels else []
            where += ["--no-index"] if given.offline else []
            where += ["--index-url", given.torch_index] if given.torch_index and pin.name == "torch" else []
            print(f"  {pin.name}{pin.specifier}", flush=True)
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
                pip += ["--only-binary=:all:", "--dest", scratch, *target, *where, f"{pin.name}{pin.specifier}"]
                done = subprocess.run(pip, stderr=subprocess.PIPE, text=True)
                if done.returncode:
                    raise FileNotFoundError(
                        f"no wheel of {pin.name}{pin.specifier} for {system}, Python {python}. Take another --platform "
                        f"or --python; without a network --wheels DIR. pip: {done.stderr.strip().splitlines()[-1]}"
                    )
                found += [wheel.replace(folder / wheel.name) for wheel in Path(scratch).glob("*.whl")]
        return found

    return download


def copy_checkout(target):
    """Copy what learners need of the checkout, and the lessons once more, for `llmviz restore`."""
    ignored = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", f"*{MINE}*")
    target.mkdir()
    for source in (CHECKOUT / name for name in PACKED):
        if source.is_dir():
            shutil.copytree(source, target / source.name, ignore=ignored)
        else:
            shutil.copy(source, target)
    with zipfile.ZipFile(target / "lessons.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for lesson in lesson_files(target / "notebooks"):
            archive.write(lesson, lesson.name)


def make_bundle(systems, pythons, out, download, models=()):
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
    for file in INSTALLER.iterdir():
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
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
             for path in files_in(folder)]  # fmt: skip
    sums.write_text("".join(lines), encoding="utf-8", newline="\n")


def this_system():
    """The name of the system of this machine."""
    here = {"sys_platform": sys.platform, "platform_machine": platform.machine()}
    found = [name for name, (_, markers) in SYSTEMS.items() if here.items() <= markers.items()]
    return found[0] if found else sys.exit(f"This machine is none of {', '.join(SYSTEMS)}; name one with --platform.")


def main(arguments=None):
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
    given = parser.parse_args(arguments)
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
