"""Every lesson in a real browser: opened in JupyterLab, run from top to bottom, offline, all widgets shown."""

import json
from pathlib import Path

import pytest
from lab_pages import CELLS, open_notebook, run_all

NOTEBOOKS = sorted(path.name for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
# Training takes minutes here, and every cell runs under nbval as well: this lesson is opened up to the cell with these
# words. The widgets behind it have browser tests of their own (test_live_training.py, test_training_explorer.py).
RUNS_UNTIL = {"05_pretraining.ipynb": "live.run()"}
WIDGET = "application/vnd.jupyter.widget-view+json"


def test_lab_opens_the_first_lesson(lab, page):
    """The address that is printed leads to lesson 0, with no question asked on the way."""
    open_notebook(page, lab.address)
    assert page.evaluate("jupyterapp.shell.currentWidget.context.path") == NOTEBOOKS[0]
    assert page.locator(".jp-Dialog, .jp-toast, .Toastify__toast").count() == 0
    assert all(cell["trusted"] for cell in page.evaluate(CELLS))
    assert page.outside == []


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_lesson_runs_in_the_browser(lab, page, notebook):
    """Run All leaves no error, every widget is on the page, and nothing asked for the network."""
    if notebook in RUNS_UNTIL:
        notebook = first_part(lab.folder / notebook, RUNS_UNTIL[notebook])
    open_notebook(page, lab.url(notebook))
    cells = run_all(page)
    errors = [output["error"] for cell in cells for output in cell["outputs"] if output["type"] == "error"]
    assert errors == []
    for cell in cells:
        widgets = sum(WIDGET in output["kinds"] for output in cell["outputs"])
        assert cell["shown"] >= widgets, f"a widget is missing: {cell['text'][:300]}"
        assert "Error displaying widget" not in cell["text"]
        assert "Loading widget" not in cell["text"]
    assert page.outside == []


def first_part(path: Path, words: str) -> str:
    """Write a notebook's cells before the one with these words beside it, and return the new name."""
    lesson = json.loads(path.read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in lesson["cells"]]
    stop = next(number for number, source in enumerate(sources) if words in source)
    lesson["cells"] = lesson["cells"][:stop]
    part = path.with_name(f"first_part_of_{path.name}")
    part.write_text(json.dumps(lesson), encoding="utf-8")
    return part.name
