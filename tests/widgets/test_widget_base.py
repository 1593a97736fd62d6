"""The base of all widgets: packed numbers, safe JSON, one script from many modules, the page, the live one."""

import base64
import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import ipywidgets
import matplotlib
import numpy as np
import pytest
from counter import MODULE, PNG, CounterExplorer, LetterExplorer
from explorer_pages import data_in
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from IPython.core.interactiveshell import InteractiveShell
from nodes import needs_node, node
from plots.hostile import NASTY

from llmviz.widgets import AttentionExplorer, EmbeddingExplorer, TokenExplorer, base
from llmviz.widgets.base import (
    JS,
    Table,
    _page_script,
    es_module,
    pack,
    to_json,
    well_formed,
)

COUNTER = CounterExplorer(["a", "b"], [3, 7])
VOID = {"img", "br", "meta"}
SAFE = {"p", "strong", "img", "details", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td", "bdi"}


class Reader(HTMLParser):
    """The tags of a page in their order, its texts and attributes; says where tags do not close."""

    def __init__(self, page: str):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.texts, self.attributes = [], [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_the_output_is_one_page_a_picture_and_a_sentence():
    bundle = COUNTER._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}  # the picture is in the HTML, once
    assert bundle["text/plain"] == repr(COUNTER) == COUNTER.sentence()
    picture = base64.b64encode(PNG).decode()
    assert bundle["text/html"].count(picture) == 1 and bundle == COUNTER._repr_mimebundle_()
    assert "<img" not in CounterExplorer(["a"], [1], picture=None)._repr_mimebundle_()["text/html"]


def test_without_script_the_page_is_sentence_picture_and_table():
    page = Reader(re.sub(r"<script.*?</script>", "", COUNTER._repr_mimebundle_()["text/html"], flags=re.DOTALL))
    assert set(page.tags) - {"div"} <= SAFE
    assert ("img", "alt", COUNTER.sentence()) in page.attributes
    assert COUNTER.sentence() in "".join(page.texts)
    assert [text for text in page.texts if text in {"a", "3", "b", "7"}] == ["a", "3", "b", "7"]
    assert ("th", "scope", "row") in page.attributes and ("tbody", "class", "lv-computed") in page.attributes
    used = {name for _, name, _ in page.attributes}
    assert used <= {"class", "data-lm-suppress-shortcuts", "alt", "src", "style", "scope"}


def test_a_table_may_say_that_nothing_is_computed():
    table = Table("Bill", ["a"], [["1"]], is_computed=False)
    assert "lv-computed" not in table.to_html()


@pytest.mark.parametrize("labels", [NASTY[start : start + 9] for start in range(0, len(NASTY), 9)])
def test_any_label_is_text_and_nothing_else(labels):
    html = CounterExplorer(labels, range(len(labels)), picture=None)._repr_mimebundle_()["text/html"]
    html.encode("utf-8")
    page = Reader(html)
    assert set(page.tags) <= SAFE | {"div", "script"} and page.tags.count("script") == 2
    assert data_in(html)["payload"]["labels"] == labels


def test_the_live_one_answers_and_says_in_its_own_place_what_is_wrong():
    live = LetterExplorer("hello").live()
    assert live.payload["labels"] == ["e", "h", "l", "o"] and live.problem == "" and live.is_live
    live.text = ""
    assert live.problem == "There is nothing to count: type a letter."
    assert live.payload["labels"] == ["e", "h", "l", "o"]
    live.text = "aa"
    assert live.problem == "" and repr(live) == "1 counts. The largest is “a”."


def test_the_live_ones_output_has_the_static_part_too():
    bundle = LetterExplorer("hello").live()._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/plain"] == "4 counts. The largest is “l”."
    assert "as a table" in bundle["text/html"] and bundle["text/html"].count("<img") == 1


def test_controls_have_a_still_form_and_a_progress_bar_none():
    ip = ipywidgets
    shell = InteractiveShell.instance()
    base.show_controls_still()
    sliders = [ip.FloatSlider(1.5, description="<b>warm"), ip.Text("Mia"), ip.IntProgress(description="bar")]
    shown, _ = shell.display_formatter.format(ip.VBox([ip.HBox(sliders), ip.HTML("<pre>1.0</pre>"), ip.HTML()]))
    assert shown["text/plain"].startswith("Here are controls that Python answers")
    assert "application/vnd.jupyter.widget-view+json" in shown
    page = Reader(shown["text/html"])
    assert [text for text in page.texts[1:] if text] == ["<b>warm", "1.5", "Mia", "1.0"] and "b" not in page.tags
    for empty in (ip.IntProgress(value=0, max=6), ip.HTML()):
        shown, _ = shell.display_formatter.format(empty)
        assert (shown["text/plain"], shown["text/html"]) == ("This is filled in while the cell runs.", "")
    shown, _ = shell.display_formatter.format(LetterExplorer("hello").live())
    assert shown["text/plain"] == "4 counts. The largest is “l”." and "as a table" in shown["text/html"]
    InteractiveShell.clear_instance()


DTYPES = ["uint8", "uint16", "int8", "int16", "int32", "float32"]
any_text = st.text(st.characters(exclude_categories=()))  # lone surrogates too
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=8,
)


