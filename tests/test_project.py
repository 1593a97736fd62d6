"""The project's files agree: versions, dependencies, commands of make, what nbval overlooks."""

import ast
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from nbval.plugin import get_sanitize_patterns
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("llmviz", "tests", "notebooks", "tools", "deploy")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
DIRECT = [Requirement(text) for text in sum(EXTRAS.values(), PROJECT["dependencies"])]
PACKAGE_OF = {"sklearn": "scikit-learn", "bs4": "beautifulsoup4", "yaml": "pyyaml", "tiktoken_ext": "tiktoken"}
# Commands, the notebooks' kernel, and what the configuration of a hub names:
USED_WITHOUT_IMPORT = {"ipykernel", "notebook", "pytest-xdist", "ruff", "import-linter", "hatchling"}
USED_WITHOUT_IMPORT |= {wanted.split(">")[0] for wanted in EXTRAS["class"]}
# Dependencies of our dependencies:
INDIRECT = {"nbformat", "nbclient", "nbconvert", "traitlets", "IPython", "packaging", "PIL"}
INDIRECT |= {"jupyter_client", "jupyter_server", "psutil", "requests", "websocket"}
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def pins() -> dict[str, str]:
    """Package to version, those for another Python left out."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    here = [pin for pin in requirements if pin.marker is None or pin.marker.evaluate()]
    found = {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in here}
    assert len(found) == len(here), "a package is pinned twice"
    return found


def imported_packages() -> set[str]:
    """What any program or notebook of the project imports, by the name of its distribution."""
    python = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    sources = [path.read_text(encoding="utf-8") for path in python]
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        sources += [re.sub(r"^[%!].*", "", source, flags=re.MULTILINE) for source in code]
    nodes = [node for source in sources for node in ast.walk(ast.parse(source))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0}
    own = {path.stem for path in python} | {"llmviz"} | {path.name for path in (ROOT / "tests").iterdir()}
    found = {name.split(".")[0] for name in names} - (own - {"tokenizers", "tiktoken"}) - sys.stdlib_module_names
    return {canonicalize_name(PACKAGE_OF.get(name, name)) for name in found - INDIRECT}


def test_what_is_imported_is_declared_and_what_is_declared_is_imported():
    declared = {canonicalize_name(wanted.name) for wanted in DIRECT}
    imported = imported_packages()
    assert imported - declared == set()
    assert declared - USED_WITHOUT_IMPORT - imported == set()


# What Windows lacks: names, modules, and arguments of calls. JupyterHub does not run there, so deploy/ may use them.
POSIX_ONLY = {"fork", "forkpty", "mkfifo", "symlink", "symlink_to", "killpg", "start_new_session", "preexec_fn",
              "SIGKILL", "SIGHUP", "SIGALRM", "SIGUSR1", "fcntl", "grp", "pwd", "resource", "termios"}  # fmt: skip


@pytest.mark.parametrize("folder", ["llmviz", "tools"])
def test_programs_use_nothing_that_windows_lacks_and_name_the_encoding_of_each_text_file(folder):
    found = []
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node, "attr", getattr(node, "arg", getattr(node, "module", getattr(node, "name", None))))
            if name in POSIX_ONLY:
                found.append((path.name, name))
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("read_text", "write_text"):
                encodings = {word.arg for word in node.keywords} & {"encoding"} or node.args[node.func.attr[0] == "w" :]
                found += [] if encodings else [(path.name, node.lineno)]
    assert found == []


def installed_closure(waiting: list[Requirement]) -> dict[str, str]:
    """Follow what is installed from these requirements on: package to version."""
    found: dict[str, str] = {}
    seen: set[tuple[str, tuple[str, ...]]] = set()
    while waiting:
        wanted = waiting.pop()
        name, extras = canonicalize_name(wanted.name), ("", *sorted(wanted.extras))
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        found[name] = distribution.version
        for text in distribution.requires or ():
            needed = Requirement(text)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(needed)
    return found


def test_everything_that_is_installed_is_pinned_and_has_that_version():
    """Dependencies of dependencies too; 2.13.0+cpu counts as 2.13.0."""
    pinned = pins()
    for wanted in DIRECT:
        assert pinned[canonicalize_name(wanted.name)] in wanted.specifier, wanted
    installed = installed_closure([Requirement(text) for text in PROJECT["dependencies"] + EXTRAS["test"]])
    assert {"torch", "jupyter-server", "tornado"} <= set(installed)
    other = {name: version for name, version in installed.items() if version.split("+")[0] != pinned.get(name)}
    assert other == {}


def test_conda_takes_the_same_versions_from_the_same_file():
    python, _, pip = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    assert python.removeprefix("python=") in Requirement("python" + PROJECT["requires-python"]).specifier
    assert pip["pip"] == ["-c constraints.txt", "-e ."]


def test_the_version_is_the_same_everywhere():
    assert importlib.metadata.version("llmviz") == PROJECT["version"]
    assert f'__version__ = "{PROJECT["version"]}"' in (ROOT / "llmviz" / "__init__.py").read_text()


def make(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess:
    """Run make; with `-n` it only prints what it would do."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture
