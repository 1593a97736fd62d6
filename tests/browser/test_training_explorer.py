"""The training scrubber in a real browser: hover looks, a click pins and compares, two runs move together."""

import pytest
from explorer_pages import SAMPLES, Shown, judge, listen, write_page
from playwright.sync_api import expect

from llmviz import training
from llmviz.widgets import TrainingExplorer

SAMPLE = SAMPLES["training"]


@pytest.fixture
def show(page, tmp_path):
    """Open explorers as a page from a file; in the end nothing went wrong, and nothing was asked of the network."""
    listen(page)

    def open_(explorer) -> Shown:
        page.goto(write_page(tmp_path, explorer.page_html()))
        page.wait_for_selector(".lv[data-ready]")
        return Shown(page, SAMPLE)

    yield open_
    assert page.wrong == [] and page.outside == []
    assert [address for address in page.asked if not address.startswith(("file:", "data:", "blob:"))] == []


def test_all_panels_change_together_with_the_slider(show):
    shown = show(TrainingExplorer(training.load_recording("tinyville")))
    panels = {name: shown.frame.locator(f".cells > .{name}") for name in ("loss", "writes", "bars", "looks", "map")}
    looks = [{name: one.screenshot() for name, one in panels.items()}]
    for place in ("8", "21"):
        shown.frame.get_by_role("slider", name="saved step").fill(place)
        looks.append({name: one.screenshot() for name, one in panels.items()})
    for name in panels:
        assert len({look[name] for look in looks}) == 3, name
    assert "Step 2,000" in shown.said() and "below bigram and above exact entropy" in shown.said()
    lighthouse = shown.frame.locator(".bar").first
    assert lighthouse.inner_text().split() == ["·lighthouse", "1.00"]


def test_hover_looks_a_click_pins_and_escape_lets_go(show, page):
    shown = show(TrainingExplorer(training.load_recording("overfitted")))
    marks = shown.frame.locator(".marks")
    before = shown.said()
    box = marks.bounding_box()
    marks.hover(position={"x": box["width"] * 0.4, "y": 60})
    expect(shown.frame.locator(".sentence")).not_to_have_text(before)
    marks.click(position={"x": box["width"] * 0.4, "y": 60})
    pinned = shown.said()
    page.mouse.move(0, 0)
    page.keyboard.press("End")
    expect(shown.frame.locator(".sample.pin1")).to_contain_text("Pinned, step ")
    assert "Pinned, step" in shown.said() and pinned.split(".")[0].removeprefix("Step ") in shown.said()
    assert shown.frame.locator(".ghost:visible").count() == shown.frame.locator(".bar").count()
    page.keyboard.press("Escape")
    assert "Pinned" not in shown.said() and shown.frame.locator(".sample.pin1").count() == 0


def test_two_runs_move_together_and_can_be_read(show, page):
    shown = show(TrainingExplorer(training.load_recording("tinyville"), compare=training.load_recording("overfitted")))
    shown.stop.focus()
    page.keyboard.press("End")
    copied = shown.frame.locator(".meter", has_text="memorized passage").locator(".number").all_inner_texts()
    assert [int(share.removesuffix(" %")) for share in copied] == [31, 100]
    assert "32,000 texts of Tinyville: " in shown.said() and "300 texts of Tinyville: " in shown.said()
    for width in (1280, 400):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(60)
        judge(page)
