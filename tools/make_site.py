"""The course as a web site: `make site` writes a folder that any static host, or a double click, serves.

First page, lessons, glossary with a search box, pages for teachers: no request leaves the folder.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import html
import io
import re
import shutil
import string
from pathlib import Path

from PIL import Image

from llmviz.artifacts import load_model
from llmviz.export import export, model_data, page_script
from llmviz.files import NOTEBOOKS, ROOT, lesson_files
from llmviz.widgets import ModelExplorer

SOURCES = Path(__file__).parent / "site"
PROMPT = "Mia found a red kite at the lake. She showed the red"
CARD_WIDTH, N_COLORS = 640, 64
TITLE = re.compile(r"<title>(\d+) · ([^<]+) · llmviz</title>")
FIRST_PARAGRAPHS = re.compile(r"<(?:p|blockquote)>.*?(?=<details|<table|</section>)", re.DOTALL)
QUESTION = re.compile(r"<strong>([^<]*(?:<(?!/strong).*?>[^<]*)*\?)</strong>")
PICTURE = re.compile(r'<img[^>]*src="data:image/png;base64,([^"]+)"')
CARD = string.Template(
    """<li><a class="card" href="$href"><img src="pictures/$stem.png" alt="" loading="lazy" width="$width"
 height="$height"><span class="number">$number</span><b>$name</b><span>$question</span></a>
<a class="teacher" href="teaching/$href">for teachers</a></li>"""
)


def card(page: Path, pictures: Path) -> str:
    """A lesson on the first page: its number, title, question and first picture."""
    text = page.read_text(encoding="utf-8")
    number, title = TITLE.search(text).groups()
    name, _, rest = html.unescape(title).partition(": ")
    found = QUESTION.search(FIRST_PARAGRAPHS.search(text)[0])
    question = re.sub(r"<[^>]*>", "", found[1]) if found else html.escape(rest)
    width, height = write_picture(PICTURE.search(text)[1], pictures / f"{page.stem}.png")
    return CARD.substitute(
        href=page.name, stem=page.stem, number=number, name=html.escape(name), question=question, width=width,
        height=height,
    )  # fmt: skip


def write_picture(data: str, path: Path) -> tuple[int, int]:
    """A picture of a page as a small file with few colors; gives its size."""
    picture = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA")
    opaque = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    opaque.thumbnail((CARD_WIDTH, CARD_WIDTH))
    opaque.quantize(N_COLORS).save(path, optimize=True)
    return opaque.size


def living_model() -> str:
    """The tiny GPT and the picture of it, as HTML."""
    tiny = load_model("tiny")
    shown = ModelExplorer(tiny.model, tiny.tokenizer, PROMPT)._repr_mimebundle_()["text/html"]
    return model_data(shown) + shown


def make_site(folder: Path) -> list[Path]:
    """Write the whole site into a folder; gives its pages, the first page first."""
    pages = export((), folder)
    (pictures := folder / "pictures").mkdir(exist_ok=True)
    lessons = [folder / f"{path.stem}.html" for path in lesson_files(NOTEBOOKS)]
    first = string.Template((SOURCES / "index.html").read_text(encoding="utf-8"))
    style = (ROOT / "llmviz" / "jupyter" / "pages" / "page.css").read_text(encoding="utf-8")
    (folder / "index.html").write_text(
        first.substitute(
            style=style + (SOURCES / "site.css").read_text(encoding="utf-8"),
            script=page_script(),
            model=living_model(),
            cards="\n".join(card(page, pictures) for page in lessons),
        ),
        encoding="utf-8",
    )
    (folder / ".nojekyll").touch()  # a host that builds sites leaves this one as it is
    return pages


def main() -> None:
    """Write the site anew, and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site", metavar="DIR", help="default: build/site")
    folder = parser.parse_args().out
    if (folder / "index.html").exists():
        shutil.rmtree(folder)
    pages = make_site(folder)
    n_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    for path in sorted(folder.glob("*.js")):
        n_gzip = len(gzip.compress(path.read_bytes()))
        print(f"{path.name}: {n_gzip / 1e6:.2f} MB compressed, loaded when a picture is given a text that needs it")
    print(f"{len(pages)} pages, {n_bytes / 1e6:.1f} MB. Open {pages[0]} in a browser; to publish it: docs/publish.md")


if __name__ == "__main__":
    main()
