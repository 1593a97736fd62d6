"""Reading a lesson as its reader does: parts, cells with their tags, prose and its numbers, what cells show."""

import ast
import html
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import nbformat

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
NUMBER = r"\d{1,3}(?:[,\u202f]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
# What carries a digit and is no measurement: names (GPT-2, 2-D, word2vec), places (lesson 3, section 3.2), years.
NO_MEASUREMENT = re.compile(
    r"\b(?:lessons?|sections?|chapters?|pages?|figures?|tables?|footnotes?|appendix|steps?)\s+\d[\d.]*"
    r"(?:(?:\s*[,–-]\s*|\s+(?:and|to|or)\s+)\d[\d.]*)*"
    r"|\b(?:19|20)\d\d\b"
    r"|[^\W\d_][\w.]*-?\d[\w.]*(?:-\d+)*"
    r"|\b\d[\d.]*-?[^\W\d_]\w*"
    r"|^\s*(?:\d+\.\s|\*\*\d+\.\*\*|#+ \d+ ·)",
    re.IGNORECASE | re.MULTILINE,
)
# Fences, formulas, code, the targets of links, and tags are not prose.
NO_PROSE = re.compile(r"```.*?```|\$\$.*?\$\$|\$[^$\n]+\$|`[^`\n]*`|(?<=\])\([^)\s]*\)|<[^>]+>", re.DOTALL)


@dataclass(frozen=True)
class Cell:
    """One cell: kind ("code" or "markdown"), source, tags, and the text of what it shows (saved outputs)."""

    kind: str
    source: str
    tags: frozenset[str]
    shows: str

    @cached_property
    def tree(self) -> ast.Module:
        """A code cell as Python reads it; lines for Jupyter (% and !) are left out."""
        return ast.parse(re.sub(r"^[%!].*", "", self.source, flags=re.MULTILINE))

    @property
    def has_assertion(self) -> bool:
        """Whether the cell stops when it is wrong: an assert, or torch's assert_close."""
        return any(
            isinstance(node, ast.Assert) or (isinstance(node, ast.Attribute) and node.attr.startswith("assert_"))
            for node in ast.walk(self.tree)
        )

    @property
    def n_lines(self) -> int:
        """Lines that are not empty."""
        return sum(bool(line.strip()) for line in self.source.splitlines())

    @property
    def prose(self) -> str:
        """A text cell without code, formulas, targets of links and tags."""
        return NO_PROSE.sub(" ", self.source)

    @property
    def only_asks(self) -> bool:
        """Whether each statement is a `lesson.predict("…")`."""
        return self.kind == "code" and len(self.calls("predict")) == len(self.tree.body)

    def calls(self, name: str) -> list[str]:
        """The first arguments of `lesson.<name>("…")` in this cell, "" where there is none."""
        if self.kind != "code":
            return []
        found = [
            node
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == f"lesson.{name}"
        ]
        return [node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else "" for node in found]


@dataclass(frozen=True)
class Part:
    """What stands under one `##` heading."""

    heading: str
    cells: list[Cell] = field(default_factory=list)


class Lesson:
    """A notebook, read once."""

    def __init__(self, path: Path):
        notebook = nbformat.read(path, as_version=4)
        self.name = path.stem
        self.is_whole = bool(notebook.metadata.get("llmviz", {}).get("whole"))
        self.cells = [
            Cell(cell.cell_type, cell.source, frozenset(cell.metadata.get("tags", ())), shown_text(cell))
            for cell in notebook.cells
            if cell.source.strip()
        ]

    @property
    def code(self) -> list[Cell]:
        """The code cells."""
        return [cell for cell in self.cells if cell.kind == "code"]

    @property
    def texts(self) -> list[Cell]:
        """The text cells."""
        return [cell for cell in self.cells if cell.kind == "markdown"]

    def tagged(self, tag: str, kind: str | None = None) -> list[Cell]:
        """The cells with this tag, of one kind if it is given."""
        return [cell for cell in self.cells if tag in cell.tags and kind in (None, cell.kind)]

    @cached_property
    def parts(self) -> list[Part]:
        """The lesson cut at its `##` headings; what stands before the first is the part called ""."""
        parts = [Part("")]
        for cell in self.cells:
            pieces = re.split(r"^## +(.*)$", cell.source, flags=re.MULTILINE) if cell.kind == "markdown" else [""]
            if len(pieces) == 1 or pieces[0].strip():
                first = cell if len(pieces) == 1 else Cell(cell.kind, pieces[0], cell.tags, "")
                parts[-1].cells.append(first)
            for heading, text in zip(pieces[1::2], pieces[2::2], strict=True):
                parts.append(Part(heading.strip(), [Cell(cell.kind, text, cell.tags, "")]))
        return parts

    @property
    def further(self) -> list[Cell]:
        """The cells of the last part, "Further: …", which do not count toward the lesson's size."""
        return [cell for part in self.parts if part.heading.startswith("Further:") for cell in part.cells]

    @property
    def n_words(self) -> int:
        """Words of prose; key terms, sources and the part "Further" are not counted."""
        parts = [part for part in self.parts if not part.heading.startswith("Further:")]
        texts = [cell for part in parts for cell in part.cells if cell.kind == "markdown"]
        texts = [cell for cell in texts if not cell.tags & {"key-terms", "sources"}]
        return sum(len(re.findall(r"[^\W_]+(?:['’.,-][^\W_]+)*", cell.prose)) for cell in texts)

    def calls(self, name: str) -> list[str]:
        """The first arguments of all `lesson.<name>("…")`, in order."""
        return [argument for cell in self.code for argument in cell.calls(name)]


def shown_text(cell) -> str:
    """What a cell shows, as text: what it printed, and its HTML without scripts, styles, pictures and tags."""
    texts = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        page = re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", data.get("text/html", ""), flags=re.DOTALL)
        texts += [output.get("text", ""), data.get("text/plain", ""), html.unescape(page)]
    return "\n".join(texts)


@dataclass(frozen=True)
class Number:
    """A number as it is written: its value, how many decimals it has, and whether it counts hundredths."""

    value: float
    n_decimals: int
    is_percent: bool

    def rounds(self, other: float) -> bool:
        """Whether this is the other number, as exactly as this one is written."""
        scales = (1, 100) if self.is_percent else (1,)
        return any(abs(self.value - scale * other) <= 0.51 * 10**-self.n_decimals for scale in scales)


def numbers(text: str) -> list[Number]:
    """The numbers in a text."""
    found = re.findall(rf"(?<![\d.])({NUMBER})(?!\d)(\s?(?:%|percent))?", text)
    return [Number(float(re.sub("[,\u202f]", "", one)), len(one.partition(".")[2]), bool(sign)) for one, sign in found]


def measured_numbers(cell: Cell) -> list[Number]:
    """The numbers in a text cell that say how much something is."""
    return numbers(NO_MEASUREMENT.sub(" ", cell.prose))


def unsupported_numbers(part: Part) -> list[float]:
    """The numbers in a part's prose that none of its code cells contains or shows.

    Prose may round: 0.14 and 14 % are both supported by 0.1429. Comments support nothing.
    """
    found = []
    for cell in (cell for cell in part.cells if cell.kind == "code"):
        found += [number.value for number in numbers(ast.unparse(cell.tree) + "\n" + cell.shows)]
    return [
        number.value
        for cell in part.cells
        if cell.kind == "markdown" and not cell.tags & {"goals", "key-terms", "sources", "next"}
        for number in measured_numbers(cell)
        if not any(number.rounds(one) for one in found)
    ]
