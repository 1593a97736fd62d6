"""The exercises of every lesson: stubs, the library's own function, and typical wrong answers; links lead somewhere."""

import importlib
import inspect
import json
from pathlib import Path

import pytest

from llmviz.course import Choice, Number, check

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = {path.stem.partition("_")[2]: path for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
MODULES = {
    path.parent.name: importlib.import_module(f"llmviz.course.content.{path.parent.name}.checks")
    for path in sorted((ROOT / "llmviz" / "course" / "content").glob("*/checks.py"))
}
LESSONS = {name: module.LESSON for name, module in MODULES.items()}
EXERCISES = [(name, exercise) for name, lesson in LESSONS.items() for exercise in lesson.exercises.values()]
each_lesson = pytest.mark.parametrize("name", LESSONS)
each_exercise = pytest.mark.parametrize(("name", "exercise"), EXERCISES, ids=lambda part: getattr(part, "name", part))


def wrong_answers(name):
    return importlib.import_module(f"wrong_{name}").WRONG


def cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def headings(path):
    texts = ["".join(cell["source"]) for cell in cells(path) if cell["cell_type"] == "markdown"]
    lines = [line for text in texts for line in text.split("\n") if line.startswith("#")]
    return {line.lstrip("#").strip() for line in lines}


def stubs(exercise):
    """A function of the same name and arguments that nobody has written yet, in all its forms."""
    parameters = inspect.signature(exercise.solution).parameters.values()
    arguments = ", ".join(one.name if one.default is one.empty else f"{one.name}=None" for one in parameters)
    for body in ("...", "pass", '"""What to do."""', "raise NotImplementedError", "return ...", "return None"):
        scope = {}
        exec(f"def {exercise.name}({arguments}):\n    {body}\n", scope)
        yield scope[exercise.name]


def test_there_are_lessons():
    assert "start_here" in LESSONS


@each_lesson
def test_a_lesson_is_bound_by_name(name):
    module, lesson = MODULES[name], LESSONS[name]
    assert lesson.name == name
    for door in ("progress", "warm_up", "predict", "exercise", "quiz"):
        assert getattr(module, door) == getattr(lesson, door)
    bound = {key.removeprefix("check_"): value for key, value in vars(module).items() if key.startswith("check_")}
    assert bound.keys() == lesson.exercises.keys()
    assert all(value.__name__ == f"check_{key}" for key, value in bound.items())


@each_exercise
def test_the_untouched_stub_is_not_attempted(name, exercise):
    assert {check(exercise, stub).status for stub in [*stubs(exercise), None, ...]} == {"not attempted"}


@each_exercise
def test_the_library_is_right(name, exercise):
    outcome = check(exercise, exercise.solution)
    assert (outcome.status, outcome.note) == ("correct", ""), str(outcome)
    assert exercise.solution.__module__.startswith("llmviz.")
    assert "llmviz.course" not in exercise.solution.__module__


@each_exercise
def test_typical_wrong_answers_are_refused_by_the_name_of_their_mistake(name, exercise):
    answers = wrong_answers(name)[exercise.name]
    sentences = set()
    for answer, words in answers:
        outcome = check(exercise, answer)
        assert outcome.status == "not yet", f"{exercise.name} takes {answer.__name__} for right"
        assert words.lower() in outcome.sentence.lower(), f"{answer.__name__}: {outcome}"
        assert len(words.split()) >= 2 and not outcome.sentence.startswith("The result is not right yet")
        sentences.add(outcome.sentence)
    assert len(sentences) >= 3, f"{exercise.name} needs three wrong answers, each with a sentence of its own"


@each_lesson
def test_no_wrong_answers_are_left_over(name):
    assert wrong_answers(name).keys() == LESSONS[name].exercises.keys()


@each_exercise
def test_an_exercise_is_complete(name, exercise):
    assert exercise.minutes > 0 and exercise.difficulty in (1, 2, 3)
    assert len(exercise.hints) == 2 and all(exercise.hints) and exercise.why and exercise.task
    assert exercise.inputs() or exercise.check


@each_lesson
def test_predictions_are_short_questions(name):
    for item in LESSONS[name].predictions.values():
        assert len(item.question.split()) <= 40, item.name
        if isinstance(item, Choice):
            assert len(item.options) >= 2
            assert sum(not thought for thought in item.options.values()) <= 1, f"{item.name}: a thought is missing"
        if isinstance(item, Number) and item.low is not None and item.high is not None:
            assert item.low < item.high


@each_lesson
def test_every_wrong_option_names_its_misconception_and_the_cell_that_refutes_it(name):
    for question in LESSONS[name].questions.values():
        assert len(question.wrong) >= 2 and question.why
        assert len({question.right, *(wrong.text for wrong in question.wrong)}) == 1 + len(question.wrong)
        for wrong in question.wrong:
            assert wrong.thinks and wrong.see, f"{question.name}: {wrong.text}"
            page, _, heading = wrong.see.rpartition("#")
            assert not set(heading) & set("*`[]"), f"a link to {heading!r} cannot be made: its heading has marks"
            path = ROOT / "notebooks" / page if page else NOTEBOOKS[name]
            assert heading in headings(path), f"{question.name} points to a heading {heading!r} that {path.name} lacks"
