"""The learner's file: kept, undone, never lost, never in the way."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmviz.course.progress import EventLog, progress_path

PREDICTED = ("predict", "n_words", 7.0, "3 words")
events = st.lists(
    st.one_of(
        st.tuples(st.just("predict"), st.text(), st.floats(allow_nan=False) | st.text(), st.text()),
        st.tuples(st.just("check"), st.text(), st.text()),
        st.tuples(st.just("quiz"), st.text(), st.text()),
    )
)


def test_what_is_written_is_read_by_another_session(progress_file):
    EventLog("one").add(*PREDICTED)
    EventLog("two").add("check", "f", "correct")
    assert EventLog("one").events() == [list(PREDICTED)]
    assert EventLog("two").events() == [["check", "f", "correct"]]
    assert EventLog("three").events() == []
    assert os.listdir(progress_file.parent) == [progress_file.name]


def test_reset_and_undo():
    diary = EventLog("one")
    diary.add(*PREDICTED)
    diary.add("quiz", "q", "a")
    diary.undo()
    assert diary.events() == [list(PREDICTED)]
    diary.add("reset")
    assert diary.events() == []
    diary.add("quiz", "q", "b")
    assert diary.events() == [["quiz", "q", "b"]]
    diary.undo()
    diary.undo()
    assert diary.events() == [list(PREDICTED)]
    diary.undo()
    diary.undo()
    assert diary.events() == []


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happened=events)
def test_everything_comes_back_and_undo_is_the_way_back(progress_file, happened):
    progress_file.unlink(missing_ok=True)
    diary = EventLog("one")
    for event in happened:
        diary.add(*event)
    assert EventLog("one").events() == [list(event) for event in happened]
    for n in range(len(happened), 0, -1):
        assert len(diary.events()) == n
        diary.undo()
    assert (diary.events(), diary.trouble) == ([], "")


BROKEN = [
    *("", "{", "[]", "null", "[" * 100_000, '{"format": 1}'),
    *(
        f'{{"format": 1, "lessons": {{"one": {events}}}}}'
        for events in ('[["check"]]', '{"a": 1}', '[["burn", "x"]]', '[["quiz", 1, "a"]]', "[[]]", '["check"]')
    ),
]


@pytest.mark.parametrize("content", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_file_is_set_aside_with_a_sentence(progress_file, content):
    progress_file.write_text(content)
    diary = EventLog("one")
    diary.add(*PREDICTED)
    aside = progress_file.with_suffix(".broken-1.json")
    assert aside.read_text() == content
    assert f"It was set aside as {aside}; a new file begins." in diary.trouble
    assert EventLog("one").events() == [list(PREDICTED)]
    progress_file.write_bytes(b"\xff\xfe\x00")
    assert EventLog("one").events() == []
    assert progress_file.with_suffix(".broken-2.json").read_bytes() == b"\xff\xfe\x00"


def test_a_file_of_a_newer_version_stays_as_it_is(progress_file):
    content = json.dumps({"format": 99, "lessons": []})
    progress_file.write_text(content)
    diary = EventLog("one")
    diary.add(*PREDICTED)
    assert diary.events() == [list(PREDICTED)]
    assert "written by a newer llmviz" in diary.trouble
    assert progress_file.read_text() == content


def test_where_nothing_can_be_written_the_session_remembers(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("a file, where a folder is needed")
    monkeypatch.setenv("LLMVIZ_PROGRESS", str(blocked / "progress.json"))
    diary = EventLog("one")
    diary.add(*PREDICTED)
    diary.add("quiz", "q", "a")
    diary.undo()
    assert diary.events() == [list(PREDICTED)]
    assert "lasts until the kernel ends" in diary.trouble


def test_many_writers_lose_nothing():
    def write(number):
        for turn in range(10):
            EventLog("one").add("quiz", f"{number}", f"{turn}")

    writers = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = EventLog("one").events()
    assert sorted(found) == sorted(["quiz", str(number), str(turn)] for number in range(6) for turn in range(10))


def test_a_writer_that_died_blocks_nobody(progress_file):
    lock = progress_file.with_name(progress_file.name + ".lock")
    lock.touch()
    os.utime(lock, (0, 0))
    EventLog("one").add(*PREDICTED)
    assert EventLog("one").events() == [list(PREDICTED)]
    assert not lock.exists()


def test_the_variable_keeps_learners_apart(tmp_path, monkeypatch):
    monkeypatch.setenv("LLMVIZ_PROGRESS", str(tmp_path / "mia.json"))
    EventLog("one").add(*PREDICTED)
    monkeypatch.setenv("LLMVIZ_PROGRESS", str(tmp_path / "new" / "noah.json"))
    assert EventLog("one").events() == []
    EventLog("one").add("quiz", "q", "a")
    assert (tmp_path / "new" / "noah.json").exists()
    monkeypatch.setenv("LLMVIZ_PROGRESS", str(tmp_path))
    assert progress_path() == tmp_path / "progress.json"


@pytest.mark.parametrize(
    ("platform", "variables", "path"),
    [
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/llmviz/progress.json"),
        ("linux", {}, "~/.local/share/llmviz/progress.json"),
        ("darwin", {}, "~/Library/Application Support/llmviz/progress.json"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/llmviz/progress.json"),
        ("win32", {}, "~/AppData/Local/llmviz/progress.json"),
    ],
)
def test_each_system_has_its_place(monkeypatch, platform, variables, path):
    monkeypatch.setattr(sys, "platform", platform)
    for name in ("LLMVIZ_PROGRESS", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert progress_path() == Path(path).expanduser()


def test_a_kill_while_writing_leaves_the_old_file_or_the_new_one(progress_file):
    """Ended in the middle of a write, again and again: the file is whole each time."""
    program = (
        "from llmviz.course.progress import EventLog\n"
        "import itertools\n"
        "for turn in itertools.count():\n"
        "    EventLog('one').add('quiz', 'q', str(turn))\n"
        "    print(turn, flush=True)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    for _ in range(5):
        writer.stdout.readline()
    writer.kill()
    writer.communicate()
    found = json.loads(progress_file.read_text())["lessons"]["one"]
    assert [event[2] for event in found] == [str(turn) for turn in range(len(found))]
    assert len(found) >= 5
