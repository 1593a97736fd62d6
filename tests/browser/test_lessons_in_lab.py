"""Every lesson in a real browser: opened in JupyterLab, run from top to bottom, offline, all widgets shown."""

import json
from pathlib import Path

import pytest
from lab_pages import CELLS, open_notebook, run_all

NOTEBOOKS = sorted(path.name for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
# Training takes long here, and every cell runs under nbval as well: these lessons run up to the cell with these words,
# and of what follows the exercises and the quiz, which need nothing of it. The explorers there have their own tests.
RUNS_UNTIL = {
    "05_pretraining.ipynb": "live.run(seconds=",
    "06_fine_tuning.ipynb": 'settings = {"lora": 0.005',
    "09_one_page.ipynb": "train(w, get_batch, steps=500",
}
NEEDS_NO_TRAINING = {"exercise", "quiz"}
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
        notebook = without_training(lab.folder / notebook, RUNS_UNTIL[notebook])
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


def without_training(path: Path, words: str) -> str:
    """Write a notebook's cells before the one with these words, and the exercises after it, beside; return its name."""
    lesson = json.loads(path.read_text(encoding="utf-8"))
    cells = lesson["cells"]
    stop = next(number for number, cell in enumerate(cells) if words in "".join(cell["source"]))
    after = [cell for cell in cells[stop:] if NEEDS_NO_TRAINING & {*cell["metadata"].get("tags", [])}]
    assert any(cell["cell_type"] == "code" for cell in after)
    lesson["cells"] = cells[:stop] + after
    part = path.with_name(f"part_of_{path.name}")
    part.write_text(json.dumps(lesson), encoding="utf-8")
    return part.name
