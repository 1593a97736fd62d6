"""The shell of all explorers: one small ES module, two hosts. Here is how to write an explorer on it.

**Python side** (`llmviz/explorers/<name>.py`): a class on `Explorer`::

    class CounterExplorer(Explorer):
        module = Path(__file__).parent / "static" / "counter.js"
        title = "Counter"
        def __init__(self, counts, labels): ...      # check here; raise ValueError: given, expected, what to do
        def traits(self):   return {"payload": {"labels": [...], "counts": pack(counts, "uint16")}, "chosen": 0}
        def inputs(self):   return [labels]           # what makes the id: texts, sizes, options; no computed floats
        def sentence(self): return "3 counts. The largest is “a” with 7."
        def table(self):    return Table("Counts", ["label", "count"], [["a", "7"], …])
        def picture(self):  return figures.to_png(axes)   # or None

Displaying it gives one self-contained `text/html` (static part, data, module), `image/png` and the sentence as
`text/plain`, which is also its `repr`. Texts reach the page only through `pack`/JSON and escaped HTML; send *labels*
(`figures.labels.spoken_token(token)[1:-1]`: nothing invisible, at most 20 characters) rather than raw tokens.

**Module** (`llmviz/explorers/static/<name>.js`): imports by name from the shell and from files of its own, without
`as`; all share one scope, so prefix top-level names that others may use too; it ends with the default export::

    import { frame, h, unpack } from "../../shell/static/shell.js";
    function render({ model, el }) {
        const ui = frame({ model, el, title: "Counter", css: "…" });
        ui.watch("payload", () => { … });     // runs at once and on each change of that trait
        return ui.destroy;
    }
    export default { render };

`model.get(name)`, `model.set(name, value)`, `model.save_changes()` and `ui.watch([names], f)` are the same in both
hosts. In the page they are a small store with the initial `traits()`; there `model.get("is_live")` is not true:
hide what needs Python. Exported pure functions are tested with node (`tests/nodes.py`).

What `ui` has: `controls`, `picture` and `below` (put yours in; the sentence stands between the last two),
`say(text)` (the sentence, aria-live), `table(() => ({caption, columns, rows}))` (the twin, built when unfolded;
also the CSV), `code(text)` (the line of Python behind the number), `problem(text)`, `pins` (`toggle(target)`,
`clear()`, `list`; at most two: the second compares; kept in the trait `pins`), `watch`, `onTheme(f)` (repaint
canvases; `ui.ink()` is the text's colour, `ui.colour("--second")` one of the style's), `onResize(f)`, `guard(f)`,
`destroy`. "Copy PNG" copies what is in `ui.picture`. `shell.js` also exports `h` and `svg` (elements; texts only by
textContent), `unpack`, `signed`, `tableElement`, `roving` (arrow keys inside one tab stop; items carry
`data-index`; Enter pins, Esc unpins) and `guess` (predict mode: asks, judges, reveals). `colours.js` exports
`viridis`, `diverging`, `OKABE_ITO`, `colourTable`, `inkOn`. CSS: masked cells get `background-image: var(--hatch)`
(class `hatched`), `--accent` and `--second` mark the first and second pin, `--line` and `--faint` are the page's
own ink, thinned; buttons, tables and inputs are styled.

**Live**: a class on `LiveExplorer` with `_esm = es_module(MODULE)`, its traits, and `self.answer(make)` in an
observer; `.live(…)` of the explorer returns it. Each keystroke may be sent: ipywidgets holds back all but the
latest while Python works.

**Tests**: Python on `traits()`, `sentence()`, `table()`, `page_html()`; live ones by setting traits; node on pure
functions. One line in `SAMPLES` of `tests/explorer_pages.py`, and everything here is tested on the new explorer in
a real browser: from a file, in JupyterLab, reopened, distrusted, exported; hostile texts, keys, colours, widths.
"""

from llmviz.shell.explorer import Explorer, LiveExplorer
from llmviz.shell.modules import es_module, page_script
from llmviz.shell.packing import pack, stable_id, to_json, well_formed
from llmviz.shell.static_part import Table, static_html

__all__ = [
    "Explorer",
    "LiveExplorer",
    "Table",
    "es_module",
    "pack",
    "page_script",
    "stable_id",
    "static_html",
    "to_json",
    "well_formed",
]
