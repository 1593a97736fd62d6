"""One notebook with every explorer twice and every live one: run in JupyterLab, reopened, distrusted, exported."""

from pathlib import Path

import nbformat
import pytest
from explorer_pages import PRELUDE, SAMPLES, TEXTS, Shown, judge, listen, notebook_of
from lab_pages import open_notebook, run_all
from playwright.sync_api import expect

from llmviz import export

NAME = "explorers.ipynb"
LIVE = {name: sample for name, sample in SAMPLES.items() if sample.live}
CELLS = [f"{PRELUDE}\ntexts = {TEXTS}"]
CELLS += [f"display({sample.source}, {sample.source})" for sample in SAMPLES.values()]
CELLS += [f"{name} = {sample.live}\n{name}" for name, sample in LIVE.items()]
N_PAGES = 2 * len(SAMPLES)
THEME = """(name) => jupyterapp.commands.execute('apputils:change-theme', { theme: name })"""
SAVE = "jupyterapp.commands.execute('docmanager:save')"
SHOW_ALL = """async () => {
    const notebook = jupyterapp.shell.currentWidget.content;
    for (let index = 0; index < notebook.widgets.length; index++) await notebook.scrollToItem(index);
}"""
N_CELLS = "jupyterapp.shell.currentWidget.content.widgets.length"


def shown_in(page) -> list[Shown]:
    """Each sample twice, then the live ones, as they stand on the page."""
    samples = [sample for sample in SAMPLES.values() for _ in range(2)] + list(LIVE.values())
    return [Shown(page, sample.at, place) for place, sample in enumerate(samples)]


@pytest.fixture(scope="module")
def notebook(lab) -> Path:
    """The notebook in the folder of the running JupyterLab, not yet run."""
    path = lab.folder / NAME
    path.write_text(notebook_of(*CELLS), encoding="utf-8")
    return path


def test_all_are_alive_in_jupyterlab_and_keys_stay_inside(lab, page, notebook):
    open_notebook(page, lab.url(NAME))
    listen(page)
    cells = run_all(page)
    assert [output["error"] for cell in cells for output in cell["outputs"] if output["type"] == "error"] == []
    assert page.locator(".lv[data-ready]").count() == N_PAGES
    shown = shown_in(page)
    for explorer in shown:
        assert len(explorer.walk()) > 1
        for key in ("b", "d", "d", "x", "Enter", "Escape"):
            page.keyboard.press(key)
        assert explorer.problem() == ""
    assert page.evaluate(N_CELLS) == len(CELLS)
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        page.evaluate(THEME, theme)
        page.wait_for_function(f"document.body.dataset.jpThemeName === '{theme}'")
        page.wait_for_timeout(200)
        judge(page)
    type_into_live_ones(page, shown[N_PAGES:])
    page.evaluate(SAVE)
    page.wait_for_function("!jupyterapp.shell.currentWidget.context.model.dirty")
    assert page.outside == []


def type_into_live_ones(page, shown: list[Shown]) -> None:
    """The kernel answers each text, and says in the explorer's own place what it cannot show."""
    for explorer in shown:
        box = explorer.frame.get_by_role("textbox").first
        before = explorer.said()
        box.fill("Otto lost a blue ball")
        expect(explorer.frame.locator(".sentence")).not_to_have_text(before)
        expect(explorer.frame).to_contain_text("Otto")
        box.fill("x" * 100_001)
        expect(explorer.frame.locator(".problem")).to_be_visible()
        box.fill("Mia")
        expect(explorer.frame.locator(".problem")).to_be_hidden()


@pytest.fixture
def saved(notebook):
    """The notebook as the test above has saved it."""
    if not nbformat.read(notebook, as_version=4).cells[1].outputs:
        pytest.fail("the notebook was not run: run the test above first, in the same session")
    return notebook


