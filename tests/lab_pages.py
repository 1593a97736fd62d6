"""What the tests do in a JupyterLab page: open a notebook, run all of it, read its cells."""

import time

CELLS = """() => jupyterapp.shell.currentWidget.content.widgets
    .filter(cell => cell.model.type === 'code' && cell.model.sharedModel.getSource().trim())
    .map(cell => ({
        count: cell.model.executionCount,
        trusted: cell.model.trusted,
        outputs: cell.model.outputs.toJSON().map(output => ({
            type: output.output_type, error: output.evalue, kinds: Object.keys(output.data || {}),
        })),
        shown: [...cell.node.querySelectorAll('.jp-OutputArea-output .lm-Widget')]
            .filter(node => node.classList.contains('jupyter-widgets') || node.shadowRoot?.childElementCount).length,
        text: cell.outputArea.node.textContent,
    }))"""
IDLE = "document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle'"
FAILED = "cells.some(cell => cell.outputs.some(output => output.type === 'error'))"
DONE = f"() => {{ const cells = ({CELLS})(); return {IDLE} && ({FAILED} || cells.every(cell => cell.count)) }}"
# Run the cell of this number; what it tells when the kernel has answered, or after half a minute.
RUN_CELL = """async (number) => {
    const notebook = jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = number;
    const answered = jupyterapp.commands.execute('notebook:run-cell');
    await Promise.race([answered, new Promise((done) => setTimeout(done, 30_000))]);
    return notebook.widgets[number].outputArea.node.textContent;
}"""
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


def start_cell(page, number: int) -> None:
    """Run one cell without waiting for it; a click into an output has made another one the active one."""
    page.evaluate(f"(number) => {{ ({RUN_CELL})(number) }}", number)


def run_until(page, number: int, text: str, seconds: float = 60) -> None:
    """Run one cell again and again until it tells this: what was done on the page may reach the kernel after a cell."""
    end = time.monotonic() + seconds
    while text not in (told := page.evaluate(RUN_CELL, number)):
        assert time.monotonic() < end, f"the cell still tells {told!r}, not {text!r}"
        page.wait_for_timeout(100)


def point_until(target, told, text: str, tries: int = 10) -> None:
    """Point at the target until it is told of: a notebook that still opens may draw itself anew under the pointer."""
    from playwright.sync_api import expect

    for left in reversed(range(tries)):
        target.page.mouse.move(0, 0)
        target.hover()
        try:
            expect(told).to_contain_text(text, timeout=2_000)
            return
        except AssertionError:
            if not left:
                raise
