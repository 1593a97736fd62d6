"""Every demonstration does on the first seed what its lesson says, and the committed bounds are its own."""

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
    """Otherwise somebody changed a claim and did not run `make evidence`."""
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


def test_a_demo_says_what_is_broken_and_by_how_much():
    assert three_numbers.broken(three_numbers.measure(0)) == []
    assert three_numbers.broken({"share": 0.5, "loss": 2.5, "steps": 5}) == [
        "three_numbers: share should be above 0.5, and is 0.5",
        "three_numbers: loss should be below 2, and is 2.5",
        "three_numbers: steps should be between 1 and 5, and is 5",
    ]


def test_a_stand_in_is_held_against_the_same_claims():
    def long(seed):
        """Says."""
        raise AssertionError("this trains for minutes")

    assert demo(stand_in=lambda: {"loss": 1}, loss=below(2))(long).measure_for_the_test() == {"loss": 1}
    with pytest.raises(ValueError, match="returned"):
        demo(stand_in=dict, loss=below(2))(long).measure_for_the_test()


def test_the_bounds_are_the_extremes_and_the_margin_of_the_worst():
    entry = three_numbers.bounds([three_numbers.measure(seed) for seed in (0, 1, 2)])
    assert entry["says"] == "A sentence of the lesson."
    assert entry["numbers"]["share"] == {"claim": "above 0.5", "min": 0.6, "max": 0.8, "margin": 0.1}
    assert entry["numbers"]["steps"] == {"claim": "between 1 and 5", "min": 3.0, "max": 3.0, "margin": 2.0}


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        ({}, r"claims \['loss'\], and returned \[\]"),
        ({"loss": 1, "share": 2}, r"returned \['loss', 'share'\]"),
        ({"loss": float("nan")}, "no number: {'loss': nan}"),
    ],
)
def test_a_demo_that_returns_something_else_is_refused(returned, sentence):
    def other(seed):
        """Says."""
        return returned

    with pytest.raises(ValueError, match=sentence):
        demo(loss=below(2))(other).measure(0)


def test_what_shows_nothing_is_no_demo():
    with pytest.raises(ValueError, match="without a claim"):
        demo()
    with pytest.raises(ValueError, match="needs a docstring"):
        demo(loss=below(2))(lambda seed: {"loss": 1})
    with pytest.raises(ValueError, match="the smaller one comes first"):
        between(2, 1)


@pytest.fixture
def made_up(monkeypatch, tmp_path):
    """A house with one lesson, and its folder of bounds."""
    monkeypatch.setattr(claims, "BOUNDS", tmp_path)
    monkeypatch.setattr(claims, "lessons", lambda: ["one"])
    monkeypatch.setattr(claims, "demos", lambda lesson: [three_numbers])
    return tmp_path


def test_the_command_writes_readable_bounds(made_up, capsys):
    assert measure_claims.main([]) == 0
    assert json.loads((made_up / "one.json").read_text())["demos"]["three_numbers"]["numbers"]["loss"]["max"] == 1.0
    assert "share: 0.6 … 0.8, claimed above 0.5" in capsys.readouterr().out


def test_the_command_writes_nothing_where_a_claim_breaks_on_one_seed(made_up, monkeypatch, capsys):
    monkeypatch.setattr(claims, "SEEDS", (0, 1, -1))
    assert measure_claims.main(["one"]) == 1
    assert not list(made_up.iterdir())
    assert "seed -1: three_numbers: share should be above 0.5, and is 0.5" in capsys.readouterr().err


def test_the_command_names_the_lessons_that_there_are(made_up, capsys):
    assert measure_claims.main(["two"]) == 1
    assert "No demos for two; there are: one" in capsys.readouterr().err
