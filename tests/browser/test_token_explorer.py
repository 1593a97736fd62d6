"""TokenExplorer in a real browser: a page from a file, offline, by mouse and by keys; and typing in JupyterLab."""

import json

import nbformat
import pytest
from playwright.sync_api import expect

from llmviz import corpora
from llmviz.tokenizers.bpe import BytePairTokenizer
from llmviz.tokenizers.unigram import UnigramTokenizer
from llmviz.tokenizers.wordpiece import WordPieceTokenizer
from llmviz.widgets import TokenExplorer

DOCUMENTS = corpora.tinyville(counts={"story": 60, "fact": 60}).documents
BPE = BytePairTokenizer.train(DOCUMENTS, 700)
TOKENIZERS = {
    "Tinyville": BPE,
    "WordPiece": WordPieceTokenizer.train(DOCUMENTS, 300),
    "Unigram": UnigramTokenizer.train(DOCUMENTS, 300),
    "GPT-4o": "gpt-4o",
}
TEXT = "Mia found a red kite. 👩‍👩‍👧"
HOSTILE = (
    "<img src=x onerror=window.broken=1></script><script>window.broken=1</script>\u202eright\ud83d\x00 " + "x" * 10_000
)


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


def explorer(text: str = TEXT, **settings) -> TokenExplorer:
    return TokenExplorer(text, TOKENIZERS, corpus=DOCUMENTS, **settings)


def said(page) -> str:
    return page.locator(".lv .sentence").first.inner_text()


def row(page, name: str) -> list[str]:
    """The tokens of one tokenizer, as they are drawn."""
    tokens = page.locator(f".lv .token[aria-label$='of {name}']")
    return tokens.evaluate_all("all => all.map(one => one.firstChild.textContent)")


def bill(page) -> list[str]:
    return page.locator(".lv .bill .count").all_inner_texts()


def slide(page, merges: int) -> None:
    page.locator(".lv input[type=range]").evaluate(
        "(slider, step) => { slider.value = step; slider.dispatchEvent(new Event('input')); }", merges
    )


def test_every_tokenizers_tokens_stand_below_their_letters(show):
    page = show(explorer("Mia found a kite.").page_html())
    for name, tokenizer in TOKENIZERS.items():
        if name != "GPT-4o":
            assert "".join(row(page, name)).replace("##", "").replace("·", " ").strip() == "Mia found a kite."
            assert len(row(page, name)) == len(tokenizer.encode("Mia found a kite."))
    assert row(page, "GPT-4o") == ["M", "ia", "·found", "·a", "·kite", "."]
    found = page.locator(".lv .token[aria-label='·found, id 2491, token 3 of GPT-4o']").bounding_box()
    letters = [box for box in page.locator(".lv .letter").all()][3:9]
    left, right = letters[0].bounding_box(), letters[-1].bounding_box()
    assert abs(found["x"] - left["x"]) < 5
    assert abs(found["x"] + found["width"] - right["x"] - right["width"]) < 5
    assert said(page).startswith("Tinyville: ") and said(page).endswith("GPT-4o: 6 tokens.")
    assert page.errors == [] and page.outside == []


def test_a_family_is_one_letter_with_all_its_tokens_in_hex(show):
    page = show(explorer("a👩‍👩‍👧").page_html())
    assert page.locator(".lv .letter").all_text_contents() == ["a", "👩‍👩‍👧"]
    assert [token for token in row(page, "Tinyville") if token.startswith("⟨")] == [
        f"⟨{byte:02x}⟩" for byte in "👩‍👩‍👧".encode()
    ]
    assert "�" not in page.locator(".lv").inner_text()


def test_the_slider_takes_joins_back_and_the_bill_follows(show):
    page = show(TokenExplorer("Mia found a kite.", {"Tinyville": BPE}).page_html())
    whole = row(page, "Tinyville")
    slide(page, 0)
    assert row(page, "Tinyville") == list("Mia·found·a·kite.")
    assert bill(page) == ["17 tokens, 1.0 letters each"]
    slide(page, 10)
    small = BytePairTokenizer(BPE.merges[:10])
    expected = small.tokens(small.encode("Mia found a kite."))
    assert row(page, "Tinyville") == [token.replace(" ", "·") for token in expected]
    slider = page.locator(".lv input[type=range]")
    slider.focus()
    page.keyboard.press("End")
    assert row(page, "Tinyville") == whole
    page.keyboard.press("ArrowLeft")
    assert page.locator(".lv .controls .note").inner_text() == "442 of 443"


def test_pointing_previews_and_a_click_pins_with_id_bytes_rank_use_and_tree(show):
    page = show(explorer().page_html())
    page.locator(".lv .token[aria-label^='·found'][aria-label$='Tinyville']").hover()
    ids = BPE.encode(" found")
    assert len(ids) == 1 and f"id {ids[0]}, 6 bytes, merge {ids[0] - 255} of 443, used " in said(page)
    assert page.locator(".lv .card").count() == 1
    assert "20 66 6f 75 6e 64" in page.locator(".lv .card").inner_text()
    assert page.locator(".lv .tree .leaf").all_text_contents() == list("·found")
    assert page.locator(".lv .letter.lit").all_text_contents() == list("·found")
    page.mouse.move(0, 0)
    assert page.locator(".lv .card").count() == 0
    page.locator(".lv .token[aria-label^='·found'][aria-label$='Tinyville']").click()
    page.mouse.move(0, 0)
    assert page.locator(".lv .card.pin1").count() == 1
    assert "tokenizer.encode(text)[" in page.locator(".lv .code code").text_content()


