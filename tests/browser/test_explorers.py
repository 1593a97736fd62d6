"""What every explorer promises, in a real browser, as a page from a file: one line in SAMPLES and it is tested here."""

from pathlib import Path

import explorer_pages
import pytest
from explorer_pages import HOSTILE, SAMPLES, Shown, judge, listen, write_page

CLOSED_CLIPBOARD = """Object.defineProperty(navigator, "clipboard", { value: {
    write: () => Promise.reject(new Error("closed")), writeText: () => Promise.reject(new Error("closed")) } })"""
MONKEY = (Path(explorer_pages.__file__).parent / "explorer_monkey.js").read_text(encoding="utf-8")
every_explorer = pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)


@pytest.fixture
def show(page, tmp_path, sample):
    """Open a sample as a page from a file, and make sure in the end that all went well and nothing was asked."""
    listen(page)

    def open_(*pages: str, **options) -> list[Shown]:
        pages = pages or (sample.html(),)
        page.goto(write_page(tmp_path, *pages, **options))
        assert page.locator(".lv[data-ready]").count() == len(pages)
        return [Shown(page, sample, place) for place in range(len(pages))]

    yield open_
    assert page.wrong == [] and page.outside == []
    assert [address for address in page.asked if not address.startswith(("file:", "data:", "blob:"))] == []


@every_explorer
def test_two_of_them_are_walked_by_keys_and_one_does_not_touch_the_other(show, sample):
    first, second = show(sample.html(), sample.html())
    other = second.seen()
    assert len(first.walk()) > 2
    assert second.seen() == other
    assert first.problem() == second.problem() == ""


@every_explorer
def test_enter_pins_escape_lets_go_and_tab_leads_out(show, sample, page):
    """No keyboard trap: from the picture to behind the explorer in as many stops as there are things to press."""
    [explorer] = show()
    page.evaluate("document.body.append(Object.assign(document.createElement('button'), { id: 'behind' }))")
    explorer.walk()
    before = explorer.frame.screenshot(animations="disabled")
    page.keyboard.press("Enter")
    pinned = explorer.frame.screenshot(animations="disabled")
    assert pinned != before
    page.keyboard.press("Escape")
    assert explorer.frame.screenshot(animations="disabled") != pinned
    stops = 0
    while page.evaluate("document.activeElement.id") != "behind":
        page.keyboard.press("Tab")
        stops += 1
        assert stops < 20


@every_explorer
def test_hostile_texts_are_inert_everywhere(show, sample, page):
    """Also in the sentence, in the table, in the CSV and in the copied picture."""
    [explorer] = show(sample.html(tuple(HOSTILE)))
    explorer.walk()
    explorer.frame.locator(".twin summary").click()
    explorer.frame.locator(".twin tbody tr").nth(2).wait_for(state="attached")
    page.evaluate(CLOSED_CLIPBOARD)
    for name, ending in (("copy PNG", "png"), ("copy CSV", "csv")):
        with page.expect_download() as waiting:
            explorer.frame.get_by_role("button", name=name).click()
        assert waiting.value.suggested_filename.endswith(ending)
        taken = waiting.value.path().read_bytes()
        assert taken.startswith(b"\x89PNG") and len(taken) > 5000 if ending == "png" else taken.count(b"\r\n") >= 4
    assert page.evaluate("window.broken") is None
    assert page.locator("img[src=x]").count() == 0
    assert explorer.problem() == ""


@every_explorer
def test_predicting_comes_before_seeing(show, sample, page):
    [explorer] = show()
    explorer.frame.get_by_role("button", name="predict").first.click()
    asked = explorer.seen()
    assert explorer.frame.locator(".guess .question").inner_text().strip().endswith("?")
    explorer.frame.locator(".option").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert explorer.frame.locator(".verdict").inner_text().strip()
    assert explorer.frame.locator(".option.right").count() == 1 and explorer.seen() != asked
    explorer.frame.get_by_role("button", name="leave predict mode").click()
    assert explorer.frame.locator(".guess:visible").count() == 0


@every_explorer
def test_it_can_be_read_at_every_width_light_and_dark(show, sample, page):
    for dark in (False, True):
        page.emulate_media(color_scheme="dark" if dark else "light")
        [explorer] = show(dark=dark)
        for width in (1280, 560, 360):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(60)
            explorer.walk()
            judge(page)
        explorer.frame.locator("summary:visible").last.click()
        judge(page)


@every_explorer
def test_any_keys_and_clicks_in_any_order_do_no_harm(show, sample, page):
    [explorer] = show()
    explorer.stop.focus()
    page.evaluate(MONKEY)
    assert page.wrong == [] and explorer.problem() == ""
    leave = explorer.frame.get_by_role("button", name="leave predict mode")
    if leave.is_visible():
        leave.click()
    assert len(explorer.walk()) > 1
