"""Settings of all tests: plots without a screen, recorded real models, the same property-test examples everywhere."""

import os
from pathlib import Path

import hypothesis
import pytest
from filelock import FileLock

os.environ["MPLBACKEND"] = "agg"
os.environ["LLMVIZ_REAL_MODELS"] = "recorded"  # the lessons' outputs are those of the recordings that ship

# The same few examples on every machine; more and new ones with `pytest --hypothesis-profile=explore`.
explore = hypothesis.settings(deadline=None, print_blob=True, max_examples=200)
hypothesis.settings.register_profile("explore", explore)
hypothesis.settings.register_profile("llmviz", explore, derandomize=True, max_examples=25)
hypothesis.settings.load_profile("llmviz")


def pytest_ignore_collect(collection_path):
    """Collect test_*.py only: `--doctest-modules` would take helpers and demos as well."""
    return True if collection_path.suffix == ".py" and not collection_path.name.startswith("test_") else None


@pytest.fixture(scope="session")
def exported_pages(tmp_path_factory) -> Path:
    """The folder of all exported pages, written once for all processes of the tests."""
    from llmviz import export

    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "exported"
    with FileLock(f"{folder}.lock"):
        if not (folder / "index.html").exists():
            export.export([], folder)
    return folder


def pytest_terminal_summary(terminalreporter):
    """What the fuzz tests print, such as how many inputs they tried, is shown where they passed, too."""
    reports = [*terminalreporter.stats.get("passed", []), *terminalreporter.stats.get("", [])]
    lines = [report.capstdout.strip() for report in reports if "tests/fuzz/" in report.nodeid]
    if lines := sorted({line for text in lines for line in text.splitlines()}):
        terminalreporter.section("tried by the fuzz tests")
        for line in lines:
            terminalreporter.write_line(line)
