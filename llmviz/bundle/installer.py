"""Install llmviz and its lessons from this folder, without a network: python install.py [FOLDER]

Needs Python 3.11, 3.12 or 3.13 and nothing else; only the standard library is used here. The lessons and an
environment of their own go into FOLDER (default: llmviz-lessons in your home folder); nothing outside of it changes.
What you wrote into lessons that are there already stays.
"""

import argparse
import datetime
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ABOUT, SUMS, WHEELS, LESSONS, MODELS = "bundle.json", "SHA256SUMS", "wheels", "lessons", "models"
ENVIRONMENT = ".venv"
SYSTEMS = {
    ("linux", "x86_64"): "linux_x86_64",
    ("linux", "aarch64"): "linux_aarch64",
    ("darwin", "arm64"): "macosx_arm64",
    ("win32", "AMD64"): "win_amd64",
}
LEAST, MOST = (3, 11), (3, 13)
SPARE_BYTES = 200 * 10**6
AGAIN = "Copy the whole folder from the stick once more."


class Trouble(Exception):
    """What is wrong, and what to do, in a sentence."""


def main(arguments=None):
    """Install; return the exit code."""
    parser = argparse.ArgumentParser(description="Install llmviz and its lessons, without a network.")
    parser.add_argument("folder", nargs="?", default=str(Path.home() / "llmviz-lessons"), help="default: %(default)s")
    given = parser.parse_args(arguments)
    sys.stdout.reconfigure(line_buffering=True)  # what a child says comes after what we said before
    try:
        install(HERE, Path(given.folder).expanduser().resolve())
    except (Trouble, OSError) as error:
        print(f"\nNot installed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Start it again at any time; it begins anew.", file=sys.stderr)
        return 130
    return 0


def install(bundle, folder):
    """Install a bundle into a folder."""
    check_python()
    about = read_about(bundle)
    key = choose(about["requirements"])
    check_folder(folder, about["installed_bytes"][key])
    hashes = check_files(bundle)
    folder.mkdir(parents=True, exist_ok=True)
    kept = copy_lessons(bundle, folder, hashes)
    python = make_environment(folder)
    install_wheels(python, bundle / WHEELS, about["requirements"][key], folder)
    add_models(python, bundle)
    starter = write_starter(folder)
    print("Looking whether all is well (llmviz doctor):\n")
    if subprocess.run([str(Path(python).with_name("llmviz")), "doctor"]).returncode:
        raise Trouble(f"something is not well; the lines above say what. Everything is in {folder}.")
    for name in kept:
        print(f"Yours was kept: {name}")
    print(f"\nllmviz {about['version']} is in {folder}.")
    print(f"Open the lessons: {starter}\n(or double-click on it). The stick is no longer needed.")


def check_python():
    """Refuse a Python that llmviz does not run on."""
    version = sys.version_info[:2]
    if not LEAST <= version <= MOST:
        raise Trouble(
            f"llmviz needs Python 3.11, 3.12 or 3.13, and this is {version[0]}.{version[1]} ({sys.executable}). "
            "Install one of them, and start this with it: python3.12 install.py (Windows: py -3.12 install.py)"
        )


def read_about(bundle):
    """Read what the bundle says of itself."""
    try:
        about = json.loads((bundle / ABOUT).read_text(encoding="utf-8"))
        return {name: about[name] for name in ("version", "requirements", "installed_bytes")}
    except (OSError, ValueError, KeyError):
        raise Trouble(f"{bundle / ABOUT} is missing or damaged. {AGAIN}") from None


def choose(requirements):
    """The key of what belongs to this system and this Python."""
    told = (sys.platform, platform.machine())
    system, python = SYSTEMS.get(told, " ".join(told)), "{}.{}".format(*sys.version_info[:2])
    if sys.maxsize <= 2**32:
        raise Trouble("this is a Python for 32 bits; llmviz needs one for 64 bits.")
    if f"{system} {python}" not in requirements:
        there = ", ".join(key.replace(" ", " with Python ") for key in requirements)
        raise Trouble(
            f"this bundle is for {there}, and this is {system} with Python {python}. Start it with a Python that fits, "
            f"or let the teacher pack for yours: make bundle ARGS=\"--platform {system} --python {python}\""
        )
    return f"{system} {python}"


