"""What a class needs, against the numbers that were measured, and the words for a machine that is too small."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmviz.classroom import capacity
from llmviz.classroom.capacity import Machine


def test_thirty_need_what_was_measured():
    """330 MB a student are 9.9 GB; thirty on two cores were ready after 186 s; 8 cores and 16 GB are comfortable."""
    found = capacity.need(30, cores=2)
    assert found.least_megabytes - capacity.SYSTEM_MEGABYTES == 9_900
    assert (found.megabytes, found.cores, found.cores_when_redrawing) == (16_000, 8, 16)
    assert found.start_seconds == pytest.approx(186)


def test_the_teachers_table_says_the_same():
    page = Path(__file__).resolve().parents[2] / "docs" / "teaching" / "class.md"
    rows = re.findall(r"^\| (\d+) \| (.+) \| (\d+) \| (\d+) \|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert [int(size) for size, *_ in rows] == [10, 20, 30]
    for size, memory, cores, cores_when_redrawing in rows:
        found = capacity.need(int(size), cores=2)
        said = (capacity.gigabytes(found.megabytes).replace(".0", ""), found.cores, found.cores_when_redrawing)
        assert (memory, int(cores), int(cores_when_redrawing)) == said


@pytest.mark.parametrize(
    ("cores", "megabytes", "warned", "said"),
    [
        (8, 32_000, [], "about 46 s"),
        (2, 32_000, [], "will do while nobody trains; start the servers before the lesson"),
        (1, 32_000, ["too few cores for 30"], "1 core"),
        (8, 4_000, ["too little memory for 30: about 9 fit"], "4.0 GB"),
        (1, 500, ["too little memory for 30: about 0 fit", "too few cores"], "0.5 GB"),
    ],
)
def test_a_machine_that_is_too_small_is_warned_of(cores, megabytes, warned, said):
    lines = capacity.estimate(30, Machine(cores, megabytes))
    warnings = [line for line in lines if line.startswith("WARNING")]
    assert len(warnings) == len(warned)
    assert all(text in line for text, line in zip(warned, warnings, strict=True))
    assert said in "\n".join(lines)


@given(size=st.integers(1, 500), cores=st.integers(1, 64))
def test_a_larger_class_needs_no_less(size, cores):
    one, more = capacity.need(size, cores), capacity.need(size + 1, cores)
    assert one.least_megabytes < one.megabytes < more.megabytes
    assert 1 <= one.least_cores <= one.cores <= one.cores_when_redrawing
    assert one.cores <= more.cores
    assert more.start_seconds > one.start_seconds


def test_the_limit_of_a_container_counts(tmp_path):
    (tmp_path / "limit").write_text("2000000000\n")
    (tmp_path / "none").write_text("max\n")
    assert capacity._container_limit(tmp_path / "limit") == 2_000_000_000
    assert capacity._container_limit(tmp_path / "none") is None
    assert capacity._container_limit(tmp_path / "nothing") is None
    found = capacity.this_machine()
    assert found.cores >= 1
    assert found.megabytes > 100
