"""deploy/singleuser.py: lessons that follow the teacher's and keep what a student writes; a short runtime folder."""

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest
import singleuser
from hypothesis import given
from hypothesis import strategies as st
from singleuser import RECORD, copy_lessons

from llmviz import lab


@pytest.fixture
def lessons(tmp_path):
    """A teacher's folder with two lessons."""
    folder = tmp_path / "teacher"
    folder.mkdir()
    for name in ("00_start_here.ipynb", "01_more.ipynb"):
        write(folder / name, "first version")
    return folder


@pytest.fixture
def mine(tmp_path):
    return tmp_path / "mine"


def write(file, text):
    cells = [{"cell_type": "markdown", "metadata": {}, "source": text}]
    file.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))


def text(file):
    return json.loads(file.read_text())["cells"][0]["source"]


def test_a_deleted_lesson_comes_back_and_one_restored_by_hand_follows_again(lessons, mine):
    copy_lessons(lessons, mine)
    (mine / "00_start_here.ipynb").unlink()
    write(mine / "01_more.ipynb", "my answers")
    assert copy_lessons(lessons, mine) == ["00_start_here.ipynb"]
    write(lessons / "01_more.ipynb", "second version")
    shutil.copy(lessons / "01_more.ipynb", mine)  # as llmviz restore does
    copy_lessons(lessons, mine)
    write(lessons / "01_more.ipynb", "third version")
    assert copy_lessons(lessons, mine) == ["01_more.ipynb"]


def test_a_lesson_that_was_opened_run_and_saved_still_follows(lessons, mine):
    """JupyterLab notes its kernel and the outputs in the file, two minutes after it was opened."""
    copy_lessons(lessons, mine)
    saved = json.loads((mine / "01_more.ipynb").read_text())
    saved["metadata"]["language_info"] = {"name": "python", "version": "3.12"}
    saved["cells"][0]["metadata"]["trusted"] = True
    saved["cells"][0]["source"] = ["first ", "version"]  # in one piece or in lines: the same text
    (mine / "01_more.ipynb").write_text(json.dumps(saved))
    write(lessons / "01_more.ipynb", "second version")
    assert copy_lessons(lessons, mine) == ["01_more.ipynb"]


@pytest.mark.parametrize("record", [None, "", "{", "[1]", '"text"'])
def test_where_the_record_is_lost_nothing_of_the_students_is_overwritten(lessons, mine, record):
    copy_lessons(lessons, mine)
    write(mine / "00_start_here.ipynb", "my answers")
    (mine / "01_more.ipynb").write_text("{ half a noteb")  # no notebook any more
    (mine / RECORD).unlink() if record is None else (mine / RECORD).write_text(record)
    for lesson in lessons.iterdir():
        write(lesson, "second version")
    assert copy_lessons(lessons, mine) == []
    assert text(mine / "00_start_here.ipynb") == "my answers"
    assert (mine / "01_more.ipynb").read_text() == "{ half a noteb"


@given(st.lists(st.sampled_from(["teacher writes", "student writes", "student deletes", "server starts"]), max_size=12))
def test_whatever_happens_what_a_student_wrote_stays_until_they_delete_it(tmp_path_factory, events):
    folder = tmp_path_factory.mktemp("any")
    (folder / "teacher").mkdir()
    lesson, copy = folder / "teacher" / "00_start_here.ipynb", folder / "mine" / "00_start_here.ipynb"
    write(lesson, "version 0")
    copy_lessons(lesson.parent, copy.parent)
    own = None
    for number, event in enumerate(events, 1):
        if event == "teacher writes":
            write(lesson, f"version {number}")
        elif event == "student writes":
            own = f"answer {number}"
            write(copy, own)
        elif event == "student deletes":
            own = None
            copy.unlink(missing_ok=True)
        else:
            copy_lessons(lesson.parent, copy.parent)
            assert text(copy) == (own or text(lesson))


@pytest.fixture
def short():
    """A folder with a short path: that of the tests is longer where several processes share them."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="t") as folder:
        yield Path(folder)


def test_the_folder_of_the_sockets_is_short_private_and_each_students_own(tmp_path, short):
    one, two = (singleuser.runtime_folder(tmp_path / name, short) for name in ("ada", "mia"))
    assert one != two
    assert singleuser.runtime_folder(tmp_path / "ada", short) == one
    assert one.stat().st_mode & 0o777 == 0o700
    with pytest.raises(ValueError, match="is too long for a kernel's sockets"):
        singleuser.runtime_folder(tmp_path, tmp_path / ("x" * 60))


def test_a_folder_that_somebody_else_laid_out_is_refused(tmp_path, short):
    """A link in its place would lead the student's kernels into a folder of another user's."""
    folder = singleuser.runtime_folder(tmp_path, short)
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(PermissionError, match="belongs to another user"):
        singleuser.runtime_folder(tmp_path, short)


def test_the_home_is_prepared_and_every_other_option_goes_to_the_server(lessons, tmp_path, monkeypatch):
    for name in ("HOME", "JUPYTER_RUNTIME_DIR", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "before")  # so that it is as before after the test
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/etc/ours")
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    (home / "notebooks").mkdir(parents=True)
    write(home / "notebooks" / "from_elsewhere.ipynb", "not ours")
    (tmp_path / "fontlist-v390.json").write_text("{}")
    trusted, started = [], []
    monkeypatch.setattr(singleuser, "NOTEBOOKS", lessons)
    monkeypatch.setattr(lab, "trust", lambda paths: trusted.extend(path.name for path in paths))
    monkeypatch.setattr(singleuser, "runtime_folder", lambda home, parent: tmp_path / "run")
    monkeypatch.setattr(os, "execve", lambda program, command, environment: started.append((command, environment)))
    monkeypatch.setattr("sys.argv", ["singleuser.py", "--home", str(home), "--fonts", str(tmp_path), "--debug"])
    singleuser.main()
    [(command, environment)] = started
    assert command[1:3] == ["-m", "jupyterhub.singleuser"] and command[-1] == "--debug"
    assert environment["JUPYTER_CONFIG_PATH"] == os.pathsep.join([str(lab.PAGE_SETTINGS), "/etc/ours"])
    assert (environment["HOME"], environment["JUPYTER_RUNTIME_DIR"]) == (str(home), str(tmp_path / "run"))
    assert trusted == ["00_start_here.ipynb", "01_more.ipynb"]
    assert (home / ".cache" / "matplotlib" / "fontlist-v390.json").read_text() == "{}"


def test_the_servers_options_are_ones_that_jupyterlab_knows(tmp_path):
    from jupyter_client.manager import KernelManager
    from jupyter_server.serverapp import ServerApp
    from jupyter_server.services.kernels.kernelmanager import MappingKernelManager
    from jupyterlab.labapp import LabApp
    from traitlets.config import Application

    known = {found.__name__: found for found in (Application, KernelManager, LabApp, MappingKernelManager, ServerApp)}
    given = dict(option.removeprefix("--").split("=", 1) for option in singleuser.server_options(tmp_path))
    for name in given:
        section, trait = name.split(".")
        assert trait in known[section].class_traits(config=True), name
    assert given["KernelManager.transport"] == "ipc"
    assert given["MappingKernelManager.cull_idle_timeout"] == "3600"
