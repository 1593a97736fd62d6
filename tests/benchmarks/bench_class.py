"""A class at once on a real hub of this machine: time until all can begin, answers of an explorer, memory.

The hub is the one of `make class` in its try mode; every student is a thread that talks to it over HTTP and
websockets, to 127.0.0.1 only, for a fixed number of rounds.
"""

import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path

import psutil
from measuring import Finding, NotMeasured, Target, measure

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests" / "deploy"), str(ROOT / "deploy")]  # the student and the class of the tests

SIZE, QUICK_SIZE = 10, 3
ROUNDS, QUICK_ROUNDS = 15, 5
PAUSE = 2.0
TEXTS = ("Mia found a red", "Noah has a", "Omar works as a", "The doctor went", "Lucy has a", "Tara")
FORWARD_PASS = "ask({text!r}).max().item()"


def findings(quick: bool) -> Iterator[Finding]:
    """Open a class, let all students come at once and work, and say what it cost."""
    missing = [name for name in ("jupyterhub", "configurable_http_proxy") if importlib.util.find_spec(name) is None]
    if missing:
        raise NotMeasured(f"{' and '.join(missing)} not installed")
    from test_hub import running_class

    size, rounds = (QUICK_SIZE, QUICK_ROUNDS) if quick else (SIZE, ROUNDS)
    with tempfile.TemporaryDirectory() as folder, running_class(Path(folder) / "class", size) as hub:
        students = [_student(hub.url, number) for number in range(1, size + 1)]
        try:
            yield from _measured(hub, students, rounds)
        finally:
            for student in students:
                student.leave()


def _student(url: str, number: int):
    from hub_student import Student

    return Student(url, f"student{number:02d}")


def _measured(hub, students: Sequence, rounds: int) -> Iterator[Finding]:
    size = len(students)
    began = time.perf_counter()
    _at_once(students, lambda student: (student.log_in(hub.password), student.open_server()))
    ready = time.perf_counter() - began
    yield measure(f"{size} students log in at once: all servers ready", [ready], "s", students=size)
    explorers = dict(zip(students, _at_once(students, _run_lesson), strict=True))
    lesson = time.perf_counter() - began
    yield measure("the first lesson has run up to its live explorer, for all", [lesson], "s", note="from the log-in")

    def ask(student, text: str) -> None:
        student.set_trait(explorers[student], text=text)

    def compute(student, text: str) -> None:
        student.run(FORWARD_PASS.format(text=text))

    for name, act in (("one forward pass", compute), ("the explorer draws itself for a new text", ask)):
        times = sorted(chain.from_iterable(_at_once(students, partial(_work, act=act, rounds=rounds))))
        for part, place in (("median", 0.5), ("p95", 0.95)):
            value = 1000 * times[min(len(times) - 1, int(place * len(times)))]
            target = Target(250, is_minimum=False, unit=" ms") if part == "p95" else None
            note = f"{size} students, each every {PAUSE:g} s"
            yield measure(f"{name}, {part}", [value], "ms", target=target, note=note)
    megabytes = pss_of_students(hub.process.pid) / size
    yield measure("memory a student, server and kernel (PSS)", [megabytes], "MB", note="with the first lesson open")


def _run_lesson(student) -> str:
    """Run the first lesson from the student's own server, up to the explorer that Python answers; return its name."""
    from hub_student import opened_widgets

    student.start_kernel()
    cells = student.get("api/contents/notebooks/00_start_here.ipynb").json()["content"]["cells"]
    for cell in cells:
        if cell["cell_type"] == "code":
            widgets = opened_widgets(student.run(cell["source"]))
            live = [one["comm_id"] for one in widgets if {"text", "_esm"} <= one["data"]["state"].keys()]
            if live:
                return live[0]
    raise RuntimeError("no cell of lesson 0 opens the next-token explorer")


def _work(student, act: Callable, rounds: int) -> list[float]:
    """Do something again and again, with a pause to look at it; return how long each took, in seconds."""
    taken = []
    for number in range(rounds):
        began = time.perf_counter()
        act(student, TEXTS[number % len(TEXTS)])
        taken.append(time.perf_counter() - began)
        time.sleep(max(0.0, PAUSE - taken[-1]))
    return taken


def _at_once(students: Sequence, act: Callable) -> list:
    """Let all students do something at the same time; return what each got, in their order."""
    with ThreadPoolExecutor(len(students)) as together:
        return list(together.map(act, students))


def pss_of_students(command: int) -> float:
    """Megabytes of all servers and kernels below this process: memory that several share counts once in all."""
    processes = [process for process in psutil.Process(command).children(recursive=True) if _is_students(process)]
    return sum(process.memory_full_info().pss for process in processes) / 1e6


def _is_students(process: psutil.Process) -> bool:
    words = " ".join(process.cmdline())
    return "jupyterhub.singleuser" in words or "ipykernel" in words
