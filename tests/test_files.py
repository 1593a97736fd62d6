"""Paths, atomic writing, and the files in data/: each named with its source and license."""

import hashlib
import os
import re
import subprocess
import sys
import time

import pytest

from llmviz.cli import main
from llmviz.files import data_folder, data_path, read_json, write_atomically
from llmviz.tokenizers.tiktoken import VOCABULARIES

README = data_path("README.md").read_text("utf-8")


def test_a_missing_file_or_folder_is_named_with_the_fix(monkeypatch, tmp_path):
    monkeypatch.setenv("LLMVIZ_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"'nothing\.txt' was looked for in .*git checkout -- data"):
        data_path("nothing.txt")
    monkeypatch.setenv("LLMVIZ_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match=r"nowhere and is not there\. Install llmviz from its wheel"):
        data_path("README.md")


def test_a_file_is_replaced_through_its_link_with_its_permissions(tmp_path):
    path, link = tmp_path / "a.json", tmp_path / "link.json"
    write_atomically(path, b"[1]")
    path.chmod(0o640)
    link.symlink_to(path)
    write_atomically(link, b"[2]")
    assert link.is_symlink() and read_json(path) == [2] and path.stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(tmp_path)) == ["a.json", "link.json"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_after_a_failure_the_old_content_is_there_and_nothing_else(monkeypatch, tmp_path, step):
    def fail(*_):
        raise OSError("No space left on device")

    write_atomically(tmp_path / "a.json", b"[1]")
    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(tmp_path / "a.json", b"[2]")
    assert os.listdir(tmp_path) == ["a.json"] and read_json(tmp_path / "a.json") == [1]


@pytest.mark.parametrize("n_refusals", [3, 1000])
def test_a_file_that_is_open_elsewhere_is_tried_again_then_named(monkeypatch, tmp_path, capsys, n_refusals):
    """Simulated: Windows refuses to replace a file while another program reads it."""
    waiting, replace = iter(range(n_refusals)), os.replace

    def refuse(source, target):
        if next(waiting, None) is not None:
            raise PermissionError(13, "Access is denied", str(source), None, str(target))
        replace(source, target)

    lesson = tmp_path / "00_start_here.ipynb"
    lesson.write_bytes(b"mine")
    monkeypatch.setattr(os, "replace", refuse)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    code = main(["restore", "0", "--folder", str(tmp_path)])
    if n_refusals == 3:
        assert code == 0 and len(os.listdir(tmp_path)) == 2 and lesson.read_bytes() != b"mine"
        return
    [said] = capsys.readouterr().err.splitlines()
    assert code == 1 and re.search(r"Access is denied at .*\.ipynb; .* is the file open elsewhere\?$", said)
    assert os.listdir(tmp_path) == [lesson.name] and lesson.read_bytes() == b"mine"


@pytest.mark.parametrize("damage", [b"{", b"\xff", b"[" * 100_000])
def test_a_damaged_json_file_is_refused_by_name(tmp_path, damage):
    (tmp_path / "a.json").write_bytes(damage)
    with pytest.raises(ValueError, match=r"a\.json is damaged"):
        read_json(tmp_path / "a.json")


def test_every_data_file_is_named_in_the_readme():
    names = {path.name for path in data_folder().iterdir() if path.is_file()} - {"README.md"}
    assert len(names) >= 4
    assert [name for name in sorted(names) if f"`{name}`" not in README and not name.startswith(".")] == []
    assert "tinyshakespeare.txt" not in names


@pytest.mark.parametrize("name", [*(f"{name}.merges.zlib" for name in VOCABULARIES), "glove-6B-50d-top50k-int8.npz"])
def test_the_readme_has_the_sha256_of_each_vocabulary(name):
    assert hashlib.sha256(data_path(name).read_bytes()).hexdigest() in README


@pytest.mark.parametrize("module", ["llmviz.files", "llmviz.tokenizers", "llmviz.corpora", "llmviz.tinyville"])
def test_text_needs_no_torch(module):
    heavy = "{'torch', 'matplotlib', 'ipywidgets', 'pooch', 'requests'}"
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
