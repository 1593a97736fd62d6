"""The page of lesson 9: it runs alone, it is the notebook's, and what the exercises ask is what the library does."""

import ast
import importlib.util
import re
import subprocess
import sys
from itertools import pairwise

import nbformat
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lesson_reading import NOTEBOOKS, Lesson

from llmviz.tokenizers.bpe import BytePairTokenizer
from llmviz.training.loop import sample_windows, shifted_windows

SCRIPT = NOTEBOOKS.parent / "docs" / "one_page.py"
NOTEBOOK = NOTEBOOKS / "09_one_page.ipynb"
SOURCE = SCRIPT.read_text(encoding="utf-8")
LESSON = Lesson(NOTEBOOK)
PIECES = range(9)


class TestThePage:
    def test_is_that_of_the_notebook(self):
        program = NOTEBOOKS.parent / "tools" / "execute_notebooks.py"
        spec = importlib.util.spec_from_file_location("execute_notebooks", program)
        execute = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(execute)
        assert execute.page(nbformat.read(NOTEBOOK, as_version=4)) == SOURCE
        assert execute.page(nbformat.read(NOTEBOOKS / "00_start_here.ipynb", as_version=4)) == ""

    def test_imports_torch_and_python_alone(self):
        nodes = [node for node in ast.walk(ast.parse(SOURCE)) if isinstance(node, ast.Import | ast.ImportFrom)]
        names = {(getattr(node, "module", None) or node.names[0].name).split(".")[0] for node in nodes}
        assert names - sys.stdlib_module_names == {"torch"}

    @pytest.mark.slow
    def test_runs_alone_and_shows_what_it_learned(self, tmp_path):
        """Elsewhere, without this package in sight (-I, another folder), in a short form.

        What it learns in all its steps is held by tests/evidence/one_page.py.
        """
        short = SOURCE.replace("train(w, windows, steps=500, ", "train(w, windows, steps=60, ")
        assert short != SOURCE
        run = [sys.executable, "-I", "-W", "error", "-c", f"import sys; sys.modules['llmviz'] = None\n{short}"]
        said = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert said.returncode == 0, said.stderr
        blind, bigram, ours = (float(number) for number in re.search(
            r"blind guessing ([\d.]+), bigram ([\d.]+), the model on unseen text ([\d.]+)", said.stdout
        ).groups())  # fmt: skip
        assert ours < 0.3 * blind and bigram < 0.25 * blind
        assert "Leo lives in the …" in said.stdout
        before, _ = re.findall(r"right in the exam: (\d+)%", said.stdout)
        assert int(before) < 20
        assert len(re.findall(r"^Where does \w+ live\? In the \w+, it says", said.stdout, re.MULTILINE)) == 4


class TestItsLesson:
    @pytest.mark.parametrize("number", PIECES)
    def test_each_piece_links_back_and_is_held_against_the_library(self, number):
        [part] = [part for part in LESSON.parts if part.heading.startswith(f"{number} · ")]
        back = re.search(rf"\[Lesson {number}\]\((\w+\.ipynb)\)", part.cells[0].source)
        assert back and back[1].startswith(f"0{number}_")
        assert any("page" in cell.tags for cell in part.cells)
        checks = [cell for cell in part.cells if cell.kind == "code" and cell.has_assertion and "page" not in cell.tags]
        assert checks, "a cell beside the page asserts something of it"
        assert number == 8 or any("library" in cell.tags for cell in checks)


@pytest.fixture(scope="module")
def page():
    """The page up to its tokenizer, and the library's tokenizer from the same texts."""
    scope = {}
    exec(SOURCE.split("\n# 2 ·")[0], scope)
    return scope, BytePairTokenizer.train(scope["texts"], scope["VOCAB"])


# Left out: "½", a letter to Python and a number to GPT-2; control characters, white space to one of the two.
latin = st.characters(codec="latin-1", exclude_categories=["Cc", "No"])


@given(st.text(latin, max_size=40) | st.text("aeMi '.,0\n你🙂", max_size=30))
def test_its_tokenizer_is_the_librarys_on_other_texts_too(page, text):
    scope, tokenizer = page
    assert scope["encode"](text) == tokenizer.encode(text)
    assert scope["decode"](scope["encode"](text)) == text


def test_windows_are_those_of_training():
    text = torch.arange(50)
    drawn = sample_windows(text, None, 4, 9, seed=0, step=3)
    ids, targets = shifted_windows(text, drawn[:, 0], 9)
    assert ids.equal(drawn[:, :-1]) and targets.equal(drawn[:, 1:])
    for start in (2, -1):
        with pytest.raises(ValueError, match="must lie inside"):
            shifted_windows(torch.arange(5), torch.tensor([start]), 3)


def test_one_click_at_the_end_of_each_lesson_leads_to_the_next():
    """From lesson 0 to the last in as many clicks as there are lessons."""
    lessons = [lesson for lesson in map(Lesson, sorted(NOTEBOOKS.glob("*.ipynb"))) if lesson.is_whole]
    steps = [(here, there) for here, there in pairwise(lessons) if int(there.name[:2]) == int(here.name[:2]) + 1]
    assert len(steps) >= 4
    broken = [here.name for here, there in steps if f"({there.name}.ipynb)" not in here.cells[-1].source]
    assert broken == []
