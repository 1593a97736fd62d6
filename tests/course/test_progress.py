"""The learner's file: kept, undone, never lost, never in the way."""

import json
import os
import subprocess
import sys
import threading
from contextlib import nullcontext
from pathlib import Path

import pytest
from filelock import FileLock

from llmviz.course._progress import EventLog, ProgressSummary, _progress_path

PROGRESS = "progress.json"
PREDICTED = ("predict", "n_words", 7.0, "3 words")


def test_what_is_written_is_read_by_another_session(progress_file):
    EventLog("one").add(*PREDICTED)
    EventLog("two").add("check", "f", "correct")
    assert EventLog("one").events() == [list(PREDICTED)]
    assert EventLog("two").events() == [["check", "f", "correct"]]
    assert EventLog("three").events() == []
    assert sorted(os.listdir(progress_file.parent)) in ([PROGRESS], [f".{PROGRESS}.lock", PROGRESS])


def test_reset_and_undo():
    log = EventLog("one")
    log.add(*PREDICTED)
    log.add("quiz", "q", "a")
    log.undo()
    assert log.events() == [list(PREDICTED)]
    log.add("reset")
    assert log.events() == []
    log.add("quiz", "q", "b")
    assert log.events() == [["quiz", "q", "b"]]
    log.undo()
    log.undo()
    assert log.events() == [list(PREDICTED)]
    log.undo()
    log.undo()
    assert log.events() == []


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
    log = EventLog("one")
    log.add(*PREDICTED)
    aside = progress_file.with_suffix(".broken-1.json")
    assert aside.read_text() == content
    assert f"The file was moved to {aside}; a new file was started." in log.problem
    assert EventLog("one").events() == [list(PREDICTED)]
    progress_file.write_bytes(b"\xff\xfe\x00")
    assert EventLog("one").events() == []
    assert progress_file.with_suffix(".broken-2.json").read_bytes() == b"\xff\xfe\x00"


def test_a_file_of_a_newer_version_stays_as_it_is(progress_file):
    content = json.dumps({"format": 99, "lessons": []})
    progress_file.write_text(content)
    log = EventLog("one")
    log.add(*PREDICTED)
    assert log.events() == [list(PREDICTED)]
    assert "written by a newer llmviz" in log.problem
    assert progress_file.read_text() == content


def test_where_nothing_can_be_written_the_session_remembers(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("a file, where a folder is needed")
    monkeypatch.setenv("LLMVIZ_PROGRESS", str(blocked / "progress.json"))
    log = EventLog("one")
    log.add(*PREDICTED)
    log.add("quiz", "q", "a")
    log.undo()
    assert log.events() == [list(PREDICTED)]
    assert "lasts until the kernel stops" in log.problem


def test_what_is_not_a_regular_file_stays_as_it_is(tmp_path, monkeypatch):
    folder, pipe = tmp_path / "progress.json", tmp_path / "pipe"
    folder.mkdir()
    os.mkfifo(pipe)
    for path, said in ((tmp_path, folder), (pipe, pipe), (Path(os.devnull), Path(os.devnull))):
        monkeypatch.setenv("LLMVIZ_PROGRESS", str(path))
        before = sorted(os.listdir(tmp_path)), said.stat().st_mode
        log = EventLog("one")
        log.add(*PREDICTED)
        log.add("quiz", "q", "a")
        assert log.events() == [list(PREDICTED), ["quiz", "q", "a"]]
        assert log.problem == f"{said} is not a regular file: your progress lasts until the kernel stops."
        assert (sorted(os.listdir(tmp_path)), said.stat().st_mode) == before


@pytest.mark.parametrize("state", ["held", "a folder", "of the future"])
def test_a_lock_that_cannot_be_had_is_not_waited_for_twice(progress_file, state):
    EventLog("one").add(*PREDICTED)
    lock = progress_file.with_name(f".{progress_file.name}.lock")
    lock.unlink(missing_ok=True)
    log = EventLog("one")
    with FileLock(lock) if state == "held" else nullcontext(lock.mkdir() if state == "a folder" else lock.touch()):
        os.utime(lock, (4e9, 4e9))
        log.add("quiz", "q", "a")
        log.add("quiz", "q", "b")
    assert log.events() == [list(PREDICTED), ["quiz", "q", "a"], ["quiz", "q", "b"]]
    assert ("lasts until the kernel stops" in log.problem) == (state != "of the future")
    assert len(EventLog("one").events()) == (3 if state == "of the future" else 1)


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


def test_a_file_of_the_first_version_loads(progress_file):
    """As llmviz 0.1 wrote it, before the course was data."""
    (progress_file.parent / "progress.json.lock").touch()  # its lock, of a process that died
    progress_file.write_text("""{
 "format": 1,
 "lessons": {
  "attention": [
   ["predict", "gelato", 4.0, "4.2 coins"],
   ["predict", "my_row", "1/4", "1/4"],
   ["check", "causal_mask", "not yet"],
   ["check", "causal_mask", "correct"],
   ["quiz", "what_it_sees", "Four letters"]
  ],
  "transformer": [["check", "normalise", "correct"]]
 }
}""")
    log = EventLog("attention")
    summary = ProgressSummary.from_events(log.events())
    assert summary.predictions == {"gelato": [4.0], "my_row": ["1/4"]}
    assert summary.checks == {"causal_window_mask": "correct"}  # an exercise renamed since
    assert summary.choices == {"what_it_sees": ["Four letters"]}
    assert EventLog("transformer").events() == [["check", "normalize", "correct"]]  # renamed, too
    log.add("quiz", "same_way", "Their distance")
    assert len(json.loads(progress_file.read_text())["lessons"]["attention"]) == 6


def test_the_variable_keeps_learners_apart(tmp_path, monkeypatch):
    monkeypatch.setenv("LLMVIZ_PROGRESS", str(tmp_path / "mia.json"))
    EventLog("one").add(*PREDICTED)
    monkeypatch.setenv("LLMVIZ_PROGRESS", str(tmp_path / "new" / "noah.json"))
    assert EventLog("one").events() == []
    EventLog("one").add("quiz", "q", "a")
    assert (tmp_path / "new" / "noah.json").exists()
    monkeypatch.setenv("LLMVIZ_PROGRESS", str(tmp_path))
    assert _progress_path() == tmp_path / "progress.json"


@pytest.mark.slow
def test_a_kill_while_writing_leaves_the_old_file_or_the_new_one(progress_file):
    """Ended in the middle of a write, again and again: the file is whole each time."""
    program = (
        "from llmviz.course._progress import EventLog\n"
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
