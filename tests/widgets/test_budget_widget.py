"""The budget explorer: the page computes what Python computes, at every position of its sliders."""

from itertools import product
from pathlib import Path

import pytest
from nodes import needs_node, node

from llmviz.training import scaling
from llmviz.widgets import BudgetExplorer

MODULE = Path(__file__).parents[2] / "llmviz" / "widgets" / "js" / "budget.js"
BUDGET = BudgetExplorer({"published": scaling.PUBLISHED_LAWS}, limits={"published": 21.5})


@needs_node
def test_the_page_plans_as_python_does():
    payload = BUDGET.traits()["payload"]
    states = [{"law": 0, "machine": machine, "count": count, "day": day, "size": size}
              for machine, count, day, size in product((0, 1), (0, 7), (0, 7), (0, 6, 12))]  # fmt: skip
    found = node(MODULE, "return given.states.map((one) => budgetPlan(given.payload, one));",
                 {"payload": payload, "states": states})  # fmt: skip
    for state, plan in zip(states, found, strict=True):
        machine = payload["machines"][state["machine"]]
        seconds = payload["counts"][state["count"]] * payload["days"][state["day"]] * 86_400
        compute = machine["speed"] * machine["used"] * seconds
        best = scaling.PUBLISHED_LAWS[0].best_size(compute)
        size = best * payload["sizes"][state["size"]]
        losses = [law.loss(size, compute / 6 / size) for law in scaling.PUBLISHED_LAWS]
        assert (plan["compute"], plan["best"]) == pytest.approx((compute, best))
        assert (plan["loss"], plan["low"], plan["high"]) == pytest.approx((losses[0], min(losses), max(losses)))
        assert plan["memory"] == pytest.approx(16 * size)
        assert plan["kilowattHours"] == pytest.approx(machine["watts"] * seconds / 3.6e6)


@needs_node
@pytest.mark.parametrize("state", [{}, {"count": -3, "day": 99, "size": "x", "law": None, "machine": 1e9}])
def test_positions_that_do_not_exist_become_near_ones(state):
    given = {"payload": BUDGET.traits()["payload"], "state": state}
    plan = node(MODULE, "return budgetPlan(given.payload, given.state);", given)
    assert plan["loss"] > 1 and plan["tokens"] > 0


@needs_node
def test_numbers_are_spoken_in_words():
    given = [7, 1234, 5.3e6, 8.03e9, 1.5e13, 4.2e21]
    expected = ["7", "1.2 thousand", "5.3 million", "8 billion", "15 trillion", "4.2 · 10²¹"]
    assert node(MODULE, "return given.map(spoken);", given) == expected


def test_it_says_the_best_size_of_a_day_and_how_far_the_fits_differ():
    assert "1 day: 4.1e+15 operations" in repr(BUDGET)
    assert "at most 3e+21 operations" in repr(BUDGET)
    rows = BUDGET.table().rows
    assert min(float(row[3]) for row in rows) == float(rows[6][3])
    assert BUDGET.picture()


def test_refuses_what_is_no_law():
    with pytest.raises(ValueError, match="laws must map names to fitted laws"):
        BudgetExplorer({}, limits={})
    with pytest.raises(ValueError, match="five numbers above 0: floor, a, alpha, b, beta"):
        BudgetExplorer({"bad": [(1, 2, 3)]}, limits={"bad": 3})
    with pytest.raises(ValueError, match="a power of ten for each of 'published'"):
        BudgetExplorer({"published": scaling.PUBLISHED_LAWS}, limits={})
    with pytest.raises(ValueError, match="powers of ten from 0 to 40"):
        BudgetExplorer({"published": scaling.PUBLISHED_LAWS}, limits={"published": 3e11})
