"""Who may import whom: the floors of the house (CONTRIBUTING.md has the table in words)."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "llmviz"

TEXT = {"world", "corpora", "corpus_report", "tokenizers", "text_files", "data_files"}
MODEL = {"attention", "block", "decoding", "model_config", "transformer", "encoder_decoder", "trace"}
DOING = {
    "ablation", "anatomy", "architectures", "beam_search", "checkpoints", "embeddings", "evaluation", "filling",
    "fine_tuning", "generation", "head_roles", "induction", "learning_rates", "limits", "make_models", "masking",
    "memorisation", "one_page", "optimizers", "overlap", "parallel", "pretrained", "reading_costs", "recordings",
    "runs", "scaling", "skills", "steering", "summaries", "text_trees", "training", "translation",
}
WING = {"figures"}
SHELL = {"shell"}
COMBINING = {"explorers", "exercises"}
DOOR = {"bundle", "classroom", "cli", "doctor", "lab", "lesson_files", "export", "restore", "__main__"}
DRAWING = {"matplotlib", "ipywidgets", "anywidget"}
ABOVE = SHELL | COMBINING | DOOR

# A room, and what it must never import: other rooms of ours, or packages.
FORBIDDEN = {
    **dict.fromkeys(TEXT, {"torch"} | DRAWING | MODEL | DOING | WING | ABOVE),
    **dict.fromkeys(MODEL, DRAWING | TEXT | DOING | WING | ABOVE),
    "trace": DRAWING | TEXT | MODEL | DOING | WING | ABOVE | {"numpy"},
    **dict.fromkeys(DOING, DRAWING | WING | ABOVE),
    **dict.fromkeys(WING, {"torch", "ipywidgets"} | TEXT | MODEL | DOING | ABOVE),
    **dict.fromkeys(SHELL, {"torch", "matplotlib"} | TEXT | MODEL | DOING | WING | COMBINING | DOOR),
    "explorers": {"exercises"} | DOOR,
    "exercises": {"explorers", "figures"} | DOOR,
    **{name: set() for name in DOOR},
}


def room(path: Path) -> str:
    """The module or folder of the package that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """What a file imports: our rooms by their name, other packages by theirs; also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "llmviz":
            modules = [f"llmviz.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports here are written in full, from llmviz on"
            modules = [node.module]
        else:
            continue
        for module in modules:
            first, *rest = module.split(".")
            found.add(rest[0] if first == "llmviz" and rest else first)
    return found


FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_from_its_floor_and_below(path):
    assert room(path) in FORBIDDEN, f"say in this file on which floor llmviz/{room(path)} is"
    wrong = (imports(path) - {room(path)}) & FORBIDDEN[room(path)]
    assert wrong == set()


def test_the_package_itself_loads_nothing():
    assert imports(PACKAGE / "__init__.py") == set()


def test_no_room_is_a_lumber_room():
    assert {path.stem for path in FILES} & {"utils", "util", "helpers", "common", "misc"} == set()


LIGHT = ["llmviz", "llmviz.figures", "llmviz.tokenizers", "llmviz.world", "llmviz.exercises", "llmviz.cli"]


@pytest.mark.parametrize("module", LIGHT)
def test_light_rooms_load_no_torch(module):
    """Seconds matter to a learner who only wants to see a picture."""
    program = f"import sys, {module}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
