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
        short = SOURCE.replace("train(w, get_batch, steps=500, ", "train(w, get_batch, steps=60, ")
        assert short != SOURCE
        run = [sys.executable, "-I", "-W", "error", "-c", f"import sys; sys.modules['llmviz'] = None\n{short}"]
        said = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert said.returncode == 0, said.stderr
        uniform, bigram, ours = (float(number) for number in re.search(
            r"uniform ([\d.]+), bigram ([\d.]+), test loss ([\d.]+)", said.stdout
        ).groups())  # fmt: skip
        assert ours < 0.3 * uniform and bigram < 0.25 * uniform
        assert "after training: Leo lives in the →" in said.stdout
        before, _ = re.findall(r"right answers \w+ fine-tuning, of 13 test people: (\d+)", said.stdout)
        assert int(before) < 3
        assert len(re.findall(r"^Where does \w+ live\? in the \w+, with probability", said.stdout, re.MULTILINE)) == 4


    def test_explains_every_step_in_its_own_words(self):
        """Numbered parts in order, a docstring in each function, and a comment in at least a third of the lines."""
        assert re.findall(r"^# (\d+)\. [A-Z]", SOURCE, re.MULTILINE) == [str(number) for number in range(1, 11)]
        functions = [node for node in ast.parse(SOURCE).body if isinstance(node, ast.FunctionDef)]
        assert [function.name for function in functions if not ast.get_docstring(function)] == []
        lines = [line for line in SOURCE.splitlines() if line.strip()]
        assert sum("#" in line or '"""' in line for line in lines) > len(lines) / 3


class TestItsLesson:
    def test_links_to_the_lesson_of_each_step_and_compares_the_page_with_the_library(self):
        path = [cell for cell in LESSON.texts if "class-path" in cell.tags]
        link = r"\[lesson \d\]\(0(\d)_\w+\.ipynb\)"
        linked = {int(number) for cell in path for number in re.findall(link, cell.source)}
        assert linked == set(range(9))
        checks = [cell for cell in LESSON.tagged("library", "code") if "class-path" in cell.tags]
        assert len(checks) >= 3 and all(cell.has_assertion for cell in checks)


@pytest.fixture(scope="module")
def page():
    """The page up to its tokenizer, and the library's tokenizer from the same texts."""
    scope = {}
    exec(SOURCE.split("\n# 3. ")[0], scope)
    return scope, BytePairTokenizer.train(scope["texts"], scope["VOCAB_SIZE"])


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
