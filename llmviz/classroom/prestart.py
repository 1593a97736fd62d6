"""Starting the students' servers ahead of the lesson, through the hub's REST API, so that nobody waits."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from tqdm import tqdm

# The hub gives each server 240 s to start and 180 s to answer; then it has given up itself.
PATIENCE = 420.0
LOOK_EVERY = 1.0
# The hub is on this machine: whatever the system says of a proxy to the world does not concern it.
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class HubAddress:
    """Where a hub answers, and the token of the service that starts servers."""

    url: str
    token: str

    def ask(self, path: str, method: str = "GET") -> tuple[int, object]:
        """Send one request to the REST API; return its status and what it says."""
        request = urllib.request.Request(
            f"{self.url}/hub/api/{path}",
            method=method,
            data=b"{}" if method == "POST" else None,
            headers={"Authorization": f"token {self.token}", "Accept": "application/json"},
        )
        try:
            with DIRECTLY.open(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _said(error.read())

    def is_ready(self, student: str) -> bool | None:
        """Is this student's server up? None: it is not, and nobody is starting it."""
        status, found = self.ask(f"users/{student}")
        servers = found.get("servers", {}) if status == 200 and isinstance(found, dict) else {}
        return servers[""]["ready"] if "" in servers else None


def start_servers(hub: HubAddress, students: Sequence[str], patience: float = PATIENCE) -> dict[str, str]:
    """Start the servers of all students at once, with a progress bar; return who has none, and why.

    A server that runs already stays as it is.
    """
    failed = {}
    # One thread a student: the hub keeps each question until the server is up, ten seconds at most.
    with ThreadPoolExecutor(len(students)) as together:
        questions = {together.submit(_start, hub, student, patience): student for student in students}
        for done in tqdm(as_completed(questions), "Starting servers", len(questions), unit=" students"):
            if trouble := done.result():
                failed[questions[done]] = trouble
    return failed


def _start(hub: HubAddress, student: str, patience: float) -> str:
    """Start one server and wait until it is ready; return what went wrong, or nothing."""
    end = time.monotonic() + patience
    status, said = hub.ask(f"users/{student}/server", "POST")
    state = hub.is_ready(student)
    if status >= 400 and state is None:
        return f"the hub answered {status}: {said}"
    while state is False and time.monotonic() < end:
        time.sleep(LOOK_EVERY)
        state = hub.is_ready(student)
    if state is None:
        return "the server stopped while it started; the hub's log says why"
    return "" if state else f"the server was not ready after {patience:.0f} s"


def _said(body: bytes) -> str:
    """What the hub says is wrong."""
    try:
        return str(json.loads(body).get("message", ""))
    except (ValueError, AttributeError):
        return body.decode(errors="replace")[:200]
