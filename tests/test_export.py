"""Lessons as web pages: everything inside, nothing asked from outside, links and formulas that work."""

import json
import posixpath
import re
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
from bs4 import BeautifulSoup

from llmviz import export
from llmviz.cli import main

ROOT = Path(__file__).resolve().parent.parent
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def pages(exported_pages) -> dict[str, BeautifulSoup]:
    """All lessons, exported: the path inside the folder, and the page as a tree."""
    return {
        path.relative_to(exported_pages).as_posix(): BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in sorted(exported_pages.rglob("*.html"))
    }


def notebook(path: Path, *cells) -> Path:
    nbformat.write(nbformat.v4.new_notebook(cells=list(cells)), path)
    return path


def shown(**data) -> nbformat.NotebookNode:
    """A code cell that shows these kinds of data."""
    output = nbformat.v4.new_output("display_data", {kind.replace("_", "/", 1): value for kind, value in data.items()})
    return nbformat.v4.new_code_cell("look()", outputs=[output])


def exported(tmp_path, *cells) -> str:
    path = notebook(tmp_path / "lesson.ipynb", *cells)
    export.export([path], tmp_path / "html")
    return (tmp_path / "html" / "lesson.html").read_text(encoding="utf-8")


def test_there_is_a_page_for_each_lesson_and_one_that_links_to_them(pages):
    lessons = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    names = {name.removesuffix(".html") for name in pages if "/" not in name}
    assert {"index", *lessons, "glossary", "torch_in_ten_minutes", "where_it_runs"} <= names
    links = [link.get("href") for link in pages["index.html"].main.find_all("a")]
    assert [name for name in lessons if f"{name}.html" not in links] == []
    following = [pages[f"{name}.html"].nav.find("a", rel="next")["href"] for name in lessons[:-1]]
    assert following == [f"{name}.html" for name in lessons[1:]]


def test_pages_refer_to_nothing_outside_but_in_links_that_a_reader_may_follow(pages):
    for name, page in pages.items():
        assert "default-src 'none'" in page.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
        for element in page.find_all(src=True):
            assert element["src"].startswith("data:"), (name, element["src"][:80])
        assert page.find_all(["link", "iframe", "object", "embed", "base"]) == []
        for style in [*page.find_all("style"), *page.find_all(style=True)]:
            assert not re.search(r"@import|url\((?!['\"]?data:)", style.get("style") or style.text), name


def test_every_link_between_pages_and_to_a_heading_leads_somewhere(pages):
    places = {name: {element["id"] for element in page.find_all(id=True)} for name, page in pages.items()}
    for name, page in pages.items():
        for link in page.find_all("a", href=True):
            path, _, place = link["href"].partition("#")
            if re.match(r"[a-z]+:", path):
                continue
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name
            assert target in pages, f"{name} links to {link['href']}"
            # As a browser looks for it: the id as it is written, then decoded.
            assert not place or {place, unquote(place)} & places[target], f"{name} links to {link['href']}"


def test_no_cell_is_blank(pages):
    for name, page in pages.items():
        for cell in page.select("section.cell, .output"):
            assert cell.get_text(strip=True) or cell.find(["img", "svg", "canvas"]), f"{name}: {cell}"


def test_every_formula_is_mathml_and_none_is_left_as_it_was_typed(pages):
    n_formulas = 0
    for name, page in pages.items():
        n_formulas += len(page.find_all("math"))
        for formula in page.find_all("math"):
            assert "\\" not in formula.get_text(), f"{name}: {formula.get_text()}"
        for element in page.find_all(["pre", "code", "script", "style", "math"]):
            element.decompose()
        assert not re.search(r"\$[^$\n]+\$|\\frac|\\sqrt|\\mathrm", page.get_text()), name
    assert n_formulas > 3


def test_pictures_have_alt_texts(pages):
    for name, page in pages.items():
        assert [str(image)[:80] for image in page.find_all("img") if not image.get("alt")] == [], name


