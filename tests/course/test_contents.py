"""The content of every lesson: stubs, the library's own function, and typical wrong answers; links lead somewhere."""

import inspect
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from right_answers import RIGHT_ANSWERS, SCALARS, in_style
from wrong_answers import WRONG_ANSWERS

from llmviz import course
from llmviz.course._check import check_exercise
from llmviz.course._schema import Choice, Number

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = {path.stem.partition("_")[2]: path for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
CONTENTS = {
    path.parent.name: course.open(path.parent.name).content
    for path in sorted((ROOT / "llmviz" / "course" / "content").glob("*/questions.toml"))
}
EXERCISES = [(name, exercise) for name, content in CONTENTS.items() for exercise in content.exercises.values()]
each_lesson = pytest.mark.parametrize("name", CONTENTS)
each_exercise = pytest.mark.parametrize(("name", "exercise"), EXERCISES, ids=lambda part: getattr(part, "name", part))


def headings(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    lines = [line for text in texts for line in text.split("\n") if line.startswith("#")]
    return {line.lstrip("#").strip() for line in lines}


def stubs(exercise):
    """A function of the same name and arguments that nobody has written yet, in all its forms."""
    parameters = inspect.signature(exercise.checks.solution).parameters.values()
    arguments = ", ".join(one.name if one.default is one.empty else f"{one.name}=None" for one in parameters)
    for body in ("...", "pass", '"""What to do."""', "raise NotImplementedError", "return ...", "return None"):
        scope = {}
        exec(f"def {exercise.name}({arguments}):\n    {body}\n", scope)
        yield scope[exercise.name]


def test_every_lesson_has_its_content():
    assert CONTENTS.keys() == NOTEBOOKS.keys()
    counts = [(len(one.predictions), len(one.exercises), len(one.quiz) + len(one.warm_up)) for one in CONTENTS.values()]
    assert tuple(map(sum, zip(*counts, strict=True))) >= (58, 31, 86)


@each_exercise
def test_the_stub_is_not_attempted_and_the_library_is_right(name, exercise):
    assert {check_exercise(exercise, stub).status for stub in stubs(exercise)} == {"not attempted"}
    solution = exercise.checks.solution
    outcome = check_exercise(exercise, solution)
    assert (outcome.status, outcome.note) == ("correct", ""), str(outcome)
    shown = [solution, *exercise.checks.shown_with_solution]
    assert solution.__name__ == exercise.name
    if exercise.solution:
        scope = {"torch": torch, "np": np}
        exec(exercise.solution, scope)
        outcome = check_exercise(exercise, scope[exercise.name])
        assert (outcome.status, outcome.note) == ("correct", ""), str(outcome)
    assert any(one.__module__.startswith("llmviz.") and "llmviz.course" not in one.__module__ for one in shown)


@each_exercise
def test_a_right_answer_passes_in_every_usual_form(name, exercise):
    solution = exercise.checks.solution
    answers = {style: lambda *inputs, style=style: in_style(solution(*inputs), style) for style in SCALARS}
    answers |= {f"{number}": answer for number, answer in enumerate(RIGHT_ANSWERS.get(exercise.name, []))}
    refused = {style: str(outcome) for style, answer in answers.items()
               if (outcome := check_exercise(exercise, answer)).status != "correct"}  # fmt: skip
    assert refused == {}


def first_right(solution):
    results = []

    def answer(*inputs):
        results.append(solution(*inputs))
        return results[0]

    return answer


@each_exercise
def test_what_no_learner_may_pass_with_does_not_pass(name, exercise):
    solution = exercise.checks.solution
    wrong = {
        "zero": lambda *inputs: 0,
        "text": lambda *inputs: "no",
        "nothing in it": lambda *inputs: [],
        "nan": lambda *inputs: math.nan,
        "what was given": lambda *inputs: inputs[0],
        "all that was given": lambda *inputs: inputs,
        "twice": lambda *inputs: (solution(*inputs), solution(*inputs)),
        "in a dict": lambda *inputs: {"result": solution(*inputs)},
        "in a list": lambda *inputs: [[solution(*inputs)]],
        "as a text": lambda *inputs: f"= {solution(*inputs)}",
        "the function": lambda *inputs: solution,
        "the first result": first_right(solution),
        "an error": lambda *inputs: solution(*inputs) / 0,
        "no return": lambda *inputs: print(solution(*inputs)),
    }
    passed = [kind for kind, answer in wrong.items() if check_exercise(exercise, answer).status != "not yet"]
    assert passed == []


@each_exercise
def test_every_mistake_is_recognized_in_a_wrong_answer(name, exercise):
    answers = WRONG_ANSWERS.get(exercise.name, [])
    for mistake, wrong in exercise.checks.wrong_functions.items():
        answers = [*answers, *((mistake, function) for function in ([wrong] if callable(wrong) else wrong))]
    assert {mistake for mistake, _ in answers} == exercise.mistakes.keys()
    for mistake, answer in answers:
        outcome = check_exercise(exercise, answer)
        assert (outcome.status, outcome.sentence) == ("not yet", exercise.mistakes[mistake]), f"{mistake}: {outcome}"


@each_lesson
def test_predictions_are_short_questions(name):
    for item in CONTENTS[name].predictions.values():
        assert len(item.question.split()) <= 40, item.name
        if isinstance(item, Choice):
            assert len(item.options) >= 2
            assert sum(not text for text in item.options.values()) <= 1, f"{item.name}: an explanation is missing"
        if isinstance(item, Number) and item.low is not None and item.high is not None:
            assert item.low < item.high


@each_lesson
def test_every_wrong_option_names_its_misconception_and_the_cell_that_refutes_it(name):
    for question in [*CONTENTS[name].quiz.values(), *CONTENTS[name].warm_up.values()]:
        assert len({question.answer, *(wrong.text for wrong in question.distractors)}) == 1 + len(question.distractors)
        for wrong in question.distractors:
            assert wrong.explanation and wrong.see, f"{question.name}: {wrong.text}"
            page, _, heading = wrong.see.rpartition("#")
            assert not set(heading) & set("*`[]"), f"a link to {heading!r} cannot be made: its heading has marks"
            path = ROOT / "notebooks" / page if page else NOTEBOOKS[name]
            assert heading in headings(path), f"{question.name} points to a heading {heading!r} that {path.name} lacks"
