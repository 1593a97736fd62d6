"""The two hosts of an explorer: the page itself, and a live widget that Python answers."""

from pathlib import Path

import anywidget
import traitlets

from llmviz.shell.modules import page_script
from llmviz.shell.packing import stable_id, to_json, well_formed
from llmviz.shell.static_part import Table, static_html


class Explorer:
    """A picture that one can touch. A subclass says what it shows; the shell puts it into the page.

    Class attributes:
        module: the explorer's ES module.
        title: its name, as a learner reads it.
    """

    module: Path
    title: str

    def traits(self) -> dict:
        """Return what the module reads with `model.get(name)`: the payload and the initial state, ready for JSON."""
        raise NotImplementedError

    def inputs(self) -> list:
        """Return what makes this output this one: texts, sizes, options; never computed floats."""
        raise NotImplementedError

    def sentence(self) -> str:
        """Say in a few sentences what is shown; computed numbers with few digits."""
        raise NotImplementedError

    def table(self) -> Table | None:
        """Return the same content as a table."""
        return None

    def picture(self) -> bytes | None:
        """Return a PNG for where nothing runs."""
        return None

    def __repr__(self) -> str:
        return well_formed(self.sentence())

    def page_html(self) -> str:
        """Return the whole explorer as one piece of HTML: static part, data, module. It asks for nothing outside."""
        return self._page_html(self.picture())

    def _page_html(self, picture: bytes | None) -> str:
        name = f"lv-{stable_id(self.title, self.inputs())}"
        still = static_html(self.title, self.sentence(), picture, self.table())
        data = to_json(self.traits())
        return well_formed(
            f'<div class="lv {name}" data-lm-suppress-shortcuts="true">{still}'
            f'<script type="application/json">{data}</script></div>'
            f'<script class="lv-module">{page_script(self.module, name)}</script>'
        )

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        picture = self.picture()
        bundle = {"text/plain": repr(self), "text/html": self._page_html(picture)}
        return bundle | ({"image/png": picture} if picture else {})


class LiveExplorer(anywidget.AnyWidget):
    """The same module with Python behind it. Its traits are the whole state; a test sets them without a browser.

    A subclass sets `_esm = es_module(module)`, declares its traits with `sync=True`, and answers changes by
    `self.answer(make)`, where `make()` returns the new `Explorer`; what goes wrong there is said in its own place.
    `explorer` is the one that is shown now.
    """

    payload = traitlets.Dict(help="the data of the picture").tag(sync=True)
    problem = traitlets.Unicode(help="what is wrong with what was asked, or nothing").tag(sync=True)
    is_live = traitlets.Bool(True, help="whether Python answers").tag(sync=True)

    explorer: Explorer | None = None

    def answer(self, make) -> None:
        """Show what `make()` returns, or say in the explorer's own place why there is nothing to show."""
        try:
            explorer = make()
            with self.hold_sync():
                self.explorer = explorer
                self.payload = explorer.traits()["payload"]
                self.problem = ""
        except Exception as error:  # whatever a learner's text or function did: a sentence, never a traceback
            self.problem = well_formed(str(error) or type(error).__name__)

    def __repr__(self) -> str:
        return repr(self.explorer) if self.explorer else well_formed(self.problem)

    def _repr_mimebundle_(self, **options) -> dict:
        bundle = super()._repr_mimebundle_(**options)
        live = bundle[0] if isinstance(bundle, tuple) else bundle or {}
        still = self.explorer._repr_mimebundle_() if self.explorer else {}
        return live | still | {"text/plain": repr(self)}
