"""A student for tests: logs in to a hub through its pages, starts a server, runs cells, touches a widget. All HTTP."""

import json
import time
import uuid
from urllib.parse import urlsplit

import requests
import websocket

WIDGET = "jupyter.widget"


class Student:
    """One student at one hub, with cookies of their own, like a browser."""

    def __init__(self, hub: str, name: str):
        self.hub, self.name = hub.rstrip("/"), name
        self.home = f"{self.hub}/user/{name}"
        self.session = requests.Session()
        self.session.trust_env = False  # a hub on this machine is never behind the system's way out
        self.channel: websocket.WebSocket | None = None

    def log_in(self, password: str) -> requests.Response:
        """Fill in the form of the login page; return the page that follows."""
        page = self.session.get(f"{self.hub}/hub/login", timeout=60)
        form = {"username": self.name, "password": password, "_xsrf": self.session.cookies.get("_xsrf", path="/hub/")}
        assert 'name="password"' in page.text
        return self.session.post(f"{self.hub}/hub/login", data=form, timeout=240)

    def open_server(self, seconds: float = 240) -> float:
        """Wait until the student's own JupyterLab opens, through the hub's permission; return how long it took."""
        began = time.monotonic()
        self.session.get(f"{self.hub}/hub/spawn", timeout=seconds)
        while time.monotonic() < began + seconds:
            answer = self.session.get(f"{self.home}/lab", timeout=60)
            if answer.status_code == 200 and answer.url.startswith(f"{self.home}/lab"):
                return time.monotonic() - began
            time.sleep(0.5)
        raise AssertionError(f"the server of {self.name} did not come up in {seconds} s; last: {answer.status_code}")

    def get(self, path: str) -> requests.Response:
        """Ask the student's own server."""
        return self.session.get(f"{self.home}/{path}", timeout=120)

    def start_kernel(self) -> None:
        """Start a kernel and open the channel to it."""
        self.kernel = self._post("api/kernels", {"name": "python3"})["id"]
        parts = urlsplit(f"{self.home}/api/kernels/{self.kernel}/channels")
        cookies = self.session.cookies.get_dict(path=f"/user/{self.name}/")
        self.channel = websocket.create_connection(
            parts._replace(scheme="ws").geturl(),
            cookie="; ".join(f"{name}={value}" for name, value in cookies.items()),
            header={"X-XSRFToken": cookies["_xsrf"]}, timeout=180, http_no_proxy=["127.0.0.1"],
        )  # fmt: skip

    def run(self, code: str) -> list[dict]:
        """Run one cell; return the messages that came back on it, to the end. An error in it is an error here."""
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        messages = self._talk("execute_request", content)
        for message in messages:
            assert message["header"]["msg_type"] != "error", "\n".join(message["content"]["traceback"])
        return messages

    def printed(self, code: str) -> str:
        """Run one cell; return what it prints."""
        found = [m["content"]["text"] for m in self.run(code) if m["header"]["msg_type"] == "stream"]
        return "".join(found)

    def set_trait(self, comm: str, **state) -> list[dict]:
        """Change a widget as its page does; return what the kernel sends back."""
        data = {"method": "update", "state": state, "buffer_paths": []}
        return self._talk("comm_msg", {"comm_id": comm, "data": data})

    def save(self, path: str, notebook: dict) -> None:
        """Save a notebook as JupyterLab does."""
        self._checked(self.session.put(
            f"{self.home}/api/contents/{path}", json={"type": "notebook", "format": "json", "content": notebook},
            headers=self._may_change(), timeout=60,
        ))  # fmt: skip

    def leave(self) -> None:
        """Close the page."""
        if self.channel is not None:
            self.channel.close()
        self.session.close()

    def _post(self, path: str, data: dict) -> dict:
        url = f"{self.home}/{path}"
        return self._checked(self.session.post(url, json=data, headers=self._may_change(), timeout=180)).json()

    def _may_change(self) -> dict[str, str]:
        return {"X-XSRFToken": self.session.cookies.get("_xsrf", path=f"/user/{self.name}/")}

    @staticmethod
    def _checked(answer: requests.Response) -> requests.Response:
        assert answer.ok, f"{answer.status_code} at {answer.url}: {answer.text[:300]}"
        return answer

    def _talk(self, kind: str, content: dict) -> list[dict]:
        """Send a message to the kernel; return all that it says to it, until it is idle again."""
        header = {
            "msg_id": uuid.uuid4().hex, "msg_type": kind, "username": self.name, "session": "tests", "version": "5.3",
            "date": "2026-01-01T00:00:00Z",
        }  # fmt: skip
        sent = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "buffers": []}
        self.channel.send(json.dumps(sent | {"channel": "shell"}))
        answers = []
        while True:
            message = self._receive()
            if message["parent_header"].get("msg_id") != header["msg_id"]:
                continue
            if message["header"]["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return answers
            answers.append(message)

    def _receive(self) -> dict:
        """One message; of a binary one, whose rest is buffers, the JSON in front."""
        data = self.channel.recv()
        if isinstance(data, str):
            return json.loads(data)
        start, end = (int.from_bytes(data[4 * place : 4 * place + 4], "big") for place in (1, 2))
        return json.loads(data[start:end])


def opened_widgets(messages: list[dict]) -> list[dict]:
    """The widgets that a cell made: the contents of their first messages."""
    opened = [message["content"] for message in messages if message["header"]["msg_type"] == "comm_open"]
    return [content for content in opened if content["target_name"] == WIDGET]


def updates(messages: list[dict], comm: str) -> dict:
    """What the kernel changed of a widget."""
    found = {}
    for message in messages:
        content = message["content"]
        if message["header"]["msg_type"] == "comm_msg" and content["comm_id"] == comm:
            found |= content["data"].get("state", {})
    return found
