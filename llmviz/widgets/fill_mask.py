"""BlankExplorer: hide a word; two models say what stood there, one from both sides, one from the left (lesson 5)."""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import traitlets

from llmviz import plots
from llmviz.plots.labels import spoken_prose, spoken_token
from llmviz.widgets.base import Explorer, LiveExplorer, Table, es_module

MODULE = Path(__file__).parent / "js" / "fill_mask.js"
CODE = "Filler(masked, causal, tokenizer, world=town).fill({text}, {hidden})"
TEXT, VERB = "Mia lives in the lighthouse.", 1

_DIGITS = 4
_MOST_ROWS = 8
_LEAST = 0.005  # a word that both find rarer has no bar
_PICTURE_DPI = 100


class FillMaskExplorer(Explorer):
    """Fill in the blank: bars of a model that reads both sides beside those of one that reads the left side only.

    A saved page knows every single word of the sentence: a click hides it, without Python.

    Args:
        masked: an `EncoderOnly` that was trained to fill in.
        causal: a `DecoderOnly` of the same tokenizer.
        tokenizer: the one of both.
        text: the sentence; "___" in it is a blank that nobody knows the word of.
        hidden: the numbers of the words (and marks) that are hidden at the start, from 0; the middle one if left out.
        world: a `Tinyville`, whose exact answers are drawn as diamonds: for the masked model given both sides, for
            the other given the left side.
        top: how many words of each model have bars.
        predict: ask for the word before anything is shown.

    Raises ValueError for models that do not fit together, for a text that is too long, and for words that it does
    not have. Lesson 5.
    """

    module = MODULE
    title = "Fill in the blank"

    def __init__(self, masked, causal, tokenizer, text: str, *, hidden: Collection[int] | None = None, world=None,
                 top: int = 5, predict: bool = False, filler=None, knows_all: bool = True):  # fmt: skip
        from llmviz.generation.fill_mask import FillMask

        self.filler = filler or FillMask(masked, causal, tokenizer, world=world)
        self.text, self.top, self.predict = text, top, predict
        self.words = self.filler.read(text)[1]
        if not self.words:
            raise ValueError(f'Type a sentence; "___" in it is a word to be filled in. Given {text!r}.')
        typed = [place for place, word in enumerate(self.words) if word.text is None]
        wanted = hidden if hidden is not None else typed or [len(self.words) // 2]
        self.hidden = tuple(self.filler.hidden_places(self.words, wanted))
        alone = [(place,) for place, word in enumerate(self.words) if word.text is not None] if not typed else []
        self.cases = {
            places: self.filler.fill(text, places)
            for places in dict.fromkeys([self.hidden, *(alone if knows_all else [])])
        }

    @staticmethod
    def live(masked, causal, tokenizer, text: str = TEXT, **options) -> "LiveFillMaskExplorer":
        """Return the explorer with Python behind it: for typed sentences, and for several blanks at once."""
        options = {"hidden": [VERB], **options} if text == TEXT else options
        return LiveFillMaskExplorer(FillMaskExplorer(masked, causal, tokenizer, text, knows_all=False, **options))

    def again(self, text: str, hidden: Sequence[int] | None) -> "FillMaskExplorer":
        """Return this explorer with another text, or other hidden words."""
        return FillMaskExplorer(None, None, None, text, hidden=hidden, top=self.top, predict=self.predict,
                             filler=self.filler, knows_all=False)  # fmt: skip

    def traits(self) -> dict:
        """Return the payload and the state that the module starts with."""
        return {"payload": self._payload(), "text": self.text, "hidden": list(self.hidden), "pins": [],
                "predict": self.predict}  # fmt: skip

    def _payload(self) -> dict:
        return {
            "words": [{"label": self._label(word.text), "n": word.stop - word.start, "glued": self._is_glued(word),
                       "typed": word.text is None} for word in self.words],
            "cases": {",".join(map(str, places)): list(map(self._case, found)) for places, found in self.cases.items()},
            "has_exact": self.filler.world is not None,
            "code": CODE,
            "text": spoken_prose(self.text, 300),
        }  # fmt: skip

    def _case(self, filling) -> dict:
        rows = self._rows(filling)
        shares = (filling.both_sides, filling.left_side, filling.exact_both, filling.exact_left)
        numbers = [[round(share.get(word, 0.0), _DIGITS) for share in shares] for word in rows]
        return {
            "rows": [[self._label(word), *of_word] for word, of_word in zip(rows, numbers, strict=True)],
            "truth": rows.index(filling.word.text) if filling.word.text is not None else -1,
            "exact": [len(filling.exact_both), len(filling.exact_left)],
        }

    def _rows(self, filling) -> list[str]:
        """The words with bars: the favorites of both models and the true one, in the order of the masked model."""
        both, left = filling.both_sides, filling.left_side
        wanted = {*list(both)[: self.top], *list(left)[: self.top]}
        larger = {word: max(both.get(word, 0), left.get(word, 0)) for word in wanted}
        most = [word for word in sorted(wanted, key=lambda word: -larger[word]) if larger[word] >= _LEAST][:_MOST_ROWS]
        if filling.word.text is not None and filling.word.text not in most:
            most = [*most[: _MOST_ROWS - 1], filling.word.text]
        return sorted(most, key=lambda word: (-round(both.get(word, 0), 3), -left.get(word, 0)))

    def _is_glued(self, word) -> bool:
        """Whether the word stands without a space after the one before."""
        if word.text is None:
            return False
        ids = self.filler.read(self.text)[0][word.start : word.stop]
        return word.start > 1 and not self.filler.tokenizer.decode(ids)[:1].isspace()

    @staticmethod
    def _label(text: str | None) -> str:
        return "___" if text is None else spoken_token(text, 24)[1:-1]

    def inputs(self) -> list:
        """Return what makes this output this one: the text, the hidden words, the choices."""
        has_exact = self.filler.world is not None
        return [self.text, self.hidden, self.top, self.predict, has_exact, self.filler.tokenizer.vocab_size]

    def sentence(self) -> str:
        """Say the sentence with its blanks, and the favorite of both models for the first."""
        said = f"“{self._with_blanks()}”"
        if self.predict:
            return f"{said}: which word is hidden? Predict it first."
        first = self.cases[self.hidden][0]
        both, left = (next(iter(share.items())) for share in (first.both_sides, first.left_side))
        answer = f"{said}: from both sides most likely “{self._label(both[0])}” (about {both[1]:.1f}), "
        return f"{answer}from the left alone “{self._label(left[0])}” (about {left[1]:.1f})."

    def _with_blanks(self) -> str:
        pieces = []
        for place, word in enumerate(self.words):
            said = "___" if place in self.hidden or word.text is None else word.text
            pieces.append(said if not place or self._is_glued(word) else f" {said}")
        return spoken_prose("".join(pieces), 200)

    def table(self) -> Table | None:
        """Return the bars of the first hidden word as numbers; nothing before a prediction."""
        if self.predict:
            return None
        case = self._case(self.cases[self.hidden][0])
        n_columns = 5 if self.filler.world is not None else 3
        rows = [[label, *(f"{number:.3f}" for number in numbers)][:n_columns] for label, *numbers in case["rows"]]
        columns = ["word", "from both sides", "from the left", "exact, both sides", "exact, left"][:n_columns]
        return Table(f"What can stand at the blank in “{self._with_blanks()}”", columns, rows)

    def picture(self) -> bytes | None:
        """Return the bars of the first hidden word as PNG; nothing before a prediction."""
        if self.predict:
            return None
        case = self._case(self.cases[self.hidden][0])
        labels = [row[0] for row in case["rows"]]
        numbers = np.array([row[1:] for row in case["rows"]])
        exact = numbers[:, 2:] if self.filler.world is not None else None
        return plots.to_png(plots.two_sides(numbers[:, :2], labels, exact=exact), dpi=_PICTURE_DPI)


class LiveFillMaskExplorer(LiveExplorer):
    """The explorer with Python behind it. Its traits are the whole state."""

    _esm = es_module(MODULE)

    text = traitlets.Unicode(help='the sentence; "___" is a blank').tag(sync=True)
    hidden = traitlets.List(traitlets.Int(), help="the numbers of the hidden words").tag(sync=True)
    pins = traitlets.List(help="words that are compared").tag(sync=True)
    predict = traitlets.Bool(False, help="ask before showing").tag(sync=True)

    def __init__(self, explorer: FillMaskExplorer):
        super().__init__(**explorer.traits())
        self.explorer = explorer
        self.observe(lambda change: self._look(None), "text")
        self.observe(lambda change: self._look(self.hidden), "hidden")

    def _look(self, hidden: Sequence[int] | None) -> None:
        is_shown = self.explorer.text == self.text and list(self.explorer.hidden) == hidden
        if is_shown or (hidden == [] and all(word.text is not None for word in self.explorer.words)):
            return  # nothing is hidden: the page says so by itself
        self.answer(lambda: self.explorer.again(self.text, hidden))
        if not self.problem:
            self.pins, self.hidden = [], list(self.explorer.hidden)
