"""Lessons as web pages: each one file that stays alive without a kernel and asks nobody for anything.

What a page needs is inside it: styles, pictures, the explorers' own modules. Formulas become MathML, which browsers
draw by themselves. A Content-Security-Policy in each page makes the browser refuse any request to the outside, so
that this is not a matter of trust.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import ipywidgets
import latex2mathml.converter
import nbformat
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from llmviz.files import CHECKOUT, NOTEBOOKS, lesson_files

TEACHING = CHECKOUT / "docs" / "teaching"
TEMPLATES = Path(__file__).resolve().parent / "jupyter"
INDEX = "index.html"
_ABOUT = """Each lesson below is one page that works offline: read it, touch its pictures, unfold its answers. To change
the code, write the exercises and train the models yourself, open the lessons with `make lab`."""
_TITLE = re.compile(r"^# +(.+)$", re.MULTILINE)
# A link to a file: no address of the web, no place on the same page.
_LINK = re.compile(r'(<a\b[^>]*?\bhref=")([^"#:]+)((?:#[^"]*)?")')


@dataclass(frozen=True)
class Page:
    """A page to be: its source (a notebook or a Markdown file), where it goes, its title, its cells."""

    source: Path
    target: Path
    title: str
    notebook: nbformat.NotebookNode


def export(sources: Sequence[Path] = (), folder: Path = Path("build/html")) -> list[Path]:
    """Write notebooks as pages into a folder, with the teacher's pages beside the lessons, and a page that lists them.

    Args:
        sources: notebooks; without any, all lessons.
        folder: made when it is not there; pages of the same names are replaced.

    Returns:
        the pages, the one that lists the others first.

    Raises:
        FileNotFoundError: a notebook is not there.
        ValueError: a file is no notebook, or two have the same name.
    """
    lessons = [_notebook_page(Path(source), folder) for source in sources or _all_lessons()]
    names = [page.target.name for page in lessons]
    if len({INDEX, *names}) <= len(names):
        raise ValueError(f"each page needs a name of its own, other than {INDEX}; given {', '.join(names)}")
    stems = {page.source.stem for page in lessons}
    teaching = [_text_page(path, folder) for path in sorted(TEACHING.glob("*.md")) if not sources or path.stem in stems]
    first = Page(NOTEBOOKS, folder / INDEX, "The lessons", _one_cell(_contents(lessons, teaching)))
    pages = [first, *lessons, *teaching]
    targets = {page.source.resolve(): page.target for page in pages}
    for page in pages:
        page.target.parent.mkdir(parents=True, exist_ok=True)
        page.target.write_text(_linked(_html(page, first, lessons), page, targets), encoding="utf-8")
    return [page.target for page in pages]


def _all_lessons() -> list[Path]:
    lessons = lesson_files(NOTEBOOKS)
    if not lessons:
        raise FileNotFoundError(f"there are no lessons in {NOTEBOOKS}; get the whole repository, or name a notebook")
    return lessons


def _notebook_page(path: Path, folder: Path) -> Page:
    try:
        notebook = nbformat.read(path, as_version=4)
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, UnicodeDecodeError, AttributeError) as error:
        raise ValueError(f"{path} is no Jupyter notebook: {str(error).splitlines()[0][:100]}") from None
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return Page(path, folder / f"{path.stem}.html", _title(texts, path), notebook)


def _text_page(path: Path, folder: Path) -> Page:
    text = path.read_text(encoding="utf-8")
    return Page(path, folder / "teaching" / f"{path.stem}.html", _title([text], path), _one_cell(text))


def _one_cell(text: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text, id="text")])


def _title(texts: Sequence[str], path: Path) -> str:
    found = next(filter(None, map(_TITLE.search, texts)), None)
    return re.sub(r"[*`]", "", found[1]).strip() if found else path.stem


def _contents(lessons: Sequence[Page], teaching: Sequence[Page]) -> str:
    """The list of the lessons as Markdown: title, what it is about, and the teacher's page where there is one."""
    lines = ["# Learn how large language models work by touching a tiny one", "", _ABOUT, ""]
    teachers = {page.source.stem: page for page in teaching}
    for page in lessons:
        lines += [f"## [{page.title}]({page.target.name})", "", _first_paragraph(page.notebook), ""]
        if page.source.stem in teachers:
            lines += [f"[For the teacher](teaching/{page.target.name})", ""]
    return "\n".join(lines)


def _first_paragraph(notebook: nbformat.NotebookNode) -> str:
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    paragraphs = [part.strip() for part in "\n\n".join(texts).split("\n\n")]
    return next((part for part in paragraphs if re.match(r"[^\W\d]|\*", part) and part[-1] in ".!?"), "")


