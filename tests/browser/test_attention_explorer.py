"""AttentionExplorer in a real browser: heads, lines, map, difference, steps, guesses; its levers in JupyterLab."""

import numpy as np
import pytest
from explorer_pages import SAMPLES, Shown, listen, notebook_of, write_page
from fakes import noisy_model, random_ids

from llmviz.widgets import AttentionExplorer

TOKENS = ["Mia", " found", " a", " red", " kite", "."]


def some_weights(seed: int = 0) -> np.ndarray:
    weights = np.tril(np.random.default_rng(seed).random((2, 3, 6, 6)) ** 3 + 1e-3)
    return weights / weights.sum(-1, keepdims=True)


def from_trace() -> AttentionExplorer:
    """The explorer of a trace, with queries, keys and losses."""
    model = noisy_model()
    return AttentionExplorer(model.trace(random_ids(6)), TOKENS)


@pytest.fixture
def show(page, tmp_path):
    """Open one explorer as a page from a file; in the end nothing was asked for and nothing went wrong."""
    listen(page)

    def open_(explorer, **options) -> Shown:
        page.goto(write_page(tmp_path, explorer.page_html(), **options))
        return Shown(page, SAMPLES["attention"])

    yield open_
    assert page.wrong == [] and page.outside == []


def test_arrows_choose_a_head_and_the_map_follows(show, page):
    shown = show(AttentionExplorer(some_weights(), TOKENS))
    before = shown.frame.locator(".map").screenshot()
    shown.frame.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert shown.frame.locator(".chosen").inner_text().startswith("Layer 1, head 1")
    assert shown.frame.get_by_role("radio", checked=True).get_attribute("aria-label").startswith("layer 1, head 1")
    assert shown.said().startswith("Layer 1, head 1")
    assert shown.frame.locator(".map").screenshot() != before


def test_of_270_heads_the_chosen_one_is_in_sight(show, page):
    weights = np.tril(np.random.default_rng(1).random((30, 9, 6, 6)) + 1e-3)
    shown = show(AttentionExplorer(weights / weights.sum(-1, keepdims=True), TOKENS, layer=18, head=6))
    where = """thumb => {
        const [seen, own] = [thumb.closest('.headbox'), thumb].map((one) => one.getBoundingClientRect());
        return own.top >= seen.top && own.bottom <= seen.bottom + 1 && scrollY === 0;
    }"""
    chosen = shown.frame.get_by_role("radio", checked=True)
    assert chosen.get_attribute("aria-label").startswith("layer 18, head 6")
    assert chosen.evaluate(where)
    chosen.focus()
    for _ in range(11):
        page.keyboard.press("ArrowDown")
    assert chosen.get_attribute("aria-label").startswith("layer 29, head 6")
    assert chosen.evaluate(where.replace("&& scrollY === 0", ""))


def test_both_directions_and_the_exact_number(show):
    weights = some_weights()
    shown = show(AttentionExplorer(weights, TOKENS))
    shown.frame.locator(".left .token").nth(4).hover()
    best = weights[0, 0, 4].argmax()
    assert f"“·kite” (position 4) looks most at “{[t.replace(' ', '·') for t in TOKENS][best]}”" in shown.said()
    assert f"{weights[0, 0, 4, best]:.3f}" in shown.said()
    shown.frame.locator(".right .token").nth(0).hover()
    assert "“Mia” (position 0) is looked at most by “Mia” 1.000" in shown.said()


def test_the_map_is_walked_by_arrows_pinned_and_compared(show, page):
    weights = some_weights()
    shown = show(AttentionExplorer(weights, TOKENS))
    shown.frame.locator(".map").focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    assert f"looks at “·found” (position 1): {weights[0, 0, 4, 1]:.3f}." in shown.said()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    shown.frame.get_by_role("radio", checked=True).focus()
    change = weights[0, 0, 4, 1] - weights[0, 0, 3, 1]
    assert shown.said().endswith(f"From 1 to 2: {change:+.3f}.".replace("-", "−"))
    page.keyboard.press("Escape")
    assert shown.said().startswith("Layer 0, head 0")


def test_what_the_mask_hides_is_said_and_hatched(show, page):
    shown = show(AttentionExplorer(some_weights(), TOKENS))
    box = shown.frame.locator(".map canvas").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + box["height"] - 100)
    assert "may not look at “.” (position 5): the mask hides it" in shown.said()


def test_the_code_line_has_this_cell_s_values(show, page):
    weights = some_weights()
    shown = show(AttentionExplorer(weights, TOKENS, layer=1, head=2))
    shown.frame.locator("details.code summary").click()
    shown.frame.locator(".left .token").nth(3).click()
    key = weights[1, 2, 3].argmax()
    code = shown.frame.locator("details.code code").inner_text()
    assert code == f"trace.attention_weights[1, 0, 2][3, {key}]  # {weights[1, 2, 3, key]:.3f}"
    names = {"trace": type("Trace", (), {"attention_weights": weights[:, None]})}
    assert eval(code, names) == pytest.approx(weights[1, 2, 3, key])


def test_the_difference_of_two_inputs(show, page):
    first, second = some_weights(), some_weights(1)
    shown = show(AttentionExplorer(first, TOKENS, compare=(second, ["Tom", *TOKENS[1:]])))
    select = shown.frame.get_by_role("combobox")
    options = ["the first input", "the second input", "the second minus the first"]
    assert select.locator("option").all_inner_texts() == options
    select.select_option("difference")
    assert shown.frame.locator(".left .token").first.inner_text() == "Mia → Tom"
    shown.frame.locator(".map").focus()
    page.keyboard.press("ArrowDown")
    change = second[0, 0, 5, 0] - first[0, 0, 5, 0]
    assert f"changes by {change:+.3f}".replace("-", "−") in shown.said()


