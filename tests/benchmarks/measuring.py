"""What all benchmarks share: the clock, taking turns, and findings with their targets. Does not import torch."""

import importlib.metadata
import os
import platform
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from tqdm import tqdm

IDLE_LOAD = 0.5
VERSIONS = ("torch", "transformers", "tokenizers", "tiktoken", "matplotlib")


class NotMeasured(Exception):
    """A subject, or a part of it, cannot be measured here; the message says why and what to do."""


@dataclass(frozen=True)
class Target:
    """What a number should be: at least, or else at most, this much; `unit` is "×" for a ratio."""

    limit: float
    is_minimum: bool = True
    unit: str = "×"

    def is_met(self, value: float) -> bool:
        """Is the value on the right side? The limit itself is."""
        return value >= self.limit if self.is_minimum else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.is_minimum else '≤'} {self.limit:g}{self.unit}"

    def judge(self, value: float, shown: str) -> str:
        """Target, value and verdict: "target ≥ 5×: 7.9× met"."""
        return f"target {self}: {shown} {'met' if self.is_met(value) else 'NOT MET'}"


@dataclass(frozen=True)
class Finding:
    """One line of the report: the result as text and as numbers, and the target, if it has one."""

    name: str
    text: str
    numbers: dict[str, Any] = field(default_factory=dict)
    target: str | None = None
    is_met: bool | None = None

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"


