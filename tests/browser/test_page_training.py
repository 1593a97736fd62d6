"""An exported page trains a small GPT itself, in a worker: the buttons, the curve, samples; nothing leaves the page."""

import re

import nbformat
import pytest
from explorer_pages import listen
from playwright.sync_api import expect

from llmviz import export

SAVED = '<p><strong>Live training</strong> Live training: not yet begun.</p><p class="needs-python">Run it.</p>'


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> str:
    """A page with two runs."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Training", id="title")])
    for name in ("one", "two"):
        output = nbformat.v4.new_output("display_data", data={"text/html": SAVED})
        notebook.cells.append(nbformat.v4.new_code_cell(name, id=name, outputs=[output]))
    folder = tmp_path_factory.mktemp("training")
    nbformat.write(notebook, folder / "training.ipynb")
    return export.export([folder / "training.ipynb"], folder)[1].as_uri()


def step_of(run) -> int:
    return int(run.get_by_role("progressbar").get_attribute("aria-valuenow"))


def losses_of(run) -> list[float]:
    """The training losses, from the table."""
    if run.locator(".twin[open]").count() == 0:
        run.get_by_text("as a table").click()
    expect(run.locator("tbody tr").first).to_be_visible()  # filled a moment after it opens
    cells = run.locator("tbody tr td:nth-child(2)").all_inner_texts()
    return [float(cell) for cell in cells if cell]


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_the_page_trains_pauses_steps_writes_and_starts_again(page, address, scheme):
    listen(page)
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(address)
    one, two = page.locator(".lv").nth(0), page.locator(".lv").nth(1)

    def button(name):
        return one.get_by_role("button", name=name)

    expect(one.locator(".sentence")).to_contain_text("Not yet begun")
    button("one step").click()
    expect(one.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "1")
    expect(one.locator(".sentence")).to_contain_text("Paused at step 1 of 600")
    button("▶ start").focus()
    page.keyboard.press("Enter")
    expect(one.locator(".progress")).to_contain_text(re.compile(r"[2-9]\d / 600"), timeout=60_000)
    button("pause").click()
    expect(one.locator(".sentence")).to_contain_text("Paused at")
    at = step_of(one)
    losses = losses_of(one)
    assert abs(losses[0] - 6.13) < 0.05 and losses[-1] < losses[0] - 0.5
    button("write a text").click()
    expect(one.locator(".written")).to_contain_text(f"At step {at} it writes: ")
    assert step_of(one) == at and step_of(two) == 0
    expect(two.locator(".sentence")).to_contain_text("Not yet begun")
    button("start again").click()
    expect(one.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "0")
    for run, seed in ((one, "0"), (two, "5")):
        run.get_by_label("seed").fill(seed)
        if run is two:
            run.get_by_role("button", name="one step").click()
            run.get_by_role("button", name="start again").click()
        for step in ("1", "2"):
            run.get_by_role("button", name="one step").click()
            expect(run.get_by_role("progressbar")).to_have_attribute("aria-valuenow", step)
    assert losses_of(one)[:2] == losses[:2] != losses_of(two)[:2]  # the seed decides
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.wrong == [] and page.outside == []
    for run in (one, two):
        expect(run.locator(".problem")).to_be_hidden()
