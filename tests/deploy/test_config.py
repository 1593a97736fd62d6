"""deploy/: the hub's configuration in every mode, judged by JupyterHub's own classes; settings that are refused."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import class_settings
import pytest
import yaml
from packaging.requirements import Requirement
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
VALUES = yaml.safe_load((DEPLOY / "z2jh-values.yaml").read_text())
needs_hub = pytest.mark.skipif(importlib.util.find_spec("jupyterhub") is None, reason="JupyterHub needs Unix")
KINDS = {
    "try": {},
    "systemd": {"MODE": "systemd"},
    "systemd with TLS": {"MODE": "systemd", "CERTIFICATE": "cert.pem", "KEY": "key.pem"},
    "docker": {"MODE": "docker"},
    "oauth": {"MODE": "systemd", "LOGIN": "oauth"},
}
SERVICE = "https://school.example/oauth"
OAUTH = {
    "client_id": "llmviz", "client_secret": "secret", "authorize_url": f"{SERVICE}/authorize",
    "token_url": f"{SERVICE}/token", "userdata_url": f"{SERVICE}/user", "username_claim": "login",
    "oauth_callback_url": "https://hub.example/hub/oauth_callback",
}  # fmt: skip


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working directory with the files that settings name."""
    monkeypatch.chdir(tmp_path)
    texts = {"cert.pem": "", "key.pem": "", "empty.txt": "# class 7b\n", "twice.txt": "mia\nMia\n",
             "spaced.txt": "mia\nAda Lovelace\n", "good.txt": "Mia  # sits at the window\n\nnoah\n"}  # fmt: skip
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture(params=KINDS)
def loaded(request, place, monkeypatch):
    """The kind, the class's folder, and the configuration, loaded as JupyterHub does it."""
    for name, value in KINDS[request.param].items():
        monkeypatch.setenv(f"CLASS_{name}", value)
    monkeypatch.setattr(class_settings, "check_machine", lambda given: ["configurable-http-proxy"])
    (place / "class" / "shared").mkdir(parents=True)
    (place / "class" / "shared" / "fontlist-1.json").touch()  # so that it need not be made
    (place / "class" / "secrets").mkdir()
    (place / "class" / "secrets" / "oauth.json").write_text(json.dumps(OAUTH))
    return request.param, place / "class", load(DEPLOY / "jupyterhub_config.py")


def load(file: Path) -> Config:
    return PyFileConfigLoader(file.name, str(file.parent)).load_config()


def made(config) -> tuple:
    """The hub, the spawner of one student, and the authenticator, as JupyterHub makes them; each name is known."""
    from jupyterhub.app import JupyterHub
    from jupyterhub.orm import new_session_factory
    from jupyterhub.proxy import ConfigurableHTTPProxy

    app = JupyterHub(config=config)
    chosen = [JupyterHub, ConfigurableHTTPProxy, app.spawner_class, app.authenticator_class]
    classes = {base.__name__: base for found in chosen for base in found.__mro__ if base is not object}
    for section, values in config.items():
        unknown = set(values) - set(classes[section].class_traits(config=True))
        assert not unknown, f"{section} has no {unknown}"
    user = SimpleNamespace(name="student01", id=1, url="/user/student01/", state=None)
    session = new_session_factory("sqlite://")()
    authenticator = app.authenticator_class(config=config, _deprecated_db_session=session)
    return app, app.spawner_class(config=config, user=user), authenticator


@needs_hub
def test_each_mode_is_a_configuration_that_jupyterhub_takes(loaded):
    kind, folder, config = loaded
    app, spawner, authenticator = made(config)
    # Thirty at once, limits, culling.
    assert app.concurrent_spawn_limit == 31
    assert (spawner.http_timeout, spawner.start_timeout) == (180, 240)
    assert (spawner.mem_limit, spawner.cpu_limit) == (int(1.2 * 2**30), 2)
    assert spawner.environment["OMP_NUM_THREADS"] == "1"
    assert "--timeout=5400" in app.services[0]["command"]
    # Only the class comes in; the APIs of proxy and hub are not on the network.
    assert authenticator.allow_all is False
    assert authenticator.allowed_users - authenticator.admin_users == {f"student{n:02d}" for n in range(1, 31)}
    assert authenticator.admin_users == (set() if kind == "try" else {"teacher"})
    assert config.ConfigurableHTTPProxy.api_url == "http://127.0.0.1:8001"
    assert app.hub_bind_url == f"http://{'172.17.0.1' if kind == 'docker' else '127.0.0.1'}:8002"
    has_tls = kind == "systemd with TLS"
    assert app.bind_url.startswith("https://0.0.0.0:8000" if has_tls else "http://127.0.0.1:8000")
    assert bool(app.ssl_cert and app.ssl_key) == has_tls
    # Secrets are files for their owner only, and a second start keeps them.
    before = [file.read_bytes() for file in sorted((folder / "secrets").iterdir())]
    load(DEPLOY / "jupyterhub_config.py")
    assert [file.read_bytes() for file in sorted((folder / "secrets").iterdir())] == before
    assert (folder / "secrets").stat().st_mode & 0o777 == (folder / "hub").stat().st_mode & 0o777 == 0o700
    for name in ("password", "proxy_token", "api_token", "cookie_secret"):
        assert (folder / "secrets" / name).stat().st_mode & 0o777 == 0o600


