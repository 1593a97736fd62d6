"""Bringing a hub up, and down again: what must be installed, which ports must be free, and what goes on meanwhile."""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from llmviz.classroom.folder import write_folder
from llmviz.classroom.plan import ClassPlan
from llmviz.classroom.prestart import DIRECTLY, HubAddress

INSTALL = "pip install -c constraints.txt -e '.[class]'"
# Where systemd keeps the home of a user that it makes.
STATE = Path("/var/lib")
HUB_STARTS_WITHIN = 120.0
HUB_STOPS_WITHIN = 60.0
NEEDED = {
    "try": {"jupyterhub": "jupyterhub", "jupyterhub_idle_culler": "jupyterhub-idle-culler"},
    "systemd": {"systemdspawner": "jupyterhub-systemdspawner"},
    "docker": {"dockerspawner": "dockerspawner"},
    "native": {"nativeauthenticator": "jupyterhub-nativeauthenticator"},
    "oauth": {"oauthenticator": "oauthenticator"},
}


class CannotStart(ValueError):
    """Something that the class needs is missing or in the way; the message says what, and what to do."""


def check_machine(plan: ClassPlan) -> None:
    """Refuse, in one sentence, what this machine cannot run: programs that are missing, rights, a school's values."""
    wanted = NEEDED["try"] | ({} if plan.mode == "try" else NEEDED[plan.mode] | NEEDED[plan.login])
    missing = [package for module, package in wanted.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise CannotStart(
            f"a class needs {' and '.join(missing)}, which is not installed here; install with: {INSTALL}"
        )
    if plan.mode == "systemd":
        _check_systemd(plan)
    if plan.mode == "docker" and not Path("/var/run/docker.sock").exists():
        raise CannotStart("Docker does not run here (/var/run/docker.sock is missing); start it, or take another mode")
    if plan.mode != "try" and plan.login == "oauth" and not (plan.folder / "secrets" / "oauth.json").exists():
        raise CannotStart(
            f"the school's values for OAuth are missing: write them into {plan.folder / 'secrets' / 'oauth.json'}, one "
            "JSON object with client_id, client_secret, authorize_url, token_url, userdata_url, oauth_callback_url and "
            "username_claim"
        )


def _check_systemd(plan: ClassPlan) -> None:
    taken = [name for name in (*plan.students, plan.teacher) if _is_the_systems(STATE / name)]
    if taken:
        raise CannotStart(
            f"{', '.join(taken)} in {STATE} belongs to the system, and students' homes go there; give them other names"
        )
    if not Path("/run/systemd/system").is_dir():
        raise CannotStart("this system does not run systemd; take --mode docker, or --mode try to rehearse")
    if os.geteuid() != 0:
        raise CannotStart("systemd starts the students' servers only for root; start this command with sudo")
    for place in (plan.folder.parent, Path(sys.executable).parent, Path(__file__).parent):
        closed = [str(part) for part in (place, *place.parents) if part.exists() and not part.stat().st_mode & 0o001]
        if closed:
            raise CannotStart(
                f"the students' servers may not enter {closed[-1]}; put the checkout and --folder where everybody may "
                "read, such as /opt/llmviz and /srv/class"
            )


def _is_the_systems(folder: Path) -> bool:
    """Is there something in the place of a student's home that systemd did not make for one? Its own are links."""
    return folder.exists() and not folder.is_symlink()


def proxy_command(*, with_tls: bool) -> list[str]:
    """Find the program that leads each browser to its server: the npm one, or its Python namesake without TLS."""
    own = str(Path(sys.executable).parent)
    folders = [part for part in os.environ.get("PATH", "").split(os.pathsep) if part != own]
    npm = shutil.which("configurable-http-proxy", path=os.pathsep.join(folders))
    if npm and shutil.which("node") and b"node" in _first_line(Path(npm)):
        return [npm]
    if with_tls:
        raise CannotStart(
            "TLS needs node's proxy: npm install -g configurable-http-proxy (its Python namesake has no TLS); or leave "
            "the certificate out and put a web server with TLS in front"
        )
    if importlib.util.find_spec("configurable_http_proxy") is None:
        raise CannotStart(
            "a class needs a proxy, and none is installed here; npm install -g configurable-http-proxy, or without "
            f"node: {INSTALL}"
        )
    return [sys.executable, "-c", "from configurable_http_proxy.cli import main; main()"]


def _first_line(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.readline()


def refuse_taken_ports(plan: ClassPlan) -> None:
    """Refuse to start beside an old hub: one that has not ended yet would answer the new one's students with 404."""
    for port in (plan.port, plan.port + 1, plan.port + 2):
        with socket.socket() as door:
            door.settimeout(2)
            taken = door.connect_ex(("127.0.0.1", port)) == 0
        if taken:
            raise CannotStart(
                f"something answers at port {port} already, perhaps an earlier class that has not ended yet; stop it, "
                f"wait until it is gone, or take another --port (a class uses three: {plan.port} to {plan.port + 2})"
            )


def hub_address(plan: ClassPlan) -> HubAddress:
    """Where the hub of a plan answers, with the token of its folder."""
    return HubAddress(plan.hub_url, (plan.folder / "secrets" / "api_token").read_text(encoding="ascii").strip())


def is_up(hub: HubAddress) -> bool:
    """Does the hub answer?"""
    try:
        with DIRECTLY.open(f"{hub.url}/hub/api/", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


@contextlib.contextmanager
def running_hub(plan: ClassPlan) -> Iterator[subprocess.Popen]:
    """Write the class down and start its hub; give its process once it answers, and end it with all its servers."""
    check_machine(plan)
    proxy = proxy_command(with_tls=plan.certificate is not None)
    refuse_taken_ports(plan)
    config = write_folder(plan, proxy)
    log = plan.folder / "hub" / "hub.log"
    with log.open("ab") as lines:
        hub = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(config)],
            cwd=plan.folder / "hub", stdout=lines, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
    try:
        _wait_until_up(hub, plan, log)
        yield hub
    finally:
        stop(hub)


def _wait_until_up(hub: subprocess.Popen, plan: ClassPlan, log: Path) -> None:
    end = time.monotonic() + HUB_STARTS_WITHIN
    while not is_up(hub_address(plan)):
        if hub.poll() is not None or time.monotonic() > end:
            lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
            raise CannotStart(f"the hub did not start; its log {log} ends with: {lines[-1] if lines else 'nothing'}")
        time.sleep(0.2)
    _wait_for_proxy(plan, end)


def _wait_for_proxy(plan: ClassPlan, end: float) -> None:
    """The hub answers a moment before the proxy knows the way to it."""
    while time.monotonic() < end:
        with socket.socket() as door:
            if door.connect_ex((plan.address if plan.mode == "try" else "127.0.0.1", plan.port)) == 0:
                return
        time.sleep(0.1)


def stop(hub: subprocess.Popen) -> None:
    """End the hub; it ends the students' servers and the proxy itself, and saves nothing that is not saved already."""
    if hub.poll() is None:
        hub.send_signal(signal.SIGTERM)
        try:
            hub.wait(HUB_STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            os.killpg(hub.pid, signal.SIGKILL)
            hub.wait()
