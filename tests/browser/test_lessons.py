"""Every lesson in a real browser: opened in JupyterLab, run from top to bottom, offline, all widgets shown."""

from pathlib import Path

import pytest

NOTEBOOKS = sorted(path.name for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
WIDGET = "application/vnd.jupyter.widget-view+json"
CELLS = """() => jupyterapp.shell.currentWidget.content.widgets
    .filter(cell => cell.model.type === 'code' && cell.model.sharedModel.getSource().trim())
    .map(cell => ({
        count: cell.model.executionCount,
        trusted: cell.model.trusted,
        outputs: cell.model.outputs.toJSON().map(output => ({
            type: output.output_type, error: output.evalue, kinds: Object.keys(output.data || {}),
        })),
        shown: cell.node.querySelectorAll('.jp-OutputArea-output .jupyter-widgets').length,
        text: cell.outputArea.node.textContent,
    }))"""
IDLE = "document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle'"
FAILED = "cells.some(cell => cell.outputs.some(output => output.type === 'error'))"
DONE = f"() => {{ const cells = ({CELLS})(); return {IDLE} && ({FAILED} || cells.every(cell => cell.count)) }}"
SCROLL = """async () => {
    const notebook = jupyterapp.shell.currentWidget.content;
    for (let index = 0; index < notebook.widgets.length; index++) await notebook.scrollToItem(index);
}"""


def open_notebook(page, address: str) -> None:
    """Wait until JupyterLab shows the notebook and its kernel is ready."""
    page.goto(address)
    page.wait_for_selector(".jp-NotebookPanel .jp-CodeCell", state="attached")
    page.wait_for_function(
        "jupyterapp.shell.currentWidget?.context?.sessionContext?.session?.kernel?.status === 'idle'"
    )
    page.wait_for_function(IDLE)


def run_all(page, seconds: float = 300) -> list[dict]:
    """Clear what was saved, choose Run › Run All Cells as a learner would, and wait for the last cell."""
    page.evaluate("jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    assert not any(cell["count"] or cell["outputs"] for cell in page.evaluate(CELLS))
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(DONE, timeout=seconds * 1000)
    page.evaluate(SCROLL)
    return page.evaluate(CELLS)


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
