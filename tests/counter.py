"""A small explorer on the shell, as its docstring shows how to write one: what the tests of the shell look at."""

from pathlib import Path

from llmviz.widgets.base import Explorer, Table, pack

MODULE = Path(__file__).parent / "counter.js"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8ffff3f0005fe02fe0def46b80000000049454e44ae426082"
)


class CounterExplorer(Explorer):
    """Counts with labels; the chosen one is named."""

    module = MODULE
    title = "Counter"

    def __init__(self, labels, counts, chosen=0, picture=PNG):
        if len(labels) != len(counts):
            raise ValueError(f"labels has {len(labels)} entries, but counts has {len(counts)}: give one label a count.")
        self.labels, self.counts, self.chosen, self._png = list(labels), list(counts), chosen, picture

    def traits(self):
        payload = {"labels": self.labels, "counts": pack(self.counts, "uint16")}
        return {"payload": payload, "chosen": self.chosen, "pins": [], "predict": False}

    def sentence(self):
        return f"{len(self.counts)} counts. The largest is “{self.labels[self.counts.index(max(self.counts))]}”."

    def table(self):
        rows = [[label, str(number)] for label, number in zip(self.labels, self.counts, strict=True)]
        return Table("Counts", ["label", "count"], rows)

    def picture(self):
        return self._png


class LetterExplorer(CounterExplorer):
    """The counts of the letters that are typed."""

    answers_to = ("text",)

    def __init__(self, text):
        self.text = text
        self._compute()

    def _compute(self):
        if not self.text:
            raise ValueError("There is nothing to count: type a letter.")
        letters = sorted(set(self.text))
        super().__init__(letters, [self.text.count(letter) for letter in letters])

    def traits(self):
        return {**super().traits(), "text": self.text}
