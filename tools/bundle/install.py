"""Install llmviz and its lessons from this folder, without a network: python install.py [FOLDER]

Needs a Python that the bundle was made for and nothing else. The lessons and an environment of their own go into FOLDER
(default: llmviz-lessons in your home folder); nothing outside of it changes. Notebooks that you have changed are kept.
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
from pathlib import Path

HERE = Path(__file__).resolve().parent
SUMS = "SHA256SUMS"
SYSTEMS = {
    ("linux", "x86_64"): "linux_x86_64",
    ("linux", "aarch64"): "linux_aarch64",
    ("darwin", "arm64"): "macosx_arm64",
    ("win32", "AMD64"): "win_amd64",
}
SPARE_BYTES = 200 * 10**6
AGAIN = "Copy the whole folder from the stick once more."


class InstallError(Exception):
    """What is wrong, and what to do."""


def main():
    """Install; return the exit code."""
    parser = argparse.ArgumentParser(description="Install llmviz and its lessons, without a network.")
    parser.add_argument("folder", nargs="?", default=str(Path.home() / "llmviz-lessons"), help="default: %(default)s")
    try:
        install(HERE, Path(parser.parse_args().folder).expanduser().resolve())
    except (InstallError, OSError) as error:
        print(f"\nNot installed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Start it again at any time.", file=sys.stderr)
        return 130
    return 0


def install(bundle, folder):
    """Install a bundle into a folder."""
    try:
        about = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))
        requirements, n_bytes = about["requirements"], about["installed_bytes"]
    except (OSError, ValueError, KeyError):
        raise InstallError(f"{bundle / 'bundle.json'} is missing or damaged. {AGAIN}") from None
    key = choose(requirements)
    check_folder(folder, n_bytes[key])
    hashes = check_files(bundle)
    folder.mkdir(parents=True, exist_ok=True)
    kept = copy_lessons(bundle, folder, hashes)
    programs = install_packages(bundle, folder, requirements[key])
    copy_models(bundle, programs)
    starter = write_starter(folder)
    print("Checking the installation (llmviz doctor):\n", flush=True)
    if subprocess.run([str(programs / "llmviz"), "doctor"]).returncode:
        raise InstallError(f"the check failed; the lines above say why. Everything is in {folder}.")
    for name in kept:
        print(f"Yours was kept: {name}")
    print(f"\nllmviz {about['version']} is in {folder}.")
    print(f"Open the lessons: {starter}\n(or double-click on it). The stick is no longer needed.")


def choose(requirements):
    """The key of the requirements for this system and this Python."""
    here = (sys.platform, platform.machine())
    system, python = SYSTEMS.get(here, " ".join(here)), "{}.{}".format(*sys.version_info[:2])
    if sys.maxsize <= 2**32:
        raise InstallError("this is a Python for 32 bits; llmviz needs one for 64 bits.")
    if f"{system} {python}" not in requirements:
        raise InstallError(
            f"this bundle is for {', '.join(requirements)}, and this is {system} {python}. Start it with a Python that "
            f'fits, or pack one for yours: make bundle ARGS="--platform {system} --python {python}"'
        )
    return f"{system} {python}"


def check_folder(folder, n_bytes):
    """Refuse a folder that holds something else, or a disk without space."""
    if folder.is_file():
        raise InstallError(f"{folder} is a file; name a folder.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / SUMS).is_file():
        raise InstallError(f"{folder} holds other things, which stay as they are. Name a new folder: install.py FOLDER")
    place = next(place for place in (folder, *folder.parents) if place.exists())
    free, needed = shutil.disk_usage(place).free / 1e9, (n_bytes + SPARE_BYTES) / 1e9
    if free < needed:
        raise InstallError(f"{place} has {free:.1f} GB free, and {needed:.1f} GB are needed.")


def sha256(path):
    """The SHA-256 of a file, in 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_sums(folder):
    """The hashes by file name; empty where there are none."""
    lines = (folder / SUMS).read_text(encoding="utf-8").splitlines() if (folder / SUMS).is_file() else []
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def check_files(bundle):
    """Compare every file with its hash; return the hashes by name."""
    print("Checking the files.", flush=True)
    hashes = read_sums(bundle)
    if not hashes:
        raise InstallError(f"{bundle / SUMS} is missing. {AGAIN}")
    for name, digest in hashes.items():
        if not (bundle / name).is_file():
            raise InstallError(f"{name} is missing. {AGAIN}")
        if sha256(bundle / name) != digest:
            raise InstallError(f"{name} is damaged. {AGAIN}")
    return hashes


