"""`llmviz lab`: trusted notebooks, the first lesson, the learner's options, and clear words when something lacks."""

import os
import shutil
import subprocess
import sys
import urllib.request

import nbformat
import pytest
from lab_server import Lab
from nbformat.sign import NotebookNotary

from llmviz import files, lab
from llmviz.cli import main

NO_OUTPUTS = '{"cells": [{"cell_type": "code", "outputs": null}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


@pytest.fixture
def lesson(tmp_path):
    """A folder with one notebook that has an output, as one gets it from a stranger."""
    output = nbformat.v4.new_output("display_data", data={"text/html": "<script>1</script>"})
    cell = nbformat.v4.new_code_cell("1 + 1", outputs=[output], execution_count=1)
    path = tmp_path / "notebooks" / "00_start_here.ipynb"
    path.parent.mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    return path


def test_trust_signs_every_notebook_of_the_folder(lesson, tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    shutil.copy(lesson, lesson.with_name("01_other.ipynb"))
    changed = nbformat.read(lesson, as_version=4)
    changed.cells[0].outputs[0].data["text/html"] = "<script>2</script>"

    lab.trust(lesson.parent.glob("*.ipynb"))
    notary = NotebookNotary()
    assert notary.check_signature(nbformat.read(lesson, as_version=4))
    assert not notary.check_signature(changed)
    notary.store.close()


def test_the_start_does_not_build_a_grammar_of_web_addresses():
    code = "import sys; from llmviz import lab; lab.trust([]); import jsonschema; print('lark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_one_broken_notebook_is_named_and_does_not_lock_the_others(lesson, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    for name, text in (("01_torn", '{"cells": ['), ("02_no_notebook", "[1]"), ("03_letters", b"\xff\xfe{"),
                       ("04_no_outputs", NO_OUTPUTS)):  # fmt: skip
        path = lesson.with_name(f"{name}.ipynb")
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    lab.trust(sorted(lesson.parent.glob("*.ipynb")))
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[2] for line in said] == [
        "llmviz restore 01_torn", "llmviz restore 02_no_notebook", "llmviz restore 03_letters",
        "llmviz restore 04_no_outputs",
    ]  # fmt: skip
    notary = NotebookNotary()
    assert notary.check_signature(nbformat.read(lesson, as_version=4))
    notary.store.close()


def test_the_server_answers_at_the_address_it_prints(lesson, tmp_path):
    """The whole command, as in a container: no browser, no desktop; the page it names is there."""
    server = Lab(lesson.parent, tmp_path)
    try:
        assert "/lab/workspaces/llmviz/tree/notebooks/00_start_here.ipynb" in server.address
        with urllib.request.urlopen(server.address, timeout=60) as answer:
            page = answer.read().decode()
        assert answer.status == 200
        assert "<title>JupyterLab</title>" in page
    finally:
        server.stop()
    assert "Traceback" not in server.log.read_text()


def test_settings_ask_nothing_of_the_network_and_open_the_lesson(lesson):
    settings = lab._options(lesson)
    assert "--LabApp.news_url=None" in settings
    assert "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate" in settings
    assert f"--ServerApp.root_dir={lesson.parent}" in settings
    assert lab._options(files.NOTEBOOKS / lab.FIRST_LESSON)[0] == f"--ServerApp.root_dir={files.ROOT}"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no root user")
@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, False)])
def test_root_is_allowed_only_where_it_is_root(lesson, monkeypatch, user, allowed):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    settings = lab._options(lesson)
    assert ("--ServerApp.allow_root=True" in settings) is allowed
    assert ("--ServerApp.open_browser=False" in settings) is allowed


def test_options_go_to_jupyterlab_untouched(lesson):
    assert lab._split([str(lesson), "--port", "8899"]) == (lesson, ["--port", "8899"])
    assert lab._split([str(lesson.parent), "--no-browser"]) == (lesson, ["--no-browser"])


def test_what_is_not_there_is_said_in_a_sentence(tmp_path, monkeypatch, capsys):
    assert main(["lab", str(tmp_path / "lesson.ipynb")]) == 1
    assert "llmviz lab: There is no notebook at" in capsys.readouterr().err
    monkeypatch.setattr(lab, "FIRST_LESSON", "no_lesson.ipynb")
    assert main(["lab", "--no-browser"]) == 1
    assert "no_lesson.ipynb is missing. Bring it back: llmviz restore 0" in capsys.readouterr().err
