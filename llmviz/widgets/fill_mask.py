"""FillMaskExplorer: a masked word, filled in by a masked and by a causal language model (lesson 5)."""

from collections.abc import Collection
from typing import Self

from llmviz import plots
from llmviz.generation.fill_mask import FillMask
from llmviz.plots._labels import spoken_prose, token_text
from llmviz.widgets.base import JS, Explorer, Table
from llmviz.widgets.page_model import page_model_name

_SERIES = ("from both sides", "from the left", "exact, both sides", "exact, left")
_TOP = 5  # words of each model
_MOST_ROWS = 8
_LEAST = 0.005  # a word that both find rarer has no bar


class FillMaskExplorer(Explorer):
    """Masked words of a sentence: the predictions of a masked model (both sides) and of a causal one (left side).

    A saved page holds the answers for each single word of the sentence; an exported one fills in other sentences, too.

    Args:
        masked: an `EncoderOnly` that was trained to fill in.
        causal: a `DecoderOnly` of the same tokenizer.
        tokenizer: the one of both.
        text: the sentence; "___" in it is a blank whose true word is unknown.
        hidden: the indices of the words (and marks) masked at the start; the middle one if left out.
        world: a `Tinyville`, whose exact answers are drawn as diamonds: for the masked model given both sides, for
            the other given the left side.

    Raises ValueError for models that do not fit together, for a text that is too long, and for words that it does
    not have. Lesson 5.
    """

    module = JS / "fill_mask.js"
    title = "Fill in the blank"
    answers_to = ("text", "hidden")

    def __init__(self, masked, causal, tokenizer, text: str, *, hidden: Collection[int] | None = None, world=None):
        self.filler = FillMask(masked, causal, tokenizer, world=world)
        names = page_model_name(causal, tokenizer), page_model_name(masked, tokenizer, type(masked))
        self.text, self.hidden, self.page_model = text, hidden, " ".join(names) if all(names) else ""
        self._compute()

    def _compute(self) -> None:
        self.words = self.filler.read(self.text)[1]
        if not self.words:
            raise ValueError(f'Type a sentence; "___" in it is a word to be filled in. Given {self.text!r}.')
        typed = [place for place, word in enumerate(self.words) if word.text is None]
        wanted = self.hidden if self.hidden is not None else typed or [len(self.words) // 2]
        self.hidden = tuple(self.filler.hidden_places(self.words, wanted))
        alone = [(place,) for place, word in enumerate(self.words) if word.text is not None] if not typed else []
        shown = dict.fromkeys([self.hidden, *([] if self.is_live else alone)])
        self.cases = {places: self.filler.fill(self.text, places) for places in shown}

    def answer(self, name: str, state: dict) -> Self | None:
        if name == "text":
            return self.changed(text=state["text"], hidden=None)
        is_nothing_masked = state["hidden"] == [] and all(word.text is not None for word in self.words)
        return None if is_nothing_masked else self.changed(**state)  # then the page says what to click

    def traits(self) -> dict:
        return {"payload": self._payload(), "text": self.text, "hidden": list(self.hidden), "pins": [],
                "predict": False}  # fmt: skip

    def _payload(self) -> dict:
        return {
            "words": [{"label": self._label(word.text), "n": word.stop - word.start, "glued": self._is_glued(word),
                       "typed": word.text is None} for word in self.words],
            "cases": {",".join(map(str, places)): list(map(self._case, found)) for places, found in self.cases.items()},
            "has_exact": self.filler.world is not None,
            "code": "FillMask(masked, causal, tokenizer, world=town).fill({text}, {hidden})",
            "text": spoken_prose(self.text, 300),
        }  # fmt: skip

    def _case(self, filling) -> dict:
        rows = self._rows(filling)
        shares = (filling.both_sides, filling.left_side, filling.exact_both, filling.exact_left)
        numbers = [[round(share.get(word, 0.0), 4) for share in shares] for word in rows]
        return {
            "rows": [[self._label(word), *of_word] for word, of_word in zip(rows, numbers, strict=True)],
            "truth": rows.index(filling.word.text) if filling.word.text is not None else -1,
            "exact": [len(filling.exact_both), len(filling.exact_left)],
        }

    def _rows(self, filling) -> list[str]:
        """The words with bars: the most probable of both models and the true one, in the order of the masked model."""
        both, left = filling.both_sides, filling.left_side
        wanted = {*list(both)[:_TOP], *list(left)[:_TOP]}
        larger = {word: max(both.get(word, 0), left.get(word, 0)) for word in wanted}
        most = [word for word in sorted(wanted, key=lambda word: -larger[word]) if larger[word] >= _LEAST][:_MOST_ROWS]
        if filling.word.text is not None and filling.word.text not in most:
            most = [*most[: _MOST_ROWS - 1], filling.word.text]
        return sorted(most, key=lambda word: (-round(both.get(word, 0), 3), -left.get(word, 0)))

    def _is_glued(self, word) -> bool:
        """Whether the word stands without a space after the one before."""
        ids = self.filler.read(self.text)[0][word.start : word.stop]
        return word.text is not None and word.start > 1 and not self.filler.tokenizer.decode(ids)[:1].isspace()

    @staticmethod
    def _label(text: str | None) -> str:
        return "___" if text is None else token_text(text)

    def sentence(self) -> str:
        first = self.cases[self.hidden][0]
        both, left = (next(iter(share.items())) for share in (first.both_sides, first.left_side))
        answer = f"“{self._with_blanks()}”: from both sides most likely “{self._label(both[0])}” (about {both[1]:.1f})"
        return f"{answer}, from the left alone “{self._label(left[0])}” (about {left[1]:.1f})."

    def _with_blanks(self) -> str:
        pieces = []
        for place, word in enumerate(self.words):
            said = "___" if place in self.hidden or word.text is None else word.text
            pieces.append(said if not place or self._is_glued(word) else f" {said}")
        return spoken_prose("".join(pieces), 200)

    def table(self) -> Table:
        rows = [[label, *(f"{number:.3f}" for number in numbers)] for label, *numbers in self._numbers()]
        caption = f"What can stand at the blank in “{self._with_blanks()}”"
        return Table(caption, ["word", *_SERIES[: len(rows[0]) - 1]], rows)

    def picture(self) -> bytes:
        labels, *columns = zip(*self._numbers(), strict=True)
        series = dict(zip(_SERIES, columns, strict=False))
        return plots.to_png(plots.bars(labels, series, x_label="probability of the word"), dpi=100)

    def _numbers(self) -> list[list]:
        """Each word with its probabilities, in the order of `_SERIES`; exact ones only of a world."""
        n_columns = 1 + (len(_SERIES) if self.filler.world is not None else 2)
        return [row[:n_columns] for row in self._case(self.cases[self.hidden][0])["rows"]]
