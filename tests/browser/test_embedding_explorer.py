"""EmbeddingExplorer in a real browser: a page from a file, offline, by mouse and by keys; and live in JupyterLab."""

import json

import nbformat
import numpy as np
import pytest
from playwright.sync_api import expect

from llmviz.embeddings import vectors
from llmviz.widgets import EmbeddingExplorer

RNG = np.random.default_rng(2)
WORDS = ["king", "queen", "man", "woman", "red", "blue", "kite", "ball", "Mia", "Tom"]
ROYAL, SHE = np.eye(8)[:2]
FINAL = 0.15 * RNG.normal(size=(10, 8)) + np.array(
    [ROYAL, ROYAL + SHE, 0.3 * ROYAL, SHE, *np.repeat(np.eye(8)[2:5], 2, axis=0)]
)
FILM = np.stack([RNG.normal(size=(10, 8)), (FINAL + RNG.normal(size=(10, 8))) / 2, FINAL])
GROUPS = ["people"] * 4 + ["color"] * 2 + ["toy"] * 2 + ["name"] * 2
SPACE = vectors.WordVectors(WORDS, FINAL)
HOSTILE = ["<img src=x onerror=window.broken=1>", "</script><script>window.broken=1</script>", "\u202eright to left",
           "lone \ud83d", "ten thousand " * 800, "safe"]  # fmt: skip


def explorer(**settings) -> EmbeddingExplorer:
    return EmbeddingExplorer(FILM, WORDS, groups=GROUPS, n_neighbors=4, **settings)


@pytest.fixture
def show(page, tmp_path):
    """Put HTML into a file, open it as file://, and return the page."""

    def open_(html: str):
        path = tmp_path / "page.html"
        path.write_text(f'<!doctype html><meta charset="utf-8"><body>{html}</body>', encoding="utf-8")
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(path.as_uri())
        return page

    return open_


def said(page) -> str:
    return page.locator(".lv .sentence").first.inner_text()


def names(page) -> list[str]:
    return page.locator(".lv .card .name").all_inner_texts()


def search(page, word: str) -> None:
    page.locator(".lv .search").fill(word)
    page.locator(".lv .search").press("Enter")


def painted(page) -> int:
    """A number that changes with what is painted."""
    return page.locator(".lv canvas").first.evaluate(
        "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.reduce((a, x) => (a * 31 + x) | 0, 7)"
    )


def test_searching_shows_the_true_neighbors(show):
    page = show(explorer().page_html())
    before = painted(page)
    search(page, "king")
    assert names(page) == [word for word, _ in SPACE.neighbors("king", 4)]
    assert "nearest to “king”" in said(page)
    assert painted(page) != before
    assert "vectors.neighbors('king')" in page.locator(".lv .code code").text_content()
    page.locator(".lv .twin summary").click()
    expect(page.locator(".lv .twin tbody tr")).to_have_count(len(WORDS) - 1)
    assert page.errors == [] and page.outside == []