@given(st.sampled_from(DTYPES), st.data())
def test_packed_numbers_come_back_bit_by_bit(dtype, data):
    numbers = st.floats(-1e9, 1e9, width=32) if dtype == "float32" else None
    values = data.draw(arrays(dtype, array_shapes(), elements=numbers))
    packed = pack(values, dtype)
    back = np.frombuffer(base64.b64decode(packed["data"]), np.dtype(dtype).newbyteorder("<")).reshape(packed["shape"])
    assert np.array_equal(back, values)


@needs_node
def test_the_page_reads_what_python_packed():
    chance = np.random.default_rng(3)
    values = {name: chance.integers(0, 100, (2, 3, 5)) - (50 if name[0] != "u" else 0) for name in DTYPES}
    packed = [pack(array, name) for name, array in values.items()]
    found = node(MODULE, "return given.map((one) => { const v = unpack(one); return [v.shape, [...v]]; })", packed)
    assert found == [[[2, 3, 5], array.ravel().tolist()] for array in values.values()]


@pytest.mark.parametrize(
    ("values", "dtype", "sentence"),
    [
        ([1, 256], "uint8", "uint8 holds 0 to 255, but the numbers go from 1 to 256"),
        ([-1], "uint16", "go from -1 to -1"),
        ([0.5, float("nan")], "float32", "must be finite, but 1 of them are not"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(values, dtype, sentence):
    with pytest.raises(ValueError, match=sentence):
        pack(values, dtype)


@given(json_values)
def test_json_says_the_same_and_stays_inside_its_script(value):
    text = to_json(value)
    assert json.loads(text) == json.loads(json.dumps(value))
    assert text.isascii() and not set("<>&") & set(text)


def test_json_refuses_what_a_page_cannot_read():
    with pytest.raises(ValueError):
        to_json({"loss": float("nan")})


@given(any_text)
def test_any_text_can_be_saved_and_good_text_is_left_alone(text):
    mended = well_formed(text)
    mended.encode("utf-8")
    assert "\x00" not in mended and well_formed(mended) == mended
    if "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text):
        assert mended == text


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
        ('import { a as b } from "./other.js";\nexport default {};\n', "main.js: imports must look like"),
        ('import everything from "./other.js";\nexport default {};\n', "main.js: imports must look like"),
        ('import { a } from "three";\nexport default {};\n', "main.js: imports must look like"),
    ],
)
def test_imports_that_would_need_a_build_step_are_refused(folder, source, sentence):
    with pytest.raises(ValueError, match=sentence):
        es_module(folder(main=source, other="export const a = 1;\n") / "main.js")


def test_a_page_needs_one_default_export(folder):
    with pytest.raises(ValueError, match=r"main\.js must end with one `export default"):
        _page_script(folder(main="export const a = 1;\n") / "main.js")


@every_module
def test_a_page_script_is_plain_and_stays_inside_its_script(module):
    name, script = _page_script(module)
    assert "</" not in script.replace("<\\/", "") and "<!--" not in script
    assert not re.search(r"^(import|export)\b", script, re.MULTILINE)
    assert re.fullmatch("lv-[0-9a-f]{12}", name) and f'const pageClass = "{name}"' in script


@every_module
@needs_node
def test_the_page_script_is_the_module_in_plain_javascript(module):
    """Node parses both; no top-level name is used twice, else it would say so."""
    program = "try { new Function(given); return 'good'; } catch (error) { return error.message; }"
    assert node(module, program, _page_script(module)[1]) == "good"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_a_module_asks_for_nothing_and_makes_no_html_of_text(path):
    """Texts of learners reach the page by textContent alone; nothing comes from elsewhere, nothing is evaluated."""
    source = path.read_text(encoding="utf-8")
    assert [word for word in FORBIDDEN if word in source] == []
    assert re.findall(r"https?://(?!www\.w3\.org/)", source) == []


@needs_node
def test_arrow_keys_walk_a_grid_and_stop_at_its_walls():
    keys = [["ArrowRight", 0], ["ArrowLeft", 0], ["ArrowDown", 0], ["ArrowUp", 5], ["ArrowDown", 5], ["Home", 4],
            ["End", 4], ["b", 4]]  # fmt: skip
    found = node(MODULE, "return given.map(([key, index]) => rovingStep(key, index, 7, 3))", keys)
    assert found == [1, 0, 3, 2, 5, 0, 6, None]


@needs_node
def test_two_pins_at_most_and_a_third_takes_the_place_of_the_second():
    program = "return given.reduce((pins, target) => pinned(pins, target), [])"
    assert node(MODULE, program, [[0, 1], [2, 3]]) == [[0, 1], [2, 3]]
    assert node(MODULE, program, [[0, 1], [2, 3], [4, 5]]) == [[0, 1], [4, 5]]
    assert node(MODULE, program, [[0, 1], [2, 3], [0, 1]]) == [[2, 3]]


@needs_node
def test_a_difference_has_its_sign_and_nothing_has_none():
    numbers = [0.5, -0.25, 0, -0.001, 0.001, 1, -12.345]
    assert node(MODULE, "return given.map((one) => signed(one))", numbers) == [
        "+0.50", "−0.25", "±0.00", "±0.00", "±0.00", "+1.00", "−12.35",
    ]  # fmt: skip


@needs_node
def test_csv_is_read_back_by_python_and_holds_no_formula():
    cells = [text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in NASTY] + ["-1.5", "a\r\nb"]
    risky = ["=1+1", "+1", "@cmd", "-x", "\tx", "\rx"]
    text = node(MODULE, "return csv({ columns: ['x', 'y'], rows: given.map((one) => [one, '1']) })", cells + risky)
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0] == ["x", "y"] and {row[1] for row in rows[1:]} == {"1"}
    assert [row[0] for row in rows[-6:]] == [f"'{one}" for one in risky]
    for cell, (found, _) in zip(cells, rows[1:], strict=False):
        assert found == (f"'{cell}" if cell[:1] in tuple("=+@\t\r") and cell else cell)


