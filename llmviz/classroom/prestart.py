"""Starting the students' servers ahead of the lesson, through the hub's REST API, so that nobody waits."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
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
    with tqdm(total=len(students), desc="Starting servers", unit=" students") as bar:
        waiting = []
        for student in students:
            status, said = hub.ask(f"users/{student}/server", "POST")
            if status in (201, 202) or hub.is_ready(student) is not None:
                waiting.append(student)
            else:
                failed[student] = f"the hub answered {status}: {said}"
                bar.update()
        for student, trouble in _as_they_come(hub, waiting, patience):
            if trouble:
                failed[student] = trouble
            bar.update()
    return failed


def _as_they_come(hub: HubAddress, waiting: list[str], patience: float) -> Iterator[tuple[str, str]]:
    """Give each student as soon as their server is ready, or has failed, with what is wrong then."""
    end = time.monotonic() + patience
    while waiting and time.monotonic() < end:
        for student in list(waiting):
            state = hub.is_ready(student)
            if state is not False:
                waiting.remove(student)
                yield student, "" if state else "the server stopped while it started; the hub's log says why"
        if waiting:
            time.sleep(LOOK_EVERY)
    for student in waiting:
        yield student, f"the server was not ready after {patience:.0f} s"


def _said(body: bytes) -> str:
    """What the hub says is wrong."""
    try:
        return str(json.loads(body).get("message", ""))
    except (ValueError, AttributeError):
        return body.decode(errors="replace")[:200]
