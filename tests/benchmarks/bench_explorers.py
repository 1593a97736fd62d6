"""How long from a key press to the painted picture: explorers in a page, and through the kernel in JupyterLab."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from measuring import Finding, NotMeasured, Target, measure

IN_PAGE = Target(30, is_minimum=False, unit=" ms")
THROUGH_KERNEL = Target(150, is_minimum=False, unit=" ms")
MANY_HEADS = Target(50, is_minimum=False, unit=" ms")
PAGE_SIZE = Target(1000, is_minimum=False, unit=" kB")
WARM_UP = 5

# From the key's own time to after the next painting: a frame is asked for, and a task that comes behind it.
PAINTED = """() => {
    window.waits = [];
    const after = (start) => requestAnimationFrame(() => { const channel = new MessageChannel();
        channel.port1.onmessage = () => window.waits.push(performance.now() - start);
        channel.port2.postMessage(0); });
    addEventListener("keydown", (event) => after(event.timeStamp), true);
}"""
# The same, but until an element inside an explorer has changed: the kernel's answer is there.
ANSWERED = """([host, selector]) => {
    window.waits = [];
    let start = null;
    addEventListener("keydown", (event) => { start = event.timeStamp; }, true);
    const watched = [...document.querySelectorAll(host)].find((one) => one.shadowRoot?.querySelector(selector))
        .shadowRoot.querySelector(selector);
    new MutationObserver(() => {
        if (start === null) return;
        const began = start;
        start = null;
        requestAnimationFrame(() => { const channel = new MessageChannel();
            channel.port1.onmessage = () => window.waits.push(performance.now() - began);
            channel.port2.postMessage(0); });
    }).observe(watched, { childList: true, subtree: true, characterData: true });
}"""
LIVE_HEADS = """
from llmviz import artifacts
from llmviz.widgets import AttentionExplorer
tiny = artifacts.load_model("tiny")
AttentionExplorer.live(tiny.model, tiny.tokenizer, text="Ella lost a red kite. Otto found the red")
"""
LIVE_TOKENS = """
from llmviz.widgets import TokenExplorer
from llmviz.tokenizers import BytePairTokenizer
text = "Mia found a red kite. Otto lost the blue drum. "
TokenExplorer(text, [BytePairTokenizer.train(text, 280), "gpt-4o"]).live()
"""
# What is done for a typed letter: the notebook's cell, the name of the text's box, the part that is drawn anew.
LIVE = {
    "attention: a letter typed, the tiny GPT run in the kernel, drawn": (LIVE_HEADS, "sentence", ".left"),
    "tokens: a letter typed, cut anew in the kernel, drawn": (LIVE_TOKENS, "text", ".bands"),
}


def findings(quick: bool) -> Iterator[Finding]:
    """Measure each explorer in a page, then two through the kernel."""
    sys.path.append(str(Path(__file__).resolve().parent.parent))  # the helpers of the browser tests
    n_keys = 12 if quick else 40
    with chromium() as browser:
        for name, (explorer, stop, keys) in explorers().items():
            waits = in_page(browser, explorer, stop, keys, n_keys)
            yield measure(f"{name}: from key press to painted", waits, "ms", target=IN_PAGE)
        many = attention(30, 9, 64)
        size = len(many._repr_mimebundle_()["text/html"]) / 1000
        yield measure("30 × 9 heads, 64 tokens: the page", [size], "kB", target=PAGE_SIZE)
        waits = in_page(browser, many, ".thumb[tabindex='0']", ("ArrowDown", "ArrowRight"), n_keys)
        yield measure("30 × 9 heads, 64 tokens: choosing another head", waits, "ms", target=MANY_HEADS)
        for name, live in LIVE.items():
            yield measure(name, through_kernel(browser, n_keys, *live), "ms", target=THROUGH_KERNEL)


def attention(n_layers: int, n_heads: int, n_tokens: int):
    """An explorer of random heads."""
    from llmviz.widgets import AttentionExplorer

    weights = np.tril(np.random.default_rng(0).random((n_layers, n_heads, n_tokens, n_tokens)) ** 9 + 1e-4)
    return AttentionExplorer(weights / weights.sum(-1, keepdims=True), [f" token{i}" for i in range(n_tokens)])


def explorers() -> dict:
    """The flagships at the size of a lesson: explorer, where the focus goes, the keys that are pressed in turn."""
    from llmviz import artifacts, training
    from llmviz.tokenizers.bpe import BytePairTokenizer
    from llmviz.widgets import EmbeddingExplorer, ModelExplorer, SamplingTreeExplorer, TokenExplorer, TrainingExplorer

    arrows = ("ArrowRight", "ArrowDown")
    text = "Mia found a red kite. Otto lost the blue drum. " * 5
    frames = np.random.default_rng(0).normal(size=(60, 512, 16))
    stop = ".picture [tabindex='0']:visible, .picture button[tabindex='0']:visible"
    heads = attention(4, 4, 64)
    words = EmbeddingExplorer(frames, [f"w{i}" for i in range(512)], chosen="w0")
    run, other = map(training.load_recording, ("tinyville", "overfitted"))
    steps = ("ArrowRight", "ArrowRight", "ArrowLeft")
    tokens = TokenExplorer(text, [BytePairTokenizer.train(text, 280), "gpt2"])
    tiny = artifacts.load_model("tiny")
    whole = ModelExplorer(tiny.model, tiny.tokenizer, "Mia found a red kite in the park. Otto lost the blue drum. " * 4)
    tree = SamplingTreeExplorer(tiny.model, tiny.tokenizer, "Robin is the new")
    return {
        "attention, 4 × 4 heads, 64 tokens, a head": (heads, ".thumb[tabindex='0']", arrows),
        "attention, 4 × 4 heads, 64 tokens, a cell of the map": (heads, ".map", ("ArrowLeft", "ArrowUp")),
        "embeddings, 512 points × 60 frames, a word": (words, stop, arrows),
        "embeddings, 512 points × 60 frames, a frame": (words, "canvas", ("[", "[", "]")),
        "the whole model, 64 tokens, another token": (whole, ".part", ("ArrowUp", "ArrowUp", "ArrowDown")),
        "the whole model, 64 tokens, another temperature": (whole, "input[type=range]", ("ArrowRight", "ArrowLeft")),
        "the whole model, 64 tokens, one more and back": (whole, ".next", ("Enter", "Escape")),
        "tokens, 235 characters, two tokenizers, a token": (tokens, stop, arrows),
        "tokens, 235 characters, two tokenizers, a merge less": (tokens, "input[type=range]", ("ArrowLeft",)),
        "training scrubber, 22 saved steps, a step": (TrainingExplorer(run), ".marks", steps),
        "training scrubber, two runs side by side, a step": (TrainingExplorer(run, compare=other), ".marks", steps),
        "tree, 6 texts of 14 tokens, another temperature": (tree, "input[type=range]", ("ArrowRight", "ArrowLeft")),
    }


@contextmanager
def chromium():
    """A headless browser, or a sentence where there is none."""
    from browser.conftest import QUIET, find_chromium

    path = find_chromium()
    if path is None:
        raise NotMeasured("no Chromium or Chrome found: install one, or set LLMVIZ_CHROMIUM to its path")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


def in_page(browser, explorer, stop: str, keys: tuple[str, ...], n_keys: int) -> list[float]:
    """Milliseconds from each key press to the painted picture, in an exported page."""
    from explorer_pages import page_with_model, write_page

    with tempfile.TemporaryDirectory() as folder:
        page = browser.new_page(viewport={"width": 1000, "height": 900})
        whole = page_with_model(explorer) if explorer.page_model else explorer._repr_mimebundle_()["text/html"]
        page.goto(write_page(Path(folder), whole))
        page.locator(f".lv {stop}").first.focus()
        page.evaluate(PAINTED)
        waits = pressed(page, keys, n_keys)
        page.close()
    return waits


def through_kernel(browser, n_keys: int, source: str, box: str, drawn: str) -> list[float]:
    """Milliseconds from a typed letter to the picture that the kernel's answer makes, in JupyterLab."""
    from explorer_pages import notebook_of
    from lab_pages import open_notebook, run_all
    from lab_server import Lab

    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as private:
        (Path(folder) / "live.ipynb").write_text(notebook_of(source), encoding="utf-8")
        lab = Lab(Path(folder), Path(private))
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            open_notebook(page, lab.url("live.ipynb"))
            run_all(page)
            page.locator(f".frame {drawn} .token").first.wait_for()
            page.evaluate(ANSWERED, ["*", drawn])
            page.get_by_label(box, exact=True).focus()
            page.keyboard.press("End")
            waits = pressed(page, tuple("adeo"), n_keys)
            page.close()
        finally:
            lab.stop()
    return waits


def pressed(page, keys: tuple[str, ...], n_keys: int) -> list[float]:
    """Press keys one by one, each after the picture of the last, and return their waits; the first few do not count."""
    for number in range(WARM_UP + n_keys):
        page.keyboard.press(keys[number % len(keys)])
        page.wait_for_function(f"window.waits.length > {number}", timeout=20_000)
    return page.evaluate("window.waits")[WARM_UP:]
