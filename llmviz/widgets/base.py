"""The base of all widgets: packed numbers, one ES module from many, the static HTML, `Explorer` and `LiveExplorer`."""

from __future__ import annotations

import base64
import copy
import functools
import hashlib
import html
import json
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import anywidget
import ipywidgets
import numpy as np
import traitlets
from IPython import get_ipython

from llmviz.plots import _validation as validation

_UNSAFE = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
_CELL = "text-align:left;padding:2px 10px 2px 0;vertical-align:top"
_WIDTH = "max-width:100%;height:auto;background:white"
_SAVED = (
    '<p class="needs-python">This is its saved form. To give it your own text or to train, open this lesson with '
    "<code>make lab</code> and run its cell.</p>"
)


def pack(values, dtype: str) -> dict:
    """Return numbers as `unpack` in base.js reads them: {"dtype", "shape", "data": base64, little-endian}.

    `dtype` is uint8, uint16, int8, int16, int32 or float32. Raises ValueError where a number does not fit into it.

    >>> pack([[0, 255]], "uint8")
    {'dtype': 'uint8', 'shape': [1, 2], 'data': 'AP8='}
    """
    array = np.asarray(values)
    if array.size and not np.isfinite(array).all():
        raise ValueError(f"numbers for a page must be finite, but {int((~np.isfinite(array)).sum())} of them are not.")
    if array.size and not dtype.startswith("float"):
        limits = np.iinfo(dtype)
        if array.min() < limits.min or array.max() > limits.max:
            given = f"the numbers go from {array.min()} to {array.max()}"
            raise ValueError(f"{dtype} holds {limits.min} to {limits.max}, but {given}.")
    little = np.ascontiguousarray(array, dtype=np.dtype(dtype).newbyteorder("<"))
    return {"dtype": dtype, "shape": list(array.shape), "data": base64.b64encode(little.tobytes()).decode("ascii")}


def to_json(value) -> str:
    """Return JSON that is safe inside `<script>`, whatever texts it holds.

    >>> to_json({"token": "</script>"})
    '{"token":"\\\\u003c/script\\\\u003e"}'
    """
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).translate(_UNSAFE)