def number(value: float) -> str:
    """Three significant digits: 0.0123, 7.89, 29.4, 1,234."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    digits = 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3 if abs(value) >= 0.1 else 4
    return f"{value:.{digits}f}"


def times_as(ratio: float, *, is_bound: bool = False) -> str:
    """A ratio in words: "7.9×", or "more than 7.9×" where the peer never got there."""
    return f"{'more than ' if is_bound else ''}{ratio:.{1 if ratio >= 1.95 else 2}f}×"


def compare(
    name: str,
    ours: Sequence[float],
    peer: Sequence[float],
    *,
    peer_name: str,
    unit: str,
    target: Target | None = None,
    per: str = "time",
) -> Finding:
    """Compare our repeats with a peer's, turn by turn: the ratio of the medians, and the spread of single turns.

    Args:
        ours, peer: one number a turn, in the order in which they were taken.
        per: what the ratio is: "time": ours / theirs; "faster": theirs / ours, in seconds; "speed": ours / theirs, of
            something per second.
    """
    if not ours or len(ours) != len(peer):
        raise ValueError(f"ours and the peer take turns; given {len(ours)} and {len(peer)} numbers")
    over = (lambda mine, other: other / mine) if per == "faster" else (lambda mine, other: mine / other)
    ratio = over(median(ours), median(peer))
    single = [over(mine, other) for mine, other in zip(ours, peer, strict=True)]
    word = "the time" if per == "time" else "as fast"
    shown = times_as(ratio)
    said = target.judge(ratio, shown) if target else f"{shown} {word}"
    spread = f", single turns {times_as(min(single))} to {times_as(max(single))}" if len(single) > 1 else ""
    text = f"{said} (ours {number(median(ours))}, {peer_name} {number(median(peer))} {unit}{spread})"
    numbers = {"ratio": ratio, "ours": list(ours), "peer": list(peer), "peer_name": peer_name, "unit": unit}
    return _finding(name, text, numbers | {"ratios": single}, target, ratio)


def bounded_ratio(name: str, ours: float, peer: float | None, *, limit: float, peer_name: str, unit: str) -> Finding:
    """How many times more a peer needed, once; or, where it never got there within the limit, at least how many."""
    ratio = (limit if peer is None else peer) / ours
    theirs = f"not reached in {number(limit)}" if peer is None else number(peer)
    text = f"{times_as(ratio, is_bound=peer is None)} ours (ours {number(ours)}, {peer_name} {theirs} {unit})"
    numbers = {"ratio": ratio, "is_bound": peer is None, "ours": ours, "peer": peer, "limit": limit}
    return Finding(name, text, numbers | {"peer_name": peer_name, "unit": unit})


def measure(
    name: str, values: Sequence[float], unit: str, *, target: Target | None = None, note: str = "", **numbers: Any
) -> Finding:
    """State the median of some repeats, and its target if it has one; further `numbers` only go into the JSON."""
    value = median(values)
    shown = f"{number(value)}{' ' if unit else ''}{unit}"
    text = (target.judge(value, shown) if target else shown) + (f" ({note})" if note else "")
    return _finding(name, text, {"value": value, "all": list(values), "unit": unit} | numbers, target, value)


def not_measured(name: str, reason: str) -> Finding:
    """Say openly that something could not be measured."""
    return Finding(name, f"not measured: {reason}", {"reason": reason})


def _finding(name: str, text: str, numbers: dict[str, Any], target: Target | None, value: float) -> Finding:
    if target is None:
        return Finding(name, text, numbers)
    return Finding(name, text, numbers, str(target), target.is_met(value))


def seconds_of(action: Callable[[], Any]) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def take_turns(
    players: Mapping[str, Callable[[], float]], turns: int, *, warm_up: bool = True, label: str = ""
) -> dict[str, list[float]]:
    """Measure in turns, A B A B …, so that a slow moment affects all alike; the first round is a warm-up."""
    found: dict[str, list[float]] = {name: [] for name in players}
    rounds = [False] * warm_up + [True] * turns
    with progress(len(rounds) * len(players), label) as bar:
        for counts in rounds:
            for name, play in players.items():
                bar.set_postfix_str(name, refresh=True)
                result = play()
                if counts:
                    found[name].append(result)
                bar.update()
    return found


def progress(total: int, label: str, items: Iterable[Any] | None = None) -> tqdm:
    """A bar that vanishes when it is done, so that only findings stay on the screen; none outside a terminal."""
    shown = "{desc}: {percentage:3.0f}% {elapsed} {postfix}"
    return tqdm(items, total=total, desc=f"  {label}", leave=False, disable=None, bar_format=shown)


def machine() -> dict[str, Any]:
    """What this was measured on, looked at before the start."""
    import torch

    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "versions": {name: version for name in VERSIONS if (version := _version(name))},
        "load_before": load,
    }


def load_warning(load: float | None) -> str:
    """A sentence where the machine is busy with something else, else nothing."""
    if load is None:
        return "This system does not tell its load; make sure that nothing else runs."
    if load <= IDLE_LOAD:
        return ""
    return (
        f"WARNING: the machine is not idle (load {load:g} before the start). Ratios are taken turn by turn and stay "
        f"useful, but seconds will be too long. Wait until nothing else runs for numbers to publish."
    )


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


@dataclass
class SubjectReport:
    """What came of one subject: its findings so far, whether it went to its end, and how long it took."""

    findings: list[Finding] = field(default_factory=list)
    is_complete: bool = False
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def run_subject(name: str, findings: Iterator[Finding], report: SubjectReport, look: Callable[[Finding], None]) -> None:
    """Fill a subject's report as findings come; what fails or cannot be measured becomes a finding that says so."""
    started = time.perf_counter()
    try:
        for finding in _openly(name, findings):
            report.findings.append(finding)
            look(finding)
        report.is_complete = True
    finally:
        report.seconds = round(time.perf_counter() - started, 1)


def _openly(name: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    try:
        yield from findings
    except NotMeasured as reason:
        yield not_measured(name, str(reason))
    except ModuleNotFoundError as error:
        yield not_measured(name, f"{error.name} is not installed; `make bench` installs what is compared")
    except Exception as error:  # whatever it is: the other subjects, minutes of work, shall go on
        traceback.print_exc()
        yield not_measured(name, f"it failed with {type(error).__name__}: {error}")
