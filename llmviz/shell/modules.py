"""From small ES modules to one text: what anywidget takes, and what a page runs by itself. No build step."""

import functools
import re
from pathlib import Path

STATIC = Path(__file__).parent / "static"

_IMPORT = re.compile(r'^import\s*\{[^}]*\}\s*from\s*"(\.[^"]+)";\n', re.MULTILINE)
_COMMENT = re.compile(r"^\s*//.*\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)
_DEFAULT = re.compile(r"^export default ", re.MULTILINE)


@functools.cache
def es_module(path: Path) -> str:
    """Return a module and all that it imports as one ES module, as anywidget's `_esm` and node take it.

    Imports are relative and name what they take: `import { frame, unpack } from "../../shell/static/shell.js";`.
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
        if " as " in found[0]:
            raise ValueError(f"{path.name}: `import {{ … as … }}` would need a build step; use the module's own name.")
        _gather((path.parent / found[1]).resolve(), parts, seen)
    source = _IMPORT.sub("", source)
    if re.search(r"^import\b", source, re.MULTILINE):
        raise ValueError(f'{path.name}: imports must look like `import {{ a, b }} from "./other.js";`.')
    parts.append(_COMMENT.sub("", source).strip() + "\n")


def page_script(path: Path, name: str) -> str:
    """Return a module as a plain script for a page: it starts on each element of class `name` not yet started."""
    return f'(() => {{\n"use strict";\nconst pageClass = "{name}";\n{_page_module(path)}}})();\n'


@functools.cache
def _page_module(path: Path) -> str:
    module = es_module(path)
    if len(_DEFAULT.findall(module)) != 1:
        raise ValueError(f"{path.name} must end with one `export default {{ render }};`.")
    module = _DEFAULT.sub("const explorer = ", _EXPORT.sub("", module))
    start = _COMMENT.sub("", (STATIC / "start.js").read_text(encoding="utf-8"))
    return (module + start).replace("</", "<\\/").replace("<!--", "<\\!--")
