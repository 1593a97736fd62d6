"""Check what the lessons need and time this machine, with a suggested fix per problem (`llmviz doctor`, lesson 0)."""

import importlib.metadata
import json
import os
import platform
import re
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass

from packaging.specifiers import SpecifierSet

from llmviz.files import REPAIR, ROOT, lesson_files

_PYTHON = importlib.metadata.metadata("llmviz")["Requires-Python"]
_SET_UP_AGAIN = "Run: make setup (on Windows and with conda, the two lines in the README)."
_WARM_UP_STEPS = 12
_RESTORE = "Bring them back: llmviz restore all. If that cannot be, get llmviz anew; your notebooks stay as they are."


@dataclass(frozen=True)
class _Finding:
    """One line of the report: what was checked, what was found, how to fix it, and measured numbers for programs."""

    name: str
    value: str
    is_fine: bool = True
    fix: str = ""
    numbers: dict[str, float] | None = None


def examine() -> list[_Finding]:
    """Check everything the lessons need; takes a few seconds. A problem is a finding, never an exception."""
    findings = [_finding(name, check, fix) for name, check, fix in _CHECKS]
    step = (findings[-1].numbers or {}).get("seconds_per_step")
    return [*findings, _finding("lessons", lambda: _lessons(step), _RESTORE)]


def run(as_json: bool) -> int:
    """Print the report; return 0 if all is fine, else 1. `as_json` adds one JSON line at the end."""
    findings = examine()
    print(f"llmviz {importlib.metadata.version('llmviz')} doctor\n")
    for found in findings:
        print(f"  {'ok  ' if found.is_fine else 'FAIL'}  {found.name:<12}  {found.value}")
        if found.fix:
            print(f"{'':22}{found.fix}")
    n_broken = sum(not found.is_fine for found in findings)
    print(f"\n{n_broken} to fix; the line under each FAIL says how." if n_broken else "\nAll is well.")
    if as_json:
        measured = {key: value for found in findings for key, value in (found.numbers or {}).items()}
        print(json.dumps({"fine": not n_broken, **measured, "findings": [asdict(found) for found in findings]}))
    return int(bool(n_broken))


def _finding(name: str, check: Callable[[], _Finding | str], fix: str) -> _Finding:
    try:
        found = check()
    except Exception as error:  # whatever it is, it belongs in the report, with the fix beside it
        said = str(error) if isinstance(error, OSError | ValueError) else f"{type(error).__name__}: {error}"
        return _Finding(name, said, False, fix)
    return found if isinstance(found, _Finding) else _Finding(name, found)


def _python() -> str:
    said = f"{platform.python_version()}, {sys.executable}"
    if ".".join(map(str, sys.version_info[:3])) not in SpecifierSet(_PYTHON):
        raise ValueError(said)
    return said


def _torch() -> str:
    import torch

    accelerator = "a CUDA device is there too" if torch.cuda.is_available() else "CPU"
    return f"{torch.__version__} ({accelerator}), {torch.get_num_threads()} threads of {os.cpu_count()} processors"


def _widgets() -> str:
    packages = ("jupyterlab", "ipywidgets", "jupyterlab-widgets")
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)


def _data() -> str:
    from llmviz.files import data_folder
    from llmviz.tokenizers.tiktoken import VOCABULARIES, tiktoken_encoding, token_ranks

    tiktoken_encoding.cache_clear()  # what is in memory says nothing about the files
    token_ranks.cache_clear()
    for name in VOCABULARIES:
        tiktoken_encoding(name)
    return f"the vocabularies of {', '.join(VOCABULARIES)} are whole, {data_folder()}"


def _model() -> str:
    from llmviz import artifacts

    return f"the shipped tiny GPT is whole: {artifacts.load_model('tiny').model.n_parameters:,} parameters"


def _training() -> _Finding:
    seconds = seconds_per_step()
    return _Finding("training", f"{1000 * seconds:.0f} ms a step", numbers={"seconds_per_step": seconds})


def seconds_per_step() -> float:
    """Time a training step of the lessons' tiny GPT on this machine, in seconds."""
    import torch

    from llmviz import training
    from llmviz.model.config import ModelConfig
    from llmviz.model.transformer import DecoderOnly

    token_ids = torch.randint(1024, (4096,), generator=torch.Generator().manual_seed(0))
    settings = training.TrainingSettings(steps=4 * _WARM_UP_STEPS)
    steps = training.train(DecoderOnly(ModelConfig(vocab_size=1024)), token_ids, settings)[_WARM_UP_STEPS:]
    return sum(step.seconds for step in steps) / len(steps)


def _lesson_seconds(readme: str) -> dict[str, float]:
    """How long each notebook runs, by the README's table of lessons."""
    rows = re.findall(r"^\|.*\]\(notebooks/([^)]+\.ipynb)\).*\|\s*([\d.]+) (s|min)\s*\|", readme, re.MULTILINE)
    return {name: float(number) * (60 if unit == "min" else 1) for name, number, unit in rows}


def _lessons(step_seconds: float | None) -> _Finding:
    """How long each lesson runs here: the minutes in the README's table, scaled by the measured training step."""
    notebooks = [path.name for path in lesson_files(ROOT / "notebooks")]
    if not notebooks:
        raise FileNotFoundError(f"There is no notebook in {ROOT / 'notebooks'}.")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    measured = _lesson_seconds(readme)
    there = re.search(r"training step takes ([\d.]+) ms", readme)
    slowness = 1000 * step_seconds / float(there[1]) if there and step_seconds else 1.0
    minutes = {f"minutes_{name[:2]}": measured[name] * slowness / 60 for name in notebooks if name in measured}
    times = ", ".join(f"{key[-2:]}: {60 * value:.0f}" for key, value in minutes.items())
    return _Finding("lessons", f"{len(notebooks)} notebooks; seconds to run here: {times}", numbers=minutes)


_CHECKS: tuple[tuple[str, Callable[[], _Finding | str], str], ...] = (
    ("Python", _python, f"llmviz needs Python {_PYTHON}. " + _SET_UP_AGAIN),
    ("torch", _torch, _SET_UP_AGAIN),
    ("widgets", _widgets, _SET_UP_AGAIN),
    ("data files", _data, f"Bring them back: {REPAIR}"),
    ("model", _model, f"Bring it back: {REPAIR}"),
    ("training", _training, _SET_UP_AGAIN),
)
