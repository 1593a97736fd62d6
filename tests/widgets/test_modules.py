"""Many small modules become one text: as ES module for anywidget and node, as plain script for the page."""

import re
from pathlib import Path

import pytest
from counter import MODULE
from nodes import needs_node, node

from llmviz.widgets import AttentionExplorer, EmbeddingExplorer, TokenExplorer, base
from llmviz.widgets.base import _page_script, es_module

MODULES = {"counter": MODULE} | {e.title: e.module for e in (AttentionExplorer, EmbeddingExplorer, TokenExplorer)}
# exercises.js shows HTML that Python made and escaped: tests/course holds that safe.
SOURCES = sorted(path for path in Path(base.__file__).parent.rglob("*.js") if path.name != "exercises.js")
FORBIDDEN = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "fetch(",
             "XMLHttpRequest", "WebSocket", "import(")  # fmt: skip
every_module = pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)


@pytest.fixture
def folder(tmp_path):
    """Write modules by name into a folder."""

    def write(**sources):
        for name, source in sources.items():
            (tmp_path / f"{name}.js").write_text(source, encoding="utf-8")
        return tmp_path

    return write


@needs_node
def test_what_is_imported_stands_before_who_imports_it_once(folder):
    shared = "let loads = 0;\nloads += 1;\nexport const count = () => loads;\n"
    left = 'import { count } from "./shared.js";\nexport const left = () => count() + 10;\n'
    right = 'import {\n  count,\n} from "./shared.js";\nexport const right = () => count() + 20;\n'
    main = 'import { left } from "./left.js";\nimport { right } from "./right.js";\nexport default [left(), right()];\n'
    module = folder(shared=shared, left=left, right=right, main=main) / "main.js"
    assert node(module, "return [left(), right(), count()]") == [11, 21, 1]
    assert es_module(module).count("let loads") == 1


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ('import { a as b } from "./other.js";\nexport default {};\n', "main.js: .* as .* would need a build step"),
        ('import everything from "./other.js";\nexport default {};\n', "main.js: imports must look like"),
        ('import * as all from "./other.js";\nexport default {};\n', "main.js: "),
        ('import { a } from "three";\nexport default {};\n', "main.js: imports must look like"),
    ],
)
def test_imports_that_would_need_a_build_step_are_refused(folder, source, sentence):
    with pytest.raises(ValueError, match=sentence):
        es_module(folder(main=source, other="export const a = 1;\n") / "main.js")


def test_a_page_needs_one_default_export(folder):
    with pytest.raises(ValueError, match=r"main\.js must end with one `export default"):
        _page_script(folder(main="export const a = 1;\n") / "main.js", "lv-x")


@every_module
def test_a_page_script_is_plain_and_stays_inside_its_script(module):
    script = _page_script(module, "lv-x")
    assert "</" not in script.replace("<\\/", "") and "<!--" not in script
    assert not re.search(r"^(import|export)\b", script, re.MULTILINE)
    assert 'const pageClass = "lv-x"' in script


@every_module
@needs_node
def test_the_page_script_is_the_module_in_plain_javascript(module):
    """Node parses both; no top-level name is used twice, else it would say so."""
    program = "try { new Function(given); return 'good'; } catch (error) { return error.message; }"
    assert node(module, program, _page_script(module, "lv-x")) == "good"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_a_module_asks_for_nothing_and_makes_no_html_of_text(path):
    """Texts of learners reach the page by textContent alone; nothing comes from elsewhere, nothing is evaluated."""
    source = path.read_text(encoding="utf-8")
    assert [word for word in FORBIDDEN if word in source] == []
    assert re.findall(r"https?://(?!www\.w3\.org/)", source) == []
