"""`llmviz class` before anything starts: what it shows, what it refuses, and in which words."""

import re
import sys

import pytest

from llmviz import cli
from llmviz.classroom import starting
from llmviz.classroom.plan import ClassPlan, numbered_students
from llmviz.cli import parsing

REFUSED = {
    "try mode on the network": ("--address 0.0.0.0", "try mode isolates nobody, so it answers on this machine only"),
    "passwords in the clear": ("--mode systemd --address 0.0.0.0", "passwords would travel to 0.0.0.0 for everybody"),
    "half of TLS": ("--mode docker --certificate cert.pem", "TLS takes two files"),
    "TLS files that are not there": ("--mode docker --certificate a --key b", "there is no file a; give the certif"),
    "no address": ("--address classroom", "'classroom' is not an address of this machine"),
    "nobody": ("--students empty.txt", r"empty\.txt holds no text"),
    "a roster of notes": ("--students notes.txt", r"notes\.txt names no student; write one user name a line"),
    "a roster that is not there": ("--students none.txt", r"There is no file none\.txt"),
    "a name with a space": ("--students spaced.txt", r"line 2 of spaced\.txt is no user name: 'ada lovelace'"),
    "a name twice": ("--students twice.txt", "mia is named more than once"),
    "another number than names": ("--students good.txt --size 3", r"good\.txt names 2 students, and --size says 3"),
    "too many": ("--size 5000", "a class has 1 to 500 students; given 5000"),
    "a teacher among the students": ("--teacher student01", "student01 is both the teacher and a student"),
    "a teacher with a blank": ("--teacher §", "'§' is no user name for the teacher"),
    "a port too high": ("--port 70000", "a port is a whole number from 1 to 65533; given 70000"),
    "no class to start": ("start --folder nowhere", "there is no class in nowhere; begin one with llmviz class"),
    "a link to no lesson": ("link --hub https://h.example --repo https://g.example/a/llmviz --lesson 99", "no lesson"),
    "a link to no hub": ("link --hub h.example --repo https://g.example/a/llmviz", "the hub is an address such as"),
}
ROSTERS = {
    "empty.txt": " \n", "notes.txt": "# class 7b\n", "spaced.txt": "mia\nAda Lovelace\n", "twice.txt": "mia\nMia\n",
    "good.txt": "Mia  # sits at the window\n\nnoah\n",
}  # fmt: skip


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in ROSTERS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(("options", "sentence"), REFUSED.values(), ids=REFUSED)
def test_bad_wishes_get_one_sentence_and_change_nothing(place, capsys, options, sentence):
    code = cli.main(["class", *options.split()])
    said = capsys.readouterr()
    assert code == parsing.FAILED
    (line,) = said.err.splitlines()
    assert re.search(sentence, line), line
    assert len(line) < 400
    assert {path.name for path in place.iterdir()} == set(ROSTERS)


def test_the_configuration_can_be_read_before_anything_is_written(place, capsys):
    assert cli.main(["class", "--students", "good.txt", "--mode", "systemd", "--show-config"]) == parsing.OK
    text = capsys.readouterr().out
    compile(text, "jupyterhub_config.py", "exec")
    assert "mia noah\n" in text
    assert "allow_all" not in text
    assert not (place / "class").exists()


@pytest.fixture
def plan(tmp_path):
    return ClassPlan(numbered_students(2), tmp_path / "class")


@pytest.mark.parametrize(
    ("mode", "login", "module", "package"),
    [
        ("try", "native", "jupyterhub", "jupyterhub"),
        ("try", "native", "jupyterhub_idle_culler", "jupyterhub-idle-culler"),
        ("systemd", "native", "systemdspawner", "jupyterhub-systemdspawner"),
        ("docker", "native", "dockerspawner", "dockerspawner"),
        ("docker", "native", "nativeauthenticator", "jupyterhub-nativeauthenticator"),
        ("docker", "oauth", "oauthenticator", "oauthenticator"),
    ],
)
def test_what_is_not_installed_is_named_with_the_way_to_install_it(tmp_path, monkeypatch, mode, login, module, package):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(starting.importlib.util, "find_spec", lambda name: None if name == module else "there")
    plan = ClassPlan(numbered_students(2), tmp_path / "class", mode, login=login)
    with pytest.raises(
        starting.CannotStart, match=f"a class needs {package}, which is not installed here; install with: pip"
    ):
        starting.check_machine(plan)


def test_a_student_never_takes_over_a_folder_of_the_systems(tmp_path, monkeypatch):
    """systemd would give /var/lib/mysql, with all that is in it, to a student of that name."""
    (tmp_path / "private" / "mia").mkdir(parents=True)
    (tmp_path / "mia").symlink_to(tmp_path / "private" / "mia")
    (tmp_path / "mysql").mkdir()
    monkeypatch.setattr(starting, "STATE", tmp_path)
    monkeypatch.setattr(starting.importlib.util, "find_spec", lambda name: "there")
    with pytest.raises(starting.CannotStart, match=r"^mysql in .* belongs to the system"):
        starting.check_machine(ClassPlan(("mia", "mysql", "new"), tmp_path / "class", "systemd"))


def test_without_jupyterhub_the_command_says_so_and_leaves_nothing_behind(place, monkeypatch, capsys):
    monkeypatch.setattr(starting.importlib.util, "find_spec", lambda name: None)
    assert cli.main(["class", "--size", "2"]) == parsing.FAILED
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("llmviz class: a class needs jupyterhub and jupyterhub-idle-culler, which")
    assert not (place / "class").exists()


def test_the_npm_proxy_is_taken_first_and_a_python_namesake_is_not_mistaken_for_it(tmp_path, monkeypatch):
    """Both are called configurable-http-proxy; only the npm one does TLS."""
    proxy, node = tmp_path / "configurable-http-proxy", tmp_path / "node"
    for file, text in ((proxy, "#!/usr/bin/env node\n"), (node, "#!/bin/sh\n")):
        file.write_text(text)
        file.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert starting.proxy_command(with_tls=True) == [str(proxy)]
    proxy.write_text("#!/usr/bin/python3\n")
    monkeypatch.setattr(starting.importlib.util, "find_spec", lambda name: "there")
    assert starting.proxy_command(with_tls=False)[:2] == [sys.executable, "-c"]
    with pytest.raises(starting.CannotStart, match="TLS needs node's proxy: npm install -g configurable-http-proxy"):
        starting.proxy_command(with_tls=True)
    monkeypatch.setattr(starting.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(starting.CannotStart, match="a class needs a proxy, and none is installed here"):
        starting.proxy_command(with_tls=False)


def test_a_hub_that_cannot_start_is_told_with_the_end_of_its_log(plan, monkeypatch):
    monkeypatch.setattr(starting, "write_folder", lambda plan, proxy: _broken_configuration(plan))
    ends = r"the hub did not start; its log .*hub\.log ends with: .*kites"
    with pytest.raises(starting.CannotStart, match=ends), starting.running_hub(plan):
        raise AssertionError("it runs")


def _broken_configuration(plan):
    for name in ("hub", "secrets"):
        (plan.folder / name).mkdir(parents=True)
    (plan.folder / "secrets" / "api_token").write_text("token")
    config = plan.folder / "jupyterhub_config.py"
    config.write_text("raise SystemExit('no kites here')")
    return config
