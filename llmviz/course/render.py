"""How a lesson's questions look: plain tags, inline styles and `<details>`, so that they are read everywhere.

The same HTML is shown by the live widgets and stays in a saved, untrusted, exported or printed notebook, where an
answer is one fold away. Content is written by us, with `code`, *emphasis* and **strong**; everything else is escaped.
"""

from __future__ import annotations

import hashlib
import html
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llmviz.course.checking import CORRECT, NOT_ATTEMPTED, Outcome
from llmviz.course.schema import Choice, Distractor, Exercise, Number, Prediction, Question

BLUE, GREEN, ORANGE, GRAY = "#0072b2", "#009e73", "#d55e00", "#7f7f7f"
DIFFICULTY = {1: "easy", 2: "takes thought", 3: "hard"}
_KEYS = 'data-lm-suppress-shortcuts="true"'
_FOLD = f'<summary {_KEYS} style="cursor:pointer;padding:3px 0">'
_PRE = (
    "white-space:pre-wrap;overflow-wrap:anywhere;margin:6px 0;padding:8px 10px;border-radius:4px;"
    "background:rgba(127,127,127,0.12);font-size:13px;line-height:1.4"
)


def prose(text: str) -> str:
    """Our own sentences as HTML: paragraphs, `code`, **strong**, *emphasis*; all else escaped.

    >>> prose("`a < b` is *true*")
    '<code>a &lt; b</code> is <em>true</em>'
    """
    pieces = re.split(r"(`[^`]+`)", textwrap.dedent(text).strip())
    return "".join(
        f"<code>{html.escape(piece[1:-1])}</code>" if piece.startswith("`") and len(piece) > 1 else _emphasis(piece)
        for piece in pieces
    )


def _emphasis(text: str) -> str:
    text = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", html.escape(text, quote=False))
    return re.sub(r"\*([^*\s][^*]*)\*", r"<em>\1</em>", text).replace("\n\n", "<br><br>")


def plain(text: str) -> str:
    """Our own sentences without their marks, on one line."""
    return " ".join(re.sub(r"[`*]", "", text).split())


def box(content: str, color: str) -> str:
    """A card with a colored edge."""
    style = (
        f"border:1px solid rgba(127,127,127,0.5);border-left:5px solid {color};border-radius:6px;padding:8px 14px;"
        "margin:4px 0;max-width:860px;line-height:1.5"
    )
    return f'<div style="{style}">{content}</div>'


def fold(summary: str, content: str) -> str:
    """Content that shows when its line is opened."""
    return f'<details>{_FOLD}{summary}</summary><div style="padding:2px 0 6px 16px">{content}</div></details>'


def link(see: str) -> str:
    """A link to the cell under a heading, of this lesson or of another: "Heading" or "notebook.ipynb#Heading"."""
    page, _, heading = see.rpartition("#")
    target = html.escape(f"{page}#{heading.strip().replace(' ', '-')}")
    return f'<a href="{target}" target="_self" {_KEYS}>See again: {html.escape(heading, quote=False)}</a>'


def card(exercise: Exercise) -> str:
    """The card of an exercise: task, minutes, difficulty, two hints, the solution with its why."""
    dots = "●" * exercise.difficulty + "○" * (3 - exercise.difficulty)
    head = (
        f"<div><strong>Exercise: <code>{html.escape(exercise.name)}</code></strong> · {exercise.minutes} min · "
        f"{dots} {DIFFICULTY[exercise.difficulty]}</div>"
    )
    first, second = exercise.hints
    hints = fold("Hint 1", prose(first) + fold("Hint 2: nearly there", prose(second)))
    sources = "".join(_source(function) for function in (exercise.solution, *exercise.shows))
    solution = fold("Solution: the library's own function", f"<div>{prose(exercise.why)}</div>{sources}")
    return box(f"{head}<p>{prose(exercise.task)}</p>{hints}{solution}", BLUE)


