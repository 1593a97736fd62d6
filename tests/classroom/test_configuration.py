"""The hub's configuration in every mode, judged by JupyterHub itself: known names, and values as they should be."""

import importlib.util
import json
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from llmviz.classroom.config_text import config_text
from llmviz.classroom.folder import write_folder, write_secrets
from llmviz.classroom.plan import ClassPlan, numbered_students
from llmviz.classroom.student import settings

MISSING = importlib.util.find_spec("jupyterhub") is None
pytestmark = pytest.mark.skipif(MISSING, reason="jupyterhub is not installed (it needs Unix)")
PLANS = {
    "try": {},
    "systemd": {"mode": "systemd"},
    "systemd with TLS": {"mode": "systemd", "certificate": "cert.pem", "key": "key.pem", "address": "0.0.0.0"},
    "docker": {"mode": "docker"},
    "systemd with OAuth": {"mode": "systemd", "login": "oauth"},
}
SERVICE = "https://school.example/oauth"
OAUTH = {
    "client_id": "llmviz", "client_secret": "secret", "authorize_url": f"{SERVICE}/authorize",
    "token_url": f"{SERVICE}/token", "userdata_url": f"{SERVICE}/user", "username_claim": "login",
    "oauth_callback_url": "https://hub.example/hub/oauth_callback",
}  # fmt: skip


def make_plan(folder: Path, **more) -> ClassPlan:
    for name in ("certificate", "key"):
        if name in more:
            more[name] = folder / more[name]
            more[name].write_text("not a real one")
    return ClassPlan(numbered_students(30), folder / "class", **more)


@pytest.fixture(params=PLANS)
def written(request, tmp_path):
    """A plan of each kind, and its configuration as JupyterHub reads it."""
    plan = make_plan(tmp_path, **PLANS[request.param])
    (plan.folder / "secrets").mkdir(parents=True)
    write_secrets(plan.folder / "secrets")
    (plan.folder / "secrets" / "oauth.json").write_text(json.dumps(OAUTH))
    file = plan.folder / "jupyterhub_config.py"
    file.write_text(config_text(plan, proxy=["configurable-http-proxy"], path="/usr/bin"))
    return plan, load(file)


def load(file: Path):
    """Read a configuration as JupyterHub does: `get_config()` gives what it fills."""
    from traitlets.config import Config

    found = Config()
    runpy.run_path(str(file), init_globals={"get_config": lambda: found})
    return found


def made(app, config) -> tuple:
    """The spawner of one student, and the authenticator, as the hub makes them."""
    from jupyterhub.orm import new_session_factory

    user = SimpleNamespace(name="student01", id=1, url="/user/student01/", state=None)
    session = new_session_factory("sqlite://")()
    authenticator = app.authenticator_class(config=config, _deprecated_db_session=session)
    return app.spawner_class(config=config, user=user), authenticator


def app_and_classes(config) -> tuple:
    """JupyterHub with this configuration, and the classes that it chose, by their names."""
    from jupyterhub.app import JupyterHub
    from jupyterhub.proxy import ConfigurableHTTPProxy

    app = JupyterHub(config=config)
    chosen = [JupyterHub, ConfigurableHTTPProxy, app.spawner_class, app.authenticator_class]
    return app, {base.__name__: base for found in chosen for base in found.__mro__ if base is not object}


def test_every_name_is_one_that_jupyterhub_knows_and_takes_its_value(written):
    _, config = written
    app, classes = app_and_classes(config)
    for section, values in config.items():
        traits = classes[section].class_traits(config=True)
        assert set(values) <= set(traits), f"{section} has no {set(values) - set(traits)}"
    spawner, authenticator = made(app, config)
    assert spawner.cmd[1:3] == ["-m", "llmviz.classroom.student"]
    assert authenticator.allow_all is False


def test_thirty_at_once_get_the_room_and_the_patience_they_need(written):
    plan, config = written
    app, _ = app_and_classes(config)
    spawner, _ = made(app, config)
    assert app.concurrent_spawn_limit >= len(plan.students) == 30
    assert (spawner.http_timeout, spawner.start_timeout) == (180, 240)
    assert spawner.mem_limit == int(1.2 * 2**30)
    assert spawner.cpu_limit == 2
    assert spawner.environment["OMP_NUM_THREADS"] == "1"
    (culler,) = [service for service in app.services if service["name"] == "cull-idle"]
    assert "--timeout=5400" in culler["command"]