def _html(page: Page, first: Page, lessons: Sequence[Page]) -> str:
    place = lessons.index(page) if page in lessons else None
    depth = "../" * (len(page.target.relative_to(first.target.parent).parts) - 1)
    about = {
        "title": page.title,
        "home": None if page is first else depth + INDEX,
        "before": _neighbor(lessons[place - 1]) if place else None,
        "after": _neighbor(lessons[place + 1]) if place is not None and place + 1 < len(lessons) else None,
        "css": (TEMPLATES / "pages" / "page.css").read_text(encoding="utf-8"),
        "script": (TEMPLATES / "pages" / "page.js").read_text(encoding="utf-8"),
    }
    resources = {"page": about, "metadata": {"path": str(page.source.parent), "name": page.source.stem}}
    return PageExporter().from_notebook_node(page.notebook, resources)[0]


def _neighbor(page: Page) -> dict[str, str]:
    return {"href": page.target.name, "title": page.title.partition(":")[0]}


def _linked(text: str, page: Page, targets: Mapping[Path, Path]) -> str:
    """Links between sources as links between pages; a link to what has no page becomes plain text."""
    pages = {target.resolve() for target in targets.values()}

    def aim(link: re.Match) -> str:
        start, path, rest = link.groups()
        if (page.target.parent / path).resolve() in pages:
            return link[0]
        target = targets.get((page.source.parent / html.unescape(path)).resolve())
        if target is None:
            return start.removesuffix('href="') + f'data-source="{path}{rest}'
        return start + Path(os.path.relpath(target, page.target.parent)).as_posix() + rest

    return _LINK.sub(aim, text)


def is_widget(text: str) -> bool:
    """Whether this is the text form of a widget of ipywidgets, such as `VBox(children=(…`.

    >>> is_widget("VBox(children=(Text(value='Mia')))"), is_widget("{'a': 1}")
    (True, False)
    """
    name, bracket, _ = text.partition("(")
    return bool(bracket) and name.isidentifier() and isinstance(getattr(ipywidgets, name, None), type)


def mathml(latex: str, display: str = "inline") -> str:
    """A formula as MathML; what is no formula stays as it was typed.

    >>> mathml("d_k").partition("<mrow>")[2]
    '<msub><mi>d</mi><mi>k</mi></msub></mrow></math>'
    """
    try:
        return latex2mathml.converter.convert(latex.strip(), display=display)
    except Exception:  # the converter has many errors, and no common name for them
        return f"<code>{html.escape(latex)}</code>"


class Renderer(IPythonRenderer):
    """Markdown as nbconvert reads it, with formulas as MathML."""

    def _html_embed_images(self, html: str) -> str:
        """Leave HTML without pictures as it is: nbconvert would close a `<details>` at once that goes on below."""
        return super()._html_embed_images(html) if "<img" in html else html

    def heading(self, text: str, level: int, **attributes: Any) -> str:
        """A heading whose id is its text with hyphens, as it is written in links to it."""
        made = super().heading(text, level, **attributes)
        return re.sub(r'(?<= id=")[^"]*', lambda found: html.escape(unquote(html.unescape(found[0]))), made, count=1)

    def inline_math(self, body: str) -> str:
        """`$…$`."""
        return mathml(body)

    def block_math(self, body: str) -> str:
        """`$$…$$`."""
        return mathml(body, display="block")

    def latex_environment(self, name: str, body: str) -> str:
        """`\\begin{…} … \\end{…}`."""
        return mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", display="block")


class PageExporter(HTMLExporter):
    """nbconvert's HTML exporter on our own template, without its scripts from elsewhere."""

    def __init__(self, **options: Any):
        super().__init__(template_name="pages", extra_template_basedirs=[str(TEMPLATES)], **options)

    @property
    def default_config(self):
        """A widget is shown by what stands beside it: HTML, else a picture, else text. Printed lines stay together."""
        config = super().default_config
        config.CoalesceStreamsPreprocessor.enabled = True
        config.NbConvertBase.display_data_priority = [
            "text/html", "text/markdown", "image/svg+xml", "image/png", "text/plain",
        ]  # fmt: skip
        return config

    def default_filters(self):
        """Our Markdown in place of nbconvert's, and a question for the template."""
        yield from super().default_filters()
        yield "markdown2html", self.markdown
        yield "is_widget", is_widget

    def markdown(self, source: str) -> str:
        """Markdown to HTML; a picture in the notebook's folder is put into the page."""
        renderer = Renderer(escape=False, embed_images=True, path=self.folder)
        return MarkdownWithMath(renderer=renderer).render(source)

    def from_notebook_node(self, nb, resources=None, **options):
        """Remember where the notebook's pictures are."""
        self.folder = (resources or {}).get("metadata", {}).get("path", "")
        return super().from_notebook_node(nb, resources, **options)