def test_keys_move_pin_compare_and_unpin(show):
    page = show(explorer().page_html())
    canvas = page.locator(".lv canvas")
    search(page, "king")
    canvas.focus()
    page.keyboard.press("Enter")
    search(page, "queen")
    assert page.locator(".lv .card").count() == 2
    canvas.focus()
    page.keyboard.press("Enter")
    assert f"cosine {SPACE.cosine('king', 'queen'):.2f}" in said(page)
    page.keyboard.press("Escape")
    assert page.locator(".lv .card").count() == 1
    here = said(page)
    for key in ("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
    assert "nearest to" in said(page)
    moved = {here, said(page)}
    for key in ("ArrowLeft", "ArrowLeft", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
        moved.add(said(page))
    assert len(moved) > 1
    page.locator(".lv .card button").first.focus()
    page.keyboard.press("ArrowDown")
    second = names(page)[1]
    page.keyboard.press("Enter")
    assert f"“{second}”" in said(page)


def test_the_pointer_previews_and_a_click_pins(show):
    page = show(explorer().page_html())
    search(page, "king")
    box = page.locator(".lv canvas").bounding_box()
    found = set()
    for x in range(20, int(box["width"]), 25):
        for y in range(20, int(box["height"]), 25):
            page.mouse.move(box["x"] + x, box["y"] + y)
            found.add(said(page))
        if len(found) > 2:
            break
    assert len(found) > 2
    page.mouse.click(box["x"] + x, box["y"] + y)
    page.mouse.move(0, 0)
    assert "nearest to" in said(page)


def test_frames_are_scrubbed_and_played(show):
    page = show(explorer(chosen="king").page_html())
    canvas = page.locator(".lv canvas")
    canvas.focus()
    last = painted(page)
    assert said(page).startswith("frame 3: ")
    page.keyboard.press("[")
    assert said(page).startswith("frame 2: ")
    page.keyboard.press("[")
    first = painted(page)
    assert said(page).startswith("frame 1: ") and first != last
    page.keyboard.press(" ")
    page.wait_for_function(
        "() => document.querySelector('.lv').shadowRoot.querySelector('.framename').textContent === 'frame 3'"
    )
    assert said(page).startswith("frame 3: ")
    assert page.errors == []


def test_the_analogy_machine_has_its_lid_off(show):
    page = show(explorer(analogy=("man", "king", "woman")).page_html())
    ranked = SPACE.analogy("man", "king", "woman", 8, exclude_inputs=False)
    best = SPACE.analogy("man", "king", "woman", 1)[0][0]
    assert names(page)[:5] == [word for word, _ in ranked][:5]
    assert page.locator(".lv .asked").count() == len({"man", "king", "woman"} & {word for word, _ in ranked})
    assert f"is to “{best}”" in said(page)
    page.get_by_label("leave out the question's words").click()
    assert f"is to “{ranked[0][0]}”" in said(page) and "all words allowed" in said(page)
    box = page.locator(".lv .ask input[type=text]").nth(2)
    box.fill("nobody")
    box.press("Enter")
    assert "not among these words" in said(page)


def test_predict_hides_the_answer_until_a_guess(show):
    page = show(explorer().page_html())
    page.get_by_role("button", name="predict", exact=True).click()
    assert page.locator(".lv .card").count() == 0
    assert not page.locator(".lv .twin").is_visible()
    hidden = painted(page)
    page.keyboard.press("Enter")  # the first option has the focus
    assert page.locator(".lv .verdict").inner_text().startswith(("Yes: ", "No: "))
    assert page.locator(".lv .card").count() == 1 and painted(page) != hidden
    page.get_by_role("button", name="next question").click()
    assert page.locator(".lv .card").count() == 0
    page.get_by_role("button", name="leave predict mode").click()
    assert page.locator(".lv .options").count() == 0


def test_hostile_words_are_inert_and_two_explorers_live_on_one_page(show):
    hostile = EmbeddingExplorer(RNG.normal(size=(6, 3)), HOSTILE, groups=HOSTILE, chosen="safe")
    page = show(hostile.page_html() + explorer(chosen="Mia").page_html())
    assert page.evaluate("window.broken") is None
    assert page.locator(".lv[data-ready]").count() == 2
    assert page.locator(".lv .sentence").nth(1).inner_text().startswith("frame 3: nearest to “Mia”")
    assert page.locator("img[src=x]").count() == 0
    assert page.errors == [] and page.outside == []


def test_it_is_readable_in_the_dark_and_on_a_phone(show):
    page = show(explorer(chosen="king").page_html())
    page.emulate_media(color_scheme="dark")
    page.add_style_tag(content=":root { color-scheme: dark; }")
    page.wait_for_timeout(100)
    ink = page.locator(".lv .frame").evaluate("e => getComputedStyle(e).color")
    assert ink == "rgb(255, 255, 255)"
    page.set_viewport_size({"width": 400, "height": 800})
    page.wait_for_timeout(100)
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1]
    canvas, card = (page.locator(f".lv {name}").bounding_box() for name in ("canvas", ".card"))
    assert card["y"] > canvas["y"] + canvas["height"]


PYTHON = {"name": "python3", "display_name": "Python 3"}
LIVE = """
from llmviz import embeddings
from llmviz.widgets import EmbeddingExplorer
texts = ["king he crown", "queen she crown", "red kite he", "blue kite she"] * 400
steps = embeddings.train_word2vec_steps(texts, d_model=4, epochs=2, n_frames=6)
live = EmbeddingExplorer.live(steps, ["king", "queen", "red", "blue", "kite"], chosen="king")
display(live)
"""


def test_live_training_in_jupyterlab_and_the_page_beside_it(lab, page):
    from lab_pages import open_notebook, run_all

    cells = [
        nbformat.v4.new_code_cell(LIVE.strip()),
        nbformat.v4.new_code_cell("_ = live.run()\nprint(live.frame)"),
        nbformat.v4.new_code_cell("EmbeddingExplorer(live.last.vectors, chosen='king')"),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": PYTHON})
    (lab.folder / "live_embeddings.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    open_notebook(page, lab.url("live_embeddings.ipynb"))
    cells = run_all(page)
    assert not [output for cell in cells for output in cell["outputs"] if output["type"] == "error"]
    from playwright.sync_api import expect

    live, still = (page.locator(".sentence").nth(i) for i in (0, 1))
    expect(live).to_contain_text("nearest to “king”")
    expect(live).to_contain_text("step ")
    expect(still).to_contain_text("nearest to “king”")
    last_frame = int(cells[1]["text"].split()[-1])
    assert last_frame > 3
    assert page.locator(".frame").first.locator("input[type=range]").get_attribute("max") == str(last_frame)
    page.locator("canvas").first.focus()
    page.keyboard.press("[")
    page.wait_for_timeout(300)
    assert page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length") == 3  # no key reached the notebook
    assert page.outside == []
