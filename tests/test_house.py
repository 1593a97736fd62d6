"""The house holds together: versions agree, `make` does what it says, files stay readable."""

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
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
PACKAGE_OF = {"sklearn": "scikit-learn", "yaml": "pyyaml", "PIL": "pillow", "tiktoken_ext": "tiktoken"}
USED_WITHOUT_IMPORT = {"ipykernel", "pytest-xdist", "ruff"}  # the kernel of the notebooks, by its name; commands
USED_WITHOUT_IMPORT |= {wanted.split(">")[0] for wanted in EXTRAS["class"]}  # named in the configuration of a hub
# By our dependencies:
BROUGHT_ALONG = {"nbformat", "nbclient", "nbconvert", "bs4", "traitlets", "IPython", "packaging", "PIL"}
BROUGHT_ALONG |= {"jupyter_client", "jupyter_server", "psutil", "requests", "websocket"}  # for a hub in the tests
MAX_LINES, MAX_FUNCTION_LINES = 400, 40
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def pins():
    """The constraints as requirements, those for another Python left out."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return [pin for pin in requirements if pin.marker is None or pin.marker.evaluate()]


PINNED = {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins()}
DIRECT = [Requirement(text) for text in sum(EXTRAS.values(), PROJECT["dependencies"])]


def python_files():
    return [path for folder in ("llmviz", "tests", "notebooks") for path in sorted((ROOT / folder).rglob("*.py"))]


def imported_modules(source: str) -> set[str]:
    """The first names of all absolute imports in a program."""
    nodes = list(ast.walk(ast.parse(source)))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0}
    return {name.split(".")[0] for name in plain | named}


def everything_imported() -> set[str]:
    sources = [path.read_text(encoding="utf-8") for path in python_files()]
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        sources += [re.sub(r"^[%!].*", "", source, flags=re.MULTILINE) for source in code]
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()} - {"tokenizers"}
    own = {path.stem for path in python_files()} | folders | {"llmviz"}
    return set().union(*map(imported_modules, sources)) - own - sys.stdlib_module_names


def test_every_direct_dependency_is_pinned_to_a_version_it_allows():
    for wanted in DIRECT:
        assert PINNED[canonicalize_name(wanted.name)] in wanted.specifier, wanted


def test_the_constraints_name_every_pin_once():
    names = [canonicalize_name(pin.name) for pin in pins()]
    assert sorted(set(names)) == sorted(names)
    assert PINNED["torch"] == "2.13.0"


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
    """Follow the dependencies from ours on, as installed here; 2.13.0+cpu counts as 2.13.0."""
    installed = installed_closure([Requirement(text) for text in PROJECT["dependencies"] + EXTRAS["test"]])
    assert {"torch", "jupyter-server", "tornado"} <= set(installed)
    assert {name for name in installed if name not in PINNED} == set()
    other = {name: version for name, version in installed.items() if version.split("+")[0] != PINNED[name]}
    assert other == {}


def test_conda_takes_the_same_versions_from_the_same_file():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, _, pip = environment["dependencies"]
    assert environment["name"] == "llmviz"
    assert environment["channels"] == ["conda-forge"]
    assert Requirement(python.replace("=", "==")).name == "python"
    assert python.removeprefix("python=") in Requirement("python" + PROJECT["requires-python"]).specifier
    assert pip["pip"] == ["-c constraints.txt", "-e .[test]"]


def test_what_is_imported_is_declared():
    declared = {canonicalize_name(wanted.name) for wanted in DIRECT}
    imported = {canonicalize_name(PACKAGE_OF.get(name, name)) for name in everything_imported() - BROUGHT_ALONG}
    assert imported - declared == set()


def test_what_is_declared_is_imported():
    declared = {canonicalize_name(wanted.name) for wanted in DIRECT} - USED_WITHOUT_IMPORT
    imported = {canonicalize_name(PACKAGE_OF.get(name, name)) for name in everything_imported()}
    assert declared - imported == set()


def make(*arguments, folder=ROOT, **environment):
    """What make says; `-n` among the arguments: what it would do."""
    return subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env={**{k: v for k, v in os.environ.items() if not k.startswith("MAKE")}, **environment},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def checkout(tmp_path):
    """A checkout whose environment stands ready."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "ready").touch()
    return tmp_path