@needs_hub
def test_each_mode_isolates_in_its_way(loaded):
    kind, folder, config = loaded
    _, spawner, authenticator = made(config)
    if kind == "try":
        assert spawner.home_dir_template == str(folder / "homes" / "{username}")
        assert authenticator.user_password == (folder / "secrets" / "password").read_text()
    elif kind == "docker":
        assert spawner.volumes == {"llmviz-{username}": "/home/jovyan/class"}
        assert spawner.extra_host_config["cap_drop"] == ["ALL"]
        assert spawner.cmd[1:4] == ["/home/jovyan/deploy/singleuser.py", "--home", "/home/jovyan/class"]
        assert "PATH" not in spawner.environment
    else:
        assert (spawner.dynamic_users, spawner.isolate_tmp, spawner.disable_user_sudo) == (True, True, True)
    if kind == "oauth":
        assert {name: getattr(authenticator, name) for name in OAUTH} == OAUTH
    elif kind != "try":
        assert (authenticator.open_signup, authenticator.minimum_password_length) == (False, 8)


@pytest.mark.parametrize(("settings", "message"), [
    ("ADDRESS=0.0.0.0", "try mode isolates nobody, so it listens on this machine only"),
    ("MODE=systemd ADDRESS=0.0.0.0", "passwords would be sent to 0.0.0.0 unencrypted"),
    ("MODE=docker CERTIFICATE=cert.pem", "TLS needs two files"),
    ("MODE=docker CERTIFICATE=a KEY=b", r"there is no file \['a', 'b'\]"),
    ("ADDRESS=classroom", "CLASS_ADDRESS is an IP address .* given 'classroom'"),
    ("MODE=best", "CLASS_MODE is one of try, systemd, docker; given 'best'"),
    ("STUDENTS=none.txt", r"there is no file none\.txt"),
    ("STUDENTS=empty.txt", "a class has 1 to 500 students; given 0"),
    ("STUDENTS=spaced.txt", r"no user name: \['ada lovelace'\]"),
    ("STUDENTS=twice.txt", "mia is named more than once"),
    ("SIZE=5000", "CLASS_SIZE is a whole number from 1 to 500; given '5000'"),
    ("PORT=70000", "CLASS_PORT is a whole number from 1 to 65533"),
    ("TEACHER=student01", "student01 is both the teacher and a student"),
    ("TEACHER=§", r"no user name: \['§'\]"),
])  # fmt: skip
def test_wrong_settings_are_refused_before_anything_is_made(place, settings, message):
    environment = {f"CLASS_{one.split('=')[0]}": one.split("=")[1] for one in settings.split()}
    with pytest.raises(SystemExit, match=f"^The class cannot start: .*{message}"):
        class_settings.read_settings(environment)
    assert not (place / "class").exists()


def test_names_come_from_a_file(place):
    assert class_settings.read_settings({"CLASS_STUDENTS": "good.txt"}).students == ["mia", "noah"]
    assert class_settings.read_settings({"CLASS_SIZE": "2"}).students == ["student01", "student02"]


@pytest.mark.parametrize(("mode", "login", "module"), [
    ("try", "native", "jupyterhub_idle_culler"), ("systemd", "native", "systemdspawner"),
    ("docker", "native", "nativeauthenticator"), ("docker", "oauth", "oauthenticator"),
])  # fmt: skip
def test_what_is_not_installed_is_named(place, monkeypatch, mode, login, module):
    given = class_settings.read_settings({"CLASS_MODE": mode, "CLASS_LOGIN": login})
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == module else "there")
    with pytest.raises(SystemExit, match=f"{module} is not installed; pip install"):
        class_settings.check_machine(given)


def test_a_student_never_gets_a_folder_of_the_system(place, monkeypatch):
    """systemd would give /var/lib/mysql, with all that is in it, to a student of that name."""
    (place / "private" / "mia").mkdir(parents=True)
    (place / "mia").symlink_to(place / "private" / "mia")  # as systemd keeps a student's home
    (place / "noah").mkdir()
    monkeypatch.setattr(class_settings, "SYSTEM_HOMES", place)
    with pytest.raises(SystemExit, match="has folders of the system named noah; choose other user names"):
        class_settings.check_folders(class_settings.read_settings({"CLASS_STUDENTS": "good.txt"}))


def test_the_npm_proxy_comes_first_and_its_python_namesake_has_no_tls(place, monkeypatch):
    monkeypatch.setenv("PATH", str(place))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: "there")
    given = class_settings.read_settings({"CLASS_PORT": "18790"})
    assert class_settings.check_machine(given)[:2] == [sys.executable, "-c"]
    given.tls = ["cert.pem", "key.pem"]
    with pytest.raises(SystemExit, match="TLS needs node's proxy: npm install -g configurable-http-proxy"):
        class_settings.check_machine(given)
    for name in ("configurable-http-proxy", "node"):
        (place / name).write_text("#!/bin/sh\n")
        (place / name).chmod(0o755)
    assert class_settings.check_machine(given) == [str(place / "configurable-http-proxy")]


