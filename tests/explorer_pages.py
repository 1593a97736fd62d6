"""What the browser tests of all explorers share: samples, pages to look at them, and eyes that see what one sees.

A new explorer plugs in with one line of SAMPLES. Locators see into the shadow root: `page.locator(".lv .sentence")`.
"""

import functools
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
from refresh_widgets import saved_data

from llmviz.widgets.base import to_json
from llmviz.widgets.page_model import page_model

TEXTS = ["Mia", " found", " a", " red", " kite", " in", " the", " tree", "."]
HOSTILE = [
    "<img src=x onerror=window.broken=1>", "</script><script>window.broken=1</script>", "\u202eright to left",
    "lone \ud83d", "ten thousand " * 800, "<!--", "\x00\u200b", "{query}",
]  # fmt: skip
PRELUDE = """
import numpy as np
from llmviz.widgets import AttentionExplorer, EmbeddingExplorer, TokenExplorer, TrainingExplorer
from llmviz.training.recording import _AttentionFrames, _NextTokenFrames, Recording, Sample
from llmviz.tokenizers import BytePairTokenizer
def heads(n, shape=(2, 3)):
    weights = np.tril(np.random.default_rng(n).random((*shape, n, n)) ** 4)
    return weights / weights.sum(-1, keepdims=True)
def vectors(n, frames=3):
    return np.random.default_rng(n).normal(size=(frames, n, 6))
def run_of(texts, n=6):
    shares, dice = np.linspace(0, 1, n), np.random.default_rng(0)
    written = [[Sample(text, (0, 3), (4, 6)), Sample(text)] for text in [*texts, *texts][:n]]
    films = [_AttentionFrames(texts, np.stack([heads(len(texts))] * n))]
    bars = [_NextTokenFrames(text, texts[:3], dice.dirichlet([1, 1, 1], n), (0.5, 0.5, 0)) for text in texts[:2]]
    groups, points = [str(number % 3) for number in range(len(texts))], vectors(len(texts), n)[..., :2]
    return Recording("a run", np.arange(n) ** 3, 3 - shares, 3 - 0.5 * shares, {"ln V": 3.0, "floor": 1.5}, written,
        shares, 0.3, shares, bars, films, texts, groups, points, shares)
def explore(text, ablate_heads):
    if len(text) > 1000:
        raise ValueError("This text is too long: at most 1,000 characters.")
    return AttentionExplorer(heads(len(text.split())), text.split())
"""


@dataclass(frozen=True)
class Sample:
    """An explorer in one line of Python over `texts`; what is the same in all of them is tested on each.

    Attributes:
        source: the line.
        at: where the picture's tab stop is, the one whose arrow keys move and whose Enter pins.
        live: where one can type, a line of Python that makes the live one.
    """

    source: str
    at: str = ".picture [tabindex='0']"
    live: str = ""

    @functools.cache  # noqa: B019 – a handful of samples that live as long as the tests
    def html(self, texts: tuple[str, ...] = tuple(TEXTS), **more) -> str:
        """The explorer's page over some texts; `more` are further arguments by name."""
        scope = {"texts": list(texts)}
        exec(PRELUDE, scope)
        arguments = "".join(f", {name}={value!r}" for name, value in more.items())
        return eval(f"{self.source[:-1]}{arguments})", scope)._repr_mimebundle_()["text/html"]


SAMPLES = {
    "attention": Sample(
        "AttentionExplorer(heads(len(texts)), texts)",
        at=".map",
        live="AttentionExplorer.live(explore=explore, text='Mia ran')",
    ),
    "embeddings": Sample("EmbeddingExplorer(vectors(len(texts)), texts, chosen=texts[0])"),
    "tokens": Sample(
        "TokenExplorer(''.join(texts), [BytePairTokenizer.train('the red kite', 262), 'gpt2'])",
        live="TokenExplorer('Mia ran', 'gpt2').live()",
    ),
    "training": Sample("TrainingExplorer(run_of(texts))", at=".marks"),
}
EYES = (Path(__file__).parent / "explorer_eyes.js").read_text(encoding="utf-8")
LEAST_CONTRAST = 4.5  # WCAG 2.2, AA


def write_page(folder: Path, *pages: str, dark: bool = False) -> str:
    """Write the HTML of explorers into one file, as an exported page has them; return its address."""
    style = "<style>:root { color-scheme: dark }</style>" if dark else ""
    body = "<hr>".join(pages)
    path = folder / "page.html"
    path.write_text(f'<!doctype html><html><meta charset="utf-8">{style}<body>{body}</body></html>', encoding="utf-8")
    return path.as_uri()


def page_with_model(explorer) -> str:
    """The explorer in a page that holds its model, as an exported one does."""
    packed = to_json(page_model(explorer.model, explorer.tokenizer))
    script = f'<script type="application/json" class="lv-model" data-model="{explorer.page_model}">{packed}</script>'
    return script + explorer._repr_mimebundle_()["text/html"]


def data_in(page: str) -> dict:
    """The traits that the page of an explorer holds."""
    [packed] = re.findall(r'<script type="application/octet-stream">(.*?)</script>', page, re.DOTALL)
    return saved_data(packed)


def stays_data(page: str) -> None:
    """What is shown in an explorer's page stays data: it ends no script and makes no element, whatever it says."""
    assert page.count("</script>") == 2  # of the data and of the module, and none of the text's
    assert "<img src=x" not in page and "<b>" not in page
    page.encode("utf-8")


def listen(page) -> None:
    """Write down what goes wrong in a page (`page.wrong`) and what it asks for (`page.asked`)."""
    page.wrong, page.asked = [], []
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("console", lambda message: page.wrong.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: page.asked.append(request.url))


def notebook_of(*sources: str) -> str:
    """A notebook with these code cells, as JSON."""
    cells = [nbformat.v4.new_code_cell(source.strip(), id=f"cell-{i}") for i, source in enumerate(sources)]
    kernel = {"name": "python3", "display_name": "Python 3"}
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}))


def judge(page) -> None:
    """Everything that one sees can be read, has a name, and lies in its frame."""
    seen = page.evaluate(EYES)
    assert [text for contrast, text in seen["contrasts"] if contrast < LEAST_CONTRAST] == []
    assert seen["contrasts"]
    assert [seen[fault] for fault in ("tooWide", "nameless", "misnamed", "stuck")] == [[], [], [], []]


class Shown:
    """One explorer on a page, by its place among all of them."""

    def __init__(self, page, at: str, place: int = 0):
        self.page = page
        self.frame = page.locator(".frame").nth(place)
        self.stop = self.frame.locator(at).first

    def said(self) -> str:
        return self.frame.locator(".sentence").inner_text()

    def seen(self) -> str:
        """All that is on the page, and what is painted on its canvases."""
        return self.frame.evaluate(
            "frame => frame.outerHTML + [...frame.querySelectorAll('canvas')].map(one => one.toDataURL()).join()"
        )

    def walk(self) -> set[str]:
        """Focus the picture, press each arrow key, and gather what is said."""
        self.stop.focus()
        said = {self.said()}
        for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):
            self.page.keyboard.press(key)
            said.add(self.said())
        return said

    def problem(self) -> str:
        return " ".join(self.frame.locator(".problem:visible").all_inner_texts())
