"""A notebook that uses the sample lesson, as a lesson's notebook does."""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

HERE = Path(__file__).resolve().parent
START = """import os, sys
sys.path.insert(0, {folder!r})
os.environ["LLMVIZ_PROGRESS"] = {progress!r}
from sample_lesson import LESSON as lesson
lesson.progress()"""
PICTURE = '<img alt="two bars" src="data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=">'
CELLS = (
    "lesson.warm_up()",
    "lesson.predict('n_words')",
    f"lesson.reveal('n_words', 3, show={PICTURE!r})",
    "lesson.predict('pays_most')",
    "lesson.reveal('pays_most', 'German')",
    "lesson.exercise('word_counts')",
    "def word_counts(text):\n    ...",
    "lesson.check('word_counts', word_counts)",
    "## Keep the spaces",
    "print(len('a b a'.split()))",
    "lesson.quiz()",
)


def write(path: Path, progress: Path) -> Path:
    """Write the notebook; its progress goes into a file of its own."""
    start = new_code_cell(START.format(folder=str(HERE), progress=str(progress)))
    others = [new_markdown_cell(text) if text.startswith("#") else new_code_cell(text) for text in CELLS]
    notebook = new_notebook(cells=[start, *others])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(notebook, path)
    return path
