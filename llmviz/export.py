"""Export lessons as web pages: each one file that works without a kernel and without a network.

Styles, pictures and the widgets' modules are inside the page; one model and the vocabularies of real models are beside
it, loaded when a text is typed. Formulas are MathML. A Content-Security-Policy in each page makes the browser refuse
any request to the outside.
"""

from __future__ import annotations

import base64
import functools
import html
import os
import re
import warnings
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

from llmviz.artifacts import load_model
from llmviz.files import NOTEBOOKS, ROOT, data_path, lesson_files
from llmviz.tokenizers.tiktoken import VOCABULARIES
from llmviz.widgets.base import to_json
from llmviz.widgets.page_model import page_model, page_model_name
from llmviz.widgets.training import page_training

_DOCS = ROOT / "docs"
_TEMPLATES = Path(__file__).resolve().parent / "jupyter"
_INDEX = "index.html"
_ABOUT = """Each lesson below is one page that works offline: read it, use its widgets, unfold its answers. To change
the code, write the exercises and train the models yourself, open the lessons with `make lab`."""
_LIVE_TRAINING = re.compile(r'<p><strong>Live training</strong>.*?</p>(<p class="needs-python">.*?</p>)?')
# A link to a file, not to a web address nor to a place on the same page.
_LINK = re.compile(r'(<a\b[^>]*?\bhref=")([^"#:]+)((?:#[^"]*)?")')


@dataclass(frozen=True)
class _Page:
    source: Path  # a notebook or a Markdown file
    target: Path
    title: str
    notebook: nbformat.NotebookNode


def export(sources: Sequence[Path], folder: Path) -> list[Path]:
    """Write notebooks (none: all lessons and texts) as pages, each with its teacher's; return the pages, index first.

    Raises FileNotFoundError where there is no lesson, ValueError where two names are equal, and, after all others are
    written, ValueError with each file that is missing, no notebook, or cannot be shown.
    """
    lessons: list[_Page] = []
    faults: list[str] = []
    for source in sources or (*lesson_files(NOTEBOOKS), _DOCS / "torch_in_ten_minutes.ipynb"):
        try:
            lessons.append(_notebook_page(Path(source), folder))
        except FileNotFoundError:
            faults.append(f"{source} is not there: is the folder there, and the name right?")
        except (OSError, ValueError) as error:
            faults.append(str(error))
    if not lessons and not faults:
        raise FileNotFoundError(f"there are no lessons in {NOTEBOOKS}; get the whole repository, or name a notebook")
    if not lessons:
        raise ValueError("; ".join(faults))
    names = [page.target.name for page in lessons]
    if len({_INDEX, *names}) <= len(names):
        raise ValueError(f"each page needs a name of its own, other than {_INDEX}; given {', '.join(names)}")
    stems = {page.source.stem for page in lessons}
    texts = [
        _text_page(path, folder / path.relative_to(_DOCS).with_suffix(".html"), path.read_text(encoding="utf-8"))
        for path in sorted(_DOCS.rglob("*.md"))
        if path != _DOCS / "index.md" and (not sources or path.stem in stems)
    ]
    first = _text_page(NOTEBOOKS, folder / _INDEX, _contents(lessons, texts))
    pages = [first, *lessons, *texts]
    targets = {page.source.resolve(): page.target for page in pages}
    for page in pages:
        page.target.parent.mkdir(parents=True, exist_ok=True)
        try:
            text = _html(page, first, lessons)
        except Exception as error:  # whatever a strange notebook does to nbconvert: the other pages are written
            faults.append(f"{page.source} cannot be shown: {_first_line(error)}")
            instead = f"# {page.title}\n\nThis notebook cannot be shown."
            text = _html(_text_page(page.source, page.target, instead), first, lessons)
        page.target.write_text(_with_links(text, page, targets), encoding="utf-8")
        for name in (one for one in _names_beside() if f' data-beside="{one}.js"' in text):
            data = _vocabulary(name) if name in VOCABULARIES else _packed("masked_long")[1]
            filled = f"document.querySelector('script[data-model=\"{name}\"]').textContent = {to_json(data)};\n"
            page.target.with_name(f"{name}.js").write_text(filled, encoding="utf-8")
    if faults:
        raise ValueError(f"{'; '.join(faults)}. The other pages are in {folder}.")
    return [page.target for page in pages]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:100]


