"""Write docs/glossary.md from the tables of key terms with which the lessons end: `make glossary`."""

import re
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
GLOSSARY = ROOT / "docs" / "glossary.md"
_ROW = re.compile(r"^\| \*\*(?P<term>[^|]+)\*\* \| (?P<definition>[^|]+?) \| *(?P<names>[^|]*?) *\|$", re.MULTILINE)
_HEAD = """\
# Glossary

Every key term of the lessons, with its definition, other names for it, and the lessons that use it. The first of these
lessons introduces the term. `make glossary` writes this page from the tables at the end of the lessons.

| term | definition | also called | lessons |
|---|---|---|---|
"""


def glossary() -> str:
    """The page, in alphabetical order. A term that several lessons list has the definition of the first of them."""
    terms: dict[str, tuple[str, str, list[str]]] = {}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        link = f"[{int(path.name[:2])}](../notebooks/{path.name}#Key-terms)"
        for row in _rows(path):
            terms.setdefault(row["term"], (row["definition"], row["names"], []))[2].append(link)
    lines = [
        f"| **{term}** | {definition} | {names} | {' · '.join(links)} |\n"
        for term, (definition, names, links) in sorted(terms.items(), key=lambda item: item[0].casefold())
    ]
    return _HEAD + "".join(lines)


def _rows(path: Path) -> list[re.Match]:
    """The rows of a lesson's table of key terms."""
    cells = nbformat.read(path, as_version=4).cells
    tables = [cell.source for cell in cells if "key-terms" in cell.metadata.get("tags", ())]
    rows = [row for table in tables for row in _ROW.finditer(table)]
    n_lines = sum(line.startswith("|") for table in tables for line in table.splitlines())
    if len(rows) != n_lines - 2 * len(tables):
        raise ValueError(f"{path.name}: a row of its key terms is not “| **term** | definition | other names |”.")
    return rows


if __name__ == "__main__":
    GLOSSARY.write_text(glossary(), encoding="utf-8")
    print(f"Written: {GLOSSARY.relative_to(ROOT)}")
