"""Run the lessons from fresh kernels, keep their outputs, and write how long each took into the README.

    python tools/execute_notebooks.py                    all of them (the same as: make notebooks)
    python tools/execute_notebooks.py 03 05_pretraining  those whose names begin so

A lesson that fails is not saved. What changes from run to run (times, ids of widgets, Python's version) is left
out, so that a difference in git is a difference in the lesson. A widget without its kernel shows only an error, so
a saved lesson keeps the text of a widget, and the cell brings it to life when it runs. A progress bar is left out: its
text is of its first moment, 0 % (so a cell with a bar needs the tag nbval-ignore-output). Real models answer from their
recordings, whether they are here or not.
"""

import os
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.sign import NotebookNotary
from tqdm.auto import tqdm
from traitlets.config import Config

from llmviz.doctor import seconds_per_step
from llmviz.files import lesson_files
from llmviz.pretrained import probe

CHECKOUT = Path(__file__).resolve().parent.parent
FOLDER = CHECKOUT / "notebooks"
README = CHECKOUT / "README.md"
PAGE = CHECKOUT / "docs" / "one_page.py"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
WIDGET = "application/vnd.jupyter.widget-view+json"
CIPHER = Config({"KernelManager": {"transport_encryption": "auto"}})  # or each kernel warns that it has none
PROGRESS_BAR = re.compile(r"\d+%\|.*\[.*\]")
CELL_TIMEOUT = 600  # seconds


def main(names: list[str]) -> int:
    """Execute the lessons that are named, all if none is; return the exit code."""
    os.environ[probe.VARIABLE] = probe.RECORDED
    everything = lesson_files(FOLDER)
    chosen = [path for path in everything if not names or path.name.startswith(tuple(names))]
    unknown = [name for name in names if not any(path.name.startswith(name) for path in everything)]
    if unknown or not chosen:
        print(f"No lesson is called {', '.join(unknown) or 'anything'}; there are:", file=sys.stderr)
        print(*(path.name for path in everything), sep="\n", file=sys.stderr)
        return 1
    n_failed = 0
    for path in chosen:
        try:
            seconds = execute(path)
        except CellExecutionError as error:
            print(f"{path.name} fails and was not saved:\n{error}", file=sys.stderr)
            n_failed += 1
        else:
            print(f"{path.name}: {seconds:.0f} s")
            write_time(path.name, seconds)
    write_speed(seconds_per_step())
    return int(n_failed > 0)


def execute(path: Path) -> float:
    """Run one notebook from a fresh kernel in its own folder, save it with its outputs, sign it; return the seconds."""
    notebook = nbformat.read(path, as_version=4)
    n_cells = sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in notebook.cells)
    with tqdm(total=n_cells, desc=path.name, unit=" cells", leave=False) as bar:
        client = NotebookClient(
            notebook,
            config=CIPHER,
            timeout=CELL_TIMEOUT,
            coalesce_streams=True,
            kernel_name=KERNEL["name"],
            resources={"metadata": {"path": str(path.parent)}},
            on_cell_executed=lambda **_: bar.update(),
        )
        started = time.perf_counter()
        client.execute()
        seconds = time.perf_counter() - started
    tidy(notebook)
    nbformat.validate(notebook)
    nbformat.write(notebook, path)
    if script := page(notebook):
        PAGE.write_text(script, encoding="utf-8")
    notary = NotebookNotary()
    notary.sign(notebook)
    notary.store.close()
    return seconds


def tidy(notebook: nbformat.NotebookNode) -> None:
    """Leave out what differs between two runs of the same lesson."""
    ours = {"llmviz": notebook.metadata.llmviz} if "llmviz" in notebook.metadata else {}
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}, **ours})
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02}"
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not is_progress_bar(output)]
            for output in cell.outputs:
                output.get("data", {}).pop(WIDGET, None)


def is_progress_bar(output: nbformat.NotebookNode) -> bool:
    """Whether it is a bar of tqdm: a widget whose text was written when the bar began."""
    data = output.get("data", {})
    return WIDGET in data and bool(PROGRESS_BAR.search(data.get("text/plain", "")))


def page(notebook: nbformat.NotebookNode) -> str:
    """Join the cells with the tag "page" to a script that runs by itself (lesson 9); "" where there are none."""
    pieces = [cell.source.strip() for cell in notebook.cells if "page" in cell.metadata.get("tags", ())]
    script = re.sub(r"(?<!\n)\n\n(?=(#.*\n)*(def |@))", "\n\n\n", "\n\n".join(pieces))
    return script + "\n" if pieces else ""


def write_time(name: str, seconds: float) -> None:
    """Put the time of a lesson into the last column ("runs in") of its row in the README's table."""
    spoken = f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"
    row = re.compile(rf"^(\|.*\]\(notebooks/{re.escape(name)}\).*\|)[^|\n]*\|[ \t]*$", re.MULTILINE)
    _rewrite(row, rf"\g<1> {spoken} |", f"a row of the table of lessons that links to notebooks/{name}")


def write_speed(step_seconds: float) -> None:
    """Put this machine's speed under the table, so that `llmviz doctor` can say what to expect on another one."""
    spoken = re.compile(r"(training step takes )[\d.?]+ ms")
    _rewrite(spoken, rf"\g<1>{1000 * step_seconds:.0f} ms", 'the words "training step takes ? ms"')


def _rewrite(pattern: re.Pattern, replacement: str, what: str) -> None:
    text = README.read_text(encoding="utf-8") if README.exists() else ""
    changed, n_found = pattern.subn(replacement, text)
    if n_found != 1:
        print(f"README.md needs {what}, once; found {n_found} times. Nothing was written there.", file=sys.stderr)
    elif changed != text:
        README.write_text(changed, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
