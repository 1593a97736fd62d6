"""`llmviz doctor`: what is fine, what is broken, and how to fix it."""

import json
import time

import pytest

from llmviz import artifacts, doctor

TABLE = """
| lesson | what | runs in |
|---|---|---|
| [Start](notebooks/00_start_here.ipynb) | all on one line | 12 s |
| [Training](notebooks/05_pretraining.ipynb) | before your eyes | 2.5 min |

Measured where a training step takes 40 ms.
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A measured speed that is always the same (only one test waits for the real one)."""
    monkeypatch.setattr(doctor, "seconds_per_step", lambda: 0.08)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with two lessons and their table."""
    (tmp_path / "notebooks").mkdir()
    for name in ("00_start_here", "05_pretraining"):
        (tmp_path / "notebooks" / f"{name}.ipynb").touch()
    (tmp_path / "README.md").write_text(TABLE)
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    return tmp_path


def finding(name):
    """One line of the report, without the checks of the others."""
    checks = [*doctor._CHECKS, ("lessons", lambda: doctor._lessons(0.08), "")]
    return doctor._finding(*next(check for check in checks if check[0] == name))


def test_times_of_lessons_are_scaled_to_this_machine(checkout):
    """Twice as slow a step, twice as long a lesson."""
    assert finding("lessons").numbers == pytest.approx({"minutes_00": 0.4, "minutes_05": 5.0})


def test_all_is_well_in_a_whole_checkout(checkout, capsys):
    assert doctor.run(as_json=False) == 0
    printed = capsys.readouterr().out
    assert printed.rstrip().endswith("All is well.")
    assert len(printed.splitlines()) <= 24  # one screen


def test_the_json_line_comes_last_and_holds_the_numbers(checkout, capsys):
    assert doctor.run(as_json=True) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["fine"] is True
    assert report["seconds_per_step"] == 0.08
    assert {found["name"] for found in report["findings"]} >= {"Python", "torch", "widgets", "data files", "model"}


def test_missing_data_is_named_with_its_fix(checkout, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LLMVIZ_DATA", str(tmp_path / "nowhere"))
    assert doctor.run(as_json=True) == 1
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    broken = {found["name"]: found["fix"] for found in report["findings"] if not found["is_fine"]}
    assert set(broken) == {"data files", "model"}
    assert all("git checkout -- data" in fix for fix in broken.values())


def test_a_damaged_file_is_found_by_its_content(tmp_path, monkeypatch):
    (tmp_path / "gpt2.merges.zlib").write_bytes(b"not what it was")
    monkeypatch.setenv("LLMVIZ_DATA", str(tmp_path))
    found = finding("data files")
    assert not found.is_fine
    assert "gpt2.merges.zlib" in found.value


def test_a_surprise_is_a_finding_and_not_a_traceback(monkeypatch):
    def broken(name):
        raise RuntimeError("torn to pieces")

    monkeypatch.setattr(artifacts, "load_model", broken)
    found = finding("model")
    assert not found.is_fine
    assert found.value == "RuntimeError: torn to pieces"


def test_a_wrong_python_is_named(monkeypatch):
    monkeypatch.setattr(doctor.sys, "version_info", (3, 10, 1))
    assert not finding("Python").is_fine


def test_lessons_that_are_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    assert "no notebook" in finding("lessons").value


@pytest.mark.slow
def test_the_measured_speed_is_that_of_real_steps(monkeypatch):
    monkeypatch.undo()
    started = time.perf_counter()
    measured = doctor.seconds_per_step()
    assert 0 < measured < time.perf_counter() - started
