"""TokenExplorer in a real browser: letters and tokens aligned, merges, pins."""

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


def explorer(text: str = TEXT, **settings) -> TokenExplorer:
    return TokenExplorer(text, TOKENIZERS, corpus=DOCUMENTS, **settings)


def said(page) -> str:
    return page.locator(".lv .sentence").first.inner_text()


def row(page, name: str) -> list[str]:
    """The tokens of one tokenizer, as they are drawn."""
    tokens = page.locator(f".lv .token[aria-description$='of {name}']")
    return tokens.evaluate_all("all => all.map(one => one.firstChild.textContent)")


def bill(page) -> list[str]:
    return page.locator(".lv .bill .count").all_inner_texts()


def slide(page, merges: int) -> None:
    page.locator(".lv input[type=range]").evaluate(
        "(slider, step) => { slider.value = step; slider.dispatchEvent(new Event('input')); }", merges
    )


def test_every_tokenizers_tokens_stand_below_their_letters(show, page):
    show(explorer("Mia found a kite."))
    for name, tokenizer in TOKENIZERS.items():
        if name != "GPT-4o":
            assert "".join(row(page, name)).replace("##", "").replace("·", " ").strip() == "Mia found a kite."
            assert len(row(page, name)) == len(tokenizer.encode("Mia found a kite."))
    assert row(page, "GPT-4o") == ["M", "ia", "·found", "·a", "·kite", "."]
    found = page.locator(".lv .token[aria-description='id 2491, token 3 of GPT-4o']").bounding_box()
    letters = [box for box in page.locator(".lv .letter").all()][3:9]
    left, right = letters[0].bounding_box(), letters[-1].bounding_box()
    assert abs(found["x"] - left["x"]) < 5
    assert abs(found["x"] + found["width"] - right["x"] - right["width"]) < 5
    assert said(page).startswith("Tinyville: ") and said(page).endswith("GPT-4o: 6 tokens.")


def test_the_slider_takes_joins_back_and_the_bill_follows(show, page):
    show(TokenExplorer("Mia found a kite.", {"Tinyville": BPE}))
    whole = row(page, "Tinyville")
    slide(page, 0)
    assert row(page, "Tinyville") == list("Mia·found·a·kite.")
    assert bill(page) == ["17 tokens, 1.0 characters per token"]
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


def test_pointing_previews_and_a_click_pins_with_id_bytes_rank_use_and_tree(show, page):
    show(explorer())
    page.locator(".lv .token[aria-description$='Tinyville']:text('·found')").hover()
    ids = BPE.encode(" found")
    assert len(ids) == 1 and f"id {ids[0]}, 6 bytes, merge {ids[0] - 255} of 443, used " in said(page)
    assert page.locator(".lv .card").count() == 1
    assert "20 66 6f 75 6e 64" in page.locator(".lv .card").inner_text()
    assert page.locator(".lv .tree .leaf").all_text_contents() == list("·found")
    assert page.locator(".lv .letter.lit").all_text_contents() == list("·found")
    page.mouse.move(0, 0)
    assert page.locator(".lv .card").count() == 0
    page.locator(".lv .token[aria-description$='Tinyville']:text('·found')").click()
    page.mouse.move(0, 0)
    assert page.locator(".lv .card.pin1").count() == 1
    assert "tokenizer.encode(text)[" in page.locator(".lv .code code").text_content()


def test_keys_walk_along_a_row_and_between_rows_pin_compare_and_let_go(show, page):
    show(explorer())
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


def test_a_text_from_right_to_left_is_drawn_so(show, page):
    show(explorer("שלום"))
    letters = [letter.bounding_box()["x"] for letter in page.locator(".lv .letter").all()]
    assert letters == sorted(letters, reverse=True)