@needs_make
def test_make_alone_prints_its_targets():
    printed = make().stdout
    for target in ("lab", "setup", "test", "models", "notebooks", "evidence", "bundle", "bench", "clean"):
        assert re.search(rf"^  make {target} +\w+", printed, re.MULTILINE), target


@needs_make
def test_a_second_run_sets_up_nothing(checkout):
    assert "pip" not in make("-n", "test", folder=checkout).stdout
    assert make("-n", "lab", "ARGS=--port 8899", folder=checkout).stdout == (
        ".venv/bin/python -m llmviz lab --port 8899\n"
    )


@needs_make
@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_other_versions_are_installed(checkout, name):
    later = (checkout / ".venv" / "ready").stat().st_mtime + 10
    os.utime(checkout / name, (later, later))
    assert "install -c constraints.txt -e '.[test]'" in make("-n", "test", folder=checkout).stdout


@needs_make
def test_the_cpu_index_is_asked_for_torch_alone(checkout):
    (checkout / ".venv" / "ready").unlink()
    steps = make("-n", "setup", "TORCH_INDEX=https://example.org/cpu", folder=checkout).stdout.splitlines()
    [torch] = [step for step in steps if "example.org" in step]
    assert "--no-deps --index-url https://example.org/cpu" in torch
    assert "^torch==" in torch


@needs_make
def test_a_python_that_does_not_fit_gets_a_sentence(checkout):
    (checkout / ".venv" / "ready").unlink()
    missing = make("setup", "PYTHON=no-such-python", folder=checkout)
    assert missing.returncode != 0
    assert '"no-such-python" is missing. Install one of them' in missing.stdout


def test_ci_runs_make_test_and_test_slow():
    script = ROOT / ".ci" / "run"
    assert "for target in test test-slow; do\n    make" in script.read_text()
    assert shutil.which("bash") is None or subprocess.run(["bash", "-n", str(script)]).returncode == 0


def test_the_version_is_said_once():
    assert importlib.metadata.version("llmviz") == PROJECT["version"]
    assert f'__version__ = "{PROJECT["version"]}"' in (ROOT / "llmviz" / "__init__.py").read_text()


def sanitized(text: str) -> str:
    """A text as nbval compares it."""
    for pattern, replacement in get_sanitize_patterns((ROOT / "tests" / "nbval_sanitize.cfg").read_text()):
        text = re.sub(pattern, replacement, text)
    return text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('<img alt="a" src="data:image/png;base64,iVBORw0KGgo=">', '<img alt="a" src="data:image/png;base64,AAAA">'),
        (
            "Training:  40%|████      | 4/10 [00:01<00:02,  2.5 steps/s]",
            "Training:  40%|███▉      | 4/10 [00:03<00:05, 0.9 steps/s]",
        ),
        ("37it [00:01, 25.1it/s]", "37it [00:09, 4.02it/s]"),
        ("<Axes object at 0x7f3a5c0d2e10>", "<Axes object at 0x7f81f2a2b350>"),
    ],
)
def test_nbval_overlooks_what_may_differ(one, other):
    assert sanitized(one) == sanitized(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('<img alt="4 bars" src="data:image/png;base64,AAAA">', '<img alt="5 bars" src="data:image/png;base64,AAAA">'),
        (" 40%|████      | 4/10 [00:01<00:02, 2it/s]", " 50%|█████     | 5/10 [00:01<00:02, 2it/s]"),
        ("loss 1.23", "loss 1.24"),
        ("[1, 2, 3]", "[1, 2, 4]"),
    ],
)
def test_nbval_sees_what_matters(one, other):
    assert sanitized(one) != sanitized(other)


def test_no_two_test_files_share_a_name():
    """Pytest imports a test file by its bare name, so a second one of that name stops the whole run."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("path", python_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_holds_one_idea(path):
    """A long file or function is a sign that two ideas share a room."""
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MAX_LINES
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    long = [f"{node.name}: {length(node)} lines" for node in functions if length(node) > MAX_FUNCTION_LINES]
    assert long == []


def length(function: ast.FunctionDef) -> int:
    """Lines of code, the docstring not counted."""
    documented = ast.get_docstring(function) is not None
    start = function.body[0].end_lineno if documented else function.lineno - 1
    return function.end_lineno - start


@pytest.mark.parametrize("path", sorted((ROOT / "llmviz").rglob("*.py")), ids=lambda path: path.name)
def test_what_is_public_is_explained(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    public = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert public == []
    assert ast.get_docstring(tree)
