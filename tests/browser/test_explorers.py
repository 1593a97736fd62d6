"""What every widget promises, in a real browser, as a page from a file."""

import re
import zlib
from functools import cache
from pathlib import Path

import explorer_pages
import pytest
import torch
from explorer_pages import HOSTILE, SAMPLES, TEXTS, judge, page_with_model
from fakes import noisy_model, random_ids
from playwright.sync_api import expect

from llmviz import artifacts
from llmviz.finetuning import METHODS, MethodComparison
from llmviz.finetuning.comparison import _EvalPoint
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import EncoderOnly
from llmviz.tokenizers.bpe import BytePairTokenizer
from llmviz.training import scaling
from llmviz.widgets import (
    BiasDialExplorer,
    BlockExplorer,
    BudgetExplorer,
    ComparisonExplorer,
    FillMaskExplorer,
    ModelExplorer,
    NextTokenExplorer,
    RemedyExplorer,
    SamplingTreeExplorer,
)

HIGHEST = 580  # of the 647 pixels that JupyterLab leaves on a screen of 1366 × 768
CLOSED_CLIPBOARD = """Object.defineProperty(navigator, "clipboard", { value: {
    write: () => Promise.reject(new Error("closed")), writeText: () => Promise.reject(new Error("closed")) } })"""
MONKEY = (Path(explorer_pages.__file__).parent / "explorer_monkey.js").read_text(encoding="utf-8")
BPE = BytePairTokenizer([])
SIZES = {"context_length": 48, "d_model": 16, "n_layers": 1, "n_heads": 2, "d_ff": 16}
CAUSAL = noisy_model(ModelConfig(BPE.vocab_size, **SIZES))
MASKED = noisy_model(ModelConfig(BPE.vocab_size + 1, **SIZES), 0, EncoderOnly)
BLOCKS = noisy_model()


def block(texts) -> BlockExplorer:
    texts = texts[: BLOCKS.config.context_length]
    with torch.no_grad():
        parts = BLOCKS.trace(random_ids(len(texts))).blocks[1]
    return BlockExplorer(BLOCKS.blocks[1], parts, list(texts), layer=1)


def comparison(_texts=()) -> ComparisonExplorer:
    def made(task, n_labels):
        points = {method: [_EvalPoint(10 * i, 0.5 + i * (3 - place) / 20, 0.4 + i * place / 5) for i in range(4)]
                  for place, method in enumerate(METHODS)}  # fmt: skip
        return MethodComparison(task, n_labels, 0, 1000, {"head": 10, "lora": 100, "full": 1000}, points)

    return ComparisonExplorer([made("sentiment", 5), made("sentiment", 20), made("location_type", 20)])


# Name → (from texts to an explorer, where the picture's tab stop is).
OTHERS = {
    "block": (block, ".stages"),
    "next tokens": (lambda texts: NextTokenExplorer(CAUSAL, BPE, "".join(texts)[:30]), "button.row"),
    "model": (lambda texts: ModelExplorer(CAUSAL, BPE, "".join(texts)[:30]), ".part"),
    "tree": (lambda texts: SamplingTreeExplorer(CAUSAL, BPE, "".join(texts)[:25], n_samples=3, n_tokens=5), ".box"),
    "blank": (lambda texts: FillMaskExplorer(MASKED, CAUSAL, BPE, "".join(texts)[:36], hidden=[1]), ".words button"),
    "comparison": (comparison, ".rows button"),
    "budget": (
        lambda _: BudgetExplorer({"published": scaling.PUBLISHED_LAWS}, limits={"published": 21.5}),
        "input[aria-label^='size']",
    ),
    "bias": (lambda _: BiasDialExplorer(artifacts.load_recording("limitations")), "input[type=range]"),
    "remedies": (lambda _: RemedyExplorer(artifacts.load_recording("alignment")), ".switches button"),
}
STOPS = {name: sample.at for name, sample in SAMPLES.items()} | {name: at for name, (_, at) in OTHERS.items()}
every_widget = pytest.mark.parametrize("name", STOPS)
every_sample = pytest.mark.parametrize("name", SAMPLES)


@cache
def page_of(name: str, texts: tuple[str, ...] = tuple(TEXTS)) -> str:
    if name in SAMPLES:
        return SAMPLES[name].html(texts)
    explorer = OTHERS[name][0](texts)
    return page_with_model(explorer) if name == "model" else explorer._repr_mimebundle_()["text/html"]


