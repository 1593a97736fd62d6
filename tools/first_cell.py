"""The cell that installs llmviz where a notebook is opened without it, as on Colab or Kaggle.

    python tools/first_cell.py llmviz-0.1.0-py3-none-any.whl                  print the cell
    python tools/first_cell.py https://example.org/llmviz.whl --out hosted    write every lesson with it into a folder

It does nothing where llmviz is installed.
"""

import argparse
from pathlib import Path

import nbformat

from llmviz.files import NOTEBOOKS, lesson_files

CELL = """\
import importlib.util
import sys

if importlib.util.find_spec("llmviz") is None:
    %pip install --quiet "{wheel}"
if "google.colab" in sys.modules:  # Colab shows widgets of other packages only after this
    from google.colab import output

    output.enable_custom_widget_manager()"""


def main() -> int:
    """Print the cell, or write the lessons with it; return the exit code."""
    parser = argparse.ArgumentParser(description="The first cell of a lesson that is opened without llmviz.")
    parser.add_argument("wheel", help="the address or the path of llmviz's wheel, as the notebook sees it")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write every lesson with this cell into a folder")
    given = parser.parse_args()
    cell = CELL.format(wheel=given.wheel)
    if given.out is None:
        print(cell)
        return 0
    given.out.mkdir(parents=True, exist_ok=True)
    for lesson in lesson_files(NOTEBOOKS):
        notebook = nbformat.read(lesson, as_version=4)
        notebook.cells.insert(0, nbformat.v4.new_code_cell(cell, id="install"))
        nbformat.write(notebook, given.out / lesson.name)
    print(f"{len(lesson_files(NOTEBOOKS))} lessons in {given.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
