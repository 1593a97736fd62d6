"""What lesson 0 asks for first, in real JupyterLab and Notebook: type and press Enter; and what follows an error."""

from urllib.parse import urlsplit

from explorer_pages import notebook_of
from lab_pages import IDLE, RUN_CELL, open_notebook, run_all
from playwright.sync_api import expect

CELL = """
from llmviz import artifacts
from llmviz.widgets import NextTokenExplorer
tiny = artifacts.load_model("tiny")
NextTokenExplorer(tiny.model, tiny.tokenizer, "Mia found a").live()
"""
OTHER_BOXES = """
import torch
from llmviz import artifacts
from llmviz.widgets import EmbeddingExplorer, FillMaskExplorer
vectors = torch.tensor([[0.0, 0.1, 1.0], [1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 0.9], [0.5, -1.0, 0.2]])
display(EmbeddingExplorer(vectors, ["man", "king", "woman", "queen", "kite"], analogy=("man", "king", "woman")))
masked, causal = artifacts.load_model("masked_long"), artifacts.load_model("tiny")
FillMaskExplorer(masked.model, causal.model, causal.tokenizer, "Mia lives in the lighthouse.", hidden=[4]).live()
"""
SET_SOURCE = "(source) => jupyterapp.shell.currentWidget.content.widgets[0].model.sharedModel.setSource(source)"
RESTART = "jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.restart()"


def test_enter_is_heard_a_new_line_is_a_token_and_a_restart_is_told(request, page):
    lab = request.getfixturevalue("lab")  # so that it is not slow, unlike all that name the fixture
    (lab.folder / "enter.ipynb").write_text(notebook_of(CELL))
    open_notebook(page, lab.url("enter.ipynb"))
    run_all(page)
    explorer = page.locator(".frame")
    box = explorer.get_by_role("textbox", name="prompt")
    box.fill("Mia lives in the")
    box.press("Enter")
    expect(explorer.locator(".strip")).to_contain_text("lives")
    box.press("Shift+Enter")
    box.press("x")
    box.press("Enter")
    expect(explorer.locator(".strip")).to_contain_text("↵")
    assert page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length") == 1
    page.evaluate(RESTART)
    expect(explorer.locator(".problem")).to_contain_text("Run this cell again")
    assert page.outside == []


def test_enter_is_heard_in_notebook(lab, page):
    (lab.folder / "enter_too.ipynb").write_text(notebook_of(CELL))
    page.goto(urlsplit(lab.address)._replace(path="/notebooks/enter_too.ipynb").geturl())
    page.wait_for_function(IDLE)
    explorer = page.locator(".frame")
    for _ in range(20):  # keys are heard only once all is loaded
        if not explorer.count():
            page.locator(".jp-CodeCell .cm-content").click()
            page.keyboard.press("Control+Enter")
            page.wait_for_timeout(2000)
    box = explorer.get_by_role("textbox", name="prompt")
    box.fill("Mia lives in the")
    box.press("Enter")
    expect(explorer.locator(".strip")).to_contain_text("lives")
    assert page.locator(".jp-CodeCell").count() == 1
    assert page.outside == []


def test_enter_is_heard_in_the_boxes_of_the_analogy_and_of_the_blanks(lab, page):
    (lab.folder / "boxes.ipynb").write_text(notebook_of(OTHER_BOXES))
    open_notebook(page, lab.url("boxes.ipynb"))
    run_all(page)
    words, blanks = page.locator(".frame").all()
    expect(words.locator(".sentence")).to_contain_text("“man” is to “king” as “woman” is to")
    box = words.get_by_label("analogy, word c")
    box.fill("kite")
    box.press("Enter")
    expect(words.locator(".sentence")).to_contain_text("“man” is to “king” as “kite” is to")
    sentence = blanks.get_by_role("textbox", name="sentence")
    sentence.fill("Otto lives in the ___.")
    sentence.press("Enter")
    expect(blanks.locator(".words")).to_contain_text("Otto")
    assert page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length") == 1
    assert page.outside == []


def test_after_an_error_the_old_picture_is_gone(lab, page):
    """Be it that Python cannot answer what was typed, or that the cell is run again and fails."""
    (lab.folder / "error.ipynb").write_text(notebook_of(CELL))
    open_notebook(page, lab.url("error.ipynb"))
    run_all(page)
    explorer = page.locator(".frame")
    expect(explorer.locator(".picture")).to_be_visible()
    box = explorer.get_by_role("textbox", name="prompt")
    box.fill("Mia " * 200)
    box.press("Enter")
    expect(explorer.locator(".problem")).to_contain_text("This model sees 128 tokens at once")
    expect(explorer.locator(".picture")).to_be_hidden()
    box.fill("Mia")
    box.press("Enter")
    expect(explorer.locator(".picture")).to_be_visible()
    page.evaluate(SET_SOURCE, f"{CELL}\n1 / 0")
    assert "ZeroDivisionError" in page.evaluate(RUN_CELL, 0)
    assert page.locator(".jp-OutputArea").locator(".lv, .frame, img").count() == 0
