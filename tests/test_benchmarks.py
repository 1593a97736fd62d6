"""The benchmarks' arithmetic and report, on made-up numbers; the measuring itself is `make bench`."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.append(str(Path(__file__).resolve().parent / "benchmarks"))

import bench_tinyville
import measuring
import run
from measuring import Finding

from llmviz.training.loop import TrainingStep

pytestmark = pytest.mark.slow
FOLDER = Path(run.__file__).resolve().parent
MACHINE = {
    "cpu": "a slow one", "cores": 2, "torch_threads": 2, "system": "Linux", "python": "3.12.1",
    "versions": {"torch": "2.13.0"}, "load_before": 0.1,
}  # fmt: skip


@pytest.mark.parametrize(("per", "ratio"), [("time", 0.5), ("faster", 2.0), ("speed", 0.5)])
def test_the_ratio_is_that_of_the_medians_and_its_direction_is_named(per, ratio):
    """Medians 2 and 4; the outlier of 100 changes nothing."""
    found = measuring.compare("x", [1.0, 2.0, 100.0], [4.0, 4.0, 3.0], peer_name="them", unit="s", per=per)
    assert (found.numbers["ratio"], found.is_met, found.target) == (ratio, None, None)
    with pytest.raises(ValueError, match="take turns"):
        measuring.compare("x", [1.0], [1.0, 2.0], peer_name="them", unit="s")


def test_players_take_turns_and_the_first_round_does_not_count():
    order = []

    def player(name):
        return lambda: order.append(name) or float(len(order))

    found = measuring.take_turns({"a": player("a"), "b": player("b")}, 2)
    assert order == ["a", "b"] * 3
    assert found == {"a": [3.0, 5.0], "b": [4.0, 6.0]}


def stops_with(problem):
    yield Finding("first", "1 s")
    raise problem


def test_each_subject_has_its_file_and_they_load_nothing_before_they_are_asked_for():
    assert {f"bench_{name}.py" for name in run.SUBJECTS} == {path.name for path in FOLDER.glob("bench_*.py")}
    program = "import sys, run; print(*{'torch', 'transformers', 'tokenizers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=FOLDER, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(("seconds", "code"), [(2.9, run.OK), (3.1, run.MISSED)])
def test_a_target_that_is_missed_is_named_and_fails(tmp_path, monkeypatch, capsys, seconds, code):
    target = measuring.Target(3, is_minimum=False)
    found = measuring.compare("no spaces", [seconds], [1.0], peer_name="words", unit="s", target=target)
    monkeypatch.setitem(sys.modules, "bench_bpe", SimpleNamespace(findings=lambda quick: iter([found])))
    monkeypatch.setattr(run, "machine", lambda: MACHINE)
    assert run.main(["--only", "bpe", "--out", str(tmp_path / "bench.json")]) == code
    assert ("NOT MET" in capsys.readouterr().out) == (code == run.MISSED)


def test_ctrl_c_keeps_what_is_done(tmp_path, monkeypatch, capsys):
    subject = SimpleNamespace(findings=lambda quick: stops_with(KeyboardInterrupt()))
    monkeypatch.setitem(sys.modules, "bench_bpe", subject)
    monkeypatch.setattr(run, "machine", lambda: MACHINE)
    path = tmp_path / "new" / "bench.json"
    assert run.main(["--only", "bpe", "--out", str(path)]) == run.INTERRUPTED
    results = json.loads(path.read_text(encoding="utf-8"))
    assert results["machine"] == MACHINE
    found = results["subjects"]["bpe"]
    assert ([finding["name"] for finding in found["findings"]], found["is_complete"]) == (["first"], False)
    assert "Stopped." in capsys.readouterr().err


class FakeStories:
    """The gap of a "model" that is a list of gaps, one a look."""

    def gap(self, model, n_stories=1):
        return model.pop(0)


def racer(name, gaps, seconds_per_step, n_steps=60):
    steps = (TrainingStep(i, 1.0, 0.1, seconds_per_step) for i in range(1, n_steps + 1))
    return bench_tinyville.Racer(name, gaps, steps, n_steps, 100)


def test_a_race_goes_on_where_the_clock_is_behind_and_notes_when_a_goal_is_reached():
    """Looks every 20 s; a turn of ours takes 20 s, one of theirs 40 s: three turns and three looks each."""
    ours, theirs = racer("ours", [0.3, 0.09, 0.04], 1.0), racer("theirs", [0.9, 0.5, 0.08], 2.0)
    bench_tinyville.race([ours, theirs], FakeStories(), look_every=20)
    assert ours.gaps == [(20, 2000, 0.3), (40, 4000, 0.09), (60, 6000, 0.04)]
    assert ours.is_over and theirs.is_over
    assert ours.reached(0.10) == (40, 4000)
    assert theirs.reached(0.10) == (120, 6000)
    assert theirs.reached(0.05) is None
    time, tokens = bench_tinyville.to_goal(0.10, ours, [theirs])
    assert (time.numbers["ratio"], tokens.numbers["ratio"]) == (3.0, 1.5)
    time, tokens = bench_tinyville.to_goal(0.05, ours, [theirs])
    assert (time.numbers["ratio"], time.numbers["is_bound"], time.numbers["peer"]) == (2.0, True, None)
    assert "more than" in time.text
    (unreached,) = bench_tinyville.to_goal(0.01, ours, [theirs])
    assert unreached.text == "not measured: ours did not reach it in 60.0 s"