class TestOneCell:
    def test_of_a_widget_what_stands_beside_it_is_shown(self, tmp_path):
        cell = shown(text_html="<b>alive</b>", image_png=PNG, text_plain="a sentence")
        cell.outputs[0].data[WIDGET] = {"model_id": "0", "version_major": 2}
        page = exported(tmp_path, cell)
        assert "<b>alive</b>" in page
        assert PNG not in page
        assert "model_id" not in page

    def test_of_a_widget_alone_a_sentence_says_how_to_use_it(self, tmp_path):
        page = exported(tmp_path, shown(text_plain="VBox(children=(Text(value='Mia'),))"))
        assert "controls that Python answers" in page
        assert "VBox(" not in page

    def test_what_one_cell_printed_stays_together(self, tmp_path):
        cell = nbformat.v4.new_code_cell("print()")
        cell.outputs = [nbformat.v4.new_output("stream", text=text) for text in ("one\n", "two\n")]
        page = BeautifulSoup(exported(tmp_path, cell), "html.parser")
        assert [block.text for block in page.select(".output")] == ["one\ntwo\n"]

    def test_a_pasted_picture_goes_into_the_page(self, tmp_path):
        pasted = {"kite.png": {"image/png": PNG}}
        cell = nbformat.v4.new_markdown_cell("![a kite](attachment:kite.png)", attachments=pasted)
        assert f"data:image/png;base64,{PNG}" in exported(tmp_path, cell)

    @pytest.mark.parametrize("metadata", [
        {"colab": {"provenance": []}, "widgets": {"application/vnd.jupyter.widget-state+json": {"x": {}}}},
        {"kaggle": {"accelerator": "gpu"}},
        {"vscode": {"interpreter": {"hash": "x"}}, "orig_nbformat": 4},
    ])  # fmt: skip
    @pytest.mark.parametrize("minor", [0, 2, 5])
    def test_notebooks_of_other_editors_stand_beside_a_good_one(self, tmp_path, capsys, metadata, minor):
        """With what their editors write: keys too many or too few, no ids, a source in one piece, pasted pictures."""
        png = f"data:image/png;base64,{PNG}"
        figure = {"output_type": "display_data", "metadata": {}, "data": {"image/png": f"{PNG}\n"}}
        cells = [
            {"cell_type": "markdown", "metadata": {"colab_type": "text"}, "source": f"![pasted]({png})"},
            {"cell_type": "code", "metadata": {"cellView": "form", "_uuid": "x"}, "source": ["print('hello')"]},
            {"cell_type": "code", "metadata": {}, "source": "1", "outputs": [figure], "execution_count": 1},
        ]
        content = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": minor}
        theirs, strange = tmp_path / "theirs.ipynb", tmp_path / "strange.ipynb"
        theirs.write_text(json.dumps(content))
        strange.write_text(json.dumps({**content, "cells": [{"cell_type": "code", "outputs": None}]}))
        good = notebook(tmp_path / "good.ipynb", nbformat.v4.new_markdown_cell("# Good"))
        assert main(["export", *map(str, (strange, theirs, good)), "--out", str(tmp_path / "html")]) == 1
        [said] = capsys.readouterr().err.splitlines()
        assert said.startswith(f"llmviz export: {strange} is no Jupyter notebook: ") and "theirs" not in said
        page = (tmp_path / "html" / "theirs.html").read_text()
        assert "hello" in page and page.count(png) == 2 and (tmp_path / "html" / "good.html").is_file()

    @pytest.mark.parametrize("text", ["{'a': 1}", "Counter({'a': 2})", "dict(a=1)", "tensor([1.])", "VBox is a box"])
    def test_other_text_is_shown_as_it_is(self, tmp_path, text):
        page = BeautifulSoup(exported(tmp_path, shown(text_plain=text)), "html.parser")
        assert page.select_one(".output").get_text(strip=True) == text

    def test_a_picture_in_the_folder_of_the_notebook_goes_into_the_page(self, tmp_path):
        (tmp_path / "kite.png").write_bytes(b"\x89PNG")
        page = exported(tmp_path, nbformat.v4.new_markdown_cell("![a kite](kite.png)"))
        assert 'src="data:image/png;base64,iVBORw=="' in page

    def test_a_folded_answer_stays_folded(self, tmp_path):
        text = "<details><summary>Answer</summary>\n\n1. It is $x$.\n\n</details>\n\nNext."
        page = BeautifulSoup(exported(tmp_path, nbformat.v4.new_markdown_cell(text)), "html.parser")
        assert "It is" in page.details.text
        assert "Next" not in page.details.text

    def test_printed_text_and_code_are_inert(self, tmp_path):
        cell = nbformat.v4.new_code_cell("x = '<script>1</script>'")
        cell.outputs = [nbformat.v4.new_output("stream", text="<img src=x onerror=alert(1)>")]
        page = BeautifulSoup(exported(tmp_path, cell), "html.parser")
        assert page.main.find(["img", "script"]) is None
        assert "<img src=x" in page.select_one(".output").text

    def test_links_to_pages_become_links_between_them_and_others_plain_text(self, tmp_path):
        notebook(tmp_path / "b.ipynb", nbformat.v4.new_markdown_cell("# B\n\n## Hide it"))
        links = "[b](b.ipynb#Hide-it) [none](missing.md) [web](https://example.org/x.ipynb) [here](#top)"
        path = notebook(tmp_path / "a.ipynb", nbformat.v4.new_markdown_cell(links))
        export.export([path, tmp_path / "b.ipynb"], tmp_path / "html")
        page = BeautifulSoup((tmp_path / "html" / "a.html").read_text(), "html.parser")
        found = [link.get("href") for link in page.main.find_all("a")]
        assert found == ["b.html#Hide-it", None, "https://example.org/x.ipynb", "#top"]
        assert [link["href"] for link in page.nav.find_all("a", href=True)] == ["index.html", "b.html"]

    @pytest.mark.parametrize("latex", ["x_{", "\\begin{matrix", "}{"])
    def test_what_is_no_formula_stays_as_it_was_typed(self, tmp_path, latex):
        page = exported(tmp_path, nbformat.v4.new_markdown_cell(f"a ${latex}$ b"))
        assert latex in BeautifulSoup(page, "html.parser").text