def _notebook_page(path: Path, folder: Path) -> _Page:
    try:
        with warnings.catch_warnings(action="ignore"):  # about cells without an id, as older editors write them
            notebook = nbformat.read(path, as_version=4)
    except OSError:
        raise
    except Exception as error:  # whatever a strange file does to nbformat: the other pages are written
        raise ValueError(f"{path} is no Jupyter notebook: {_first_line(error)}") from None
    notebook.metadata.pop("widgets", None)  # the state of widgets that only a kernel could show
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.setdefault("outputs", [])
            cell.setdefault("execution_count", None)
    return _Page(path, folder / f"{path.stem}.html", _title(_markdown(notebook), path), notebook)


def _text_page(source: Path, target: Path, text: str) -> _Page:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text, id="text")])
    return _Page(source, target, _title(text, source), notebook)


def _markdown(notebook: nbformat.NotebookNode) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def _title(text: str, path: Path) -> str:
    found = re.search(r"^# +(.+)$", text, re.MULTILINE)
    return re.sub(r"[*`]", "", found[1]).strip() if found else path.stem


def _contents(lessons: Sequence[_Page], texts: Sequence[_Page]) -> str:
    """The index page as Markdown: of each lesson its title, first paragraph and teacher's page."""
    lines = ["# Learn how large language models work by touching a tiny one", "", _ABOUT, ""]
    teachers = {page.source.stem: page for page in texts}
    for page in lessons:
        paragraphs = [part.strip() for part in _markdown(page.notebook).split("\n\n")]
        sentences = (part for part in paragraphs if re.match(r"[^\W\d]|\*", part) and part[-1] in ".!?")
        lines += [f"## [{page.title}]({page.target.name})", "", next(sentences, ""), ""]
        if page.source.stem in teachers:
            lines += [f"[For the teacher](teaching/{page.target.name})", ""]
    return "\n".join(lines)


def _html(page: _Page, first: _Page, lessons: Sequence[_Page]) -> str:
    place = lessons.index(page) if page in lessons else len(lessons)
    neighbors = [{"href": one.target.name, "title": one.title.partition(":")[0]} for one in lessons]
    depth = "../" * (len(page.target.relative_to(first.target.parent).parts) - 1)
    about = {
        "title": page.title,
        "is_lesson": page in lessons,
        "home": None if page is first else depth + _INDEX,
        "before": neighbors[place - 1] if 0 < place < len(lessons) else None,
        "after": neighbors[place + 1] if place + 1 < len(lessons) else None,
        "css": (_TEMPLATES / "pages" / "page.css").read_text(encoding="utf-8"),
        "script": page_script(),
    }
    exporter = _PageExporter(template_name="pages", extra_template_basedirs=[str(_TEMPLATES)])
    exporter.folder = str(page.source.parent)
    resources = {"page": about, "metadata": {"path": exporter.folder, "name": page.source.stem}}
    text = exporter.from_notebook_node(page.notebook, resources)[0]
    text = _LIVE_TRAINING.sub(lambda _: page_training(load_model("tiny").tokenizer), text)
    return text.replace("<main>", f"<main>\n{model_data(text)}", 1)


def page_script() -> str:
    """What each page runs: the theme and the search (page.js), and the widgets' state in the address (address.js)."""
    return "".join((_TEMPLATES / "pages" / f"{name}.js").read_text(encoding="utf-8") for name in ("page", "address"))