def well_formed(text: str) -> str:
    """Return the text with every lone surrogate and NUL replaced by U+FFFD, so that it can be saved as UTF-8.

    >>> well_formed("a\\ud83d")
    'a\\ufffd'
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "\ufffd")


JS = Path(__file__).parent / "js"
_IMPORT = re.compile(r'^import\s*\{\s*\w+(?:,\s*\w+)*,?\s*\}\s*from\s*"(\.[^"]+)";\n', re.MULTILINE)
_COMMENT = re.compile(r"^\s*//.*\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)
_DEFAULT = re.compile(r"^export default ", re.MULTILINE)
_PACKED = re.compile(r'("dtype":"[a-z]+(\d+)","shape":\[[\d,]*\],"data":)"([^"]*)"')


@functools.cache
def es_module(path: Path) -> str:
    """Return a module and all that it imports as one ES module, as anywidget's `_esm` and node take it.

    Imports are relative and name what they take: `import { frame, unpack } from "./base.js";`.
    All modules share one scope, so a top-level name must be used once. Raises ValueError for other imports.
    """
    parts: list[str] = []
    _gather(path.resolve(), parts, set())
    return "".join(parts)


def _gather(path: Path, parts: list[str], seen: set[Path]) -> None:
    if path in seen:
        return
    seen.add(path)
    source = path.read_text(encoding="utf-8")
    for found in _IMPORT.finditer(source):
        _gather((path.parent / found[1]).resolve(), parts, seen)
    source = _IMPORT.sub("", source)
    if re.search(r"^import\b", source, re.MULTILINE):
        raise ValueError(f'{path.name}: imports must look like `import {{ a, b }} from "./other.js";`.')
    parts.append(_COMMENT.sub("", source).strip() + "\n")


def _source(name: str) -> str:
    return _COMMENT.sub("", (JS / f"{name}.js").read_text(encoding="utf-8"))


@functools.cache
def _page_script(path: Path) -> tuple[str, str]:
    """Return a class name and a module as a plain script, which starts on each element of that class not yet started.

    The name is a hash of the script: the elements of one class have the same module and bring their own data.
    """
    module = es_module(path)
    if len(_DEFAULT.findall(module)) != 1:
        raise ValueError(f"{path.name} must end with one `export default {{ render }};`.")
    module = _DEFAULT.sub("const explorer = ", _EXPORT.sub("", module))
    script = re.sub("^ +", "", module + _source("deflated") + _source("start"), flags=re.MULTILINE)
    script = script.replace("</", "<\\/").replace("<!--", "<\\!--")
    name = f"lv-{hashlib.sha256(script.encode()).hexdigest()[:12]}"
    return name, f'(() => {{\n"use strict";\nconst pageClass = "{name}";\n{script}}})();\n'


def living_html(module: Path, page_model: str, still: str, traits: dict) -> str:
    """Return a static part, and the data and the module that replace it where scripts run (see deflated.js)."""
    name, script = _page_script(module)
    answers = f' data-model="{page_model}"' if page_model else ""
    arrays = bytearray()

    def put_aside(found: re.Match) -> str:
        """Put the bytes of packed numbers into `arrays`, the first ones first: so they deflate well."""
        start, numbers = len(arrays), np.frombuffer(base64.b64decode(found[3]), np.uint8)
        arrays.extend(numbers.reshape(-1, int(found[2]) // 8).T.tobytes())
        return f"{found[1]}[{start},{len(arrays)}]"

    values = _PACKED.sub(put_aside, to_json(traits)).encode()
    data, code = (
        base64.b64encode(zlib.compress(one, 9)).decode("ascii") for one in (values + b"\n" + arrays, script.encode())
    )
    return (
        f'<div class="lv {name}" data-lm-suppress-shortcuts="true"{answers}>{still}'
        f'<script type="application/octet-stream">{data}</script></div><script class="lv-module">(async () => {{\n'
        f'{_source("deflated")}try {{ runScript(textOf(await inflated("{code}"))); }} catch ({{ message }}) {{\n'
        f'for (const one of document.querySelectorAll(".{name}:not([data-ready])")) {{ one.dataset.ready = true; '
        'one.prepend(Object.assign(document.createElement("p"), { role: "alert", '
        "textContent: `This picture cannot be touched here: ${message}. Below is its still form.` })); }\n"
        "}\n})();</script>"
    )


@dataclass(frozen=True)
class Table:
    """The content of a picture as text, one per cell.

    `is_computed` says that the cells hold numbers which differ in their last digits between processors; nbval
    then does not compare them.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    is_computed: bool = True

    def to_html(self) -> str:
        """Return the table as HTML, every cell escaped."""
        head = "".join(f'<th scope="col" style="{_CELL}">{_text(name)}</th>' for name in self.columns)
        body = "".join(f"<tr>{_cells(row)}</tr>" for row in self.rows)
        computed = ' class="lv-computed"' if self.is_computed else ""
        return (
            f'<table style="font-variant-numeric:tabular-nums"><caption style="text-align:left">{_text(self.caption)}'
            f"</caption><thead><tr>{head}</tr></thead><tbody{computed}>{body}</tbody></table>"
        )


def _cells(row: Sequence[str]) -> str:
    """A row: its first cell names it."""
    others = "".join(f'<td style="{_CELL}">{_text(cell)}</td>' for cell in row[1:])
    return f'<th scope="row" style="{_CELL};font-weight:normal">{_text(row[0])}</th>{others}'


def _text(text: object) -> str:
    return f"<bdi>{html.escape(str(text))}</bdi>"


def show_controls_still() -> None:
    """Give the controls of ipywidgets in this notebook a still form, for where no Python runs: names and values."""
    if shell := get_ipython():
        shell.display_formatter.mimebundle_formatter.for_type(ipywidgets.Widget, _controls)


def _controls(widget: ipywidgets.Widget) -> dict:
    bundle = widget._repr_mimebundle_()
    if not type(widget).__module__.startswith("ipywidgets."):
        return bundle
    rows = "".join(_control_rows(widget))
    if not rows:  # a progress bar, or what is filled in later
        return bundle | {"text/plain": "This is filled in while the cell runs.", "text/html": ""}
    sentence = "Here are controls that Python answers: run the cell to use them. As they were at first:"
    table = f'<table><tbody class="lv-computed">{rows}</tbody></table>'
    return bundle | {"text/plain": sentence, "text/html": f'<p class="needs-python">{sentence}</p>{table}'}


def _control_rows(widget: ipywidgets.Widget) -> list[str]:
    if isinstance(widget, ipywidgets.Box):
        return [row for child in widget.children for row in _control_rows(child)]
    if isinstance(widget, ipywidgets.HTML):
        return [f'<tr><td colspan="2">{widget.value}</td></tr>'] if widget.value else []
    cells = [getattr(widget, "description", ""), getattr(widget, "value", "")]
    if isinstance(widget, ipywidgets.IntProgress) or cells == ["", ""]:
        return []
    return [f'<tr>{_cells(cells) if cells[0] else f"<td colspan=2>{_text(cells[1])}</td>"}</tr>']