def copy_lessons(bundle, folder, hashes):
    """Copy the files of the checkout; return the names of files that the learner has changed, which are kept."""
    new = {name.partition("/")[2]: digest for name, digest in hashes.items() if name.startswith("lessons/")}
    before, kept = read_sums(folder), []
    if not before:
        (folder / SUMS).touch()  # from now on the folder is ours, also after an interruption
    for name, digest in new.items():
        target = folder / name
        found = sha256(target) if target.is_file() else None
        if found == digest:
            continue
        if found not in (None, before.get(name)):
            if target.suffix == ".ipynb":
                kept.append(f"{name} (the new one: llmviz restore {target.stem})")
                continue
            number, day = 1, datetime.date.today().isoformat()
            while (copy := target.with_name(f"{target.stem}.mine-{day}-{number}{target.suffix}")).exists():
                number += 1
            kept.append(f"{target.rename(copy).relative_to(folder)}, and the new {target.name} is in place")
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        shutil.copyfile(bundle / "lessons" / name, part)
        part.replace(target)
    for name in before.keys() - new.keys():
        if (folder / name).is_file() and sha256(folder / name) == before[name]:
            (folder / name).unlink()
    lines = [f"{digest}  {name}\n" for name, digest in new.items()]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8", newline="\n")
    return kept


def install_packages(bundle, folder, requirements):
    """Make an environment and install the wheels, then llmviz itself, into it; return its folder of programs."""
    print("Making an environment and installing the packages. This takes a minute or two.", flush=True)
    log, environment = folder / "install.log", folder / ".venv"
    programs = environment / ("Scripts" if os.name == "nt" else "bin")
    pip = [str(programs / "python"), "-m", "pip", "--isolated", "--disable-pip-version-check", "install", "--quiet"]
    pip += ["--no-index", "--find-links", str(bundle / "wheels")]
    with log.open("w", encoding="utf-8") as opened:
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(environment)],
            [*pip, *requirements],
            [*pip, "--no-deps", "--no-build-isolation", "--editable", str(folder)],
        ):
            if subprocess.run(command, stdout=opened, stderr=subprocess.STDOUT).returncode:
                lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["no reason given"]
                said = "on Debian and Ubuntu: apt install python3-venv" if "ensurepip" in lines[-1] else lines[-1]
                raise InstallError(f"the packages could not be installed: {said} (all of it: {log})")
    log.unlink()
    return programs


def copy_models(bundle, programs):
    """Copy real models of the bundle to where llmviz looks for them."""
    program = "from llmviz.pretrained.registry import models_folder; print(models_folder())"
    for model in sorted((bundle / "models").glob("*")):
        said = subprocess.run([str(programs / "python"), "-c", program], capture_output=True, text=True, check=True)
        target = Path(said.stdout.strip()) / model.name
        if not target.exists():
            part = target.with_name(f".{model.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            shutil.copytree(model, part)
            part.rename(target)


def write_starter(folder):
    """Write the file that opens the lessons by a double click; return it."""
    starter, text = "open_lessons.sh", '#!/bin/sh\nexec "$(dirname "$0")/.venv/bin/llmviz" lab "$@"\n'
    if os.name == "nt":
        starter, text = "open_lessons.bat", '@"%~dp0.venv\\Scripts\\llmviz.exe" lab %*\n@pause\n'
    elif sys.platform == "darwin":
        starter = "open_lessons.command"
    (folder / starter).write_text(text, encoding="ascii")
    (folder / starter).chmod(0o755)
    return folder / starter


if __name__ == "__main__":
    sys.exit(main())
