"""The project stays small: the budgets of `make size` that are met today."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parent.parent / "tools"))

import size


@pytest.fixture(scope="module")
def measured():
    return size.measured()


@pytest.mark.parametrize(
    "name",
    ["lines of code", "all lines", "core lines", "Python files", "entries under llmviz/", "public names",
     "optional parameters only tests pass"],
)  # fmt: skip
def test_budget(measured, name):
    assert measured[name] <= size.BUDGETS[name], size.unused_parameters() if "parameters" in name else name


def test_saved_lessons_are_light():
    """Each run of a lesson adds its file to the history of the repository."""
    sizes = {path.name: path.stat().st_size for path in (size.ROOT / "notebooks").glob("*.ipynb")}
    assert {name: n_bytes for name, n_bytes in sizes.items() if n_bytes > 700_000} == {}
    assert sum(sizes.values()) <= 5_500_000


def test_what_only_real_models_need_stays_small():
    assert sum(size.n_code_lines(path) for path in size.modules() if path.parent.name == "pretrained") < 1000


def test_code_lines_are_neither_docstrings_nor_comments_nor_blank(tmp_path):
    path = tmp_path / "some.py"
    path.write_text('"""Doc."""\n\n# comment\nx = """two\nlines"""  # here\n\n\ndef f():\n    """Doc."""\n')
    assert size.n_code_lines(path) == 3
