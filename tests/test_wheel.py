"""The wheel is the whole course: installed without the checkout it opens, runs, restores and exports the lessons."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import first_cell
import nbformat
import pytest
from lab_server import Lab

ROOT = Path(__file__).resolve().parent.parent
LESSONS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--wheel-dir", folder, ROOT], check=True)
    [path] = folder.glob("*.whl")
    return path


@pytest.fixture
def program(wheel, tmp_path):
    """Runs llmviz out of the unpacked wheel, in an empty folder; the checkout is nowhere on the path."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    home = tmp_path / "home"
    home.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "HOME": str(home)}

    def run(*arguments: str, python: str = "-m llmviz") -> str:
        command = [sys.executable, *python.split(), *arguments]
        done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run.home, run.environment = home, environment
    return run


@pytest.mark.slow
def test_the_wheel_is_small_and_holds_everything(wheel):
    assert wheel.stat().st_size < 40e6
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"llmviz/_course/notebooks/{name}" for name in LESSONS} <= names
    wanted = ("docs/glossary.md", "docs/torch_in_ten_minutes.ipynb", "data/models/tiny/checkpoint.json", "README.md")
    assert {f"llmviz/_course/{name}" for name in wanted} <= names
    assert not [name for name in names if ".mine-" in name or "__pycache__" in name]


@pytest.mark.slow
def test_every_command_works_without_the_checkout(program):
    assert "_course" in program("import llmviz.files; print(llmviz.files.ROOT)", python="-c")
    assert program("generate", "Mia found").startswith("Mia found")
    assert json.loads(program("doctor", "--json").splitlines()[-1])["fine"]
    program("export", "--out", "pages")
    assert (program.home / "pages" / "03_attention.html").is_file()


@pytest.mark.slow
def test_lab_makes_the_learners_folder_and_never_overwrites(program):
    folder = program.home / "llmviz-lessons" / "notebooks"
    folder.mkdir(parents=True)
    (folder / LESSONS[0]).write_text("mine")
    copy = "from llmviz import lab; print(lab._split([])[0])"
    assert program(copy, python="-c").splitlines()[-1] == str(folder / LESSONS[0])
    assert (folder / LESSONS[0]).read_text() == "mine"
    assert sorted(path.name for path in folder.glob("*.ipynb")) == LESSONS
    assert (folder.parent / "docs" / "glossary.md").is_file()
    assert "is kept beside it" in program("restore", "0")
    assert (folder / LESSONS[0]).read_bytes() == (ROOT / "notebooks" / LESSONS[0]).read_bytes()
    (folder / "03_attention.ipynb").write_bytes(b"{}")
    assert "changed" in program("restore", "--list")


@pytest.mark.slow
def test_a_lesson_repeats_its_outputs_from_the_learners_folder(program):
    program("from llmviz import lab; lab._split([])", python="-c")
    options = ["-q", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider", "-c", os.devnull]
    sanitize = f"--nbval-sanitize-with={ROOT / 'tests' / 'nbval_sanitize.cfg'}"
    lesson = program.home / "llmviz-lessons" / "notebooks" / "03_attention.ipynb"
    assert " passed" in program(*options, sanitize, f"--rootdir={program.home}", str(lesson), python="-m pytest")


@pytest.mark.slow
def test_the_lessons_are_served(program, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", program.environment["PYTHONPATH"])
    monkeypatch.chdir(program.home)
    program("from llmviz import lab; lab._split([])", python="-c")
    server = Lab(program.home / "llmviz-lessons" / "notebooks", tmp_path)
    try:
        assert "00_start_here.ipynb" in server.address
    finally:
        server.stop()


def test_the_first_cell_is_put_before_every_lesson_and_does_nothing_here(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["first_cell.py", "llmviz.whl", "--out", str(tmp_path)])
    assert first_cell.main() == 0
    assert capsys.readouterr().out == f"{len(LESSONS)} lessons in {tmp_path}\n"
    for name in LESSONS:
        cell, *rest = nbformat.read(tmp_path / name, as_version=4).cells
        assert '%pip install --quiet "llmviz.whl"' in cell.source
        assert rest == nbformat.read(ROOT / "notebooks" / name, as_version=4).cells
    exec(cell.source.replace("%pip", "raise AssertionError  # %pip"), {})
