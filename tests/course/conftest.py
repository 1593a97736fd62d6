"""Every test writes its progress into a file of its own."""

import pytest


@pytest.fixture(autouse=True)
def progress_file(tmp_path, monkeypatch):
    """The learner's file in this test."""
    path = tmp_path / "progress.json"
    monkeypatch.setenv("LLMVIZ_PROGRESS", str(path))
    return path
