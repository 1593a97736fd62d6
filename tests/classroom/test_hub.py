"""A real class, as `llmviz class` starts it: students log in, a lesson runs, an explorer answers."""

import importlib.util
import json
import os
import shutil
import stat

import pytest
import requests
from hub_student import Student, opened_widgets, updates
from open_class import open_class

from llmviz import files
from llmviz.classroom.prestart import HubAddress, start_servers
from llmviz.cli import main

MISSING = [name for name in ("jupyterhub", "configurable_http_proxy") if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"{' and '.join(MISSING)} not installed (JupyterHub needs Unix)"),
]


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A class of two whose servers were started ahead; its teacher's machine has node."""
    folder = tmp_path_factory.mktemp("class") / "hub"
    with open_class(folder, 2, "--start-servers") as found:
        found.wait_for("servers are ready.")
        yield found


@pytest.fixture(scope="module")
def ada(hub):
    student = Student(hub.url, "student01")
    page = student.log_in(hub.password)
    assert page.url == f"{hub.url}/user/student01/lab/workspaces/llmviz/tree/notebooks/00_start_here.ipynb"
    student.open_server()
    yield student
    student.leave()


@pytest.fixture(scope="module")
def lesson(ada):
    """The first lesson, from the student's own server, run up to the explorer that Python answers."""
    cells = ada.get("api/contents/notebooks/00_start_here.ipynb").json()["content"]["cells"]
    ada.start_kernel()
    for cell in cells:
        if cell["cell_type"] == "code":
            widgets = opened_widgets(ada.run(cell["source"]))
            live = [content["comm_id"] for content in widgets if "rolls" in content["data"]["state"]]
            if live:
                return live[0]
    raise AssertionError("no cell of lesson 0 opens the next-token explorer")


def test_it_says_what_a_teacher_needs_and_that_nobody_is_isolated(hub):
    said = hub.said()
    assert "2 students need about" in said
    assert "TRY IT mode isolates nobody" in said
    assert f"The class is open at {hub.url}" in said
    assert "2 of 2 servers are ready." in said


@pytest.mark.parametrize(("name", "password"), [("student01", "red-kite"), ("student99", None), ("teacher", None)])
def test_a_wrong_password_and_strangers_stay_out(hub, name, password):
    """None: the right password; nobody who is not on the list comes in with it."""
    stranger = Student(hub.url, name)
    assert stranger.log_in(password or hub.password).status_code == 403
    assert "/hub/login" in stranger.get("lab").url


def test_nobody_comes_to_the_hub_or_the_proxy_without_its_token(hub):
    assert requests.get(f"{hub.url}/hub/api/users", timeout=10).status_code == 403
    assert requests.get(f"http://127.0.0.1:{hub.port + 1}/api/routes", timeout=10).status_code == 403


def test_secrets_are_for_their_owner_only(hub):
    files = list((hub.folder / "secrets").iterdir())
    assert {file.name for file in files} == {"password", "proxy_token", "api_token", "cookie_secret"}
    for path, mode in [(hub.folder / "secrets", 0o700), *((file, 0o600) for file in files)]:
        assert stat.S_IMODE(path.stat().st_mode) == mode, path
    secrets = [file.read_text().strip() for file in files]
    assert not any(secret in (hub.folder / "jupyterhub_config.py").read_text() for secret in secrets)


def test_a_lesson_runs_and_an_explorer_answers(ada, lesson):
    """A new text goes to Python over the websocket, and the model's bars for it come back."""
    found = updates(ada.set_trait(lesson, text="Omar works as a"), lesson)
    assert found["text"] == "Omar works as a"
    best = found["payload"]["nodes"][""]["rows"][0]
    assert best[1] > 0.9  # the lesson asserts the same of this fact
    assert not found.get("problem")


def test_the_kernel_runs_as_thirty_at_once_need_it(ada, lesson):
    program = (
        "import json, os, shutil, matplotlib as m; from ipykernel.connect import get_connection_file as f; "
        "print(json.dumps([json.load(open(f())), f(), os.environ['OMP_NUM_THREADS'], shutil.which('node'), "
        "shutil.which('git'), os.listdir(m.get_cachedir())]))"
    )
    connection, file, threads, node, git, cache = json.loads(ada.printed(program))
    assert connection["transport"] == "ipc"
    assert len(f"{connection['ip']}-5") <= 103
    assert os.stat(os.path.dirname(file)).st_mode & 0o777 == 0o700
    assert (threads, node) == ("1", None)
    assert (git is None) == (shutil.which("git") is None), "only node is kept off the students' path"
    assert any(name.startswith("fontlist-") for name in cache)


def test_lab_opens_as_it_does_at_home(ada):
    """No news from the network, saved pictures shown, the student's own copy of every lesson."""
    page = ada.get("lab").text
    assert '"news": {"disabled": true}' in page
    assert '"name": "read-only"' in page
    listed = {entry["name"] for entry in ada.get("api/contents/notebooks").json()["content"]}
    assert listed == {path.name for path in (files.CHECKOUT / "notebooks").glob("*.ipynb")}
    opened = ada.get("api/contents/notebooks/03_attention.ipynb").json()["content"]
    assert all(cell["metadata"]["trusted"] for cell in opened["cells"] if cell["cell_type"] == "code")


def test_what_a_student_writes_is_theirs_alone(hub, ada):
    path = "notebooks/01_tokenization.ipynb"
    notebook = ada.get(f"api/contents/{path}").json()["content"]
    notebook["cells"][0]["source"] = "My own words."
    ada.save(path, notebook)
    mine, yours = (hub.folder / "homes" / name / path for name in ("student01", "student02"))
    assert "My own words." in mine.read_text()
    assert yours.read_bytes() == (files.CHECKOUT / path).read_bytes()
    assert ada.session.get(f"{hub.url}/user/student02/api/contents", timeout=30).status_code in (403, 404)


def test_a_second_start_beside_a_hub_that_lives_is_refused(hub, tmp_path, capsys):
    code = main(["class", "--size", "2", "--port", str(hub.port), "--folder", str(tmp_path / "second")])
    said = capsys.readouterr()
    assert code == 1
    assert f"something answers at port {hub.port} already, perhaps an earlier class" in said.err
    assert not (tmp_path / "second").exists()


def test_servers_that_run_stay_as_they_are_and_strangers_get_none(hub, capsys):
    assert main(["class", "start", "--folder", str(hub.folder)]) == 0
    assert "2 of 2 servers are ready." in capsys.readouterr().out
    token = (hub.folder / "secrets" / "api_token").read_text().strip()
    failed = start_servers(HubAddress(f"http://127.0.0.1:{hub.port + 2}", token), ["student01", "stranger"])
    assert list(failed) == ["stranger"]
    assert "the hub answered 404" in failed["stranger"]


def test_ctrl_c_ends_hub_servers_and_proxy(hub):
    """The last of these tests, as the class is over after it."""
    hub.stop()
    assert hub.process.returncode == 130
    assert "Stopped." in hub.said()
    assert "Traceback" not in hub.said()
    for port in range(hub.port, hub.port + 3):
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{port}", timeout=5)