@needs_node
def test_viridis_is_viridis():
    steps = np.linspace(0, 1, 33)
    judge = matplotlib.colormaps["viridis"](steps)[:, :3] * 255
    found = np.array(node(JS / "colors.js", "return given.map(viridis)", steps.tolist()))
    assert np.abs(found - judge).max() <= 6
    assert node(JS / "colors.js", "return [viridis(-1), viridis(2)]") == [[68, 1, 84], [253, 231, 37]]


@needs_node
def test_attention_has_the_colors_of_the_pictures():
    steps = np.linspace(0, 1, 33)
    judge = matplotlib.colormaps["YlGnBu"](steps)[:, :3] * 255
    light, dark = (
        np.array(node(JS / "colors.js", f"return given.map((t) => attentionColor(t, {one}))", steps.tolist()))
        for one in ("false", "true")
    )
    assert np.abs(light - judge).max() <= 6
    assert np.ptp(light.mean(axis=1)) > 150 and light.mean(axis=1)[0] > light.mean(axis=1)[-1]
    assert np.ptp(dark.mean(axis=1)) > 150 and dark.mean(axis=1)[0] < dark.mean(axis=1)[-1]
    inks = ["rgb(34, 34, 34)", "rgba(255, 255, 255, 0.87)"]
    assert node(JS / "colors.js", "return given.map(isLight)", inks) == [False, True]


@needs_node
def test_ink_on_any_color_can_be_read():
    """Contrast by the WCAG's formula: at least 4.5 on every step of all scales."""
    program = """const dark = (t) => attentionColor(t, true), light = (t) => attentionColor(t, false);
        return [viridis, light, dark, diverging].flatMap((scale) => Array.from({ length: 101 }, (_, i) => {
        const color = scale(scale === diverging ? i / 50 - 1 : i / 100); return [color, inkOn(color)]; }))"""
    for color, ink in node(JS / "colors.js", program):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in np.array(color) / 255]
        light = float(np.dot(linear, [0.2126, 0.7152, 0.0722]))
        contrast = (light + 0.05) / 0.05 if ink == "#000" else 1.05 / (light + 0.05)
        assert contrast >= 4.5, (color, ink, contrast)
