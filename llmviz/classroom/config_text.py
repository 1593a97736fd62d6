"""A hub's configuration as text: one page that a teacher can read from top to bottom, each choice with its reason."""

import string
import sys
from collections.abc import Sequence
from pathlib import Path

from llmviz.classroom.plan import ClassPlan

# Seconds until a server that nobody uses is stopped.
CULL_SERVERS_AFTER = 5400
# postBuild makes this folder, and the list of fonts, in the image.
HOME_IN_CONTAINER = "/home/jovyan/class"

HEAD = """\
# JupyterHub for a class with llmviz, written by `llmviz class`. $how_to_change
# $isolation
from pathlib import Path

c = get_config()  # noqa: F821 -- JupyterHub gives this function to every configuration
folder = Path($folder)
secrets = folder / "secrets"  # only the owner can read what is in there

# --- who may come in ---------------------------------------------------------------------------------------------
# Nobody but these; a hub that lets in everybody would be one open door more on the school's network.
c.Authenticator.allowed_users = set($students)
"""

TRY_LOGIN = """\
# One password for all, good enough to rehearse with on one machine; nobody is a teacher here.
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = (secrets / "password").read_text().strip()
"""

NATIVE_LOGIN = """\
# Everybody signs up with a password of their own; the teacher lets them in at /hub/authorize.
# Sign up as the teacher yourself, before you tell anybody the address.
c.Authenticator.admin_users = {$teacher}
c.JupyterHub.authenticator_class = "native"
c.NativeAuthenticator.open_signup = False
c.NativeAuthenticator.check_common_password = True
c.NativeAuthenticator.minimum_password_length = 8
c.NativeAuthenticator.allowed_failed_logins = 5
c.NativeAuthenticator.seconds_before_next_try = 60
"""

OAUTH_LOGIN = """\
# The school's own accounts. Its administrator gives these values; they stand in secrets/oauth.json, one JSON object
# with client_id, client_secret, authorize_url, token_url, userdata_url, oauth_callback_url and username_claim.
import json

c.Authenticator.admin_users = {$teacher}
c.JupyterHub.authenticator_class = "generic-oauth"
for name, value in json.loads((secrets / "oauth.json").read_text()).items():
    c.GenericOAuthenticator[name] = value
"""

DOORS = """
# --- where it is reached -----------------------------------------------------------------------------------------
c.JupyterHub.bind_url = $url
$tls
# The ways inside stay inside: the proxy's own interface, and the hub's, answer $inside only.
c.ConfigurableHTTPProxy.api_url = $proxy_api_url
c.JupyterHub.hub_bind_url = $hub_url
c.ConfigurableHTTPProxy.auth_token = (secrets / "proxy_token").read_text().strip()
c.ConfigurableHTTPProxy.command = $proxy
c.ConfigurableHTTPProxy.pid_file = str(folder / "hub" / "proxy.pid")
c.JupyterHub.cookie_secret_file = str(secrets / "cookie_secret")
c.JupyterHub.db_url = f"sqlite:///{folder / 'hub' / 'jupyterhub.sqlite'}"
"""

RUSH = """
# --- thirty at once ----------------------------------------------------------------------------------------------
# All press the button in the same minute: let them all in (else: error 429), and be patient (the usual 30 s lose some).
c.JupyterHub.concurrent_spawn_limit = $size
c.Spawner.http_timeout = 180
c.Spawner.start_timeout = 240
# A server that has ended by itself is noticed without asking all of them every few seconds.
c.Spawner.poll_interval = 60

# --- each student's server ---------------------------------------------------------------------------------------
# Their home is made ready, then the server starts in its place; llmviz/classroom/student.py has its settings: kernels
# that talk through files instead of ports, 120 s for a kernel to answer, kernels stopped after an idle hour.
c.Spawner.cmd = $command
c.Spawner.default_url = $first_page
c.Spawner.environment = {
    # One thread a student: thirty times two threads on two cores make everybody wait seven times as long.
    "OMP_NUM_THREADS": "1",
$path}
# What a lesson that trains needs, and no more than its share.
c.Spawner.mem_limit = "1.2G"
c.Spawner.cpu_limit = 2
$spawner
# --- helpers of the hub ------------------------------------------------------------------------------------------
c.JupyterHub.services = [
    # Stops servers that nobody has used for $cull_minutes minutes.
    {"name": "cull-idle", "command": $cull_command},
    # Starts them before the lesson: llmviz class start.
    {"name": "llmviz-class", "api_token": (secrets / "api_token").read_text().strip()},
]
c.JupyterHub.load_roles = [
    {
        "name": "cull-idle",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["cull-idle"],
    },
    {"name": "start-servers", "scopes": ["list:users", "servers"], "services": ["llmviz-class"]},
]
"""

