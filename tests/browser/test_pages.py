"""The exported pages from file://, offline: nothing asked from outside, nothing blank, explorers alive."""

import gzip
import re
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from playwright.sync_api import expect

from llmviz import artifacts

NOTEBOOKS = sorted(path.stem for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
BLANK = """() => [...document.querySelectorAll('section.cell, .output')]
    .filter(cell => cell.getBoundingClientRect().height < 8).map(cell => cell.outerHTML.slice(0, 200))"""
WIDE = """() => [...document.querySelectorAll('main *')]
    .filter(one => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest('.output, .input, pre, table'))
    .map(one => one.outerHTML.slice(0, 200))"""
STUCK = """() => [...document.querySelectorAll('pre, table, p, li, .input, .output')]
    .filter(one => one.scrollWidth > one.clientWidth && getComputedStyle(one).overflowX === 'auto' && one.tabIndex < 0)
    .map(one => one.outerHTML.slice(0, 200))"""
INK = """(selector) => { const style = getComputedStyle(document.querySelector(selector)); return style.color }"""


@pytest.fixture
def opened(page, exported_pages):
    """Open a page, and write down what it asks for and what goes wrong in it."""
    page.asked, page.wrong = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("console", lambda message: page.wrong.append(message.text) if message.type == "error" else None)

    def open_page(name: str):
        page.goto((exported_pages / name).as_uri())
        return page

    return open_page


@pytest.mark.parametrize("name", ["index", *NOTEBOOKS])
def test_page_is_whole_alive_asks_for_nothing_and_fits_a_phone(opened, name):
    """Each explorer has been started by its own module, and shows its frame, not the sentence of what went wrong."""
    page = opened(f"{name}.html")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    explorers = page.locator("main .lv")
    expect(page.locator("main .lv[data-ready]")).to_have_count(explorers.count())
    for number in range(explorers.count()):
        assert explorers.nth(number).locator(".frame .sentence").inner_text().strip()
        assert explorers.nth(number).locator(".problem:visible").count() == 0
    assert page.evaluate(BLANK) == []
    assert page.evaluate(WIDE) == []
    broken = "() => [...document.images].filter(one => !one.complete || !one.naturalWidth).length"
    assert page.evaluate(broken) == 0
    fits_a_phone(page)
    assert [url for url in page.asked if not url.startswith(("data:", "blob:", page.url))] == []
    assert page.outside == []
    assert page.wrong == []


def test_a_widget_that_is_still_being_read_waits_for_its_own_script(page, exported_pages):
    """The first of two alike starts while the browser has read half of the second: both come alive."""
    text = (exported_pages / "05_pretraining.html").read_text(encoding="utf-8")
    page.goto((exported_pages / "index.html").as_uri())
    explorers = [match.start() for match in re.finditer('<div class="lv lv-', text)]
    alike = re.compile("lv-[0-9a-f]{12}").findall(text[explorers[0] :])[0]
    second = text.index(f'<div class="lv {alike}"', explorers[0] + 1) + 200
    page.evaluate("(half) => { document.open(); document.write(half); }", text[:second])
    expect(page.locator("main .lv").first).to_have_attribute("data-ready", "true")
    page.wait_for_timeout(300)
    page.evaluate("(rest) => { document.write(rest); document.close(); }", text[second:])
    expect(page.locator("main .lv[data-ready]")).to_have_count(len(explorers))
    assert page.get_by_role("alert").filter(has_text="cannot be touched").count() == 0


def fits_a_phone(page):
    """Nothing scrolls the page sideways, and what scrolls itself can be reached. Headings follow one another."""
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, page.url
    assert page.evaluate(STUCK) == [] and page.evaluate("document.querySelector('[role=region]')") is None
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map(one => Number(one.tagName[1]))")
    assert all(deeper - level < 2 for level, deeper in pairwise(levels)), page.url


@pytest.mark.slow
def test_pages_beside_the_lessons_fit_a_phone(page, exported_pages):
    lessons = {exported_pages / f"{name}.html" for name in ("index", *NOTEBOOKS)}
    others = sorted({*exported_pages.rglob("*.html")} - lessons)
    assert len(others) > len(NOTEBOOKS)
    for path in others:
        page.goto(path.as_uri())
        fits_a_phone(page)


def test_no_page_is_heavy(exported_pages, record_property):
    """Before one acts a page loads itself alone (tested above); what lies beside it comes on demand, counted apart."""

    def weights(pattern: str) -> dict[str, int]:
        return {path.name: len(gzip.compress(path.read_bytes())) for path in exported_pages.rglob(pattern)}

    record_property("pages", pages := weights("*.html"))
    record_property("on demand", beside := weights("*.js"))
    assert {name: weight for name, weight in pages.items() if weight > 1_500_000} == {}
    texts = [path.read_text(encoding="utf-8") for path in exported_pages.glob("*.html")]
    assert set(beside) == {name for text in texts for name in re.findall(' data-beside="([^"]*)"', text)}
    assert len(beside) == 4 and sum(beside.values()) < 2_500_000, beside


@pytest.mark.parametrize("name", ["00_start_here", "torch_in_ten_minutes"])
def test_a_page_without_python_asks_for_no_keys_of_jupyter(opened, name):
    page = opened(f"{name}.html")
    assert page.locator(".in-jupyter").count() == 1 and page.locator(".in-jupyter:visible").count() == 0
    assert "Shift + Enter" not in page.locator("main").inner_text()


@pytest.mark.parametrize(
    ("text", "tolerance"), [("Mia lost a red kite. Tom found the", 0.011), ("😀 <script>x</script> مرحبا 你好", 0.05)]
)
def test_without_python_the_page_continues_a_text_of_ones_own(opened, text, tolerance):
    """The probabilities of lesson 0's bars are those of torch, for the first token and for one that is clicked.

    The page's weights have 8 bits: on texts unlike those of the training they differ by some hundredths.
    """
    page, tiny = opened("00_start_here.html"), artifacts.load_model("tiny")
    bars = page.locator("main .lv[data-model]").first
    box = bars.get_by_label("prompt")
    box.fill(text)
    box.press("Enter")
    ids = tiny.tokenizer.encode_prompt(text)
    for n_clicked in range(2):
        expect(bars.locator(".chip")).to_have_count(len(ids))
        with torch.inference_mode():
            probability, best = tiny.model(torch.tensor([ids]))[0, -1].softmax(-1).max(-1)
        shown = float(bars.locator(".row .number").first.inner_text())
        assert abs(shown - probability.item()) <= tolerance, n_clicked
        bars.locator(".row").first.click()
        ids.append(best.item())
    assert bars.locator(".problem:visible").count() == 0 and page.wrong == []
    box.fill("kite " * 300)
    box.press("Enter")
    expect(bars.locator(".problem")).to_contain_text("This model sees 128 tokens at once")


def test_one_can_walk_from_lesson_to_lesson(opened):
    page = opened("index.html")
    page.get_by_role("heading", level=2).get_by_role("link").first.click()
    assert page.url.endswith("/00_start_here.html")
    page.locator("nav a[rel=next]").click()
    assert page.url.endswith(f"/{NOTEBOOKS[1]}.html")
    page.get_by_role("link", name="All lessons").click()
    assert page.url.endswith("/index.html")


def test_light_and_dark_follow_the_system_until_one_chooses(opened):
    page = opened("00_start_here.html")
    light = page.evaluate(INK, "main p")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
    assert page.evaluate(INK, "main p") != light
    page.get_by_role("button", name="light or dark").click()
    assert page.evaluate(INK, "main p") == light
    page.reload()
    assert page.evaluate(INK, "main p") == light


def test_the_page_itself_refuses_what_would_leave_it(opened):
    page = opened("index.html")
    page.evaluate("document.body.append(Object.assign(new Image(), {src: 'https://example.org/picture.png'}))")
    page.wait_for_timeout(200)
    assert page.outside == []
    assert any("Content Security Policy" in message for message in page.wrong)