def model_data(text: str) -> str:
    """The tiny GPT, and the places of what lies beside the page, where widgets answer with them (start.js); HTML."""
    asked = {name for names in re.findall(' data-model="([^"]*)">', text) for name in names.split()}
    tag = '<script type="application/json" class="lv-model" data-model='
    tiny, data = _packed("tiny")
    inside = f'{tag}"{tiny}">{data}</script>' if asked & {"tiny", tiny} else ""
    beside = [f'{tag}"{name}" data-beside="{name}.js"></script>' for name in _names_beside() if name in asked]
    return inside + "".join(beside)


def _names_beside() -> tuple[str, ...]:
    return _packed("masked_long")[0], *VOCABULARIES


def _vocabulary(name: str) -> str:
    return to_json(base64.b64encode(data_path(f"{name}.merges.zlib").read_bytes()).decode("ascii"))


@functools.cache
def _packed(kind: str) -> tuple[str, str]:
    model, tokenizer = (loaded := load_model(kind)).model, loaded.tokenizer
    return page_model_name(model, tokenizer, type(model)), to_json(page_model(model, tokenizer))


def _with_links(text: str, page: _Page, targets: Mapping[Path, Path]) -> str:
    """Turn links between sources into links between pages; a link to a file without a page becomes plain text."""
    pages = {target.resolve() for target in targets.values()}

    def convert(link: re.Match) -> str:
        start, path, rest = link.groups()
        if (page.target.parent / path).resolve() in pages:
            return link[0]
        target = targets.get((page.source.parent / html.unescape(path)).resolve())
        if target is None:
            return start.removesuffix('href="') + f'data-source="{path}{rest}'
        return start + Path(os.path.relpath(target, page.target.parent)).as_posix() + rest

    return _LINK.sub(convert, text)


def _is_widget(text: str) -> bool:
    """Whether this is the repr of an ipywidgets widget, such as `VBox(children=(…`."""
    name, bracket, _ = text.partition("(")
    return bool(bracket) and name.isidentifier() and isinstance(getattr(ipywidgets, name, None), type)


def _mathml(latex: str, display: str = "inline") -> str:
    """A formula as MathML; what does not parse stays as it was typed."""
    try:
        return latex2mathml.converter.convert(latex.strip(), display=display)
    except Exception:  # the converter raises many kinds of errors, without a common class
        return f"<code>{html.escape(latex)}</code>"


class _Renderer(IPythonRenderer):
    """nbconvert's Markdown renderer, with formulas as MathML."""

    def _html_embed_images(self, html: str) -> str:
        # Leave HTML without pictures as it is: nbconvert would close a `<details>` that continues below.
        return super()._html_embed_images(html) if "<img" in html else html

    def heading(self, text: str, level: int, **attributes: Any) -> str:
        made = super().heading(text, level, **attributes)  # its id becomes its text with hyphens, as links write it
        return re.sub(r'(?<= id=")[^"]*', lambda found: html.escape(unquote(html.unescape(found[0]))), made, count=1)

    def inline_math(self, body: str) -> str:
        return _mathml(body)

    def block_math(self, body: str) -> str:
        return _mathml(body, display="block")

    def latex_environment(self, name: str, body: str) -> str:
        return _mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", display="block")


class _PageExporter(HTMLExporter):
    """nbconvert's HTML exporter with our own template, which loads no scripts from elsewhere."""

    folder = ""  # of the notebook, whose pictures are put into the page

    @property
    def default_config(self):
        """Show a widget by its HTML, else picture, else text; join printed lines."""
        config = super().default_config
        config.CoalesceStreamsPreprocessor.enabled = True
        config.NbConvertBase.display_data_priority = [
            "text/html", "text/markdown", "image/svg+xml", "image/png", "text/plain",
        ]  # fmt: skip
        return config

    def default_filters(self):
        yield from super().default_filters()
        yield "markdown2html", self._markdown
        yield "is_widget", _is_widget

    def _markdown(self, source: str, pasted: Mapping | None = None) -> str:
        renderer = _Renderer(escape=False, embed_images=True, path=self.folder, attachments=pasted or {})
        return MarkdownWithMath(renderer=renderer).render(source)
