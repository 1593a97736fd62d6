"""`llmviz restore`: the shipped lesson comes back, and nothing that a learner wrote is ever lost."""

import json
import os
import subprocess
import zipfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz import files, restore
from llmviz.cli import main

SHIPPED = {"00_start_here.ipynb": b'{"cells": []}\n', "03_attention.ipynb": b'{"cells": [3]}\n'}
MINE = f"03_attention.mine-{date.today().isoformat()}-{{}}.ipynb"


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def write(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def ship_in_git(root: Path) -> None:
    git(root, "init", "-q")
    git(root, "add", "notebooks")
    git(root, "commit", "-qm", "the lessons")


def ship_in_archive(root: Path) -> None:
    with zipfile.ZipFile(root / "lessons.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in SHIPPED.items():
            archive.writestr(name, content)


@pytest.fixture
def notebooks(request, tmp_path, monkeypatch) -> Path:
    """The notebooks of an installation from a bundle; with `ship_in_git` as parameter, of a checkout."""
    root = tmp_path / "llm viz"
    folder = write(root / "notebooks", SHIPPED)
    getattr(request, "param", ship_in_archive)(root)
    monkeypatch.setattr(restore, "ROOT", root)
    monkeypatch.setattr(restore, "NOTEBOOKS", folder)
    monkeypatch.setattr(files, "NOTEBOOKS", folder)
    monkeypatch.setattr(restore, "_ARCHIVE", root / "lessons.zip")
    monkeypatch.chdir(tmp_path)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("notebooks", [ship_in_git, ship_in_archive], indirect=True)
@pytest.mark.parametrize("name", ["3", "03", "attention", "03_attention.ipynb", "03_Attention"])
def test_a_broken_lesson_comes_back_and_the_learners_is_kept(notebooks, name):
    lesson = notebooks / "03_attention.ipynb"
    lesson.write_bytes(b"{ my answers, half saved")
    done = restore.restore(name)
    assert lesson.read_bytes() == SHIPPED[lesson.name]
    assert done.copy == notebooks / MINE.format(1)
    assert done.copy.read_bytes() == b"{ my answers, half saved"


def test_a_path_names_the_folder_too(notebooks):
    other = write(notebooks.parent.parent / "home" / "notebooks", {"03_attention.ipynb": b"mine"})
    restore.restore(str(other / "03_attention.ipynb"))
    assert contents(other) == {"03_attention.ipynb": SHIPPED["03_attention.ipynb"], MINE.format(1): b"mine"}
    assert contents(notebooks) == SHIPPED


@pytest.mark.parametrize("inside", [True, False])
def test_the_lessons_where_one_stands_are_meant(notebooks, monkeypatch, inside):
    home = notebooks.parent.parent / "home"
    mine = write(home / "notebooks", {"03_attention.ipynb": b"mine"})
    monkeypatch.chdir(mine if inside else home)
    restore.restore("3")
    assert contents(mine)["03_attention.ipynb"] == SHIPPED["03_attention.ipynb"]


def test_a_copy_never_takes_the_place_of_another(notebooks):
    lesson = notebooks / "03_attention.ipynb"
    for text in (b"one", b"two", b"one"):
        lesson.write_bytes(text)
        restore.restore("3")
    kept = contents(notebooks)
    assert (kept[MINE.format(1)], kept[MINE.format(2)]) == (b"one", b"two")
    assert len(kept) == len(SHIPPED) + 2  # what is kept already is not kept twice
    assert [path.name for path in files.lesson_files(notebooks)] == list(SHIPPED)  # a copy is no lesson


def test_a_kept_copy_comes_back_by_its_name(notebooks):
    lesson = notebooks / "03_attention.ipynb"
    lesson.write_bytes(b"mine")
    copy = restore.restore("3").copy
    undone = restore.restore(copy.stem)
    assert lesson.read_bytes() == copy.read_bytes() == b"mine"
    assert undone.copy is None  # what stood there was as shipped
    lesson.write_bytes(b"more of mine")
    assert restore.restore(copy.name).copy.read_bytes() == b"more of mine"


def test_a_missing_lesson_and_a_missing_folder_come_back(notebooks):
    for path in notebooks.iterdir():
        path.unlink()
    notebooks.rmdir()
    assert "was missing and is here" in restore.restore("0").message
    assert contents(notebooks) == {"00_start_here.ipynb": SHIPPED["00_start_here.ipynb"]}


def test_what_is_as_shipped_is_left_alone_also_with_the_line_ends_of_windows(notebooks):
    lesson = notebooks / "00_start_here.ipynb"
    lesson.write_bytes(SHIPPED[lesson.name].replace(b"\n", b"\r\n"))
    before = contents(notebooks)
    assert not restore.restore("0").is_changed
    assert contents(notebooks) == before


@pytest.mark.parametrize("name", ["4", "attentoin", "", "03_attention.mine-2020-01-01-1", "../pyproject.toml"])
def test_what_is_unknown_gets_a_sentence_and_changes_nothing(notebooks, name, capsys):
    before = contents(notebooks)
    assert main(["restore", name]) == 1
    said = capsys.readouterr().err
    assert "there is no" in said and "Traceback" not in said
    assert "03_attention" in said or "--list" in said
    assert contents(notebooks) == before


def test_a_close_name_is_suggested_and_a_missing_folder_named(notebooks, capsys):
    assert main(["restore", "03_attentoin"]) == main(["restore", "3", "--folder", "nowhere"]) == 1
    said = capsys.readouterr().err
    assert "Did you mean 03_attention?" in said and "there is no folder nowhere" in said


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_full_disk_leaves_everything_as_it_was(notebooks, monkeypatch, broken):
    (notebooks / "03_attention.ipynb").write_bytes(b"mine")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, broken, full)
    with pytest.raises(OSError, match="No space"):
        restore.restore("3")
    assert contents(notebooks) == {**SHIPPED, "03_attention.ipynb": b"mine"}


def test_without_anything_shipped_it_says_where_it_looked(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = write(tmp_path / "notebooks", SHIPPED)
    monkeypatch.setattr(restore, "ROOT", tmp_path)
    monkeypatch.setattr(restore, "NOTEBOOKS", folder)
    monkeypatch.setattr(files, "NOTEBOOKS", folder)
    monkeypatch.setattr(restore, "_ARCHIVE", tmp_path / "lessons.zip")
    assert main(["restore", "3"]) == 1
    assert "the shipped lessons are not here" in capsys.readouterr().err
    (tmp_path / "lessons.zip").write_bytes(b"PK torn")
    assert main(["restore", "3"]) == 1
    assert "is damaged" in capsys.readouterr().err
    (tmp_path / "lessons.zip").unlink()
    (tmp_path / ".git").mkdir()
    assert main(["restore", "3"]) == 1
    assert "git cannot read the shipped lessons" in capsys.readouterr().err
    assert contents(folder) == SHIPPED


class TestCommand:
    def test_says_what_it_did_and_how_to_undo_it(self, notebooks, capsys):
        lesson = notebooks / "03_attention.ipynb"
        lesson.write_bytes(b"mine")
        assert main(["restore", "03", "--json"]) == 0
        *said, last = capsys.readouterr().out.splitlines()
        assert said[0].startswith(f"{lesson} is back, from ")
        undo = said[1].partition("To undo: llmviz ")[2].split()
        assert undo[0] == "restore" and "Reload Notebook from Disk" in said[2]
        assert json.loads(last)[0]["lesson"] == str(lesson)
        assert main(undo) == 0
        assert lesson.read_bytes() == b"mine"

    def test_lists_what_is_changed_missing_and_kept_and_brings_all_back(self, notebooks, capsys):
        (notebooks / "03_attention.ipynb").write_bytes(b"mine")
        restore.restore("3")
        (notebooks / "03_attention.ipynb").write_bytes(b"mine again")
        (notebooks / "00_start_here.ipynb").unlink()
        assert main(["restore", "--list"]) == 0
        rows = [line.split() for line in capsys.readouterr().out.splitlines()]
        assert rows[1] == ["00_start_here.ipynb", "missing"]
        assert rows[2] == ["03_attention.ipynb", "changed", "kept:", MINE.format(1)]
        assert main(["restore", "all"]) == 0
        assert SHIPPED.items() <= contents(notebooks).items()


MOVES = st.one_of(st.binary(max_size=2), st.sampled_from(["restore", "undo", "delete"]))


@settings(max_examples=40, deadline=None)
@given(moves=st.lists(MOVES, max_size=12))
def test_nothing_that_stood_there_is_ever_lost(tmp_path_factory, moves):
    """A learner writes, deletes, restores and undoes in any order: each text that was replaced is in some file."""
    root = tmp_path_factory.mktemp("root")
    home = write(root / "home", SHIPPED)
    ship_in_archive(root)
    lesson, stood_there = home / "03_attention.ipynb", set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(restore, "_ARCHIVE", root / "lessons.zip")
        for move in moves:
            if isinstance(move, bytes):
                lesson.write_bytes(move)
            elif move == "delete":
                lesson.unlink(missing_ok=True)
            else:
                if lesson.exists():
                    stood_there.add(lesson.read_bytes())
                copies = sorted(home.glob("*.mine-*"))
                restore.restore(copies[0].name if move == "undo" and copies else "3", home)
            assert stood_there <= {*contents(home).values(), *SHIPPED.values()}
