"""`make notebooks`: fresh kernels, outputs that do not change by themselves, times in the README."""

import importlib.util
from pathlib import Path

import nbformat
import pytest

SOURCE = Path(__file__).resolve().parent.parent / "tools" / "execute_notebooks.py"
README = """
| lesson | runs in |
|---|---|
| [Start](notebooks/00_start_here.ipynb) | ? |
| [Words](notebooks/01_words.ipynb) | 3 s |

Measured where a training step takes ? ms.
"""
BAR = "from tqdm.auto import tqdm\nfor _ in tqdm(range(3)): pass\nprint('done')"


@pytest.fixture
def execute(tmp_path, monkeypatch):
    """The script, in a checkout of its own, where nothing is measured for long."""
    spec = importlib.util.spec_from_file_location("execute", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    monkeypatch.setattr(module, "README", tmp_path / "README.md")
    monkeypatch.setattr(module, "seconds_per_step", lambda: 0.0314)
    module.README.write_text(README)
    return module


def write(path, *sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_a_lesson_is_run_saved_and_timed(execute, tmp_path):
    path = write(tmp_path / "00_start_here.ipynb", "x = 2", "x + 1")
    assert execute.main([]) == 0
    saved = nbformat.read(path, as_version=4)
    assert saved.cells[1].outputs[0].data["text/plain"] == "3"
    assert [cell.execution_count for cell in saved.cells] == [1, 2]
    readme = execute.README.read_text()
    assert "| [Start](notebooks/00_start_here.ipynb) | " in readme
    assert "_here.ipynb) | ? |" not in readme
    assert "| [Words](notebooks/01_words.ipynb) | 3 s |" in readme
    assert "training step takes 31 ms" in readme


def test_two_runs_give_the_same_file(execute, tmp_path):
    """Widgets have ids at random, times differ, and a bar would stay at 0 %; none of that is kept."""
    path = write(tmp_path / "00_start_here.ipynb", "import ipywidgets", "ipywidgets.IntSlider(3)", BAR)
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata |= {"llmviz": {"whole": True}, "widgets": {"state": {}}, "toc": True}
    nbformat.write(notebook, path)
    assert execute.main(["00"]) == 0
    assert set(nbformat.read(path, as_version=4).metadata) == {"kernelspec", "language_info", "llmviz"}
    first = path.read_text()
    assert execute.main(["00"]) == 0
    assert path.read_text() == first
    assert "IntSlider(value=3)" in first
    assert "widget-view" not in first
    assert [output.text for output in nbformat.read(path, as_version=4).cells[2].outputs] == ["done\n"]


def test_a_lesson_that_fails_is_not_saved(execute, tmp_path, capsys):
    path = write(tmp_path / "00_start_here.ipynb", "1 / 0")
    before = path.read_text()
    assert execute.main([]) == 1
    assert path.read_text() == before
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert "_here.ipynb) | ? |" in execute.README.read_text()


@pytest.mark.parametrize(("seconds", "spoken"), [(0.4, "0 s"), (89.4, "89 s"), (90, "1.5 min"), (151, "2.5 min")])
def test_times_are_spoken_as_people_do(execute, seconds, spoken):
    execute.write_time("01_words.ipynb", seconds)
    assert f"| [Words](notebooks/01_words.ipynb) | {spoken} |" in execute.README.read_text()


def test_a_lesson_without_a_row_is_said_and_nothing_is_changed(execute, capsys):
    execute.write_time("09_else.ipynb", 3)
    assert execute.README.read_text() == README
    assert "notebooks/09_else.ipynb" in capsys.readouterr().err
