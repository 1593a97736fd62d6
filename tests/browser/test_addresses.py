"""The state of the widgets in the address of a page: written once a learner acts, given back by a link, and no junk."""

import re
from pathlib import Path
from urllib.parse import parse_qs, quote

import nbformat
import pytest
from explorer_pages import listen
from playwright.sync_api import expect
from test_alive_pages import BPE, HOSTILE, MASKED, MODEL
from test_explorers import page_of

from llmviz import export
from llmviz.widgets import FillMaskExplorer, ModelExplorer, NextTokenExplorer, SamplingTreeExplorer
from llmviz.widgets.base import JS

STATIC = ("bias", "budget", "remedies", "comparison", "embeddings", "training", "tokens", "block", "attention")
ALIVE = {
    "model": lambda: ModelExplorer(MODEL, BPE, "Mia found a red"),
    "next": lambda: NextTokenExplorer(MODEL, BPE, "Tom"),
    "tree": lambda: SamplingTreeExplorer(MODEL, BPE, "Robin is the new", n_tokens=8),
    "blank": lambda: FillMaskExplorer(MASKED, MODEL, BPE, "Ella lives in the lighthouse.", hidden=[1]),
}


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> str:
    """A page as `llmviz export` writes it, with widgets that answer and others."""
    pages = {name: make()._repr_mimebundle_()["text/html"] for name, make in ALIVE.items()}
    pages |= {name: page_of(name) for name in STATIC}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Addresses", id="title")])
    for name, html in pages.items():
        shown = nbformat.v4.new_output("display_data", data={"text/html": html})
        notebook.cells.append(nbformat.v4.new_code_cell(name, id=name, outputs=[shown]))
    folder = Path(tmp_path_factory.mktemp("addresses"))
    nbformat.write(notebook, folder / "addresses.ipynb")
    return export.export([folder / "addresses.ipynb"], folder)[1].as_uri()


@pytest.fixture
def opened(page, address):
    """Open the page at a state; in the end nothing went wrong and nothing was asked of the network."""
    listen(page)

    def open_(state: str = ""):
        page.goto("about:blank")
        page.goto(address + state)
        expect(page.locator(".lv[data-ready]")).to_have_count(len(ALIVE) + len(STATIC))
        return page

    yield open_
    assert page.wrong == [] and page.outside == [] and not page.evaluate("window.broken")


def hash_of(page, name: str) -> dict:
    """What the address says of a widget, once it says so."""
    page.wait_for_timeout(500)
    [part] = [one for one in page.url.partition("#!")[2].split(";") if one.partition("?")[0] == name]
    return {key: value for key, [value] in parse_qs(part.partition("?")[2]).items()}


def test_a_state_comes_back_from_its_link_and_nothing_is_written_before_one_acts(opened):
    page = opened()
    page.mouse.move(300, 300)
    page.wait_for_timeout(500)
    assert "#" not in page.url
    bars, tree, whole = (page.locator(f"#{name} .lv") for name in ("next", "tree", "model"))
    bars.get_by_label("prompt").fill(f"Noah {HOSTILE}")
    bars.get_by_label("prompt").press("Enter")
    bars.locator("button.row").nth(1).click()
    tree.get_by_label("temperature").fill("3")
    assert [*hash_of(page, "tree")] == ["temperature"]
    assert hash_of(page, "next")["text"] == f"Noah {HOSTILE}"
    whole.get_by_label("prompt").fill("Ella saw a")
    whole.locator("button.next").first.click()
    whole.get_by_label("temperature").fill("0.5")
    whole.locator(".part").nth(3).click()
    assert hash_of(page, "model")["open"] == "3"
    said = {name: page.locator(f"#{name} .sentence").inner_text() for name in ("next", "tree", "model")}
    chips = bars.locator(".chip").all_inner_texts()
    opened(page.url.partition(".html")[2])
    for name, sentence in said.items():
        expect(page.locator(f"#{name} .sentence")).to_have_text(sentence, use_inner_text=True)
    assert bars.locator(".chip").all_inner_texts() == chips
    expect(whole).to_be_in_viewport()


def test_the_menu_copies_a_link_to_one_widget(opened):
    page = opened()
    dial = page.locator("#bias .lv")
    dial.get_by_role("slider").fill("1")
    page.locator("#budget .lv").get_by_role("slider").first.fill("2")
    dial.get_by_role("button", name="menu").click()
    dial.get_by_role("button", name="copy link to this state").click()
    expect(dial.locator(".note")).not_to_be_empty()
    assert page.url.endswith("#!bias?place=1")
    whole = page.locator("#model .lv")
    whole.get_by_label("prompt").fill("kite " * 500)
    whole.get_by_role("button", name="menu").click()
    whole.get_by_role("button", name="copy link to this state").click()
    expect(whole.locator(".note")).to_contain_text("too long for a link")
    assert "kite" not in page.url


JUNK = (
    "",
    "none",
    "-1",
    "0",
    "999999",
    "1.5",
    "1e9",
    "__proto__",
    "constructor",
    "no",
    "9-9.8-8",
    "9.9.9.9",
    "../..",
    "<img src=x onerror=window.broken=1>",
    "%F0%9F",
    "[[1]]",
    "NaN",
    "x" * 1500,
)
SHARED = re.findall(r"shared: \{(.*)\}", "".join(path.read_text(encoding="utf-8") for path in JS.glob("*.js")))
TRAITS = sorted({"payload", "problem", "is_live", *re.findall(r"(\w+): ", " ".join(SHARED))})


@pytest.mark.slow
def test_junk_in_the_address_does_nothing(opened):
    """Each value for each trait of each widget, without one picture that cannot be drawn; also long and broken ones."""
    page = opened()
    names = [*ALIVE, *STATIC]
    for value in JUNK:
        state = "&".join(f"{trait}={quote(value)}" for trait in TRAITS if value or trait != "text")
        page.evaluate("hash => { location.hash = hash }", ";".join(f"{name}?{state}" for name in names)[:4000])
        for name in names:
            page.evaluate("hash => { location.hash = hash }", f"!{name}?{state}")
            page.wait_for_timeout(30)
        problems = page.locator(".problem:visible").all_inner_texts()
        assert not [one for one in problems if "could not be drawn" in one or "undefined" in one], (value, problems)
    for whole in (
        "#!" + "x" * 100_000,
        "#!%",
        "#!?;?;;&&==",
        "#!nobody?text=x",
        "#!model",
        "#!javascript:window.broken=1",
    ):
        opened(whole)
        assert page.locator("#model .part").count() > 8
        assert "“·red”" in page.locator("#model .sentence").inner_text()
