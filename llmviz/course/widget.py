"""The live form of a lesson's questions: Python makes the HTML, a small module shows it and says what was done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anywidget
import traitlets

from llmviz.widgets.base import es_module, well_formed

MODULE = Path(__file__).parent.parent / "widgets" / "js" / "exercises.js"


class Live(anywidget.AnyWidget):
    """Something of a lesson that answers.

    `draw()` gives the HTML as things stand, `act(do, value)` does what the learner asked and returns what to say
    aloud. Without a kernel there remain `still` (HTML) and `sentence` (text), which do not depend on the learner.
    """

    _esm = es_module(MODULE)
    body = traitlets.Unicode(help="what is shown, as HTML").tag(sync=True)
    said = traitlets.Unicode(help="what a screen reader should say now").tag(sync=True)
    label = traitlets.Unicode(help="the name of this region").tag(sync=True)

    def __init__(self, label: str, sentence: str, still: str, draw: Callable[[], str], act: Callable[[dict], str]):
        super().__init__(label=label)
        self.sentence, self.still = well_formed(sentence), well_formed(still)
        self._draw, self._act = draw, act
        self.refresh()
        self.on_msg(lambda _, content, __: self.receive(content))

    def refresh(self) -> None:
        """Draw again as things stand now."""
        self.body = well_formed(self._draw())

    def receive(self, content: dict) -> None:
        """Do what the page sends: {"do": …, "value": …, …}."""
        said = self._act(content)
        self.refresh()
        self.said = well_formed(said)

    def __repr__(self) -> str:
        return self.sentence

    def _repr_mimebundle_(self, **options) -> dict:
        bundle = super()._repr_mimebundle_(**options)
        live = bundle[0] if isinstance(bundle, tuple) else bundle or {}
        return live | {"text/html": self.still, "text/plain": self.sentence}


class Still:
    """Something of a lesson that only shows: HTML, with one sentence for where there is no HTML."""

    def __init__(self, sentence: str, still: str):
        self.sentence, self.still = well_formed(sentence), well_formed(still)

    def __repr__(self) -> str:
        return self.sentence

    def _repr_html_(self) -> str:
        return self.still
