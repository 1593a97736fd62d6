"""The three-lane race in a real browser: run, scrubbed, compared, chosen; readable in light and dark."""

import pytest
from explorer_pages import Sample, Shown, judge, listen, write_page

from llmviz.finetuning import METHODS, MethodComparison
from llmviz.finetuning.comparison import _EvalPoint
from llmviz.widgets import ComparisonExplorer

SAMPLE = Sample("", at=".rows [tabindex='0']")


def race_of(task, n_labels):
    points = {method: [_EvalPoint(10 * i, 0.5 + i * (3 - place) / 20, 0.4 + i * place / 5) for i in range(4)]
            for place, method in enumerate(METHODS)}  # fmt: skip
    return MethodComparison(task, n_labels, 0, 1000, {"head": 10, "lora": 100, "full": 1000}, points)


PAGE = ComparisonExplorer([race_of("sentiment", 5), race_of("sentiment", 20), race_of("location_type", 20)]).page_html()


@pytest.fixture
def show(page, tmp_path):
    """Open it as a page from a file; in the end nothing went wrong, and nothing was asked of the network."""
    listen(page)

    def open_(**options) -> Shown:
        page.goto(write_page(tmp_path, PAGE, **options))
        page.locator(".lv[data-ready]").wait_for(state="attached")
        return Shown(page, SAMPLE)

    yield open_
    assert page.wrong == []
    assert [address for address in page.asked if not address.startswith(("file:", "data:", "blob:"))] == []


def test_keys_walk_the_lanes_and_two_pins_compare(show, page):
    explorer = show()
    assert explorer.said().startswith("After 30 steps with 20 labels: frozen head 0.95 right, old loss +0.00;")
    explorer.stop.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert "frozen head against LoRA: +0.15 right, −0.60 forgotten. Here: LoRA." in explorer.said()
    page.keyboard.press("Escape")
    assert "against" not in explorer.said()


def test_runs_by_itself_and_can_be_dragged_and_chosen(show, page):
    explorer = show()
    explorer.frame.get_by_role("button", name="play").click()
    explorer.frame.locator("input[type=range]").fill("1")
    assert explorer.said().startswith("After 10 steps with 20 labels")
    explorer.frame.get_by_label("how many labeled texts").select_option("5")
    assert explorer.said().startswith("After 10 steps with 5 labels")
    explorer.frame.get_by_label("what is to be learned").select_option("location_type")
    assert explorer.said().startswith("After 10 steps with 20 labels")
    assert explorer.frame.get_by_role("button", name="train again").count() == 0  # nobody is there to train


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [900, 390])
def test_can_be_read_in_any_light_and_width(show, page, dark, width):
    page.set_viewport_size({"width": width, "height": 800})
    show(dark=dark)
    judge(page)
