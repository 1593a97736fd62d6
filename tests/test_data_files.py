"""The files in data/: found, explained when they are not, and each one named with its source and license."""

import hashlib
import lzma
import subprocess
import sys
from pathlib import Path

import pytest

from llmviz.files import data_folder, data_path
from llmviz.tokenizers.tiktoken import VOCABULARIES

README = data_path("README.md").read_text("utf-8")


def test_a_file_is_found_in_the_checkout(monkeypatch):
    monkeypatch.delenv("LLMVIZ_DATA", raising=False)
    assert data_path("README.md") == Path(__file__).parent.parent / "data" / "README.md"


def test_the_folder_can_be_chosen(monkeypatch, tmp_path):
    (tmp_path / "words.txt").write_text("kite", "utf-8")
    monkeypatch.setenv("LLMVIZ_DATA", str(tmp_path))
    assert data_path("words.txt").read_text("utf-8") == "kite"


def test_a_missing_file_is_named_with_the_folder_and_the_mend(monkeypatch, tmp_path):
    monkeypatch.setenv("LLMVIZ_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"'nothing\.txt' was looked for in .*git checkout -- data"):
        data_path("nothing.txt")


def test_a_missing_folder_is_explained(monkeypatch, tmp_path):
    monkeypatch.setenv("LLMVIZ_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match=r"nowhere and is not there\. Run llmviz from its checkout"):
        data_path("README.md")


def test_every_data_file_is_named_in_the_readme():
    names = {path.name for path in data_folder().iterdir() if path.is_file()} - {"README.md"}
    assert len(names) >= 4
    assert [name for name in sorted(names) if f"`{name}`" not in README and not name.startswith(".")] == []


@pytest.mark.parametrize("name", [vocabulary.file for vocabulary in VOCABULARIES.values()])
def test_the_readme_has_the_sha256_of_each_vocabulary_packed_and_unpacked(name):
    packed = data_path(name).read_bytes()
    for data in (packed, lzma.decompress(packed)):
        assert hashlib.sha256(data).hexdigest() in README


def test_the_readme_has_the_sha256_of_the_word_vectors():
    data = data_path("glove-6B-50d-top50k-int8.npz").read_bytes()
    assert hashlib.sha256(data).hexdigest() in README


def test_tiny_shakespeare_is_not_committed():
    assert not (data_folder() / "tinyshakespeare.txt").exists()


@pytest.mark.parametrize("module", ["llmviz", "llmviz.files", "llmviz.tokenizers", "llmviz.corpora"])
def test_text_needs_no_torch(module):
    heavy = "{'torch', 'matplotlib', 'ipywidgets', 'pooch', 'requests'}"
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