def test_the_path_loses_node_and_nothing_else(place, monkeypatch):
    for folder, names in {"tools": ["git"], "both": ["node", "npm", "ls"]}.items():
        (place / folder).mkdir()
        for name in names:
            (place / folder / name).write_text("#!/bin/sh\n")
            (place / folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{place / 'both'}:{place / 'tools'}")
    path = class_settings.path_without_node(place / "links")
    assert [shutil.which(name, path=path) for name in ("node", "npm", "ls", "git")] == [
        None, None, str(place / "links" / "ls"), str(place / "tools" / "git"),
    ]  # fmt: skip


@needs_hub
def test_the_littlest_jupyterhub_gets_a_configuration_that_jupyterhub_takes():
    app, spawner, _ = made(load(DEPLOY / "tljh_llmviz.py"))
    assert app.concurrent_spawn_limit >= 30
    assert (spawner.http_timeout, spawner.start_timeout) == (180, 240)
    assert Path(spawner.cmd[1]).name == "singleuser.py"
    lines = [line for line in (DEPLOY / "tljh-requirements.txt").read_text().splitlines() if line[0] != "#"]
    constraints, package, *others = lines
    assert (constraints, package) == ("-c ../constraints.txt", "-e .")
    pins = (ROOT / "constraints.txt").read_text()
    assert all(re.search(rf"^{Requirement(other).name}==", pins, re.MULTILINE) for other in others)


def test_kubernetes_gets_the_same_values():
    oauthenticator = pytest.importorskip("oauthenticator.generic", reason="oauthenticator needs Unix")
    hub, student = VALUES["hub"], VALUES["singleuser"]
    assert hub["concurrentSpawnLimit"] >= 30
    assert (hub["config"]["KubeSpawner"]["http_timeout"], student["startTimeout"]) == (180, 240)
    assert student["cmd"][1:4] == ["/home/jovyan/deploy/singleuser.py", "--home", student["storage"]["homeMountPath"]]
    assert student["extraEnv"] == {"OMP_NUM_THREADS": "1"}
    assert (student["memory"]["limit"], student["cpu"]["limit"], VALUES["cull"]["timeout"]) == ("1.2G", 2, 5400)
    config = Config({name: hub["config"][name] for name in ("GenericOAuthenticator", "Authenticator")})
    made = oauthenticator.GenericOAuthenticator(config=config)  # the names are JupyterHub's own
    assert made.allow_all is False and made.allowed_users >= {"student01"}
    assert 'mkdir -p "$HOME/class"' in (ROOT / "postBuild").read_text()


def git(folder, *arguments):
    names = ["-c", "user.name=Teacher", "-c", "user.email=teacher@example.org"]
    subprocess.run(["git", *names, *arguments], cwd=folder, check=True, capture_output=True)


def notebook(*texts):
    cells = [{"cell_type": "markdown", "id": f"c{n}", "metadata": {}, "source": text} for n, text in enumerate(texts)]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_link_pulls_new_lessons_and_keeps_what_a_student_wrote(tmp_path):
    """The outside judge: nbgitpuller itself, twice, with the link of docs/teaching/class.md."""
    pytest.importorskip("nbgitpuller", reason="nbgitpuller needs Unix")
    page = (ROOT / "docs" / "teaching" / "class.md").read_text(encoding="utf-8")
    link = re.search(r"^    https://HUB/hub/user-redirect/git-pull\?(.+)$", page, re.MULTILINE)[1]
    asked = dict(part.split("=", 1) for part in link.replace(quote("https://REPOSITORY", safe=""), "URL").split("&"))
    assert asked == {"repo": "URL", "branch": "main", "targetpath": "llmviz",
                     "urlpath": "lab%2Ftree%2Fllmviz%2Fnotebooks%2F03_attention.ipynb"}  # fmt: skip
    school, home = tmp_path / "school", tmp_path / "home"
    lessons = school / "notebooks"
    lessons.mkdir(parents=True)
    git(school, "init", "--quiet", "--initial-branch", "main")

    def publish(name, text):
        (lessons / name).write_text(notebook(text))
        git(school, "add", ".")
        git(school, "commit", "--quiet", "--message", "lesson")

    def pull():
        command = [sys.executable, "-m", "nbgitpuller.pull", school.as_uri(), "main", str(home)]
        subprocess.run(command, check=True, capture_output=True)

    publish("03_attention.ipynb", "first version")
    pull()
    (home / "notebooks" / "03_attention.ipynb").write_text(notebook("first version", "my answer"))
    publish("03_attention.ipynb", "second version")
    publish("04_transformer.ipynb", "a new lesson")
    pull()
    assert "my answer" in (home / "notebooks" / "03_attention.ipynb").read_text()
    assert "a new lesson" in (home / "notebooks" / "04_transformer.ipynb").read_text()
