"""TreeExplorer in a real browser, as a page from a file: sliders, bars, keys, and nothing from outside."""

import pytest

from llmviz import artifacts
from llmviz.generation.sampling_tree import Sampling
from llmviz.widgets import SamplingTreeExplorer

TINY = artifacts.load_model("tiny")
TEXT = "Robin is the new"
EXPLORER = SamplingTreeExplorer(TINY.model, TINY.tokenizer, TEXT, n_samples=4, n_tokens=8)


@pytest.fixture
def opened(page, tmp_path):
    path = tmp_path / "page.html"
    other = SamplingTreeExplorer(TINY.model, TINY.tokenizer, "<b>x</b> </script>", n_tokens=3)
    body = EXPLORER.page_html() + other.page_html()
    path.write_text(f'<!doctype html><meta charset="utf-8"><body>{body}</body>', encoding="utf-8")
    page.wrong = []
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.goto(path.as_uri())
    page.locator(".lv[data-ready] .box").first.wait_for()
    yield page
    assert page.wrong == []
    assert page.outside == []


def slide(one, name: str, place: int) -> None:
    """Move a slider to one of its places."""
    one.get_by_label(name).evaluate(
        "(input, place) => { input.value = place; input.dispatchEvent(new Event('input')); }", place
    )


def written(one) -> set[str]:
    """The drawn texts of the tree, read from the boxes: each box says in which texts it is."""
    texts = {str(number): "" for number in range(1, 5)}
    for told in one.locator(".box").evaluate_all("boxes => boxes.map((box) => box.getAttribute('aria-label'))"):
        token, _, names = told.partition(", probability")
        for number in names.rpartition(" in ")[2].split(", "):
            if number in texts:
                texts[number] += token.replace("·", " ")
    return set(texts.values())


def drawn_by_python(setting: Sampling) -> set[str]:
    ways = EXPLORER.tree.sample([setting], EXPLORER.draws)[setting]
    return {"".join(TINY.tokenizer.tokens(way)).replace("<|endoftext|>", "end") for way in ways}


def test_a_slider_draws_the_texts_that_python_draws(opened):
    one = opened.locator(".lv").first
    assert written(one) == drawn_by_python(Sampling(1.0))
    slide(one, "temperature", 20)
    assert written(one) == drawn_by_python(Sampling(2.0))
    slide(one, "top-p", 1)
    assert written(one) == drawn_by_python(Sampling(2.0, None, 0.5))
    slide(one, "temperature", 0)
    assert len(written(one)) == 1
    one.get_by_role("button", name="reset").click()
    assert written(one) == drawn_by_python(Sampling(1.0))


def test_what_is_cut_is_said_and_its_mass_goes_to_the_others(opened):
    one = opened.locator(".lv").first
    assert one.locator(".bar-row.cut").count() == 0
    slide(one, "top-k", 1)  # two tokens stay
    assert one.locator(".bar-row.cut").count() == 7
    numbers = [row.split(" → ")[1] for row in one.locator(".bar-row .number").all_inner_texts()]
    assert numbers[2:] == ["cut"] * 7
    assert float(numbers[0]) + float(numbers[1]) == pytest.approx(1, abs=0.002)


def test_growing_the_tree_counts_the_work(opened):
    one = opened.locator(".lv").first
    slide(one, "tokens shown", 1)
    assert "4 tokens in 4 texts" in one.locator(".counter").inner_text()
    assert "1.0 times fewer" in one.locator(".counter").inner_text()
    slide(one, "tokens shown", 8)
    counted = one.locator(".counter").inner_text()
    assert "32 tokens in 4 texts" in counted and "1.0 times fewer" not in counted


def test_by_keys_one_walks_the_tree_keeps_a_token_and_lets_go(opened):
    one = opened.locator(".lv").first
    title = one.locator(".bars-title")
    one.locator(".box[tabindex='0']").focus()
    before = title.inner_text()
    opened.keyboard.press("ArrowRight")
    walked = title.inner_text()
    assert walked != before
    opened.keyboard.press("Enter")
    opened.keyboard.press("ArrowRight")
    assert title.inner_text() not in (before, walked)
    opened.keyboard.press("Escape")
    assert title.inner_text() == before