def _source(function: Callable) -> str:
    """A function of the library, word for word, and where it stands."""
    function = inspect.unwrap(function)
    place = function.__module__.replace(".", "/") + ".py"
    source = textwrap.dedent(inspect.getsource(function)).rstrip()
    return f'<pre style="{_PRE}"># {html.escape(place)}\n{html.escape(source, quote=False)}</pre>'


def verdict(outcome: Outcome) -> str:
    """What a check found."""
    sign, words, color = {
        NOT_ATTEMPTED: ("○", "Not attempted yet.", GRAY),
        CORRECT: ("✓", "Correct.", GREEN),
    }.get(outcome.status, ("◐", "Not yet.", ORANGE))
    rows = "".join(
        '<tr><th scope="row" style="text-align:left;padding:1px 12px 1px 0;vertical-align:top;font-weight:normal">'
        f'{html.escape(label)}</th><td style="text-align:left"><code style="white-space:pre-wrap;'
        f'overflow-wrap:anywhere"><bdi>{html.escape(value)}</bdi></code></td></tr>'
        for label, value in outcome.rows
    )
    table = f'<table style="margin:4px 0">{rows}</table>' if rows else ""
    printed = f'<pre style="{_PRE}">{html.escape(outcome.printed)}</pre>'
    printed = fold("what your function printed", printed) if outcome.printed.strip() else ""
    note = f"<p>{html.escape(outcome.note)}</p>" if outcome.note else ""
    return box(
        f'<div role="status"><span aria-hidden="true">{sign}</span> <strong>{words}</strong> '
        f"<code>{html.escape(outcome.name)}</code>: {prose(outcome.sentence)}{table}</div>{note}{printed}",
        color,
    )


def ordered(question: Question) -> list[tuple[str, Distractor | None]]:
    """The options of a question in their order, which its name draws; None stands beside the right one."""
    options = [(question.right, None), *((wrong.text, wrong) for wrong in question.wrong)]
    return sorted(options, key=lambda option: hashlib.sha256(f"{question.name}|{option[0]}".encode()).digest())


def quiz(
    questions: Sequence[Question], title: str, chosen: Mapping[str, Sequence[str]] | None = None, score: str = ""
) -> str:
    """Questions whose options unfold: each says whether it is right, or which misconception it is and where to look.

    `chosen` holds what this learner opened, per question, the first one first; `score` is said below.
    """
    parts = []
    for number, question in enumerate(questions, start=1):
        opened = list((chosen or {}).get(question.name, ()))
        options = "".join(
            _option(question, letter, text, wrong, opened)
            for letter, (text, wrong) in zip("ABCDEFGH", ordered(question), strict=False)
        )
        ask = f'<p style="margin:2px 0"><strong>{number}. {prose(question.ask)}</strong></p>'
        parts.append(f'<div style="margin:10px 0">{ask}{options}</div>')
    head = f"<div><strong>{html.escape(title)}</strong> · open the option that you hold for right</div>"
    ends = f'<p class="score">{html.escape(score)}</p>' if score else ""
    return box(head + "".join(parts) + ends, BLUE)


def _option(question: Question, letter: str, text: str, wrong: Distractor | None, opened: Sequence[str]) -> str:
    mark = ""
    if text in opened:
        mark = " · <em>your first choice</em>" if opened[0] == text else " · <em>opened</em>"
    if wrong is None:
        color, said = GREEN, f"<strong>✓ Right.</strong> {prose(question.why)}"
    else:
        see = f" {link(wrong.see)}" if wrong.see else ""
        color, said = ORANGE, f"<strong>✗ Not this one.</strong> {prose(wrong.thinks)}{see}"
    name, option = html.escape(question.name), html.escape(text)
    data = f'class="option" data-key="{name}|{option}" data-question="{name}" data-option="{option}"'
    body = f'<div style="border-left:4px solid {color};padding:2px 10px;margin:2px 0 8px 6px">{said}</div>'
    return f"<details {data}>{_FOLD}{letter} · {prose(text)}{mark}</summary>{body}</details>"