def test_the_steps_end_at_the_weight_that_the_map_shows(show, page):
    explorer = from_trace()
    shown = show(explorer)
    shown.frame.locator(".steps summary").click()
    shown.frame.locator(".left .token").nth(3).click()
    rows = shown.frame.locator(".steps tbody tr")
    shares = [float(text) for text in rows.locator("td:last-child").all_inner_texts()]
    assert np.allclose(shares, explorer.weights[0, 0, 3], atol=0.0006)
    masks = rows.locator("td:nth-child(4)").all_inner_texts()
    assert masks == ["may look"] * 4 + ["−∞"] * 2
    loss = explorer.losses.mean()
    assert shown.frame.locator(".loss").inner_text() == f"Loss: {loss:.2f} nats per token."


def test_the_answer_is_hidden_until_the_guess(show):
    weights = some_weights()
    shown = show(AttentionExplorer(weights, TOKENS))
    shown.frame.get_by_role("button", name="predict first").click()
    for part in (".heads", ".map", ".lines", ".twin", "details.code"):
        assert not shown.frame.locator(part).is_visible(), part
    question = shown.frame.locator(".question").inner_text()
    query = int(question.split("(position ")[1].split(")")[0])
    wrong = int(weights[0, 0, query, : query + 1].argmin())
    shown.frame.locator(".option").nth(wrong).click()
    assert shown.frame.locator(".verdict").inner_text().endswith("0 of 1 right so far.")
    assert shown.frame.locator(".map").is_visible()
    shown.frame.get_by_role("button", name="next question").click()
    assert shown.frame.locator(".question").inner_text() != question
    assert not shown.frame.locator(".map").is_visible()
    shown.frame.get_by_role("button", name="leave predict mode").click()
    assert shown.frame.locator(".map").is_visible()


@pytest.mark.parametrize("width", [1000, 560])
@pytest.mark.parametrize("dark", [False, True])
def test_lines_and_map_stand_side_by_side_where_there_is_room(show, page, width, dark):
    page.set_viewport_size({"width": width, "height": 900})
    shown = show(AttentionExplorer(some_weights(), TOKENS), dark=dark)
    lines, map_ = (shown.frame.locator(part).bounding_box() for part in (".lines", ".map"))
    assert (map_["y"] >= lines["y"] + lines["height"]) == (width < 640)
    assert map_["x"] + map_["width"] <= min(width, 908)


def test_without_scripts_the_sentence_the_picture_and_the_table_stay(browser, tmp_path):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    explorer = AttentionExplorer(some_weights(), TOKENS)
    page.goto(write_page(tmp_path, explorer.page_html()))
    assert repr(explorer) in page.locator("body").inner_text()
    assert page.get_by_role("img").get_attribute("alt") == repr(explorer)
    page.locator("summary").click()
    assert page.locator("tbody tr").count() == len(TOKENS) and page.locator("table").is_visible()
    context.close()


SETUP = """
from llmviz import artifacts
from llmviz.widgets import AttentionExplorer
tiny = artifacts.load_model("tiny")
live = AttentionExplorer.live(tiny.model, tiny.tokenizer, text="Otto lost a kite.")
live
"""
STILL = "live.explorer"
BRIGHT = """(Math.min(...getComputedStyle(document.querySelector(".lv").shadowRoot.querySelector(".frame")).color
    .match(/[0-9.]+/g).slice(0, 3)) > 128)"""


def test_levers_and_texts_in_jupyterlab_dark_and_reopened(lab, page):
    """Type, switch a head off by its key, see the loss; then the same notebook again, without a kernel's answers."""
    from lab_pages import open_notebook, point_until, run_all
    from playwright.sync_api import expect

    listen(page)
    (lab.folder / "levers.ipynb").write_text(notebook_of(SETUP, STILL), encoding="utf-8")
    open_notebook(page, lab.url("levers.ipynb"))
    cells = run_all(page)
    assert not [output for cell in cells for output in cell["outputs"] if output["type"] == "error"]
    live = page.locator("section.frame").first
    expect(live.locator(".loss")).to_contain_text("nats per token.")
    live.get_by_label("type a sentence").fill("Ella lost a drum")
    expect(live.locator(".left .token").last).to_have_text("·drum")
    live.get_by_role("radio", checked=True).focus()
    page.keyboard.press("x")
    expect(live.locator(".loss")).to_contain_text("with all heads on")
    expect(live.get_by_role("radio", checked=True)).to_have_class("thumb off")
    page.keyboard.press("b")  # the notebook would insert a cell
    assert page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length") == 2
    live.get_by_role("button", name="all heads on").click()
    expect(live.locator(".loss")).not_to_contain_text("with all heads on")
    live.get_by_label("type a sentence").fill("")
    expect(live.locator(".problem")).to_have_text("Type a few words to see their attention weights.")

    for theme, is_light in (("JupyterLab Dark", "false"), ("JupyterLab Light", "true")):
        page.evaluate(f"jupyterapp.commands.execute('apputils:change-theme', {{ theme: '{theme}' }})")
        page.wait_for_function(f"document.body.dataset.jpThemeLight === '{is_light}' && {BRIGHT} !== {is_light}")

    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("!jupyterapp.shell.currentWidget.context.model.dirty")
    page.reload()
    still = page.locator(".lv[data-ready] section.frame").first
    point_until(still.locator(".left .token").nth(2), still.locator(".sentence"), "(position 2) looks most at")
    assert page.outside == []
