"""The same class elsewhere: Binder's files, The Littlest JupyterHub, Kubernetes, and links that pull lessons."""

import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from packaging.requirements import Requirement
from traitlets.config import Config

from llmviz.classroom.config_text import CULL_SERVERS_AFTER, HOME_IN_CONTAINER
from llmviz.classroom.links import pull_link

ROOT = Path(__file__).resolve().parent.parent.parent
VALUES = yaml.safe_load((ROOT / "deploy" / "z2jh-values.yaml").read_text())
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def test_kubernetes_gets_every_mend():
    hub, student = VALUES["hub"], VALUES["singleuser"]
    assert hub["concurrentSpawnLimit"] >= 30
    assert (hub["config"]["KubeSpawner"]["http_timeout"], student["startTimeout"]) == (180, 240)
    assert student["cmd"][:3] == ["python", "-m", "llmviz.classroom.student"]
    assert student["cmd"][4] == student["storage"]["homeMountPath"] == HOME_IN_CONTAINER
    assert student["extraEnv"] == {"OMP_NUM_THREADS": "1"}
    assert (student["memory"]["limit"], student["cpu"]["limit"]) == ("1.2G", 2)
    assert (VALUES["cull"]["enabled"], VALUES["cull"]["timeout"]) == (True, CULL_SERVERS_AFTER)
    assert VALUES["proxy"]["https"]["enabled"] is True


def test_kubernetes_lets_in_only_who_is_named():
    """The names are JupyterHub's own; Zero to JupyterHub hands them on as they are."""
    oauthenticator = pytest.importorskip("oauthenticator.generic", reason="oauthenticator needs Unix")
    from jupyterhub.app import JupyterHub

    config = VALUES["hub"]["config"]
    assert set(config["JupyterHub"]) <= set(JupyterHub.class_traits(config=True))
    authenticator = oauthenticator.GenericOAuthenticator
    for section in ("GenericOAuthenticator", "Authenticator"):
        assert set(config[section]) <= set(authenticator.class_traits(config=True))
    made = authenticator(config=Config({name: config[name] for name in ("GenericOAuthenticator", "Authenticator")}))
    assert made.allow_all is False
    assert made.allowed_users >= {"student01"}


def test_the_littlest_jupyterhub_gets_a_configuration_that_jupyterhub_takes():
    pytest.importorskip("jupyterhub", reason="JupyterHub needs Unix")
    from jupyterhub.app import JupyterHub
    from jupyterhub.spawner import Spawner

    config = Config()
    runpy.run_path(str(ROOT / "deploy" / "tljh_llmviz.py"), init_globals={"get_config": lambda: config})
    assert set(config) == {"JupyterHub", "Spawner"}
    assert JupyterHub(config=config).concurrent_spawn_limit >= 30
    made = Spawner(config=config)
    assert (made.http_timeout, made.start_timeout) == (180, 240)
    assert made.cmd[1:] == ["-m", "llmviz.classroom.student"]
    assert made.environment["OMP_NUM_THREADS"] == "1"
    assert set(config.Spawner) <= set(Spawner.class_traits(config=True))


def test_its_requirements_are_the_package_with_our_pins():
    file = ROOT / "deploy" / "tljh-requirements.txt"
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    constraints, package, *others = lines
    assert (file.parent / constraints.removeprefix("-c ")).resolve() == ROOT / "constraints.txt"
    assert package == "-e ."
    pins = (ROOT / "constraints.txt").read_text()
    assert all(re.search(rf"^{Requirement(other).name}==", pins, re.MULTILINE) for other in others)


def test_binder_finds_its_files_and_they_do_what_they_say(tmp_path):
    """repo2docker reads environment.yml and postBuild beside each other, unless there is a folder binder/."""
    assert not (ROOT / "binder").exists() and not (ROOT / ".binder").exists()
    script = ROOT / "postBuild"
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", str(script)]).returncode == 0
    assert f'mkdir -p "$HOME/{Path(HOME_IN_CONTAINER).name}"' in script.read_text()


@pytest.fixture
def school(tmp_path):
    """A teacher's repository with one lesson, ready to be pulled."""
    folder = tmp_path / "school" / "llmviz.git"
    (folder / "notebooks").mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    publish(folder, "first version")
    return folder


def git(folder, *arguments):
    names = ["-c", "user.name=Teacher", "-c", "user.email=teacher@example.org"]
    subprocess.run(["git", *names, *arguments], cwd=folder, check=True, capture_output=True)


def notebook(*texts):
    cells = [{"cell_type": "markdown", "id": f"c{n}", "metadata": {}, "source": text} for n, text in enumerate(texts)]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def publish(folder, *texts, name="03_attention.ipynb"):
    (folder / "notebooks" / name).write_text(notebook(*texts))
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "lesson")


@needs_git
def test_a_link_pulls_new_lessons_and_keeps_what_a_student_wrote(school, tmp_path):
    """The outside judge: nbgitpuller itself, twice, with the link's own words."""
    pytest.importorskip("nbgitpuller", reason="nbgitpuller needs Unix")
    link = pull_link("http://127.0.0.1:8000", school.as_uri(), "03")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
    home = tmp_path / "home" / asked["targetpath"]
    opened = tmp_path / "home" / asked["urlpath"].removeprefix("lab/tree/")

    def pull():
        command = [sys.executable, "-m", "nbgitpuller.pull", asked["repo"], asked["branch"], str(home)]
        subprocess.run(command, check=True, capture_output=True)

    pull()
    assert "first version" in opened.read_text()
    opened.write_text(notebook("first version", "my answer"))
    publish(school, "second version")
    publish(school, "a new lesson", name="04_transformer.ipynb")
    pull()
    assert "my answer" in json.dumps(json.loads(opened.read_text()))
    assert "a new lesson" in (home / "notebooks" / "04_transformer.ipynb").read_text()
