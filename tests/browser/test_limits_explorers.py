"""The fact world and the bias dial in a real browser: switches move the rates, keys walk, everything can be read."""

import pytest
from explorer_pages import Sample, Shown, judge, listen, write_page

from llmviz import artifacts
from llmviz.widgets import BiasDialExplorer, FactWorldExplorer


@pytest.fixture(scope="module")
def pages():
    tiny = artifacts.load_model("tiny")
    world = FactWorldExplorer(tiny.model, tiny.tokenizer, taught=tiny.model)
    return world.page_html(), BiasDialExplorer(artifacts.load_recording("limitations"), ratio=0.9).page_html()


@pytest.fixture
def show(page, tmp_path, pages):
    """Open both on one page from a file; in the end nothing went wrong, and nothing was asked of the network."""
    listen(page)

    def open_(**options) -> tuple[Shown, Shown]:
        page.goto(write_page(tmp_path, *pages, **options))
        page.wait_for_function("document.querySelectorAll('.lv[data-ready]').length === 2")
        return Shown(page, Sample("", at=".mark[tabindex='0']")), Shown(page, Sample("", at="input[type=range]"), 1)

    yield open_
    assert page.wrong == []
    assert [address for address in page.asked if not address.startswith(("file:", "data:", "blob:"))] == []


@pytest.mark.parametrize("dark", [False, True])
def test_switches_move_the_rates_and_the_dial_what_is_learned(show, page, dark):
    world, dial = show(dark=dark)
    judge(page)
    rates = world.frame.locator(".rates .number")
    assert rates.all_inner_texts() == ["100 %", "62 %", "38 %"]
    world.frame.get_by_text("the fact stands in front").click()
    assert int(rates.all_inner_texts()[2].split()[0]) < 10
    world.frame.locator("input[type=range]").fill("1")
    assert rates.all_inner_texts()[0] != "100 %"
    assert len(world.walk()) > 2
    before = dial.said()
    dial.frame.get_by_text("balance the nameless").click()
    assert "half and half" in dial.said() != before
    dial.frame.get_by_text("always the best token").click()
    dial.stop.fill("3")
    assert "Planted 30 % she" in dial.said() and "best token" in dial.said()
    judge(page)
