"""The benchmarks' arithmetic and report, on made-up numbers; the measuring itself is `make bench`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parent / "benchmarks"))

import bench_tinyville
import measuring
import run
from measuring import Finding, NotMeasured, SubjectReport, Target

from llmviz.training.loop import TrainingStep

pytestmark = pytest.mark.slow
FOLDER = Path(run.__file__).resolve().parent
MACHINE = {
    "cpu": "a slow one", "cores": 2, "torch_threads": 2, "system": "Linux", "python": "3.12.1",
    "versions": {"torch": "2.13.0"}, "load_before": 0.1,
}  # fmt: skip


@pytest.mark.parametrize(
    ("target", "value", "met"),
    [
        (Target(5), 7.9, True),
        (Target(5), 5.0, True),
        (Target(5), 4.9, False),
        (Target(3, is_minimum=False), 2.1, True),
        (Target(3, is_minimum=False), 3.1, False),
    ],
)
def test_a_target_is_met_on_its_side_and_at_its_limit(target, value, met):
    assert target.is_met(value) is met


def test_a_target_is_said_with_its_verdict():
    assert Target(5).judge(7.9, "7.9×") == "target ≥ 5×: 7.9× met"
    assert Target(3, is_minimum=False).judge(3.4, "3.4×") == "target ≤ 3×: 3.4× NOT MET"


@pytest.mark.parametrize(("per", "ratio"), [("time", 0.5), ("faster", 2.0), ("speed", 0.5)])
def test_the_ratio_is_that_of_the_medians_and_its_direction_is_named(per, ratio):
    """Medians 2 and 4; the outlier of 100 changes nothing."""
    found = measuring.compare("x", [1.0, 2.0, 100.0], [4.0, 4.0, 3.0], peer_name="them", unit="s", per=per)
    assert found.numbers["ratio"] == ratio
    assert found.is_met is None
    assert found.target is None


def test_a_comparison_tells_target_medians_and_spread():
    found = measuring.compare(
        "learning", [2.0, 2.0, 3.0], [20.0, 16.0, 15.0], peer_name="them", unit="s", per="faster", target=Target(5)
    )
    assert str(found) == ("learning: target ≥ 5×: 8.0× met (ours 2.00, them 16.0 s, single turns 5.0× to 10.0×)")
    assert (found.target, found.is_met) == ("≥ 5×", True)


@pytest.mark.parametrize("peer", [[], [1.0, 2.0]])
def test_a_comparison_needs_as_many_turns_of_both(peer):
    with pytest.raises(ValueError, match="take turns"):
        measuring.compare("x", [1.0] * (len(peer) and 1), peer, peer_name="them", unit="s")


def test_a_value_is_the_median_and_judged_as_such():
    loss = measuring.measure("loss", [1.95, 1.86, 1.87], "nats", target=Target(1.88, is_minimum=False, unit=" nats"))
    assert str(loss) == "loss: target ≤ 1.88 nats: 1.87 nats met"


def test_a_peer_that_never_gets_there_gives_a_bound_and_no_number():
    found = measuring.bounded_ratio("time", 100.0, None, limit=425.0, peer_name="them", unit="s")
    assert str(found) == "time: more than 4.2× ours (ours 100, them not reached in 425 s)"
    assert (found.numbers["peer"], found.numbers["is_bound"]) == (None, True)
    arrived = measuring.bounded_ratio("time", 100.0, 300.0, limit=425.0, peer_name="them", unit="s")
    assert str(arrived) == "time: 3.0× ours (ours 100, them 300 s)"


def test_players_take_turns_and_the_first_round_does_not_count():
    order = []

    def player(name):
        return lambda: order.append(name) or float(len(order))

    found = measuring.take_turns({"a": player("a"), "b": player("b")}, 2)
    assert order == ["a", "b"] * 3
    assert found == {"a": [3.0, 5.0], "b": [4.0, 6.0]}
    assert measuring.take_turns({"a": lambda: 1.0}, 2, warm_up=False) == {"a": [1.0, 1.0]}


@pytest.mark.parametrize(("load", "beginning"), [(0.2, ""), (3.1, "WARNING"), (None, "This system")])
def test_a_busy_machine_is_said(load, beginning):
    warning = measuring.load_warning(load)
    assert warning.startswith(beginning)
    assert bool(warning) is bool(beginning)
    assert warning in run.describe_machine(MACHINE | {"load_before": load})


def stops_with(problem):
    yield Finding("first", "1 s")
    raise problem


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (NotMeasured("no text here."), "toys: not measured: no text here."),
        (ModuleNotFoundError("…", name="transformers"), "toys: not measured: transformers is not installed; `make"),
        (RuntimeError("all broke"), "toys: not measured: it failed with RuntimeError: all broke"),
    ],
)
def test_what_cannot_be_measured_is_said_and_the_rest_kept(problem, said):
    report, seen = SubjectReport(), []
    measuring.run_subject("toys", stops_with(problem), report, seen.append)
    assert seen == report.findings
    assert report.findings[0] == Finding("first", "1 s")
    assert str(report.findings[1]).startswith(said)
    assert report.is_complete
    assert said[:20] in run.verdict({"toys": report})


def test_a_stopped_subject_keeps_what_it_has_and_is_marked():
    report = SubjectReport()
    with pytest.raises(KeyboardInterrupt):
        measuring.run_subject("toys", stops_with(KeyboardInterrupt()), report, lambda finding: None)
    assert report.findings == [Finding("first", "1 s")]
    assert not report.is_complete


def test_the_results_are_json_that_holds_everything(tmp_path):
    path = tmp_path / "new" / "bench.json"
    slow = measuring.compare("slow", [2.0], [2.0], peer_name="them", unit="s", per="faster", target=Target(5))
    reports = {
        "toys": SubjectReport([slow, Finding("plain", "1 s")], is_complete=True, seconds=1.5),
        "more": SubjectReport(),
    }
    run.write_results(path, MACHINE, reports, is_quick=True)
    results = json.loads(path.read_text(encoding="utf-8"))
    assert results["machine"] == MACHINE
    assert results["quick"] is True
    assert [path.name for path in path.parent.iterdir()] == ["bench.json"]
    toys = results["subjects"]["toys"]
    assert (toys["is_complete"], toys["seconds"]) == (True, 1.5)
    assert toys["findings"][0]["numbers"]["ratio"] == 1.0
    assert (toys["findings"][0]["target"], toys["findings"][0]["is_met"]) == ("≥ 5×", False)
    assert results["subjects"]["more"] == {"findings": [], "is_complete": False, "seconds": 0.0}


def test_the_verdict_counts_targets_and_names_those_missed():
    met = measuring.measure("good", [1.0], "s", target=Target(2, is_minimum=False, unit=" s"))
    missed = measuring.measure("bad", [3.0], "s", target=Target(2, is_minimum=False, unit=" s"))
    lines = run.verdict({"toys": SubjectReport([met, missed, Finding("plain", "1 s")])}).splitlines()
    assert lines == ["1 of 2 targets met.", "  bad: target ≤ 2 s: 3.00 s NOT MET"]


def test_each_subject_has_its_file_and_they_load_nothing_before_they_are_asked_for():
    assert {f"bench_{name}.py" for name in run.SUBJECTS} == {path.name for path in FOLDER.glob("bench_*.py")}
    program = "import sys, run; print(*{'torch', 'transformers', 'tokenizers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=FOLDER, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_an_unknown_subject_is_refused(capsys):
    with pytest.raises(SystemExit):
        run.main(["--only", "cooking"])
    assert "cooking" in capsys.readouterr().err


def test_ctrl_c_keeps_what_is_done(tmp_path, monkeypatch, capsys):
    class Subject:
        @staticmethod
        def findings(quick):
            return stops_with(KeyboardInterrupt())

    monkeypatch.setitem(sys.modules, "bench_bpe", Subject)
    monkeypatch.setattr(run, "machine", lambda: MACHINE)
    path = tmp_path / "bench.json"
    assert run.main(["--only", "bpe", "--out", str(path)]) == run.INTERRUPTED
    subject = json.loads(path.read_text(encoding="utf-8"))["subjects"]["bpe"]
    assert [finding["name"] for finding in subject["findings"]] == ["first"]
    assert not subject["is_complete"]
    assert "Stopped." in capsys.readouterr().err


class FakeStories:
    """The gap of a "model" that is a list of gaps, one a look."""

    def gap(self, model, n_stories=1):
        return model.pop(0)


def racer(name, gaps, seconds_per_step, n_steps=60):
    steps = (TrainingStep(i, 1.0, 0.1, 100, seconds_per_step) for i in range(1, n_steps + 1))
    return bench_tinyville.Racer(name, gaps, steps, n_steps)


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
