"""Every demonstration shows on the first seed what its lesson says, and the committed bounds belong to its claims."""

import json

import claims
import measure_claims
import pytest
from claims import above, below, between, demo

DEMOS = [
    pytest.param(lesson, one, id=f"{lesson}-{one.name}") for lesson in claims.lessons() for one in claims.demos(lesson)
]


def committed(lesson: str) -> dict:
    """The bounds of a lesson as `make evidence` wrote them."""
    path = claims.BOUNDS / f"{lesson}.json"
    assert path.exists(), f'run make evidence ARGS="{lesson}" and commit tests/evidence/bounds/{lesson}.json'
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize(("lesson", "one"), DEMOS)
def test_the_effect_is_there(lesson, one):
    assert one.broken(one.measure_for_the_test()) == []


@pytest.mark.parametrize(("lesson", "one"), DEMOS)
def test_the_committed_bounds_are_those_of_its_claims_and_hold_on_every_seed(lesson, one):
    """Otherwise a claim was changed without running `make evidence`."""
    entry = committed(lesson)["demos"][one.name]
    assert entry["says"] == one.says
    assert {name: bound["claim"] for name, bound in entry["numbers"].items()} == {
        name: str(claim) for name, claim in one.claims.items()
    }
    for name, bound in entry["numbers"].items():
        worst = min(one.claims[name].margin(bound[edge]) for edge in ("min", "max"))
        assert bound["min"] <= bound["max"]
        assert bound["margin"] == pytest.approx(worst, rel=1e-2, abs=1e-3 * max(abs(bound["min"]), abs(bound["max"])))
        assert bound["margin"] > 0


def test_every_file_of_bounds_belongs_to_demos_that_exist():
    assert {path.stem for path in claims.BOUNDS.glob("*.json")} == set(claims.lessons())
    for lesson in claims.lessons():
        found = committed(lesson)
        assert found["seeds"] == list(claims.SEEDS) and len(claims.SEEDS) >= 3
        assert list(found["demos"]) == [one.name for one in claims.demos(lesson)]
        assert found["demos"], f"tests/evidence/{lesson}.py has no demo"


@demo(share=above(0.5), loss=below(2), steps=between(1, 5))
def three_numbers(seed):
    """A sentence
    of the lesson."""
    return {"share": 0.5 + 0.1 * (seed + 1), "loss": 1.0, "steps": 3}


def test_a_demo_names_what_is_broken_its_extremes_and_its_worst_margin():
    assert three_numbers.broken(three_numbers.measure(0)) == []
    assert three_numbers.broken({"share": 0.5, "loss": 2.5, "steps": 5}) == [
        "three_numbers: share should be above 0.5, and is 0.5",
        "three_numbers: loss should be below 2, and is 2.5",
        "three_numbers: steps should be between 1 and 5, and is 5",
    ]
    entry = three_numbers.bounds([three_numbers.measure(seed) for seed in (0, 1, 2)])
    assert entry["says"] == "A sentence of the lesson."
    assert entry["numbers"]["share"] == {"claim": "above 0.5", "min": 0.6, "max": 0.8, "margin": 0.1}


def test_a_demo_must_return_the_numbers_that_it_claims():
    def silent(seed):
        """Says."""
        return {}

    assert demo(stand_in=lambda: {"loss": 1}, loss=below(2))(silent).measure_for_the_test() == {"loss": 1}
    with pytest.raises(ValueError, match=r"claims \['loss'\], and returned \[\]"):
        demo(loss=below(2))(silent).measure(0)
    with pytest.raises(ValueError, match=r"no number: \{'loss': nan\}"):
        demo(stand_in=lambda: {"loss": float("nan")}, loss=below(2))(silent).measure_for_the_test()
    with pytest.raises(ValueError, match="without a claim"):
        demo()


@pytest.mark.parametrize(("seeds", "code"), [((0, 1, 2), 0), ((0, 1, -1), 1)])
def test_the_command_writes_bounds_only_where_every_claim_holds(seeds, code, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(claims, "BOUNDS", tmp_path)
    monkeypatch.setattr(claims, "SEEDS", seeds)
    monkeypatch.setattr(claims, "lessons", lambda: ["one"])
    monkeypatch.setattr(claims, "demos", lambda lesson: [three_numbers])
    assert measure_claims.main(["one"]) == code
    assert (tmp_path / "one.json").exists() is (code == 0)
    said = capsys.readouterr()
    expected = "seed -1: three_numbers: share should be above" if code else "share: 0.6 … 0.8, claimed above 0.5"
    assert expected in said.out + said.err
    assert measure_claims.main(["two"]) == 1
    assert "No demos for two; there are: one" in capsys.readouterr().err
