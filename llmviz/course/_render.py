"""Questions, predictions, exercises and results as HTML: plain tags, inline styles and `<details>`.

The same HTML is shown by the live widgets and stays in a saved, untrusted, exported or printed notebook, where an
answer is one fold away. Everything that is not ours is escaped.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import re
import textwrap
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from llmviz.course._check import CORRECT, NOT_ATTEMPTED, Outcome
from llmviz.course._progress import ProgressSummary
from llmviz.course._schema import Choice, Distractor, Exercise, LessonContent, Number, Prediction, Question

_BLUE, _GREEN, _ORANGE, _GRAY = "#0072b2", "#009e73", "#d55e00", "#7f7f7f"
ANSWER_LATER = "A cell below shows the answer."
_DIFFICULTY = {1: "easy", 2: "medium", 3: "hard"}
_SIGNS = {"done": "●", "attempted": "◐", "open": "○"}
_DECIDE_FIRST = "The answer (decide first)"
_KEYS = 'data-lm-suppress-shortcuts="true"'
_CELL = "text-align:left;padding:2px 14px 2px 0;vertical-align:top;font-weight:normal"
_BOX = (
    "border:1px solid rgba(127,127,127,0.5);border-left:5px solid {};border-radius:6px;padding:8px 14px;"
    "margin:4px 0;max-width:860px;line-height:1.5"
)
_PRE = (
    "white-space:pre-wrap;overflow-wrap:anywhere;margin:6px 0;padding:8px 10px;border-radius:4px;"
    "background:rgba(127,127,127,0.12);font-size:13px;line-height:1.4"
)


def _to_html(text: str) -> str:
    """A text of a lesson as HTML: paragraphs, `code`, **strong**, *emphasis*; all else escaped.

    >>> _to_html("`a < b` is *true*")
    '<code>a &lt; b</code> is <em>true</em>'
    """
    pieces = re.split(r"`([^`]+)`", textwrap.dedent(text).strip())
    return "".join(f"<code>{escape(piece)}</code>" if n % 2 else _emphasis(piece) for n, piece in enumerate(pieces))


def _emphasis(text: str) -> str:
    text = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", escape(text, quote=False))
    return re.sub(r"\*([^*\s][^*]*)\*", r"<em>\1</em>", text).replace("\n\n", "<br><br>")


def to_text(text: str) -> str:
    """A text of a lesson without its marks, on one line."""
    return " ".join(re.sub(r"[`*]", "", text).split())


def _box(content: str, color: str) -> str:
    return f'<div style="{_BOX.format(color)}">{content}</div>'


def _fold(summary: str, content: str, attributes: str = "") -> str:
    """Content that is shown when its summary is clicked."""
    line = f'<summary {_KEYS} style="cursor:pointer;padding:3px 0">{summary}</summary>'
    return f'<details{attributes}>{line}<div style="padding:2px 0 6px 16px">{content}</div></details>'


def _problem(text: str) -> str:
    return f'<p role="alert" class="problem">{text}</p>' if text else ""


def _button(do: str, text: str) -> str:
    return f'<button type="button" data-do="{do}" data-key="{do}" {_KEYS}>{text}</button>'


def _link(see: str) -> str:
    """A link to the cell under a heading, of this lesson or of another: "Heading" or "notebook.ipynb#Heading"."""
    page, _, heading = see.rpartition("#")
    target = escape(f"{page}#{heading.strip().replace(' ', '-')}")
    return f' <a href="{target}" target="_self" {_KEYS}>See again: {escape(heading, quote=False)}</a>' if see else ""


def card(exercise: Exercise) -> str:
    """An exercise: task, minutes, difficulty, two hints, the solution with its explanation."""
    dots = "●" * exercise.difficulty + "○" * (3 - exercise.difficulty)
    head = (
        f"<div><strong>Exercise: <code>{escape(exercise.name)}</code></strong> · {exercise.minutes} min · "
        f"{dots} {_DIFFICULTY[exercise.difficulty]}</div>"
    )
    first, second = map(_to_html, exercise.hints)
    hints = _fold("Hint 1", first + _fold("Hint 2: almost the solution", second))
    sources = "".join(map(_source, (exercise.checks.solution, *exercise.checks.shown_with_solution)))
    if exercise.solution:
        sources = _code(exercise.solution) + _fold("The library's function, which also checks its input", sources)
    solution = _fold("Solution", f"<div>{_to_html(exercise.explanation)}</div>{sources}")
    return _box(f"{head}<p>{_to_html(exercise.task)}</p>{hints}{solution}", _BLUE)


def _source(function: Callable) -> str:
    """A function of the library without its docstring, with its file."""
    function = inspect.unwrap(function)
    source = textwrap.dedent(inspect.getsource(function)).rstrip()
    if function.__doc__:
        body = ast.parse(source).body[0].body
        lines = source.split("\n")
        source = "\n".join(lines[: body[0].lineno - 1] + lines[body[0].end_lineno :])
    return _code(f"# {function.__module__.replace('.', '/')}.py\n{source}")


def _code(source: str) -> str:
    return f'<pre style="{_PRE}">{escape(source, quote=False)}</pre>'


def outcome(result: Outcome) -> str:
    """The result of a check."""
    sign, words, color = {NOT_ATTEMPTED: ("○", "Not attempted yet.", _GRAY), CORRECT: ("✓", "Correct.", _GREEN)}.get(
        result.status, ("◐", "Not yet.", _ORANGE)
    )
    rows = "".join(
        f'<tr><th scope="row" style="{_CELL}">{escape(label)}</th><td style="text-align:left"><code style="white-space:'
        f'pre-wrap;overflow-wrap:anywhere"><bdi>{escape(value)}</bdi></code></td></tr>'
        for label, value in result.rows
    )
    table = f'<table style="margin:4px 0">{rows}</table>' if rows else ""
    printed = f'<pre style="{_PRE}">{escape(result.printed)}</pre>'
    printed = _fold("What your function printed", printed) if result.printed.strip() else ""
    note = f"<p>{escape(result.note)}</p>" if result.note else ""
    return _box(
        f'<div role="status"><span aria-hidden="true">{sign}</span> <strong>{words}</strong> '
        f"<code>{escape(result.name)}</code>: {_to_html(result.sentence)}{table}</div>{note}{printed}",
        color,
    )


def _options(question: Question) -> list[tuple[str, Distractor | None]]:
    """The options of a question (None beside the right one), in an order drawn from its name: it never changes."""
    found = [(question.answer, None), *((wrong.text, wrong) for wrong in question.distractors)]
    return sorted(found, key=lambda option: hashlib.sha256(f"{question.name}|{option[0]}".encode()).digest())


def quiz(questions: Sequence[Question], title: str, progress: ProgressSummary) -> str:
    """Questions whose options unfold: each says whether it is right, or which misconception it is and where to look."""
    page = f"<div><strong>{escape(title)}</strong> · Choose the answer you think is correct.</div>"
    for number, question in enumerate(questions, start=1):
        chosen = progress.choices.get(question.name, [])
        ask = f'<p style="margin:2px 0"><strong>{number}. {_to_html(question.question)}</strong></p>'
        lettered = zip("ABCDEFGH", _options(question), strict=False)
        options = "".join(_option(question, letter, *option, chosen) for letter, option in lettered)
        page += f'<div style="margin:10px 0">{ask}{options}</div>'
    return _box(f'{page}<p class="score">{progress.score(questions)}</p>', _BLUE)


def _option(question: Question, letter: str, text: str, wrong: Distractor | None, chosen: Sequence[str]) -> str:
    mark = {0: " · <em>your first choice</em>"}.get(chosen.index(text), " · <em>opened</em>") if text in chosen else ""
    color, said = _GREEN, f"<strong>✓ Right.</strong> {_to_html(question.explanation)}"
    if wrong is not None:
        color, said = _ORANGE, f"<strong>✗ Not this one.</strong> {_thought(wrong)}{_link(wrong.see)}"
    name, key = escape(question.name), escape(text)
    data = f' class="option" data-key="{name}|{key}" data-question="{name}" data-option="{key}"'
    said = f'<div style="border-left:4px solid {color};padding:2px 10px">{said}</div>'
    return _fold(f"{letter} · {_to_html(text)}{mark}", said, data)


def _thought(wrong: Distractor) -> str:
    """The explanation; a misconception, which stands first in it, is told as a thought, not as a fact."""
    return ("You may have thought: " if wrong.explanation.startswith("*") else "") + _to_html(wrong.explanation)


def still_prediction(item: Prediction) -> str:
    """A prediction without a kernel: the question and the possible answers."""
    if isinstance(item, Choice):
        return _prediction(item, "<ul>" + "".join(f"<li>{escape(option)}</li>" for option in item.options) + "</ul>")
    return _prediction(item, f"<p>{_bounds(item)}</p>")


def open_prediction(item: Prediction, problem: str, predicted: Sequence[Any]) -> str:
    """A prediction as the live widget asks for it; `problem` says why the last input was not accepted."""
    if isinstance(item, Choice):
        field = "".join(
            f'<button type="button" data-do="commit" data-value="{escape(option)}" data-key="{number}" {_KEYS}>'
            f"{escape(option)}</button> "
            for number, option in enumerate(item.options)
        )
    else:
        field = (
            '<label>My prediction <input type="text" name="said" autocomplete="off" data-key="said" '
            f'inputmode="decimal" {_KEYS} style="width:8em"> <span>{_bounds(item)}</span></label> '
            f'<button type="submit" data-key="commit" {_KEYS}>Commit</button>'
        )
    note = "Your first prediction is kept." if predicted else "Commit before you see the answer."
    form = f'<form data-do="commit">{field}</form>{_problem(escape(problem))}<p><em>{note}</em></p>'
    return _prediction(item, form)


def committed_prediction(item: Prediction, predicted: Sequence[Any]) -> str:
    """A prediction that was committed; earlier ones stay visible."""
    later = f"<p><em>{ANSWER_LATER}</em></p>{_button('again', 'Try again')}"
    return _prediction(item, _predicted(item, predicted) + later)


def revealed_answer(item: Prediction, predicted: Sequence[Any], answer: Any, show: str) -> str:
    """The answer, beside what was predicted; folded if nothing was."""
    if not predicted:
        return _prediction(item, _fold(_DECIDE_FIRST, _answer(item, answer, "", show)), title="The answer.")
    verdict, words = item.compare(predicted[-1], answer)
    sign, color = {"right": ("✓", _GREEN), "close": ("≈", _GREEN)}.get(verdict, ("✗", _ORANGE))
    gap = f'<p class="gap"><span aria-hidden="true">{sign}</span> {_to_html(words)}</p>'
    content = _predicted(item, predicted) + _answer(item, answer, gap, show)
    return _prediction(item, content, color, title="The answer.")


def _predicted(item: Prediction, predicted: Sequence[Any]) -> str:
    *earlier, last = (escape(item.format(one)) for one in predicted)
    before = f"Your earlier predictions: <bdi>{', '.join(earlier)}</bdi><br>" if earlier else ""
    return f"<p>{before}Your prediction: <strong><bdi>{last}</bdi></strong></p>"


def _prediction(item: Prediction, content: str, color: str = _BLUE, title: str = "Predict.") -> str:
    return _box(f"<div><strong>{title}</strong> {_to_html(item.question)}</div>{content}", color)


def _answer(item: Prediction, answer: Any, gap: str, show: str) -> str:
    explanation = f"<p>{_to_html(item.explanation)}</p>" if item.explanation else ""
    return f"<div>The answer: <strong><bdi>{escape(item.format(answer))}</bdi></strong></div>{gap}{explanation}{show}"


def _bounds(item: Number) -> str:
    return escape(f"{item.low:g} to {item.high:g} {item.unit}".strip())


def progress_table(content: LessonContent, progress: ProgressSummary | None, problem: str = "") -> str:
    """What is done, attempted and open, and the minutes left; without progress (no kernel), what there is to do."""
    parts = _items(content, progress or ProgressSummary())
    minutes = sum(minutes for items in parts.values() for _, minutes, status in items if status != "done")
    left = f"about {minutes} minutes left" if minutes else "all done"
    actions = f"<p>{_button('undo', 'Undo the last step')} {_button('reset', 'Start this lesson again')}</p>"
    if progress is None:
        left, actions = f"about {minutes} minutes for questions and exercises", ""
    rows = ""
    for part, items in parts.items():
        cells = _live_cells(items) if progress else [f"{len(items)}"]
        if part == "Exercises" and progress is None:
            cells[0] += ": " + ", ".join(escape(name.replace("_", " ")) for name, *_ in items)
        head = f'<tr><th scope="row" style="{_CELL}">{part}</th>'
        rows += head + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells) + "</tr>"
    table = f'<table style="border-collapse:collapse;margin:4px 0">{rows}</table>{actions}{_problem(_to_html(problem))}'
    return _box(f"<p><strong>{escape(content.title)}</strong>: {left}.</p>{table}", _GRAY)


def _items(content: LessonContent, progress: ProgressSummary) -> dict[str, list[tuple[str, int, str]]]:
    """Part of the lesson → (name, minutes, status) of all that it asks."""
    checked = {"correct": "done", "not yet": "attempted"}
    chosen = {name: progress.choices.get(name, []) for name in content.quiz}
    parts = {
        "Predictions": [(name, 1, "done" if name in progress.predictions else "open") for name in content.predictions],
        "Exercises": [
            (name, exercise.minutes, checked.get(progress.checks.get(name, ""), "open"))
            for name, exercise in content.exercises.items()
        ],
        "Quiz": [
            (name, 1, "done" if question.answer in chosen[name] else "attempted" if chosen[name] else "open")
            for name, question in content.quiz.items()
        ],
    }
    return {part: items for part, items in parts.items() if items}


def _live_cells(items: Sequence[tuple[str, int, str]]) -> list[str]:
    done, attempted = (sum(status == wanted for *_, status in items) for wanted in ("done", "attempted"))
    sign = '<span title="{}: {}" aria-hidden="true">{}</span>'.format
    signs = " ".join(sign(escape(name), status, _SIGNS[status]) for name, _, status in items)
    return [signs, f"{done} of {len(items)} done" + (f", {attempted} attempted" if attempted else "")]
