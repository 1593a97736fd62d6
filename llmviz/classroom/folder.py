"""The folder of a class: the hub's configuration, its secrets, and what all students share.

jupyterhub_config.py   the page to read
secrets/               for its owner only: password, tokens, the key of the cookies
shared/                for everybody to read: the list of fonts, programs without node
homes/                 the students' files, in try mode
hub/                   for its owner only: the hub's database, its log, the plan that all this was written from
"""

import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from llmviz.classroom.config_text import config_text
from llmviz.classroom.home import FONTS
from llmviz.classroom.plan import ClassPlan

CONFIG = "jupyterhub_config.py"
PLAN = "plan.json"
NODE = ("node", "nodejs", "npm", "npx", "yarn", "corepack")
# Letters and digits that nobody mistakes for others when they stand on a blackboard.
CLEAR = "abcdefghjkmnpqrstuvwxyz23456789"


def write_folder(plan: ClassPlan, proxy: Sequence[str]) -> Path:
    """Write a class down and return its configuration; secrets that are there stay, so that logins go on working.

    Raises ValueError, with a sentence, where the configuration was changed by hand: it is nobody's but yours.
    """
    folder = plan.folder
    config, written = folder / CONFIG, folder / "hub" / "written"
    _refuse_to_overwrite(config, written)
    for name in ("", "hub", "shared"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "secrets").mkdir(mode=0o700, exist_ok=True)
    (folder / "secrets").chmod(0o700)
    (folder / "hub").chmod(0o700)
    write_secrets(folder / "secrets")
    if plan.mode == "try":
        (folder / "homes").mkdir(exist_ok=True)
    if plan.mode != "docker":
        make_fonts(folder / "shared" / FONTS)
    path = "" if plan.mode == "docker" else students_path(folder / "shared" / "bin")
    config.write_text(config_text(plan, proxy=proxy, path=path), encoding="utf-8")
    written.write_text(_fingerprint(config), encoding="ascii")
    (folder / "hub" / PLAN).write_text(json.dumps(asdict(plan), default=str, indent=1) + "\n", encoding="utf-8")
    return config


def read_plan(folder: Path) -> ClassPlan:
    """The plan that a folder was written from last; ValueError, with a sentence, where there is none."""
    try:
        found = json.loads((folder / "hub" / PLAN).read_text(encoding="utf-8"))
        files = {name: Path(found[name]) if found[name] else None for name in ("certificate", "key")}
        return ClassPlan(**found | files | {"students": tuple(found["students"]), "folder": folder})
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(f"there is no class in {folder}; begin one with llmviz class, or name its --folder") from None
    except (KeyError, TypeError, json.JSONDecodeError):
        raise ValueError(f"{folder / 'hub' / PLAN} is damaged; start the class anew with llmviz class") from None


def write_secrets(folder: Path) -> None:
    """Make up the secrets that are not there yet, each in a file that only its owner may read or write."""
    made = {
        "password": "-".join("".join(secrets.choice(CLEAR) for _ in range(4)) for _ in range(3)),
        "proxy_token": secrets.token_hex(32),
        "api_token": secrets.token_hex(32),
        "cookie_secret": secrets.token_hex(32),
    }
    for name, value in made.items():
        path = folder / name
        if not path.exists():
            with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
                file.write(value + "\n")
        path.chmod(0o600)


def make_fonts(folder: Path) -> None:
    """Let matplotlib gather the fonts of this machine once, for everybody."""
    if any(folder.glob("fontlist-*.json")):
        return
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [sys.executable, "-c", "import matplotlib.font_manager"],
        env={**os.environ, "MPLCONFIGDIR": str(folder)},
        check=True,
        capture_output=True,
    )


def students_path(shelf: Path, path: str | None = None) -> str:
    """This program's PATH without node: a folder that holds it is replaced by one with links to all else in it."""
    own = str(Path(sys.executable).parent)
    folders = [own, *(path or os.environ.get("PATH", os.defpath)).split(os.pathsep)]
    kept, beside_node = [], []
    for folder in filter(None, dict.fromkeys(folders)):
        has_node = any(shutil.which(name, path=folder) for name in NODE)
        (beside_node if has_node else kept).append(folder)
    if beside_node:
        _link_all(beside_node, shelf)
        kept.append(str(shelf))
    return os.pathsep.join(kept)


def _link_all(folders: Iterable[str], shelf: Path) -> None:
    """A shelf with a link to each program of these folders but node's; the first of a name counts."""
    shutil.rmtree(shelf, ignore_errors=True)
    shelf.mkdir(parents=True)
    for folder in folders:
        for program in os.scandir(folder):
            link = shelf / program.name
            if program.name not in NODE and program.is_file() and not link.is_symlink():
                link.symlink_to(program.path)


def _refuse_to_overwrite(config: Path, written: Path) -> None:
    if config.exists() and not (written.exists() and written.read_text(encoding="ascii") == _fingerprint(config)):
        raise ValueError(
            f"{config} was changed by hand, so it stays as it is. Start it with: {sys.executable} -m jupyterhub -f "
            f"{config} (or move it away, and this command writes a new one)"
        )


def _fingerprint(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