@every_widget
def test_keys_walk_and_lead_out_and_two_on_a_page_are_strangers(show, name, page):
    """No keyboard trap: from the picture to behind the explorer in as many stops as there are things to press."""
    first, second = show(page_of(name), page_of(name), at=STOPS[name])
    other, before = second.seen(), first.seen()
    said = first.walk()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert len(said) > 1 or first.seen() != before
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert second.seen() == other and first.problem() == second.problem() == ""
    page.evaluate("document.body.append(Object.assign(document.createElement('button'), { id: 'behind' }))")
    second.stop.focus()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "behind":
            return
    pytest.fail("Tab does not lead out")


@pytest.mark.parametrize("name", [*SAMPLES, "block", "model", "next tokens", "tree", "blank"])
def test_hostile_texts_are_inert_everywhere(show, name, page):
    """Also in the sentence, in the table, in the CSV and in the copied picture."""
    [explorer] = show(page_of(name, tuple(HOSTILE)), at=STOPS[name])
    explorer.walk()
    explorer.frame.locator(".twin summary").click()
    explorer.frame.locator(".twin tbody tr").nth(2).wait_for(state="attached")
    page.evaluate(CLOSED_CLIPBOARD)
    explorer.frame.get_by_role("button", name="menu").click()
    for button, ending in (("copy PNG", "png"), ("copy CSV", "csv")):
        with page.expect_download() as waiting:
            explorer.frame.get_by_role("button", name=button).click()
        assert waiting.value.suggested_filename.endswith(ending)
        taken = waiting.value.path().read_bytes()
        assert taken.startswith(b"\x89PNG") and len(taken) > 3000 if ending == "png" else taken.count(b"\r\n") >= 4
    assert page.evaluate("window.broken") is None and page.locator("img[src=x]").count() == 0
    assert explorer.problem() == ""