def test_keys_walk_along_a_row_and_between_rows_pin_compare_and_let_go(show):
    page = show(explorer().page_html())
    page.locator(".lv .token").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    first = said(page)
    page.keyboard.press("ArrowDown")
    assert "in WordPiece" in said(page)
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    assert "in GPT-4o" in said(page)
    page.keyboard.press("Enter")
    page.locator(".lv .code summary").focus()
    assert first.split(":")[0] in said(page) and said(page).count(": id ") == 2
    assert page.locator(".lv .card").count() == 2
    page.locator(".lv .token.pin2").focus()
    page.keyboard.press("End")
    page.keyboard.press("Escape")
    page.locator(".lv .twin summary").focus()
    assert page.locator(".lv .card").count() == 0 and said(page).startswith("Tinyville: ")
    assert page.locator(".lv [data-index][tabindex='0']").count() == 1


def test_the_same_bytes_under_two_lists_are_compared(show):
    page = show(TokenExplorer(" the", ["gpt2", "gpt-4o"]).page_html())
    page.locator(".lv .token").nth(0).click()
    page.locator(".lv .token").nth(1).click()
    page.mouse.move(0, 0)
    page.locator(".lv .code summary").focus()
    assert said(page).endswith("The same bytes, but each list has its own number for them.")


def test_predict_hides_a_row_until_a_number_is_chosen(show):
    page = show(explorer(predict=True).page_html())
    assert page.locator(".lv .token").count() == 0 and set(bill(page)) == {"?"}
    assert "Tinyville (a list of 700)" in page.locator(".lv .question").inner_text()
    page.locator(".lv .option").first.focus()
    page.keyboard.press("Enter")
    right = len(BPE.encode(TEXT))
    assert str(right) in page.locator(".lv .verdict").inner_text()
    assert len(row(page, "Tinyville")) == right and row(page, "WordPiece") == []
    page.get_by_role("button", name="next question").click()
    assert "WordPiece" in page.locator(".lv .question").inner_text()
    page.get_by_role("button", name="leave predict mode").click()
    assert page.locator(".lv .question").count() == 0 and "?" not in "".join(bill(page))


def test_the_table_names_every_token_and_can_be_copied(show):
    page = show(explorer("Mia found").page_html())
    page.locator(".lv .twin summary").click()
    n_tokens = sum(len(row(page, name)) for name in TOKENIZERS)
    assert page.locator(".lv .twin tbody tr").count() == n_tokens
    last = page.locator(".lv .twin tbody tr").last.locator("td").all_text_contents()
    assert last[1:4] == ["·found", "2491", "20 66 6f 75 6e 64"]


def test_hostile_text_is_inert_and_two_explorers_live_on_one_page(show):
    page = show(explorer(HOSTILE).page_html() + explorer("Mia").page_html())
    assert page.evaluate("window.broken") is None
    assert page.locator(".lv[data-ready]").count() == 2
    assert page.locator("img[src=x]").count() == 0
    assert page.locator(".lv .sentence").nth(1).inner_text().startswith("Tinyville: ")
    assert page.locator(".lv .problem:visible").count() == 0
    assert page.errors == [] and page.outside == []


def test_an_empty_text_is_said_and_nothing_breaks(show):
    page = show(explorer("").page_html())
    assert said(page) == "The text is empty."
    slide(page, 3)
    page.get_by_role("button", name="predict").click()
    assert page.errors == [] and page.locator(".lv .problem:visible").count() == 0


def test_it_is_readable_in_the_dark_on_a_phone_and_from_right_to_left(show):
    page = show(explorer("Mia found a red kite at the lighthouse.").page_html())
    page.emulate_media(color_scheme="dark")
    page.add_style_tag(content=":root { color-scheme: dark; }")
    ink = page.locator(".lv .token").first.evaluate("e => getComputedStyle(e).color")
    assert ink == "rgb(255, 255, 255)"
    page.set_viewport_size({"width": 400, "height": 800})
    page.wait_for_timeout(150)
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1]
    page.set_viewport_size({"width": 1200, "height": 800})
    page = show(explorer("שלום").page_html())
    letters = [letter.bounding_box()["x"] for letter in page.locator(".lv .letter").all()]
    assert letters == sorted(letters, reverse=True)


PYTHON = {"name": "python3", "display_name": "Python 3"}
LIVE = """
from llmviz.widgets import TokenExplorer
from llmviz.tokenizers import CharacterTokenizer
live = TokenExplorer("Mia", {"GPT-4o": "gpt-4o", "letters": CharacterTokenizer.train("Mia found")}).live()
live
"""


def test_typing_in_jupyterlab_and_the_page_beside_it(lab, page):
    from lab_pages import open_notebook, run_all

    cells = [
        nbformat.v4.new_code_cell(LIVE.strip()),
        nbformat.v4.new_code_cell("TokenExplorer('a kite', ['gpt2'])"),
        nbformat.v4.new_code_cell("print(live.text)"),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": PYTHON})
    (lab.folder / "live_tokens.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    open_notebook(page, lab.url("live_tokens.ipynb"))
    cells = run_all(page)
    assert not [output for cell in cells for output in cell["outputs"] if output["type"] == "error"]
    live, still = (page.locator(".sentence").nth(i) for i in (0, 1))
    expect(live).to_contain_text("GPT-4o: 2 tokens. letters: 3 tokens.")
    expect(still).to_contain_text("gpt2: 3 tokens.")
    page.get_by_label("text", exact=True).fill("Mia found a red kite")
    expect(live).to_contain_text("GPT-4o: 6 tokens.")
    page.locator(".token").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("b")
    page.wait_for_timeout(300)
    assert page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length") == 3  # no key reached the notebook
    page.get_by_label("text", exact=True).fill("x" * 100_001)
    expect(page.locator(".problem").first).to_contain_text("at most 100,000 can be looked at")
    assert page.outside == []
