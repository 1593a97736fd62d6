"""A real class of three: log in, run a lesson, ask a widget, save; and nobody gets in who should not."""

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import prestart
import pytest
import requests
from hub_student import Student, opened_widgets, updates

from llmviz.files import NOTEBOOKS, lesson_files

CONFIG = Path(prestart.__file__).with_name("jupyterhub_config.py")
MISSING = [name for name in ("jupyterhub", "configurable_http_proxy") if importlib.util.find_spec(name) is None]
NAMES = ("student01", "student02", "student03")
KERNEL = """
import json, os, shutil, matplotlib
from ipykernel.connect import get_connection_file
file = get_connection_file()
print(json.dumps({
    "connection": json.load(open(file)), "rights": os.stat(os.path.dirname(file)).st_mode & 0o777,
    "threads": os.environ["OMP_NUM_THREADS"], "programs": [shutil.which("node"), shutil.which("git")],
    "fonts": [name for name in os.listdir(matplotlib.get_cachedir()) if name.startswith("fontlist-")],
}))
"""


class Class:
    """A running hub of this machine, on free ports."""

    def __init__(self, folder: Path, size: int):
        self.folder, self.log, self.port = folder, folder.with_suffix(".log"), free_ports()
        self.url = f"http://127.0.0.1:{self.port}"
        settings = {"CLASS_SIZE": str(size), "CLASS_FOLDER": str(folder), "CLASS_PORT": str(self.port)}
        self.command = [sys.executable, "-m", "jupyterhub", "-f", str(CONFIG)]
        self.environment = {**os.environ, **settings}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, cwd=folder.parent, stdout=log, stderr=subprocess.STDOUT
            )

    @property
    def password(self) -> str:
        return (self.folder / "secrets" / "password").read_text()

    def wait(self, seconds: float = 120) -> None:
        """Wait until the proxy answers with the hub's page."""
        end = time.monotonic() + seconds
        while True:
            assert self.process.poll() is None and time.monotonic() < end, self.log.read_text()
            with contextlib.suppress(requests.ConnectionError):
                if requests.get(f"{self.url}/hub/login", timeout=10).ok:
                    return
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop it as Ctrl-C does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait(90)


@contextlib.contextmanager
def running_class(folder: Path, size: int):
    """A class from the moment it answers until it is stopped."""
    found = Class(folder, size)
    try:
        found.wait()
        yield found
    finally:
        found.stop()


def free_ports() -> int:
    """The first of three free ports in a row."""
    while True:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            first = free.getsockname()[1]
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError, OverflowError):
            for port in range(first, first + 3):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first


@pytest.mark.slow
@pytest.mark.skipif(bool(MISSING), reason=f"{' and '.join(MISSING)} not installed (JupyterHub needs Unix)")
def test_a_class_of_three(tmp_path):
    with running_class(tmp_path / "class", 3) as hub:
        assert prestart.start_servers(hub.folder) == dict.fromkeys(NAMES, "")
        assert prestart.start_servers(hub.folder) == dict.fromkeys(NAMES, "")  # those that run stay as they are
        check_that_others_stay_out(hub)
        students = [Student(hub.url, name) for name in NAMES]
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda student: learn(hub, student), students))
        check_that_work_is_ones_own(hub, students[0])
        for student in students:
            student.leave()
    assert "Traceback" not in hub.log.read_text()
    for port in range(hub.port, hub.port + 3):
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{port}", timeout=5)


def check_that_others_stay_out(hub):
    for name, password in (("student01", "red-kite"), ("student99", hub.password), ("teacher", hub.password)):
        stranger = Student(hub.url, name)
        assert stranger.log_in(password).status_code == 403
        assert "/hub/login" in stranger.get("lab").url
    assert requests.get(f"{hub.url}/hub/api/users", timeout=10).status_code == 403
    assert requests.get(f"http://127.0.0.1:{hub.port + 1}/api/routes", timeout=10).status_code == 403
    second = subprocess.run(hub.command, env=hub.environment, cwd=hub.folder.parent, capture_output=True, text=True)
    assert second.returncode == 1
    assert f"port {hub.port} is in use, perhaps by an earlier class" in second.stderr


def learn(hub, student):
    """Log in, run lesson 0 up to its live widget, ask it something; look at the kernel and at the page."""
    page = student.log_in(hub.password)
    assert page.url == f"{hub.url}/user/{student.name}/lab/workspaces/llmviz/tree/notebooks/00_start_here.ipynb"
    student.open_server()
    student.start_kernel()
    found = json.loads(student.printed(KERNEL))
    assert found["connection"]["transport"] == "ipc" and len(f"{found['connection']['ip']}-5") <= 103
    assert (found["rights"], found["threads"], len(found["fonts"])) == (0o700, "1", 1)
    assert [program is None for program in found["programs"]] == [True, shutil.which("git") is None]
    widget = run_to_live_widget(student)
    changed = updates(student.set_trait(widget, text="Omar works as a"), widget)
    assert changed["text"] == "Omar works as a" and not changed.get("problem")
    assert changed["payload"]["nodes"][""]["rows"][0][1] > 0.9  # the lesson asserts the same of this fact
    lab = student.get("lab").text
    assert '"news": {"disabled": true}' in lab and '"name": "read-only"' in lab
    lesson = student.get("api/contents/notebooks/03_attention.ipynb").json()["content"]
    assert all(cell["metadata"]["trusted"] for cell in lesson["cells"] if cell["cell_type"] == "code")


def run_to_live_widget(student) -> str:
    """Run the cells of lesson 0 up to the widget that Python answers; return its name."""
    cells = student.get("api/contents/notebooks/00_start_here.ipynb").json()["content"]["cells"]
    for cell in cells:
        if cell["cell_type"] == "code":
            widgets = opened_widgets(student.run(cell["source"]))
            if live := [one["comm_id"] for one in widgets if {"text", "_esm"} <= one["data"]["state"].keys()]:
                return live[0]
    raise AssertionError("no cell of lesson 0 opens the live next-token widget")


def check_that_work_is_ones_own(hub, student):
    path = "notebooks/01_tokenization.ipynb"
    listed = {entry["name"] for entry in student.get("api/contents/notebooks").json()["content"]}
    assert listed == {lesson.name for lesson in lesson_files(NOTEBOOKS)}
    notebook = student.get(f"api/contents/{path}").json()["content"]
    notebook["cells"][0]["source"] = "My own words."
    student.save(path, notebook)
    mine, others = (hub.folder / "homes" / name / path for name in NAMES[:2])
    assert "My own words." in mine.read_text()
    assert others.read_bytes() == (NOTEBOOKS / "01_tokenization.ipynb").read_bytes()
    assert student.session.get(f"{hub.url}/user/student02/api/contents", timeout=30).status_code in (403, 404)