@pytest.mark.parametrize("name", ["attention", "embeddings", "training", "budget"])
def test_the_menu_works_with_keys_and_on_the_whole_screen_everything_grows(show, name, page):
    """Also: a pointer in the last corner of the picture finds the last token there."""
    [explorer] = show(page_of(name), at=STOPS[name])
    menu, before = explorer.frame.get_by_role("button", name="menu"), explorer.frame.bounding_box()
    menu.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(explorer.frame.get_by_role("button", name="leave full screen")).to_be_focused()
    assert explorer.frame.bounding_box()["height"] == page.viewport_size["height"] > before["height"]
    assert explorer.frame.evaluate("frame => Number(frame.style.zoom)") > 1.1
    assert explorer.frame.evaluate("frame => frame.scrollHeight <= frame.clientHeight + 1")
    judge(page)
    if name == "attention":
        map_ = explorer.frame.locator(".map canvas.marks")
        box = map_.bounding_box()
        page.mouse.move(box["x"] + 0.995 * box["width"], box["y"] + 0.995 * box["height"])
        assert "“.” (position 8)" in explorer.said()
    page.keyboard.press("Enter")
    expect(explorer.frame.get_by_role("button", name="full screen", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    assert not explorer.frame.get_by_role("button", name="copy PNG").is_visible()
    assert explorer.frame.bounding_box() == before and explorer.frame.evaluate("frame => frame.style.zoom") == ""


def test_a_diagram_is_saved_as_svg_that_stands_alone(show, page, tmp_path):
    [explorer] = show(page_of("budget"), at=STOPS["budget"])
    explorer.frame.get_by_role("button", name="menu").click()
    with page.expect_download() as waiting:
        explorer.frame.get_by_role("button", name="save diagram as SVG").click()
    waiting.value.save_as(tmp_path / "diagram.svg")
    page.goto((tmp_path / "diagram.svg").as_uri())
    assert page.evaluate("getComputedStyle(document.querySelector('polyline')).stroke") == "rgb(0, 114, 178)"
    assert page.evaluate("document.querySelectorAll('text, polyline, circle').length") >= 8
    assert "var(" not in (text := (tmp_path / "diagram.svg").read_text()) and "color-mix" not in text


@every_sample
def test_predicting_comes_before_seeing(show, name, page):
    [explorer] = show(page_of(name), at=STOPS[name])
    explorer.frame.get_by_role("button", name="predict").first.click()
    asked = explorer.seen()
    assert explorer.frame.locator(".guess .question").inner_text().strip().endswith("?")
    explorer.frame.locator(".option").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert explorer.frame.locator(".verdict").inner_text().strip()
    assert explorer.frame.locator(".option.right").count() == 1 and explorer.seen() != asked
    explorer.frame.get_by_role("button", name="leave predict mode").click()
    assert explorer.frame.locator(".guess:visible").count() == 0


@every_widget
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_it_can_be_read_at_every_width(show, name, scheme, page):
    """Also: it is no higher than a notebook on a small screen, and adds no heading and no landmark to its page."""
    page.emulate_media(color_scheme=scheme)
    [explorer] = show(page_of(name), at=STOPS[name], dark=scheme == "dark")
    for width in (1280, 560, 360):
        page.set_viewport_size({"width": width, "height": 720})
        page.wait_for_timeout(60)
        explorer.walk()
        judge(page)
        assert width < 1280 or explorer.frame.bounding_box()["height"] <= HIGHEST
    explorer.frame.locator("summary:visible").last.click()
    judge(page)
    assert explorer.frame.locator("h1, h2, h3, h4, section, [role=region]").count() == 0


def test_its_colors_are_the_hosts_and_bars_stay_in_print_and_in_forced_colors(show, page):
    """On a dark host without JupyterLab's variables, on paper without backgrounds, with the system's own colors."""
    host = "<style>body { background: rgb(30, 30, 30); color: rgb(220, 220, 220) }</style>"
    [explorer] = show(host + page_of("next tokens"), at=STOPS["next tokens"])
    style = "(one, name) => getComputedStyle(one).getPropertyValue(name)"
    bar = explorer.frame.locator(".rows .bar").first
    assert explorer.frame.locator(".sentence").evaluate(style, "color") == "rgb(220, 220, 220)"
    assert explorer.frame.evaluate(style, "--paper") == "rgb(30, 30, 30)"
    page.emulate_media(forced_colors="active")
    assert bar.evaluate(style, "background-color") == "rgb(0, 114, 178)"
    page.emulate_media(forced_colors="none", media="print")
    page.set_viewport_size({"width": 718, "height": 1000})
    assert bar.evaluate(style, "print-color-adjust") == "exact"
    assert explorer.frame.evaluate(style, "break-inside") == "avoid" and explorer.frame.bounding_box()["width"] <= 700


def painted(page, **options) -> set[bytes]:
    """The colors that a printed page fills areas with, its gradients, and its pictures (a small gradient is one)."""
    pdf = page.pdf(**options)
    packed = re.findall(rb"FlateDecode[^>]*>>\s*stream\r?\n(.*?)endstream", pdf, re.DOTALL)
    streams = [zlib.decompress(one) for one in packed]
    gradients = re.findall(rb"/C[01] \[[^]]*\]", b"".join([pdf, *streams]))
    pictures = re.findall(rb"/Subtype /Image\s+/Width \d+\s+/Height \d+", pdf)
    return {*gradients, *pictures, *re.findall(rb"(?:[\d.]+ ){3}(?=rg)", b"".join(streams))}


@pytest.mark.slow
@every_widget
def test_bars_ramps_and_legends_are_printed_without_backgrounds(show, name, page):
    """Browsers leave backgrounds out unless a reader asks for them."""
    [explorer] = show(page_of(name), at=STOPS[name])
    explorer.walk()
    with_backgrounds = painted(page, print_background=True)
    assert len(with_backgrounds) >= 3 and painted(page, print_background=False) >= with_backgrounds
    ramp = [one for one in with_backgrounds if b"/C" in one]
    assert name not in ("attention", "tree") or len(ramp) >= 5 or any(b"/Image" in one for one in with_backgrounds)


@pytest.mark.parametrize("name, label, typed, told", [("embeddings", "search for a word", "red", "“red”"),
                                                     ("block", "number", "3", "number 3")])  # fmt: skip
def test_enter_works_where_the_host_keeps_it_from_the_browser(show, page, name, label, typed, told):
    """JupyterLab prevents the line break of Enter; then the browser tells of no change."""
    page.add_init_script("addEventListener('beforeinput', event => "
                         "event.inputType === 'insertLineBreak' && event.preventDefault(), true)")  # fmt: skip
    [explorer] = show(page_of(name), at=STOPS[name])
    box = explorer.frame.get_by_label(label, exact=True)
    box.fill(typed)
    box.press("Enter")
    assert told in explorer.said()


def test_without_scripts_the_sentence_the_picture_and_the_table_stay(browser, tmp_path):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    explorer = comparison()
    page.goto(explorer_pages.write_page(tmp_path, explorer._repr_mimebundle_()["text/html"]))
    assert repr(explorer) in page.locator("body").inner_text()
    assert page.get_by_role("img").get_attribute("alt") == repr(explorer)
    page.locator("summary").click()
    assert page.locator("table").is_visible()
    context.close()


@pytest.mark.slow
@every_sample
def test_any_keys_and_clicks_in_any_order_do_no_harm(show, name, page):
    [explorer] = show(page_of(name), at=STOPS[name])
    explorer.stop.focus()
    page.evaluate(MONKEY)
    assert page.wrong == [] and explorer.problem() == ""
    leave = explorer.frame.get_by_role("button", name="leave predict mode")
    if leave.is_visible():
        leave.click()
    assert len(explorer.walk()) > 1
