"""BlankExplorer in a real browser: words hidden by clicks and keys, guessed, pinned, readable everywhere."""

import pytest
from explorer_pages import Sample, Shown, judge, listen, write_page

from llmviz import artifacts
from llmviz.tinyville import Tinyville
from llmviz.widgets import FillMaskExplorer

TINY, MASKED = artifacts.load_model("tiny"), artifacts.load_model("masked_long")
SAMPLE = Sample("", at=".words [tabindex='0']")


@pytest.fixture
def show(page, tmp_path):
    """Open it as a page from a file; in the end nothing went wrong, and nothing was asked of the network."""
    listen(page)

    def open_(text="Mia lives in the lighthouse.", dark=False, **options) -> Shown:
        explorer = FillMaskExplorer(MASKED.model, TINY.model, TINY.tokenizer, text, world=Tinyville(), **options)
        page.goto(write_page(tmp_path, explorer.page_html(), dark=dark))
        page.locator(".lv[data-ready]").wait_for()
        return Shown(page, SAMPLE)

    yield open_
    assert page.wrong == []
    assert [address for address in page.asked if not address.startswith(("file:", "data:", "blob:"))] == []


def test_a_click_hides_another_word_without_python_and_a_second_shows_it(show):
    shown = show(hidden=[1])
    assert "both sides most likely “lives”" in shown.said() and shown.said().endswith("Hidden is “lives”.")
    shown.frame.get_by_role("button", name="hide lighthouse").click()
    assert shown.said().endswith("Hidden is “lighthouse”.")
    assert shown.frame.locator(".row.truth .name").inner_text() == "lighthouse"
    shown.frame.get_by_role("button", name="show the word").click()
    assert shown.said().startswith("Nothing is hidden")
    assert not shown.frame.locator(".rows").is_visible()


def test_by_keys_words_are_hidden_and_rows_are_pinned(show, page):
    shown = show(hidden=[1])
    shown.stop.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert shown.said().endswith("Hidden is “in”.")
    shown.frame.locator(".row[tabindex='0']").focus()
    page.keyboard.press("Enter")
    assert shown.frame.locator(".row.pin0").count() == 1 and "exactly" in shown.said()
    page.keyboard.press("Escape")
    assert shown.frame.locator(".row.pin0").count() == 0


def test_before_a_guess_nothing_tells_the_answer(show):
    shown = show(hidden=[1])
    shown.frame.get_by_role("checkbox", name="predict").check()
    assert not shown.frame.locator(".rows").is_visible() and "lives" not in shown.said()
    assert not shown.frame.get_by_text("as a table").is_visible()
    shown.frame.get_by_role("button", name="lives", exact=True).click()
    assert shown.frame.locator(".verdict").inner_text().startswith("Yes. “lives”: from both sides")
    assert shown.frame.locator(".rows").is_visible()


def test_hostile_text_is_inert(show, page):
    show("<img src=x onerror=window.broken=1> </script> and so on")
    assert page.evaluate("window.broken") is None
    assert page.locator("img[src=x]").count() == 0


@pytest.mark.parametrize("dark", [False, True])
def test_it_can_be_read_at_every_width_light_and_dark(show, page, dark):
    page.emulate_media(color_scheme="dark" if dark else "light")
    shown = show(dark=dark, hidden=[1])
    for width in (1000, 360):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(60)
        shown.frame.locator(".row").first.click()
        judge(page)
