"""A lesson's questions behind the few names that a notebook uses."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from llmviz.course import render
from llmviz.course.checking import NOT_ATTEMPTED, Outcome, check
from llmviz.course.progress import EventLog
from llmviz.course.schema import Choice, Exercise, Number, Prediction, Question, counted
from llmviz.course.summary import ProgressSummary, items, progress_summary, score, summary


class Lesson:
    """All that a lesson asks, by name; raises ValueError when its content does not hold together.

    A notebook imports the content file as `lesson` and calls `progress()`, `warm_up()`, `predict(name, answer=…)`,
    `exercise(name)`, `check_<name>(function)` and `quiz()`. Each shows itself at once and returns nothing.
    """

    def __init__(
        self,
        name: str,
        *,
        title: str,
        predictions: Sequence[Prediction] = (),
        exercises: Sequence[Exercise] = (),
        quiz: Sequence[Question] = (),
        warm_up: Sequence[Question] = (),
    ):
        self.name, self.title = name, title
        self.predictions = _by_name("prediction", predictions)
        self.exercises = _by_name("exercise", exercises)
        self.questions = _by_name("question", [*quiz, *warm_up])
        self._quiz, self._warm_up = list(quiz), list(warm_up)
        self.diary = EventLog(name)
        self._shown: weakref.WeakSet = weakref.WeakSet()
        self._asking_again: set[str] = set()
        self._problems: dict[str, str] = {}

    @property
    def doors(self) -> tuple[Callable, ...]:
        """What a content file hands to the notebook: (progress, warm_up, predict, exercise, quiz)."""
        return self.progress, self.warm_up, self.predict, self.exercise, self.quiz

    def check(self, name: str) -> Callable[[Callable], None]:
        """The notebook's `check_<name>(function)`: judges, shows, remembers; never raises."""
        exercise = _find("exercise", self.exercises, name)

        def check_(function: Callable) -> None:
            outcome = check(exercise, function)
            self._remember_check(outcome)
            _show(_still(str(outcome), render.verdict(outcome)))

        check_.__name__ = check_.__qualname__ = f"check_{name}"
        check_.__doc__ = f"Check your `{name}`: pass the function itself."
        return check_

    def standing(self) -> ProgressSummary:
        """What this learner has done in this lesson."""
        return progress_summary(self.diary.events())

    def progress(self) -> None:
        """Show at a glance what is done, begun and open, and the minutes that are left; it follows what happens."""

        def draw() -> str:
            return render.box(self._glance(is_live=True), render.GRAY)

        parts = {"prediction": self.predictions, "exercise": self.exercises, "quiz question": self._quiz}
        all_parts = ", ".join(counted(len(found), thing) for thing, found in parts.items())
        still = render.box(self._glance(is_live=False), render.GRAY)
        self._show_live(f"Progress: {self.title}", f"{self.title}: {all_parts}.", still, draw, self._keep_books)

    def warm_up(self) -> None:
        """Ask the questions from earlier lessons."""
        self._ask(self._warm_up, "Warm-up")

    def quiz(self) -> None:
        """Ask the questions of this lesson."""
        self._ask(self._quiz, "Quiz")

    def exercise(self, name: str) -> None:
        """Show the card of an exercise: task, hints, solution."""
        exercise = _find("exercise", self.exercises, name)
        sentence = f"Exercise {name} ({exercise.minutes} min): {render.plain(exercise.task)}"
        _show(_still(sentence, render.card(exercise)))

    def predict(self, name: str, *, answer: Any, show: str | None = None) -> None:
        """Ask for a prediction; only then show the answer, with the gap.

        answer: computed by the notebook; a number, one of the options, or a text, as the prediction asks.
        show: HTML that belongs to the answer, such as `figures.to_html(axes)`.
        Raises ValueError when the answer is none that could be predicted.
        """
        item = _find("prediction", self.predictions, name)
        answer = _checked(item, answer)

        def draw() -> str:
            said = self.standing().said.get(name, [])
            if said and name not in self._asking_again:
                return render.revealed(item, said, answer, show)
            return render.asking(item, self._problems.get(name, ""), again=bool(said))

        def act(content: dict) -> str:
            return self._predict(item, answer, content)

        sentence = f"Predict: {render.plain(item.question)}"
        self._show_live(f"Predict: {name}", sentence, render.prediction(item, answer, show), draw, act)

    def reset(self) -> None:
        """Begin this lesson anew; `undo` takes that back."""
        self._write("reset")

    def undo(self) -> None:
        """Take back the last thing that was remembered in this lesson."""
        self.diary.undo()
        self._refresh()

    def _predict(self, item: Prediction, answer: Any, content: dict) -> str:
        """Do what the learner asked of a prediction; return what to say."""
        if content.get("do") == "again":
            self._asking_again.add(item.name)
            return "Predict again; your first prediction is kept."
        if content.get("do") != "commit":
            return ""
        try:
            said = item.read(str(content.get("value", "")))
        except ValueError as problem:
            self._problems[item.name] = str(problem)
            return str(problem)
        self._problems.pop(item.name, None)
        self._asking_again.discard(item.name)
        self._write("predict", item.name, said, item.spell(answer))
        return f"The answer: {item.spell(answer)}. {render.plain(item.judge(said, answer)[1])}"

    def _ask(self, questions: list[Question], title: str) -> None:
        def draw() -> str:
            now = self.standing()
            return render.quiz(questions, title, now.chosen, score(now, questions))

        def act(content: dict) -> str:
            question = self.questions.get(str(content.get("question")))
            chosen = str(content.get("value"))
            wrongs = {wrong.text: wrong for wrong in question.wrong} if question else {}
            if question is None or (chosen != question.right and chosen not in wrongs):
                return ""
            if chosen not in self.standing().chosen.get(question.name, []):
                self._write("quiz", question.name, chosen)
            verdict = f"Right. {question.why}" if chosen == question.right else f"Not this one. {wrongs[chosen].thinks}"
            return f"{render.plain(verdict)} {score(self.standing(), questions)}"

        asked = " · ".join(render.plain(question.ask) for question in questions)
        sentence = f"{title}, {counted(len(questions), 'question')}: {asked}"
        self._show_live(f"{title}: {self.title}", sentence, render.quiz(questions, title), draw, act)

    def _glance(self, *, is_live: bool) -> str:
        now = self.standing() if is_live else ProgressSummary()
        found = items(now, [*self.predictions.values()], [*self.exercises.values()], self._quiz)
        page = summary(self.title, found, is_live=is_live)
        trouble = self.diary.trouble if is_live else ""
        return page + (f'<p role="alert" class="problem">{render.prose(trouble)}</p>' if trouble else "")

    def _keep_books(self, content: dict) -> str:
        """Undo and reset, as the progress widget asks for them."""
        if content.get("do") == "undo":
            self.undo()
            return "The last step is taken back."
        if content.get("do") == "reset":
            self.reset()
            return "Everything in this lesson is open again. Undo brings it back."
        return ""

    def _remember_check(self, outcome: Outcome) -> None:
        """Write an attempt down once, and a success once; a later slip takes nothing away."""
        known = self.standing().checks.get(outcome.name)
        if outcome.status not in (NOT_ATTEMPTED, known) and known != "correct":
            self._write("check", outcome.name, outcome.status)

    def _write(self, *event: object) -> None:
        self.diary.add(*event)
        self._refresh()

    def _refresh(self) -> None:
        for widget in list(self._shown):
            widget.refresh()

    def _show_live(self, label: str, sentence: str, still: str, draw: Callable, act: Callable) -> None:
        from llmviz.course.widget import Live  # widgets take a moment to load

        widget = Live(label, sentence, still, draw, act)
        self._shown.add(widget)
        _show(widget)


def _still(sentence: str, page: str):
    from llmviz.course.widget import Still

    return Still(sentence, page)


def _show(shown: Any) -> None:
    from IPython.display import display

    display(shown)


def _by_name(what: str, found: Sequence) -> dict:
    """The items under their names; ValueError when two share one."""
    names = [item.name for item in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"each {what} of a lesson has its own name; twice there: {', '.join(twice)}")
    return dict(zip(names, found, strict=True))


def _find(what: str, found: dict, name: str) -> Any:
    if name not in found:
        raise ValueError(f"this lesson has no {what} called {name!r}; it has: {', '.join(found) or 'none'}")
    return found[name]


def _checked(item: Prediction, answer: Any) -> Any:
    """The answer that a notebook computed, if it can be one; ValueError otherwise."""
    if isinstance(item, Choice) and answer not in item.options:
        raise ValueError(f"the answer to {item.name!r} must be one of {list(item.options)}; given {answer!r}")
    if isinstance(item, Number):
        try:
            number = float(answer)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number):
            raise ValueError(f"the answer to {item.name!r} must be a finite number; given {answer!r}")
        return number
    return answer