class Explorer:
    """An interactive picture: a static part that reads well alone, and an ES module that replaces it where scripts run.

    Class attributes:
        module: the ES module.
        title: its name, as a learner reads it.
        is_live: whether Python answers, so that the page need not hold all answers.
        answers_to: the traits whose change Python answers with another explorer; they are attributes, too.
        page_model: names the model with which a page answers without Python (see page_model.py); empty: none.
    """

    module: Path
    title: str
    is_live = False
    answers_to: tuple[str, ...] = ()
    page_model = ""

    def __init_subclass__(cls) -> None:
        if "__init__" in vars(cls):
            cls.__init__ = validation.named_errors(cls.__name__)(cls.__init__)

    def changed(self, **state) -> Self:
        """Return a copy with other attributes, and what follows from them."""
        other = copy.copy(self)
        vars(other).update(state, is_live=True)
        other._compute()
        return other

    def _compute(self) -> None:
        """Compute what is shown from the attributes; raises ValueError for impossible ones."""

    def live(self) -> LiveExplorer:
        """Return the explorer with Python behind it."""
        return LiveExplorer(self)

    def answer(self, name: str, state: dict) -> Self | None:
        """Return the explorer after a change of the trait `name`; None where nothing is to be answered.

        state: the values of all traits in `answers_to`.
        """
        return self.changed(**state)

    def traits(self) -> dict:
        """Return what the module reads with `model.get(name)`: the payload and the initial state, ready for JSON."""
        raise NotImplementedError

    def sentence(self) -> str:
        """Describe in a few sentences what is shown; computed numbers with few digits."""
        raise NotImplementedError

    def table(self) -> Table | None:
        """Return the same content as a table."""
        return None

    def picture(self) -> bytes | None:
        """Return a PNG for where no script runs."""
        return None

    def __repr__(self) -> str:
        return well_formed(self.sentence())

    def _static_html(self) -> str:
        """What an untrusted notebook, a code host and a printer show."""
        sentence, table = html.escape(self.sentence()), self.table()
        parts = [f"<p><strong>{html.escape(self.title)}</strong> {sentence}</p>"]
        if picture := self.picture():
            data = base64.b64encode(picture).decode("ascii")
            parts.append(f'<img alt="{sentence}" src="data:image/png;base64,{data}" style="{_WIDTH}">')
        if table:
            parts.append(f"<details><summary>as a table</summary>{table.to_html()}</details>")
        return "".join(parts)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        page = living_html(self.module, self.page_model, self._static_html(), self.traits())
        return {"text/plain": repr(self), "text/html": well_formed(page)}


class LiveExplorer(anywidget.AnyWidget):
    """An explorer with Python behind it, on the same module; its traits are those of the explorer, and `traits`.

    `explorer` is the one that is shown now. A change of a trait in its `answers_to` is answered by `explorer.answer`,
    an error in the answer becomes the `problem`.
    """

    payload = traitlets.Dict(help="the data of the picture").tag(sync=True)
    problem = traitlets.Unicode(help="what is wrong with what was asked, or nothing").tag(sync=True)
    is_live = traitlets.Bool(True, help="whether Python answers").tag(sync=True)

    def __init__(self, explorer: Explorer, **traits):
        state = explorer.traits() | traits
        self._esm = es_module(explorer.module)
        self.add_traits(**{name: traitlets.Any().tag(sync=True) for name in state if not self.has_trait(name)})
        self.explorer, self._is_answering = explorer, False
        super().__init__(**state)
        for name in explorer.answers_to:
            self.observe(self._changed, name)

    def _changed(self, change) -> None:
        if not self._is_answering:
            state = {name: getattr(self, name) for name in self.explorer.answers_to}
            self.answer(lambda: self.explorer.answer(change["name"], state))

    def answer(self, make: Callable[[], Explorer | None]) -> None:
        """Show what `make()` returns, or its error as the `problem`."""
        try:
            explorer = make()
            state = explorer.traits() if explorer else {}
        except Exception as error:  # whatever a learner's text or function did: a message, never a traceback
            self.problem = well_formed(str(error) or type(error).__name__)
            return
        if explorer is None:
            return
        self._is_answering = True
        with self.hold_sync():
            self.explorer, self.payload, self.problem = explorer, state["payload"], ""
            for name in explorer.answers_to:
                setattr(self, name, state[name])
        self._is_answering = False

    def __repr__(self) -> str:
        return repr(self.explorer)

    def _repr_mimebundle_(self, **options) -> dict:
        bundle = super()._repr_mimebundle_(**options)
        live = bundle[0] if isinstance(bundle, tuple) else bundle or {}
        saved = self.explorer._repr_mimebundle_()
        return live | saved | {"text/html": saved["text/html"] + _SAVED}