def test_only_the_class_comes_in_and_inner_doors_are_shut(written):
    plan, config = written
    app, _ = app_and_classes(config)
    _, authenticator = made(app, config)
    assert authenticator.allowed_users - authenticator.admin_users == set(plan.students)
    assert authenticator.admin_users == (set() if plan.mode == "try" else {"teacher"})
    assert authenticator.any_allow_config
    assert config.ConfigurableHTTPProxy.api_url == f"http://127.0.0.1:{plan.port + 1}"
    inside = "172.17.0.1" if plan.mode == "docker" else "127.0.0.1"
    assert app.hub_bind_url == f"http://{inside}:{plan.port + 2}"
    has_tls = plan.certificate is not None
    assert app.bind_url.startswith("https://0.0.0.0:" if has_tls else "http://127.0.0.1:")
    assert (app.ssl_cert, app.ssl_key) == ((str(plan.certificate), str(plan.key)) if has_tls else ("", ""))


def test_each_mode_keeps_students_apart_in_its_way(written):
    plan, config = written
    app, _ = app_and_classes(config)
    spawner, authenticator = made(app, config)
    if plan.mode == "try":
        assert spawner.home_dir_template == str(plan.folder / "homes" / "{username}")
        assert authenticator.user_password == (plan.folder / "secrets" / "password").read_text().strip()
    elif plan.mode == "systemd":
        assert (spawner.dynamic_users, spawner.isolate_tmp, spawner.disable_user_sudo) == (True, True, True)
    else:
        assert spawner.volumes == {"llmviz-{username}": "/home/jovyan/class"}
        assert spawner.extra_host_config["cap_drop"] == ["ALL"]
        assert spawner.cmd[3:5] == ["--home", "/home/jovyan/class"]
        assert "PATH" not in spawner.environment
    if plan.mode != "try" and plan.login == "native":
        assert authenticator.open_signup is False
        assert authenticator.minimum_password_length >= 8
    if plan.login == "oauth":
        assert {name: getattr(authenticator, name) for name in OAUTH} == OAUTH


def test_jupyterhub_itself_shows_the_same(tmp_path, monkeypatch):
    """The outside judge: `jupyterhub --show-config-json` on a folder as the command writes it."""
    plan = make_plan(tmp_path)
    monkeypatch.setattr("llmviz.classroom.folder.make_fonts", lambda folder: None)
    file = write_folder(plan, ["configurable-http-proxy"])
    command = [sys.executable, "-m", "jupyterhub", "-f", str(file), "--show-config-json"]
    shown = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout)
    assert shown["JupyterHub"]["concurrent_spawn_limit"] == 31
    assert shown["Spawner"]["http_timeout"] == 180
    assert shown["JupyterHub"]["bind_url"] == "http://127.0.0.1:8000"


def test_a_page_that_was_changed_by_hand_stays(tmp_path, monkeypatch):
    plan = make_plan(tmp_path)
    monkeypatch.setattr("llmviz.classroom.folder.make_fonts", lambda folder: None)
    file = write_folder(plan, ["proxy"])
    password = (plan.folder / "secrets" / "password").read_text()
    assert write_folder(plan, ["other-proxy"]) == file
    assert '["other-proxy"]' in file.read_text()
    assert (plan.folder / "secrets" / "password").read_text() == password, "a password on the blackboard stays good"
    file.write_text(file.read_text().replace("= 180", "= 300"))
    with pytest.raises(ValueError, match="was changed by hand, so it stays as it is"):
        write_folder(plan, ["proxy"])
    assert "= 300" in file.read_text()


def test_the_students_servers_take_their_settings(tmp_path):
    """Each option belongs to a class of JupyterLab's, under a name that it knows."""
    from jupyter_client.manager import KernelManager
    from jupyter_server.serverapp import ServerApp
    from jupyter_server.services.kernels.kernelmanager import MappingKernelManager
    from jupyterlab.labapp import LabApp
    from traitlets.config import Application

    known = {found.__name__: found for found in (Application, KernelManager, LabApp, MappingKernelManager, ServerApp)}
    given = dict(option.removeprefix("--").split("=", 1) for option in settings(tmp_path))
    for name in given:
        section, trait = name.split(".")
        assert trait in known[section].class_traits(config=True), name
    assert given["KernelManager.transport"] == "ipc"
    assert given["MappingKernelManager.kernel_info_timeout"] == "120"
    assert given["MappingKernelManager.cull_idle_timeout"] == "3600"
    assert given["ServerApp.default_url"].endswith("/notebooks/00_start_here.ipynb")
