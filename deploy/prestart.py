"""Start all students' servers of a running class, before the lesson: python deploy/prestart.py [FOLDER OF THE CLASS]

Servers that run already stay as they are. Each student without a server is named, with the reason.
"""

import json
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LONGEST_START = 420  # seconds: the hub gives each server 240 s to start and 180 s to answer
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the hub is local: no proxy of the system


def start_servers(folder):
    """Start all servers at the same time and wait; return the problem of each student, "" where there is none."""
    hub = json.loads((folder / "hub" / "class.json").read_text())
    token = (folder / "secrets" / "api_token").read_text()

    def request(path, method="GET"):
        headers = {"Authorization": f"token {token}"}
        asked = urllib.request.Request(f"{hub['url']}/hub/api/users/{path}", method=method, headers=headers)
        with DIRECT.open(asked, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def start(student):
        end = time.monotonic() + LONGEST_START
        try:
            if "" not in request(student)["servers"]:
                request(f"{student}/server", "POST")
            while time.monotonic() < end:
                server = request(student)["servers"].get("", {})
                if not server or server["ready"]:
                    return "" if server else "the server stopped while it started; the hub's log says why"
                time.sleep(1)
        except OSError as error:
            return f"the hub at {hub['url']} refused: {error}"
        return f"the server was not ready after {LONGEST_START} s"

    with ThreadPoolExecutor(len(hub["students"])) as pool:
        return dict(zip(hub["students"], pool.map(start, hub["students"]), strict=True))


if __name__ == "__main__":
    class_folder = Path(sys.argv[1] if len(sys.argv) > 1 else "class")
    if not (class_folder / "hub" / "class.json").exists():
        sys.exit(f"There is no class in {class_folder}. Start it with make class, or name its folder.")
    found = start_servers(class_folder)
    print("".join(f"{student}: {problem}\n" for student, problem in found.items() if problem), end="")
    print(f"{list(found.values()).count('')} of {len(found)} servers are ready.")
    sys.exit(any(found.values()))