def checkout(tmp_path):
    """A checkout whose environment is ready."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv").mkdir()
    for name in ("ready", "test-ready"):
        (tmp_path / ".venv" / name).touch()
    return tmp_path


@needs_make
def test_make_lists_its_targets_and_sets_up_once(checkout):
    printed = set(re.findall(r"^  make ([a-z-]+)", make().stdout, re.MULTILINE))
    assert printed >= {"lab", "setup", "test", "test-slow", "models", "notebooks", "evidence", "bench", "size"}
    assert "pip" not in make("-n", "test", folder=checkout).stdout
    lab = make("-n", "lab", "ARGS=--port 8899", folder=checkout).stdout
    assert lab == ".venv/bin/python -m llmviz lab --port 8899\n"


@needs_make
@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_other_versions_are_installed(checkout, name):
    later = (checkout / ".venv" / "ready").stat().st_mtime + 10
    os.utime(checkout / name, (later, later))
    assert "-c constraints.txt -e .\n" in make("-n", "lab", folder=checkout).stdout
    assert "-c constraints.txt -e '.[test]'" in make("-n", "test", folder=checkout).stdout


@needs_make
def test_setup_takes_torch_from_the_cpu_index_and_refuses_another_python(checkout):
    (checkout / ".venv" / "ready").unlink()
    steps = make("-n", "lab", "TORCH_INDEX=https://example.org/cpu", folder=checkout).stdout.splitlines()
    [torch] = [step for step in steps if "example.org" in step]
    assert "--no-deps --index-url https://example.org/cpu" in torch and "^torch==" in torch
    missing = make("setup", "PYTHON=no-such-python", folder=checkout)
    assert missing.returncode != 0
    assert '"no-such-python" is missing. Install one of them' in missing.stdout


def test_the_continuous_integration_runs_both_kinds_of_tests():
    script = ROOT / ".ci" / "run"
    assert "for target in test test-slow; do\n    make" in script.read_text()
    assert shutil.which("bash") is None or subprocess.run(["bash", "-n", str(script)]).returncode == 0


def sanitized(text: str) -> str:
    """A text as nbval compares it."""
    for pattern, replacement in get_sanitize_patterns((ROOT / "tests" / "nbval_sanitize.cfg").read_text()):
        text = re.sub(pattern, replacement, text)
    return text


IMAGE = '<img alt="{}" src="data:image/png;base64,{}">'


@pytest.mark.parametrize(
    ("one", "other", "is_equal"),
    [
        (IMAGE.format("a", "iVBORw0KGgo="), IMAGE.format("a", "AAAA"), True),
        (" 40%|████      | 4/10 [00:01<00:02,  2.5 steps/s]", " 40%|███▉      | 4/10 [00:03<00:05, 0.9 steps/s]", True),
        ("37it [00:01, 25.1it/s]", "37it [00:09, 4.02it/s]", True),
        ("<Axes object at 0x7f3a5c0d2e10>", "<Axes object at 0x7f81f2a2b350>", True),
        (IMAGE.format("4 bars", "AAAA"), IMAGE.format("5 bars", "AAAA"), False),
        (" 40%|████      | 4/10 [00:01<00:02, 2it/s]", " 50%|█████     | 5/10 [00:01<00:02, 2it/s]", False),
        ("loss 1.23", "loss 1.24", False),
    ],
)
def test_nbval_overlooks_times_and_pixels_and_nothing_else(one, other, is_equal):
    assert (sanitized(one) == sanitized(other)) is is_equal
