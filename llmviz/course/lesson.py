"""A lesson as a notebook uses it: progress, warm-up, predictions, exercises and quiz, each shown as a widget."""

from __future__ import annotations

import functools
import importlib
import math
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from IPython.display import display

from llmviz.course import _render
from llmviz.course._check import NOT_ATTEMPTED, check_exercise
from llmviz.course._progress import EventLog, ProgressSummary
from llmviz.course._schema import Choice, LessonContent, Prediction, Question, read_content
from llmviz.widgets import base
from llmviz.widgets.base import es_module, well_formed

_CONTENT = Path(__file__).parent / "content"


@functools.cache
def open(name: str) -> Lesson:
    """The lesson of this name, such as "attention"; ValueError with the known names if there is none."""
    path = _CONTENT / name / "questions.toml"
    names = sorted(path.parent.name for path in _CONTENT.glob("*/questions.toml"))
    if name not in names:
        raise ValueError(f"there is no lesson {name!r}; the lessons are: {', '.join(names)}")
    checks = {}
    if path.with_name("checks.py").exists():
        checks = importlib.import_module(f"llmviz.course.content.{name}.checks").CHECKS
    base.show_controls_still()
    return Lesson(name, read_content(path, checks))


class Lesson:
    """A lesson of a notebook: each of its methods shows a widget and returns nothing."""

    def __init__(self, name: str, content: LessonContent):
        self.name, self.content = name, content
        self.events = EventLog(name)
        self._widgets: weakref.WeakSet = weakref.WeakSet()

    def progress(self) -> None:
        """Show what is done, attempted and open, and the minutes left; it follows what happens below."""
        content = self.content
        counts = [(content.predictions, "predictions"), (content.exercises, "exercises"), (content.quiz, "questions")]

        def undo_or_reset(message: dict) -> str:
            if message.get("do") == "undo":
                self.events.undo()
                return "The last step was undone."
            if message.get("do") == "reset":
                self.events.add("reset")
                return "Everything in this lesson is open again. Undo brings it back."
            return ""

        self._show_live(
            f"Progress: {content.title}",
            f"{content.title}: {', '.join(f'{things}: {len(found)}' for found, things in counts)}.",
            _render.progress_table(content, None),
            lambda: _render.progress_table(content, self.summary(), self.events.problem),
            undo_or_reset,
        )

    def warm_up(self) -> None:
        """Ask the questions about earlier lessons."""
        self._ask("Warm-up", self.content.warm_up)

    def quiz(self) -> None:
        """Ask the questions about this lesson."""
        self._ask("Quiz", self.content.quiz)

    def exercise(self, name: str) -> None:
        """Show the card of an exercise: task, hints, solution."""
        exercise = _find("exercise", self.content.exercises, name)
        sentence = f"Exercise {name} ({exercise.minutes} min): {_render.to_text(exercise.task)}"
        _show(sentence, _render.card(exercise))

    def solution(self, name: str) -> Callable:
        """Return the right function of an exercise, to go on with while one's own is not ready."""
        return _find("exercise", self.content.exercises, name).checks.solution

    def check(self, name: str, function: Callable) -> None:
        """Check the learner's function (pass the function itself), show the result and remember it; never raises."""
        outcome = check_exercise(_find("exercise", self.content.exercises, name), function)
        known = self.summary().checks.get(name)
        if outcome.status not in (NOT_ATTEMPTED, known) and known != "correct":  # a success stays
            self.events.add("check", name, outcome.status)
            self._refresh()
        _show(str(outcome), _render.outcome(outcome))

    def predict(self, name: str) -> None:
        """Ask for a prediction; a later cell calls `reveal`."""
        item = _find("prediction", self.content.predictions, name)
        problem, again = "", False

        def draw() -> str:
            predicted = self.summary().predictions.get(name, [])
            if predicted and not again:
                return _render.committed_prediction(item, predicted)
            return _render.open_prediction(item, problem, predicted)

        def act(message: dict) -> str:
            nonlocal problem, again
            if message.get("do") == "again":
                again = True
                return "Predict again; your first prediction is kept."
            if message.get("do") != "commit":
                return ""
            try:
                predicted = item.parse(str(message.get("value", "")))
            except ValueError as error:
                problem = str(error)
                return problem
            problem, again = "", False
            self.events.add("predict", name, predicted, "")
            return f"Your prediction: {item.format(predicted)}. {_render.ANSWER_LATER}"

        sentence = f"Predict: {_render.to_text(item.question)}"
        self._show_live(f"Predict: {name}", sentence, _render.still_prediction(item), draw, act)

    def reveal(self, name: str, answer: Any, *, show: str = "") -> None:
        """Show the answer to a prediction, and how far off the learner's was; in a cell after the one that asks.

        answer: computed by the notebook: a number, or one of the options. show: HTML that belongs to the answer, such
        as `plots.to_html(axes)`. Raises ValueError if the answer cannot be predicted.
        """
        item = _find("prediction", self.content.predictions, name)
        _check_answer(item, answer)
        self._show_live(
            f"Answer: {name}",
            f"{_render.to_text(item.question)} The answer: {item.format(answer)}.",
            _render.revealed_answer(item, [], answer, show),
            lambda: _render.revealed_answer(item, self.summary().predictions.get(name, []), answer, show),
            lambda message: "",
        )

    def summary(self) -> ProgressSummary:
        """What this learner has done in this lesson."""
        return ProgressSummary.from_events(self.events.events())

    def _ask(self, title: str, questions: Mapping[str, Question]) -> None:
        asked = list(questions.values())

        def choose(message: dict) -> str:
            question, option = questions.get(str(message.get("question"))), str(message.get("value"))
            wrong = {one.text: one for one in question.distractors} if question else {}
            if question is None or option not in (question.answer, *wrong):
                return ""
            if option not in self.summary().choices.get(question.name, []):
                self.events.add("quiz", question.name, option)
            known = (
                f"Not this one. {wrong[option].explanation}" if option in wrong else f"Right. {question.explanation}"
            )
            return f"{_render.to_text(known)} {self.summary().score(asked)}"

        texts = " · ".join(_render.to_text(question.question) for question in asked)
        self._show_live(
            f"{title}: {self.content.title}",
            f"{title}, questions: {len(asked)}. {texts}",
            _render.quiz(asked, title, ProgressSummary()),
            lambda: _render.quiz(asked, title, self.summary()),
            choose,
        )

    def _refresh(self) -> None:
        for widget in list(self._widgets):
            widget.refresh()

    def _show_live(self, label: str, sentence: str, still: str, draw: Callable, act: Callable) -> None:
        widget = _Live(label, sentence, still, draw, act, self._refresh)
        self._widgets.add(widget)
        display(widget)