def prediction(item: Prediction, answer: Any, show: str | None) -> str:
    """A prediction where nobody asks for it: the question, what can be said, and the answer folded."""
    folded = fold("The answer (decide first)", _answer(item, answer) + _why(item, show))
    return box(_ask(item) + _range(item) + folded, BLUE)


def _ask(item: Prediction) -> str:
    return f'<div><strong>Predict.</strong> {prose(item.question)}</div>'


def _range(item: Prediction) -> str:
    if isinstance(item, Choice):
        return "<ul>" + "".join(f"<li>{html.escape(option)}</li>" for option in item.options) + "</ul>"
    return f"<p>{html.escape(_expected(item))}</p>" if isinstance(item, Number) else ""


def _expected(item: Number) -> str:
    unit = item.unit or "a number"
    if item.low is None and item.high is None:
        return f"in {item.unit}" if item.unit else unit
    if item.low is not None and item.high is not None:
        return f"{item.low:g} to {item.high:g} {item.unit}".strip()
    bound = f"at least {item.low:g}" if item.low is not None else f"at most {item.high:g}"
    return f"{bound} {item.unit}".strip()


def _answer(item: Prediction, answer: Any) -> str:
    return f"<div>The answer: <strong><bdi>{html.escape(item.spell(answer))}</bdi></strong></div>"


def _why(item: Prediction, show: str | None) -> str:
    return (f"<p>{prose(item.why)}</p>" if item.why else "") + (show or "")


def asking(item: Prediction, problem: str = "", again: bool = False) -> str:
    """A prediction as the live widget asks for it."""
    if isinstance(item, Choice):
        field = "".join(
            f'<button type="button" data-do="commit" data-value="{html.escape(option)}" data-key="{number}" {_KEYS}>'
            f"{html.escape(option)}</button> "
            for number, option in enumerate(item.options)
        )
    else:
        number = isinstance(item, Number)
        label = _expected(item) if number else "your words"
        width, mode = ("8em", ' inputmode="decimal"') if number else ("24em", "")
        field = (
            f'<label>My prediction <input type="text" name="said" autocomplete="off" data-key="said" {_KEYS}{mode} '
            f'style="width:{width}"> <span>{html.escape(label)}</span></label> '
            f'<button type="submit" data-key="commit" {_KEYS}>Commit</button>'
        )
    waits = "Your first prediction is kept." if again else "The answer waits until you have committed."
    trouble = f'<p role="alert" class="problem">{html.escape(problem)}</p>' if problem else ""
    return box(f'{_ask(item)}<form data-do="commit">{field}</form>{trouble}<p><em>{waits}</em></p>', BLUE)


def revealed(item: Prediction, said: Sequence[Any], answer: Any, show: str | None) -> str:
    """A prediction that was committed: what was said, the answer, the gap; earlier ones stay in sight."""
    verdict_, words = item.judge(said[-1], answer)
    sign, color = {"right": ("✓", GREEN), "close": ("≈", GREEN)}.get(verdict_, ("✗", ORANGE))
    lines = [f"You said: <strong><bdi>{html.escape(item.spell(said[-1]))}</bdi></strong>"]
    if len(said) > 1:
        earlier = ", ".join(html.escape(item.spell(one)) for one in said[:-1])
        lines.insert(0, f"Before that you said: <bdi>{earlier}</bdi>")
    gap = f'<p class="gap"><span aria-hidden="true">{sign}</span> {prose(words)}</p>'
    again = f'<button type="button" data-do="again" data-key="again" {_KEYS}>Try again</button>'
    page = _ask(item) + "<p>" + "<br>".join(lines) + "</p>" + _answer(item, answer) + gap
    return box(page + _why(item, show) + again, color)
