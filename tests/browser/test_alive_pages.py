"""An exported page without Python and without a network: texts of one's own get torch's numbers, or one sentence."""

import math
from pathlib import Path

import nbformat
import pytest
import torch
from explorer_pages import listen
from playwright.sync_api import expect

from llmviz import artifacts, export
from llmviz.generation import FillMask
from llmviz.generation.sampling_tree import SamplingTree
from llmviz.tinyville import Tinyville
from llmviz.tokenizers.tiktoken import tiktoken_encoding
from llmviz.tokenizers.words import CharacterTokenizer
from llmviz.widgets import (
    BlockExplorer,
    FactWorldExplorer,
    FillMaskExplorer,
    NextTokenExplorer,
    SamplingTreeExplorer,
    TokenExplorer,
)

TINY = artifacts.load_model("tiny")
MODEL, BPE = TINY.model, TINY.tokenizer
START = BPE.encode_prompt("Noah lives in the")
HOSTILE = "😀 <script>window.broken=1</script> مرحبا 你好"
LONG = "kite tree " * 200
NAMES = ("tree", "tokens", "block", "facts", "next", "blank")
MASKED = artifacts.load_model("masked_long").model


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> str:
    """A page as `llmviz export` writes it, with one explorer of each kind."""
    lists = {"ours": BPE, "characters": CharacterTokenizer.train("Mia found a red kite"), "GPT-2": "gpt2"}
    block = MODEL.trace(torch.tensor(START)).blocks[1]
    explorers = [
        SamplingTreeExplorer(MODEL, BPE, "Robin is the new", n_tokens=8),
        TokenExplorer("Mia", lists),
        BlockExplorer(MODEL.blocks[1], block, BPE.tokens(START), layer=1),
        FactWorldExplorer(MODEL, BPE),
        NextTokenExplorer(MODEL, BPE, "Tom"),
        FillMaskExplorer(MASKED, MODEL, BPE, "Ella lives in the lighthouse.", hidden=[1], world=Tinyville()),
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Alive", id="title")])
    for name, explorer in zip(NAMES, explorers, strict=True):
        shown = {"text/html": explorer._repr_mimebundle_()["text/html"]}
        cell = nbformat.v4.new_code_cell(name, id=name, outputs=[nbformat.v4.new_output("display_data", data=shown)])
        notebook.cells.append(cell)
    folder = Path(tmp_path_factory.mktemp("alive"))
    nbformat.write(notebook, folder / "alive.ipynb")
    return export.export([folder / "alive.ipynb"], folder)[1].as_uri()


@pytest.fixture(params=["light", pytest.param("dark", marks=pytest.mark.slow)])
def parts(page, address, request):
    """The explorers by name; in the end nothing was asked of the network, nothing went wrong, nothing is too wide."""
    listen(page)
    page.emulate_media(color_scheme=request.param)
    if request.param == "dark":
        page.set_viewport_size({"width": 390, "height": 844})
    page.goto(address)
    yield {name: page.locator(".lv").nth(place) for place, name in enumerate(NAMES)}
    assert page.wrong == [] and page.outside == [] and not page.evaluate("window.broken")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_texts_of_ones_own_are_answered_as_torch_does(parts):
    tree, tokens, block, facts, bars = (parts[name] for name in NAMES[:5])
    for text in ("Mia lost a red kite. Tom found the", HOSTILE):
        ids = BPE.encode_prompt(text)
        with torch.inference_mode():
            best = MODEL(torch.tensor([ids]))[0, -1].softmax(-1).max(-1)
        tree.get_by_label("prompt").fill(text)
        if text == HOSTILE:
            expect(tree.locator(".bars-title")).not_to_contain_text("Tom found the")
        else:
            expect(tree.locator(".bars-title")).to_contain_text("Tom found the")
        distribution = SamplingTree(MODEL, ids)
        distribution.expand([()])
        first = math.exp(distribution.distributions[()].log_probabilities[0])
        assert abs(float(tree.locator(".bar-row .number").first.inner_text().split()[0]) - first) < 0.05
        facts.get_by_label("ask it").fill(text)
        facts.get_by_label("ask it").press("Enter")
        said = BPE.tokens([best.indices.item()])[0].strip()
        if best.values > 0.5:
            expect(facts.locator(".answered")).to_contain_text(f"“{said}”, confidence")
        tokens.get_by_label("text", exact=True).fill(text)
        expect(tokens.locator(".bill")).to_contain_text(f"{len(ids) - 1} tokens")
        n_real = len(tiktoken_encoding("gpt2").encode_ordinary(text))
        expect(tokens.locator(".sentence")).to_contain_text(f"GPT-2: {n_real} tokens.")
    block.get_by_label("own text").fill("你好 Ella")
    block.get_by_label("own text").press("Enter")
    expect(block.locator(".sentence")).to_contain_text("“·Ella”")
    tree.get_by_role("button", name="new draws").click()
    tree.get_by_label("temperature").fill("20")
    expect(tree.locator(".sentence")).to_contain_text("Temperature 2.0")
    assert tree.locator(".box.unknown").count() == 0
    n_chips = bars.locator(".chip").count()
    bars.get_by_role("button", name="sample a token").click()
    expect(bars.locator(".chip")).to_have_count(n_chips + 1)
    bars.get_by_role("button", name="sample to the end").click()
    expect(bars.locator(".chip")).not_to_have_count(n_chips + 1)
    for part in parts.values():
        expect(part.locator(".problem")).to_be_hidden()


def test_hidden_words_of_a_sentence_of_ones_own_are_filled_in_as_torch_does(parts):
    blank = parts["blank"]
    for text, place in (("Noah found a red kite.", 1), (HOSTILE, 2), ("Mia ___ the kite.", 1)):
        blank.get_by_role("textbox").fill(text)
        blank.get_by_role("textbox").press("Enter")
        expect(blank.locator(".sentence")).to_contain_text("need Python (make lab)")
        if "___" not in text:
            blank.locator(f".words button[data-index='{place}']").click()
        [filling] = FillMask(MASKED, MODEL, BPE).fill(text, [place])
        best, share = next(iter(filling.both_sides.items()))
        if share > 0.5:
            expect(blank.locator(".sentence")).to_contain_text(f"both sides most likely “{best}”")
        expect(blank.locator(".words button").nth(place)).to_have_attribute("aria-pressed", "true")
        for row in blank.locator(".row:not(.others)").all():
            left, both = (float(number) for number in row.locator(".number").all_inner_texts())
            word = row.locator(".name").inner_text()
            assert abs(both - filling.both_sides.get(word, 0)) < 0.05, (text, word)
            assert abs(left - filling.left_side.get(word, 0)) < 0.05, (text, word)
    blank.get_by_label("hide several").check()
    blank.locator(".words button").first.click()
    expect(blank.get_by_role("button", name="blank 2")).to_be_visible()
    expect(blank.locator(".problem")).to_be_hidden()


def test_a_long_text_gets_an_answer_or_a_sentence(parts):
    for name, label in (("tree", "prompt"), ("block", "own text"), ("blank", "sentence")):
        box = parts[name].get_by_role("textbox", name=label)
        box.fill(LONG)
        box.press("Enter")
        expect(parts[name].locator(".problem")).to_contain_text("tokens")
    parts["tokens"].get_by_label("text", exact=True).fill(LONG)
    expect(parts["tokens"].locator(".bill")).to_contain_text(f"{len(BPE.encode(LONG))} tokens")
    parts["facts"].get_by_label("ask it").fill(LONG)
    parts["facts"].get_by_label("ask it").press("Enter")
    expect(parts["facts"].locator(".answered")).to_contain_text("confidence")


def test_a_missing_vocabulary_is_said_and_the_others_answer(page, address):
    """The file beside the page was not copied."""
    page.route("**/gpt2.js", lambda route: route.abort())
    page.goto(address)
    tokens = page.locator(".lv").nth(NAMES.index("tokens"))
    tokens.get_by_label("text", exact=True).fill("Mia found a kite")
    expect(tokens.locator(".bill")).to_contain_text("GPT-2: The file gpt2.js, which this picture needs, is not beside")
    expect(tokens.locator(".bill")).to_contain_text("4 tokens")


def test_an_old_browser_shows_one_sentence_and_the_still_form(page, address):
    page.add_init_script("delete window.DecompressionStream")
    page.goto(address)
    explorers = page.locator("main .lv")
    expect(page.locator("main .lv[data-ready]")).to_have_count(len(NAMES))
    for explorer in explorers.all():
        expect(explorer.get_by_role("alert")).to_contain_text("this browser is too old; a version of 2023 or later")
        assert explorer.locator("img, table").first.is_visible() or explorer.locator("strong").is_visible()