SMALL = {"width": 1366, "height": 768}
TALL = """
from llmviz import artifacts, training
from llmviz.widgets import AttentionExplorer, FactWorldExplorer, TokenExplorer, TrainingExplorer
tiny = artifacts.load_model("tiny")
runs = [training.load_recording(name) for name in ("tinyville", "overfitted")]
display(AttentionExplorer.live(tiny.model, tiny.tokenizer), TrainingExplorer(runs[0]),
        TrainingExplorer(runs[0], compare=runs[1]), FactWorldExplorer(tiny.model, tiny.tokenizer),
        TokenExplorer("Donaudampfschiff 👩‍🚀", [tiny.tokenizer, "gpt2", "gpt-4", "gpt-4o"]).live())
"""


def test_on_a_small_screen_cause_and_effect_are_seen_together(lab, page):
    """Heads to the left of the map, losses below the heads; the slider stays in sight where the picture is scrolled."""
    (lab.folder / "small.ipynb").write_text(notebook_of(TALL, "print('\\n' * 60)"))
    page.set_viewport_size(SMALL)
    open_notebook(page, lab.url("small.ipynb"))
    run_all(page)
    expect(page.locator(".frame")).to_have_count(5)
    screen = page.locator(".jp-WindowedPanel-outer").bounding_box()
    heights = [frame.bounding_box()["height"] for frame in page.locator(".frame").all()]
    assert max(heights) <= 580 <= screen["height"], heights
    first = page.locator(".frame").first
    heads, weights, losses = (first.locator(part).bounding_box() for part in (".heads", ".map", ".losses"))
    assert max(one["x"] + one["width"] for one in (heads, losses)) <= weights["x"]
    assert losses["y"] >= heads["y"] + heads["height"]
    for frame in page.locator(".frame").filter(has=page.locator(".scrub")).all():
        frame.evaluate("one => one.scrollIntoView({ block: 'start' })")
        page.locator(".jp-WindowedPanel-outer").evaluate("one => one.scrollBy(0, 200)")
        page.wait_for_timeout(300)
        expect(frame.locator(".scrub")).to_be_in_viewport(ratio=1)
        assert frame.bounding_box()["y"] < screen["y"] - 100
        assert frame.locator(".scrub").bounding_box()["y"] >= screen["y"]


def test_reopened_they_are_alive_without_running(lab, page, saved):
    open_notebook(page, lab.url(NAME))
    page.evaluate(SHOW_ALL)
    expect(page.locator(".lv[data-ready]")).to_have_count(N_PAGES)
    for explorer in shown_in(page)[:N_PAGES]:
        assert len(explorer.walk()) > 1
    assert page.outside == []


def test_distrusted_they_are_sentence_picture_and_table(lab, page, saved):
    """A notebook from a stranger: scripts are taken out, what reads well on its own stays."""
    strange = nbformat.read(saved, as_version=4)
    strange.cells[0].source += "\n# from a stranger"
    nbformat.write(strange, lab.folder / "strange.ipynb")
    open_notebook(page, lab.url("strange.ipynb"))
    page.evaluate(SHOW_ALL)
    assert page.locator("[data-ready], .lv-module, .frame").count() == 0
    pictures = page.locator(".jp-RenderedHTML img[alt]")
    assert pictures.count() >= N_PAGES
    for picture in pictures.all():
        assert picture.evaluate("one => one.naturalWidth") > 100
        assert len(picture.get_attribute("alt")) > 20
    assert page.locator(".jp-RenderedHTML details table").count() >= N_PAGES
    assert page.outside == []


def test_exported_they_are_alive_from_a_file(page, saved, tmp_path):
    export.export([saved], tmp_path)
    listen(page)
    page.goto((tmp_path / "explorers.html").as_uri())
    assert page.locator(".lv[data-ready]").count() >= N_PAGES
    for explorer in shown_in(page)[:N_PAGES]:
        assert len(explorer.walk()) > 1
    judge(page)
    assert page.wrong == [] and page.outside == []
