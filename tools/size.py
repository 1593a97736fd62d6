"""Print how large the project is, beside its budgets (`make size`).

    python tools/size.py              the table
    python tools/size.py --details    also each package, and each parameter that only tests pass
"""

import ast
import io
import json
import re
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "llmviz"
# The files that the README asks to be read, in its order.
README = (ROOT / "README.md").read_text(encoding="utf-8")
CORE = [ROOT / path for path in re.findall(r"^\d+\. \[(llmviz/[\w/]+\.py)\]", README, re.M)]
BUDGETS = {
    "lines of code": 13_650,  # lessons 11 and 12 may add 500 each
    "all lines": 20_450,
    "core lines": 2_300,
    "Python files": 125,
    "entries under llmviz/": 28,
    "public names": 370,
    "optional parameters only tests pass": 0,
    "test lines": 17_000,
}
# Programs and lessons whose calls count as uses; the other tests do not.
USERS = ("llmviz/**/*.py", "tools/*.py", "deploy/*.py", "docs/*.py", "notebooks/*.py", "tests/evidence/*.py")
USERS += ("tests/benchmarks/*.py", "notebooks/*.ipynb", "docs/*.ipynb")
# Parameters that a caller passes to whatever function it was given, under any name.
CALLBACKS = {("next_token_loss", "generator")}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def n_lines(paths: Iterable[Path]) -> int:
    """All lines of these files."""
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


def n_code_lines(path: Path) -> int:
    """Lines that hold code: no docstrings, comments and blank lines."""
    source = path.read_text(encoding="utf-8")
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | Function) and ast.get_docstring(node, clean=False) is not None:
            docstrings |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    layout = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in layout:
            code |= set(range(token.start[0], token.end[0] + 1))
    return len(code - docstrings)


def modules() -> list[Path]:
    """Every Python file of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def is_public(path: Path) -> bool:
    """Whether no part of the path begins with an underscore."""
    parts = path.relative_to(PACKAGE).parts
    return not any(part.startswith("_") and part not in ("__init__.py", "__main__.py") for part in parts)


def public_names(path: Path) -> list[str]:
    """Functions and classes at module level without an underscore in name or path."""
    nodes = ast.parse(path.read_text(encoding="utf-8")).body if is_public(path) else []
    return [node.name for node in nodes if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_")]


def optional_parameters() -> list[tuple[str, str, str, int | None]]:
    """File, called name, parameter and its position (None: keyword only), of each public function and method."""
    found = []
    for path in filter(is_public, modules()):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        owners = [("", tree), *((node.name, node) for node in tree.body if isinstance(node, ast.ClassDef))]
        for owner, node in owners:
            for function in filter(lambda child: isinstance(child, Function), node.body):
                name = owner if function.name == "__init__" else function.name
                if not name.startswith("_") and not owner.startswith("_") and name not in ("main", "forward"):
                    found += [(str(path.relative_to(ROOT)), name, *pair) for pair in _optional(function, bool(owner))]
    return found


def _optional(function: Function, is_method: bool) -> list[tuple[str, int | None]]:
    decorators = {getattr(node, "id", None) for node in function.decorator_list}
    skipped = int(is_method and "staticmethod" not in decorators)
    positional = [*function.args.posonlyargs, *function.args.args]
    first = len(positional) - len(function.args.defaults)
    pairs = [(argument.arg, place - skipped) for place, argument in enumerate(positional) if place >= first]
    named = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    return pairs + [(argument.arg, None) for argument, default in named if default is not None]


def calls() -> tuple[dict[str, set[str]], dict[str, int]]:
    """Called name to the keywords and the number of positional arguments that a user passes; "**" passes them all."""
    keywords: dict[str, set[str]] = defaultdict(set)
    positions: dict[str, int] = defaultdict(int)
    for path in (path for pattern in USERS for path in ROOT.glob(pattern)):
        for node in ast.walk(ast.parse(_source(path))):
            if not isinstance(node, ast.Call):
                continue
            called, arguments = node.func, node.args
            if _name(called) in ("partial", "partialmethod") and arguments:
                called, *arguments = arguments
            name = _name(called)
            keywords[name] |= {keyword.arg or "**" for keyword in node.keywords}
            is_open = any(isinstance(argument, ast.Starred) for argument in arguments)
            positions[name] = max(positions[name], 99 if is_open else len(arguments))
    return keywords, positions


def _source(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    return re.sub(r"^[%!].*", "", "\n".join(cells), flags=re.MULTILINE)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def unused_parameters() -> list[str]:
    """Optional parameters of public functions and methods that no lesson, program or module passes."""
    keywords, positions = calls()
    unused = []
    for path, name, parameter, place in optional_parameters():
        names = (name, "cls", "__init__") if name[0].isupper() else (name,)
        named = any({parameter, "**"} & keywords[other] for other in names)
        placed = place is not None and any(positions[other] > place for other in names)
        if not named and not placed and (name, parameter) not in CALLBACKS:
            unused.append(f"{path}: {name}({parameter}=)")
    return unused


def measured() -> dict[str, int]:
    """What the budgets count."""
    return {
        "lines of code": sum(map(n_code_lines, modules())),
        "all lines": n_lines(modules()),
        "core lines": n_lines(filter(Path.exists, CORE)),
        "Python files": len(modules()),
        "entries under llmviz/": len([path for path in PACKAGE.iterdir() if path.name != "__pycache__"]),
        "public names": sum(len(public_names(path)) for path in modules()),
        "optional parameters only tests pass": len(unused_parameters()),
        "test lines": n_lines((ROOT / "tests").rglob("*.py")),
    }


def main() -> None:
    """Print the table."""
    print(f"{'':38}{'today':>8}{'budget':>8}")
    for name, number in measured().items():
        print(f"{name:38}{number:8,}{BUDGETS[name]:8,}{'' if number <= BUDGETS[name] else '  OVER'}")
    for folder, pattern in [("llmviz", "*.toml"), ("llmviz", "*.js"), ("tools", "*.py"), ("deploy", "*.py")]:
        print(f"{f'lines of {folder}/**/{pattern}':38}{n_lines((ROOT / folder).rglob(pattern)):8,}")
    if "--details" in sys.argv[1:]:
        details()


def details() -> None:
    """Print each package, and each optional parameter that only tests pass."""
    print(f"\n{'':24}{'files':>6}{'lines':>8}{'code':>8}{'public':>8}")
    packages: dict[str, list[Path]] = defaultdict(list)
    for path in modules():
        packages[path.relative_to(PACKAGE).parts[0]].append(path)
    for name, paths in sorted(packages.items(), key=lambda pair: -n_lines(pair[1])):
        n_public = sum(len(public_names(path)) for path in paths)
        print(f"{name:24}{len(paths):6}{n_lines(paths):8,}{sum(map(n_code_lines, paths)):8,}{n_public:8}")
    print("\nOptional parameters that only tests pass, or nobody:", *unused_parameters(), sep="\n  ")


if __name__ == "__main__":
    main()
