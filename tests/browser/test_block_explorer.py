"""The block explorer in a real browser: walked by keys, opened down to the stream before, readable everywhere."""

import pytest
import torch
from explorer_pages import HOSTILE, Sample, Shown, judge, listen, write_page
from fakes import noisy_model, random_ids

from llmviz.widgets import BlockExplorer

MODEL = noisy_model()
SAMPLE = Sample("", at=".stages")


def page_of(tokens):
    with torch.no_grad():
        parts = MODEL.trace(random_ids(len(tokens))).blocks[1]
    return BlockExplorer(MODEL.blocks[1], parts, tokens, layer=1).page_html()


@pytest.fixture
def show(page, tmp_path):
    """Open it as a page from a file; in the end nothing went wrong, and nothing was asked of the network."""
    listen(page)

    def open_(tokens=("Mia", " found", " a"), **options) -> Shown:
        page.goto(write_page(tmp_path, page_of(list(tokens)), **options))
        assert page.locator(".lv[data-ready]").count() == 1
        return Shown(page, SAMPLE)

    yield open_
    assert page.wrong == []
    assert [address for address in page.asked if not address.startswith(("file:", "data:", "blob:"))] == []


def products(explorer) -> list[str]:
    return explorer.frame.locator(".opened tbody tr").all_inner_texts()


def test_enter_opens_the_largest_product_and_escape_goes_back(show, page):
    explorer = show()
    explorer.stop.focus()
    start = explorer.said()
    assert start.startswith("stream after, “·a”, number ")
    said = [start]
    for _ in range(12):
        page.keyboard.press("Enter")
        if explorer.said() == said[-1]:
            break
        said.append(explorer.said())
    assert said[-1].startswith("stream before")
    assert products(explorer) == []
    assert explorer.frame.locator(".trail button").count() == len(said) - 1
    for sentence in reversed(said[:-1]):
        page.keyboard.press("Escape")
        assert explorer.said() == sentence


def test_arrows_walk_over_numbers_and_stages(show, page):
    explorer = show()
    assert len(explorer.walk()) == 3  # the next number, back again, the stage above
    assert explorer.said().startswith("MLP output")
    page.keyboard.press("Home")
    assert ", number 0 " in explorer.said()
    page.keyboard.press("End")
    assert ", number 23 " in explorer.said()


def test_a_click_on_a_strip_and_on_a_factor_leads_there(show, page):
    explorer = show()
    strip = explorer.frame.locator("canvas").nth(7)
    strip.click(position={"x": 3, "y": 5})
    assert explorer.said().startswith("hidden layer, “·a”, number 0 ")
    explorer.frame.locator(".opened td button").first.click()
    assert explorer.said().startswith("MLP input")
    explorer.frame.locator("select").select_option("0")
    assert explorer.said().startswith("MLP input, “Mia”")


def test_the_products_and_the_small_rest_add_up_to_the_sum(show):
    explorer = show()
    explorer.frame.get_by_role("button", name="MLP output").first.click()
    *rows, total = products(explorer)
    assert len(rows) == 9 and "smaller ones together" in rows[-1]
    numbers = [float(row.split("\t")[-3 if "smaller" in row else 4].replace("−", "-")) for row in rows]
    assert sum(numbers) == pytest.approx(float(total.split("\t")[1].replace("−", "-")), abs=0.1)


def test_one_can_leave_it_by_tab(show, page):
    explorer = show()
    page.evaluate("document.body.append(Object.assign(document.createElement('button'), { id: 'behind' }))")
    explorer.stop.focus()
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "behind":
            return
    pytest.fail("Tab does not lead out of the explorer")


def test_hostile_texts_are_inert(show, page):
    explorer = show(HOSTILE)
    explorer.walk()
    page.keyboard.press("Enter")
    explorer.frame.locator(".twin summary").click()
    assert page.evaluate("window.broken") is None
    assert page.locator("img[src=x]").count() == 0
    assert explorer.problem() == ""


@pytest.mark.parametrize("dark", [False, True])
def test_it_can_be_read_at_every_width_light_and_dark(show, page, dark):
    page.emulate_media(color_scheme="dark" if dark else "light")
    explorer = show(dark=dark)
    for width in (1280, 560, 360):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(60)
        explorer.walk()
        page.keyboard.press("Enter")
        judge(page)