def check_folder(folder, wanted):
    """Refuse a folder that holds something else, or lies where there is no room."""
    if folder.exists() and not folder.is_dir():
        raise Trouble(f"{folder} is a file; name a folder.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / SUMS).is_file():
        raise Trouble(f"{folder} holds other things, which stay as they are. Name a new folder: install.py FOLDER")
    there = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(there).free
    if free < wanted + SPARE_BYTES:
        raise Trouble(f"{there} has {free / 1e9:.1f} GB free, and {(wanted + SPARE_BYTES) / 1e9:.1f} GB are needed.")


def sha256(path):
    """The SHA-256 of a file, as 64 digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_files(bundle):
    """Compare every file with its hash; return the hashes by name."""
    lines = (bundle / SUMS).read_text(encoding="utf-8").splitlines() if (bundle / SUMS).is_file() else []
    if not lines:
        raise Trouble(f"{bundle / SUMS} is missing. {AGAIN}")
    hashes = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    for number, (name, digest) in enumerate(hashes.items(), start=1):
        show(f"Checking file {number} of {len(hashes)}")
        if not (bundle / name).is_file() or sha256(bundle / name) != digest:
            state = "damaged" if (bundle / name).is_file() else "missing"
            raise Trouble(f"{name} is {state}. {AGAIN}")
    print()
    return hashes


def show(text):
    """Write over the line that was shown last."""
    print(f"\r{text:<70}", end="", flush=True)


def copy_lessons(bundle, folder, hashes):
    """Copy the checkout's files; what the learner changed since the last time is kept, and named."""
    new = {name.partition("/")[2]: digest for name, digest in hashes.items() if name.startswith(f"{LESSONS}/")}
    before = read_before(folder)
    if not before:
        (folder / SUMS).touch()  # from now on the folder is ours, also after an interruption
    kept = []
    for name, digest in new.items():
        target = folder / name
        found = sha256(target) if target.is_file() else None
        if found == digest:
            continue
        if found is not None and found != before.get(name):
            if target.suffix == ".ipynb":
                kept.append(f"{name} (the new one: llmviz restore {target.stem})")
                continue
            kept.append(f"{keep(target).relative_to(folder)}, and the new {target.name} is in place")
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        shutil.copyfile(bundle / LESSONS / name, part)
        part.replace(target)
    for name in before.keys() - new.keys():
        if (folder / name).is_file() and sha256(folder / name) == before[name]:
            (folder / name).unlink()
    lines = [f"{digest}  {name}\n" for name, digest in new.items()]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8", newline="\n")
    return kept


def read_before(folder):
    """What the last installation brought: name to hash."""
    if not (folder / SUMS).is_file():
        return {}
    lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def keep(path):
    """Rename a file to a name that is free, such as README.mine-2026-11-22-1.md."""
    number = 1
    while True:
        kept = path.with_name(f"{path.stem}.mine-{datetime.date.today().isoformat()}-{number}{path.suffix}")
        if not kept.exists():
            return path.rename(kept)
        number += 1


def make_environment(folder):
    """Make a fresh environment; return its Python."""
    print("Making an environment.")
    done = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(folder / ENVIRONMENT)], capture_output=True, text=True
    )
    python = folder / ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if done.returncode or not python.exists():
        reason = "on Debian and Ubuntu: apt install python3-venv" if "ensurepip" in done.stdout else done.stderr.strip()
        raise Trouble(f"{sys.executable} cannot make an environment ({reason}).")
    return str(python)


def install_wheels(python, wheels, requirements, folder):
    """Install the pinned packages, then llmviz itself, from nothing but the wheels."""
    pip = [python, "-m", "pip", "--isolated", "--disable-pip-version-check", "install", "--no-index", "--quiet"]
    pip += ["--find-links", str(wheels)]
    packages = Path("Lib") if os.name == "nt" else Path("lib") / "python{}.{}".format(*sys.version_info[:2])
    packages = folder / ENVIRONMENT / packages / "site-packages"
    n_packages = len({line.partition("==")[0] for line in requirements})
    started = time.monotonic()
    log = folder / "install.log"
    with log.open("w", encoding="utf-8") as said:
        running = subprocess.Popen([*pip, *requirements], stdout=said, stderr=subprocess.STDOUT)
        while running.poll() is None:
            time.sleep(0.5)
            n_done = sum(1 for _ in packages.glob("*.dist-info"))
            shown, seconds = min(n_done, n_packages), time.monotonic() - started
            show(f"Installing {shown} of {n_packages} packages, {seconds:.0f} s")
        print()
        if not running.returncode:
            own = [*pip, "--no-deps", "--no-build-isolation", "--editable", str(folder)]
            running = subprocess.run(own, stdout=said, stderr=subprocess.STDOUT)
    if running.returncode:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise Trouble(f"pip stopped: {lines[-1] if lines else 'it gave no reason'} (all of it: {log})")
    log.unlink()


def add_models(python, bundle):
    """Put real models that came along where llmviz looks for them."""
    models = [model for model in sorted((bundle / MODELS).glob("*")) if model.is_dir()]
    if not models:
        return
    program = "from llmviz.pretrained.registry import models_folder; print(models_folder())"
    place = Path(subprocess.run([python, "-c", program], capture_output=True, text=True, check=True).stdout.strip())
    for model in models:
        if not (place / model.name).exists():
            print(f"Bringing {model.name}.")
            place.mkdir(parents=True, exist_ok=True)
            part = place / f".{model.name}.part"
            shutil.rmtree(part, ignore_errors=True)
            shutil.copytree(model, part)
            part.rename(place / model.name)


def write_starter(folder):
    """Write the file that opens the lessons by a double click; return it."""
    if os.name == "nt":
        starter, text = "open_lessons.bat", '@"%~dp0.venv\\Scripts\\llmviz.exe" lab %*\n@pause\n'
    else:
        starter = "open_lessons.command" if sys.platform == "darwin" else "open_lessons.sh"
        text = '#!/bin/sh\nexec "$(dirname "$0")/.venv/bin/llmviz" lab "$@"\n'
    (folder / starter).write_text(text, encoding="ascii")
    (folder / starter).chmod(0o755)
    return folder / starter


if __name__ == "__main__":
    sys.exit(main())