class TestCommand:
    def test_writes_the_pages_and_says_where(self, tmp_path, capsys):
        path = notebook(tmp_path / "mine.ipynb", nbformat.v4.new_markdown_cell("# Mine"))
        assert main(["export", str(path), "--out", str(tmp_path / "html"), "--json"]) == 0
        *_, last = capsys.readouterr().out.splitlines()
        assert [Path(page).name for page in json.loads(last)["pages"]] == ["index.html", "mine.html"]

    @pytest.mark.parametrize(
        "content, sentence", [("no notebook", "is no Jupyter notebook"), (None, "is the folder there")]
    )
    def test_what_is_no_notebook_gets_a_sentence(self, tmp_path, capsys, content, sentence):
        path = tmp_path / "mine.ipynb"
        if content is not None:
            path.write_text(content)
        assert main(["export", str(path), "--out", str(tmp_path / "html")]) == 1
        assert sentence in capsys.readouterr().err
        assert not (tmp_path / "html").exists()

    def test_one_bad_notebook_does_not_keep_the_others_from_being_written(self, tmp_path, capsys):
        good = notebook(tmp_path / "good.ipynb", nbformat.v4.new_markdown_cell("# Good"))
        missing_picture = notebook(tmp_path / "bad.ipynb", nbformat.v4.new_markdown_cell("![](attachment:x.png)"))
        (tmp_path / "broken.ipynb").write_text("{")
        (tmp_path / "folder.ipynb").mkdir()
        paths = [missing_picture, *(tmp_path / f"{name}.ipynb" for name in ("broken", "none", "folder")), good]
        assert main(["export", *map(str, paths), "--out", str(tmp_path / "html")]) == 1
        said = capsys.readouterr().err
        assert "bad.ipynb cannot be shown: missing attachment" in said
        assert "broken.ipynb is no Jupyter notebook" in said and "none.ipynb is not there" in said
        assert "folder.ipynb" in said
        assert "Good" in (tmp_path / "html" / "good.html").read_text()

    def test_two_notebooks_of_one_name_get_a_sentence(self, tmp_path, capsys):
        other = tmp_path / "other"
        other.mkdir()
        cell = nbformat.v4.new_markdown_cell("# A")
        paths = [notebook(folder / "a.ipynb", cell) for folder in (tmp_path, other)]
        assert main(["export", *map(str, paths), "--out", str(tmp_path / "html")]) == 1
        assert "name of its own" in capsys.readouterr().err
