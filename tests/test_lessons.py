"""The anatomy of a lesson, counted (CONTRIBUTING.md, "The anatomy of a lesson", has the rules in words)."""

import ast
import re

import pytest
from lesson_reading import NOTEBOOKS, Cell, Lesson, Part, unsupported_numbers

from llmviz import course
from llmviz.doctor import _lesson_seconds

ROOT = NOTEBOOKS.parent
LESSONS = {path.stem: Lesson(path) for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
MUST_BE_WHOLE = {
    "00_start_here", "01_tokenization", "02_embeddings", "03_attention", "04_transformer", "05_pretraining",
    "06_fine_tuning", "07_inference", "08_limitations", "09_one_page",
    "10_from_tiny_to_real", "11_training_at_scale", "12_alignment_and_bias",
}  # fmt: skip
TAGS = {
    "goals", "warm-up", "idea", "by-hand", "library", "look", "play", "predict", "exercise", "misconception", "real",
    "quiz", "key-terms", "sources", "next", "class-path",
}  # fmt: skip
IN_LESSON_0 = {"goals", "idea", "look", "play", "predict", "quiz", "key-terms", "sources", "next", "class-path"}
IN_LESSON_9 = TAGS - {"look", "play", "by-hand"}
VERBS = {
    "predict", "compute", "explain", "choose", "find", "build", "measure", "name", "compare", "read", "write", "check",
    "tell", "show", "count", "draw", "train", "spot",
}  # fmt: skip
TEACHERS_PAGE = ("Minute plan", "Surprises", "Wrong answers", "Where to cut", "Unplugged")
ROW = re.compile(r"^\| *(?P<heading>[^|]+?) *\| *(?P<minutes>\d+) *\| *(?P<class_path>[^|]*?) *\|", re.MULTILINE)
UNTIMED = {"Key terms", "Sources", "Next"}

whole = [pytest.param(lesson, id=name) for name, lesson in LESSONS.items() if lesson.is_whole]
SHAPES_OF_THEIR_OWN = ("00", "09")  # lesson 9: tests/test_one_page.py
full = [one for one in whole if not one.id.startswith(SHAPES_OF_THEIR_OWN)]
all_whole, all_full = pytest.mark.parametrize("lesson", whole), pytest.mark.parametrize("lesson", full)


def content(lesson: Lesson):
    """The lesson's questions and exercises."""
    return course.open(lesson.name[3:]).content


def test_whole_lessons_say_so():
    assert {name for name, lesson in LESSONS.items() if lesson.is_whole} >= MUST_BE_WHOLE


@all_whole
class TestEveryLesson:
    def test_has_every_part_and_no_unknown_tag(self, lesson):
        used = set().union(*(cell.tags for cell in lesson.cells))
        assert used <= TAGS | {"nbval-ignore-output"} | ({"page"} if lesson.name.startswith("09") else set())
        assert used >= {"00": IN_LESSON_0, "09": IN_LESSON_9}.get(lesson.name[:2], TAGS)
        assert [cell.source[:60] for cell in lesson.cells if not cell.tags & (TAGS - {"class-path"})] == []

    def test_is_in_order(self, lesson):
        places = {tag: [i for i, cell in enumerate(lesson.cells) if tag in cell.tags] for tag in TAGS}
        firsts = [places[tag][0] for tag in ("goals", "idea", "quiz")]
        assert firsts[0] == 0
        assert firsts == sorted(firsts)
        assert "sources" in lesson.cells[-2].tags | lesson.cells[-1].tags
        assert "next" in lesson.cells[-1].tags

    def test_opens_with_three_to_five_goals_that_can_be_observed(self, lesson):
        goals = re.findall(r"^\d\. \**(\w+)", lesson.cells[0].source, re.MULTILINE)
        assert 3 <= len(goals) <= 5
        assert {goal.lower() for goal in goals} <= VERBS
        assert "You need" in lesson.cells[0].source

    def test_opens_with_the_minutes_of_each_part(self, lesson):
        rows = list(ROW.finditer(lesson.cells[0].source))
        headings = [part.heading for part in lesson.parts[1:]]
        assert [row["heading"] for row in rows] == [heading for heading in headings if heading not in UNTIMED]
        total = sum(int(row["minutes"]) for row in rows)
        assert f"{total} minutes" in lesson.cells[0].source

    def test_marks_a_class_path(self, lesson):
        rows = list(ROW.finditer(lesson.cells[0].source))
        marked = {row["heading"] for row in rows if row["class_path"]}
        minutes = sum(int(row["minutes"]) for row in rows if row["class_path"])
        assert minutes in (range(10, 51) if lesson.name.startswith("00") else range(45, 51))
        assert f"{minutes} minutes" in lesson.cells[0].source
        for part in lesson.parts[1:]:
            assert {"class-path" in cell.tags for cell in part.cells} <= {part.heading in marked}, part.heading

    def test_asks_for_a_prediction_and_ends_with_questions(self, lesson):
        assert lesson.calls("predict")
        assert sorted(lesson.calls("predict")) == sorted(content(lesson).predictions)
        assert len(lesson.calls("progress")) == 1
        assert len(lesson.calls("quiz")) == 1

    def test_cells_are_short(self, lesson):
        assert [cell.source[:60] for cell in lesson.code if cell.n_lines > 15] == []

    def test_uses_public_names_only_and_draws_nothing_by_itself(self, lesson):
        for cell in lesson.code:
            for node in ast.walk(cell.tree):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    names = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
                    assert not any(part.startswith("_") for name in names for part in name.split("."))
                    assert not any(name.split(".")[0] in ("matplotlib", "pylab", "seaborn") for name in names)
                    assert not {"interact", "interactive", "Output"} & set(names)
                if isinstance(node, ast.Attribute):
                    assert not (node.attr.startswith("_") and not node.attr.startswith("__")), ast.unparse(node)
                    assert node.attr not in ("interact", "Output"), "fails the strict comparison of outputs"

    def test_every_number_in_its_prose_is_computed(self, lesson):
        found = {part.heading: unsupported_numbers(part) for part in lesson.parts}
        assert {heading: values for heading, values in found.items() if values} == {}

    def test_has_a_teachers_page(self, lesson):
        page = (ROOT / "docs" / "teaching" / f"{lesson.name}.md").read_text(encoding="utf-8")
        assert [title for title in TEACHERS_PAGE if not re.search(rf"^## {title}", page, re.MULTILINE)] == []

    def test_runs_in_time(self, lesson):
        """As measured by `make notebooks`; lesson 5 trains in front of the class."""
        limit = {"00": 20, "05": 150}.get(lesson.name[:2], 60)
        assert _lesson_seconds((ROOT / "README.md").read_text(encoding="utf-8"))[f"{lesson.name}.ipynb"] <= limit


@all_full
class TestFullLesson:
    def test_has_its_size(self, lesson):
        assert len(lesson.further) <= 10
        n_further = sum(cell.kind == "code" and not cell.only_asks for cell in lesson.further)
        assert 25 <= sum(not cell.only_asks for cell in lesson.code) - n_further <= 38
        assert 1500 <= lesson.n_words <= 2400

    def test_warms_up_with_two_questions_from_earlier_lessons(self, lesson):
        assert [cell for cell in lesson.tagged("warm-up", "code") if cell.calls("warm_up")]
        assert len(content(lesson).warm_up) == 2

    def test_does_it_by_hand_and_then_holds_the_library_to_it(self, lesson):
        assert lesson.tagged("by-hand", "code")
        assert any(cell.has_assertion for cell in lesson.tagged("library", "code"))
        assert lesson.tagged("look", "code")
        assert lesson.tagged("play", "code")
        assert lesson.tagged("real", "code")

    def test_builds_one_explorer_before_the_learners_eyes(self, lesson):
        assert any(".observe(" in cell.source for cell in lesson.code)

    def test_predicts_three_times_and_compares(self, lesson):
        asked = [cell for cell in lesson.code if cell.calls("predict")]
        assert len(set(lesson.calls("predict"))) >= 3
        assert all("predict" in cell.tags for cell in asked)

    def test_has_three_exercises_each_with_card_stub_and_check_in_this_order(self, lesson):
        names = [*content(lesson).exercises]
        assert len(names) >= 3
        assert sorted(lesson.calls("exercise")) == sorted(names)
        for name in names:
            steps = [
                next((i for i, cell in enumerate(lesson.code) if test(cell)), None)
                for test in (
                    lambda cell, name=name: name in cell.calls("exercise"),
                    lambda cell, name=name: re.search(rf"^def {name}\(", cell.source, re.MULTILINE),
                    lambda cell, name=name: name in cell.calls("check"),
                )
            ]
            assert None not in steps, name
            assert steps == sorted(set(steps)), f"{name}: card, stub and check are three cells, in this order"
            assert all("exercise" in lesson.code[step].tags for step in steps)

    def test_refutes_three_misconceptions_by_a_number_that_a_cell_asserts(self, lesson):
        assert sum(cell.has_assertion for cell in lesson.tagged("misconception", "code")) >= 3

    def test_asks_five_questions_at_the_end(self, lesson):
        assert len(content(lesson).quiz) >= 5

    def test_translates_to_its_sources(self, lesson):
        (sources,) = lesson.tagged("sources")
        assert re.search(r"(19|20)\d\d", sources.source)
        assert re.search(r"section|\b\d+\.\d+", sources.source)


def test_the_template_has_one_of_everything_and_keeps_the_rules_of_form():
    lesson = Lesson(ROOT / "docs" / "lesson_template.ipynb")
    every = TestEveryLesson()
    every.test_has_every_part_and_no_unknown_tag(lesson)
    every.test_is_in_order(lesson)
    every.test_opens_with_three_to_five_goals_that_can_be_observed(lesson)
    every.test_opens_with_the_minutes_of_each_part(lesson)
    every.test_marks_a_class_path(lesson)
    assert lesson.calls("exercise") == ["function_name"]


@pytest.mark.parametrize("prose", [
    "It is wrong in 17 % of all cases.", "It is 0.17 away.", "About 1,700 tokens.", "Layer 17 does it.", "(17)",
    "**17** of them", "17", "an error of -17", "17× as many", "x = 17", "17\u202f000 words",
])  # fmt: skip
def test_a_number_that_no_cell_knows_is_found(prose):
    code = Cell("code", "print(3)  # 17 or 0.17 or 1700 or 17000", frozenset({"idea"}), "3")
    part = Part("A part", [Cell("markdown", prose, frozenset({"idea"}), ""), code])
    assert len(unsupported_numbers(part)) == 1
