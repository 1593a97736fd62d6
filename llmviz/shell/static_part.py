"""What stays when nothing runs: a sentence, a picture, a table; plain tags and inline styles only."""

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass, field

_CELL = "text-align:left;padding:2px 10px 2px 0;vertical-align:top"
_WIDTH = "max-width:100%;height:auto;background:white"


@dataclass(frozen=True)
class Table:
    """The same content as the picture, in words and numbers: one text per cell.

    `is_computed` says that the cells hold numbers which differ in their last digits between processors; nbval
    then does not compare them.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]] = field(default_factory=list)
    is_computed: bool = True

    def to_html(self) -> str:
        """Return the table, every cell escaped."""
        head = "".join(f'<th scope="col" style="{_CELL}">{_text(name)}</th>' for name in self.columns)
        body = "".join(f"<tr>{_cells(row)}</tr>" for row in self.rows)
        computed = ' class="lv-computed"' if self.is_computed else ""
        return (
            f'<table style="font-variant-numeric:tabular-nums"><caption style="text-align:left">{_text(self.caption)}'
            f"</caption><thead><tr>{head}</tr></thead><tbody{computed}>{body}</tbody></table>"
        )


def _cells(row: Sequence[str]) -> str:
    """A row: its first cell names it."""
    first, *others = row
    return f'<th scope="row" style="{_CELL};font-weight:normal">{_text(first)}</th>' + "".join(
        f'<td style="{_CELL}">{_text(cell)}</td>' for cell in others
    )


def _text(text: object) -> str:
    return f"<bdi>{html.escape(str(text))}</bdi>"


def static_html(title: str, sentence: str, picture: bytes | None, table: Table | None, *, folded: bool = True) -> str:
    """Return what an untrusted notebook, a code host and a printer show."""
    parts = [f"<p><strong>{html.escape(title)}</strong> {html.escape(sentence)}</p>"]
    if picture:
        data = base64.b64encode(picture).decode("ascii")
        parts.append(f'<img alt="{html.escape(sentence)}" src="data:image/png;base64,{data}" style="{_WIDTH}">')
    if table and folded:
        parts.append(f"<details><summary>as a table</summary>{table.to_html()}</details>")
    elif table:
        parts.append(table.to_html())
    return "".join(parts)
