"""EmbeddingExplorer in a real browser: search, pins, frames, analogies."""

import numpy as np
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


def explorer(**settings) -> EmbeddingExplorer:
    return EmbeddingExplorer(FILM, WORDS, groups=GROUPS, n_neighbors=4, **settings)


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


def test_searching_shows_the_true_neighbors(show, page):
    show(explorer())
    before = painted(page)
    search(page, "king")
    assert names(page) == [word for word, _ in SPACE.neighbors("king", 4)]
    assert "nearest to “king”" in said(page)
    assert painted(page) != before
    assert "vectors.neighbors('king')" in page.locator(".lv .code code").text_content()
    page.locator(".lv .twin summary").click()
    expect(page.locator(".lv .twin tbody tr")).to_have_count(len(WORDS) - 1)


def test_keys_move_pin_compare_and_unpin(show, page):
    show(explorer())
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


def test_frames_are_scrubbed_and_played(show, page):
    show(explorer(chosen="king"))
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


def test_the_analogy_machine_has_its_lid_off(show, page):
    show(explorer(analogy=("man", "king", "woman")))
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