class _Live(anywidget.AnyWidget):
    """An interactive part of a lesson.

    `draw()` gives its HTML, `act(message)` does what the learner asked and returns what a screen reader should say.
    Without a kernel, `still` (HTML) and `sentence` (text) remain; they do not depend on the learner.
    """

    _esm = es_module(Path(base.__file__).parent / "js" / "exercises.js")
    body = traitlets.Unicode(help="what is shown, as HTML").tag(sync=True)
    said = traitlets.Unicode(help="what a screen reader should say now").tag(sync=True)
    label = traitlets.Unicode(help="the name of this region").tag(sync=True)

    def __init__(self, label: str, sentence: str, still: str, draw: Callable, act: Callable, refresh_all: Callable):
        super().__init__(label=label)
        self.sentence, self.still = well_formed(sentence), well_formed(still)
        self._draw, self._act, self._refresh_all = draw, act, refresh_all
        self.refresh()
        self.on_msg(lambda _, message, __: self.receive(message))

    def refresh(self) -> None:
        self.body = well_formed(self._draw())

    def receive(self, message: dict) -> None:
        """Do what the page sends: {"do": …, "value": …, …}."""
        said = self._act(message)
        self._refresh_all()
        self.said = well_formed(said)

    def __repr__(self) -> str:
        return self.sentence

    def _repr_mimebundle_(self, **options) -> dict:
        bundle = super()._repr_mimebundle_(**options)
        live = bundle[0] if isinstance(bundle, tuple) else bundle or {}
        return live | {"text/html": self.still, "text/plain": self.sentence}


def _show(sentence: str, page: str) -> None:
    """Show HTML, with a text for where there is no HTML."""
    display({"text/plain": well_formed(sentence), "text/html": well_formed(page)}, raw=True)


def _find(kind: str, found: Mapping[str, Any], name: str) -> Any:
    if name not in found:
        raise ValueError(f"this lesson has no {kind} {name!r}; it has: {', '.join(found) or 'none'}")
    return found[name]


def _check_answer(item: Prediction, answer: Any) -> None:
    """ValueError if nobody could predict what the notebook computed."""
    expected = f"one of {list(item.options)}" if isinstance(item, Choice) else "a finite number"
    try:
        valid = answer in item.options if isinstance(item, Choice) else math.isfinite(float(answer))
    except (TypeError, ValueError, OverflowError):
        valid = False
    if not valid:
        raise ValueError(f"the answer to {item.name!r} must be {expected}; given {answer!r}")
