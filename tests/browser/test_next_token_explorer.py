"""NextTokenExplorer in a real browser: a page from a file, stepped through without Python."""

import pytest

from llmviz import artifacts
from llmviz.widgets import NextTokenExplorer

TINY = artifacts.load_model("tiny")
MODEL, TOKENIZER = TINY.model, TINY.tokenizer


@pytest.fixture
def opened(page, tmp_path):
    path = tmp_path / "page.html"
    explorers = [NextTokenExplorer(MODEL, TOKENIZER, text, exact=lambda ids: {}) for text in ("Mia found a", "<b>x")]
    body = "".join(explorer.page_html() for explorer in explorers)
    path.write_text(f'<!doctype html><meta charset="utf-8"><body>{body}</body>', encoding="utf-8")
    page.wrong = []
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.goto(path.as_uri())
    yield page
    assert page.wrong == []
    assert page.outside == []


def chips(one) -> list[str]:
    return one.locator(".chip bdi").all_inner_texts()


def best(text: str, n: int = 1) -> list[str]:
    """The model's own favorites after a text, as the page writes them."""
    import torch

    ids = TOKENIZER.encode_prompt(text)
    found = MODEL(torch.tensor([ids]))[0, -1].topk(n).indices.tolist()
    return [token.replace(" ", "·") for token in TOKENIZER.tokens(found)]


def test_a_click_appends_the_token_and_shows_what_may_follow(opened):
    one = opened.locator(".lv").first
    names = one.locator("button.row .name")
    assert names.all_inner_texts() == best("Mia found a", 6)
    second = names.nth(1).inner_text()
    names.nth(1).click()
    assert chips(one)[-1] == second
    assert names.all_inner_texts() == best("Mia found a" + second.replace("·", " "), 6)
    one.get_by_role("button", name="undo").click()
    assert names.all_inner_texts() == best("Mia found a", 6)


def test_by_keys_alone_one_can_go_on_and_back(opened):
    one = opened.locator(".lv").first
    one.locator("button.row").first.focus()
    before = chips(one)
    opened.keyboard.press("ArrowDown")
    second = one.locator("button.row .name").nth(1).inner_text()
    opened.keyboard.press("Enter")
    assert chips(one) == [*before, second]
    opened.keyboard.press("Enter")
    assert len(chips(one)) == len(before) + 2
    opened.keyboard.press("Escape")
    opened.keyboard.press("Escape")
    assert chips(one) == before


def test_where_the_page_knows_no_further_it_says_so(opened):
    one = opened.locator(".lv").first
    for _ in range(4):
        one.locator("button.row").first.click()
    assert "knows no further" in one.locator(".sentence").inner_text()
    one.get_by_role("button", name="start again").click()
    assert one.locator("button.row").count() == 6


def test_two_on_a_page_are_strangers_and_a_prompt_is_never_obeyed(opened):
    first, second = opened.locator(".lv").nth(0), opened.locator(".lv").nth(1)
    assert "".join(chips(second)[1:]) == "<b>x"
    assert second.locator("b").count() == 0
    before = chips(second)
    first.locator("button.row").first.click()
    assert chips(second) == before