TRY_SPAWNER = """
# All servers run under the account that runs the hub; the limits above are not enforced here.
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = str(folder / "homes" / "{username}")
"""

SYSTEMD_SPAWNER = """
# Each server is a service of the system with a user of its own, made when it starts; the homes stay in
# /var/lib/private/NAME. The package, its data and everything else of the system can be read and not be written.
c.JupyterHub.spawner_class = "systemd"
c.SystemdSpawner.dynamic_users = True
c.SystemdSpawner.isolate_tmp = True
c.SystemdSpawner.isolate_devices = True
c.SystemdSpawner.disable_user_sudo = True
"""

DOCKER_SPAWNER = """
# Each server is a container of its own; its image holds the package and its data, one volume a student their home.
c.JupyterHub.spawner_class = "docker"
c.DockerSpawner.image = $image
c.DockerSpawner.remove = True
c.DockerSpawner.use_internal_ip = True
c.DockerSpawner.volumes = {"llmviz-{username}": $container_home}
c.DockerSpawner.extra_host_config = {"cap_drop": ["ALL"], "security_opt": ["no-new-privileges"], "pids_limit": 400}
"""

PATH_TEXT = """\
    # Without node in it: with node, every server calls yarn when it starts.
    "PATH": {path},
"""

ISOLATION = {
    "try": "TRY IT mode: everybody shares one account and nobody is isolated from anybody. This machine only.",
    "systemd": "systemd mode: each student has a system user, memory and processors of their own. Run it as root.",
    "docker": "Docker mode: each student has a container, memory and processors of their own.",
}
LOGIN_TEXT = {"native": NATIVE_LOGIN, "oauth": OAUTH_LOGIN}
SPAWNER_TEXT = {"try": TRY_SPAWNER, "systemd": SYSTEMD_SPAWNER, "docker": DOCKER_SPAWNER}


def config_text(plan: ClassPlan, *, proxy: Sequence[str], path: str) -> str:
    """Write the configuration of a plan.

    Args:
        proxy: the command that starts the proxy.
        path: what the students' servers get as PATH; not in Docker mode, where the image has its own.
    """
    login = TRY_LOGIN if plan.mode == "try" else LOGIN_TEXT[plan.login]
    text = HEAD + login + DOORS + RUSH.replace("$spawner", SPAWNER_TEXT[plan.mode].rstrip() + "\n")
    python = "python" if plan.mode == "docker" else sys.executable
    values = {
        "folder": str(plan.folder),
        "students": _lines(plan.students),
        "teacher": plan.teacher,
        "url": plan.url,
        "proxy_api_url": plan.proxy_api_url,
        "hub_url": plan.hub_url,
        "proxy": list(proxy),
        "size": len(plan.students) + 1,
        "command": _student_command(plan, python),
        "first_page": "/lab/workspaces/llmviz/tree/notebooks/00_start_here.ipynb",
        "cull_command": [
            sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={CULL_SERVERS_AFTER}", "--cull-every=300"
        ],
        "image": plan.image,
        "container_home": HOME_IN_CONTAINER,
    }  # fmt: skip
    words = {
        "how_to_change": "Change what you like and start\n# it with: python -m jupyterhub -f jupyterhub_config.py. The "
        "command never overwrites a page that you changed.",
        "isolation": ISOLATION[plan.mode],
        "tls": _tls(plan),
        "path": PATH_TEXT.format(path=_literal(path)) if plan.mode != "docker" else "",
        "inside": "to this machine and its containers" if plan.mode == "docker" else "to this machine",
        "cull_minutes": str(CULL_SERVERS_AFTER // 60),
    }
    written = {name: value if name == "students" else _literal(value) for name, value in values.items()}
    return string.Template(text).substitute(words | written)


def _literal(value: object) -> str:
    """A value as Python writes it, text in double quotes; numbers in lists stay what they are."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return repr(value)


def _lines(names: Sequence[str]) -> str:
    """Names in one string that is split, a few a line: thirty quoted names would hide the page behind them."""
    rows = [" ".join(names[start : start + 8]) for start in range(0, len(names), 8)]
    return '"""\n    ' + "\n    ".join(rows) + '\n""".split()'


def _student_command(plan: ClassPlan, python: str) -> list[str]:
    command = [python, "-m", "llmviz.classroom.student"]
    if plan.mode == "docker":
        return [*command, "--home", HOME_IN_CONTAINER, "--shared", "/home/jovyan/.cache"]
    return [*command, "--shared", str(plan.folder / "shared")]


def _tls(plan: ClassPlan) -> str:
    if plan.certificate and plan.key:
        certificate, key = (_literal(str(Path(file).resolve())) for file in (plan.certificate, plan.key))
        return f"c.JupyterHub.ssl_cert = {certificate}\nc.JupyterHub.ssl_key = {key}"
    return "# Without TLS it answers this machine only; a web server with a certificate can stand in front of it."
