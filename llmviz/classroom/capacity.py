"""What a class needs of one machine, and whether this one has it.

The numbers were measured on JupyterHub 6.1 with JupyterLab 4.6 on two cores (docs/teaching/class.md tells how).
"""

import math
import os
from dataclasses import dataclass
from pathlib import Path

# Of each student, with one lesson open: memory of server and kernel together (PSS), and processor time to start them.
MEGABYTES_A_STUDENT = 330
START_SECONDS_A_STUDENT = 12.4
# Room to spare: a second open lesson, a training run, the hub, the system.
COMFORTABLE_MEGABYTES_A_STUDENT = 500
SYSTEM_MEGABYTES = 1_000
# Thirty students were served within 52 ms by two cores while pictures were drawn in their browsers; eight leave room
# for cells that train. Where the server draws every picture, sixteen.
LEAST_STUDENTS_A_CORE = 15
COMFORTABLE_CORES_A_STUDENT = 8 / 30
REDRAWING_CORES_A_STUDENT = 16 / 30


@dataclass(frozen=True)
class Machine:
    """Processor cores that this program may use, and memory in megabytes."""

    cores: int
    megabytes: int


@dataclass(frozen=True)
class Need:
    """What a class of some size needs: megabytes and cores, at least and in comfort; seconds until all can begin."""

    size: int
    least_megabytes: int
    megabytes: int
    least_cores: int
    cores: int
    cores_when_redrawing: int
    start_seconds: float


def need(size: int, cores: int) -> Need:
    """Reckon what a class needs, and how long so many cores take to start all its servers at once.

    >>> thirty = need(30, cores=2)
    >>> thirty.least_megabytes, thirty.megabytes, thirty.cores, round(thirty.start_seconds)
    (10900, 16000, 8, 186)
    """
    return Need(
        size=size,
        least_megabytes=SYSTEM_MEGABYTES + MEGABYTES_A_STUDENT * size,
        megabytes=SYSTEM_MEGABYTES + COMFORTABLE_MEGABYTES_A_STUDENT * size,
        least_cores=math.ceil(size / LEAST_STUDENTS_A_CORE),
        cores=max(1, math.ceil(size * COMFORTABLE_CORES_A_STUDENT)),
        cores_when_redrawing=max(1, math.ceil(size * REDRAWING_CORES_A_STUDENT)),
        start_seconds=START_SECONDS_A_STUDENT * size / cores,
    )


def estimate(size: int, machine: Machine) -> list[str]:
    """What the class needs, in a few lines; a line that begins with WARNING where this machine has too little."""
    wanted = need(size, machine.cores)
    lines = [
        f"{size} students need about {gigabytes(wanted.least_megabytes)} of memory "
        f"({gigabytes(wanted.megabytes)} in comfort) and {cores(wanted.cores)} while pictures are drawn in their "
        f"browsers ({wanted.cores_when_redrawing} where lessons redraw on the server).",
        f"This machine has {gigabytes(machine.megabytes)} and {cores(machine.cores)}; starting all servers takes it "
        f"about {seconds(wanted.start_seconds)}.",
    ]
    if machine.megabytes < wanted.least_megabytes:
        lines.append(
            f"WARNING: too little memory for {size}: about {fitting(machine)} fit. Take a larger machine, or a class "
            "in two halves."
        )
    if machine.cores < wanted.least_cores:
        lines.append(
            f"WARNING: too few cores for {size}: everybody will wait. At least {wanted.least_cores} are needed, "
            f"{wanted.cores} are comfortable."
        )
    elif machine.cores < wanted.cores:
        lines.append(
            f"{cores(machine.cores).capitalize()} will do while nobody trains; start the servers before the lesson "
            "(llmviz class start)."
        )
    return lines


def fitting(machine: Machine) -> int:
    """How many students the memory of a machine holds, at least none."""
    return max(0, (machine.megabytes - SYSTEM_MEGABYTES) // MEGABYTES_A_STUDENT)


def this_machine() -> Machine:
    """What this program may use here; the limits of a container count."""
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _container_limit(Path("/sys/fs/cgroup/memory.max"))
    return Machine(n_cores, min(total, limit or total) // 10**6)


def _container_limit(file: Path) -> int | None:
    """Bytes of memory that a container may use; None where there is no such limit."""
    try:
        text = file.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None


def gigabytes(megabytes: int) -> str:
    """Megabytes as a person says them: "9.9 GB"; whole ones from 10 on."""
    return f"{megabytes / 1000:.1f} GB" if megabytes < 10_000 else f"{megabytes / 1000:.0f} GB"


def cores(number: int) -> str:
    """ "1 core", "8 cores"."""
    return f"{number} core{'s' if number != 1 else ''}"


def seconds(number: float) -> str:
    """Seconds as a person says them: "40 s", "3 min"."""
    return f"{number:.0f} s" if number < 90 else f"{number / 60:.0f} min"
