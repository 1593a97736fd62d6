"""Where a learner stands in a lesson: the diary's events counted, and said at a glance."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from llmviz.course.progress import Event
from llmviz.course.schema import MINUTES_FOR_A_QUESTION, Exercise, Prediction, Question

DONE, ATTEMPTED, OPEN = "done", "attempted", "open"
_SIGN = {DONE: "●", ATTEMPTED: "◐", OPEN: "○"}
KEYS = 'data-lm-suppress-shortcuts="true"'


@dataclass
class ProgressSummary:
    """What was said, solved and chosen: prediction to what was said, exercise to status, question to options opened."""

    said: dict[str, list] = field(default_factory=dict)
    checks: dict[str, str] = field(default_factory=dict)
    chosen: dict[str, list[str]] = field(default_factory=dict)


def progress_summary(events: Iterable[Event]) -> ProgressSummary:
    """Add up the events of a lesson."""
    found = ProgressSummary()
    for what, name, *rest in events:
        if what == "predict":
            found.said.setdefault(name, []).append(rest[0])
        elif what == "check":
            found.checks[name] = rest[0]
        elif what == "quiz":
            found.chosen.setdefault(name, []).append(rest[0])
    return found


@dataclass(frozen=True)
class Item:
    """One thing to do: its part of the lesson, its name, its minutes, and how far it is."""

    part: str
    name: str
    minutes: int
    status: str


def items(
    now: ProgressSummary,
    predictions: Sequence[Prediction],
    exercises: Sequence[Exercise],
    questions: Sequence[Question],
) -> list[Item]:
    """Everything that a lesson asks for, with how far the learner is."""
    minutes = MINUTES_FOR_A_QUESTION
    found = [Item("Predictions", one.name, minutes, DONE if one.name in now.said else OPEN) for one in predictions]
    solved = {"correct": DONE, "not yet": ATTEMPTED}
    for one in exercises:
        found.append(Item("Exercises", one.name, one.minutes, solved.get(now.checks.get(one.name, ""), OPEN)))
    for one in questions:
        opened = now.chosen.get(one.name, [])
        status = DONE if one.right in opened else ATTEMPTED if opened else OPEN
        found.append(Item("Quiz", one.name, minutes, status))
    return found


def score(now: ProgressSummary, questions: Sequence[Question]) -> str:
    """How the quiz went so far, in a sentence."""
    opened = [question for question in questions if now.chosen.get(question.name)]
    if not opened:
        return ""
    first = sum(now.chosen[question.name][0] == question.right for question in opened)
    return f"Right at the first choice: {first} of {len(opened)}; {len(questions) - len(opened)} still open."


def summary(title: str, found: Sequence[Item], *, is_live: bool) -> str:
    """The state of a lesson as a small table; where nothing is live, only what there is to do."""
    parts = list(dict.fromkeys(item.part for item in found))
    rows = "".join(_row(part, [item for item in found if item.part == part], is_live) for part in parts)
    table = f'<table style="border-collapse:collapse;margin:4px 0">{rows}</table>'
    minutes = sum(item.minutes for item in found if item.status != DONE)
    if not is_live:
        return f"<p><strong>{html.escape(title)}</strong>: about {minutes} minutes of doing.</p>{table}"
    left = f"about {minutes} minutes left" if minutes else "all done"
    actions = (
        f'<button type="button" data-do="undo" data-key="undo" {KEYS}>Undo the last step</button> '
        f'<button type="button" data-do="reset" data-key="reset" {KEYS}>Begin this lesson anew</button>'
    )
    return f"<p><strong>{html.escape(title)}</strong>: {left}.</p>{table}<p>{actions}</p>"


def _row(part: str, found: Sequence[Item], is_live: bool) -> str:
    cell = "text-align:left;padding:2px 14px 2px 0;vertical-align:top;font-weight:normal"
    if not is_live:
        names = ", ".join(html.escape(item.name.replace("_", " ")) for item in found)
        what = f"{len(found)}: {names}" if part == "Exercises" else len(found)
        return f'<tr><th scope="row" style="{cell}">{part}</th><td style="{cell}">{what}</td></tr>'
    done = sum(item.status == DONE for item in found)
    begun = sum(item.status == ATTEMPTED for item in found)
    words = f"{done} of {len(found)} done" + (f", {begun} attempted" if begun else "")
    signs = " ".join(
        f'<span title="{html.escape(item.name)}: {item.status}" aria-hidden="true">{_SIGN[item.status]}</span>'
        for item in found
    )
    return (
        f'<tr><th scope="row" style="{cell}">{part}</th><td style="{cell};letter-spacing:2px">{signs}</td>'
        f'<td style="{cell}">{words}</td></tr>'
    )
