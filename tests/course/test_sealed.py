"""A prediction is asked in a cell of its own that holds nothing of the answer; a later cell reveals it."""

import ast
import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("[0-9]*.ipynb"))


def calls(cell, method):
    """The names that `lesson.<method>("name", …)` is called with in a cell."""
    source = "".join("\n" if line.startswith(("%", "!")) else line for line in cell["source"])
    nodes = ast.walk(ast.parse(source)) if cell["cell_type"] == "code" else ()
    found = [node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == f"lesson.{method}"]
    return [ast.literal_eval(node.args[0]) for node in found]


def only_asks(cell):
    """Whether a cell holds nothing but calls `lesson.predict("name")`, and shows nothing but their widgets."""
    statements = ast.parse("".join(cell["source"])).body
    expected = {f"lesson.predict({name!r})" for name in calls(cell, "predict")}
    texts = ["".join(output.get("data", {}).get("text/plain", "")) for output in cell["outputs"]]
    is_silent = all(text.startswith("Predict: ") for text in texts)
    return is_silent and {ast.unparse(statement) for statement in statements} == expected


def not_sealed(cells):
    """The predictions that are asked beside something else, or not revealed in a later cell."""
    found = set()
    for place, cell in enumerate(cells):
        later = {name for one in cells[place + 1 :] for name in calls(one, "reveal")}
        if names := calls(cell, "predict"):
            found |= {name for name in names if name not in later or not only_asks(cell)}
    return found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_cell_that_asks_holds_nothing_of_the_answer(path):
    assert not_sealed(json.loads(path.read_text(encoding="utf-8"))["cells"]) == set()


def code(source, *outputs):
    return {"cell_type": "code", "source": source.splitlines(keepends=True), "outputs": list(outputs)}


WIDGET = {"output_type": "display_data", "data": {"text/plain": ["Predict: how many?"]}}
PRINT = {"output_type": "stream", "text": ["4\n"]}


@pytest.mark.parametrize(
    ("asks", "sealed"),
    [
        (code('lesson.predict("n")', WIDGET), True),
        (code('# How many?\nlesson.predict("n")\nlesson.predict("m")', WIDGET, WIDGET), True),
        (code('lesson.predict("n")\nassert 2 + 2 == 4', WIDGET), False),
        (code('n = 2 + 2\nlesson.predict("n")', WIDGET), False),
        (code('lesson.predict("n")', WIDGET, PRINT), False),
    ],
)
def test_what_is_sealed(asks, sealed):
    assert not_sealed([asks, code('lesson.reveal("n", 4)\nlesson.reveal("m", 5)')]) == (set() if sealed else {"n"})
    assert not_sealed([code('lesson.reveal("n", 4)'), asks]) >= {"n"}
